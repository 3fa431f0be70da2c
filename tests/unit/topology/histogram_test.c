/* histogram_test.c: both kinds of buckets, quantiles within their stated error, exact merging. */
#include "topology/histogram.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/lib/histogram_same.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"
#include "topology/span.h"

static const struct histogram_bounds *const bounds = &histogram_bounds_default;

static struct histogram *make(void)
{
    struct histogram *histogram = NULL;

    assert_int_equal(histogram_new(&histogram), 0);
    return histogram;
}

static void observe(struct histogram *histogram, uint64_t duration_ns)
{
    assert_int_equal(histogram_observe(histogram, bounds, duration_ns, WEIGHT_ONE), 0);
}

static void assert_sound(const struct histogram *histogram)
{
    uint64_t classic = 0;
    uint64_t finer = histogram->zero_count;

    for (size_t i = 0; i <= bounds->count; i++)
        classic += histogram->classic[i];
    for (uint32_t i = 0; i < histogram->length; i++)
        finer += histogram->buckets[i];
    assert_true(classic == histogram->count);
    assert_true(finer == histogram->count);
    assert_true(histogram->length <= HISTOGRAM_BUCKETS_MAX);
    if (histogram->length != 0) {
        assert_true(histogram->buckets[0] != 0);
        assert_true(histogram->buckets[histogram->length - 1] != 0);
    }
}

/* Whether `seconds` lies in (b^i, b^(i+1)], asked of the mathematics library. */
static void assert_in_bucket(uint64_t duration_ns, int32_t scale)
{
    int32_t index = histogram_index(duration_ns, scale);
    long double position = log2l((long double)duration_ns / 1e9L) * exp2l((long double)scale);

    assert_true(position > (long double)index - 1e-9L);
    assert_true(position <= (long double)index + 1 + 1e-9L);
}

static void histogram__finds_the_bucket_of_any_duration(void **state)
{
    struct random random = random_of(1);

    (void)state;
    for (int32_t scale = HISTOGRAM_SCALE_MAX; scale >= -4; scale--) {
        for (uint64_t bit = 1; bit <= DURATION_NS_MAX; bit *= 2) {
            assert_in_bucket(bit, scale);
            assert_in_bucket(bit + 1, scale);
            assert_in_bucket(bit + random_below(&random, bit), scale);
        }
    }
}

/* Whether a duration is above 2^(index/32) s: by its 32nd power, which needs 2,048 bits. */
static bool is_above_bound(uint64_t duration_ns, int32_t index)
{
    /* duration^32 > 2^index * 10^(9 * 32), in limbs of 32 bits, lowest first. */
    uint32_t left[64] = {1}, right[64] = {1};
    uint32_t *longer = index >= 0 ? right : left;

    for (int i = 0; i < 32; i++) {
        uint64_t carry[2] = {0, 0};
        for (int j = 0; j < 64; j++) {
            unsigned __int128 product = (unsigned __int128)left[j] * duration_ns + carry[0];
            left[j] = (uint32_t)product;
            carry[0] = (uint64_t)(product >> 32);
            product = (unsigned __int128)right[j] * NS_PER_S + carry[1];
            right[j] = (uint32_t)product;
            carry[1] = (uint64_t)(product >> 32);
        }
        assert_true(carry[0] == 0 && carry[1] == 0);
    }
    for (int32_t i = 0; i < (index >= 0 ? index : -index); i++)
        for (int j = 63; j >= 0; j--)
            longer[j] = longer[j] << 1 | (j > 0 ? longer[j - 1] >> 31 : 0);
    for (int j = 63; j >= 0; j--)
        if (left[j] != right[j])
            return left[j] > right[j];
    return false;
}

/* On both sides of bounds, where a double would not do: the nearest whole numbers. */
static void histogram__puts_no_duration_on_the_wrong_side_of_a_bound(void **state)
{
    (void)state;
    for (int32_t index = -600; index <= 320; index += 7) {
        long double bound = exp2l((long double)index / 32) * 1e9L;
        uint64_t below = (uint64_t)floorl(bound);
        for (uint64_t duration_ns = below > 2 ? below - 2 : 1; duration_ns <= below + 3;
             duration_ns++) {
            int32_t found = histogram_index(duration_ns, HISTOGRAM_SCALE_MAX);
            assert_true(is_above_bound(duration_ns, found));
            assert_false(is_above_bound(duration_ns, found + 1));
        }
    }
}

