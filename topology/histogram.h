/* histogram.h: durations in classic and exponential buckets, from one observation.
 * Is:         weighted counts for the configured classic bounds and for at most 160 exponential
 *             buckets, which start at scale 5 and halve their resolution when they must.
 * Invariants: content depends on the set of observations alone, not on their order; merging is
 *             exact, associative and commutative.
 * Threads:    one owner at a time.
 * Memory:     its exponential buckets grow to at most 160 * 8 bytes, or fewer where `most` says so: then
 *             the resolution is halved sooner, and all else stays exact.
 * Source:     TOPOLOGY section 4; OpenTelemetry metrics data model, exponential histogram.
 */
#ifndef SPANMAP_TOPOLOGY_HISTOGRAM_H
#define SPANMAP_TOPOLOGY_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    HISTOGRAM_BOUNDS_MAX = 40, /* Classic bounds, the one of infinity not counted. */
    HISTOGRAM_BUCKETS_MAX = 160,
    HISTOGRAM_BUCKETS_MIN = 16, /* That it has room for from the first on. */
    HISTOGRAM_SCALE_MAX = 5,
};

typedef unsigned __int128 histogram_sum; /* C11 has no such type of its own. */

/* Classic upper bounds, ascending, inclusive; shared by all histograms of an engine. */
struct histogram_bounds {
    uint32_t count;
    uint64_t upper_ns[HISTOGRAM_BOUNDS_MAX];
};

/* 2, 4, 6, 8, 10, 50, 100, 200, 400, 800 ms, 1, 1.4, 2, 5, 10, 15 s. */
extern const struct histogram_bounds histogram_bounds_default;

/* All counts are sums of weights: 2^20 is one (span.h). What an observation always touches stands
 * first. */
struct histogram {
    uint64_t count;
    uint64_t zero_count; /* Of `count`, durations of 0. */
    histogram_sum sum;   /* duration_ns * weight */
    uint64_t min_ns;     /* Meaningless while count is 0. */
    uint64_t max_ns;
    int16_t scale;   /* Bucket i holds (b^i, b^(i+1)] seconds, b = 2^(2^-scale). */
    uint16_t most;   /* Buckets that it may take; 0: HISTOGRAM_BUCKETS_MAX. */
    int32_t offset;  /* Index of buckets[0]. */
    uint32_t length; /* Buckets from the lowest to the highest in use. */
    uint32_t capacity;
    uint64_t *buckets;
    uint64_t classic[HISTOGRAM_BOUNDS_MAX + 1]; /* Not cumulated; the last in use is +Inf. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int histogram_new(struct histogram **out_histogram);
void histogram_free(struct histogram *histogram);

/* Empty again; keeps its memory for what comes next. */
void histogram_reset(struct histogram *histogram);

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int histogram_copy(const struct histogram *from, struct histogram **out_histogram);

/* Returns: 0; STATUS_NOMEM (unchanged). */
MUST_USE int histogram_observe(struct histogram *histogram, const struct histogram_bounds *bounds,
                               uint64_t duration_ns, uint64_t weight);

/* The same in two steps: where a duration belongs by itself, and the rest. */
struct histogram_place {
    uint64_t duration_ns;
    int32_t finest;   /* Index at scale HISTOGRAM_SCALE_MAX; meaningless for a duration of 0. */
    uint32_t classic; /* Index among the classic buckets. */
};
struct histogram_place histogram_place(const struct histogram_bounds *bounds, uint64_t duration_ns);
/* Returns: 0; STATUS_NOMEM (unchanged). */
MUST_USE int histogram_observe_at(struct histogram *histogram, const struct histogram_place *place,
                                  uint64_t weight);

/* Observations of one bucket, or more of them. */
struct histogram_bin {
    int32_t index; /* At HISTOGRAM_SCALE_MAX; of durations of 0 it means nothing. */
    bool is_zero;
    uint32_t classic;
    uint64_t weight; /* Above 0. */
};

/* Many of them: all of the same histogram. */
struct histogram_bins {
    histogram_sum sum;
    uint64_t min_ns;
    uint64_t max_ns;
    size_t count;
    const struct histogram_bin *items; /* By ascending index, those of 0 before all. */
};

/* Adds them. Returns: 0; STATUS_NOMEM (unchanged). */
MUST_USE int histogram_add_bins(struct histogram *into, const struct histogram_bins *bins);

/* Adds all of `from`. Returns: 0; STATUS_NOMEM (`into` is as it was). */
MUST_USE int histogram_merge(struct histogram *into, const struct histogram *from);

/* Makes room, so that histogram_merge() of the same two cannot fail until `into` changes.
 * Returns: 0; STATUS_NOMEM. The content stays as it is either way. */
MUST_USE int histogram_reserve(struct histogram *into, const struct histogram *from);

/* For how many buckets it has room after histogram_reserve(). */
uint32_t histogram_room_with(const struct histogram *into, const struct histogram *from);

/* Halves the resolution until so many buckets, at least one, do; all else stays exact. */
void histogram_narrow(struct histogram *histogram, uint32_t buckets);

/* Room for all buckets that it may take: nothing fails after it. Returns: 0; STATUS_NOMEM. */
MUST_USE int histogram_reserve_all(struct histogram *into);

/* The exponential buckets of `now` less those of `past`, which is what it once was: as many as it has. */
void histogram_buckets_since(const struct histogram *now, const struct histogram *past,
                             uint64_t out_weights[HISTOGRAM_BUCKETS_MAX]);

/* The q-quantile, 0 < q <= 1, in seconds: geometric middle of the bucket of rank ceil(q * n), cut
 * to [min, max]. Relative error at most sqrt(b) - 1: 1.1 % at scale 5, 2.2 % at scale 4.
 * 0 where the histogram is empty. */
double histogram_quantile(const struct histogram *histogram, double q);

/* In units of requests and seconds. */
double histogram_count_value(const struct histogram *histogram);
double histogram_sum_seconds(const struct histogram *histogram);

/* The index of the exponential bucket at `scale` that a duration above 0 falls into. */
int32_t histogram_index(uint64_t duration_ns, int32_t scale);

/* The same at HISTOGRAM_SCALE_MAX, of the bucket (2^(i/32), 2^((i+1)/32)] s (histogram.c). */
enum {
    HISTOGRAM_INDEX_FIRST = -28
}; /* Of the bucket above the first bound, in the octave of 2^29 ns. */
extern const uint64_t histogram_mantissas[33];
extern const uint8_t histogram_below[256];
static inline int32_t histogram_index_finest(uint64_t duration_ns)
{
    int32_t zeros = __builtin_clzll(duration_ns);
    uint64_t mantissa = duration_ns << zeros;
    int32_t bounds = histogram_below[mantissa >> 55 & 0xFF];

    /* A mantissa that begins so may be above one bound more, never two: cells are finer. */
    bounds += mantissa > histogram_mantissas[bounds];
    return (63 - zeros - 29) * 32 + HISTOGRAM_INDEX_FIRST + bounds - 1;
}

#endif
