/* publisher_test.c: sums, shared pieces of snapshots, and absorbing whole or not at all. */
#include "topology/publisher.h"

#include <stdio.h>

#include "tests/lib/shard_fixture.h"
#include "tests/lib/test.h"
#include "topology/publisher_priv.h"
#include "topology/tally_priv.h"

static const struct tally_options tally_options = {&histogram_bounds_default, 100, 100, 100};

struct stage {
    struct catalog *catalog;
    struct publisher *publisher;
    struct tally *tally;
    uint32_t a, b;
};

static uint32_t service(struct stage *stage, const char *name)
{
    struct node node = {NODE_SERVICE, {NULL, 0}, view_of(name)};
    uint32_t number = 0;

    assert_int_equal(catalog_node(stage->catalog, &node, &number), 0);
    return number;
}

static void setup_stage(struct stage *stage, unsigned shards)
{
    struct catalog_limits limits = {100, 100, 100, 100, 100, 0, 1000, 0};
    struct publisher_options options = {.bounds = &histogram_bounds_default,
                                        .edges_max = 100,
                                        .operations_max = 100,
                                        .losses_max = 100,
                                        .shards = shards,
                                        .start = {10}};

    assert_int_equal(catalog_new(&limits, &stage->catalog), 0);
    options.catalog = stage->catalog;
    assert_int_equal(publisher_new(&options, &stage->publisher), 0);
    assert_int_equal(tally_new(&tally_options, &stage->tally), 0);
    stage->a = service(stage, "a");
    stage->b = service(stage, "b");
}

static void release_stage(struct stage *stage)
{
    tally_free(stage->tally);
    publisher_free(stage->publisher);
    catalog_free(stage->catalog);
}

/* One request with all that can be counted of it. */
static void count(struct stage *stage, uint32_t client, uint32_t server, uint64_t duration_ns)
{
    struct tally_request request = {
        .client = client, .server = server, .weight = WEIGHT_ONE, .failed = WEIGHT_ONE};
    struct tally_call call = {.service = server, .kind = 2, .weight = WEIGHT_ONE};
    struct tally_loss loss = {.service = server, .kind = 3, .reason = UNPAIRED_LATE};

    tally_observe(stage->tally, &request.seconds[SECONDS_CLIENT], duration_ns, WEIGHT_ONE);
    tally_observe(stage->tally, &request.seconds[SECONDS_SERVER], duration_ns, WEIGHT_ONE);
    tally_observe(stage->tally, &call.seconds[SECONDS_LATENCY], duration_ns, WEIGHT_ONE);
    tally_add_request(stage->tally, &request);
    tally_add_call(stage->tally, &call);
    tally_lose(stage->tally, &loss);
    tally_flush(stage->tally);
    stage->tally->accounting.received++;
    stage->tally->accounting.paired++;
}

static void absorb(struct stage *stage, unsigned shard, uint64_t now_ns)
{
    assert_int_equal(
        publisher_absorb(stage->publisher, shard, stage->tally, (struct wall_time){now_ns}), 0);
    assert_true(tally_is_empty(stage->tally));
}

static struct snapshot *take(struct stage *stage)
{
    struct snapshot *snapshot = NULL;

    assert_int_equal(publisher_snapshot(stage->publisher, (struct wall_time){99}, &snapshot), 0);
    return snapshot;
}