static void histogram__closes_buckets_at_their_upper_bound(void **state)
{
    (void)state;
    assert_int_equal(histogram_index(NS_PER_S, 5), -1);
    assert_int_equal(histogram_index(NS_PER_S + 1, 5), 0);
    assert_int_equal(histogram_index(NS_PER_S / 2, 0), -2);
    assert_int_equal(histogram_index(4 * NS_PER_S, 0), 1);
}

static void histogram__counts_classic_buckets_inclusively(void **state)
{
    struct histogram *histogram = make();

    (void)state;
    observe(histogram, 0);
    observe(histogram, 2 * NS_PER_MS);
    observe(histogram, 2 * NS_PER_MS + 1);
    observe(histogram, 15 * NS_PER_S);
    observe(histogram, 15 * NS_PER_S + 1);
    assert_true(histogram->classic[0] == 2 * WEIGHT_ONE);
    assert_true(histogram->classic[1] == WEIGHT_ONE);
    assert_true(histogram->classic[15] == WEIGHT_ONE);
    assert_true(histogram->classic[16] == WEIGHT_ONE);
    assert_sound(histogram);
    histogram_free(histogram);
    histogram_free(NULL);
}

static void histogram__weighs_what_it_counts(void **state)
{
    struct histogram *histogram = make();

    (void)state;
    assert_int_equal(histogram_observe(histogram, bounds, NS_PER_S, 3 * WEIGHT_ONE / 2), 0);
    assert_int_equal(histogram_observe(histogram, bounds, NS_PER_S, 0), 0);
    assert_true(histogram_count_value(histogram) == 1.5);
    assert_true(histogram_sum_seconds(histogram) == 1.5);
    assert_sound(histogram);
    histogram_free(histogram);
}

/* Sums of the largest durations with the largest weights stay exact. */
static void histogram__sums_without_overflow(void **state)
{
    struct histogram *histogram = make();
    histogram_sum expected = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(histogram_observe(histogram, bounds, DURATION_NS_MAX, WEIGHT_MAX), 0);
        expected += (histogram_sum)DURATION_NS_MAX * WEIGHT_MAX;
    }
    assert_true(histogram->sum == expected);
    histogram_free(histogram);
}

static void histogram__answers_quantiles_of_an_empty_one_and_of_one(void **state)
{
    struct histogram *histogram = make();

    (void)state;
    assert_true(histogram_quantile(histogram, 0.5) == 0);
    observe(histogram, 123456789);
    assert_true(histogram_quantile(histogram, 0.5) == 0.123456789);
    assert_true(histogram_quantile(histogram, 1) == 0.123456789);
    observe(histogram, 0);
    assert_true(histogram_quantile(histogram, 0.5) == 0);
    histogram_free(histogram);
}

/* The rank is rounded up, to the last part of a weight: half of three parts is the second. */
static void histogram__rounds_ranks_up(void **state)
{
    struct histogram *histogram = make();

    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(histogram_observe(histogram, bounds, NS_PER_MS << 4 * i, 1), 0);
    assert_true(histogram_quantile(histogram, 0.3) == 0.001);
    assert_true(histogram_quantile(histogram, 0.5) > 0.015);
    assert_true(histogram_quantile(histogram, 0.5) < 0.017);
    assert_true(histogram_quantile(histogram, 0.7) > 0.25);
    histogram_free(histogram);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

/* The stated error is sqrt(base) - 1 at the scale that the histogram ended with. */
static void histogram__keeps_the_error_of_its_scale(void **state)
{
    static const double quantiles[] = {0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    enum { COUNT = 5000 };
    static uint64_t values[COUNT];
    struct random random = random_of(2);

    (void)state;
    for (unsigned spread = 1; spread <= 40; spread += 3) {
        struct histogram *histogram = make();
        double error;
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = 1000 + (random_next(&random) >> (64 - spread));
            observe(histogram, values[i]);
        }
        qsort(values, COUNT, sizeof(values[0]), compare_numbers);
        assert_sound(histogram);
        error = sqrt(exp2(exp2(-(double)histogram->scale))) - 1 + 1e-12;
        for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
            size_t rank = (size_t)ceil(quantiles[i] * COUNT - 1e-9);
            double exact = (double)values[rank - 1] / 1e9;
            double found = histogram_quantile(histogram, quantiles[i]);
            assert_true(fabs(found - exact) <= exact * error);
        }
        histogram_free(histogram);
    }
}

