/* key_map.h: from the 16 bytes that name a series to its number.
 * Is:         open addressing over {key, number}; numbers are the caller's, from 0 up.
 * Is not:     an owner of what the numbers stand for.
 * Invariants: at most half full.
 * Threads:    one owner at a time.
 * Memory:     24 bytes a slot; grows by doubling.
 */
#ifndef SPANMAP_TOPOLOGY_KEY_MAP_H
#define SPANMAP_TOPOLOGY_KEY_MAP_H

#include <stdint.h>

#include "base/status.h"

struct key {
    uint64_t high;
    uint64_t low;
};

struct key_slot {
    struct key key;
    uint32_t number_plus_one; /* 0: free. */
    uint32_t spare;
};

struct key_map {
    struct key_slot *slots;
    uint64_t seed;
    uint32_t mask;
    uint32_t used;
};

enum { KEY_NONE = UINT32_MAX };

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int key_map_init(struct key_map *map);
void key_map_release(struct key_map *map);
void key_map_reset(struct key_map *map); /* Empty again, memory kept. */

/* Keys are made of numbers that the catalog gives one after the other, so that a sender may know which
 * they are, and ask for those that lie together; not so by a seed that it does not know. Where keys
 * differ in their highest bits alone, as those of many values of dimensions do, the last step counts. */
static inline uint32_t key_hash(const struct key_map *map, struct key key)
{
    uint64_t mixed = (key.high ^ key.high >> 29 ^ map->seed) * UINT64_C(0x9E3779B97F4A7C15);

    mixed = (mixed ^ mixed >> 32 ^ key.low) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(mixed >> 32 ^ mixed >> 47);
}

static inline void key_map_prefetch(const struct key_map *map, struct key key)
{
    __builtin_prefetch(&map->slots[key_hash(map, key) & map->mask]);
}

/* The number of a key; KEY_NONE. */
static inline uint32_t key_map_find(const struct key_map *map, struct key key)
{
    for (uint32_t at = key_hash(map, key) & map->mask;; at = (at + 1) & map->mask) {
        const struct key_slot *slot = &map->slots[at];
        if (slot->key.high == key.high && slot->key.low == key.low && slot->number_plus_one != 0)
            return slot->number_plus_one - 1;
        if (slot->number_plus_one == 0)
            return KEY_NONE;
    }
}

/* Room for one more, so that key_map_add() cannot fail. Returns: 0; STATUS_NOMEM. */
MUST_USE int key_map_prepare(struct key_map *map);

/* Adds a key that is not there; key_map_prepare() went before. */
void key_map_add(struct key_map *map, struct key key, uint32_t number);

#endif
