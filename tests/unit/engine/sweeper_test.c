/* sweeper_test.c: names go from one to another while receivers, shards and readers go on. */
#include "engine/sweeper.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/hash.h"
#include "engine/engine.h"
#include "engine/engine_counters.h"
#include "tests/lib/test.h"
#include "tests/lib/trace_build.h"
#include "topology/tally_priv.h"

#define MIB (UINT64_C(1) << 20)

enum { SENDERS = 2, READERS = 2, REQUESTS = 500, SPANS = 40, HELD = 4, TRIES_MAX = 20000 };

static struct options tight_options(void)
{
    struct options options;

    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = 64 * MIB;
    options.topology_memory_bytes_max = 2 * MIB;
    options.receiver_threads = SENDERS;
    options.topology_shards = 2;
    options.pairing_wait_ns = 2 * NS_PER_MS;
    options.pairing_parent_wait_ns = 2 * NS_PER_MS;
    options.messaging_wait_ns = 2 * NS_PER_MS;
    options.metrics_expiration_ns = NS_PER_MS;
    options.names_services_max = 40;
    options.names_operations_max = 40;
    options.names_sites_max = 300;
    options.map_edges_max = 50;
    options.metrics_operations_max = 50;
    options.metrics_losses_max = 50;
    return options;
}

/* ------------------------------------------------------------------ senders */

struct sender {
    struct engine *engine;
    unsigned number;
    uint64_t sent;
    pthread_t thread;
};

/* Names are made of letters, which no template replaces. */
static void word(char out[20], const char *prefix, uint64_t number)
{
    size_t at = (size_t)snprintf(out, 8, "%s", prefix);

    for (unsigned i = 0; i < 10; i++, number /= 26)
        out[at++] = (char)('a' + number % 26);
    out[at] = '\0';
}

/* Roots, each a call from the user, in traces of their own. */
static void send(struct sender *sender, const char *service, const char *operation)
{
    struct trace_build_span spans[SPANS];
    struct grpc_reply reply;
    struct buf request;

    for (size_t i = 0; i < SPANS; i++)
        spans[i] = (struct trace_build_span){.trace = 1 + (sender->sent + i) * SENDERS +
                                                      sender->number,
                                             .id = 1,
                                             .kind = SPAN_KIND_SERVER,
                                             .name = operation,
                                             .start_ns = 1000,
                                             .end_ns = 2000};
    buf_init(&request, 0);
    trace_build_request(&request, service, spans, SPANS);
    do {
        reply = (struct grpc_reply){.code = GRPC_OK};
        engine_export(sender->engine, sender->number, MESSAGE_PROTOBUF, buf_view(&request), &reply);
        buf_release(&reply.message);
        buf_release(&reply.body);
        sched_yield();
    } while (reply.code != GRPC_OK);
    sender->sent += SPANS;
    buf_release(&request);
}

static void *send_all(void *context)
{
    struct sender *sender = context;

    for (uint64_t i = 0; i < REQUESTS; i++) {
        char service[20], operation[20];
        uint64_t number = i * SENDERS + sender->number;
        word(service, "s", i % 3 == 0 ? number : number % 7);
        word(operation, "o", i % 3 == 1 ? number : number % 5);
        send(sender, service, operation);
    }
    return NULL;
}

/* ------------------------------------------------------------------ readers */

struct reader {
    struct engine *engine;
    _Atomic bool over;
    bool broken;
    uint64_t looks;
    pthread_t thread;
};

static uint64_t hash_of(const struct snapshot *snapshot)
{
    uint64_t hash = 1;

    for (size_t i = 0; i < snapshot->nodes_count; i++) {
        const struct node *node = &snapshot->nodes[i].node;
        hash = hash64(node->name.data, node->name.size, hash);
        hash = hash64(node->namespace.data, node->namespace.size, hash);
    }
    for (size_t i = 0; i < snapshot->operations_count; i++)
        hash = hash64(snapshot->operations[i].name.data, snapshot->operations[i].name.size, hash);
    return hash;
}

static uint64_t calls_of(const struct snapshot *snapshot)
{
    uint64_t calls = 0;

    for (size_t i = 0; i < snapshot->operations_count; i++)
        calls += snapshot->operations[i].calls;
    return calls;
}

