/* bins_test.c: what bins observed is what a histogram of the same durations has, and as notable. */
#include "topology/bins.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tests/lib/histogram_same.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"

/* A histogram that observes the same, and the rule for examples as it is told. */
struct twin {
    struct bins_pool pool;
    const struct histogram_bounds *bounds;
    uint32_t number;
    struct histogram *observed;
    struct histogram *unpacked;
};

static void setup(struct twin *twin, const struct histogram_bounds *bounds)
{
    *twin = (struct twin){.bounds = bounds};
    assert_int_equal(bins_pool_init(&twin->pool, bounds), 0);
    assert_int_equal(histogram_new(&twin->observed), 0);
    assert_int_equal(histogram_new(&twin->unpacked), 0);
    assert_int_equal(histogram_reserve_all(twin->observed), 0);
    assert_int_equal(histogram_reserve_all(twin->unpacked), 0);
}

static void release(struct twin *twin)
{
    bins_pool_release(&twin->pool);
    histogram_free(twin->observed);
    histogram_free(twin->unpacked);
}

/* As a tally does: the common way where it will do. */
static int count(struct bins_pool *pool, uint32_t *number, uint64_t duration_ns, uint64_t weight)
{
    if (weight != WEIGHT_ONE || duration_ns == 0)
        return bins_observe_any(pool, number, duration_ns, weight);
    bins_prefetch(pool, *number, grid_place(&pool->grid, duration_ns));
    return bins_observe(pool, number, grid_place(&pool->grid, duration_ns), duration_ns);
}

static void observe(struct twin *twin, uint64_t duration_ns, uint64_t weight)
{
    struct histogram_place at = histogram_place(twin->bounds, duration_ns);
    bool is_notable = twin->observed->classic[at.classic] == 0 ||
                      duration_ns > twin->observed->max_ns;

    assert_int_equal(count(&twin->pool, &twin->number, duration_ns, weight),
                     is_notable ? BINS_NOTABLE : 0);
    assert_int_equal(histogram_observe_at(twin->observed, &at, weight), 0);
}

static void assert_twins(struct twin *twin)
{
    bins_unpack(&twin->pool, twin->number, twin->unpacked);
    assert_histograms_same(twin->unpacked, twin->observed);
}

static void start_anew(struct twin *twin)
{
    bins_pool_reset(&twin->pool);
    histogram_reset(twin->observed);
    twin->number = 0;
    assert_true(bins_are_empty(&twin->pool, twin->number));
}

/* As long as any, spread over so many octaves from a random one on. */
static uint64_t duration_within(struct random *random, unsigned first, unsigned octaves)
{
    unsigned bit = first + (unsigned)random_below(random, octaves);
    uint64_t from = UINT64_C(1) << (bit < 52 ? bit : 52);

    return from + random_below(random, from);
}

/* ------------------------------------------------------------------ the grid */

static const struct histogram_bounds bounds_close = {
    .count = 9,
    .upper_ns = {0, 1, 2, 1000000000, 1000000001, 1000000002, 1020000000, DURATION_NS_MAX,
                 UINT64_MAX},
};

static const struct histogram_bounds bounds_none = {.count = 0};

/* Above 0; often about a bound. */
static uint64_t duration_near(struct random *random, const struct histogram_bounds *bounds)
{
    uint64_t bound_ns = 0;

    if (bounds->count != 0 && random_below(random, 4) == 0)
        bound_ns = bounds->upper_ns[random_below(random, bounds->count)];
    if (bound_ns > 1)
        return bound_ns >= DURATION_NS_MAX ? DURATION_NS_MAX
                                           : bound_ns - 1 + random_below(random, 3);
    return random_below(random, 100) == 0 ? 1 + random_below(random, 5)
                                          : duration_within(random, 0, 53);
}

static void check_cells(const struct histogram_bounds *bounds, unsigned shift)
{
    struct random random = random_of(5);
    struct grid *grid = malloc(sizeof(*grid));
    uint64_t before_ns = 1;
    uint32_t before = 0;

    assert_non_null(grid);
    grid_init(grid, bounds);
    for (int i = 0; i < 100000; i++) {
        uint64_t duration_ns = duration_near(&random, bounds);
        struct histogram_place at = histogram_place(bounds, duration_ns);
        struct grid_place place = grid_place(grid, duration_ns);
        uint32_t cell = grid_cell(place, shift);
        struct grid_place again;
        assert_int_equal(place.classic, at.classic);
        assert_int_equal(grid_index(place), at.finest);
        assert_true(cell < GRID_CELLS);
        again = grid_place_of(grid, cell, shift);
        assert_int_equal(again.classic, at.classic);
        assert_int_equal(grid_index(again) >> shift, at.finest >> shift);
        assert_true(duration_ns >= before_ns ? cell >= before : cell <= before);
        before_ns = duration_ns;
        before = cell;
    }
    free(grid);
}

