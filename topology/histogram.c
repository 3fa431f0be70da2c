/* histogram.c: exponential buckets by integers alone.
 *
 * At scale 5 an octave has 32 buckets. Leading zeros give the binary octave, eight more bits and one
 * comparison the place in it. Durations and bounds are compared to the last bit, so that none falls
 * on the wrong side. Coarser scales shift that index right, which is exact: content cannot depend
 * on when the scale was halved.
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

/* The bounds 2^(i/32) s in nanoseconds have the same 32 mantissas in each binary octave: here they
 * are in ascending order, shifted to 64 bits and cut. All but 10^9 ns itself are irrational. Behind
 * them stands one that nothing is above. */
const uint64_t histogram_mantissas[33] = {
    UINT64_C(0x81ffa7a9549ca6e3), UINT64_C(0x84d8626d3118d396), UINT64_C(0x87c11235836d16a3),
    UINT64_C(0x8aba10758e1ea3cf), UINT64_C(0x8dc3b8960164a7d9), UINT64_C(0x90de67fff600044c),
    UINT64_C(0x940a7e28259fb382), UINT64_C(0x97485c9a622adb60), UINT64_C(0x9a9867054d512391),
    UINT64_C(0x9dfb034651c99c68), UINT64_C(0xa1709975dfb06757), UINT64_C(0xa4f993f3ed7b61ca),
    UINT64_C(0xa8965f74bf065071), UINT64_C(0xac476b0df43f745f), UINT64_C(0xb00d2843e1060dc2),
    UINT64_C(0xb3e80b172fd51af7), UINT64_C(0xb7d88a12d0dd9ea0), UINT64_C(0xbbdf1e5a373ce5c6),
    UINT64_C(0xbffc43b7e604a922), UINT64_C(0xc43078ac4ed47ae7), UINT64_C(0xc87c3e7d03cdbec3),
    UINT64_C(0xcce019443eb56ce4), UINT64_C(0xd15c9000bf211c1f), UINT64_C(0xd5f22ca6019743e0),
    UINT64_C(0xdaa17c2cd19555db), UINT64_C(0xdf6b0ea438793a89), UINT64_C(0xe44f7742cb56e3dd),
    UINT64_C(0xe94f4c7859ce1066), UINT64_C(0xee6b280000000000), UINT64_C(0xf3a3a6f29dd0c333),
    UINT64_C(0xf8f969d9b5abf948), UINT64_C(0xfe6d14c2b5114024), UINT64_MAX,
};

/* How many of them are below the first mantissa that begins with 1 and these eight bits. */
const uint8_t histogram_below[256] = {
    0,  0,  0,  0,  1,  1,  1,  1,  1,  1,  2,  2,  2,  2,  2,  2,  3,  3,  3,  3,  3,  3,  4,  4,
    4,  4,  4,  4,  5,  5,  5,  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  7,  7,  7,  7,  7,  8,
    8,  8,  8,  8,  8,  8,  9,  9,  9,  9,  9,  9,  10, 10, 10, 10, 10, 10, 10, 11, 11, 11, 11, 11,
    11, 11, 12, 12, 12, 12, 12, 12, 12, 12, 13, 13, 13, 13, 13, 13, 13, 14, 14, 14, 14, 14, 14, 14,
    14, 15, 15, 15, 15, 15, 15, 15, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 17, 17, 17,
    18, 18, 18, 18, 18, 18, 18, 18, 19, 19, 19, 19, 19, 19, 19, 19, 19, 20, 20, 20, 20, 20, 20, 20,
    20, 21, 21, 21, 21, 21, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22, 22, 22, 22, 23, 23, 23, 23, 23,
    23, 23, 23, 23, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 25, 25, 26,
    26, 26, 26, 26, 26, 26, 26, 26, 26, 27, 27, 27, 27, 27, 27, 27, 27, 27, 27, 28, 28, 28, 28, 28,
    28, 28, 28, 28, 28, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 30, 30, 30, 30, 30, 30, 30, 30,
    30, 30, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 32, 32, 32};