static uint64_t requests_of(const struct snapshot *snapshot)
{
    uint64_t requests = 0;

    for (size_t i = 0; i < snapshot->edges_count; i++)
        requests += snapshot->edges[i].requests;
    return requests;
}

/* Each span is one call of an operation and one request, wherever they are counted by now. */
static bool adds_up(const struct snapshot *snapshot)
{
    return accounting_holds(&snapshot->accounting) &&
           requests_of(snapshot) == snapshot->accounting.paired * WEIGHT_ONE &&
           calls_of(snapshot) == snapshot->accounting.paired * WEIGHT_ONE;
}

/* Keeps some snapshots for a while: they say in the end what they said first. */
static void *read_all(void *context)
{
    struct reader *reader = context;
    struct snapshot *held[HELD] = {NULL};
    uint64_t hashes[HELD] = {0};

    for (; !atomic_load(&reader->over); reader->looks++) {
        size_t i = reader->looks % HELD;
        if (held[i] != NULL && hash_of(held[i]) != hashes[i])
            reader->broken = true;
        snapshot_release(held[i]);
        held[i] = NULL;
        if (engine_snapshot(reader->engine, &held[i]) != 0 || !adds_up(held[i]))
            reader->broken = true;
        if (held[i] != NULL)
            hashes[i] = hash_of(held[i]);
    }
    for (size_t i = 0; i < HELD; i++)
        snapshot_release(held[i]);
    return NULL;
}

/* ------------------------------------------------------------------ the test */

static bool has_node(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->nodes_count; i++)
        if (view_equal(snapshot->nodes[i].node.name, view_of(name)))
            return true;
    return false;
}

static uint64_t given(struct engine *engine)
{
    return counters_read(engine_counters(engine), ENGINE_GIVEN_SERVICES);
}

static void start(struct engine *engine, struct sender senders[SENDERS],
                  struct reader readers[READERS])
{
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.engine = engine, .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.engine = engine};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
}

/* A newcomer gets a name sooner or later, as others push the spans of the flood out. */
static void wait_for_newcomer(struct engine *engine, struct sender *sender)
{
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        struct snapshot *snapshot;
        bool is_there;
        send(sender, "steady", "steady");
        send(sender, "newcomer", "newcomer");
        assert_int_equal(engine_snapshot(engine, &snapshot), 0);
        is_there = has_node(snapshot, "newcomer") && given(engine) != 0;
        snapshot_release(snapshot);
        if (is_there)
            return;
    }
    fail_msg("the newcomer got no name");
}

static void sweeper__gives_names_to_others_while_all_go_on(void **state)
{
    struct options options = tight_options();
    struct engine_setup setup = {.threaded = true, .machine = {256 * MIB, 2}};
    struct sender senders[SENDERS];
    struct reader readers[READERS];
    struct snapshot *snapshot;
    struct engine *engine;
    uint64_t sent = 0;
    char error[256];

    (void)state;
    assert_int_equal(engine_new(&options, &setup, error, &engine), 0);
    assert_int_equal(engine_start(engine), 0);
    start(engine, senders, readers);
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
    wait_for_newcomer(engine, &senders[0]);
    for (unsigned i = 0; i < READERS; i++) {
        atomic_store(&readers[i].over, true);
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_false(readers[i].broken);
        assert_true(readers[i].looks > HELD);
    }
    engine_stop(engine);
    assert_int_equal(engine_snapshot(engine, &snapshot), 0);
    for (unsigned i = 0; i < SENDERS; i++)
        sent += senders[i].sent;
    assert_int_equal(snapshot->accounting.received, sent);
    assert_int_equal(snapshot->accounting.waiting, 0);
    assert_true(adds_up(snapshot));
    snapshot_release(snapshot);
    engine_free(engine);
    options_release(&options);
}

/* ------------------------------------------------------------------ the pace */

/* A sweeper of few names that nobody but lessons holds. */
struct desk {
    struct catalog *catalog;
    struct lessons *lessons;
    struct publisher *publisher;
    struct sweeper sweeper;
    uint64_t now_ns;
};

