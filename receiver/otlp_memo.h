/* otlp_memo.h: from the bytes that name a span to its site, for what was seen before.
 * Is:         a table of lines with four entries each; a newcomer takes a free one, or one of the four.
 *             It begins small, so that who sees few names has them in few pages, and becomes larger as
 *             often as newcomers had to take the places of others; what it knew is asked anew then.
 * Invariants: what it answers is what naming_site() answered for an equal key. Keys are told apart by
 *             64 bits of their hash and by their line.
 * Threads:    one decoder's.
 * Memory:     16 bytes an entry; more than 2 MiB lie on large pages, if there are some.
 */
#ifndef SPANMAP_RECEIVER_OTLP_MEMO_H
#define SPANMAP_RECEIVER_OTLP_MEMO_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

enum { OTLP_MEMO_WAYS = 4, OTLP_MEMO_ENTRY_BYTES = 16 };

struct otlp_memo_line {
    alignas(64) struct otlp_memo_entry {
        uint64_t key;
        uint32_t site;
        uint32_t version; /* 0: free. */
    } entries[OTLP_MEMO_WAYS];
};

_Static_assert(sizeof(struct otlp_memo_line) == 64, "a line of the cache");

struct otlp_memo {
    void *memory; /* In which the lines lie. */
    struct otlp_memo_line *lines;
    uint64_t mask;
    uint64_t mask_max;
    uint64_t replaced; /* Newcomers that took the place of another, since it became this large. */
    uint32_t version;  /* Of the catalog, now. */
};

/* Room for `entries_max` in the end, at least 1, rounded up to a power of two. Returns: 0;
 * STATUS_NOMEM. */
MUST_USE int otlp_memo_init(struct otlp_memo *memo, size_t entries_max);
void otlp_memo_release(struct otlp_memo *memo);

/* For a look-up that comes soon. */
static inline void otlp_memo_prefetch(const struct otlp_memo *memo, const struct hash128 *key)
{
    __builtin_prefetch(&memo->lines[key->low & memo->mask]);
}

static inline bool otlp_memo_find(const struct otlp_memo *memo, const struct hash128 *key,
                                  uint32_t *out_site)
{
    const struct otlp_memo_line *line = &memo->lines[key->low & memo->mask];

    for (size_t i = 0; i < OTLP_MEMO_WAYS; i++) {
        const struct otlp_memo_entry *entry = &line->entries[i];
        if (entry->key == key->high && entry->version == memo->version) {
            *out_site = entry->site;
            return true;
        }
    }
    return false;
}

/* For a key that was not found. */
void otlp_memo_put(struct otlp_memo *memo, const struct hash128 *key, uint32_t site);

#endif