/* An observation of a weight, for quantiles of what is weighed. */
struct weighed {
    uint64_t ns;
    uint64_t weight;
};

static int compare_weighed(const void *a, const void *b)
{
    return compare_numbers(&((const struct weighed *)a)->ns, &((const struct weighed *)b)->ns);
}

/* The duration of rank ceil(q * weights), by definition. */
static uint64_t exact_quantile(const struct weighed *sorted, size_t count, unsigned per_mille)
{
    unsigned __int128 all = 0, seen = 0;

    for (size_t i = 0; i < count; i++)
        all += sorted[i].weight;
    for (size_t i = 0; i < count; i++) {
        seen += sorted[i].weight;
        if (seen * 1000 >= all * per_mille)
            return sorted[i].ns;
    }
    return sorted[count - 1].ns;
}

/* Distributions that are hard on buckets. */
static uint64_t adverse(struct random *random, unsigned shape, size_t i)
{
    static const uint64_t spikes[] = {1, DURATION_NS_MAX, NS_PER_MS, NS_PER_S};
    uint64_t octave = UINT64_C(1) << (i % 53);

    switch (shape) {
    case 0: /* All on one spot. */
        return NS_PER_MS;
    case 1: /* The two ends, and two spikes between. */
        return spikes[random_below(random, 4)];
    case 2: /* On each side of the bounds of octaves. */
        return octave + random_below(random, 3) - (octave > 1);
    case 3: /* A few in a tail that is far away. */
        return i % 997 == 0 ? DURATION_NS_MAX - i : NS_PER_MS + random_below(random, 1000);
    case 4: /* A heavy tail. */
        return UINT64_C(1000) << random_below(random, 1 + random_below(random, 43));
    case 5: /* Zeros, and little else. */
        return random_below(random, 10) == 0 ? random_below(random, NS_PER_S) : 0;
    case 6: /* As narrow as one bucket. */
        return NS_PER_S + random_below(random, NS_PER_S / 64);
    default: /* Every bucket once. */
        return (uint64_t)exp2((double)(i % 5000) / 5000 * 52);
    }
}

/* Whatever is observed, with whatever weights, at once or in parts that are merged. */
static void histogram__keeps_its_error_on_adverse_durations(void **state)
{
    static const unsigned per_mille[] = {1, 10, 250, 500, 900, 950, 990, 999, 1000};
    enum { COUNT = 5000, SHAPES = 8 };
    static struct weighed values[COUNT];
    struct random random = random_of(4);

    (void)state;
    for (unsigned shape = 0; shape < 2 * SHAPES; shape++) {
        struct histogram *whole = make();
        struct histogram *part = make();
        double error;
        for (size_t i = 0; i < COUNT; i++) {
            values[i].ns = adverse(&random, shape % SHAPES, i);
            values[i].weight = shape < SHAPES ? WEIGHT_ONE : 1 + random_below(&random, WEIGHT_MAX);
            assert_int_equal(histogram_observe(part, bounds, values[i].ns, values[i].weight), 0);
            if (i % 613 == 0 || i + 1 == COUNT) {
                assert_int_equal(histogram_merge(whole, part), 0);
                histogram_reset(part);
            }
        }
        qsort(values, COUNT, sizeof(values[0]), compare_weighed);
        assert_sound(whole);
        error = sqrt(exp2(exp2(-(double)whole->scale))) - 1 + 1e-12;
        for (size_t i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++) {
            double exact = (double)exact_quantile(values, COUNT, per_mille[i]) / 1e9;
            double found = histogram_quantile(whole, (double)per_mille[i] / 1000);
            if (fabs(found - exact) > exact * error)
                fail_msg("shape %u, %u per mille: %g, not %g", shape, per_mille[i], found, exact);
        }
        histogram_free(whole);
        histogram_free(part);
    }
}

