/* naming_key.h: the bytes that decide a span's site, for memos in front of naming_site().
 * Invariants: spans of equal keys, under one struct naming, have equal sites. The reverse need not
 *             hold: many keys may lead to one site.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_KEY_H
#define SPANMAP_TOPOLOGY_NAMING_KEY_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/status.h"
#include "topology/naming.h"

/* A service's identity, once for all spans of a resource. `scratch` is overwritten. `seed` is the
 * process's. Returns: 0; STATUS_NOMEM. */
MUST_USE int naming_key_resource(const struct attributes *resource, uint64_t seed,
                                 struct buf *scratch, struct hash128 *out_key);

/* `resource` stands for input->resource. Returns: 0; STATUS_NOMEM. */
MUST_USE int naming_key_span(const struct hash128 *resource, const struct naming_input *input,
                             uint64_t seed, struct buf *scratch, struct hash128 *out_key);

#endif
