/* shard_bounds_test.c: what is left of spans when memory is short, and families without end. */
#include <stdio.h>

#include "tests/lib/shard_fixture.h"
#include "tests/lib/test.h"
#include "topology/shard_priv.h"

/* ------------------------------------------------------------------ bounds */

/* E6: past 64 services of one client, its duration is left out and counted. */
static void shard__bounds_the_edges_of_one_client(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;
    uint64_t observed = 0;

    (void)state;
    setup(&fixture, &plain);
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    for (unsigned i = 0; i < 100; i++) {
        char name[16];
        struct world_site site = {.service = name, .kind = SPAN_KIND_SERVER};
        snprintf(name, sizeof(name), "s%u", i);
        feed_at(&fixture,
                world_span(world_site(&fixture.world, &site), SPAN_KIND_SERVER, 100 + i, 1),
                start_ns);
    }
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    for (size_t i = 0; i < snapshot->edges_count; i++)
        observed += snapshot->edges[i].client_seconds != NULL;
    assert_int_equal(snapshot->edges_count, 100);
    assert_int_equal(observed, 64);
    assert_int_equal(snapshot->counts.fanout_overflowed, 36);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

static void shard__rejects_the_ninth_span_of_an_id(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    for (unsigned i = 0; i < 12; i++) {
        char name[16];
        struct world_site site = {.service = name, .kind = SPAN_KIND_INTERNAL};
        struct span span;
        snprintf(name, sizeof(name), "s%u", i);
        span = world_span(world_site(&fixture.world, &site), SPAN_KIND_INTERNAL, 7, 0);
        feed_at(&fixture, span, start_ns);
        feed_at(&fixture, span, start_ns);
    }
    assert_int_equal(look(&fixture).rejected[REJECTED_ID_REUSED], 8); /* Four, and their copies. */
    assert_int_equal(look(&fixture).duplicate, 8);
    assert_int_equal(look(&fixture).waiting, 8);
    world_release(&fixture.world);
}

/* Past the bounds of the series, totals stay right. */
static void shard__counts_past_the_bounds_in_overflow_series(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;
    uint64_t requests = 0, calls = 0, lost = 0;

    (void)state;
    setup(&fixture, &(struct world_options){.edges_max = 3, .operations_max = 4, .losses_max = 2});
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        struct world_site site = {.service = name, .kind = SPAN_KIND_CLIENT};
        snprintf(name, sizeof(name), "s%u", i);
        feed_at(&fixture,
                world_span(world_site(&fixture.world, &site), SPAN_KIND_CLIENT, 100 + i, 0),
                start_ns);
    }
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->edges_count, 4);
    assert_int_equal(snapshot->operations_count, 5);
    assert_int_equal(snapshot->losses_count, 3);
    for (size_t i = 0; i < snapshot->edges_count; i++)
        requests += snapshot->edges[i].requests;
    for (size_t i = 0; i < snapshot->operations_count; i++)
        calls += snapshot->operations[i].calls;
    for (size_t i = 0; i < snapshot->losses_count; i++)
        lost += snapshot->losses[i].spans;
    assert_true(requests == 20 * WEIGHT_ONE && calls == 20 * WEIGHT_ONE && lost == 20);
    assert_int_equal(snapshot->counts.edges_overflowed, 17);
    assert_int_equal(snapshot->counts.operations_overflowed, 16);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* ------------------------------------------------------------------ memory */

/* More spans than fit, all of one trace, so that ids stay different. */
static void feed_many(struct fixture *fixture, uint32_t site, enum span_kind kind, uint64_t first,
                      uint64_t count, uint64_t now_ns)
{
    for (uint64_t i = 0; i < count; i++)
        feed_at(fixture, world_span(site, kind, first + i, 0), now_ns);
}