/* What docs and headers say of scales: 1.1 % at 5, 2.2 % at 4, and how far 160 buckets reach. */
static void histogram__has_the_scale_that_its_reach_needs(void **state)
{
    static const struct {
        int32_t scale;
        double error, reach;
    } scales[] = {{5, 0.011, 31}, {4, 0.022, 1000}, {3, 0.045, 1e6}, {2, 0.091, 1e12}};

    (void)state;
    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
        struct histogram *histogram = make();
        double error = sqrt(exp2(exp2(-(double)scales[i].scale))) - 1;
        observe(histogram, 1000);
        observe(histogram, (uint64_t)(1000 * scales[i].reach));
        assert_int_equal(histogram->scale, scales[i].scale);
        assert_true(error <= scales[i].error && error > scales[i].error * 0.96);
        histogram_free(histogram);
    }
}

static struct histogram *random_part(struct random *random)
{
    struct histogram *part = make();
    unsigned low = (unsigned)random_below(random, 53);

    for (uint64_t left = random_below(random, 20); left != 0; left--) {
        uint64_t ns = random_next(random) >> (11 + random_below(random, 1 + low));
        assert_int_equal(histogram_observe(part, bounds, ns, random_below(random, WEIGHT_MAX)), 0);
    }
    return part;
}

static struct histogram *merged(const struct histogram *one, const struct histogram *other)
{
    struct histogram *sum = NULL;

    assert_int_equal(histogram_copy(one, &sum), 0);
    assert_int_equal(histogram_merge(sum, other), 0);
    return sum;
}

/* (a + b) + c = a + (b + c), a + b = b + a, a + 0 = a; to the last part of a weight. */
static void histogram__merges_as_numbers_add(void **state)
{
    struct random random = random_of(5);

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct histogram *a = random_part(&random), *b = random_part(&random);
        struct histogram *c = random_part(&random), *nothing = make();
        struct histogram *ab = merged(a, b), *ba = merged(b, a), *bc = merged(b, c);
        struct histogram *left = merged(ab, c), *right = merged(a, bc), *same = merged(a, nothing);
        struct histogram *all[] = {a, b, c, nothing, ab, ba, bc, left, right, same};
        assert_histograms_same(ab, ba);
        assert_histograms_same(left, right);
        assert_histograms_same(same, a);
        assert_sound(left);
        assert_true(left->count == a->count + b->count + c->count);
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            histogram_free(all[i]);
    }
}

/* metrics.buckets: other bounds change the classic buckets alone. */
static void histogram__takes_other_classic_bounds(void **state)
{
    static const struct histogram_bounds few = {.count = 2, .upper_ns = {1000, 5000}};
    struct histogram *histogram = make(), *usual = make();
    static const uint64_t durations[] = {0, 1000, 1001, 5000, 5001, NS_PER_S};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(histogram_observe(histogram, &few, durations[i], WEIGHT_ONE), 0);
        observe(usual, durations[i]);
    }
    assert_true(histogram->classic[0] == 2 * WEIGHT_ONE);
    assert_true(histogram->classic[1] == 2 * WEIGHT_ONE);
    assert_true(histogram->classic[2] == 2 * WEIGHT_ONE);
    memcpy(histogram->classic, usual->classic, sizeof(usual->classic));
    assert_histograms_same(histogram, usual);
    histogram_free(histogram);
    histogram_free(usual);
}

static void histogram__halves_its_resolution_when_it_must(void **state)
{
    struct histogram *histogram = make();

    (void)state;
    observe(histogram, NS_PER_MS);
    assert_int_equal(histogram->scale, 5);
    observe(histogram, 2 * NS_PER_MS);
    assert_int_equal(histogram->scale, 5);
    observe(histogram, 1);
    assert_true(histogram->scale < 5);
    observe(histogram, DURATION_NS_MAX);
    assert_sound(histogram);
    assert_true(histogram->scale >= 1); /* 53 octaves fit into 160 buckets at scale 1. */
    histogram_free(histogram);
}

