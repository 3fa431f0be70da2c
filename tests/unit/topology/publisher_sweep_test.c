/* publisher_sweep_test.c: series leave, the longest idle first, and nothing that was counted does. */
#include <stdio.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"
#include "topology/catalog_sweep.h"
#include "topology/publisher.h"
#include "topology/publisher_priv.h"
#include "topology/tally_priv.h"

enum { EDGES = 8, SERVICES = 200 };

static const struct tally_options tally_options = {
    &histogram_bounds_default, 100, 100, 100, 64, 0, 0};

struct stage {
    struct catalog *catalog;
    struct publisher *publisher;
    struct tally *tally;
    uint32_t services[SERVICES];
    uint64_t requests;
};

static void setup_stage(struct stage *stage, uint32_t series_max)
{
    struct catalog_limits limits = {300, 100, 300, 100, 100, 0, 1000, 0};
    struct publisher_options options = {.bounds = &histogram_bounds_default,
                                        .edges_max = series_max,
                                        .operations_max = series_max,
                                        .losses_max = series_max,
                                        .expiration_ns = 100,
                                        .shards = 1,
                                        .start = {10}};

    *stage = (struct stage){.requests = 0};
    assert_int_equal(catalog_new(&limits, &stage->catalog), 0);
    options.catalog = stage->catalog;
    assert_int_equal(publisher_new(&options, &stage->publisher), 0);
    assert_int_equal(tally_new(&tally_options, &stage->tally), 0);
    for (unsigned i = 0; i < SERVICES; i++) {
        char name[8];
        struct node node = {NODE_SERVICE, {NULL, 0}, {name, 0}};
        node.name.size = (size_t)snprintf(name, sizeof(name), "s%03u", i);
        assert_int_equal(catalog_node(stage->catalog, &node, &stage->services[i]), 0);
    }
}

static void release_stage(struct stage *stage)
{
    tally_free(stage->tally);
    publisher_free(stage->publisher);
    catalog_free(stage->catalog);
}

/* A failed request from service 0 to another one, its operation there and a loss. */
static void count(struct stage *stage, unsigned service, enum edge_view view)
{
    uint32_t server = stage->services[service];
    struct tally_request request = {.client = stage->services[0],
                                    .server = server,
                                    .type = view != VIEW_BOTH ? CONNECTION_MESSAGING
                                                              : CONNECTION_DIRECT,
                                    .view = view,
                                    .weight = WEIGHT_ONE,
                                    .failed = WEIGHT_ONE};
    struct tally_call call = {.service = server, .kind = 2, .weight = WEIGHT_ONE};
    struct tally_loss loss = {.service = server, .kind = 3, .reason = UNPAIRED_LATE};

    loss.traces[0][1] = service;
    tally_observe(&request.seconds[SECONDS_SERVER], 5 + service, WEIGHT_ONE);
    tally_observe(&call.seconds[SECONDS_LATENCY], 5 + service, WEIGHT_ONE);
    tally_add_request(stage->tally, &request);
    tally_add_call(stage->tally, &call);
    tally_lose(stage->tally, &loss);
    tally_flush(stage->tally);
    stage->tally->accounting.received++;
    stage->tally->accounting.unpaired[UNPAIRED_LATE]++;
    stage->requests++;
}

static void absorb(struct stage *stage, uint64_t now_ns)
{
    assert_int_equal(
        publisher_absorb(stage->publisher, 0, stage->tally, (struct wall_time){now_ns}), 0);
}

static struct snapshot *take(struct stage *stage)
{
    struct snapshot *snapshot = NULL;

    assert_int_equal(publisher_snapshot(stage->publisher, (struct wall_time){9999}, &snapshot), 0);
    return snapshot;
}

static uint64_t count_of(const struct histogram *histogram)
{
    return histogram != NULL ? histogram->count : 0;
}

/* All that was ever counted is in some series, and what /metrics shows of the overflow ones is what
 * came to them while they were full. */
