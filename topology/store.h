/* store.h: what a shard remembers, within its bytes.
 * Is:         the slab, the index over it and the notes, under one budget.
 * Invariants: bytes <= bytes_max. Each remembered span is found by its id.
 * Threads:    one owner at a time.
 * Memory:     grows block by block and is never given back before the end; past the maximum the
 *             owner lets the oldest block go.
 * Source:     TOPOLOGY E1, E17.
 */
#ifndef SPANMAP_TOPOLOGY_STORE_H
#define SPANMAP_TOPOLOGY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/block_pool.h"
#include "topology/notes.h"
#include "topology/slab.h"
#include "topology/span_index.h"

struct store {
    struct slab slab;
    struct span_index index;
    struct notes notes;
    size_t bytes;
    size_t bytes_max;
    uint32_t buckets_max;
    bool notes_wanted; /* There was no room for a note: the next block to leave makes some. */
    bool notes_ahead;  /* Spans need notes as a rule (E6 with values): one each is there in time. */
    struct block_pool pool;
};

/* `bytes_max` is at least 256 KiB. Returns: 0; STATUS_NOMEM. */
MUST_USE int store_init(struct store *store, size_t bytes_max, uint64_t seed);
void store_release(struct store *store);

/* Makes room for one span.
 * Returns: 0: store_add() has its room; STATUS_FULL: let the oldest block go and ask again;
 *          STATUS_NOMEM: there is none, not even to take over. */
MUST_USE int store_prepare(struct store *store);

/* For how many spans store_prepare() would find nothing to do, as long as nothing but spans comes. */
uint32_t store_spare(const struct store *store);

/* The ends of the two below, where the index has no entry in reach. */
MUST_USE int store_add_again(struct store *store, const struct matches *own, uint32_t at);
MUST_USE int store_want_again(struct store *store, const struct matches *parent, uint32_t at);

/* Remembers the span that slab_next() was written for and `own` says is new, with its relations to
 * come. Returns: 0; STATUS_FULL (nothing changed). */
MUST_USE static inline int store_add(struct store *store, const struct matches *own,
                                     uint32_t arrival, uint64_t began_ns, uint32_t *out_at)
{
    uint32_t at = slab_push(&store->slab, arrival, began_ns);
    int status = span_index_add(&store->index, &store->slab, own, at);

    if (status == STATUS_FULL)
        status = store_add_again(store, own, at);
    if (status == 0)
        *out_at = at;
    return status;
}

/* Links the newest span `at` with its parent, or leaves word that it wants one.
 * Returns: 0; STATUS_FULL (no room for that word: the parent will not know of it, but the child
 *          still finds the parent). */
MUST_USE static inline int store_link(struct store *store, const struct matches *parent,
                                      uint32_t at)
{
    struct remembered *span = slab_newest(&store->slab);
    int status;

    if (parent->oldest != 0) {
        struct remembered *oldest = slab_at(&store->slab, parent->oldest);
        span->parent_at = parent->oldest;
        span->sibling = oldest->child;
        oldest->child = at;
        return 0;
    }
    span->sibling = parent->wanted;
    status = span_index_want(&store->index, &store->slab, parent, at);
    return status == STATUS_FULL ? store_want_again(store, parent, at) : status;
}

/* Forgets the oldest block, of which nothing is pending. */
void store_evict(struct store *store);

/* A zeroed note. Returns: 0; STATUS_FULL; STATUS_NOMEM. */
MUST_USE int store_note(struct store *store, uint32_t *out_number);

/* What there is of an id in the trace of a remembered span. */
void store_find(const struct store *store, const struct remembered *in_trace, uint64_t id,
                struct matches *out_matches);

/* Looks at every invariant; for tests. Stops the program where one is broken. */
void store_check(const struct store *store);

#endif