static void histogram__does_not_show_order_nor_how_it_was_merged(void **state)
{
    enum { COUNT = 400, PARTS = 5 };
    struct random random = random_of(3);

    (void)state;
    for (int round = 0; round < 50; round++) {
        struct histogram *forward = make();
        struct histogram *backward = make();
        struct histogram *parts[PARTS];
        struct histogram *left = make();
        struct histogram *right = make();
        uint64_t values[COUNT];
        for (size_t i = 0; i < PARTS; i++)
            parts[i] = make();
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = random_next(&random) >> (11 + random_below(&random, 53));
            observe(forward, values[i]);
            observe(parts[random_below(&random, PARTS)], values[i]);
        }
        for (size_t i = COUNT; i-- > 0;)
            observe(backward, values[i]);
        for (size_t i = 0; i < PARTS; i++) {
            assert_int_equal(histogram_merge(left, parts[i]), 0);
            assert_int_equal(histogram_merge(right, parts[PARTS - 1 - i]), 0);
        }
        assert_sound(forward);
        assert_histograms_same(forward, backward);
        assert_histograms_same(forward, left);
        assert_histograms_same(forward, right);
        for (size_t i = 0; i < PARTS; i++)
            histogram_free(parts[i]);
        histogram_free(forward);
        histogram_free(backward);
        histogram_free(left);
        histogram_free(right);
    }
}

static void histogram__copies_apart(void **state)
{
    struct histogram *histogram = make();
    struct histogram *copy = NULL;

    (void)state;
    observe(histogram, 5);
    assert_int_equal(histogram_copy(histogram, &copy), 0);
    assert_histograms_same(histogram, copy);
    observe(histogram, 50000);
    assert_true(copy->count == WEIGHT_ONE);
    histogram_free(histogram);
    assert_sound(copy);
    histogram_free(copy);
}

/* With fewer buckets it is coarser, and the same whatever way it came to be so. */
static void check_most(uint16_t most, struct random *random)
{
    struct histogram *whole = make(), *bounded = make(), *merged = make(), *narrowed = make();

    bounded->most = merged->most = most;
    for (int i = 0; i < 300; i++) {
        uint64_t ns = random_next(random) >> (11 + random_below(random, 53));
        observe(whole, ns);
        observe(bounded, ns);
        observe(narrowed, ns);
        assert_sound(bounded);
        assert_true(bounded->length <= most && bounded->capacity <= most);
        if (i == 40) { /* From here on, with what it has. */
            narrowed->most = narrowed->capacity > HISTOGRAM_BUCKETS_MIN
                                 ? (uint16_t)narrowed->capacity
                                 : HISTOGRAM_BUCKETS_MIN;
        }
    }
    assert_int_equal(histogram_merge(merged, whole), 0);
    assert_histograms_same(merged, bounded);
    assert_true(narrowed->capacity <= narrowed->most);
    assert_sound(narrowed);
    assert_true(narrowed->count == whole->count && narrowed->sum == whole->sum);
    assert_memory_equal(narrowed->classic, whole->classic, sizeof(whole->classic));
    histogram_free(whole);
    histogram_free(bounded);
    histogram_free(merged);
    histogram_free(narrowed);
}

static void histogram__keeps_to_fewer_buckets(void **state)
{
    struct random random = random_of(11);

    (void)state;
    for (uint16_t most = HISTOGRAM_BUCKETS_MIN; most < HISTOGRAM_BUCKETS_MAX; most *= 2)
        for (int i = 0; i < 50; i++)
            check_most(most, &random);
}

static void histogram__tells_what_room_a_merge_takes(void **state)
{
    struct random random = random_of(12);

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct histogram *into = make(), *from = make();
        uint32_t room;
        for (int j = 0; j < 20; j++) {
            observe(into, random_next(&random) >> (11 + random_below(&random, 53)));
            observe(from, random_next(&random) >> (11 + random_below(&random, 53)));
        }
        room = histogram_room_with(into, from);
        assert_int_equal(histogram_reserve(into, from), 0);
        assert_int_equal(into->capacity, room);
        assert_int_equal(histogram_merge(into, from), 0);
        assert_int_equal(into->capacity, room);
        histogram_free(into);
        histogram_free(from);
    }
}

