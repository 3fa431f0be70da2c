/* span_index.h: where the spans of an id are, and where those that wait for one.
 * Is:         buckets of one cache line, ten entries each: a position and 16 bits. An entry is a
 *             span's own, or stands for an id that is wanted: then its position is the newest
 *             child's, from which the others hang by `sibling`.
 * Invariants: an entry whose position is not live is free, so that what leaves the slab costs the
 *             index nothing. An id has entries of its own or one wanted entry, never both.
 * Threads:    one owner at a time.
 * Memory:     64 bytes a bucket; grows by doubling.
 * Source:     TOPOLOGY E7, E17.
 */
#ifndef SPANMAP_TOPOLOGY_SPAN_INDEX_H
#define SPANMAP_TOPOLOGY_SPAN_INDEX_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/slab.h"

enum {
    BUCKET_ENTRIES = 10,
    IDS_MAX = 8,           /* Spans of one id in a trace (E17). */
    INDEX_PROBES_MAX = 16, /* Buckets that an entry may lie behind its own. */
};

struct bucket {
    alignas(64) uint32_t at[BUCKET_ENTRIES];
    uint32_t spilled; /* The newest position that went on to the next bucket. */
    uint16_t tag[BUCKET_ENTRIES];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

struct span_index {
    struct bucket *buckets;
    uint32_t mask;
    uint64_t wanted; /* Ids that are wanted; too many where some of their children left. */
    uint64_t seed;
};

/* What there is of one id. */
struct matches {
    uint64_t hash;
    uint32_t count; /* Spans of the id. */
    uint32_t at[IDS_MAX];
    uint32_t oldest; /* Of them; 0: none. */
    uint32_t wanted; /* The newest child that waits for the id; 0: none. */
    bool kin_waits;  /* Some of those is past its own wait. */
    uint32_t bucket; /* Of the wanted entry. */
    uint32_t entry;
};

/* `buckets` is a power of two. Returns: 0; STATUS_NOMEM. */
MUST_USE int span_index_init(struct span_index *index, uint32_t buckets, uint64_t seed);
void span_index_release(struct span_index *index);

static inline size_t span_index_bytes(uint32_t buckets)
{
    return (size_t)buckets * sizeof(struct bucket);
}

/* The hash of an id in its trace, in two steps: the trace's part serves several ids. */
static inline uint64_t span_index_trace(const struct span_index *index, const uint64_t trace[2])
{
    uint64_t mixed = (trace[0] ^ index->seed) * UINT64_C(0x9E3779B97F4A7C15);

    mixed ^= mixed >> 32;
    mixed = (mixed ^ trace[1]) * UINT64_C(0xD6E8FEB86659FD93);
    return mixed ^ mixed >> 32;
}

static inline uint64_t span_index_hash(uint64_t trace_part, uint64_t id)
{
    uint64_t mixed = (trace_part ^ id) * UINT64_C(0x9E3779B97F4A7C15);

    mixed ^= mixed >> 32;
    mixed *= UINT64_C(0xD6E8FEB86659FD93);
    return mixed ^ mixed >> 29;
}

static inline void span_index_prefetch(const struct span_index *index, uint64_t hash)
{
    __builtin_prefetch(&index->buckets[hash & index->mask]);
}

/* Brings what a bucket that is there has of a hash closer too. */
void span_index_prefetch_spans(const struct span_index *index, const struct slab *slab,
                               uint64_t hash);

void span_index_find(const struct span_index *index, const struct slab *slab,
                     const uint64_t trace[2], uint64_t id, uint64_t hash,
                     struct matches *out_matches);

/* Adds the newest span under its own id. If the id was wanted, the wanted entry becomes the span's.
 * Returns: 0; STATUS_FULL (no entry is free in reach; nothing changed). */
MUST_USE int span_index_add(struct span_index *index, const struct slab *slab,
                            const struct matches *own, uint32_t at);

/* The same where nothing is free and the index cannot grow: the wish of another gives way, whose
 * children will look for their parent once more. Returns: as above. */
MUST_USE int span_index_force(struct span_index *index, const struct slab *slab,
                              const struct matches *own, uint32_t at);

/* Notes that the newest span wants its parent, of which there is none; those that want it already
 * hang behind it. Returns: 0; STATUS_FULL (as above). */
MUST_USE int span_index_want(struct span_index *index, const struct slab *slab,
                             const struct matches *parent, uint32_t at);

/* Notes that a child of a wanted id is past its own wait. */
void span_index_wait(struct span_index *index, const struct matches *parent);

/* Doubles. Returns: 0; STATUS_NOMEM, STATUS_FULL (nothing changed). */
MUST_USE int span_index_grow(struct span_index *index, const struct slab *slab);

#endif
