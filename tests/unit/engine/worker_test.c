/* worker_test.c: spans through rings to a shard's thread, and tallies back. */
#include "engine/worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/lib/test.h"
#include "topology/publisher.h"

enum { PRODUCERS = 3, SPANS_EACH = 20000 };

struct setting {
    struct catalog *catalog;
    struct publisher *publisher;
    struct tally *spare;
    struct worker_options options;
    uint32_t site;
};

static struct setting setting_of(unsigned producers)
{
    struct catalog_limits limits = {10, 10, 10, 10, 100, 0, 1000, 0};
    struct tally_options tally = {&histogram_bounds_default, 10, 10, 10, 64, 0, 0};
    struct publisher_options publisher = {
        .bounds = &histogram_bounds_default,
        .edges_max = 10,
        .operations_max = 10,
        .losses_max = 10,
        .shards = 1,
        .start = {1},
    };
    struct site site = {.peer = CATALOG_NONE,
                        .peer_else = CATALOG_NONE,
                        .destination = CATALOG_NONE,
                        .kind = SPAN_KIND_SERVER};
    struct node service = {NODE_SERVICE, VIEW(""), VIEW("shop")};
    struct setting setting;

    assert_int_equal(catalog_new(&limits, &setting.catalog), 0);
    publisher.catalog = setting.catalog;
    assert_int_equal(publisher_new(&publisher, &setting.publisher), 0);
    assert_int_equal(tally_new(&tally, &setting.spare), 0);
    assert_int_equal(catalog_node(setting.catalog, &service, &site.service), 0);
    assert_int_equal(catalog_text(setting.catalog, VIEW("op"), &site.operation), 0);
    assert_int_equal(catalog_site(setting.catalog, &site, &setting.site), 0);
    setting.options = (struct worker_options){
        .shard =
            {
                .catalog = setting.catalog,
                .tally = tally,
                .pairing_wait_ns = NS_PER_MS,
                .parent_wait_ns = NS_PER_MS,
                .messaging_wait_ns = NS_PER_MS,
                .memory_bytes_max = 16 << 20,
                .message_bytes_max = 1 << 20,
                .shards = 1,
            },
        .producers = producers,
        .ring_spans = 256,
    };
    return setting;
}

static void setting_release(struct setting *setting)
{
    tally_free(setting->spare);
    publisher_free(setting->publisher);
    catalog_free(setting->catalog);
}

static struct span span_of(const struct setting *setting, uint64_t number)
{
    struct span span = {
        .trace = {1, number},
        .id = number,
        .start_ns = 1000,
        .duration_ns = 1000,
        .weight = WEIGHT_ONE,
        .kind = SPAN_KIND_SERVER,
        .site = setting->site,
    };

    span.trace_hash = span_trace_hash(span.trace, setting->options.shard.hash_seed);
    return span;
}

/* What has been counted so far; the law is checked on the way. */
static struct accounting counted(struct setting *setting, struct worker *worker)
{
    struct snapshot *snapshot;
    struct accounting accounting;

    worker_swap(worker, &setting->spare);
    assert_int_equal(publisher_absorb(setting->publisher, 0, setting->spare, (struct wall_time){2}),
                     0);
    assert_int_equal(publisher_snapshot(setting->publisher, (struct wall_time){2}, &snapshot), 0);
    accounting = snapshot->accounting;
    assert_true(accounting_holds(&accounting));
    snapshot_release(snapshot);
    return accounting;
}

struct producer {
    const struct setting *setting;
    struct worker *worker;
    unsigned number;
    pthread_t thread;
};

static void *produce(void *context)
{
    struct producer *producer = context;
    struct ring *ring = worker_ring(producer->worker, producer->number);

    for (uint64_t i = 0; i < SPANS_EACH; i++) {
        struct span span = span_of(producer->setting, 1 + i * PRODUCERS + producer->number);
        while (ring_push(ring, &span, 1) != 0)
            sched_yield();
        worker_wake(producer->worker);
    }
    return NULL;
}

static void worker__without_a_thread_is_its_owners(void **state)
{
    struct setting setting = setting_of(0);
    struct worker *worker;
    struct span span = span_of(&setting, 1);

    (void)state;
    assert_int_equal(worker_new(&setting.options, &worker), 0);
    shard_feed(worker_shard(worker), &span, 1, (struct mono_time){1});
    assert_int_equal(counted(&setting, worker).waiting, 1);
    assert_int_equal(worker_remembered(worker), 1);
    shard_finish(worker_shard(worker), (struct mono_time){1});
    assert_int_equal(counted(&setting, worker).paired, 1);
    assert_int_equal(worker_waiting(worker), 0);
    worker_free(worker);
    worker_free(NULL);
    setting_release(&setting);
}

