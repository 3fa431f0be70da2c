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

enum { LARGE_PAGE = 2 << 20 };

/* The 16 bits of an entry. */
enum { TAG_WANTED = 0x8000, TAG_WAITS = 0x4000, TAG_HASH = 0x3FFF };

static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)(hash >> 48 & TAG_HASH);
}

int span_index_init(struct span_index *index, uint32_t buckets, uint64_t seed)
{
    size_t bytes = span_index_bytes(buckets);

    CHECK(buckets != 0 && (buckets & (buckets - 1)) == 0);
    *index = (struct span_index){
        .buckets = mem_aligned(bytes >= LARGE_PAGE ? LARGE_PAGE : alignof(struct bucket), bytes),
        .mask = buckets - 1,
        .seed = seed};
    if (index->buckets == NULL)
        return STATUS_NOMEM;
    if (bytes >= LARGE_PAGE) /* Buckets are found at random, too (block_pool.h). */
        mem_advise_large_pages(index->buckets, bytes);
    memset(index->buckets, 0, bytes);
    return 0;
}

void span_index_release(struct span_index *index)
{
    mem_free(index->buckets);
    *index = (struct span_index){0};
}

/* Whether an entry of a fitting hash is of this id. */
static bool names(const struct remembered *span, bool wanted, const uint64_t trace[2], uint64_t id)
{
    return span->trace[0] == trace[0] && span->trace[1] == trace[1] &&
           (wanted ? span->parent_id : span->id) == id;
}

/* What is looked for. */
struct search {
    const uint64_t *trace;
    uint64_t id;
};

static void match(const struct slab *slab, uint32_t at, struct matches *matches)
{
    if (matches->count == IDS_MAX)
        return; /* There are never more; see shard_feed. */
    matches->at[matches->count++] = at;
    if (matches->oldest == 0 || at - slab->tail < matches->oldest - slab->tail)
        matches->oldest = at;
}

/* Bit 16 * i + 15 of each word: entry i of it has this hash. Hashes have 14 bits, so that no lane
 * borrows from the next one. */
struct tag_match {
    uint64_t words[2];
    uint32_t rest;
};

static struct tag_match match_tags(const struct bucket *bucket, uint16_t tag)
{
    const uint64_t lanes = UINT64_C(0x0001000100010001);
    const uint64_t wanted = tag * lanes;
    struct tag_match match;

    _Static_assert(BUCKET_ENTRIES == 10, "two words of four and one of two");
    memcpy(&match, bucket->tag, sizeof(bucket->tag));
    for (size_t i = 0; i < 2; i++)
        match.words[i] = (0x8000 * lanes - ((match.words[i] & TAG_HASH * lanes) ^ wanted)) &
                         0x8000 * lanes;
    match.rest = (uint32_t)((0x8000 * lanes - ((match.rest & TAG_HASH * lanes) ^ wanted)) &
                            UINT64_C(0x80008000));
    return match;
}

void span_index_prefetch_spans(const struct span_index *index, const struct slab *slab,
                               uint64_t hash)
{
    const struct bucket *bucket = &index->buckets[hash & index->mask];
    struct tag_match tags = match_tags(bucket, tag_of(hash));

    for (uint32_t j = 0; j < 2; j++)
        for (; tags.words[j] != 0; tags.words[j] &= tags.words[j] - 1) {
            uint32_t at = bucket->at[j * 4 + (uint32_t)__builtin_ctzll(tags.words[j]) / 16];
            if (slab_live(slab, at))
                __builtin_prefetch(slab_at(slab, at), 1);
        }
    for (; tags.rest != 0; tags.rest &= tags.rest - 1) {
        uint32_t at = bucket->at[8 + (uint32_t)__builtin_ctz(tags.rest) / 16];
        if (slab_live(slab, at))
            __builtin_prefetch(slab_at(slab, at), 1);
    }
}

/* What is in a bucket under this hash; `found` has it when the ids agree. */
static void look_at(const struct slab *slab, const struct bucket *bucket, uint32_t number,
                    uint32_t entry, const struct search *search, struct matches *found)
{
    uint32_t at = bucket->at[entry];
    bool wanted = (bucket->tag[entry] & TAG_WANTED) != 0;

    if (!slab_live(slab, at) || !names(slab_at(slab, at), wanted, search->trace, search->id))
        return;
    if (!wanted) {
        match(slab, at, found);
        return;
    }
    found->wanted = at;
    found->kin_waits = (bucket->tag[entry] & TAG_WAITS) != 0;
    found->bucket = number;
    found->entry = entry;
}

void span_index_find(const struct span_index *index, const struct slab *slab,
                     const uint64_t trace[2], uint64_t id, uint64_t hash,
                     struct matches *out_matches)
{
    struct search search = {trace, id};
    uint16_t tag = tag_of(hash);