static void publisher__adds_up_what_shards_counted(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 2);
    count(&stage, stage.a, stage.b, 5);
    stage.tally->accounting.received += 3;
    stage.tally->accounting.waiting = 3;
    absorb(&stage, 0, 20);
    count(&stage, stage.a, stage.b, 6);
    absorb(&stage, 1, 30);
    stage.tally->accounting.internal = 2;
    stage.tally->accounting.waiting = 1;
    absorb(&stage, 0, 40);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 1);
    assert_true(snapshot->edges[0].requests == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].failed == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].client_seconds->count == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].server_seconds->max_ns == 6);
    assert_null(snapshot->edges[0].network_seconds);
    assert_true(snapshot->edges[0].created.ns == 10); /* Nothing was counted before the start. */
    assert_true(snapshot->edges[0].updated.ns == 30);
    assert_true(snapshot->operations[0].calls == 2 * WEIGHT_ONE);
    assert_int_equal(snapshot->losses[0].spans, 2);
    assert_int_equal(snapshot->accounting.received, 5);
    assert_int_equal(snapshot->accounting.waiting, 1);
    assert_int_equal(snapshot->nodes_count, 2);
    assert_true(snapshot->start.ns == 10 && snapshot->end.ns == 99);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void publisher__dates_a_series_from_the_absorption_before_it(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    absorb(&stage, 0, 50);
    count(&stage, stage.a, stage.b, 5);
    absorb(&stage, 0, 60);
    snapshot = take(&stage);
    assert_true(snapshot->edges[0].created.ns == 50);
    assert_true(snapshot->operations[0].created.ns == 50);
    assert_true(snapshot->losses[0].created.ns == 50);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void publisher__counts_what_the_receiver_rejects(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    publisher_reject(stage.publisher, REJECTED_INVALID_ID, 4);
    snapshot = take(&stage);
    assert_int_equal(snapshot->accounting.received, 4);
    assert_int_equal(snapshot->accounting.rejected[REJECTED_INVALID_ID], 4);
    assert_int_equal(snapshot->edges_count + snapshot->nodes_count, 0);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* Tells of one lost span in trace `trace`. */
static void lose(struct stage *stage, uint64_t trace)
{
    struct tally_loss loss = {
        .service = stage->a, .kind = 3, .reason = UNPAIRED_LATE, .traces = {{trace, trace + 1}}};

    tally_lose(stage->tally, &loss);
}

static void publisher__keeps_the_newest_traces_of_a_loss(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    uint64_t sum = 0;

    (void)state;
    setup_stage(&stage, 1);
    for (uint64_t trace = 1; trace <= 5; trace++)
        lose(&stage, trace);
    absorb(&stage, 0, 20);
    lose(&stage, 6);
    absorb(&stage, 0, 30);
    snapshot = take(&stage);
    assert_int_equal(snapshot->losses[0].spans, 6);
    for (size_t i = 0; i < LOSS_TRACES; i++) {
        assert_true(snapshot->losses[0].traces[i][0] != 0);
        assert_true(snapshot->losses[0].traces[i][1] == snapshot->losses[0].traces[i][0] + 1);
        sum += snapshot->losses[0].traces[i][0];
    }
    assert_true(sum >= 3 + 4 + 6 && sum <= 4 + 5 + 6);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void publisher__lists_services_that_only_reported(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    absorb(&stage, 0, 20);
    catalog_mark_reported(stage.catalog, stage.b);
    snapshot = take(&stage);
    assert_int_equal(snapshot->nodes_count, 1);
    assert_true(snapshot->nodes[0].reported && !snapshot->nodes[0].overflow);
    assert_view_equal(snapshot->nodes[0].node.name, "b");
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* Nodes by id, edges by the places of their nodes, then by type. */
static void publisher__sorts_nodes_and_edges(void **state)
{
    static const char *const names[] = {"m", "c", "z", "a0"};
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            count(&stage, service(&stage, names[i]), service(&stage, names[j]), 1);
            absorb(&stage, 0, 20);
            snapshot_release(take(&stage));
        }
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 16);
    for (size_t i = 1; i < snapshot->nodes_count; i++)
        assert_true(node_compare(&snapshot->nodes[i - 1].node, &snapshot->nodes[i].node) < 0);
    for (size_t i = 1; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *one = &snapshot->edges[i - 1];
        const struct snapshot_edge *two = &snapshot->edges[i];
        assert_true(one->client < two->client ||
                    (one->client == two->client && one->server < two->server));
    }
    for (size_t i = 1; i < snapshot->operations_count; i++)
        assert_true(snapshot->operations[i - 1].service < snapshot->operations[i].service);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* What did not change is the very same memory; what did is another, and the old one stays as it
 * was. */
static void snapshot__shares_what_did_not_change(void **state)
{
    struct stage stage;
    struct snapshot *one, *two, *three;
    uint32_t c;

    (void)state;
    setup_stage(&stage, 1);
    c = service(&stage, "c");
    count(&stage, stage.a, stage.b, 5);
    count(&stage, stage.a, c, 7);
    absorb(&stage, 0, 20);
    one = take(&stage);
    two = take(&stage);
    assert_ptr_equal(one->edges, two->edges);
    assert_ptr_equal(one->nodes, two->nodes);
    count(&stage, stage.a, stage.b, 5);
    absorb(&stage, 0, 30);
    three = take(&stage);
    assert_ptr_equal(one->nodes, three->nodes);
    assert_ptr_not_equal(one->edges, three->edges);
    assert_ptr_not_equal(one->edges[0].client_seconds, three->edges[0].client_seconds);
    assert_ptr_equal(one->edges[1].client_seconds, three->edges[1].client_seconds);
    assert_true(one->edges[0].requests == WEIGHT_ONE);
    assert_true(one->edges[0].client_seconds->count == WEIGHT_ONE);
    assert_true(three->edges[0].client_seconds->count == 2 * WEIGHT_ONE);
    snapshot_release(one);
    snapshot_release(three);
    assert_true(two->edges[1].client_seconds->count == WEIGHT_ONE);
    assert_ptr_equal(snapshot_retain(two), two);
    snapshot_release(two);
    snapshot_release(two);
    snapshot_release(NULL);
    release_stage(&stage);
}

/* With the n-th request for memory failing, absorbing changes nothing that a snapshot shows, and the
 * tally can be given again. */
static void publisher__absorbs_whole_or_not_at_all(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        struct snapshot *before, *after;
        struct buf texts[2];
        setup_stage(&stage, 1);
        count(&stage, stage.a, stage.b, 5000);
        absorb(&stage, 0, 20);
        before = take(&stage);
        for (unsigned i = 0; i < 40; i++) {
            char name[8];
            snprintf(name, sizeof(name), "s%u", i);
            count(&stage, stage.a, service(&stage, name), i);
            count(&stage, stage.a, stage.b, UINT64_C(1) << (i + 2));
        }
        mem_fail_after(fails);
        done = publisher_absorb(stage.publisher, 0, stage.tally, (struct wall_time){30}) == 0;
        mem_fail_after(-1);
        if (!done) {
            after = take(&stage);
            buf_init(&texts[0], 0);
            buf_init(&texts[1], 0);
            world_print(before, &texts[0]);
            world_print(after, &texts[1]);
            assert_true(view_equal(buf_view(&texts[0]), buf_view(&texts[1])));
            buf_release(&texts[0]);
            buf_release(&texts[1]);
            snapshot_release(after);
            absorb(&stage, 0, 30);
        }
        after = take(&stage);
        assert_int_equal(after->edges_count, 41);
        assert_true(after->edges[0].requests == 41 * WEIGHT_ONE);
        snapshot_release(before);
        snapshot_release(after);
        release_stage(&stage);
    }
    assert_true(fails > 10);
}

/* A snapshot without memory leaves all as it was; the next one shows everything. */
/* What /metrics shows of an edge: all but its past. */
static uint64_t shown(const struct snapshot_edge *edge)
{
    const struct histogram *past = edge->life.past_seconds[SNAPSHOT_SERVER];
    uint64_t observed = edge->server_seconds->count - (past != NULL ? past->count : 0);

    assert_true(observed == edge->requests - edge->life.past_count);
    assert_true(edge->failed - edge->life.past_failed == observed);
    return observed / WEIGHT_ONE;
}

/* Ends at `expiration_ns`, whatever the other tests think of it. */
static void setup_expiring(struct stage *stage, uint64_t expiration_ns)
{
    setup_stage(stage, 1);
    stage->publisher->options.expiration_ns = expiration_ns;
}

static void publisher__begins_a_series_anew_after_its_end(void **state)
{
    struct stage stage;
    struct snapshot *before, *after;

    (void)state;
    setup_expiring(&stage, 100);
    count(&stage, stage.a, stage.b, 5);
    absorb(&stage, 0, 1000);
    before = take(&stage);
    assert_int_equal(before->number, 1);
    assert_int_equal(before->edges[0].life.born, 1);
    assert_int_equal(before->edges[0].life.seconds_born[SNAPSHOT_SERVER], 1);
    assert_int_equal(before->edges[0].life.seconds_born[SNAPSHOT_NETWORK], 0);
    assert_int_equal(before->losses[0].life.born, 1);
    count(&stage, stage.a, stage.b, 6);
    absorb(&stage, 0, 1100); /* Not longer than that: it goes on. */
    after = take(&stage);
    assert_int_equal(shown(&after->edges[0]), 2);
    assert_int_equal(after->edges[0].life.born, 1);
    snapshot_release(after);
    absorb(&stage, 0, 1200);
    count(&stage, stage.a, stage.b, 7);
    absorb(&stage, 0, 1201);
    after = take(&stage);
    assert_int_equal(shown(&after->edges[0]), 1);
    assert_true(after->edges[0].requests == 3 * WEIGHT_ONE);
    assert_true(after->edges[0].created.ns == 1200);
    assert_int_equal(after->edges[0].life.born, 3);
    assert_int_equal(after->edges[0].life.seconds_born[SNAPSHOT_SERVER], 3);
    assert_true(after->operations[0].life.past_count == 2 * WEIGHT_ONE);
    assert_true(after->operations[0].life.past_seconds[0]->count == 2 * WEIGHT_ONE);
    assert_int_equal(after->losses[0].life.born, 3);
    assert_int_equal(after->losses[0].life.past_count, 2);
    assert_int_equal(after->losses[0].spans, 3);
    assert_int_equal(shown(&before->edges[0]), 1); /* Old ones stay as they were. */
    snapshot_release(before);
    before = after;
    count(&stage, stage.a, stage.b, 8);
    absorb(&stage, 0, 2000);
    after = take(&stage);
    assert_int_equal(shown(&after->edges[0]), 1);
    assert_true(after->edges[0].life.past_count == 3 * WEIGHT_ONE);
    assert_int_equal(shown(&before->edges[0]), 1);
    snapshot_release(before);
    snapshot_release(after);
    release_stage(&stage);
}

static void publisher__begins_anew_whole_or_not_at_all(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        struct snapshot *snapshot;
        setup_expiring(&stage, 100);
        count(&stage, stage.a, stage.b, 5000);
        absorb(&stage, 0, 1000);
        if (fails % 2 == 0)
            snapshot_release(take(&stage));
        count(&stage, stage.a, stage.b, 7);
        mem_fail_after(fails / 2);
        done = publisher_absorb(stage.publisher, 0, stage.tally, (struct wall_time){2000}) == 0 &&
               fails % 2 != 0;
        mem_fail_after(-1);
        if (!tally_is_empty(stage.tally))
            absorb(&stage, 0, 2000);
        snapshot = take(&stage);
        assert_int_equal(shown(&snapshot->edges[0]), 1);
        assert_true(snapshot->edges[0].requests == 2 * WEIGHT_ONE);
        snapshot_release(snapshot);
        release_stage(&stage);
    }
    assert_true(fails > 2);
}

static void publisher__makes_a_snapshot_later_without_memory(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        struct snapshot *snapshot = NULL;
        setup_stage(&stage, 1);
        count(&stage, stage.a, stage.b, 5);
        absorb(&stage, 0, 20);
        mem_fail_after(fails);
        done = publisher_snapshot(stage.publisher, (struct wall_time){99}, &snapshot) == 0;
        mem_fail_after(-1);
        if (!done)
            snapshot = take(&stage);
        assert_int_equal(snapshot->edges_count, 1);
        assert_true(snapshot->edges[0].client_seconds->count == WEIGHT_ONE);
        assert_int_equal(snapshot->nodes_count, 2);
        snapshot_release(snapshot);
        release_stage(&stage);
    }
    assert_true(fails > 5);
}