static void worker__feeds_all_before_it_stops(void **state)
{
    struct setting setting = setting_of(1);
    struct worker *worker;
    struct accounting accounting;

    (void)state;
    setting.options.shard.pairing_wait_ns = 3600 * NS_PER_S;
    assert_int_equal(worker_new(&setting.options, &worker), 0);
    for (uint64_t i = 1; i <= 200; i++) {
        struct span span = span_of(&setting, i);
        assert_int_equal(ring_push(worker_ring(worker, 0), &span, 1), 0);
    }
    assert_int_equal(worker_waiting(worker), 200);
    assert_int_equal(worker_start(worker), 0);
    worker_stop(worker);
    workers_finish(&worker, 1, clock_mono());
    assert_int_equal(worker_waiting(worker), 0);
    accounting = counted(&setting, worker);
    assert_int_equal(accounting.received, 200);
    assert_int_equal(accounting.paired, 200);
    worker_free(worker);
    setting_release(&setting);
}

static void worker__loses_nothing_between_threads(void **state)
{
    struct setting setting = setting_of(PRODUCERS);
    struct producer producers[PRODUCERS];
    struct worker *worker;
    struct accounting accounting;
    uint64_t before = 0;

    (void)state;
    assert_int_equal(worker_new(&setting.options, &worker), 0);
    assert_int_equal(worker_start(worker), 0);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&setting, worker, i, 0};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    do {
        accounting = counted(&setting, worker);
        assert_true(accounting.received >= before);
        before = accounting.received;
    } while (accounting.received < PRODUCERS * SPANS_EACH);
    for (unsigned i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_join(producers[i].thread, NULL), 0);
    worker_stop(worker);
    workers_finish(&worker, 1, clock_mono());
    accounting = counted(&setting, worker);
    assert_int_equal(accounting.received, PRODUCERS * SPANS_EACH);
    assert_int_equal(accounting.paired, PRODUCERS * SPANS_EACH);
    worker_free(worker);
    setting_release(&setting);
}

/* Long enough between two spans that the thread has gone to sleep. */
static void worker__wakes_for_each_span(void **state)
{
    struct setting setting = setting_of(1);
    struct worker *worker;

    (void)state;
    assert_int_equal(worker_new(&setting.options, &worker), 0);
    assert_int_equal(worker_start(worker), 0);
    for (uint64_t i = 1; i <= 5; i++) {
        struct span span = span_of(&setting, i);
        struct timespec pause = {0, 60000000};

        nanosleep(&pause, NULL);
        assert_int_equal(ring_push(worker_ring(worker, 0), &span, 1), 0);
        worker_wake(worker);
        while (worker_waiting(worker) != 0)
            sched_yield();
    }
    /* Judged by the ticks of a thread that sleeps. */
    while (counted(&setting, worker).paired != 5)
        sched_yield();
    worker_free(worker);
    setting_release(&setting);
}

struct reader {
    const struct worker *worker;
    _Atomic bool looks;
    _Atomic bool over;
    uint64_t most;
    pthread_t thread;
};

static void *read_figures(void *context)
{
    struct reader *reader = context;

    while (!atomic_load(&reader->over)) {
        uint64_t bytes = worker_memory_bytes(reader->worker) + worker_message_bytes(reader->worker);
        reader->most = bytes > reader->most ? bytes : reader->most;
        (void)worker_remembered(reader->worker);
        (void)worker_waiting(reader->worker);
        atomic_store(&reader->looks, true);
    }
    return NULL;
}

/* A page of figures may be asked for while the engine stops; TSan looks on. */
static void worker__tells_figures_while_it_stops(void **state)
{
    struct setting setting = setting_of(1);
    struct reader reader = {.most = 0};
    struct worker *worker;

    (void)state;
    setting.options.shard.pairing_wait_ns = 3600 * NS_PER_S;
    assert_int_equal(worker_new(&setting.options, &worker), 0);
    assert_int_equal(worker_start(worker), 0);
    reader.worker = worker;
    assert_int_equal(pthread_create(&reader.thread, NULL, read_figures, &reader), 0);
    while (!atomic_load(&reader.looks))
        sched_yield();
    for (uint64_t i = 1; i <= 200; i++) {
        struct span span = span_of(&setting, i);
        assert_int_equal(ring_push(worker_ring(worker, 0), &span, 1), 0);
    }
    worker_stop(worker);
    assert_int_equal(worker_remembered(worker), 200);
    workers_finish(&worker, 1, clock_mono());
    atomic_store(&reader.over, true);
    assert_int_equal(pthread_join(reader.thread, NULL), 0);
    assert_true(reader.most != 0);
    assert_true(worker_memory_bytes(worker) == shard_memory_bytes(worker_shard(worker)));
    assert_true(worker_message_bytes(worker) == shard_message_bytes(worker_shard(worker)));
    assert_true(worker_remembered(worker) == shard_remembered(worker_shard(worker)));
    worker_free(worker);
    setting_release(&setting);
}

static int make(void *context)
{
    struct setting *setting = context;
    struct worker *worker;
    int status = worker_new(&setting->options, &worker);

    if (status == 0)
        worker_free(worker);
    return status;
}

static void worker__survives_failing_memory(void **state)
{
    struct setting setting = setting_of(2);

    (void)state;
    test_sweep_memory(make, &setting);
    setting_release(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker__without_a_thread_is_its_owners),
        cmocka_unit_test(worker__feeds_all_before_it_stops),
        cmocka_unit_test(worker__loses_nothing_between_threads),
        cmocka_unit_test(worker__wakes_for_each_span),
        cmocka_unit_test(worker__tells_figures_while_it_stops),
        cmocka_unit_test(worker__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
