/* histogram.c: exponential buckets by integers alone.
 *
 * At scale 5 an octave has 32 buckets. Leading zeros give the octave, 31 constants 2^(i/32) s the
 * place in it; they are kept to 2^-64 ns, so that no duration falls on the wrong side of a bound.
 * Coarser scales shift that index right, which is exact: content cannot depend on when the scale
 * was halved.
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

/* 2^(i/32) seconds in nanoseconds, i = 1 to 31: whole ones and 2^-64 parts, cut. */
static const struct octave_part {
    uint64_t whole;
    uint64_t parts;
} octave_parts[31] = {
    {1021897148, UINT64_C(0xa77430ccc905f5dc)}, {1044273782, UINT64_C(0x6d6afe520a658e96)},
    {1067140400, UINT64_C(0xad44500932cfe2fb)}, {1090507732, UINT64_C(0xaa4e5371b526d9b5)},
    {1114386742, UINT64_C(0x988c69cb6078dca6)}, {1138788634, UINT64_C(0xc1b68b51d0696773)},
    {1163724858, UINT64_C(0xc70f51e7ef2d6c45)}, {1189207115, UINT64_C(0x00b253ec8fd87204)},
    {1215247359, UINT64_C(0xfb000226419a8dd2)}, {1241857812, UINT64_C(0x12cfd9c17cce144c)},
    {1269050957, UINT64_C(0x31156db06d8c2270)}, {1296839554, UINT64_C(0xa6a891c890bb620f)},
    {1325236643, UINT64_C(0x28e4ce34412afe08)}, {1354255546, UINT64_C(0xefd833abe672a896)},
    {1383909881, UINT64_C(0xf6bdb0e5048fe29d)}, {1414213562, UINT64_C(0x5f832838e71c65bc)},
    {1445180806, UINT64_C(0xfa1fba2fb9ed7e65)}, {1476826145, UINT64_C(0xf08306e1057321e4)},
    {1509164427, UINT64_C(0x97ea8d7bff6e077f)}, {1542210825, UINT64_C(0x686ecf501e3baddb)},
    {1575980845, UINT64_C(0x1b9e72e30177ac1d)}, {1610490331, UINT64_C(0xf302549137d87402)},
    {1645755478, UINT64_C(0x276a3d73f118d239)}, {1681792830, UINT64_C(0x81e6df61ad318bc2)},
    {1718619298, UINT64_C(0x1f5ab6721c3b661c)}, {1756252160, UINT64_C(0x5f908e0f94975547)},
    {1794709075, UINT64_C(0x00cba1f016ed6fbd)}, {1834008086, UINT64_C(0x68caaaed8a854b7a)},
    {1874167634, UINT64_C(0x1c3c9d44f6e11bf4)}, {1915206561, UINT64_C(0x65ab71eee0b54fc7)},
    {1957144124, UINT64_C(0x2ce7083324af0d8b)},
};

static histogram_sum fixed_of(struct octave_part part)
{
    return (histogram_sum)part.whole << 64 | part.parts;
}

/* The octave of a duration: the largest e with 2^e s <= duration. */
static int32_t octave_of(uint64_t duration_ns)
{
    /* By bits first, which is one too high or right: 10^9 has 30 bits. */
    int32_t octave = 63 - __builtin_clzll(duration_ns) - 29;

    if ((histogram_sum)duration_ns << 32 < (histogram_sum)NS_PER_S << (32 + octave))
        octave--;
    return octave;
}

/* The index at scale 5 of the bucket (2^(i/32), 2^((i+1)/32)] s that holds a duration above 0. */
static int32_t index_finest(uint64_t duration_ns)
{
    int32_t octave = octave_of(duration_ns);
    /* As if it were in the octave of one second: no bit is lost, 30 + 64 + 23 fit. */
    histogram_sum scaled = (histogram_sum)duration_ns << (64 - (octave < 0 ? octave : 0));
    int32_t up = octave > 0 ? octave : 0;
    int32_t low = 0;
    int32_t high = 31;

    if (scaled == (histogram_sum)NS_PER_S << (64 + up))
        return octave * 32 - 1; /* A power of two closes the bucket below it. */
    while (low < high) {        /* The first bound that is not below. */
        int32_t middle = (low + high) / 2;
        if (fixed_of(octave_parts[middle]) << up >= scaled)
            high = middle;
        else
            low = middle + 1;
    }
    return octave * 32 + low;
}

int32_t histogram_index(uint64_t duration_ns, int32_t scale)
{
    CHECK(duration_ns != 0 && duration_ns < UINT64_C(1) << 62); /* Above, no 128 bits are enough. */
    CHECK(scale <= HISTOGRAM_SCALE_MAX);
    return index_finest(duration_ns) >> (HISTOGRAM_SCALE_MAX - scale);
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
    for (; high - low >= HISTOGRAM_BUCKETS_MAX; to--) {
        low >>= 1;
        high >>= 1;
    }
    return (struct extent){to, low, (uint32_t)(high - low + 1)};
}

static int make_room(struct histogram *histogram, uint32_t length)
{
    uint32_t capacity = 16;
    uint64_t *buckets;

    if (length <= histogram->capacity)
        return 0;
    while (capacity < length)
        capacity *= 2;
    if (capacity > HISTOGRAM_BUCKETS_MAX)
        capacity = HISTOGRAM_BUCKETS_MAX;
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
    histogram->scale = scale;
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
static uint64_t *bucket_of(struct histogram *histogram, uint64_t duration_ns)
{
    int32_t finest = index_finest(duration_ns);
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

int histogram_observe(struct histogram *histogram, const struct histogram_bounds *bounds,
                      uint64_t duration_ns, uint64_t weight)
{
    uint64_t *bucket = &histogram->zero_count;
    uint32_t classic = 0;

    CHECK(duration_ns <= DURATION_NS_MAX);
    if (weight == 0)
        return 0;
    if (duration_ns != 0)
        bucket = bucket_of(histogram, duration_ns);
    if (bucket == NULL)
        return STATUS_NOMEM;
    *bucket += weight;
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

static struct extent extent_merged(const struct histogram *into, const struct histogram *from)
{
    return extent_with(into, from->offset, from->offset + (int32_t)from->length - 1, from->scale);
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
    return make_room(into, HISTOGRAM_BUCKETS_MAX);
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