static void grid__gives_both_buckets_of_any_duration(void **state)
{
    struct histogram_bounds most = {.count = HISTOGRAM_BOUNDS_MAX};

    (void)state;
    for (uint32_t i = 0; i < most.count; i++)
        most.upper_ns[i] = 1000000 + 1000 * i;
    for (unsigned shift = 0; shift <= GRID_SHIFT_MAX; shift++) {
        check_cells(&histogram_bounds_default, shift);
        check_cells(&bounds_close, shift);
        check_cells(&bounds_none, shift);
        check_cells(&most, shift);
    }
}

/* ------------------------------------------------------------------ bins */

static void bins__observe_as_a_histogram_does(void **state)
{
    static const struct histogram_bounds *const all[] = {&histogram_bounds_default, &bounds_close,
                                                         &bounds_none};
    struct random random = random_of(7);

    (void)state;
    for (int round = 0; round < 300; round++) {
        unsigned octaves = round % 3 == 0 ? 53 : 1 + (unsigned)random_below(&random, 9);
        unsigned first = (unsigned)random_below(&random, 50);
        bool is_weighted = round % 4 == 1;
        struct twin twin;
        setup(&twin, all[round % 3]);
        for (int times = 0; times < 2; times++) {
            for (int i = 0; i < 400; i++) {
                uint64_t weight = WEIGHT_ONE;
                if (is_weighted && random_below(&random, 3) == 0)
                    weight = 1 + random_below(&random, WEIGHT_MAX);
                observe(&twin,
                        random_below(&random, 20) == 0 ? 0
                                                       : duration_within(&random, first, octaves),
                        weight);
            }
            assert_twins(&twin);
            start_anew(&twin);
        }
        assert_twins(&twin);
        release(&twin);
    }
}

static void bins__go_on_where_a_counter_is_full(void **state)
{
    struct twin twin;

    (void)state;
    setup(&twin, &histogram_bounds_default);
    for (int i = 0; i < 3 * BINS_COUNT_MAX; i++)
        observe(&twin, 5000000 + (uint64_t)(i % 3 == 0) * 50000000, WEIGHT_ONE);
    assert_twins(&twin);
    release(&twin);
}

static void bins__go_on_where_their_sum_is_full(void **state)
{
    struct twin twin;

    (void)state;
    setup(&twin, &histogram_bounds_default);
    for (int i = 0; i < 10000; i++)
        observe(&twin, DURATION_NS_MAX - (uint64_t)i, WEIGHT_ONE);
    assert_twins(&twin);
    release(&twin);
}

/* Durations of 0 are counted in the head. */
static void bins__go_on_where_zeros_are_full(void **state)
{
    struct twin twin;

    (void)state;
    setup(&twin, &histogram_bounds_default);
    for (int i = 0; i < 3 * BINS_COUNT_MAX; i++)
        observe(&twin, i % 100 == 0 ? 7000 : 0, WEIGHT_ONE);
    assert_twins(&twin);
    release(&twin);
}

/* However far apart plain durations are, lines do for them. */
static void bins__need_nothing_beside_for_any_plain_durations(void **state)
{
    struct random random = random_of(17);

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct twin twin;
        setup(&twin, &histogram_bounds_default);
        for (unsigned i = 0; i < 500; i++)
            observe(&twin, duration_within(&random, 0, 1 + i % 53), WEIGHT_ONE);
        assert_int_equal(twin.pool.rests_used, 0);
        assert_true(twin.pool.lines_used <= 2 * BINS_LINES + 2);
        assert_twins(&twin);
        release(&twin);
    }
}

/* A coarse cell that cannot take the sum of two others: all are moved beside, once. */
static void bins__do_not_widen_past_what_a_counter_holds(void **state)
{
    struct twin twin;

    (void)state;
    setup(&twin, &histogram_bounds_default);
    for (int i = 0; i < BINS_COUNT_MAX - 1; i++) {
        observe(&twin, 5000000, WEIGHT_ONE);
        observe(&twin, 5150000, WEIGHT_ONE);
        observe(&twin, 5250000, WEIGHT_ONE);
    }
    for (int round = 0; round < 10; round++)
        for (uint64_t i = 1; i < 53; i++)
            observe(&twin, UINT64_C(1) << i, WEIGHT_ONE);
    assert_true(twin.pool.rests_used != 0);
    assert_twins(&twin);
    /* What came after that is in lines again. */
    assert_int_equal(twin.pool.rests[0]->count >> WEIGHT_SHIFT, 3 * (BINS_COUNT_MAX - 1));
    release(&twin);
}