static void assert_whole(struct stage *stage, uint64_t shown_requests)
{
    struct snapshot *snapshot = take(stage);
    uint64_t requests = 0, failed = 0, seconds = 0, calls = 0, latency = 0, spans = 0, shown = 0;

    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        requests += edge->requests;
        failed += edge->failed;
        seconds += count_of(edge->server_seconds);
        if (!edge->overflow)
            continue;
        assert_true(edge->life.endless);
        shown += edge->requests - edge->life.past_count;
        assert_true(edge->life.past_failed == edge->life.past_count);
        assert_true(count_of(edge->life.past_seconds[SNAPSHOT_SERVER]) == edge->life.past_count);
    }
    for (size_t i = 0; i < snapshot->operations_count; i++) {
        calls += snapshot->operations[i].calls;
        latency += count_of(snapshot->operations[i].latency);
    }
    for (size_t i = 0; i < snapshot->losses_count; i++)
        spans += snapshot->losses[i].spans;
    assert_int_equal(requests, stage->requests * WEIGHT_ONE);
    assert_int_equal(failed, requests);
    assert_int_equal(seconds, requests);
    assert_int_equal(calls, requests);
    assert_int_equal(latency, requests);
    assert_int_equal(spans, stage->requests);
    assert_int_equal(shown, shown_requests * WEIGHT_ONE);
    snapshot_release(snapshot);
}

static bool has_edge_to(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->edges_count; i++)
        if (view_equal(snapshot->nodes[snapshot->edges[i].server].node.name, view_of(name)))
            return true;
    return false;
}

static bool has_node(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->nodes_count; i++)
        if (view_equal(snapshot->nodes[i].node.name, view_of(name)))
            return true;
    return false;
}

static void leaving__makes_room_by_the_longest_idle(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, EDGES);
    for (unsigned i = 0; i < EDGES; i++) {
        count(&stage, 1 + i, VIEW_BOTH);
        absorb(&stage, 1000 + i);
    }
    assert_whole(&stage, 0);
    count(&stage, 1, VIEW_BOTH); /* The oldest goes on: it stays. */
    count(&stage, 20, VIEW_BOTH);
    absorb(&stage, 2000);
    assert_whole(&stage, 0);
    snapshot = take(&stage);
    assert_true(has_edge_to(snapshot, "s001"));
    assert_false(has_edge_to(snapshot, "s002"));
    assert_false(has_node(snapshot, "s002"));
    assert_true(has_edge_to(snapshot, "s003"));
    assert_true(has_edge_to(snapshot, "s020"));
    assert_int_equal(snapshot->counts.edges_left, 1);
    assert_int_equal(snapshot->counts.edges_overflowed, 0);
    assert_int_equal(snapshot->counts.operations_left, 1);
    assert_int_equal(snapshot->counts.losses_left, 1);
    snapshot_release(snapshot);
    count(&stage, 2, VIEW_BOTH); /* It begins anew. */
    absorb(&stage, 2001);
    snapshot = take(&stage);
    assert_true(has_edge_to(snapshot, "s002"));
    assert_false(has_edge_to(snapshot, "s003"));
    snapshot_release(snapshot);
    assert_whole(&stage, 0);
    release_stage(&stage);
}

/* Those that live do not leave: the overflow series takes what is past the bound, and shows it. */
static void leaving__asks_only_those_that_have_ended(void **state)
{
    struct stage stage;

    (void)state;
    setup_stage(&stage, EDGES);
    for (unsigned i = 0; i < EDGES + 3; i++)
        count(&stage, 1 + i, VIEW_BOTH);
    absorb(&stage, 1000);
    assert_whole(&stage, 3);
    count(&stage, 50, VIEW_BOTH);
    absorb(&stage, 1050);
    assert_whole(&stage, 4);
    for (unsigned i = 0; i < 5; i++)
        count(&stage, 60 + i, VIEW_BOTH);
    absorb(&stage, 3000);
    assert_whole(&stage, 4); /* What left is not shown with it. */
    release_stage(&stage);
}

