/* shard_nested_test.c: producers in and around other callers that have left the span memory (E4).
 *
 * Producers wait a day here, spans are remembered for a minute.
 */
#include "tests/lib/shard_fixture.h"
#include "topology/shard_priv.h"

#define DIRECT "service//front -> service//back [messaging_system]"
#define SENT "service//front -> messaging//q [messaging_system]"
#define EXTERNAL "service//front -> external//x [virtual_node]"

enum { MESSAGE = 1, AROUND = 2, FILL = 30000 };

static const struct world_options hours = {.memory_bytes_max = 1 << 20,
                                           .messaging_wait_ns = 24 * 3600 * NS_PER_S};

static struct span producer(struct fixture *fixture, uint64_t id, uint64_t parent)
{
    struct world_site site = {.service = "front",
                              .kind = SPAN_KIND_PRODUCER,
                              .call = CALL_MESSAGING,
                              .peer = "messaging//q",
                              .destination = "messaging//q"};

    return world_span(world_site(&fixture->world, &site), SPAN_KIND_PRODUCER, id, parent);
}

/* Spans that have to do with nothing. */
static void fill(struct fixture *fixture, uint64_t count, uint64_t now_ns)
{
    static uint64_t id = 1000;

    for (uint64_t i = 0; i < count; i++) {
        struct span span = world_span(fixture->front_internal, SPAN_KIND_INTERNAL, ++id, 0);
        span.trace[1] = 77;
        feed_at(fixture, span, now_ns);
    }
}

static void take(struct fixture *fixture, uint64_t id, uint64_t now_ns)
{
    struct world_link link = {1, id};
    struct span span = world_span(fixture->back_consumer, SPAN_KIND_CONSUMER, 1, 0);

    span.trace[1] = 99;
    span.links = 1;
    feed_at(fixture, span, now_ns);
    world_link(&fixture->world, &span, &link, 1, now_ns);
}

struct outcome {
    bool message_first; /* The inner span comes before the one around it, */
    bool apart;         /* and leaves before, or after, that does. */
    bool is_taken;
};

static const struct outcome outcomes[] = {
    {true, false, false},  {true, false, true},  {true, true, false},  {true, true, true},
    {false, false, false}, {false, false, true}, {false, true, false}, {false, true, true},
};

static double broker_requests(const struct snapshot *snapshot, const char *name)
{
    const struct snapshot_edge *edge = world_broker_edge(snapshot, name);

    return edge != NULL ? (double)edge->requests / (double)WEIGHT_ONE : 0;
}

/* A message in another caller: both leave, then it is taken, or never. */
static struct snapshot *live_through(struct fixture *fixture, struct span around,
                                     const struct outcome *outcome)
{
    struct span message = producer(fixture, MESSAGE, AROUND);
    uint64_t now_ns = start_ns;

    feed_at(fixture, outcome->message_first ? message : around, now_ns);
    if (outcome->apart)
        fill(fixture, 600, now_ns);
    feed_at(fixture, outcome->message_first ? around : message, now_ns);
    now_ns += 11 * NS_PER_S;
    world_tick(&fixture->world, now_ns);
    /* Some, so that one of the two leaves alone where they lie apart; then all. */
    for (unsigned i = 0; i < FILL / 100; i++) {
        fill(fixture, 100, now_ns);
        now_ns += 12 * NS_PER_S;
        world_tick(&fixture->world, now_ns);
    }
    now_ns += 5 * 3600 * NS_PER_S;
    world_tick(&fixture->world, now_ns);
    if (outcome->is_taken)
        take(fixture, MESSAGE, now_ns);
    now_ns += 11 * NS_PER_S;
    world_tick(&fixture->world, now_ns);
    world_tick(&fixture->world, now_ns + 20 * 3600 * NS_PER_S);
    return world_snapshot(&fixture->world);
}

