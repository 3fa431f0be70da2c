/* shard_test.c: when spans are judged, and what later ones add.
 * The rules themselves are held against the reference model end to end.
 */
#include "topology/shard.h"

#include "tests/lib/shard_fixture.h"
#include "tests/lib/test.h"

/* ------------------------------------------------------------------ pairs */

static void shard__pairs_a_client_with_its_server(void **state)
{
    struct fixture fixture;
    struct span client, server;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;

    (void)state;
    setup(&fixture, &plain);
    client = front_client(&fixture, 1, 0);
    server = back_server(&fixture, 2, 1);
    client.duration_ns = 30 * NS_PER_MS;
    server.duration_ns = 20 * NS_PER_MS;
    server.status = SPAN_STATUS_ERROR;
    feed_at(&fixture, server, start_ns);
    feed_at(&fixture, client, start_ns);
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->edges_count, 1);
    edge = world_edge(snapshot, "service//front -> service//back");
    assert_non_null(edge);
    assert_true(edge->requests == WEIGHT_ONE && edge->failed == WEIGHT_ONE);
    assert_true(edge->client_seconds->max_ns == 30 * NS_PER_MS);
    assert_true(edge->server_seconds->max_ns == 20 * NS_PER_MS);
    assert_true(edge->network_seconds->max_ns == 10 * NS_PER_MS);
    assert_null(edge->messaging_seconds);
    assert_int_equal(snapshot->accounting.paired, 2);
    assert_int_equal(snapshot->operations_count, 2);
    assert_int_equal(snapshot->losses_count, 0);
    assert_true(snapshot->span_first.ns == client.start_ns);
    assert_true(snapshot->span_last.ns == client.start_ns + client.duration_ns);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

static void shard__counts_operations_by_their_status(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &plain);
    for (unsigned i = 0; i < 6; i++) {
        struct span server = back_server(&fixture, 1 + i, 0);
        server.status = i < 1 ? SPAN_STATUS_UNSET : i < 3 ? SPAN_STATUS_OK : SPAN_STATUS_ERROR;
        feed_at(&fixture, server, start_ns);
    }
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->operations_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(snapshot->operations[i].status, i);
        assert_true(snapshot->operations[i].calls == (i + 1) * WEIGHT_ONE);
    }
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* ------------------------------------------------------------------ waits */

static void shard__judges_when_the_wait_is_over(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    world_tick(&fixture.world, start_ns + 10 * NS_PER_S - 2 * NS_PER_MS);
    assert_int_equal(look(&fixture).waiting, 1);
    world_tick(&fixture.world, start_ns + 10 * NS_PER_S + 2 * NS_PER_MS);
    assert_int_equal(look(&fixture).waiting, 0);
    assert_true(look_at(&fixture, "service//front -> external//x [virtual_node]") == 1);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_NO_SERVER], 1);
    world_release(&fixture.world);
}

/* E10: a server side that comes after its call was drawn is not drawn again. */
static void shard__calls_a_server_late_whose_call_was_drawn(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns + 12 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 23 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->edges_count, 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_LATE], 1);
    assert_int_equal(snapshot->losses_count, 2);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* The same where a span around the caller was drawn. */
static void shard__calls_a_server_late_whose_outer_call_was_drawn(void **state)
{
    struct fixture fixture;
    uint64_t now_ns = start_ns;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), now_ns);
    now_ns += 11 * NS_PER_S;
    world_tick(&fixture.world, now_ns);
    feed_at(&fixture, front_client(&fixture, 2, 1), now_ns);
    feed_at(&fixture, back_server(&fixture, 3, 2), now_ns);
    world_tick(&fixture.world, now_ns + 11 * NS_PER_S);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_LATE], 1);
    assert_true(look_at(&fixture, "service//front -> service//back") == 0);
    world_release(&fixture.world);
}

static void shard__waits_longer_for_a_parent(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
    world_tick(&fixture.world, start_ns + 299 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 1);
    world_tick(&fixture.world, start_ns + 301 * NS_PER_S);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_PARENT_MISSING], 1);
    world_release(&fixture.world);
}

