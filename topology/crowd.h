/* crowd.h: sums over the children of spans that have very many.
 * Is:         for a parent and a service, how many children serve, whether one has no kind, what
 *             they weigh; kept up as children come, so that asking for each of 100,000 siblings
 *             about the others costs no more than reading them once.
 * Is not:     asked for small families: those are simply gone through (kin_down.c).
 * Invariants: a sum counts exactly the children up to the newest that was added for its parent.
 *             What does not fit is missing, never wrong.
 * Threads:    one owner at a time.
 * Memory:     a fixed table of 32-byte entries.
 * Source:     TOPOLOGY E2.
 */
#ifndef SPANMAP_TOPOLOGY_CROWD_H
#define SPANMAP_TOPOLOGY_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/dimensions.h"
#include "topology/slab.h"

struct crowd_sum {
    uint32_t parent;  /* 0: free. */
    uint32_t service; /* CATALOG_NONE: not a sum; `newest` is the last child that was added. */
    uint32_t generation;
    uint32_t servers; /* SERVER or CONSUMER. */
    union {
        uint32_t leader; /* As in struct kin_siblings. */
        uint32_t newest;
    };
    uint32_t kindless;
    uint64_t weight : 37; /* The largest. */
    uint64_t failed : 1;  /* Any. */
    uint64_t is_cut : 1;  /* In a parent's own entry: some sum of its family was pushed out. */
    uint64_t set : 21; /* Values of dimensions of those that do not serve, if all have the same; */
    uint64_t has_set : 1; /* there is one. */
    uint64_t spare : 3;
};

_Static_assert(DIMENSION_SET_BITS == 21, "as many as `set` has");

_Static_assert(sizeof(struct crowd_sum) == 32, "two sums a cache line");

struct crowd {
    struct crowd_sum *sums;
    uint32_t mask;
    uint32_t generation;
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int crowd_init(struct crowd *crowd, uint32_t sums);
void crowd_release(struct crowd *crowd);

/* Nothing is known any more. */
void crowd_forget(struct crowd *crowd);

/* The last child of the parent that was added; 0: none is known. */
uint32_t crowd_newest(const struct crowd *crowd, uint32_t parent);

/* All sums of the parent begin anew, and `newest` will be the last child added to them. */
void crowd_begin(struct crowd *crowd, const struct slab *slab, uint32_t parent, uint32_t newest);

/* The last child that was added is another one now. */
void crowd_go_on(struct crowd *crowd, uint32_t parent, uint32_t newest);

/* The set of a family with one member more; a mixed one has DIMENSIONS_NONE. */
static inline uint32_t crowd_set(bool has_set, uint32_t set, uint32_t more)
{
    return !has_set || set == more ? more : DIMENSIONS_NONE;
}

/* Adds one child, whose values are `set`; crowd_begin() went before. */
void crowd_add(struct crowd *crowd, const struct slab *slab, uint32_t parent, uint32_t service,
               uint32_t set, uint32_t child);

/* The sum for a service; NULL: it is not known. May be written to. */
struct crowd_sum *crowd_find(const struct crowd *crowd, uint32_t parent, uint32_t service);

#endif
