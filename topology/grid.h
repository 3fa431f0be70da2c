/* grid.h: one row of cells for both sorts of buckets.
 * Is:         durations above 0, cut at the bounds of exponential buckets and at the classic ones: a
 *             cell gives both buckets that a duration belongs to, so that one counter serves both. By
 *             a shift the exponential ones are those of a coarser scale.
 * Invariants: cells ascend with durations, at each shift.
 * Threads:    read-only once made.
 * Memory:     some 9 KiB.
 */
#ifndef SPANMAP_TOPOLOGY_GRID_H
#define SPANMAP_TOPOLOGY_GRID_H

#include <stdint.h>

#include "topology/histogram.h"

enum {
    GRID_INDEX_MIN = -957, /* Of 1 ns, at HISTOGRAM_SCALE_MAX. */
    GRID_INDEX_MAX = 739,  /* Of DURATION_NS_MAX. */
    GRID_SHIFT_MAX = 4,    /* Then all of them are fewer than HISTOGRAM_BUCKETS_MAX. */
    /* A column is an exponential bucket; 0 is the index of column GRID_BIAS, at any shift. */
    GRID_BIAS = 960,
    GRID_COLUMNS = GRID_INDEX_MAX + GRID_BIAS + 1,
    GRID_CELLS = GRID_COLUMNS + HISTOGRAM_BOUNDS_MAX,
};

_Static_assert(GRID_BIAS % (1 << GRID_SHIFT_MAX) == 0, "columns are halved as indexes are");
_Static_assert(GRID_COLUMNS >> GRID_SHIFT_MAX < HISTOGRAM_BUCKETS_MAX, "more is not needed");

struct grid {
    uint64_t upper_ns[HISTOGRAM_BOUNDS_MAX + 1]; /* The last of those in use is above all. */
    uint8_t classic[GRID_COLUMNS];               /* How many bounds are below all of a column. */
    uint16_t columns[GRID_SHIFT_MAX + 1][GRID_CELLS]; /* By shift and cell. */
};

/* Where a duration belongs. */
struct grid_place {
    uint32_t column;
    uint32_t classic; /* Bucket. */
};

void grid_init(struct grid *grid, const struct histogram_bounds *bounds);

static inline uint32_t grid_column(uint64_t duration_ns)
{
    return (uint32_t)(histogram_index_finest(duration_ns) + GRID_BIAS);
}

/* The duration is above 0. */
static inline struct grid_place grid_place(const struct grid *grid, uint64_t duration_ns)
{
    uint32_t column = grid_column(duration_ns);
    uint32_t classic = grid->classic[column];

    /* Few columns have a bound within. */
    while (duration_ns > grid->upper_ns[classic])
        classic++;
    return (struct grid_place){column, classic};
}

static inline uint32_t grid_cell(struct grid_place place, unsigned shift)
{
    return (place.column >> shift) + place.classic;
}

/* A place that has the cell. */
static inline struct grid_place grid_place_of(const struct grid *grid, uint32_t cell,
                                              unsigned shift)
{
    uint32_t column = grid->columns[shift][cell];

    return (struct grid_place){column << shift, cell - column};
}

/* The exponential bucket at HISTOGRAM_SCALE_MAX, exact at no shift. */
static inline int32_t grid_index(struct grid_place place)
{
    return (int32_t)place.column - GRID_BIAS;
}

#endif
