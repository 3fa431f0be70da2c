/* tally_bytes_test.c: what finds no bytes goes to the overflow entry, and a tally keeps to its bound. */
#include "tests/lib/random.h"
#include "tests/lib/shard_fixture.h"
#include "tests/lib/test.h"
#include "topology/tally_priv.h"

enum { EDGES = 400, REQUESTS = 20000, BOUND = 200 << 10 };

/* The overflow rows, which are outside the bound: each with all that it can have. */
enum {
    OVERFLOW_ROWS = EDGE_VIEW_COUNT + 1,
    OVERFLOW_BYTES = OVERFLOW_ROWS * EDGE_SECONDS_COUNT * (BINS_REST_BYTES + (BINS_LINES + 1) * 64),
};

static struct tally *make_tally(uint64_t bytes_max)
{
    struct tally_options options = {.bounds = &histogram_bounds_default,
                                    .edges_max = 10000,
                                    .operations_max = 10000,
                                    .losses_max = 10,
                                    .edges_bytes_max = bytes_max,
                                    .operations_bytes_max = bytes_max};
    struct tally *tally;

    assert_int_equal(tally_new(&options, &tally), 0);
    return tally;
}

static uint64_t bytes_of(const struct tally *tally)
{
    return bins_pool_bytes(&tally->pool) + tally->edges_room * sizeof(struct tally_edge) +
           tally->operations_room * sizeof(struct tally_operation) +
           (tally->edge_map.mask + 1 + tally->operation_map.mask + 1) * sizeof(struct key_slot);
}

/* Some of any weight, over all durations that there are. */
static void count_random(struct tally *tally, struct random *random, bool is_weighted)
{
    uint64_t weight = is_weighted && random_below(random, 2) == 0 ? 3 * WEIGHT_ONE / 2 : WEIGHT_ONE;
    struct tally_request request = {.client = 3 + (uint32_t)random_below(random, EDGES),
                                    .server = 2,
                                    .weight = weight,
                                    .failed = random_below(random, 3) == 0 ? weight : 0};
    struct tally_call call = {.service = request.client, .weight = weight};
    uint64_t duration_ns = random_next(random) >> (13 + random_below(random, 51));

    tally_observe(&request.seconds[SECONDS_CLIENT], duration_ns, weight);
    tally_observe(&request.seconds[SECONDS_SERVER], duration_ns / 2, weight);
    tally_observe(&call.seconds[SECONDS_LATENCY], duration_ns, weight);
    tally_observe(&call.seconds[SECONDS_SELF], duration_ns / 3, weight);
    tally_add_request(tally, &request);
    tally_add_call(tally, &call);
}

struct totals {
    uint64_t requests, failed, calls;
    struct histogram *seconds[3]; /* Client, server, latency. */
};

static void add(const struct tally *tally, uint32_t bins, struct histogram *into)
{
    struct histogram *own;

    assert_int_equal(histogram_new(&own), 0);
    assert_int_equal(histogram_reserve_all(own), 0);
    bins_unpack(&tally->pool, bins, own);
    assert_int_equal(histogram_merge(into, own), 0);
    histogram_free(own);
}

static void sum_up(const struct tally *tally, struct totals *out)
{
    *out = (struct totals){.requests = 0};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(histogram_new(&out->seconds[i]), 0);
    for (uint32_t i = 0; i < tally->edges_count; i++) {
        out->requests += tally->edges[i].requests;
        out->failed += tally->edges[i].failed;
        add(tally, tally->edges[i].seconds[SECONDS_CLIENT], out->seconds[0]);
        add(tally, tally->edges[i].seconds[SECONDS_SERVER], out->seconds[1]);
    }
    for (uint32_t i = 0; i < tally->operations_count; i++) {
        out->calls += tally->operations[i].calls;
        add(tally, tally->operations[i].seconds[SECONDS_LATENCY], out->seconds[2]);
    }
}

static void assert_same(const struct histogram *one, const struct histogram *other)
{
    assert_true(one->count == other->count && one->sum == other->sum);
    assert_true(one->zero_count == other->zero_count);
    assert_true(one->min_ns == other->min_ns && one->max_ns == other->max_ns);
    assert_memory_equal(one->classic, other->classic, sizeof(one->classic));
    assert_true(one->scale == other->scale && one->offset == other->offset);
    assert_int_equal(one->length, other->length);
    assert_memory_equal(one->buckets, other->buckets, one->length * sizeof(*one->buckets));
}

