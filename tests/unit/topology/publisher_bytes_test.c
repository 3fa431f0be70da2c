/* publisher_bytes_test.c: series are as many and as fine as there are bytes for, and none is counted wrongly. */
#include "base/mem.h"
#include "tests/lib/publisher_fixture.h"
#include "tests/lib/random.h"

enum { EXPIRATION_NS = 1000 };

static void begin(struct stage *stage, uint64_t edges_bytes, uint64_t operations_bytes)
{
    setup_stage(stage, 1);
    publisher_free(stage->publisher);
    assert_int_equal(
        publisher_new(&(struct publisher_options){.catalog = stage->catalog,
                                                  .bounds = &histogram_bounds_default,
                                                  .edges_max = 1000,
                                                  .operations_max = 1000,
                                                  .losses_max = 100,
                                                  .edges_bytes_max = edges_bytes,
                                                  .operations_bytes_max = operations_bytes,
                                                  .expiration_ns = EXPIRATION_NS,
                                                  .exemplars = true,
                                                  .shards = 1},
                      &stage->publisher),
        0);
}

/* What the series take, as it is said in publisher_priv.h, is what was charged. */
static void assert_charged(const struct series_table *table)
{
    uint64_t bytes = 0;

    for (uint32_t i = table->overflows; i < table->count; i++) {
        const struct series *series = &table->series[i];
        bytes += table->first_bytes;
        bytes += series->exemplars != NULL ? exemplars_bytes(series->exemplars->room) : 0;
        for (size_t j = 0; j < SERIES_SECONDS_MAX; j++)
            if (series->seconds[j] != NULL && series->seconds[j]->capacity > SERIES_BUCKETS_MIN)
                bytes += SERIES_COPIES * (series->seconds[j]->capacity - SERIES_BUCKETS_MIN) *
                         sizeof(uint64_t);
    }
    assert_int_equal(table->bytes, bytes);
    assert_true(table->bytes <= table->bytes_max);
}

/* The classic buckets too, over all edges. */
static void assert_counted(struct stage *stage, uint64_t requests)
{
    struct snapshot *snapshot = take(stage);
    uint64_t counted = 0, observed = 0, classic = 0, finer = 0, calls = 0;

    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct histogram *seconds = snapshot->edges[i].server_seconds;
        counted += snapshot->edges[i].requests;
        observed += seconds->count;
        finer += seconds->zero_count;
        for (size_t j = 0; j <= histogram_bounds_default.count; j++)
            classic += seconds->classic[j];
        for (size_t j = 0; j < seconds->length; j++)
            finer += seconds->buckets[j];
    }
    for (size_t i = 0; i < snapshot->operations_count; i++)
        calls += snapshot->operations[i].calls;
    assert_int_equal(counted, requests * WEIGHT_ONE);
    assert_int_equal(observed, requests * WEIGHT_ONE);
    assert_int_equal(classic, requests * WEIGHT_ONE);
    assert_int_equal(finer, requests * WEIGHT_ONE);
    assert_int_equal(calls, requests * WEIGHT_ONE);
    assert_charged(&stage->publisher->edges);
    assert_charged(&stage->publisher->operations);
    snapshot_release(snapshot);
}

/* Sixty callees, called over and over by durations of all sizes. */
static void publisher__keeps_to_its_bytes_and_loses_nothing(void **state)
{
    struct stage stage;
    struct random random = random_of(3);
    uint64_t requests = 0;
    char name[8];

    (void)state;
    begin(&stage, 20 * publisher_edge_bytes(0, 0), 20 * publisher_operation_bytes(0, 0));
    for (uint64_t second = 1; second < 200; second++) {
        for (int i = 0; i < 30; i++, requests++) {
            uint64_t ns = second < 5 ? 1000
                                     : random_next(&random) >> (13 + random_below(&random, 51));
            (void)snprintf(name, sizeof(name), "s%u", (unsigned)random_below(&random, 60));
            count(&stage, stage.a, service(&stage, name), ns);
        }
        absorb(&stage, 0, 20 + second);
        assert_counted(&stage, requests);
    }
    assert_in_range(stage.publisher->edges.count, EDGE_VIEW_COUNT + 17, EDGE_VIEW_COUNT + 20);
    assert_true(stage.publisher->counts.edges_overflowed > 0);
    assert_true(stage.publisher->counts.operations_overflowed > 0);
    assert_true(stage.publisher->counts.resolutions_cut > 0);
    release_stage(&stage);
}

/* What has ended makes room for others. */
static void publisher__gives_bytes_of_those_that_left_to_others(void **state)
{
    struct stage stage;
    char name[8];

    (void)state;
    begin(&stage, 20 * publisher_edge_bytes(0, 0), 20 * publisher_operation_bytes(0, 0));
    for (uint64_t round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 15; i++) {
            (void)snprintf(name, sizeof(name), "s%u", (unsigned)(15 * round + i));
            count(&stage, stage.a, service(&stage, name), UINT64_C(1) << i);
        }
        absorb(&stage, 0, 20 + round * 2 * EXPIRATION_NS);
        assert_counted(&stage, 15 * (round + 1));
        assert_int_equal(stage.publisher->counts.edges_overflowed, 0);
    }
    assert_true(stage.publisher->counts.edges_left > 0);
    assert_true(stage.publisher->counts.operations_left > 0);
    release_stage(&stage);
}

