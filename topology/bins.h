/* bins.h: durations that a row of a tally observed, in few cache lines.
 * Is:         a head of one line, and counters by grid.h's cells in lines of 32, which are made when
 *             the first duration falls there; all of a tally's come from one pool, which is emptied as
 *             a whole.
 * Is not:     where counts stay: a histogram (histogram.h) is made of it once a second or so.
 * Invariants: what is counted is the same as if a histogram had observed it. A counter holds plain
 *             observations, of one request each. Where the head's places do not reach, cells are made
 *             coarser as a histogram makes its buckets, never sooner. What has another weight, or
 *             finds no place even so, goes to a histogram beside it; so do all counters before one is
 *             full.
 * Threads:    the tally's owner.
 * Memory:     64 bytes, and 64 for each octave of durations, of which there are at most seven; the
 *             histogram beside them is made where it is needed, and kept for the next. Lines lie in
 *             blocks, and those of a large pool in areas of 2 MiB, which the system can map as one
 *             page: else each look would wait for a walk through the page tables.
 */
#ifndef SPANMAP_TOPOLOGY_BINS_H
#define SPANMAP_TOPOLOGY_BINS_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/grid.h"
#include "topology/histogram.h"
#include "topology/span.h"

enum {
    BINS_LINES = 7,      /* Of counters, for each. */
    BINS_COUNTERS = 32,  /* In a line. */
    BINS_WHICH_BITS = 4, /* Which stretch of the grid a line counts, among those of its place. */
    BINS_WHICH_MASK = (1 << BINS_WHICH_BITS) - 1,
    BINS_BLOCK_SHIFT = 8, /* Lines that are allocated together. */
    BINS_BLOCK = 1 << BINS_BLOCK_SHIFT,
    BINS_AREA = 128, /* Blocks that a large page holds: so many at once where there are as many. */
    BINS_COUNT_MAX = UINT16_MAX,
    BINS_STRETCHES = (GRID_CELLS + BINS_COUNTERS - 1) / BINS_COUNTERS,
    BINS_ZEROS_SHIFT = 48,
    BINS_SHIFT_SHIFT = 44,
    BINS_SHIFT_MASK = (1 << (BINS_ZEROS_SHIFT - BINS_SHIFT_SHIFT)) - 1,
};

_Static_assert(BINS_STRETCHES / BINS_LINES + 1 <= BINS_WHICH_MASK, "stretches can be told apart");
_Static_assert(HISTOGRAM_BOUNDS_MAX + 1 <= BINS_SHIFT_SHIFT, "a bit for each classic bucket");
_Static_assert((int)GRID_SHIFT_MAX <= (int)BINS_SHIFT_MASK, "room for all shifts");

struct bins {
    /* Classic buckets in use; above them the grid's shift; above that, counted durations of 0. */
    alignas(64) uint64_t marks;
    uint64_t sum_ns; /* Of what lines counted. */
    uint64_t min_ns; /* Of all. */
    uint64_t max_ns;
    uint32_t
        lines[BINS_LINES]; /* By stretch modulo their number: line, and which stretch; 0: none */
    uint32_t rest;         /* The histogram beside, from 1; 0: none. */
};

union bins_line {
    struct bins bins;
    uint16_t counters[BINS_COUNTERS];
};

_Static_assert(sizeof(union bins_line) == 64, "a cache line");

struct bins_pool {
    struct grid grid;
    uint8_t stretches[BINS_STRETCHES]; /* Place in the head and which, from 1. */
    union bins_line **blocks;
    uint32_t blocks_count;
    uint32_t blocks_room;
    uint32_t areas_from; /* Blocks from here up to the next are of areas. */
    uint32_t areas_to;
    bool is_short;       /* Set by the owner: of memory, so that no areas are taken. */
    uint32_t lines_used; /* Line 0 is an empty head for all that have none. */
    uint32_t lines_free; /* The first that was given back, each of which begins with the next; 0 */
    struct histogram **rests;
    uint32_t rests_used;
    uint32_t rests_made; /* Those behind `rests_used` are empty. */
    uint32_t rests_room;
    uint64_t rests_bytes; /* Of all that were made. */
    uint64_t rests_taken; /* Of those in use. */
};

/* Returns: 0; STATUS_NOMEM. Either way bins_pool_release() ends it. */
MUST_USE int bins_pool_init(struct bins_pool *pool, const struct histogram_bounds *bounds);
void bins_pool_release(struct bins_pool *pool);
void bins_pool_reset(struct bins_pool *pool); /* All bins are gone; memory kept. */

static inline union bins_line *bins_line(const struct bins_pool *pool, uint32_t line)
{
    return &pool->blocks[line >> BINS_BLOCK_SHIFT][line & (BINS_BLOCK - 1)];
}

