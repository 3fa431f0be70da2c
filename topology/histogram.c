/* histogram.c: exponential buckets by the exponent and a comparison within it.
 *
 * At scale 5 an octave has 32 buckets. The index is taken from the double ns / 1e9: its exponent
 * gives the octave, 31 constants 2^(i/32) the place in it. Coarser scales shift that index right,
 * which is exact, so that content cannot depend on when the scale was halved.
 */
#include "topology/histogram.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "topology/span.h"

const struct histogram_bounds histogram_bounds_default = {
    .count = 16,
    .upper_ns = {2000000, 4000000, 6000000, 8000000, 10000000, 50000000, 100000000, 200000000,
                 400000000, 800000000, 1000000000, 1400000000, 2000000000, 5000000000, 10000000000,
                 15000000000},
};

/* 2^(i/32), i = 1 to 31. */
static const double octave_parts[31] = {
    1.0218971486541166, 1.0442737824274138, 1.0671404006768237, 1.0905077326652577,
    1.1143867425958924, 1.1387886347566916, 1.1637248587775775, 1.1892071150027210,
    1.2152473599804690, 1.2418578120734840, 1.2690509571917332, 1.2968395546510096,
    1.3252366431597413, 1.3542555469368927, 1.3839098819638320, 1.4142135623730951,
    1.4451808069770467, 1.4768261459394993, 1.5091644275934228, 1.5422108254079407,
    1.5759808451078865, 1.6104903319492543, 1.6457554781539649, 1.6817928305074290,
    1.7186192981224779, 1.7562521603732995, 1.7947090750031072, 1.8340080864093424,
    1.8741676341103000, 1.9152065613971474, 1.9571441241754002,
};

/* The index at scale 5 of the bucket (2^(i/32), 2^((i+1)/32)] that holds `seconds` above 0. */
static int32_t index_finest(double seconds)
{
    int exponent;
    double part = frexp(seconds, &exponent) * 2; /* [1, 2), seconds = part * 2^(exponent - 1) */
    int32_t low = 0;
    int32_t high = 31;

    while (low < high) { /* The first part that is not below. */
        int32_t middle = (low + high) / 2;
        if (octave_parts[middle] >= part)
            high = middle;
        else
            low = middle + 1;
    }
    if (part == 1.0)
        return (exponent - 1) * 32 - 1; /* A power of two closes the bucket below it. */
    return (exponent - 1) * 32 + low;
}

int32_t histogram_index(uint64_t duration_ns, int32_t scale)
{
    CHECK(duration_ns != 0 && scale <= HISTOGRAM_SCALE_MAX);
    return index_finest((double)duration_ns / 1e9) >> (HISTOGRAM_SCALE_MAX - scale);
}

int histogram_new(struct histogram **out_histogram)
{
    struct histogram *histogram = mem_calloc(1, sizeof(*histogram));

    if (histogram == NULL)
        return STATUS_NOMEM;
    histogram->scale = HISTOGRAM_SCALE_MAX;
    *out_histogram = histogram;
    return 0;
}

void histogram_free(struct histogram *histogram)
{
    if (histogram == NULL)
        return;
    mem_free(histogram->buckets);
    mem_free(histogram);
}

int histogram_copy(const struct histogram *from, struct histogram **out_histogram)
{
    struct histogram *copy = mem_dup(from, sizeof(*from));

    if (copy == NULL)
        return STATUS_NOMEM;
    if (from->buckets != NULL) {
        copy->buckets = mem_dup(from->buckets, from->length * sizeof(*from->buckets));
        if (copy->buckets == NULL) {
            mem_free(copy);
            return STATUS_NOMEM;
        }
    }
    *out_histogram = copy;
    return 0;
}

/* Makes the buckets from `low` to `high` (indexes at `from_scale`) and those in use fit, at the
 * finest scale that allows it. */