static void publisher__takes_what_is_past_its_bounds_in_overflow_series(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    uint64_t requests = 0, lost = 0;

    (void)state;
    setup_stage(&stage, 1);
    publisher_free(stage.publisher);
    assert_int_equal(publisher_new(&(struct publisher_options){.catalog = stage.catalog,
                                                               .bounds = &histogram_bounds_default,
                                                               .edges_max = 3,
                                                               .operations_max = 3,
                                                               .losses_max = 3,
                                                               .shards = 1},
                                   &stage.publisher),
                     0);
    for (unsigned i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof(name), "s%u", i);
        count(&stage, stage.a, service(&stage, name), 5);
        if (i % 3 == 0)
            absorb(&stage, 0, 20);
    }
    absorb(&stage, 0, 20);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 4);
    assert_int_equal(snapshot->operations_count, 4);
    assert_int_equal(snapshot->losses_count, 4);
    for (size_t i = 0; i < 4; i++) {
        requests += snapshot->edges[i].requests;
        lost += snapshot->losses[i].spans;
        assert_true(!snapshot->edges[i].overflow || snapshot->edges[i].requests == 7 * WEIGHT_ONE);
    }
    assert_true(requests == 10 * WEIGHT_ONE && lost == 10);
    assert_int_equal(snapshot->counts.edges_overflowed, 7);
    assert_int_equal(snapshot->counts.operations_overflowed, 7);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* Requests and calls of one edge and one operation, each with values of its own. */
