/* grid.h: one row of cells for both sorts of buckets.
 * Is:         durations cut at the bounds of the finest exponential buckets and at the classic ones: a
 *             duration's cell gives both buckets that it belongs to, so that one counter serves both.
 * Invariants: cells ascend with durations. Cell 0 is of durations of 0.
 * Threads:    read-only once made.
 * Memory:     some 6 KiB.
 */
#ifndef SPANMAP_TOPOLOGY_GRID_H
#define SPANMAP_TOPOLOGY_GRID_H

#include <stdint.h>

#include "topology/histogram.h"

enum {
    GRID_INDEX_MIN = -957, /* Of 1 ns, at HISTOGRAM_SCALE_MAX. */
    GRID_INDEX_MAX = 739,  /* Of DURATION_NS_MAX. */
    /* A column is an exponential bucket; the first is of durations of 0. */
    GRID_COLUMNS = GRID_INDEX_MAX - GRID_INDEX_MIN + 2,
    GRID_CELLS = GRID_COLUMNS + HISTOGRAM_BOUNDS_MAX,
};

struct grid {
    uint64_t upper_ns[HISTOGRAM_BOUNDS_MAX + 1]; /* The last of those in use is above all. */
    uint8_t classic[GRID_COLUMNS];               /* How many bounds are below all of a column. */
    uint16_t columns[GRID_CELLS];                /* By cell. */
};

struct grid_place {
    uint32_t cell;
    uint32_t classic; /* Bucket. */
};

void grid_init(struct grid *grid, const struct histogram_bounds *bounds);

static inline struct grid_place grid_place(const struct grid *grid, uint64_t duration_ns)
{
    uint32_t column = 0;
    uint32_t classic;

    if (duration_ns != 0)
        column = (uint32_t)(histogram_index_finest(duration_ns) - GRID_INDEX_MIN + 1);
    classic = grid->classic[column];
    /* Few columns have a bound within. */
    while (duration_ns > grid->upper_ns[classic])
        classic++;
    return (struct grid_place){column + classic, classic};
}

/* The exponential bucket of a cell behind the first, at HISTOGRAM_SCALE_MAX. */
static inline int32_t grid_index(const struct grid *grid, uint32_t cell)
{
    return grid->columns[cell] + GRID_INDEX_MIN - 1;
}

static inline uint32_t grid_classic(const struct grid *grid, uint32_t cell)
{
    return cell - grid->columns[cell];
}

#endif
