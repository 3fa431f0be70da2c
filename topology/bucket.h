/* bucket.h: a line of the index of spans, and what is found in it at a glance.
 * Is:         ten entries, each a position and 16 bits; all of them are looked at in one go, so
 *             that neither a loop nor a guess of where it ends is paid for.
 * Is not:     what an entry means (span_index.h).
 * Threads:    one owner at a time.
 */
#ifndef SPANMAP_TOPOLOGY_BUCKET_H
#define SPANMAP_TOPOLOGY_BUCKET_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "topology/slab.h"

enum { BUCKET_ENTRIES = 10, BUCKET_ALL = (1 << BUCKET_ENTRIES) - 1 };

/* The 16 bits of an entry: of its hash, and of what kind it is. */
enum { TAG_WANTED = 0x8000, TAG_WAITS = 0x4000, TAG_HASH = 0x3FFF };

struct bucket {
    alignas(64) uint32_t at[BUCKET_ENTRIES];
    uint32_t spilled; /* The newest position that went on to the next bucket. */
    uint16_t tag[BUCKET_ENTRIES];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

static inline uint16_t bucket_tag(uint64_t hash)
{
    return (uint16_t)(hash >> 48 & TAG_HASH);
}

static inline void bucket_fill(struct bucket *bucket, uint32_t entry, uint64_t hash, uint32_t at,
                               uint16_t kind)
{
    bucket->at[entry] = at;
    bucket->tag[entry] = (uint16_t)(bucket_tag(hash) | kind);
}

/* The two questions, for machines without what is used below. */
static inline uint32_t bucket_tagged_plainly(const struct bucket *bucket, uint16_t tag)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < BUCKET_ENTRIES; i++)
        found |= (uint32_t)((bucket->tag[i] & TAG_HASH) == tag) << i;
    return found;
}

static inline uint32_t bucket_free_plainly(const struct bucket *bucket, const struct slab *slab)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < BUCKET_ENTRIES; i++)
        found |= (uint32_t)!slab_live(slab, bucket->at[i]) << i;
    return found;
}

#ifdef __SSE2__

/* The line in four parts: at 0-3, at 4-7, at 8-9 with spilled and tags 0-1, tags 2-9. */
_Static_assert(BUCKET_ENTRIES == 10 && offsetof(struct bucket, spilled) == 40 &&
                   offsetof(struct bucket, tag) == 44,
               "parts of a line");

/* Bit i: entry i has this tag, whatever its kind. */
static inline uint32_t bucket_tagged(const struct bucket *bucket, uint16_t tag)
{
    const __m128i *parts = (const __m128i *)(const void *)bucket;
    const __m128i hash = _mm_set1_epi16(TAG_HASH);
    const __m128i wanted = _mm_set1_epi16((short)tag);
    __m128i first = _mm_cmpeq_epi16(_mm_and_si128(_mm_load_si128(&parts[2]), hash), wanted);
    __m128i rest = _mm_cmpeq_epi16(_mm_and_si128(_mm_load_si128(&parts[3]), hash), wanted);

    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, rest)) >> 6;
}

/* Whether each of four positions is live, for a slab without position 0. */
static inline __m128i bucket_live_part(const __m128i *part, __m128i from, __m128i size)
{
    return _mm_cmpgt_epi32(size, _mm_sub_epi32(_mm_load_si128(part), from));
}

/* Bit i: entry i is free, for its position is not live. */
static inline uint32_t bucket_free(const struct bucket *bucket, const struct slab *slab)
{
    const __m128i *parts = (const __m128i *)(const void *)bucket;
    const __m128i sign = _mm_set1_epi32(INT32_MIN); /* Comparisons have one; positions do not. */
    const __m128i from = _mm_xor_si128(_mm_set1_epi32((int32_t)slab->tail), sign);
    const __m128i size = _mm_set1_epi32((int32_t)(slab->live - (1U << 31)));
    __m128i first, rest;

    if (slab->head <= slab->tail - 1) /* Position 0 lies between them, and would pass for live. */
        return bucket_free_plainly(bucket, slab);
    first = _mm_packs_epi32(bucket_live_part(&parts[0], from, size),
                            bucket_live_part(&parts[1], from, size));
    rest = bucket_live_part(&parts[2], from, size);
    rest = _mm_packs_epi32(rest, rest);
    return ~(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, rest)) & BUCKET_ALL;
}

#else

static inline uint32_t bucket_tagged(const struct bucket *bucket, uint16_t tag)
{
    return bucket_tagged_plainly(bucket, tag);
}

static inline uint32_t bucket_free(const struct bucket *bucket, const struct slab *slab)
{
    return bucket_free_plainly(bucket, slab);
}

#endif

#endif
