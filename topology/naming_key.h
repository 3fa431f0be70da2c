/* naming_key.h: a hash of what decides a span's site, for memos in front of naming_site().
 * Invariants: spans of equal keys, under one struct naming, have equal sites, but for one chance in 2^64
 *             that nobody who does not know the seed can better. The reverse need not hold: many keys
 *             may lead to one site.
 * Threads:    a struct naming_keys is immutable after init; pure functions.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_KEY_H
#define SPANMAP_TOPOLOGY_NAMING_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "topology/naming.h"

/* Pieces of a key: attributes and dimensions by their numbers, a name, a service. Each has random words
 * of its own, so that a text means another thing in another place. */
enum {
    NAMING_KEY_DIMENSION = ATTRIBUTE_COUNT,
    NAMING_KEY_NAME = NAMING_KEY_DIMENSION + DIMENSIONS_MAX,
    NAMING_KEY_SERVICE,
    NAMING_KEY_PIECES,
};

struct naming_keys {
    struct naming_key_words {
        uint64_t front, back; /* For the piece itself, */
        uint64_t head;        /* and for its type and size. */
    } words[NAMING_KEY_PIECES];
    uint64_t chain[2]; /* For long texts. */
    uint64_t last[4];
    enum naming_url url;
};

/* `seed` is the process's, and a secret. */
void naming_keys_init(struct naming_keys *keys, const struct naming *naming, uint64_t seed);

/* A service's identity, once for all spans of a resource. */
struct hash128 naming_key_resource(const struct naming_keys *keys,
                                   const struct attributes *resource);

/* `resource` stands for input->resource. */
struct hash128 naming_key_span(const struct naming_keys *keys, const struct hash128 *resource,
                               const struct naming_input *input);

#endif