/* After a reservation the merge cannot fail, and until then nothing shows. */
static void histogram__reserves_without_a_trace(void **state)
{
    struct histogram *into = make();
    struct histogram *from = make();
    struct histogram *before = NULL;

    (void)state;
    observe(into, 1000);
    for (uint64_t ns = 1; ns < UINT64_C(1) << 40; ns *= 2)
        observe(from, ns);
    assert_int_equal(histogram_copy(into, &before), 0);
    assert_int_equal(histogram_reserve(into, from), 0);
    assert_histograms_same(before, into);
    mem_fail_after(0);
    assert_int_equal(histogram_merge(into, from), 0);
    mem_fail_after(-1);
    assert_sound(into);
    assert_true(into->count == before->count + from->count);
    histogram_reset(into);
    assert_true(into->count == 0 && into->length == 0 && into->scale == HISTOGRAM_SCALE_MAX);
    assert_int_equal(histogram_reserve_all(into), 0);
    mem_fail_after(0);
    for (uint64_t ns = DURATION_NS_MAX; ns != 0; ns /= 3)
        observe(into, ns);
    mem_fail_after(-1);
    assert_sound(into);
    histogram_free(into);
    histogram_free(from);
    histogram_free(before);
}

/* Of weights below one a rank is a part too: the last of 4/3 is not the second. */
static void histogram__ranks_in_parts_of_an_observation(void **state)
{
    struct histogram *histogram = make();

    (void)state;
    assert_int_equal(histogram_observe(histogram, bounds, 1000, WEIGHT_ONE), 0);
    assert_int_equal(histogram_observe(histogram, bounds, NS_PER_S, WEIGHT_ONE / 3), 0);
    assert_true(histogram_quantile(histogram, 0.75) < 2e-6);
    assert_true(histogram_quantile(histogram, 0.76) > 0.9);
    histogram_free(histogram);
}

/* What fails leaves the histogram as it was. */
static int use_all(void *context)
{
    struct histogram *histogram = NULL;
    struct histogram *other = NULL;
    int status = histogram_new(&histogram);

    (void)context;
    for (uint64_t i = 1; status == 0 && i < 1000000; i *= 10) {
        uint64_t count = histogram->count;
        status = histogram_observe(histogram, bounds, i, WEIGHT_ONE);
        assert_true(histogram->count == count + (status == 0 ? WEIGHT_ONE : 0));
        assert_sound(histogram);
    }
    if (status == 0)
        status = histogram_copy(histogram, &other);
    if (status == 0)
        status = histogram_observe(other, bounds, DURATION_NS_MAX, WEIGHT_ONE);
    if (status == 0) {
        status = histogram_merge(histogram, other);
        assert_sound(histogram);
    }
    histogram_free(histogram);
    histogram_free(other);
    return status;
}

static void histogram__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(use_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histogram__finds_the_bucket_of_any_duration),
        cmocka_unit_test(histogram__puts_no_duration_on_the_wrong_side_of_a_bound),
        cmocka_unit_test(histogram__closes_buckets_at_their_upper_bound),
        cmocka_unit_test(histogram__reserves_without_a_trace),
        cmocka_unit_test(histogram__keeps_to_fewer_buckets),
        cmocka_unit_test(histogram__tells_what_room_a_merge_takes),
        cmocka_unit_test(histogram__ranks_in_parts_of_an_observation),
        cmocka_unit_test(histogram__counts_classic_buckets_inclusively),
        cmocka_unit_test(histogram__weighs_what_it_counts),
        cmocka_unit_test(histogram__sums_without_overflow),
        cmocka_unit_test(histogram__answers_quantiles_of_an_empty_one_and_of_one),
        cmocka_unit_test(histogram__rounds_ranks_up),
        cmocka_unit_test(histogram__keeps_the_error_of_its_scale),
        cmocka_unit_test(histogram__keeps_its_error_on_adverse_durations),
        cmocka_unit_test(histogram__has_the_scale_that_its_reach_needs),
        cmocka_unit_test(histogram__merges_as_numbers_add),
        cmocka_unit_test(histogram__takes_other_classic_bounds),
        cmocka_unit_test(histogram__halves_its_resolution_when_it_must),
        cmocka_unit_test(histogram__does_not_show_order_nor_how_it_was_merged),
        cmocka_unit_test(histogram__copies_apart),
        cmocka_unit_test(histogram__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
