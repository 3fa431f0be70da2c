/* kin_test.c: the ends of walks, and families whose members share ids. */
#include "topology/kin.h"

#include "tests/lib/shard_fixture.h"
#include "tests/lib/test.h"

/* front_client <- `between` INTERNAL spans <- back_server; whether the client is the call's side. */
static bool client_is_side(unsigned between)
{
    struct fixture fixture;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;
    bool is_side;

    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    for (uint64_t i = 0; i < between; i++)
        feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, i + 2, i + 1),
                start_ns);
    feed_at(&fixture, back_server(&fixture, between + 2, between + 1), start_ns);
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    edge = world_edge(snapshot, "service//front -> service//back");
    assert_true(edge != NULL && edge->requests == WEIGHT_ONE);
    is_side = edge->client_seconds != NULL;
    /* What goes up and what goes down agree: else the client would be drawn, too. */
    assert_true(requests_on(snapshot, "service//front -> external//x [virtual_node]") ==
                (is_side ? 0 : 1));
    assert_true((snapshot->counts.walks_cut != 0) == !is_side);
    snapshot_release(snapshot);
    world_release(&fixture.world);
    return is_side;
}

static void kin_client_side__is_found_within_64_steps(void **state)
{
    (void)state;
    assert_true(client_is_side(0));
    assert_true(client_is_side(63));
    assert_true(client_is_side(64));
    assert_false(client_is_side(65));
}

/* A CLIENT around another one at `distance`: the inner one has the answer. Whether the outer one
 * knows. */
static bool outer_is_internal(unsigned distance)
{
    struct fixture fixture;
    struct accounting accounting;

    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    for (uint64_t i = 1; i < distance; i++)
        feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, i + 1, i),
                start_ns);
    feed_at(&fixture, front_client(&fixture, distance + 1, distance), start_ns);
    feed_at(&fixture, back_server(&fixture, distance + 2, distance + 1), start_ns);
    world_finish(&fixture.world, start_ns);
    accounting = look(&fixture);
    world_release(&fixture.world);
    return accounting.unpaired[UNPAIRED_NO_SERVER] == 0;
}

static void kin_inside__reaches_64_steps(void **state)
{
    (void)state;
    assert_true(outer_is_internal(1));
    assert_true(outer_is_internal(64));
    assert_false(outer_is_internal(65));
}

/* Two CLIENT spans at a distance, neither answered: how many are drawn. */
static uint64_t drawn_at_distance(unsigned distance)
{
    struct fixture fixture;
    uint64_t drawn;

    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    for (uint64_t i = 1; i < distance; i++)
        feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, i + 1, i),
                start_ns);
    feed_at(&fixture, front_client(&fixture, distance + 1, distance), start_ns);
    world_finish(&fixture.world, start_ns);
    drawn = look(&fixture).unpaired[UNPAIRED_NO_SERVER];
    world_release(&fixture.world);
    return drawn;
}

static void kin_around__reaches_64_steps(void **state)
{
    (void)state;
    assert_int_equal(drawn_at_distance(1), 1);
    assert_int_equal(drawn_at_distance(64), 1);
    assert_int_equal(drawn_at_distance(65), 2);
}

/* Two CLIENT spans that are each other's parents, unanswered: each is around the other, none around
 * itself; so both are internal. One alone that a loop leads back to is a call. */
static void kin_around__leaves_the_span_itself_out(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 2), start_ns);
    feed_at(&fixture, front_client(&fixture, 2, 1), start_ns);
    world_finish(&fixture.world, start_ns);
    assert_int_equal(look(&fixture).internal, 2);
    world_release(&fixture.world);
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 2), start_ns);
    feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, 2, 1), start_ns);
    world_finish(&fixture.world, start_ns);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_NO_SERVER], 1);
    world_release(&fixture.world);
}

/* The same in a loop of which one span has an answer inside. */
static void kin_inside__ends_in_loops(void **state)
{
    struct fixture fixture;
    struct accounting accounting;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 3), start_ns);
    feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, 2, 1), start_ns);
    feed_at(&fixture, front_client(&fixture, 3, 2), start_ns);
    feed_at(&fixture, back_server(&fixture, 4, 2), start_ns);
    world_finish(&fixture.world, start_ns);
    accounting = look(&fixture);
    assert_int_equal(accounting.paired, 2); /* Client 1 and the server. */
    assert_int_equal(accounting.internal, 2);
    world_release(&fixture.world);
}

/* E7: of a shared id, what serves belongs to the CLIENT half, the rest to the half of its service;
 * for a family of any size. */
static void kin_siblings__tells_halves_of_large_families(void **state)
{
    (void)state;
    for (uint64_t many = 1; many <= 200; many += 66) {
        struct fixture fixture;
        struct snapshot *snapshot;
        setup(&fixture, &plain);
        feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
        feed_at(&fixture, back_server(&fixture, 1, 0), start_ns);
        for (uint64_t i = 0; i < many; i++) {
            /* Inside of the SERVER half: no call of front's, although front is the other half. */
            feed_at(&fixture, world_span(fixture.back_internal, SPAN_KIND_INTERNAL, 1000 + i, 1),
                    start_ns);
            /* A call of the CLIENT half. */
            feed_at(&fixture, back_server(&fixture, 2000 + i, 1), start_ns);
            /* In front: inside of the CLIENT half. */
            feed_at(&fixture, world_span(fixture.front_internal, SPAN_KIND_INTERNAL, 3000 + i, 1),
                    start_ns);
        }
        world_finish(&fixture.world, start_ns);
        snapshot = world_snapshot(&fixture.world);
        assert_int_equal(snapshot->edges_count, 1);
        assert_true(requests_on(snapshot, "service//front -> service//back") == (double)(many + 1));
        assert_int_equal(snapshot->accounting.internal, 2 * many);
        snapshot_release(snapshot);
        world_release(&fixture.world);
    }
}