static void desk_init(struct desk *desk)
{
    struct catalog_limits limits = {.services_max = 8,
                                    .peers_max = 8,
                                    .operations_max = 8,
                                    .sites_max = 8,
                                    .text_bytes_max = 32,
                                    .service_operations_max = 3};
    struct publisher_options publisher = {.bounds = &histogram_bounds_default,
                                          .edges_max = 8,
                                          .operations_max = 8,
                                          .losses_max = 8,
                                          .expiration_ns = NS_PER_S,
                                          .shards = 1};

    *desk = (struct desk){.now_ns = NS_PER_S};
    assert_int_equal(catalog_new(&limits, &desk->catalog), 0);
    assert_int_equal(lessons_new(8, &desk->lessons), 0);
    publisher.catalog = desk->catalog;
    assert_int_equal(publisher_new(&publisher, &desk->publisher), 0);
    sweeper_init(&desk->sweeper, &(struct sweeper){.catalog = desk->catalog,
                                                   .lessons = desk->lessons,
                                                   .publisher = desk->publisher});
}

static void desk_release(struct desk *desk)
{
    publisher_free(desk->publisher);
    lessons_free(desk->lessons);
    catalog_free(desk->catalog);
}

static uint32_t desk_service(struct desk *desk, unsigned number)
{
    char name[8];
    struct node node = {NODE_SERVICE, {NULL, 0}, {name, 0}};
    uint32_t service = 0;

    node.name.size = (size_t)snprintf(name, sizeof(name), "s%u", number);
    assert_int_equal(catalog_node(desk->catalog, &node, &service), 0);
    return service;
}

/* One merge after the other, a second apart; whether names were taken out. */
static bool desk_step(struct desk *desk, unsigned seconds)
{
    bool any = false;

    for (unsigned i = 0; i < seconds; i++) {
        desk->now_ns += NS_PER_S;
        while (sweeper_step(&desk->sweeper, (struct mono_time){desk->now_ns},
                            (struct wall_time){desk->now_ns}))
            any = true;
    }
    return any;
}

static void sweeper__rests_while_there_is_room(void **state)
{
    struct desk desk;
    struct catalog_counts counts;

    (void)state;
    desk_init(&desk);
    for (unsigned i = 0; i < 5; i++)
        (void)desk_service(&desk, i);
    assert_false(desk_step(&desk, 10));
    assert_int_equal(desk.sweeper.sweeps, 0);
    (void)desk_service(&desk, 5); /* Three quarters. */
    assert_true(desk_step(&desk, 10));
    assert_int_equal(desk.sweeper.sweeps, 1);
    catalog_read_counts(desk.catalog, &counts);
    assert_int_equal(counts.given.services, 6);
    desk_release(&desk);
}

/* A service's own quota is none of the tables', but turning away begins a sweep too. */
static void sweeper__begins_where_a_name_was_turned_away(void **state)
{
    struct desk desk;
    struct node node = {NODE_EXTERNAL, VIEW(""), VIEW("x")};
    uint32_t number;

    (void)state;
    desk_init(&desk);
    for (unsigned i = 0; i < 8; i++)
        lessons_teach(desk.lessons, 1 + i, desk_service(&desk, i));
    assert_int_equal(desk_service(&desk, 8), CATALOG_OVERFLOW);
    assert_int_equal(catalog_node(desk.catalog, &node, &number), 0);
    assert_true(desk_step(&desk, 10)); /* The peer; lessons keep the services. */
    assert_true(catalog_node_left(desk.catalog, number));
    assert_int_equal(desk_service(&desk, 8), CATALOG_OVERFLOW);
    assert_int_not_equal(desk_service(&desk, 7), CATALOG_OVERFLOW);
    desk_release(&desk);
}

static uint32_t desk_operation(struct desk *desk, uint32_t service, const char *name)
{
    uint32_t operation = 0;

    assert_int_equal(catalog_operation(desk->catalog, service, view_of(name), &operation), 0);
    return operation;
}