static void count_values(struct stage *stage, unsigned sets)
{
    for (unsigned i = 0; i < sets; i++) {
        struct tally_request request = {.client = stage->a,
                                        .server = stage->b,
                                        .client_set = DIMENSIONS_OVERFLOW + 1 + i,
                                        .server_set = DIMENSIONS_OVERFLOW + 1 + i,
                                        .weight = WEIGHT_ONE};
        struct tally_call call = {.service = stage->b,
                                  .set = DIMENSIONS_OVERFLOW + 1 + i,
                                  .kind = 2,
                                  .weight = WEIGHT_ONE};
        tally_observe(stage->tally, &request.seconds[SECONDS_CLIENT], 5, WEIGHT_ONE);
        tally_observe(stage->tally, &call.seconds[SECONDS_LATENCY], 5, WEIGHT_ONE);
        tally_add_request(stage->tally, &request);
        tally_add_call(stage->tally, &call);
    }
    tally_flush(stage->tally);
}

static uint32_t make_sets(struct stage *stage, unsigned count)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < count; i++) {
        char packed[8];
        dimension_head(packed, 0, 2);
        snprintf(packed + DIMENSION_HEAD_BYTES, 3, "%02u", i);
        assert_int_equal(
            catalog_dimensions(stage->catalog, stage->a, (struct view){packed, 5}, &set), 0);
    }
    return set;
}