static void nested__message_in_a_client_is_the_call_once_both_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        bool is_taken = outcomes[i].is_taken;
        struct fixture fixture;
        struct snapshot *snapshot;
        setup(&fixture, &hours);
        snapshot = live_through(&fixture, front_client(&fixture, AROUND, 0), &outcomes[i]);
        assert_true(requests_on(snapshot, EXTERNAL) == 0);
        assert_true(requests_on(snapshot, DIRECT) == (is_taken ? 1 : 0));
        assert_true(requests_on(snapshot, SENT) == (is_taken ? 0 : 1));
        assert_true(broker_requests(snapshot, SENT) == 1);
        assert_int_equal(snapshot->accounting.paired, is_taken ? 2 : 0);
        assert_int_equal(snapshot->accounting.internal, FILL + (outcomes[i].apart ? 600 : 0) + 1);
        assert_int_equal(snapshot->accounting.dropped[DROPPED_EVICTED], 0);
        assert_int_equal(snapshot->accounting.waiting, 0);
        snapshot_release(snapshot);
        world_release(&fixture.world);
    }
}

/* The message has left, the CLIENT around it is still there when its own wait is over. */
static void nested__message_in_a_client_is_the_call_once_it_left_alone(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;
    const struct slab *slab;
    uint64_t now_ns = start_ns;
    uint32_t tail;

    (void)state;
    setup(&fixture, &hours);
    slab = &fixture.world.shards[0]->store.slab;
    tail = slab->tail;
    feed_at(&fixture, producer(&fixture, MESSAGE, AROUND), now_ns);
    fill(&fixture, 600, now_ns);
    feed_at(&fixture, front_client(&fixture, AROUND, 0), now_ns);
    now_ns += 11 * NS_PER_S;
    world_tick(&fixture.world, now_ns);
    while (slab->tail == tail)
        fill(&fixture, 1, now_ns);
    world_tick(&fixture.world, now_ns + 25 * 3600 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, EXTERNAL) == 0);
    assert_true(requests_on(snapshot, SENT) == 1);
    assert_int_equal(snapshot->accounting.waiting, 0);
    assert_true(slab_live(slab, tail + 601)); /* The CLIENT. */
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* `create` in `send`: consumers link to the inner one, or nobody takes the message. */
static void nested__producers_are_one_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        bool is_taken = outcomes[i].is_taken;
        struct fixture fixture;
        struct snapshot *snapshot;
        setup(&fixture, &hours);
        snapshot = live_through(&fixture, producer(&fixture, AROUND, 0), &outcomes[i]);
        assert_true(requests_on(snapshot, DIRECT) == (is_taken ? 1 : 0));
        assert_true(requests_on(snapshot, SENT) == (is_taken ? 0 : 1));
        assert_true(broker_requests(snapshot, SENT) == 1);
        assert_int_equal(snapshot->accounting.paired, is_taken ? 2 : 0);
        assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], is_taken ? 0 : 1);
        assert_int_equal(snapshot->accounting.internal, FILL + (outcomes[i].apart ? 600 : 0) + 1);
        snapshot_release(snapshot);
        world_release(&fixture.world);
    }
}

/* What was answered in a producer long before makes it no call, though that span has left. */
static void nested__answered_client_in_a_producer_that_waits(void **state)
{
    const struct outcome outcome = {true, true, false};
    struct fixture fixture;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &hours);
    feed_at(&fixture, front_client(&fixture, 5, AROUND), start_ns);
    feed_at(&fixture, back_server(&fixture, 6, 5), start_ns);
    fill(&fixture, 600, start_ns);
    snapshot = live_through(&fixture, producer(&fixture, AROUND, 0), &outcome);
    assert_true(requests_on(snapshot, "service//front -> service//back") == 1);
    assert_true(broker_requests(snapshot, SENT) == 1); /* The message beside it. */
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested__message_in_a_client_is_the_call_once_both_left),
        cmocka_unit_test(nested__message_in_a_client_is_the_call_once_it_left_alone),
        cmocka_unit_test(nested__producers_are_one_call),
        cmocka_unit_test(nested__answered_client_in_a_producer_that_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