static void shard__drops_what_leaves_before_its_wait_is_over(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    feed_many(&fixture, fixture.front_client, SPAN_KIND_CLIENT, 1, 100000, start_ns);
    assert_true(shard_memory_bytes(fixture.world.shards[0]) <= 1 << 20);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->edges_count, 0); /* Never a virtual edge. */
    assert_true(snapshot->accounting.dropped[DROPPED_EVICTED] > 80000);
    assert_int_equal(snapshot->accounting.dropped[DROPPED_EVICTED] + snapshot->accounting.waiting,
                     100000);
    assert_int_equal(snapshot->losses_count, 1);
    assert_true(snapshot->losses[0].dropped);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* A span ends before the one that called it, so it comes and leaves first. Its caller, and one around that,
 * are left alone: no call to something unknown. */
static void shard__draws_no_call_whose_callee_was_dropped(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;
    uint64_t id = 1000;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    feed_at(&fixture, back_server(&fixture, 1, 2), start_ns);
    feed_at(&fixture, back_server(&fixture, 4, 5), start_ns);
    feed_at(&fixture, back_server(&fixture, 8, 9), start_ns);
    feed_many(&fixture, fixture.front_internal, SPAN_KIND_INTERNAL, id, 300, start_ns);
    feed_at(&fixture, front_client(&fixture, 2, 3), start_ns);
    feed_at(&fixture, front_client(&fixture, 3, 0), start_ns);
    feed_at(&fixture, front_client(&fixture, 5, 0), start_ns);
    feed_at(&fixture, front_client(&fixture, 9, 0), start_ns);
    feed_at(&fixture, back_server(&fixture, 6, 5), start_ns);  /* A second try, which stays. */
    feed_at(&fixture, front_client(&fixture, 7, 0), start_ns); /* Nobody answered this one. */
    for (id += 300; look(&fixture).dropped[DROPPED_EVICTED] == 0; id++)
        feed_many(&fixture, fixture.front_internal, SPAN_KIND_INTERNAL, id, 1, start_ns);
    assert_int_equal(look(&fixture).dropped[DROPPED_EVICTED], 256);
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->edges_count, 2);
    edge = world_edge(snapshot, "service//front -> service//back");
    assert_true(edge != NULL && edge->requests == WEIGHT_ONE);
    edge = world_edge(snapshot, "service//front -> external//x [virtual_node]");
    assert_true(edge != NULL && edge->requests == WEIGHT_ONE);
    assert_int_equal(snapshot->accounting.dropped[DROPPED_EVICTED], 258);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_SERVER], 1);
    assert_int_equal(snapshot->accounting.paired, 2);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

/* A PRODUCER waits on without its span, whether it is an orphan or not. */
static void shard__judges_an_orphan_when_its_room_is_needed(void **state)
{
    struct fixture fixture;
    uint32_t producer;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    producer = fixture.front_producer;
    feed_at(&fixture, back_server(&fixture, 1000000, 1000001), start_ns);
    feed_at(&fixture, world_span(producer, SPAN_KIND_PRODUCER, 1000002, 1000003), start_ns);
    feed_at(&fixture, world_span(producer, SPAN_KIND_PRODUCER, 1000004, 0), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    feed_many(&fixture, fixture.front_client, SPAN_KIND_CLIENT, 1, 30000, start_ns + 12 * NS_PER_S);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_PARENT_MISSING], 1);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_NO_CONSUMER], 0);
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_PARENT_MISSING], 2);
    assert_int_equal(look(&fixture).unpaired[UNPAIRED_NO_CONSUMER], 1);
    world_release(&fixture.world);
}

/* A wish that gave way to a span of others: the parent does not know its child, which asks for it
 * when its time is over. With a child that is known but not as waiting, both go together. */