static void publisher__drops_values_before_edges(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    uint64_t requests = 0, calls = 0, without = 0;

    (void)state;
    setup_stage(&stage, 1);
    publisher_free(stage.publisher);
    assert_int_equal(publisher_new(&(struct publisher_options){.catalog = stage.catalog,
                                                               .bounds = &histogram_bounds_default,
                                                               .edges_max = 8,
                                                               .operations_max = 8,
                                                               .losses_max = 3,
                                                               .shards = 1},
                                   &stage.publisher),
                     0);
    assert_int_equal(make_sets(&stage, 20), 21);
    count_values(&stage, 20);
    absorb(&stage, 0, 20);
    count_values(&stage, 20);
    absorb(&stage, 0, 30);
    count(&stage, stage.b, stage.a, 5); /* Another edge finds its room. */
    absorb(&stage, 0, 40);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 4 + 1 + 1);
    assert_int_equal(snapshot->operations_count, 4 + 1 + 1);
    for (size_t i = 0; i < 6; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        requests += edge->requests;
        calls += snapshot->operations[i].calls;
        assert_false(edge->overflow);
        if (edge->values_overflow) {
            assert_int_equal(edge->client_dimensions.size, 0);
            assert_true(edge->client_seconds->count == edge->requests);
            without += edge->requests;
        }
    }
    assert_true(requests == 41 * WEIGHT_ONE && calls == 41 * WEIGHT_ONE);
    assert_true(without == 32 * WEIGHT_ONE);
    assert_int_equal(snapshot->counts.values_overflowed, 2 * 32);
    assert_int_equal(snapshot->counts.edges_overflowed, 0);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* A tally in which all that follows finds no room for values, and none for other edges. */
static void fill_tally(struct stage *stage, uint32_t edges_max)
{
    tally_free(stage->tally);
    assert_int_equal(
        tally_new(&(struct tally_options){&histogram_bounds_default, edges_max, 100, 100},
                  &stage->tally),
        0);
    (void)make_sets(stage, 4);
    for (uint32_t i = 0; i < edges_max; i++) {
        char name[8];
        snprintf(name, sizeof(name), "s%u", i);
        tally_add_request(stage->tally, &(struct tally_request){.client = stage->a,
                                                                .server = service(stage, name),
                                                                .server_set = DIMENSIONS_OVERFLOW,
                                                                .weight = WEIGHT_ONE});
    }
    tally_flush(stage->tally);
}

/* Of the overflow series, too, nothing is left once it was absorbed. */
static void publisher__leaves_nothing_in_a_tally_that_overflowed(void **state)
{
    struct stage stage;
    struct tally_request request;

    (void)state;
    setup_stage(&stage, 1);
    fill_tally(&stage, 3);
    absorb(&stage, 0, 20);
    fill_tally(&stage, 3);
    request = (struct tally_request){.client = stage.b,
                                     .server = stage.a,
                                     .server_set = DIMENSIONS_OVERFLOW + 1,
                                     .is_counted = true};
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_true(stage.tally->edges[VIEW_BOTH].is_counted);
    absorb(&stage, 0, 30);
    assert_false(stage.tally->edges[VIEW_BOTH].is_counted);
    stage.tally->edges[VIEW_BOTH].is_counted = 1;
    assert_false(tally_is_empty(stage.tally));
    stage.tally->edges[VIEW_BOTH].is_counted = 0;
    assert_true(tally_is_empty(stage.tally));
    fill_tally(&stage, 3);
    absorb(&stage, 0, 40);
    release_stage(&stage);
}

