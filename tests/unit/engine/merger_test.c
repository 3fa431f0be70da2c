/* merger_test.c: whose counts a snapshot holds, and what happens where memory is out. */
#include "engine/merger.h"

#include "engine/engine_counters.h"
#include "tests/lib/test.h"
#include "topology/lessons.h"
#include "topology/window_snapshot.h"

enum { SHARDS = 3 };

struct setting {
    struct catalog *catalog;
    struct lessons *lessons;
    struct windows *windows;
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
    struct tally_options tally = {&histogram_bounds_default, 10, 10, 10, 64, 0, 0};
    struct publisher_options publisher = {
        .bounds = &histogram_bounds_default,
        .edges_max = 10,
        .operations_max = 10,
        .losses_max = 10,
        .shards = SHARDS,
        .start = {1},
    };
    struct windows_options windows = {
        .bounds = &histogram_bounds_default,
        .edges_max = 10,
        .operations_max = 10,
        .losses_max = 10,
        .span_ns = UINT64_MAX / 4, /* From 1970 on. */
        .bytes_max = 1 << 20,
        .answer_bytes_max = 4 << 20,
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
    publisher.catalog = windows.catalog = setting->catalog;
    assert_int_equal(windows_new(&windows, &setting->windows), 0);
    publisher.windows = setting->windows;
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
        .windows = setting->windows,
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
    windows_free(setting->windows);
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

/* What the window of all time has received; its edges and accounting are of one moment. */
static uint64_t received_in_window(struct merger *merger)
{
    struct window_want want = {.window_ns = UINT64_MAX / 4};
    struct window_look *look;
    struct snapshot *snapshot;
    uint64_t requests = 0;
    uint64_t count;

    assert_int_equal(merger_window(merger, &want, &look), 0);
    assert_int_equal(window_snapshot(look, &snapshot), 0);
    window_look_free(look);
    assert_true(snapshot->is_window && accounting_holds(&snapshot->accounting));
    for (size_t i = 0; i < snapshot->edges_count; i++)
        requests += snapshot->edges[i].requests;
    count = snapshot->accounting.received;
    assert_true(requests == count * WEIGHT_ONE); /* Each span is a user's call. */
    snapshot_release(snapshot);
    return count;
}

static void merger__looks_at_windows_up_to_now(void **state)
{
    struct window_want then = {.window_ns = 1, .at = {1 + WINDOWS_SKEW_NS}};
    struct windows_reach reach;
    struct window_look *look;
    struct setting setting;
    struct merger *merger;

    (void)state;
    setting_init(&setting);
    assert_int_equal(merger_new(&setting.options, &merger), 0);
    for (unsigned i = 0; i < SHARDS; i++)
        feed(&setting, i, 1);
    assert_int_equal(received_in_window(merger), SHARDS);
    feed(&setting, 0, 2);
    assert_int_equal(received_in_window(merger), SHARDS + 1);
    assert_int_equal(received(merger), SHARDS + 1);
    assert_int_equal(merger_windows(merger, &reach), 0);
    assert_int_equal(reach.oldest.ns, 1);
    /* A look at the past merges nothing. */
    feed(&setting, 0, 3);
    assert_int_equal(merger_window(merger, &then, &look), 0);
    window_look_free(look);
    assert_int_equal(received_in_window(merger), SHARDS + 2);
    merger_free(merger);
    setting.options.windows = NULL;
    assert_int_equal(merger_new(&setting.options, &merger), 0);
    assert_int_equal(merger_window(merger, &then, &look), STATUS_UNSUPPORTED);
    assert_int_equal(merger_windows(merger, &reach), STATUS_UNSUPPORTED);
    merger_free(merger);
    setting_release(&setting);
}

/* Whichever allocation fails: what the windows cannot have is in none of them, and all else is. */
static void merger__has_no_half_windows(void **state)
{
    bool whole = false;

    (void)state;
    for (long allowed = 0; !whole; allowed++) {
        struct window_want want = {.window_ns = UINT64_MAX / 4};
        struct window_look *look = NULL;
        struct windows_reach reach;
        struct setting setting;
        struct merger *merger;
        int status;

        setting_init(&setting);
        assert_int_equal(merger_new(&setting.options, &merger), 0);
        for (unsigned i = 0; i < SHARDS; i++)
            feed(&setting, i, 1);
        mem_fail_after(allowed);
        status = merger_window(merger, &want, &look);
        mem_fail_after(-1);
        window_look_free(look);
        feed(&setting, 2, 2);
        assert_int_equal(received(merger), SHARDS + 1);
        assert_int_equal(merger_windows(merger, &reach), 0);
        assert_in_range(reach.holes, 0, 1);
        /* A hole took what had been added up by then; what was owed came later. */
        if (reach.holes == 0)
            assert_int_equal(received_in_window(merger), SHARDS + 1);
        else
            assert_in_range(received_in_window(merger), 1, SHARDS + 1);
        whole = status == 0 && reach.holes == 0;
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
        cmocka_unit_test(merger__looks_at_windows_up_to_now),
        cmocka_unit_test(merger__has_no_half_windows),
        cmocka_unit_test(merger__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