static int widen(struct histogram *histogram, int32_t low, int32_t high, int32_t from_scale)
{
    int32_t scale = from_scale < histogram->scale ? from_scale : histogram->scale;
    int32_t old_low = histogram->offset;
    int32_t old_high = histogram->offset + (int32_t)histogram->length - 1;
    bool used = histogram->length != 0;
    uint64_t *buckets;
    uint32_t length;

    for (;; scale--) {
        int32_t a = low >> (from_scale - scale);
        int32_t b = high >> (from_scale - scale);
        if (used && old_low >> (histogram->scale - scale) < a)
            a = old_low >> (histogram->scale - scale);
        if (used && old_high >> (histogram->scale - scale) > b)
            b = old_high >> (histogram->scale - scale);
        if (b - a >= HISTOGRAM_BUCKETS_MAX)
            continue;
        low = a;
        length = (uint32_t)(b - a + 1);
        break;
    }
    if (used && scale == histogram->scale && low == histogram->offset &&
        length == histogram->length)
        return 0;
    buckets = mem_calloc(length, sizeof(*buckets));
    if (buckets == NULL)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < histogram->length; i++) {
        int32_t at = (old_low + (int32_t)i) >> (histogram->scale - scale);
        buckets[at - low] += histogram->buckets[i];
    }
    mem_free(histogram->buckets);
    histogram->buckets = buckets;
    histogram->offset = low;
    histogram->length = length;
    histogram->scale = scale;
    return 0;
}

int histogram_observe(struct histogram *histogram, const struct histogram_bounds *bounds,
                      uint64_t duration_ns, uint64_t weight)
{
    uint32_t classic = 0;

    if (weight == 0)
        return 0;
    if (duration_ns != 0) {
        int32_t index = histogram_index(duration_ns, histogram->scale);
        int status = widen(histogram, index, index, histogram->scale);
        if (status != 0)
            return status;
        index = histogram_index(duration_ns, histogram->scale);
        histogram->buckets[index - histogram->offset] += weight;
    } else {
        histogram->zero_count += weight;
    }
    while (classic < bounds->count && duration_ns > bounds->upper_ns[classic])
        classic++;
    histogram->classic[classic] += weight;
    if (histogram->count == 0 || duration_ns < histogram->min_ns)
        histogram->min_ns = duration_ns;
    if (histogram->count == 0 || duration_ns > histogram->max_ns)
        histogram->max_ns = duration_ns;
    histogram->count += weight;
    histogram->sum += (histogram_sum)duration_ns * weight;
    return 0;
}

int histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return 0;
    if (from->length != 0) {
        int status = widen(into, from->offset, from->offset + (int32_t)from->length - 1,
                           from->scale);
        if (status != 0)
            return status;
        for (uint32_t i = 0; i < from->length; i++) {
            int32_t at = (from->offset + (int32_t)i) >> (from->scale - into->scale);
            into->buckets[at - into->offset] += from->buckets[i];
        }
    }
    for (size_t i = 0; i < HISTOGRAM_BOUNDS_MAX + 1; i++)
        into->classic[i] += from->classic[i];
    if (into->count == 0 || from->min_ns < into->min_ns)
        into->min_ns = from->min_ns;
    if (into->count == 0 || from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    into->zero_count += from->zero_count;
    into->count += from->count;
    into->sum += from->sum;
    return 0;
}

/* The rank ceil(q * n) where n is `count` units; exact enough in long double's 64 bits. */
static uint64_t rank_of(uint64_t count, double q)
{
    long double n = (long double)count / (long double)WEIGHT_ONE;
    long double rank = ceill((long double)q * n - 1e-9L);

    if (rank < 1)
        rank = 1;
    if (rank > n)
        rank = n; /* Weighted counts may end below a whole number. */
    return (uint64_t)(rank * (long double)WEIGHT_ONE);
}

double histogram_quantile(const struct histogram *histogram, double q)
{
    double min = (double)histogram->min_ns / 1e9;
    double max = (double)histogram->max_ns / 1e9;
    double middle = max;
    uint64_t rank;
    uint64_t seen;

    CHECK(q > 0 && q <= 1);
    if (histogram->count == 0)
        return 0;
    rank = rank_of(histogram->count, q);
    seen = histogram->zero_count;
    if (seen >= rank)
        return 0;
    for (uint32_t i = 0; i < histogram->length; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) {
            middle = exp2(((double)(histogram->offset + (int32_t)i) + 0.5) /
                          exp2((double)histogram->scale));
            break;
        }
    }
    return middle < min ? min : middle > max ? max : middle;
}

double histogram_count_value(const struct histogram *histogram)
{
    return (double)histogram->count / (double)WEIGHT_ONE;
}

double histogram_sum_seconds(const struct histogram *histogram)
{
    return (double)((long double)histogram->sum / (long double)WEIGHT_ONE / (long double)NS_PER_S);
}