static void assert_same_totals(const struct tally *one, const struct tally *other)
{
    struct totals mine, others;

    sum_up(one, &mine);
    sum_up(other, &others);
    assert_int_equal(mine.requests, others.requests);
    assert_int_equal(mine.failed, others.failed);
    assert_int_equal(mine.calls, others.calls);
    for (size_t i = 0; i < 3; i++) {
        assert_same(mine.seconds[i], others.seconds[i]);
        histogram_free(mine.seconds[i]);
        histogram_free(others.seconds[i]);
    }
}

/* The same requests in a tally that is bounded and in one that is not, second after second. */
static void check(bool is_weighted)
{
    struct tally *bounded = make_tally(BOUND);
    struct tally *whole = make_tally(0);

    for (uint64_t seed = 1; seed < 5; seed++) {
        struct random one = random_of(seed), other = random_of(seed);
        for (int i = 0; i < REQUESTS; i++) {
            count_random(bounded, &one, is_weighted && seed % 2 == 0);
            count_random(whole, &other, is_weighted && seed % 2 == 0);
            assert_true(bytes_of(bounded) <= 2 * BOUND + OVERFLOW_BYTES);
        }
        tally_flush(bounded);
        tally_flush(whole);
        assert_true(bounded->counts.edges_overflowed > 0);
        assert_true(bounded->counts.operations_overflowed > 0);
        assert_int_equal(whole->counts.edges_overflowed, 0);
        assert_int_equal(bounded->counts.memory_failures, 0);
        assert_true(bounded->edges_count > 50 && bounded->operations_count > 50);
        assert_same_totals(bounded, whole);
        tally_reset(bounded);
        tally_reset(whole);
        assert_true(tally_is_empty(bounded));
    }
    tally_free(bounded);
    tally_free(whole);
}

static void tally__keeps_to_its_bytes_and_loses_nothing(void **state)
{
    (void)state;
    check(false);
    check(true);
}

/* Where no more rows are made, those that are there go on counting for themselves, and find bytes for
 * durations that are new to them. */
static void tally__keeps_room_for_rows_that_are_there(void **state)
{
    enum { GROWING = BINS_BLOCK }; /* More than there may be lines left without more bytes. */
    struct tally *tally = make_tally(BOUND);
    struct tally_request request = {.server = 2, .weight = WEIGHT_ONE};
    struct tally_call call = {.weight = WEIGHT_ONE};

    (void)state;
    tally_observe(&request.seconds[SECONDS_CLIENT], 1000, WEIGHT_ONE);
    tally_observe(&call.seconds[SECONDS_LATENCY], 1000, WEIGHT_ONE);
    for (uint32_t i = 0; i < 2000; i++) {
        request.client = call.service = 3 + i;
        tally_add_request(tally, &request);
        tally_add_call(tally, &call);
    }
    tally_flush(tally);
    assert_true(tally->counts.edges_overflowed > 0);
    assert_true(tally->counts.operations_overflowed > 0);
    tally_observe(&request.seconds[SECONDS_CLIENT], 1000000, WEIGHT_ONE);
    for (uint32_t i = 0; i < GROWING; i++) {
        request.client = 3 + i;
        tally_add_request(tally, &request);
    }
    tally_flush(tally);
    for (uint32_t i = 0; i < GROWING; i++) {
        assert_int_equal(tally->edges[EDGE_VIEW_COUNT + i].client, 3 + i);
        assert_int_equal(tally->edges[EDGE_VIEW_COUNT + i].requests, 2 * WEIGHT_ONE);
    }
    tally_free(tally);
}

/* Rows that are there already observe all their durations for the first time at once: each of them may
 * find a line left, though all together do not. */
static void tally__keeps_to_its_bytes_where_rows_observe_at_once(void **state)
{
    struct tally *tally = make_tally(BOUND);
    struct tally_request request = {.server = 2, .weight = WEIGHT_ONE};
    uint32_t rows = 0;

    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        request.client = 3 + i;
        tally_add_request(tally, &request);
    }
    tally_flush(tally);
    rows = tally->edges_count - EDGE_VIEW_COUNT;
    assert_true(rows > 500 && rows < 2000);
    for (size_t i = 0; i < EDGE_SECONDS_COUNT; i++)
        tally_observe(&request.seconds[i], UINT64_C(1000000) << i, WEIGHT_ONE);
    for (uint32_t i = 0; i < rows; i++) {
        request.client = 3 + i;
        tally_add_request(tally, &request);
        assert_true(bytes_of(tally) <= 2 * BOUND + BINS_BLOCK_BYTES);
    }
    tally_flush(tally);
    assert_true(bytes_of(tally) <= 2 * BOUND + BINS_BLOCK_BYTES);
    tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tally__keeps_to_its_bytes_and_loses_nothing),
        cmocka_unit_test(tally__keeps_room_for_rows_that_are_there),
        cmocka_unit_test(tally__keeps_to_its_bytes_where_rows_observe_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
