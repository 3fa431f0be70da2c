/* otlp_memo.h: from the bytes that name a span to its site, for what was seen before.
 * Is:         a direct-mapped table: a newcomer replaces what stood in its place.
 * Invariants: what it answers is what naming_site() answered for an equal key, under the same version
 *             of the catalog: after that, the number may be another's (topology/catalog_sweep.h).
 * Threads:    one decoder's.
 * Memory:     24 bytes an entry, all at init.
 */
#ifndef SPANMAP_RECEIVER_OTLP_MEMO_H
#define SPANMAP_RECEIVER_OTLP_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

struct otlp_memo_entry {
    struct hash128 key;
    uint32_t site;
    uint32_t version; /* 0: free. */
};

struct otlp_memo {
    struct otlp_memo_entry *entries;
    uint64_t mask;
    uint32_t version; /* Of the catalog, now. */
};

/* Room for `entries`, at least 1, rounded up to a power of two. Returns: 0; STATUS_NOMEM. */
MUST_USE int otlp_memo_init(struct otlp_memo *memo, size_t entries);
void otlp_memo_release(struct otlp_memo *memo);

static inline bool otlp_memo_find(const struct otlp_memo *memo, const struct hash128 *key,
                                  uint32_t *out_site)
{
    const struct otlp_memo_entry *entry = &memo->entries[key->low & memo->mask];

    if (entry->version != memo->version || entry->key.low != key->low ||
        entry->key.high != key->high)
        return false;
    *out_site = entry->site;
    return true;
}

static inline void otlp_memo_put(struct otlp_memo *memo, const struct hash128 *key, uint32_t site)
{
    memo->entries[key->low & memo->mask] = (struct otlp_memo_entry){*key, site, memo->version};
}

#endif
