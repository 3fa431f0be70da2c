/* door_test.c: a request is taken on whole or not at all. */
#include "engine/door.h"

#include "engine/engine_counters.h"
#include "tests/lib/test.h"
#include "tests/lib/trace_build.h"

enum { SHARDS = 2, RING_SPANS = 8 };

struct setting {
    struct catalog *catalog;
    struct naming *naming;
    struct publisher *publisher;
    struct worker *workers[SHARDS];
    struct counters counters;
    struct door_options options;
};

static void setting_init(struct setting *setting)
{
    struct catalog_limits limits = {10, 10, 10, 10, 100, 0, 1000, 0};
    struct tally_options tally = {&histogram_bounds_default, 10, 10, 10, 64, 0, 0};
    struct naming_options naming = {0};
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
        .producers = 1,
        .ring_spans = RING_SPANS,
    };
    char error[256];

    memset(setting, 0, sizeof(*setting));
    assert_int_equal(catalog_new(&limits, &setting->catalog), 0);
    assert_int_equal(naming_new(&naming, error, &setting->naming), 0);
    publisher.catalog = setting->catalog;
    worker.shard.catalog = setting->catalog;
    assert_int_equal(publisher_new(&publisher, &setting->publisher), 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        worker.number = i;
        assert_int_equal(worker_new(&worker, &setting->workers[i]), 0);
    }
    assert_int_equal(counters_init(&setting->counters, engine_counter_rows, ENGINE_COUNTER_COUNT),
                     0);
    setting->options = (struct door_options){
        .decoder = {.naming = setting->naming,
                    .catalog = setting->catalog,
                    .spans_max = RING_SPANS},
        .workers = setting->workers,
        .workers_count = SHARDS,
        .publisher = setting->publisher,
        .counters = &setting->counters,
    };
}

static void setting_release(struct setting *setting)
{
    for (unsigned i = 0; i < SHARDS; i++)
        worker_free(setting->workers[i]);
    publisher_free(setting->publisher);
    naming_free(setting->naming);
    counters_release(&setting->counters);
    catalog_free(setting->catalog);
}

/* A trace that this shard owns; `number` tells several apart. */
static uint64_t trace_of(unsigned shard, unsigned number)
{
    for (uint64_t low = 1;; low++) {
        /* The ids as they lie in memory, as the decoder reads them. */
        uint64_t trace[2] = {__builtin_bswap64(1), __builtin_bswap64(low)};

        if (span_shard(span_trace_hash(trace, 0), SHARDS) == shard && number-- == 0)
            return low;
    }
}

/* A request of so many spans for each shard, and of as many without a valid id. */
static int admit(struct door *door, unsigned first, unsigned second, unsigned invalid)
{
    struct trace_build_span spans[64];
    const struct otlp_stage *stage;
    size_t count = 0;
    struct buf request;
    int status;

    for (unsigned i = 0; i < first + second + invalid; i++) {
        uint64_t trace = i < first ? trace_of(0, i) : i < first + second ? trace_of(1, i) : 0;

        spans[count++] = (struct trace_build_span){trace, 1 + i, 0, SPAN_KIND_SERVER, "op", 1, 2};
    }
    buf_init(&request, 0);
    trace_build_request(&request, "shop", spans, count);
    status = door_admit(door, DOOR_PROTOBUF, buf_view(&request), &stage);
    buf_release(&request);
    return status;
}

static uint64_t rejected(struct setting *setting)
{
    struct snapshot *snapshot;
    uint64_t count;

    assert_int_equal(publisher_snapshot(setting->publisher, (struct wall_time){2}, &snapshot), 0);
    count = snapshot->accounting.rejected[REJECTED_INVALID_ID];
    assert_int_equal(snapshot->accounting.received, count);
    snapshot_release(snapshot);
    return count;
}