/* A series of an operation, which is idle soon. */
static void desk_count(struct desk *desk, uint32_t service, uint32_t operation)
{
    static const struct tally_options options = {&histogram_bounds_default, 8, 8, 8, 64, 0, 0};
    struct tally_call call = {
        .service = service, .name = operation, .kind = SPAN_KIND_SERVER, .weight = WEIGHT_ONE};
    struct tally *tally;

    assert_int_equal(tally_new(&options, &tally), 0);
    tally_add_call(tally, &call);
    tally_flush(tally);
    assert_int_equal(publisher_absorb(desk->publisher, 0, tally, (struct wall_time){desk->now_ns}),
                     0);
    tally_free(tally);
}

static uint64_t desk_operations_left(struct desk *desk)
{
    struct snapshot *snapshot;
    uint64_t left;

    assert_int_equal(
        publisher_snapshot(desk->publisher, (struct wall_time){desk->now_ns}, &snapshot), 0);
    left = snapshot->counts.operations_left;
    snapshot_release(snapshot);
    return left;
}

/* It may have some back that no series has, but no series leaves for it: no table is short. */
static void sweeper__lets_no_series_leave_for_a_services_own_quota(void **state)
{
    struct desk desk;
    uint32_t busy, idle;

    (void)state;
    desk_init(&desk);
    busy = desk_service(&desk, 0);
    idle = desk_service(&desk, 1);
    lessons_teach(desk.lessons, 1, busy);
    desk_count(&desk, idle, desk_operation(&desk, idle, "old"));
    for (unsigned i = 0; i < 3; i++)
        (void)desk_operation(&desk, busy, (const char *[]){"a", "b", "c"}[i]);
    assert_false(desk_step(&desk, 10));
    assert_int_equal(desk_operation(&desk, busy, "d"), CATALOG_OVERFLOW);
    assert_true(desk_step(&desk, 10));
    assert_int_equal(desk.sweeper.sweeps, 1);
    assert_int_equal(desk_operations_left(&desk), 0);
    assert_int_not_equal(desk_operation(&desk, busy, "d"), CATALOG_OVERFLOW);
    /* A table of all is short of room: now it leaves. */
    for (unsigned i = 2; i < 8; i++)
        (void)desk_operation(&desk, desk_service(&desk, i), (const char[]){(char)('a' + i), '\0'});
    assert_true(desk_step(&desk, 10));
    assert_int_equal(desk_operations_left(&desk), 1);
    desk_release(&desk);
}

static void sweeper__comes_seldom_where_all_is_in_use(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    for (unsigned i = 0; i < 8; i++)
        lessons_teach(desk.lessons, 1 + i, desk_service(&desk, i));
    assert_true(desk_step(&desk, 200));
    assert_true(desk.sweeper.sweeps >= 5 && desk.sweeper.sweeps <= 10);
    assert_true(desk.sweeper.pause_ns == 60 * NS_PER_S);
    desk_release(&desk);
}

static void sweeper__waits_for_a_snapshot_that_is_read(void **state)
{
    struct desk desk;
    struct snapshot *snapshot;
    uint32_t service;

    (void)state;
    desk_init(&desk);
    for (unsigned i = 0; i < 8; i++)
        service = desk_service(&desk, i);
    assert_int_equal(publisher_snapshot(desk.publisher, (struct wall_time){desk.now_ns}, &snapshot),
                     0);
    assert_true(desk_step(&desk, 10));
    assert_int_equal(desk.sweeper.sweeps, 0);
    assert_int_equal(desk_service(&desk, 20), CATALOG_OVERFLOW);
    assert_true(catalog_node_left(desk.catalog, service));
    snapshot_release(snapshot);
    (void)desk_step(&desk, 1);
    assert_int_equal(desk.sweeper.sweeps, 1);
    assert_int_not_equal(desk_service(&desk, 20), CATALOG_OVERFLOW);
    desk_release(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeper__rests_while_there_is_room),
        cmocka_unit_test(sweeper__begins_where_a_name_was_turned_away),
        cmocka_unit_test(sweeper__lets_no_series_leave_for_a_services_own_quota),
        cmocka_unit_test(sweeper__comes_seldom_where_all_is_in_use),
        cmocka_unit_test(sweeper__waits_for_a_snapshot_that_is_read),
        cmocka_unit_test(sweeper__gives_names_to_others_while_all_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