/* One request of the same edge and operation, with values of its own. */
static void count_of_set(struct stage *stage, uint32_t set, uint64_t duration_ns)
{
    struct tally_request request = {.client = stage->a,
                                    .server = stage->b,
                                    .client_set = set,
                                    .server_set = set,
                                    .weight = WEIGHT_ONE};
    struct tally_call call = {.service = stage->b, .set = set, .kind = 2, .weight = WEIGHT_ONE};

    tally_observe(&request.seconds[SECONDS_SERVER], duration_ns, WEIGHT_ONE);
    tally_observe(&call.seconds[SECONDS_LATENCY], duration_ns, WEIGHT_ONE);
    tally_add_request(stage->tally, &request);
    tally_add_call(stage->tally, &call);
    tally_flush(stage->tally);
    stage->tally->accounting.received++;
    stage->tally->accounting.paired++;
}

/* Rows whose values find no series of their own are merged into one: each is narrow, all together are
 * not, and none of it may need memory once it is prepared. */
static void publisher__charges_what_several_rows_take_together(void **state)
{
    enum { SETS = 40, ROUNDS = 60 };
    uint64_t merged = 0;

    (void)state;
    for (unsigned size = 2; size < 40; size += 3) {
        struct random random = random_of(size);
        struct stage stage;
        uint64_t requests = 0;
        int status;
        begin(&stage, size * publisher_edge_bytes(0, 0), size * publisher_operation_bytes(0, 0));
        assert_int_equal(make_sets(&stage, SETS), SETS + 1);
        for (unsigned round = 0; round < ROUNDS; round++) {
            for (unsigned i = 0; i < round; i++, requests++)
                count_of_set(&stage, (uint32_t)random_below(&random, SETS + 2),
                             UINT64_C(1) << random_below(&random, 1 + round % 53));
            mem_fail_after(round % 9);
            status = publisher_absorb(stage.publisher, 0, stage.tally,
                                      (struct wall_time){20 + round});
            mem_fail_after(-1);
            if (status != 0)
                absorb(&stage, 0, 20 + round);
            assert_counted(&stage, requests);
        }
        merged += stage.publisher->counts.values_overflowed;
        release_stage(&stage);
    }
    assert_true(merged > 1000);
}

/* Where there are bytes, they are as fine as if one row had observed all of it. */
static void publisher__merges_several_rows_at_full_resolution(void **state)
{
    enum { SETS = 20 };
    struct stage stage;
    struct histogram *observed;
    struct snapshot *snapshot;
    size_t merged = 0;

    (void)state;
    setup_stage(&stage, 1);
    publisher_free(stage.publisher);
    assert_int_equal(publisher_new(&(struct publisher_options){.catalog = stage.catalog,
                                                               .bounds = &histogram_bounds_default,
                                                               .edges_max = 2,
                                                               .operations_max = 2,
                                                               .losses_max = 3,
                                                               .shards = 1},
                                   &stage.publisher),
                     0);
    assert_int_equal(make_sets(&stage, SETS), SETS + 1);
    assert_int_equal(histogram_new(&observed), 0);
    for (uint32_t i = 0; i < SETS; i++) {
        uint64_t duration_ns = UINT64_C(1000000) + (i % 2) * 20000000 + i * 3000;
        count_of_set(&stage, DIMENSIONS_OVERFLOW + 1 + i, duration_ns);
        if (i != 0)
            assert_int_equal(
                histogram_observe(observed, &histogram_bounds_default, duration_ns, WEIGHT_ONE), 0);
    }
    absorb(&stage, 0, 20);
    snapshot = take(&stage);
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct histogram *seconds = snapshot->edges[i].server_seconds;
        if (!snapshot->edges[i].values_overflow)
            continue;
        merged++;
        assert_int_equal(seconds->count, (SETS - 1) * WEIGHT_ONE);
        assert_int_equal(seconds->scale, observed->scale);
        assert_int_equal(seconds->length, observed->length);
        assert_memory_equal(seconds->buckets, observed->buckets,
                            observed->length * sizeof(*observed->buckets));
    }
    assert_int_equal(merged, 1);
    snapshot_release(snapshot);
    histogram_free(observed);
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publisher__keeps_to_its_bytes_and_loses_nothing),
        cmocka_unit_test(publisher__gives_bytes_of_those_that_left_to_others),
        cmocka_unit_test(publisher__charges_what_several_rows_take_together),
        cmocka_unit_test(publisher__merges_several_rows_at_full_resolution),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