static void shard__survives_a_lost_wish(void **state)
{
    (void)state;
    for (int lost = 0; lost <= 1; lost++) {
        struct fixture fixture;
        struct slab *slab;
        setup(&fixture, &plain);
        slab = &fixture.world.shards[0]->store.slab;
        feed_at(&fixture, back_server(&fixture, 2, 1), start_ns);
        world_tick(&fixture.world, start_ns + 295 * NS_PER_S);
        feed_at(&fixture, front_client(&fixture, 1, 0), start_ns + 295 * NS_PER_S);
        slab_at(slab, slab->head - 1)->kin_waits = 0;
        if (lost)
            slab_at(slab, slab->head - 1)->child = slab_at(slab, slab->head - 2)->parent_at = 0;
        world_tick(&fixture.world, start_ns + 302 * NS_PER_S);
        assert_int_equal(look(&fixture).waiting, lost ? 1 : 2);
        world_tick(&fixture.world, start_ns + 306 * NS_PER_S);
        assert_int_equal(look(&fixture).paired, 2);
        assert_true(look_at(&fixture, "service//front -> service//back") == 1);
        world_release(&fixture.world);
    }
}

static void shard__remembers_spans_in_few_bytes(void **state)
{
    struct fixture fixture;

    (void)state;
    for (size_t mib = 1; mib <= 24; mib = mib * 3 / 2 + 1) {
        double bytes;
        setup(&fixture, &(struct world_options){.memory_bytes_max = mib << 20});
        feed_many(&fixture, fixture.front_client, SPAN_KIND_CLIENT, 1, mib * 12000, start_ns);
        bytes = (double)shard_memory_bytes(fixture.world.shards[0]) /
                (double)shard_remembered(fixture.world.shards[0]);
        assert_true(shard_memory_bytes(fixture.world.shards[0]) <= mib << 20);
        assert_true(mib < 8 || bytes <= 96);
        world_release(&fixture.world);
    }
}

/* Positions wrap after 2^32 spans; nothing may show it. */
/* A merger that nobody asks still empties tallies; one that is stuck leaves them bounded, too. */
static void shard__grows_no_further_in_hours_that_nobody_looks_at(void **state)
{
    struct fixture fixture;
    struct shard *shard;
    uint64_t now_ns = start_ns;
    uint64_t id = 1;
    uint32_t rooms[3] = {0, 0, 0};
    size_t bytes = 0;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20, .edges_max = 100});
    shard = fixture.world.shards[0];
    for (unsigned minute = 0; minute < 600; minute++) {
        for (unsigned i = 0; i < 100; i++, id += 2) {
            struct span server = back_server(&fixture, id + 1, id);
            server.duration_ns = (uint64_t)1 << i % 50;
            feed_at(&fixture, server, now_ns);
            feed_at(&fixture, front_client(&fixture, id, 0), now_ns);
        }
        now_ns += 60 * NS_PER_S;
        world_tick(&fixture.world, now_ns);
        if (minute == 120) {
            bytes = shard_memory_bytes(shard);
            rooms[0] = shard->tally->edges_room;
            rooms[1] = shard->tally->operations_room;
            rooms[2] = shard->tally->losses_room;
        }
    }
    assert_true(bytes != 0 && shard_memory_bytes(shard) == bytes);
    assert_int_equal(shard->tally->edges_room, rooms[0]);
    assert_int_equal(shard->tally->operations_room, rooms[1]);
    assert_int_equal(shard->tally->losses_room, rooms[2]);
    assert_true(look_at(&fixture, "service//front -> service//back") == 60000);
    world_release(&fixture.world);
}

static void shard__goes_on_when_positions_wrap(void **state)
{
    struct fixture fixture;
    struct shard *shard;
    struct slab *slab;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    shard = fixture.world.shards[0];
    slab = &shard->store.slab;
    slab->head = slab->tail = UINT32_MAX - 5 * BLOCK_SPANS + 1;
    for (size_t i = 0; i < WAIT_COUNT; i++)
        shard->cursor[i] = slab->tail;
    for (uint64_t i = 0; i < 40000; i += 2) {
        feed_at(&fixture, back_server(&fixture, i + 2, i + 1), start_ns + i * NS_PER_S);
        feed_at(&fixture, front_client(&fixture, i + 1, 0), start_ns + i * NS_PER_S);
        world_tick(&fixture.world, start_ns + i * NS_PER_S);
        if (slab->head < 600 || i % 1000 == 0)
            shard_check(shard);
    }
    world_tick(&fixture.world, start_ns + 50000 * NS_PER_S);
    assert_true(look_at(&fixture, "service//front -> service//back") == 20000);
    assert_int_equal(look(&fixture).paired, 40000);
    world_release(&fixture.world);
}