/* E7: children whose service has no half belong to the lowest one, and are a group there. */
static void kin_siblings__gives_children_to_the_lowest_half(void **state)
{
    (void)state;
    for (uint64_t many = 1; many <= 200; many += 66) {
        struct fixture fixture;
        uint32_t lowest;
        setup(&fixture, &plain);
        lowest = world_site(&fixture.world,
                            &(struct world_site){.service = "aaa", .kind = SPAN_KIND_CLIENT});
        feed_at(&fixture, world_span(lowest, SPAN_KIND_CLIENT, 1, 0), start_ns);
        feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
        for (uint64_t i = 0; i < many; i++)
            feed_at(&fixture, world_span(fixture.back_internal, SPAN_KIND_INTERNAL, 1000 + i, 1),
                    start_ns);
        world_finish(&fixture.world, start_ns);
        assert_true(look_at(&fixture, "service//aaa -> service//back") == 1);
        assert_true(look_at(&fixture, "service//front -> service//back") == 0);
        world_release(&fixture.world);
    }
}

/* E7: of one service, those that serve are the CLIENT half's and the others the SERVER half's: there
 * they are a group, for no SERVER is among them. */
static void kin_siblings__parts_a_service_between_halves(void **state)
{
    (void)state;
    for (uint64_t many = 1; many <= 200; many += 66) {
        struct world_site quiet = {.service = "third", .kind = SPAN_KIND_INTERNAL};
        struct world_site server = {.service = "third", .kind = SPAN_KIND_SERVER};
        struct fixture fixture;
        setup(&fixture, &plain);
        feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
        feed_at(&fixture, back_server(&fixture, 1, 0), start_ns);
        for (uint64_t i = 0; i < many; i++) {
            feed_at(&fixture,
                    world_span(world_site(&fixture.world, &quiet), SPAN_KIND_INTERNAL, 1000 + i, 1),
                    start_ns);
            feed_at(&fixture,
                    world_span(world_site(&fixture.world, &server), SPAN_KIND_SERVER, 2000 + i, 1),
                    start_ns);
        }
        world_finish(&fixture.world, start_ns);
        assert_true(look_at(&fixture, "service//front -> service//third") == (double)many);
        assert_true(look_at(&fixture, "service//back -> service//third") == 1);
        world_release(&fixture.world);
    }
}

/* A SERVER that was judged stays where it was counted; its CLIENT half comes too late. */
static void kin_move__leaves_a_judged_server(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, world_span(fixture.front_server, SPAN_KIND_SERVER, 1, 0), start_ns);
    feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    feed_at(&fixture, front_client(&fixture, 2, 1), start_ns + 12 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 23 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, "service//front -> service//back") == 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_SERVER], 1);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* A SERVER that leaves for its CLIENT half is no sibling any more, in a large family too. */
static void kin_move__takes_a_server_from_its_siblings(void **state)
{
    (void)state;
    for (uint64_t many = 1; many <= 200; many += 66) {
        struct fixture fixture;
        struct snapshot *snapshot;
        uint64_t now_ns = start_ns;
        setup(&fixture, &(struct world_options){.pairing_wait_ns = NS_PER_S});
        feed_at(&fixture, front_client(&fixture, 1, 0), now_ns);
        for (uint64_t i = 0; i < many; i++)
            feed_at(&fixture, world_span(fixture.back_internal, SPAN_KIND_INTERNAL, 1000 + i, 1),
                    now_ns);
        /* While it is a sibling, the first ones are judged: they are no group. */
        feed_at(&fixture, back_server(&fixture, 2, 1), now_ns + NS_PER_S / 2);
        world_tick(&fixture.world, now_ns + NS_PER_S + 2 * NS_PER_MS);
        assert_int_equal(look(&fixture).internal, many);
        feed_at(&fixture, front_client(&fixture, 2, 1), now_ns + NS_PER_S + 3 * NS_PER_MS);
        /* A later one is a group of its own kind now. */
        feed_at(&fixture, world_span(fixture.back_internal, SPAN_KIND_INTERNAL, 3, 1),
                now_ns + NS_PER_S + 3 * NS_PER_MS);
        world_finish(&fixture.world, now_ns + NS_PER_S + 3 * NS_PER_MS);
        snapshot = world_snapshot(&fixture.world);
        assert_true(requests_on(snapshot, "service//front -> service//back") == 2);
        snapshot_release(snapshot);
        world_release(&fixture.world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kin_client_side__is_found_within_64_steps),
        cmocka_unit_test(kin_inside__reaches_64_steps),
        cmocka_unit_test(kin_around__reaches_64_steps),
        cmocka_unit_test(kin_around__leaves_the_span_itself_out),
        cmocka_unit_test(kin_inside__ends_in_loops),
        cmocka_unit_test(kin_siblings__tells_halves_of_large_families),
        cmocka_unit_test(kin_siblings__gives_children_to_the_lowest_half),
        cmocka_unit_test(kin_siblings__parts_a_service_between_halves),
        cmocka_unit_test(kin_move__leaves_a_judged_server),
        cmocka_unit_test(kin_move__takes_a_server_from_its_siblings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
