/* otlp_sites.h: the sites of a request's spans, found for several spans at once.
 * Is:         spans that were read and wait for their sites, with all that names them, and the resources
 *             that they are of. A memo knows the sites of what was seen before; the places in it are
 *             asked for when a span begins to wait and looked at when all waiting ones are settled, so
 *             that a memo larger than the caches does not stop a span for each.
 * Invariants: sites are asked of the catalog in the order of their spans. What waits points into the
 *             request.
 * Threads:    one decoder's; naming and catalog are shared by all.
 * Memory:     16 bytes an entry of the memo, and some 50 KiB.
 */
#ifndef SPANMAP_RECEIVER_OTLP_SITES_H
#define SPANMAP_RECEIVER_OTLP_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/status.h"
#include "receiver/otlp_memo.h"
#include "receiver/otlp_span.h"
#include "topology/catalog.h"
#include "topology/dimensions.h"
#include "topology/naming.h"
#include "topology/naming_key.h"

enum { OTLP_SITES_WAITING = 16 };

struct otlp_resource {
    struct hash128 key;
    struct attributes attributes;
};

struct otlp_waiting {
    struct hash128 key;
    const struct otlp_resource *resource;
    struct otlp_span span;
};

struct otlp_sites {
    const struct naming *naming;
    struct catalog *catalog;
    const struct dimensions *dimensions; /* NULL: there are none. */
    struct otlp_memo memo;
    struct naming_keys keys;
    struct buf scratch;
    struct buf values; /* Texts of dimensions that came as something else. */
    size_t resources_count;
    struct otlp_resource resources[OTLP_SITES_WAITING];
    size_t waiting_count;
    struct otlp_waiting waiting[OTLP_SITES_WAITING];
};

/* `links` is where the links of the span that is being read go. Returns: 0; STATUS_NOMEM (to be released
 * all the same). */
MUST_USE int otlp_sites_init(struct otlp_sites *sites, const struct naming *naming,
                             struct catalog *catalog, const struct dimensions *dimensions,
                             uint64_t seed, size_t memo_entries, struct otlp_links links);
void otlp_sites_release(struct otlp_sites *sites);

/* A request begins: nothing waits. `version` is the catalog's. */
void otlp_sites_begin(struct otlp_sites *sites, uint32_t version);

/* Where the attributes of the next resource go, emptied; NULL: settle first. */
struct attributes *otlp_sites_next_resource(struct otlp_sites *sites);

/* All of the resource is there: the spans that come now are its own. */
void otlp_sites_resource_read(struct otlp_sites *sites);

/* Where the next span is read to. There is room, for who settles when otlp_sites_wait() says so. */
static inline struct otlp_span *otlp_sites_next_span(struct otlp_sites *sites)
{
    return &sites->waiting[sites->waiting_count].span;
}

/* The span that was read waits from now on. True: settle before the next one. */
static inline bool otlp_sites_wait(struct otlp_sites *sites)
{
    struct otlp_waiting *waiting = &sites->waiting[sites->waiting_count++];
    const struct otlp_resource *resource = &sites->resources[sites->resources_count - 1];
    struct naming_input input = {
        .span = &waiting->span.attributes, .name = waiting->span.name, .kind = waiting->span.kind};

    waiting->resource = resource;
    waiting->key = naming_key_span(&sites->keys, &resource->key, &input);
    otlp_memo_prefetch(&sites->memo, &waiting->key);
    return sites->waiting_count == OTLP_SITES_WAITING;
}

/* Gives their sites to the records of all that wait, of which the last one ends at `records_end`, and
 * adds to `missed` how many were not in the memo. Returns: 0; STATUS_NOMEM (nothing waits any more). */
MUST_USE int otlp_sites_settle(struct otlp_sites *sites, struct span *records_end,
                               uint64_t *missed);

#endif