static void leaving__takes_the_longer_idle_half(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, SERVICES);
    for (unsigned i = 1; i < SERVICES; i++) {
        count(&stage, i, VIEW_BOTH);
        absorb(&stage, 1000 + i);
    }
    publisher_let_leave(stage.publisher, true, (struct wall_time){5000});
    assert_whole(&stage, 0);
    snapshot = take(&stage);
    assert_int_equal(snapshot->counts.edges_left, 99);
    assert_false(has_edge_to(snapshot, "s099"));
    assert_true(has_edge_to(snapshot, "s100"));
    snapshot_release(snapshot);
    for (unsigned i = 0; i < 3; i++)
        publisher_let_leave(stage.publisher, true, (struct wall_time){5000});
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 1);
    assert_int_equal(snapshot->operations_count, 1);
    assert_int_equal(snapshot->losses_count, 1);
    assert_int_equal(snapshot->nodes_count, 1);
    snapshot_release(snapshot);
    assert_whole(&stage, 0);
    release_stage(&stage);
}

/* Each view has an overflow series of its own, and examples go with their series. */
static void leaving__keeps_views_and_examples_apart(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 100);
    count(&stage, 1, VIEW_BOTH);
    count(&stage, 2, VIEW_DIRECT);
    count(&stage, 3, VIEW_BROKER);
    absorb(&stage, 1000);
    count(&stage, 4, VIEW_BOTH);
    absorb(&stage, 5000);
    publisher_let_leave(stage.publisher, true, (struct wall_time){5001});
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(snapshot->edges[i].requests, WEIGHT_ONE);
    for (size_t i = 0; i < snapshot->losses_count; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[i];
        if (view_equal(snapshot->nodes[loss->service].node.name, VIEW("s004")))
            assert_int_equal(loss->traces[0][1], 4);
        else
            assert_int_equal(loss->spans, 3);
    }
    snapshot_release(snapshot);
    assert_whole(&stage, 0);
    release_stage(&stage);
}

/* Without memory nobody leaves, or all of one heir. */
static void leaving__is_whole_or_not_at_all(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        setup_stage(&stage, EDGES);
        for (unsigned i = 0; i < EDGES; i++) {
            count(&stage, 1 + i, i % 2 != 0 ? VIEW_DIRECT : VIEW_BOTH);
            absorb(&stage, 1000 + i);
        }
        mem_fail_after(fails);
        publisher_let_leave(stage.publisher, true, (struct wall_time){5000});
        mem_fail_after(-1);
        assert_whole(&stage, 0);
        done = stage.publisher->counts.edges_left == EDGES &&
               stage.publisher->counts.operations_left == EDGES &&
               stage.publisher->counts.losses_left == EDGES;
        count(&stage, 30, VIEW_BOTH);
        absorb(&stage, 6000);
        assert_whole(&stage, 0);
        release_stage(&stage);
    }
    assert_true(fails > 5);
}

/* One more series than the traces have room for, and no memory for theirs. */
static void leaving__keeps_traces_within_their_room(void **state)
{
    enum { ROOM = 32, FULL = ROOM - 1 }; /* The first room of a table, and its overflow series. */
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        setup_stage(&stage, 100);
        for (unsigned i = 0; i < FULL; i++)
            count(&stage, 1 + i, VIEW_BOTH);
        absorb(&stage, 1000);
        assert_int_equal(stage.publisher->losses.count, ROOM);
        assert_int_equal(stage.publisher->losses.room, ROOM);
        mem_fail_after(fails);
        publisher_let_leave(stage.publisher, true, (struct wall_time){5000});
        mem_fail_after(-1);
        for (uint32_t i = 0; i < stage.publisher->losses.count; i++)
            assert_false(stage.publisher->losses.series[i].leaves);
        assert_true(stage.publisher->traces_room >= ROOM);
        assert_whole(&stage, 0);
        done = stage.publisher->counts.losses_left == FULL;
        release_stage(&stage);
    }
}