/* Gives memory back that no bins have. */
void bins_pool_trim(struct bins_pool *pool);

/* What all takes. */
static inline uint64_t bins_pool_bytes(const struct bins_pool *pool)
{
    return (uint64_t)pool->blocks_count * BINS_BLOCK * sizeof(union bins_line) + pool->rests_bytes;
}

/* What bins have of it: it only grows until the pool is emptied. */
static inline uint64_t bins_pool_taken(const struct bins_pool *pool)
{
    return (uint64_t)pool->lines_used * sizeof(union bins_line) + pool->rests_taken;
}

enum {
    /* A histogram beside, at its widest, and what the allocator adds to it and its buckets. */
    BINS_REST_BYTES = sizeof(struct histogram) + HISTOGRAM_BUCKETS_MAX * sizeof(uint64_t) + 32,
    BINS_BLOCK_BYTES = BINS_BLOCK * 64,
    BINS_AREA_BYTES = BINS_AREA * BINS_BLOCK_BYTES,
};

/* What has bins in the pool keeps a number of them, 0 at first. */
static inline const struct bins *bins_of(const struct bins_pool *pool, uint32_t number)
{
    return &bins_line(pool, number)->bins;
}

static inline bool bins_are_empty(const struct bins_pool *pool, uint32_t number)
{
    return bins_of(pool, number)->marks == 0;
}

static inline unsigned bins_shift(uint64_t marks)
{
    return (unsigned)(marks >> BINS_SHIFT_SHIFT) & BINS_SHIFT_MASK;
}

/* Brings the line that an observation counts in closer; that of the head is there. */
static inline void bins_prefetch(const struct bins_pool *pool, uint32_t number,
                                 struct grid_place place)
{
    const struct bins *bins = bins_of(pool, number);
    uint32_t cell = grid_cell(place, bins_shift(bins->marks));
    uint32_t line = bins->lines[pool->stretches[cell / BINS_COUNTERS] >> BINS_WHICH_BITS];

    __builtin_prefetch(bins_line(pool, line >> BINS_WHICH_BITS), 1);
}

enum { BINS_NOTABLE = 1 };

/* Any duration, of any weight but 0. Returns: as bins_observe(). */
MUST_USE int bins_observe_any(struct bins_pool *pool, uint32_t *number, uint64_t duration_ns,
                              uint64_t weight);

/* How many lines there are without more memory. */
static inline uint32_t bins_lines_left(const struct bins_pool *pool)
{
    return (pool->blocks_count << BINS_BLOCK_SHIFT) - pool->lines_used;
}

/* Whether an observation is sure to find its place without more memory, of which so many lines are left
 * for it; what it may take of them is taken off. */
bool bins_have_place(const struct bins_pool *pool, uint32_t number, uint64_t duration_ns,
                     uint64_t weight, uint32_t *lines_left);

/* Counts one duration above 0, whose place it is.
 * Returns: 0; BINS_NOTABLE: it is the first of its classic bucket, or the slowest; STATUS_NOMEM
 *          (unchanged). */
MUST_USE static inline int bins_observe(struct bins_pool *pool, uint32_t *number,
                                        struct grid_place place, uint64_t duration_ns)
{
    struct bins *bins = &bins_line(pool, *number)->bins;
    uint64_t marks = bins->marks;
    uint64_t mark = UINT64_C(1) << place.classic;
    uint32_t cell = grid_cell(place, bins_shift(marks));
    uint8_t stretch = pool->stretches[cell / BINS_COUNTERS];
    uint32_t line = bins->lines[stretch >> BINS_WHICH_BITS];
    uint16_t *counter = &bins_line(pool, line >> BINS_WHICH_BITS)->counters[cell % BINS_COUNTERS];
    uint64_t sum_ns;
    bool is_notable;

    if (((line ^ stretch) & BINS_WHICH_MASK) != 0 || *counter == BINS_COUNT_MAX ||
        __builtin_add_overflow(bins->sum_ns, duration_ns, &sum_ns))
        return bins_observe_any(pool, number, duration_ns, WEIGHT_ONE);
    ++*counter;
    is_notable = (marks & mark) == 0 || duration_ns > bins->max_ns;
    bins->marks = marks | mark;
    bins->sum_ns = sum_ns;
    if (duration_ns < bins->min_ns)
        bins->min_ns = duration_ns;
    if (duration_ns > bins->max_ns)
        bins->max_ns = duration_ns;
    return is_notable ? BINS_NOTABLE : 0;
}

/* Makes a histogram of all that was observed in place of what it held; it has room for all that can
 * come (histogram_reserve_all()). */
void bins_unpack(const struct bins_pool *pool, uint32_t number, struct histogram *into);

#endif