/* The n-th request for memory fails, then all do, then memory is back: every span is accounted for
 * all along. */
static void shard__accounts_for_spans_without_memory(void **state)
{
    (void)state;
    for (long after = 0; after < 60; after++) {
        struct fixture fixture;
        struct snapshot *snapshot;
        setup(&fixture, &plain);
        mem_fail_after(after);
        for (uint64_t i = 0; i < 1000; i += 2) {
            feed_at(&fixture, back_server(&fixture, i + 2, i + 1), start_ns);
            feed_at(&fixture, front_client(&fixture, i + 1, 0), start_ns);
        }
        world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
        mem_fail_after(-1);
        for (uint64_t i = 1000; i < 2000; i += 2) {
            feed_at(&fixture, back_server(&fixture, i + 2, i + 1), start_ns + 12 * NS_PER_S);
            feed_at(&fixture, front_client(&fixture, i + 1, 0), start_ns + 12 * NS_PER_S);
        }
        world_tick(&fixture.world, start_ns + 23 * NS_PER_S);
        snapshot = world_snapshot(&fixture.world);
        assert_int_equal(snapshot->accounting.received, 2000);
        assert_int_equal(snapshot->accounting.paired + snapshot->accounting.dropped[0], 2000);
        assert_true(requests_on(snapshot, "service//front -> service//back") >= 500);
        snapshot_release(snapshot);
        world_release(&fixture.world);
    }
}

static int make_and_free(void *context)
{
    struct shard_options options = {
        .catalog = context,
        .tally = {&histogram_bounds_default, 10, 10, 10, 64, 0, 0},
        .pairing_wait_ns = NS_PER_S,
        .memory_bytes_max = 1 << 20,
        .message_bytes_max = 1 << 20,
        .shards = 1,
    };
    struct shard *shard = NULL;
    int status = shard_new(&options, &shard);

    shard_free(shard);
    return status;
}

static void shard__is_made_whole_or_not_at_all(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    test_sweep_memory(make_and_free, fixture.world.catalog);
    world_release(&fixture.world);
}

/* ------------------------------------------------------------------ hostile families */

enum { MANY = 100000 };

/* One parent, children of one kind in another service. A walk over all siblings for each of them
 * would never end. */
static void feed_family(struct fixture *fixture, uint32_t site, enum span_kind kind,
                        bool parent_first)
{
    if (parent_first)
        feed_at(fixture, front_client(fixture, 1, 0), start_ns);
    for (uint64_t i = 0; i < MANY; i++) {
        feed_at(fixture, world_span(site, kind, i + 2, 1), start_ns + i * NS_PER_MS / 20);
        if (i % 1000 == 0)
            world_tick(&fixture->world, start_ns + i * NS_PER_MS / 20);
    }
    if (!parent_first)
        feed_at(fixture, front_client(fixture, 1, 0), start_ns + MANY * NS_PER_MS / 20);
}

static void shard__counts_a_hundred_thousand_children(void **state)
{
    struct fixture fixture;

    (void)state;
    for (int i = 0; i < 8; i++) {
        static const enum span_kind kinds[] = {SPAN_KIND_SERVER, SPAN_KIND_INTERNAL,
                                               SPAN_KIND_CLIENT, SPAN_KIND_UNSPECIFIED};
        enum span_kind kind = kinds[i / 2];
        uint32_t site;
        bool is_group = kind == SPAN_KIND_INTERNAL || kind == SPAN_KIND_CLIENT;
        setup(&fixture, &(struct world_options){.pairing_wait_ns = NS_PER_S});
        site = world_site(&fixture.world, &(struct world_site){.service = "back", .kind = kind});
        feed_family(&fixture, site, kind, i % 2 == 0);
        world_tick(&fixture.world, start_ns + 1000 * NS_PER_S);
        assert_int_equal(look(&fixture).paired, MANY + 1);
        assert_true(look_at(&fixture, "service//front -> service//back") == (is_group ? 1 : MANY));
        world_release(&fixture.world);
    }
}