/* Durations of a request that never came: the series is not shown, and its names go all the same. */
static void leaving__lets_unlisted_series_go(void **state)
{
    struct stage stage;
    struct tally_request durations;
    struct snapshot *snapshot;
    uint32_t stamp;

    (void)state;
    setup_stage(&stage, 100);
    count(&stage, 1, VIEW_BOTH);
    durations = (struct tally_request){.client = stage.services[0],
                                       .server = stage.services[2],
                                       .type = CONNECTION_DIRECT,
                                       .view = VIEW_BOTH};
    tally_observe(&durations.seconds[SECONDS_SERVER], 5, WEIGHT_ONE);
    tally_add_request(stage.tally, &durations);
    tally_flush(stage.tally);
    absorb(&stage, 1000);
    assert_int_equal(stage.publisher->edges.listed, 1);
    assert_int_equal(stage.publisher->edges.count, EDGE_VIEW_COUNT + 2);
    publisher_let_leave(stage.publisher, true,
                        (struct wall_time){1050}); /* The request may come. */
    assert_int_equal(stage.publisher->edges.count, EDGE_VIEW_COUNT + 2);
    count(&stage, 1, VIEW_BOTH);
    absorb(&stage, 4950);
    publisher_let_leave(stage.publisher, true, (struct wall_time){5000});
    assert_int_equal(stage.publisher->edges.count, EDGE_VIEW_COUNT + 1);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 1); /* Nothing to show but what counted. */
    snapshot_release(snapshot);
    stamp = catalog_sweep_begin(stage.catalog);
    publisher_mark(stage.publisher, stamp);
    catalog_sweep(stage.catalog, stamp);
    publisher_forget(stage.publisher);
    assert_true(catalog_give_back(stage.catalog));
    assert_false(catalog_node_left(stage.catalog, stage.services[1]));
    assert_true(catalog_node_left(stage.catalog, stage.services[2]));
    publisher_let_leave(stage.publisher, true, (struct wall_time){9000});
    assert_int_equal(count_of(stage.publisher->edges.series[VIEW_BOTH].seconds[SECONDS_SERVER]),
                     3 * WEIGHT_ONE);
    release_stage(&stage);
}

static void leaving__gives_the_names_of_series_back(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    uint32_t stamp;

    (void)state;
    setup_stage(&stage, 100);
    count(&stage, 1, VIEW_BOTH);
    catalog_mark_reported(stage.catalog, stage.services[5]);
    absorb(&stage, 1000);
    snapshot = take(&stage);
    assert_true(has_node(snapshot, "s005"));
    snapshot_release(snapshot);
    stamp = catalog_sweep_begin(stage.catalog);
    publisher_mark(stage.publisher, stamp);
    catalog_sweep(stage.catalog, stamp);
    publisher_forget(stage.publisher);
    assert_true(catalog_give_back(stage.catalog));
    assert_false(catalog_node_left(stage.catalog, stage.services[0]));
    assert_false(catalog_node_left(stage.catalog, stage.services[1]));
    assert_true(catalog_node_left(stage.catalog, stage.services[5]));
    snapshot = take(&stage);
    assert_false(has_node(snapshot, "s005")); /* N7 ends with the name. */
    assert_int_equal(snapshot->nodes_count, 2);
    snapshot_release(snapshot);
    assert_whole(&stage, 0);
    release_stage(&stage);
}

/* A loss alone keeps its service. */
static void leaving__keeps_the_services_of_losses(void **state)
{
    struct stage stage;
    struct tally_loss loss = {.kind = 3, .reason = UNPAIRED_LATE};
    uint32_t stamp;

    (void)state;
    setup_stage(&stage, 100);
    loss.service = stage.services[7];
    tally_lose(stage.tally, &loss);
    absorb(&stage, 1000);
    stamp = catalog_sweep_begin(stage.catalog);
    publisher_mark(stage.publisher, stamp);
    catalog_sweep(stage.catalog, stamp);
    publisher_forget(stage.publisher);
    assert_true(catalog_give_back(stage.catalog));
    assert_false(catalog_node_left(stage.catalog, stage.services[7]));
    assert_true(catalog_node_left(stage.catalog, stage.services[8]));
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaving__makes_room_by_the_longest_idle),
        cmocka_unit_test(leaving__asks_only_those_that_have_ended),
        cmocka_unit_test(leaving__takes_the_longer_idle_half),
        cmocka_unit_test(leaving__keeps_views_and_examples_apart),
        cmocka_unit_test(leaving__is_whole_or_not_at_all),
        cmocka_unit_test(leaving__keeps_traces_within_their_room),
        cmocka_unit_test(leaving__lets_unlisted_series_go),
        cmocka_unit_test(leaving__gives_the_names_of_series_back),
        cmocka_unit_test(leaving__keeps_the_services_of_losses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
