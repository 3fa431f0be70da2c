/* publisher_bounds_test.c: what is past the bounds of series is counted together, and nothing is lost. */
#include "tests/lib/publisher_fixture.h"

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
        tally_observe(&request.seconds[SECONDS_CLIENT], 5, WEIGHT_ONE);
        tally_observe(&call.seconds[SECONDS_LATENCY], 5, WEIGHT_ONE);
        tally_add_request(stage->tally, &request);
        tally_add_call(stage->tally, &call);
    }
    tally_flush(stage->tally);
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
        tally_new(&(struct tally_options){&histogram_bounds_default, edges_max, 100, 100, 64, 0, 0},
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
    tally_observe(&request.seconds[SECONDS_SERVER], 5, WEIGHT_ONE);
    tally_add_request(stage.tally, &request);
    request.server = stage.b;
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_int_equal(stage.tally->counts.edges_overflowed, 1);
    assert_int_equal(stage.tally->counts.values_overflowed, 1);
    assert_false(
        bins_are_empty(&stage.tally->pool, stage.tally->edges[VIEW_BOTH].seconds[SECONDS_SERVER]));
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
    tally_observe(&request.seconds[SECONDS_SERVER], 5, WEIGHT_ONE);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publisher__takes_what_is_past_its_bounds_in_overflow_series),
        cmocka_unit_test(publisher__drops_values_before_edges),
        cmocka_unit_test(publisher__leaves_nothing_in_a_tally_that_overflowed),
        cmocka_unit_test(publisher__counts_a_request_past_the_bounds_once),
        cmocka_unit_test(publisher__lists_durations_of_other_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