/* One request is one: on its edge without values or on the overflow edge; durations alone are none. */
static void publisher__counts_a_request_past_the_bounds_once(void **state)
{
    struct stage stage;
    struct tally_request request;

    (void)state;
    setup_stage(&stage, 1);
    fill_tally(&stage, 3);
    request = (struct tally_request){.client = stage.b,
                                     .server = stage.a,
                                     .server_set = DIMENSIONS_OVERFLOW + 1,
                                     .weight = WEIGHT_ONE};
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_int_equal(stage.tally->counts.edges_overflowed, 1);
    assert_int_equal(stage.tally->counts.values_overflowed, 0);
    request.client = stage.a;
    request.server = service(&stage, "s0");
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_int_equal(stage.tally->counts.edges_overflowed, 1);
    assert_int_equal(stage.tally->counts.values_overflowed, 1);
    request.weight = 0;
    tally_observe(stage.tally, &request.seconds[SECONDS_SERVER], 5, WEIGHT_ONE);
    tally_add_request(stage.tally, &request);
    request.server = stage.b;
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_int_equal(stage.tally->counts.edges_overflowed, 1);
    assert_int_equal(stage.tally->counts.values_overflowed, 1);
    assert_true(stage.tally->edges[VIEW_BOTH].seconds[SECONDS_SERVER]->count == WEIGHT_ONE);
    release_stage(&stage);
}

/* Durations of a request that was counted with other values make a series, others wait for one. */
static void publisher__lists_durations_of_other_values(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    struct tally_request request;

    (void)state;
    setup_stage(&stage, 1);
    (void)make_sets(&stage, 2);
    request = (struct tally_request){
        .client = stage.a, .server = stage.b, .server_set = DIMENSIONS_OVERFLOW + 1};
    tally_observe(stage.tally, &request.seconds[SECONDS_SERVER], 5, WEIGHT_ONE);
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    absorb(&stage, 0, 20);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 0);
    snapshot_release(snapshot);
    request = (struct tally_request){.client = stage.a,
                                     .server = stage.b,
                                     .server_set = DIMENSIONS_OVERFLOW + 1,
                                     .is_counted = true};
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    absorb(&stage, 0, 30);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 1);
    assert_true(snapshot->edges[0].requests == 0);
    assert_true(snapshot->edges[0].server_seconds->count == WEIGHT_ONE);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static int make_both(void *context)
{
    struct publisher_options options = {.catalog = context, .shards = 3, .edges_max = 10};
    struct publisher *publisher = NULL;
    struct tally *tally = NULL;
    int status = publisher_new(&options, &publisher);

    if (status == 0)
        status = tally_new(&tally_options, &tally);
    publisher_free(publisher);
    tally_free(tally);
    return status;
}

static void publisher__is_made_whole_or_not_at_all(void **state)
{
    struct stage stage;

    (void)state;
    setup_stage(&stage, 1);
    test_sweep_memory(make_both, stage.catalog);
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publisher__adds_up_what_shards_counted),
        cmocka_unit_test(publisher__dates_a_series_from_the_absorption_before_it),
        cmocka_unit_test(publisher__counts_what_the_receiver_rejects),
        cmocka_unit_test(publisher__keeps_the_newest_traces_of_a_loss),
        cmocka_unit_test(publisher__lists_services_that_only_reported),
        cmocka_unit_test(publisher__sorts_nodes_and_edges),
        cmocka_unit_test(snapshot__shares_what_did_not_change),
        cmocka_unit_test(publisher__absorbs_whole_or_not_at_all),
        cmocka_unit_test(publisher__begins_a_series_anew_after_its_end),
        cmocka_unit_test(publisher__begins_anew_whole_or_not_at_all),
        cmocka_unit_test(publisher__makes_a_snapshot_later_without_memory),
        cmocka_unit_test(publisher__takes_what_is_past_its_bounds_in_overflow_series),
        cmocka_unit_test(publisher__drops_values_before_edges),
        cmocka_unit_test(publisher__leaves_nothing_in_a_tally_that_overflowed),
        cmocka_unit_test(publisher__counts_a_request_past_the_bounds_once),
        cmocka_unit_test(publisher__lists_durations_of_other_values),
        cmocka_unit_test(publisher__is_made_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