/* CLIENT spans under one CLIENT of their service, none answered: the outermost is the call (E4). */
static void shard__counts_a_hundred_thousand_nested_clients_as_one(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &(struct world_options){.pairing_wait_ns = NS_PER_S});
    feed_family(&fixture, fixture.front_client, SPAN_KIND_CLIENT, true);
    world_tick(&fixture.world, start_ns + 1000 * NS_PER_S);
    assert_int_equal(look(&fixture).internal, MANY);
    assert_true(look_at(&fixture, "service//front -> external//x [virtual_node]") == 1);
    world_release(&fixture.world);
}

/* One trace that is a single line of CLIENT spans in one service. */
static void shard__walks_a_line_of_a_hundred_thousand(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    for (uint64_t i = 1; i <= MANY; i++)
        feed_at(&fixture, front_client(&fixture, i, i - 1), start_ns);
    feed_at(&fixture, back_server(&fixture, MANY + 1, MANY), start_ns);
    world_finish(&fixture.world, start_ns);
    assert_true(look_at(&fixture, "service//front -> service//back") == 1);
    assert_int_equal(look(&fixture).waiting, 0);
    world_release(&fixture.world);
}

/* Each in its own service under one parent: sums of families do not fit for all of them. */
static void shard__bounds_what_it_looks_at_for_a_family_of_many_services(void **state)
{
    struct fixture fixture;
    struct accounting accounting;
    uint32_t sites[900];

    (void)state;
    setup(&fixture, &plain);
    for (unsigned i = 0; i < 900; i++) {
        char name[16];
        struct world_site site = {.service = name, .kind = SPAN_KIND_INTERNAL};
        snprintf(name, sizeof(name), "s%u", i);
        sites[i] = world_site(&fixture.world, &site);
    }
    feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
    for (uint64_t i = 0; i < MANY; i++)
        feed_at(&fixture, world_span(sites[i % 900], SPAN_KIND_INTERNAL, i + 2, 1), start_ns);
    world_finish(&fixture.world, start_ns);
    accounting = look(&fixture);
    assert_int_equal(accounting.paired, MANY + 1);
    assert_true(look_at(&fixture, "service//front -> service//s7") == 1);
    world_release(&fixture.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shard__bounds_the_edges_of_one_client),
        cmocka_unit_test(shard__rejects_the_ninth_span_of_an_id),
        cmocka_unit_test(shard__counts_past_the_bounds_in_overflow_series),
        cmocka_unit_test(shard__drops_what_leaves_before_its_wait_is_over),
        cmocka_unit_test(shard__draws_no_call_whose_callee_was_dropped),
        cmocka_unit_test(shard__judges_an_orphan_when_its_room_is_needed),
        cmocka_unit_test(shard__survives_a_lost_wish),
        cmocka_unit_test(shard__remembers_spans_in_few_bytes),
        cmocka_unit_test(shard__grows_no_further_in_hours_that_nobody_looks_at),
        cmocka_unit_test(shard__goes_on_when_positions_wrap),
        cmocka_unit_test(shard__accounts_for_spans_without_memory),
        cmocka_unit_test(shard__is_made_whole_or_not_at_all),
        cmocka_unit_test(shard__counts_a_hundred_thousand_children),
        cmocka_unit_test(shard__counts_a_hundred_thousand_nested_clients_as_one),
        cmocka_unit_test(shard__walks_a_line_of_a_hundred_thousand),
        cmocka_unit_test(shard__bounds_what_it_looks_at_for_a_family_of_many_services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