    out_matches->hash = hash;
    out_matches->count = out_matches->oldest = out_matches->wanted = 0;
    out_matches->kin_waits = false;
    for (uint32_t i = 0; i <= INDEX_PROBES_MAX; i++) {
        uint32_t number = (uint32_t)(hash + i) & index->mask;
        const struct bucket *bucket = &index->buckets[number];
        struct tag_match tags = match_tags(bucket, tag);
        for (uint32_t j = 0; j < 2; j++)
            for (; tags.words[j] != 0; tags.words[j] &= tags.words[j] - 1)
                look_at(slab, bucket, number, j * 4 + (uint32_t)__builtin_ctzll(tags.words[j]) / 16,
                        &search, out_matches);
        for (; tags.rest != 0; tags.rest &= tags.rest - 1)
            look_at(slab, bucket, number, 8 + (uint32_t)__builtin_ctz(tags.rest) / 16, &search,
                    out_matches);
        if (!slab_live(slab, bucket->spilled))
            break;
    }
}

/* Tells the buckets from the hash's own up to `number` that `at` lies behind them. */
static void spill(struct span_index *index, const struct slab *slab, uint64_t hash, uint32_t number,
                  uint32_t at)
{
    for (uint32_t i = (uint32_t)hash & index->mask; i != number; i = (i + 1) & index->mask) {
        uint32_t *spilled = &index->buckets[i].spilled;
        if (!slab_live(slab, *spilled) || *spilled - slab->tail < at - slab->tail)
            *spilled = at;
    }
}

static void fill(struct span_index *index, const struct slab *slab, uint32_t number, uint32_t entry,
                 uint64_t hash, uint32_t at, uint16_t kind)
{
    struct bucket *bucket = &index->buckets[number];

    bucket->at[entry] = at;
    bucket->tag[entry] = (uint16_t)(tag_of(hash) | kind);
    spill(index, slab, hash, number, at);
}

/* Takes a free entry in reach; with `by_force` also one that only notes a wish. */
static int put(struct span_index *index, const struct slab *slab, uint64_t hash, uint32_t at,
               uint16_t kind, bool by_force)
{
    for (uint32_t i = 0; i <= INDEX_PROBES_MAX; i++) {
        uint32_t number = (uint32_t)(hash + i) & index->mask;
        struct bucket *bucket = &index->buckets[number];
        for (uint32_t j = 0; j < BUCKET_ENTRIES; j++) {
            if (slab_live(slab, bucket->at[j]) && !(by_force && (bucket->tag[j] & TAG_WANTED)))
                continue;
            fill(index, slab, number, j, hash, at, kind);
            return 0;
        }
    }
    return STATUS_FULL;
}

/* The wanted entry gets another position, or becomes a span's own. */
static void replace(struct span_index *index, const struct slab *slab,
                    const struct matches *matches, uint32_t at, uint16_t kind)
{
    const struct bucket *bucket = &index->buckets[matches->bucket];

    CHECK(bucket->at[matches->entry] == matches->wanted);
    CHECK((bucket->tag[matches->entry] & TAG_WANTED) != 0);
    fill(index, slab, matches->bucket, matches->entry, matches->hash, at, kind);
}

int span_index_add(struct span_index *index, const struct slab *slab, const struct matches *own,
                   uint32_t at)
{
    CHECK(own->count < IDS_MAX && (own->count == 0 || own->wanted == 0));
    if (own->wanted == 0)
        return put(index, slab, own->hash, at, 0, false);
    replace(index, slab, own, at, 0);
    index->wanted -= index->wanted != 0;
    return 0;
}

int span_index_force(struct span_index *index, const struct slab *slab, const struct matches *own,
                     uint32_t at)
{
    CHECK(own->wanted == 0);
    return put(index, slab, own->hash, at, 0, true);
}

int span_index_want(struct span_index *index, const struct slab *slab, const struct matches *parent,
                    uint32_t at)
{
    int status;

    CHECK(parent->count == 0);
    if (parent->wanted == 0) {
        status = put(index, slab, parent->hash, at, TAG_WANTED, false);
        index->wanted += status == 0;
        return status;
    }
    replace(index, slab, parent, at, (uint16_t)(TAG_WANTED | (parent->kin_waits ? TAG_WAITS : 0)));
    return 0;
}

void span_index_wait(struct span_index *index, const struct matches *parent)
{
    CHECK(parent->wanted != 0);
    index->buckets[parent->bucket].tag[parent->entry] |= TAG_WAITS;
}

/* ------------------------------------------------------------------ growing */

static int move(struct span_index *into, const struct slab *slab, const struct bucket *bucket)
{
    for (uint32_t j = 0; j < BUCKET_ENTRIES; j++) {
        uint16_t kind = (uint16_t)(bucket->tag[j] & (TAG_WANTED | TAG_WAITS));
        const struct remembered *span;
        uint64_t id;
        if (!slab_live(slab, bucket->at[j]))
            continue;
        span = slab_at(slab, bucket->at[j]);
        id = (kind & TAG_WANTED) != 0 ? span->parent_id : span->id;
        if (put(into, slab, span_index_hash(span_index_trace(into, span->trace), id), bucket->at[j],
                kind, false) != 0)
            return STATUS_FULL;
        into->wanted += (kind & TAG_WANTED) != 0;
    }
    return 0;
}

/* The spans of a bucket that is moved soon: their ids are needed, and lie anywhere. */
static inline ALWAYS_INLINE void prefetch_spans(const struct slab *slab,
                                                const struct bucket *bucket)
{
    for (uint32_t j = 0; j < BUCKET_ENTRIES; j++)
        if (slab_live(slab, bucket->at[j]))
            __builtin_prefetch(slab_at(slab, bucket->at[j]));
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
