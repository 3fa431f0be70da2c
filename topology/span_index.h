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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/status.h"
#include "topology/bucket.h"
#include "topology/slab.h"

enum {
    IDS_MAX = 8,           /* Spans of one id in a trace (E17). */
    INDEX_PROBES_MAX = 16, /* Buckets that an entry may lie behind its own. */
};

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

static inline struct bucket *span_index_home(const struct span_index *index, uint64_t hash)
{
    return &index->buckets[hash & index->mask];
}

static inline void span_index_prefetch(const struct span_index *index, uint64_t hash)
{
    __builtin_prefetch(span_index_home(index, hash), 1);
}

/* Brings what a bucket that is there has of a hash closer too, and the next one if it spilled over. */
static inline ALWAYS_INLINE void span_index_prefetch_spans(const struct span_index *index,
                                                           const struct slab *slab, uint64_t hash)
{
    const struct bucket *bucket = span_index_home(index, hash);

    if (slab_live(slab, bucket->spilled))
        span_index_prefetch(index, hash + 1);
    for (uint32_t left = bucket_tagged(bucket, bucket_tag(hash)); left != 0; left &= left - 1) {
        uint32_t at = bucket->at[__builtin_ctz(left)];
        if (slab_live(slab, at))
            __builtin_prefetch(slab_at(slab, at), 1);
    }
}

/* All there is of an id: as below, in whatever shape it is. */
void span_index_find_all(const struct span_index *index, const struct slab *slab,
                         const uint64_t trace[2], uint64_t id, uint64_t hash,
                         struct matches *out_matches);

/* Takes on what an entry of a fitting hash has, if it is of this id. */
static inline void matches_take(struct matches *matches, const struct span_index *index,
                                const struct slab *slab, const struct bucket *bucket,
                                uint32_t entry, const uint64_t trace[2], uint64_t id)
{
    uint32_t at = bucket->at[entry];
    bool wanted = (bucket->tag[entry] & TAG_WANTED) != 0;
    const struct remembered *span;

    if (!slab_live(slab, at))
        return;
    span = slab_at(slab, at);
    if (span->trace[0] != trace[0] || span->trace[1] != trace[1] ||
        (wanted ? span->parent_id : span->id) != id)
        return;
    if (wanted) {
        matches->wanted = at;
        matches->kin_waits = (bucket->tag[entry] & TAG_WAITS) != 0;
        matches->bucket = (uint32_t)(bucket - index->buckets);
        matches->entry = entry;
    } else if (matches->count != IDS_MAX) { /* There are never more; see shard_admit.c. */
        matches->at[matches->count++] = at;
        if (matches->oldest == 0 || at - slab->tail < matches->oldest - slab->tail)
            matches->oldest = at;
    }
}

/* What there is of an id; nearly always nothing of its hash, or one entry in the hash's own bucket. */
static inline ALWAYS_INLINE void span_index_find(const struct span_index *index,
                                                 const struct slab *slab, const uint64_t trace[2],
                                                 uint64_t id, uint64_t hash,
                                                 struct matches *out_matches)
{
    const struct bucket *home = span_index_home(index, hash);
    uint32_t tagged = bucket_tagged(home, bucket_tag(hash));

    if ((tagged & (tagged - 1)) != 0 || slab_live(slab, home->spilled)) {
        span_index_find_all(index, slab, trace, id, hash, out_matches);
        return;
    }
    out_matches->hash = hash;
    out_matches->count = out_matches->oldest = out_matches->wanted = 0;
    out_matches->kin_waits = false;
    if (tagged != 0)
        matches_take(out_matches, index, slab, home, (uint32_t)__builtin_ctz(tagged), trace, id);
}

/* As the functions below, where no entry is free in the hash's own bucket. */
MUST_USE int span_index_put_in_reach(struct span_index *index, const struct slab *slab,
                                     uint64_t hash, uint32_t at, uint16_t kind, bool by_force);

/* Tells the buckets from the hash's own up to `number` that `at` lies behind them. */
void span_index_spill(struct span_index *index, const struct slab *slab, uint64_t hash,
                      uint32_t number, uint32_t at);

/* Takes a free entry in reach. */
static inline int span_index_put(struct span_index *index, const struct slab *slab, uint64_t hash,
                                 uint32_t at, uint16_t kind)
{
    struct bucket *home = span_index_home(index, hash);
    uint32_t free = bucket_free(home, slab);

    if (free == 0)
        return span_index_put_in_reach(index, slab, hash, at, kind, false);
    bucket_fill(home, (uint32_t)__builtin_ctz(free), hash, at, kind);
    return 0;
}

/* The wanted entry gets another position, or becomes a span's own. */
static inline void span_index_replace(struct span_index *index, const struct slab *slab,
                                      const struct matches *matches, uint32_t at, uint16_t kind)
{
    struct bucket *bucket = &index->buckets[matches->bucket];

    CHECK(bucket->at[matches->entry] == matches->wanted);
    CHECK((bucket->tag[matches->entry] & TAG_WANTED) != 0);
    bucket_fill(bucket, matches->entry, matches->hash, at, kind);
    if (matches->bucket != ((uint32_t)matches->hash & index->mask))
        span_index_spill(index, slab, matches->hash, matches->bucket, at);
}

/* Adds the newest span under its own id. If the id was wanted, the wanted entry becomes the span's.
 * Returns: 0; STATUS_FULL (no entry is free in reach; nothing changed). */
MUST_USE static inline int span_index_add(struct span_index *index, const struct slab *slab,
                                          const struct matches *own, uint32_t at)
{
    CHECK(own->count < IDS_MAX && (own->count == 0 || own->wanted == 0));
    if (own->wanted == 0)
        return span_index_put(index, slab, own->hash, at, 0);
    span_index_replace(index, slab, own, at, 0);
    index->wanted -= index->wanted != 0;
    return 0;
}

/* The same where nothing is free and the index cannot grow: the wish of another gives way, whose
 * children will look for their parent once more. Returns: as above. */
MUST_USE int span_index_force(struct span_index *index, const struct slab *slab,
                              const struct matches *own, uint32_t at);

/* Notes that the newest span wants its parent, of which there is none; those that want it already
 * hang behind it. Returns: 0; STATUS_FULL (as above). */
MUST_USE static inline int span_index_want(struct span_index *index, const struct slab *slab,
                                           const struct matches *parent, uint32_t at)
{
    int status;

    CHECK(parent->count == 0);
    if (parent->wanted == 0) {
        status = span_index_put(index, slab, parent->hash, at, TAG_WANTED);
        index->wanted += status == 0;
        return status;
    }
    span_index_replace(index, slab, parent, at,
                       (uint16_t)(TAG_WANTED | (parent->kin_waits ? TAG_WAITS : 0)));
    return 0;
}

/* Notes that a child of a wanted id is past its own wait. */
void span_index_wait(struct span_index *index, const struct matches *parent);

/* Doubles. Returns: 0; STATUS_NOMEM, STATUS_FULL (nothing changed). */
MUST_USE int span_index_grow(struct span_index *index, const struct slab *slab);

#endif
