/* merger_test.c: whose counts a snapshot holds, and what happens where memory is out. */
#include "engine/merger.h"

#include "engine/engine_counters.h"
#include "tests/lib/test.h"
#include "topology/lessons.h"

enum { SHARDS = 3 };

struct setting {
    struct catalog *catalog;
    struct lessons *lessons;
    struct publisher *publisher;
    struct worker *workers[SHARDS];
    struct counters counters;
    struct merger_options options;
    unsigned notes;
    uint32_t site;
};

static void note(void *context)
{
    struct setting *setting = context;

    setting->notes++;
}

static void setting_init(struct setting *setting)
{
    struct catalog_limits limits = {10, 10, 10, 10, 100, 0, 1000, 0};
    struct tally_options tally = {&histogram_bounds_default, 10, 10, 10, 64};
    struct publisher_options publisher = {
        .bounds = &histogram_bounds_default,
        .edges_max = 10,
        .operations_max = 10,
        .losses_max = 10,
        .shards = SHARDS,
        .start = {1},
    };
    struct worker_options worker = {
        .shard = {.tally = tally,
                  .pairing_wait_ns = 1,
                  .parent_wait_ns = 1,
                  .messaging_wait_ns = 1,
                  .memory_bytes_max = 1 << 20,
                  .message_bytes_max = 1 << 20,
                  .shards = 1},
    };
    struct site site = {.peer = CATALOG_NONE,
                        .peer_else = CATALOG_NONE,
                        .destination = CATALOG_NONE,
                        .kind = SPAN_KIND_SERVER};
    struct node service = {NODE_SERVICE, VIEW(""), VIEW("shop")};

    memset(setting, 0, sizeof(*setting));
    assert_int_equal(catalog_new(&limits, &setting->catalog), 0);
    assert_int_equal(catalog_node(setting->catalog, &service, &site.service), 0);
    assert_int_equal(catalog_text(setting->catalog, VIEW("op"), &site.operation), 0);
    assert_int_equal(catalog_site(setting->catalog, &site, &setting->site), 0);
    assert_int_equal(lessons_new(10, &setting->lessons), 0);
    publisher.catalog = setting->catalog;
    worker.shard.catalog = setting->catalog;
    assert_int_equal(publisher_new(&publisher, &setting->publisher), 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        worker.number = i;
        assert_int_equal(worker_new(&worker, &setting->workers[i]), 0);
    }
    assert_int_equal(counters_init(&setting->counters, engine_counter_rows, ENGINE_COUNTER_COUNT),
                     0);
    setting->options = (struct merger_options){
        .tally = tally,
        .publisher = setting->publisher,
        .catalog = setting->catalog,
        .lessons = setting->lessons,
        .workers = setting->workers,
        .workers_count = SHARDS,
        .counters = &setting->counters,
        .note = note,
        .context = setting,
    };
}

static void setting_release(struct setting *setting)
{
    for (unsigned i = 0; i < SHARDS; i++)
        worker_free(setting->workers[i]);
    publisher_free(setting->publisher);
    counters_release(&setting->counters);
    lessons_free(setting->lessons);
    catalog_free(setting->catalog);
}

/* One root span of a trace that this shard owns, judged at once. */
static void feed(struct setting *setting, unsigned shard, uint64_t id)
{
    struct span span = {
        .trace = {1, 0},
        .id = id,
        .start_ns = 1000,
        .duration_ns = 1000,
        .weight = WEIGHT_ONE,
        .kind = SPAN_KIND_SERVER,
        .site = setting->site,
    };

    do {
        span.trace[1]++;
        span.trace_hash = span_trace_hash(span.trace, 0);
    } while (span_shard(span.trace_hash, SHARDS) != shard);
    shard_feed(worker_shard(setting->workers[shard]), &span, 1, (struct mono_time){1});
    shard_finish(worker_shard(setting->workers[shard]), (struct mono_time){1});
}

static uint64_t received(struct merger *merger)
{
    struct snapshot *snapshot;
    uint64_t count;

    assert_int_equal(merger_snapshot(merger, &snapshot), 0);
    assert_true(accounting_holds(&snapshot->accounting));
    count = snapshot->accounting.received;
    snapshot_release(snapshot);
    return count;
}

static void merger__adds_up_all_shards(void **state)
{
    struct setting setting;
    struct merger *merger;

    (void)state;
    setting_init(&setting);
    assert_int_equal(merger_new(&setting.options, &merger), 0);
    assert_int_equal(received(merger), 0);
    for (unsigned i = 0; i < SHARDS; i++)
        feed(&setting, i, 1);
    assert_int_equal(received(merger), SHARDS);
    feed(&setting, 0, 2);
    assert_int_equal(received(merger), SHARDS + 1);
    assert_int_equal(received(merger), SHARDS + 1);
    assert_true(setting.notes >= 4);
    merger_stop(merger);
    merger_free(merger);
    merger_free(NULL);
    setting_release(&setting);
}

static void merger__keeps_old_snapshots_as_they_were(void **state)
{
    struct setting setting;
    struct merger *merger;
    struct snapshot *before;

    (void)state;
    setting_init(&setting);
    assert_int_equal(merger_new(&setting.options, &merger), 0);
    feed(&setting, 1, 1);
    assert_int_equal(merger_snapshot(merger, &before), 0);
    feed(&setting, 1, 2);
    assert_int_equal(received(merger), 2);
    assert_int_equal(before->accounting.received, 1);
    assert_int_equal(before->edges[0].requests, WEIGHT_ONE);
    snapshot_release(before);
    merger_free(merger);
    setting_release(&setting);
}

/* Whichever allocation fails, what was counted comes with a later snapshot, once. */
static void merger__owes_what_memory_had_no_room_for(void **state)
{
    bool whole = false;

    (void)state;
    for (long allowed = 0; !whole; allowed++) {
        struct setting setting;
        struct merger *merger;
        struct snapshot *snapshot;
        int status;

        setting_init(&setting);
        assert_int_equal(merger_new(&setting.options, &merger), 0);
        for (unsigned i = 0; i < SHARDS; i++)
            feed(&setting, i, 1);
        mem_fail_after(allowed);
        status = merger_snapshot(merger, &snapshot);
        mem_fail_after(-1);
        if (status == 0) {
            assert_true(accounting_holds(&snapshot->accounting));
            snapshot_release(snapshot);
            whole = true;
        } else {
            assert_int_equal(status, STATUS_NOMEM);
            assert_int_equal(counters_read(&setting.counters, ENGINE_MERGE_FAILURES), 1);
        }
        feed(&setting, 2, 2);
        assert_int_equal(received(merger), SHARDS + 1);
        merger_free(merger);
        setting_release(&setting);
    }
}

static int make(void *context)
{
    struct setting *setting = context;
    struct merger *merger;
    int status = merger_new(&setting->options, &merger);

    if (status == 0)
        merger_free(merger);
    return status;
}

static void merger__survives_failing_memory(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    test_sweep_memory(make, &setting);
    setting_release(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merger__adds_up_all_shards),
        cmocka_unit_test(merger__keeps_old_snapshots_as_they_were),
        cmocka_unit_test(merger__owes_what_memory_had_no_room_for),
        cmocka_unit_test(merger__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