static void shard__judges_a_child_together_with_its_late_parent(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
    feed_at(&fixture, world_span(fixture.back_internal, SPAN_KIND_INTERNAL, 3, 2), start_ns);
    world_tick(&fixture.world, start_ns + 200 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 1); /* The child's parent was there. */
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns + 200 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 209 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 2);
    world_tick(&fixture.world, start_ns + 211 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 0);
    assert_int_equal(look(&fixture).paired, 2);
    assert_true(look_at(&fixture, "service//front -> service//back") == 1);
    world_release(&fixture.world);
}

/* The child that waits past its time is not forgotten when a younger one wants the same parent. */
static void shard__judges_the_eldest_of_waiting_children_with_its_parent(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
    world_tick(&fixture.world, start_ns + 20 * NS_PER_S);
    feed_at(&fixture, back_server(&fixture, 3, 1), start_ns + 20 * NS_PER_S);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns + 21 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 32 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 0);
    assert_true(look_at(&fixture, "service//front -> service//back") == 2);
    world_release(&fixture.world);
}

/* A parent that comes just before the child's time is over may finish its own wait. */
static void shard__lets_a_parent_wait_past_its_childs_time(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
    world_tick(&fixture.world, start_ns + 295 * NS_PER_S);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns + 295 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 302 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 2);
    world_tick(&fixture.world, start_ns + 306 * NS_PER_S);
    assert_int_equal(look(&fixture).paired, 2);
    world_release(&fixture.world);
}

/* Each waits for the next: they all go when the last has come, however many they are. */
static void shard__judges_a_long_line_of_late_parents(void **state)
{
    enum { LINE = 100000 };
    struct fixture fixture;
    uint64_t now_ns = start_ns;

    (void)state;
    setup(&fixture, &(struct world_options){.pairing_wait_ns = 4 * NS_PER_MS});
    for (uint64_t id = 1; id <= LINE; id++) {
        struct span span = world_span(fixture.back_internal, SPAN_KIND_INTERNAL, id, id + 1);
        if (id % 100 == 0)
            now_ns += 10 * NS_PER_MS;
        feed_at(&fixture, span, now_ns);
    }
    world_tick(&fixture.world, now_ns + NS_PER_S);
    assert_true(look(&fixture).waiting >= 1);
    feed_at(&fixture, world_span(fixture.back_internal, SPAN_KIND_INTERNAL, LINE + 1, 0),
            now_ns + NS_PER_S);
    world_tick(&fixture.world, now_ns + 2 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 0);
    assert_int_equal(look(&fixture).internal, LINE + 1);
    world_release(&fixture.world);
}

static void shard__finds_the_late_client_that_shares_an_id(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, back_server(&fixture, 1, 99), start_ns);
    world_tick(&fixture.world, start_ns + 20 * NS_PER_S);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns + 20 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 31 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 0);
    assert_true(look_at(&fixture, "service//front -> service//back") == 1);
    world_release(&fixture.world);
}

static void shard__lets_a_producer_wait_for_its_consumer(void **state)
{
    struct fixture fixture;
    struct span producer, consumer;

    (void)state;
    setup(&fixture, &plain);
    producer = world_span(fixture.front_producer, SPAN_KIND_PRODUCER, 1, 0);
    consumer = world_span(fixture.back_consumer, SPAN_KIND_CONSUMER, 2, 1);
    feed_at(&fixture, producer, start_ns);
    world_tick(&fixture.world, start_ns + 3000 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 1);
    feed_at(&fixture, consumer, start_ns + 3000 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 3011 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 1); /* The producer's own time is not over. */
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    assert_int_equal(look(&fixture).paired, 2);
    assert_true(look_at(&fixture, "service//front -> service//back [messaging_system]") == 1);
    world_release(&fixture.world);
}

/* A PRODUCER with its consumer has nothing more to wait for; one without is drawn at the end. */
static void shard__judges_an_answered_producer_at_once(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, world_span(fixture.front_producer, SPAN_KIND_PRODUCER, 1, 0), start_ns);
    feed_at(&fixture, world_span(fixture.back_consumer, SPAN_KIND_CONSUMER, 2, 1), start_ns);
    feed_at(&fixture, world_span(fixture.front_producer, SPAN_KIND_PRODUCER, 3, 0), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    assert_int_equal(look(&fixture).paired, 2);
    assert_int_equal(look(&fixture).waiting, 1);
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_NO_CONSUMER], 1);
    assert_true(look_at(&fixture, "service//front -> messaging//q [messaging_system]") == 1);
    world_release(&fixture.world);
}

