/* span_index.c: ten entries a line, and the next line when one is full.
 *
 * Entries leave by themselves when their spans leave the slab, oldest first. So a bucket cannot
 * know by its free entries whether others of its own went on to the next one: it keeps the newest
 * position that did. When that is no longer live, no older one is.
 */
#include "topology/span_index.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

int span_index_init(struct span_index *index, uint32_t buckets, uint64_t seed)
{
    size_t bytes = span_index_bytes(buckets);

    CHECK(buckets != 0 && (buckets & (buckets - 1)) == 0);
    *index = (struct span_index){.buckets = mem_table(bytes), /* They are found at random. */
                                 .mask = buckets - 1,
                                 .seed = seed};
    if (index->buckets == NULL)
        return STATUS_NOMEM;
    memset(index->buckets, 0, bytes);
    return 0;
}

void span_index_release(struct span_index *index)
{
    mem_free(index->buckets);
    *index = (struct span_index){0};
}

void span_index_find_all(const struct span_index *index, const struct slab *slab,
                         const uint64_t trace[2], uint64_t id, uint64_t hash,
                         struct matches *out_matches)
{
    uint16_t tag = bucket_tag(hash);

    out_matches->hash = hash;
    out_matches->count = out_matches->oldest = out_matches->wanted = 0;
    out_matches->kin_waits = false;
    for (uint32_t i = 0; i <= INDEX_PROBES_MAX; i++) {
        const struct bucket *bucket = &index->buckets[(uint32_t)(hash + i) & index->mask];
        for (uint32_t left = bucket_tagged(bucket, tag); left != 0; left &= left - 1)
            matches_take(out_matches, index, slab, bucket, (uint32_t)__builtin_ctz(left), trace,
                         id);
        if (!slab_live(slab, bucket->spilled))
            break;
    }
}

void span_index_spill(struct span_index *index, const struct slab *slab, uint64_t hash,
                      uint32_t number, uint32_t at)
{
    for (uint32_t i = (uint32_t)hash & index->mask; i != number; i = (i + 1) & index->mask) {
        uint32_t *spilled = &index->buckets[i].spilled;
        if (!slab_live(slab, *spilled) || *spilled - slab->tail < at - slab->tail)
            *spilled = at;
    }
}

/* The entries that only note a wish. */
static uint32_t wishes(const struct bucket *bucket)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < BUCKET_ENTRIES; i++)
        found |= (uint32_t)((bucket->tag[i] & TAG_WANTED) != 0) << i;
    return found;
}

/* With `by_force`, one that only notes a wish is as good as a free one. */
int span_index_put_in_reach(struct span_index *index, const struct slab *slab, uint64_t hash,
                            uint32_t at, uint16_t kind, bool by_force)
{
    for (uint32_t i = 0; i <= INDEX_PROBES_MAX; i++) {
        uint32_t number = (uint32_t)(hash + i) & index->mask;
        struct bucket *bucket = &index->buckets[number];
        uint32_t free = bucket_free(bucket, slab);
        if (by_force)
            free |= wishes(bucket);
        if (free == 0)
            continue;
        bucket_fill(bucket, (uint32_t)__builtin_ctz(free), hash, at, kind);
        span_index_spill(index, slab, hash, number, at);
        return 0;
    }
    return STATUS_FULL;
}

int span_index_force(struct span_index *index, const struct slab *slab, const struct matches *own,
                     uint32_t at)
{
    CHECK(own->wanted == 0);
    return span_index_put_in_reach(index, slab, own->hash, at, 0, true);
}

void span_index_wait(struct span_index *index, const struct matches *parent)
{
    CHECK(parent->wanted != 0);
    index->buckets[parent->bucket].tag[parent->entry] |= TAG_WAITS;
}

/* ------------------------------------------------------------------ growing */

static int move(struct span_index *into, const struct slab *slab, const struct bucket *bucket)
{
    for (uint32_t left = bucket_free(bucket, slab) ^ BUCKET_ALL; left != 0; left &= left - 1) {
        uint32_t entry = (uint32_t)__builtin_ctz(left);
        uint16_t kind = (uint16_t)(bucket->tag[entry] & (TAG_WANTED | TAG_WAITS));
        const struct remembered *span = slab_at(slab, bucket->at[entry]);
        uint64_t id = (kind & TAG_WANTED) != 0 ? span->parent_id : span->id;
        uint64_t hash = span_index_hash(span_index_trace(into, span->trace), id);
        if (span_index_put(into, slab, hash, bucket->at[entry], kind) != 0)
            return STATUS_FULL;
        into->wanted += (kind & TAG_WANTED) != 0;
    }
    return 0;
}

/* The spans of a bucket that is moved soon: their ids are needed, and lie anywhere. */
static inline ALWAYS_INLINE void prefetch_spans(const struct slab *slab,
                                                const struct bucket *bucket)
{
    for (uint32_t left = bucket_free(bucket, slab) ^ BUCKET_ALL; left != 0; left &= left - 1)
        __builtin_prefetch(slab_at(slab, bucket->at[__builtin_ctz(left)]));
}

int span_index_grow(struct span_index *index, const struct slab *slab)
{
    const uint32_t ahead = 4; /* Buckets: some forty lines are on their way. */
    struct span_index grown;
    int status;

    CHECK(index->mask < UINT32_MAX / 2);
    status = span_index_init(&grown, (index->mask + 1) * 2, index->seed);
    for (uint32_t i = 0; status == 0 && i <= index->mask; i++) {
        if (i + ahead <= index->mask)
            prefetch_spans(slab, &index->buckets[i + ahead]);
        status = move(&grown, slab, &index->buckets[i]);
    }
    if (status != 0) {
        span_index_release(&grown);
        return status;
    }
    span_index_release(index);
    *index = grown;
    return 0;
}
