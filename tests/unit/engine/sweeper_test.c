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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeper__gives_names_to_others_while_all_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