/* E4: around a PRODUCER a CLIENT waits as long. */
static void shard__lets_a_client_wait_around_a_producer(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, 2, 1), start_ns);
    feed_at(&fixture, world_span(fixture.front_producer, SPAN_KIND_PRODUCER, 3, 2), start_ns);
    world_tick(&fixture.world, start_ns + 1000 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 2);
    feed_at(&fixture, world_span(fixture.back_consumer, SPAN_KIND_CONSUMER, 4, 3),
            start_ns + 1000 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 3700 * NS_PER_S);
    assert_int_equal(look(&fixture).paired, 2);
    assert_int_equal(look(&fixture).internal, 2);
    world_release(&fixture.world);
}

/* ------------------------------------------------------------------ later spans only add */

static void shard__adds_what_a_later_server_weighs_more(void **state)
{
    struct fixture fixture;
    struct span server;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    for (uint64_t i = 1; i <= 3; i++) {
        server = back_server(&fixture, 2 + i, 1);
        server.weight = i == 2 ? 5 * WEIGHT_ONE : 2 * WEIGHT_ONE;
        feed_at(&fixture, server, start_ns + (11 + i) * NS_PER_S);
    }
    world_tick(&fixture.world, start_ns + 30 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    edge = world_edge(snapshot, "service//front -> service//back");
    assert_true(edge->requests == (1 + 2 + 5 + 2) * WEIGHT_ONE);
    assert_true(edge->client_seconds->count == 5 * WEIGHT_ONE);
    assert_true(edge->server_seconds->count == 10 * WEIGHT_ONE);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

static void shard__adds_what_a_later_member_changes_of_a_group(void **state)
{
    struct fixture fixture;
    struct span member;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    member = world_span(fixture.back_internal, SPAN_KIND_INTERNAL, 2, 1);
    feed_at(&fixture, member, start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    assert_true(look_at(&fixture, "service//front -> service//back") == 1);
    member.id = 3;
    member.weight = 3 * WEIGHT_ONE;
    feed_at(&fixture, member, start_ns + 12 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 23 * NS_PER_S);
    assert_true(look_at(&fixture, "service//front -> service//back") == 3);
    member.id = 4;
    member.weight = WEIGHT_ONE;
    member.status = SPAN_STATUS_ERROR; /* A failure alone is all that the next tally has. */
    feed_at(&fixture, member, start_ns + 23 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 34 * NS_PER_S);
    assert_int_equal(look(&fixture).paired, 4);
    member.id = 5; /* A group that failed does not fail again. */
    feed_at(&fixture, member, start_ns + 35 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 46 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    edge = world_edge(snapshot, "service//front -> service//back");
    assert_true(edge->requests == 3 * WEIGHT_ONE && edge->failed == 3 * WEIGHT_ONE);
    assert_true(edge->client_seconds->count == 3 * WEIGHT_ONE);
    assert_null(edge->server_seconds);
    assert_int_equal(snapshot->accounting.paired, 5);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shard__pairs_a_client_with_its_server),
        cmocka_unit_test(shard__counts_operations_by_their_status),
        cmocka_unit_test(shard__judges_when_the_wait_is_over),
        cmocka_unit_test(shard__calls_a_server_late_whose_call_was_drawn),
        cmocka_unit_test(shard__calls_a_server_late_whose_outer_call_was_drawn),
        cmocka_unit_test(shard__waits_longer_for_a_parent),
        cmocka_unit_test(shard__judges_a_child_together_with_its_late_parent),
        cmocka_unit_test(shard__judges_the_eldest_of_waiting_children_with_its_parent),
        cmocka_unit_test(shard__lets_a_parent_wait_past_its_childs_time),
        cmocka_unit_test(shard__judges_a_long_line_of_late_parents),
        cmocka_unit_test(shard__finds_the_late_client_that_shares_an_id),
        cmocka_unit_test(shard__lets_a_producer_wait_for_its_consumer),
        cmocka_unit_test(shard__judges_an_answered_producer_at_once),
        cmocka_unit_test(shard__lets_a_client_wait_around_a_producer),
        cmocka_unit_test(shard__adds_what_a_later_server_weighs_more),
        cmocka_unit_test(shard__adds_what_a_later_member_changes_of_a_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