static void door__sends_each_span_to_its_shard(void **state)
{
    struct setting setting;
    struct door *door;
    struct span spans[RING_SPANS];

    (void)state;
    setting_init(&setting);
    assert_int_equal(door_new(&setting.options, &door), 0);
    assert_int_equal(admit(door, 3, 2, 0), 0);
    assert_int_equal(ring_pop(worker_ring(setting.workers[0], 0), spans, RING_SPANS), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(span_shard(spans[i].trace_hash, SHARDS), 0);
    assert_int_equal(ring_pop(worker_ring(setting.workers[1], 0), spans, RING_SPANS), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(span_shard(spans[i].trace_hash, SHARDS), 1);
    assert_int_equal(counters_read(&setting.counters, ENGINE_SPANS_ADMITTED), 5);
    /* They ended in 1970. */
    assert_int_equal(counters_read(&setting.counters, ENGINE_LATENESS_MORE), 5);
    door_free(door);
    door_free(NULL);
    setting_release(&setting);
}

static void door__takes_nothing_where_one_ring_is_full(void **state)
{
    struct setting setting;
    struct door *door;
    struct span spans[RING_SPANS];

    (void)state;
    setting_init(&setting);
    assert_int_equal(door_new(&setting.options, &door), 0);
    assert_int_equal(admit(door, RING_SPANS - 1, 0, 1), 0);
    assert_int_equal(rejected(&setting), 1);
    /* Two more do not fit into the first ring; the other ring has room for its one. */
    assert_int_equal(admit(door, 2, 1, 1), STATUS_BUSY);
    assert_int_equal(worker_waiting(setting.workers[0]), RING_SPANS - 1);
    assert_int_equal(worker_waiting(setting.workers[1]), 0);
    assert_int_equal(rejected(&setting), 1);
    assert_int_equal(counters_read(&setting.counters, ENGINE_REQUESTS_BUSY), 1);
    assert_int_equal(counters_read(&setting.counters, ENGINE_SPANS_REJECTED), 1);
    /* What needs no room there is taken, to the last slot. */
    assert_int_equal(admit(door, 1, 1, 0), 0);
    assert_int_equal(admit(door, 0, RING_SPANS - 1, 0), 0);
    assert_int_equal(admit(door, 0, 1, 0), STATUS_BUSY);
    assert_int_equal(admit(door, 0, 0, 3), 0);
    assert_int_equal(rejected(&setting), 4);
    assert_int_equal(ring_pop(worker_ring(setting.workers[0], 0), spans, 1), 1);
    assert_int_equal(admit(door, 1, 0, 0), 0);
    door_free(door);
    setting_release(&setting);
}

static void door__refuses_what_no_ring_could_take(void **state)
{
    struct setting setting;
    struct grpc_reply reply = {0};
    struct trace_build_span spans[RING_SPANS + 1];
    struct buf request;
    struct door *door;

    (void)state;
    setting_init(&setting);
    assert_int_equal(door_new(&setting.options, &door), 0);
    for (unsigned i = 0; i <= RING_SPANS; i++)
        spans[i] = (struct trace_build_span){1, 1 + i, 0, SPAN_KIND_SERVER, "op", 1, 2};
    buf_init(&request, 0);
    trace_build_request(&request, "shop", spans, RING_SPANS + 1);
    door_export(door, DOOR_PROTOBUF, buf_view(&request), &reply);
    assert_int_equal(reply.code, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(reply.retry_delay_ns, 0);
    assert_int_equal(counters_read(&setting.counters, ENGINE_REQUESTS_TOO_LARGE), 1);
    buf_release(&reply.message);
    buf_release(&request);
    door_free(door);
    setting_release(&setting);
}

static void door__spreads_its_retry_delays(void **state)
{
    struct setting setting;
    struct grpc_reply reply = {0};
    struct trace_build_span span = {1, 1, 0, SPAN_KIND_SERVER, "op", 1, 2};
    uint64_t least = UINT64_MAX, most = 0;
    struct buf request;
    struct door *door;

    (void)state;
    setting_init(&setting);
    assert_int_equal(door_new(&setting.options, &door), 0);
    buf_init(&request, 0);
    trace_build_request(&request, "shop", &span, 1);
    for (unsigned i = 0; i < RING_SPANS + 50; i++) {
        buf_reset(&reply.message);
        door_export(door, DOOR_PROTOBUF, buf_view(&request), &reply);
        if (i < RING_SPANS)
            continue;
        assert_int_equal(reply.code, GRPC_UNAVAILABLE);
        least = reply.retry_delay_ns < least ? reply.retry_delay_ns : least;
        most = reply.retry_delay_ns > most ? reply.retry_delay_ns : most;
    }
    assert_in_range(least, 200 * NS_PER_MS, 400 * NS_PER_MS);
    assert_in_range(most, least + 1, 600 * NS_PER_MS);
    buf_release(&reply.message);
    buf_release(&reply.body);
    buf_release(&request);
    door_free(door);
    setting_release(&setting);
}

static int make(void *context)
{
    struct setting *setting = context;
    struct door *door;
    int status = door_new(&setting->options, &door);

    if (status == 0)
        door_free(door);
    return status;
}

static void door__survives_failing_memory(void **state)
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
        cmocka_unit_test(door__sends_each_span_to_its_shard),
        cmocka_unit_test(door__takes_nothing_where_one_ring_is_full),
        cmocka_unit_test(door__refuses_what_no_ring_could_take),
        cmocka_unit_test(door__spreads_its_retry_delays),
        cmocka_unit_test(door__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