/* Many of them share a pool of many blocks, and do not mix. */
static void bins__share_a_pool(void **state)
{
    enum { MANY = 700 };
    static uint32_t numbers[MANY];
    struct random random = random_of(11);
    struct histogram *observed[MANY];
    struct twin twin;

    (void)state;
    setup(&twin, &histogram_bounds_default);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(histogram_new(&observed[i]), 0);
    for (int i = 0; i < 30 * MANY; i++) {
        unsigned which = (unsigned)random_below(&random, MANY);
        uint64_t duration_ns = duration_within(&random, which % 40, 1 + which % 9);
        assert_true(count(&twin.pool, &numbers[which], duration_ns, WEIGHT_ONE) >= 0);
        assert_int_equal(histogram_observe(observed[which], twin.bounds, duration_ns, WEIGHT_ONE),
                         0);
    }
    assert_true(twin.pool.blocks_count > 2);
    for (size_t i = 0; i < MANY; i++) {
        bins_unpack(&twin.pool, numbers[i], twin.unpacked);
        assert_histograms_same(twin.unpacked, observed[i]);
        histogram_free(observed[i]);
    }
    release(&twin);
}

/* What failed was not counted, and nothing else is lost. */
static void bins__survive_failing_memory(void **state)
{
    bool is_over = false;

    (void)state;
    for (long fails = 0; !is_over; fails++) {
        struct random random = random_of(13);
        struct twin twin;
        int failures = 0;
        setup(&twin, &histogram_bounds_default);
        mem_fail_after(fails);
        for (int i = 0; i < 400; i++) {
            uint64_t duration_ns = duration_within(&random, 0, 53);
            uint64_t weight = i % 50 == 49 ? 3 * WEIGHT_ONE : WEIGHT_ONE;
            int status = count(&twin.pool, &twin.number, duration_ns, weight);
            failures += status == STATUS_NOMEM;
            if (status != STATUS_NOMEM)
                assert_int_equal(histogram_observe(twin.observed, twin.bounds, duration_ns, weight),
                                 0);
        }
        mem_fail_after(-1);
        assert_twins(&twin);
        is_over = failures == 0;
        release(&twin);
        assert_true(fails < 100);
    }
}

/* A counter that is full finds no room beside it, and then some. */
static void bins__wait_for_memory_where_a_counter_is_full(void **state)
{
    struct twin twin;

    (void)state;
    setup(&twin, &histogram_bounds_default);
    for (int i = 0; i < BINS_COUNT_MAX; i++)
        observe(&twin, 5000000, WEIGHT_ONE);
    mem_fail_after(0);
    assert_int_equal(count(&twin.pool, &twin.number, 5000000, WEIGHT_ONE), STATUS_NOMEM);
    mem_fail_after(-1);
    assert_twins(&twin);
    observe(&twin, 5000000, WEIGHT_ONE);
    assert_twins(&twin);
    release(&twin);
}

static void bins_pool__says_when_there_is_no_memory(void **state)
{
    struct bins_pool pool;

    (void)state;
    for (long fails = 0; fails < 2; fails++) {
        pool = (struct bins_pool){0};
        mem_fail_after(fails);
        assert_int_equal(bins_pool_init(&pool, &histogram_bounds_default), STATUS_NOMEM);
        mem_fail_after(-1);
        bins_pool_release(&pool);
    }
}

/* Makes bins up to so many, each of which counts one duration of its own. */
static void fill(struct bins_pool *pool, uint32_t numbers[], uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        numbers[i] = 0;
        assert_int_equal(count(pool, &numbers[i], 1000 + i, WEIGHT_ONE), BINS_NOTABLE);
    }
}

static void assert_filled(const struct bins_pool *pool, const uint32_t numbers[], uint32_t total)
{
    struct histogram *histogram;

    assert_int_equal(histogram_new(&histogram), 0);
    assert_int_equal(histogram_reserve_all(histogram), 0);
    for (uint32_t i = 0; i < total; i++) {
        bins_unpack(pool, numbers[i], histogram);
        assert_true(histogram->count == WEIGHT_ONE && histogram->max_ns == 1000 + i);
    }
    histogram_free(histogram);
}