int32_t histogram_index(uint64_t duration_ns, int32_t scale)
{
    CHECK(duration_ns != 0 && scale <= HISTOGRAM_SCALE_MAX);
    return histogram_index_finest(duration_ns) >> (HISTOGRAM_SCALE_MAX - scale);
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

void histogram_reset(struct histogram *histogram)
{
    uint64_t *buckets = histogram->buckets;
    uint32_t capacity = histogram->capacity;

    *histogram = (struct histogram){.scale = HISTOGRAM_SCALE_MAX};
    histogram->buckets = buckets;
    histogram->capacity = capacity;
}

int histogram_copy(const struct histogram *from, struct histogram **out_histogram)
{
    struct histogram *copy = mem_dup(from, sizeof(*from));

    if (copy == NULL)
        return STATUS_NOMEM;
    copy->buckets = NULL;
    copy->capacity = from->length;
    copy->most = 0;
    if (from->length != 0) {
        copy->buckets = mem_dup(from->buckets, from->length * sizeof(*from->buckets));
        if (copy->buckets == NULL) {
            mem_free(copy);
            return STATUS_NOMEM;
        }
    }
    *out_histogram = copy;
    return 0;
}

/* Where the buckets in use will lie. */
struct extent {
    int32_t scale;
    int32_t offset;
    uint32_t length;
};

static int32_t most_of(const struct histogram *histogram)
{
    return histogram->most != 0 ? histogram->most : HISTOGRAM_BUCKETS_MAX;
}

/* The finest extent that holds the buckets in use and those from `low` to `high`, which are
 * indexes at `scale`. */
static struct extent extent_with(const struct histogram *histogram, int32_t low, int32_t high,
                                 int32_t scale)
{
    int32_t old_low = histogram->offset;
    int32_t old_high = histogram->offset + (int32_t)histogram->length - 1;
    int32_t to = scale < histogram->scale ? scale : histogram->scale;

    low >>= scale - to;
    high >>= scale - to;
    if (histogram->length != 0) {
        old_low >>= histogram->scale - to;
        old_high >>= histogram->scale - to;
        low = old_low < low ? old_low : low;
        high = old_high > high ? old_high : high;
    }
    for (; high - low >= most_of(histogram); to--) {
        low >>= 1;
        high >>= 1;
    }
    return (struct extent){to, low, (uint32_t)(high - low + 1)};
}

static uint32_t room_for(uint32_t length)
{
    uint32_t room = HISTOGRAM_BUCKETS_MIN;

    while (room < length)
        room *= 2;
    return room < HISTOGRAM_BUCKETS_MAX ? room : HISTOGRAM_BUCKETS_MAX;
}

static int make_room(struct histogram *histogram, uint32_t length)
{
    uint32_t capacity = room_for(length);
    uint64_t *buckets;

    if (length <= histogram->capacity)
        return 0;
    buckets = mem_realloc(histogram->buckets, capacity * sizeof(*buckets));
    if (buckets == NULL)
        return STATUS_NOMEM;
    histogram->buckets = buckets;
    histogram->capacity = capacity;
    return 0;
}

/* Adds neighbours together until the scale is `scale`. */
static void coarsen(struct histogram *histogram, int32_t scale)
{
    int32_t by = histogram->scale - scale;
    int32_t offset = histogram->offset >> by;
    uint32_t length = 0;

    for (uint32_t i = 0; i < histogram->length; i++) {
        uint32_t at = (uint32_t)(((histogram->offset + (int32_t)i) >> by) - offset);
        uint64_t weight = histogram->buckets[i];
        if (at >= length)
            histogram->buckets[at] = weight;
        else
            histogram->buckets[at] += weight;
        length = at + 1;
    }
    histogram->offset = offset;
    histogram->length = length;
    histogram->scale = (int16_t)scale;
}

void histogram_narrow(struct histogram *histogram, uint32_t buckets)
{
    CHECK(buckets != 0);
    while (histogram->length > buckets)
        coarsen(histogram, histogram->scale - 1);
}

/* Lays the buckets out as `extent` says; there is room. */
static void reshape(struct histogram *histogram, const struct extent *extent)
{
    uint64_t *buckets = histogram->buckets;
    uint32_t front;
    uint32_t end;

    CHECK(extent->length <= histogram->capacity);
    if (extent->scale != histogram->scale)
        coarsen(histogram, extent->scale);
    if (histogram->length == 0)
        histogram->offset = extent->offset;
    front = (uint32_t)(histogram->offset - extent->offset);
    end = front + histogram->length;
    CHECK(end <= extent->length);
    if (front != 0) {
        memmove(buckets + front, buckets, histogram->length * sizeof(*buckets));
        memset(buckets, 0, front * sizeof(*buckets));
    }
    memset(buckets + end, 0, (extent->length - end) * sizeof(*buckets));
    histogram->offset = extent->offset;
    histogram->length = extent->length;
}

/* The bucket of a duration above 0, which is made if it is not there; NULL without memory. */
static uint64_t *bucket_of(struct histogram *histogram, int32_t finest)
{
    int32_t index = finest >> (HISTOGRAM_SCALE_MAX - histogram->scale);

    if (index < histogram->offset || index >= histogram->offset + (int32_t)histogram->length) {
        struct extent extent = extent_with(histogram, index, index, histogram->scale);
        if (make_room(histogram, extent.length) != 0)
            return NULL;
        reshape(histogram, &extent);
        index = finest >> (HISTOGRAM_SCALE_MAX - histogram->scale);
    }
    return &histogram->buckets[index - histogram->offset];
}

/* How many bounds are below the duration: by halves, without a branch to guess. */
static uint32_t classic_of(const struct histogram_bounds *bounds, uint64_t duration_ns)
{
    const uint64_t *from = bounds->upper_ns;
    uint32_t left = bounds->count;

    if (left == 0)
        return 0;
    while (left > 1) {
        uint32_t half = left / 2;
        from = duration_ns > from[half - 1] ? from + half : from;
        left -= half;
    }
    return (uint32_t)(from - bounds->upper_ns) + (duration_ns > *from);
}

struct histogram_place histogram_place(const struct histogram_bounds *bounds, uint64_t duration_ns)
{
    struct histogram_place place = {.duration_ns = duration_ns};

    CHECK(duration_ns <= DURATION_NS_MAX);
    if (duration_ns != 0)
        place.finest = histogram_index_finest(duration_ns);
    place.classic = classic_of(bounds, duration_ns);
    return place;
}

int histogram_observe_at(struct histogram *histogram, const struct histogram_place *place,
                         uint64_t weight)
{
    uint64_t *bucket = &histogram->zero_count;
    uint64_t duration_ns = place->duration_ns;

    if (weight == 0)
        return 0;
    if (duration_ns != 0)
        bucket = bucket_of(histogram, place->finest);
    if (bucket == NULL)
        return STATUS_NOMEM;
    *bucket += weight;
    histogram->classic[place->classic] += weight;
    if (histogram->count == 0 || duration_ns < histogram->min_ns)
        histogram->min_ns = duration_ns;
    if (histogram->count == 0 || duration_ns > histogram->max_ns)
        histogram->max_ns = duration_ns;
    histogram->count += weight;
    histogram->sum += (histogram_sum)duration_ns * weight;
    return 0;
}

int histogram_observe(struct histogram *histogram, const struct histogram_bounds *bounds,
                      uint64_t duration_ns, uint64_t weight)
{
    struct histogram_place place = histogram_place(bounds, duration_ns);

    return histogram_observe_at(histogram, &place, weight);
}

/* Room for what is added, laid out. */
static int make_extent(struct histogram *into, const struct histogram_bins *bins)
{
    size_t first = 0;
    struct extent extent;

    while (first < bins->count && bins->items[first].is_zero)
        first++;
    if (first == bins->count)
        return 0;
    extent = extent_with(into, bins->items[first].index, bins->items[bins->count - 1].index,
                         HISTOGRAM_SCALE_MAX);
    if (make_room(into, extent.length) != 0)
        return STATUS_NOMEM;
    reshape(into, &extent);
    return 0;
}

int histogram_add_bins(struct histogram *into, const struct histogram_bins *bins)
{
    if (bins->count == 0)
        return 0;
    if (make_extent(into, bins) != 0)
        return STATUS_NOMEM;
    if (into->count == 0 || bins->min_ns < into->min_ns)
        into->min_ns = bins->min_ns;
    if (into->count == 0 || bins->max_ns > into->max_ns)
        into->max_ns = bins->max_ns;
    for (size_t i = 0; i < bins->count; i++) {
        const struct histogram_bin *bin = &bins->items[i];
        int32_t index = bin->index >> (HISTOGRAM_SCALE_MAX - into->scale);
        *(bin->is_zero ? &into->zero_count : &into->buckets[index - into->offset]) += bin->weight;
        into->classic[bin->classic] += bin->weight;
        into->count += bin->weight;
    }
    into->sum += bins->sum;
    return 0;
}

static struct extent extent_merged(const struct histogram *into, const struct histogram *from)
{
    return extent_with(into, from->offset, from->offset + (int32_t)from->length - 1, from->scale);
}

uint32_t histogram_room_with(const struct histogram *into, const struct histogram *from)
{
    uint32_t length = from->length != 0 ? extent_merged(into, from).length : 0;

    return length > into->capacity ? room_for(length) : into->capacity;
}

int histogram_reserve(struct histogram *into, const struct histogram *from)
{
    if (from->length == 0)
        return 0;
    /* Coarsening works in place, so the old length matters too: it is there already. */
    return make_room(into, extent_merged(into, from).length);
}

int histogram_reserve_all(struct histogram *into)
{
    return make_room(into, (uint32_t)most_of(into));
}

int histogram_merge(struct histogram *into, const struct histogram *from)
{
    int status = histogram_reserve(into, from);

    if (status != 0 || from->count == 0)
        return status;
    if (from->length != 0) {
        struct extent extent = extent_merged(into, from);
        reshape(into, &extent);
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

void histogram_buckets_since(const struct histogram *now, const struct histogram *past,
                             uint64_t out_weights[HISTOGRAM_BUCKETS_MAX])
{
    int32_t finer = past->scale - now->scale; /* It had at least this resolution, if it had any. */

    for (uint32_t i = 0; i < now->length; i++)
        out_weights[i] = now->buckets[i];
    for (uint32_t i = 0; i < past->length; i++) {
        int32_t index = (past->offset + (int32_t)i) >> finer; /* Arithmetic: towards lower ones. */
        out_weights[index - now->offset] -= past->buckets[i];
    }
}

/* The rank ceil(q * n), in units of 2^-20: of 1.33 weighted observations the last is not the second
 * one. In integers, for q is not exact in binary. */
static uint64_t rank_of(uint64_t count, double q)
{
    const uint64_t parts = 1000000;
    uint64_t share = (uint64_t)llround(q * (double)parts);

    return (uint64_t)(((histogram_sum)count * share + parts - 1) / parts);
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