/* Each has a head and a line. */
enum { PER_AREA = BINS_AREA * BINS_BLOCK / 2, PER_BLOCK = BINS_BLOCK / 2, MANY = 5 * PER_AREA };

static void bins_pool__grows_by_areas_where_there_is_room(void **state)
{
    uint32_t *numbers = malloc(MANY * sizeof(*numbers));
    struct bins_pool pool = {.blocks = NULL};

    (void)state;
    assert_int_equal(bins_pool_init(&pool, &histogram_bounds_default), 0);
    fill(&pool, numbers, 0, PER_AREA - 1);
    assert_int_equal(bins_pool_bytes(&pool), BINS_AREA_BYTES);
    fill(&pool, numbers, PER_AREA - 1, PER_AREA + 1);
    assert_int_equal(bins_pool_bytes(&pool), 2 * BINS_AREA_BYTES);
    bins_pool_trim(&pool); /* Something of it is used. */
    assert_int_equal(bins_pool_bytes(&pool), 2 * BINS_AREA_BYTES);
    pool.is_short = true;
    fill(&pool, numbers, PER_AREA + 1, 2 * PER_AREA + PER_BLOCK);
    assert_int_equal(bins_pool_bytes(&pool), 2 * BINS_AREA_BYTES + 2 * BINS_BLOCK_BYTES);
    pool.is_short = false; /* Too late: what comes behind single blocks are single ones. */
    fill(&pool, numbers, 2 * PER_AREA + PER_BLOCK, MANY);
    assert_true(bins_pool_bytes(&pool) <= 5 * BINS_AREA_BYTES + BINS_BLOCK_BYTES);
    assert_filled(&pool, numbers, MANY);
    bins_pool_reset(&pool);
    fill(&pool, numbers, 0, PER_AREA + 1); /* In the same memory. */
    assert_filled(&pool, numbers, PER_AREA + 1);
    bins_pool_trim(&pool);
    assert_int_equal(bins_pool_bytes(&pool), 2 * BINS_AREA_BYTES);
    bins_pool_reset(&pool);
    bins_pool_trim(&pool);
    assert_int_equal(bins_pool_bytes(&pool), BINS_BLOCK_BYTES);
    fill(&pool, numbers, 0, MANY);
    assert_int_equal(bins_pool_bytes(&pool), 6 * BINS_AREA_BYTES);
    assert_filled(&pool, numbers, MANY);
    bins_pool_release(&pool);
    free(numbers);
}

static void bins_pool__survives_that_there_is_no_area(void **state)
{
    uint32_t *numbers = malloc((PER_AREA + 1) * sizeof(*numbers));
    struct bins_pool pool = {.blocks = NULL};

    (void)state;
    for (long fails = 0; fails < 2; fails++) { /* Of the pointers, and of the area. */
        uint32_t number = 0;
        assert_int_equal(bins_pool_init(&pool, &histogram_bounds_default), 0);
        fill(&pool, numbers, 0, PER_AREA - 1);
        assert_int_equal(count(&pool, &number, 0, WEIGHT_ONE), BINS_NOTABLE); /* The last line. */
        mem_fail_after(fails);
        number = 0;
        assert_int_equal(count(&pool, &number, 5, WEIGHT_ONE), STATUS_NOMEM);
        mem_fail_after(-1);
        assert_int_equal(bins_pool_bytes(&pool), BINS_AREA_BYTES);
        fill(&pool, numbers, PER_AREA - 1, PER_AREA + 1);
        assert_int_equal(bins_pool_bytes(&pool), 2 * BINS_AREA_BYTES);
        assert_filled(&pool, numbers, PER_AREA + 1);
        bins_pool_release(&pool);
    }
    free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid__gives_both_buckets_of_any_duration),
        cmocka_unit_test(bins__observe_as_a_histogram_does),
        cmocka_unit_test(bins__go_on_where_a_counter_is_full),
        cmocka_unit_test(bins__go_on_where_their_sum_is_full),
        cmocka_unit_test(bins__go_on_where_zeros_are_full),
        cmocka_unit_test(bins__need_nothing_beside_for_any_plain_durations),
        cmocka_unit_test(bins__do_not_widen_past_what_a_counter_holds),
        cmocka_unit_test(bins__share_a_pool),
        cmocka_unit_test(bins__survive_failing_memory),
        cmocka_unit_test(bins__wait_for_memory_where_a_counter_is_full),
        cmocka_unit_test(bins_pool__says_when_there_is_no_memory),
        cmocka_unit_test(bins_pool__grows_by_areas_where_there_is_room),
        cmocka_unit_test(bins_pool__survives_that_there_is_no_area),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
