/* key_map.c: linear probing; nothing is ever taken out alone. */
#include "topology/key_map.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

enum { SLOTS_FIRST = 64 };

static struct key_slot *make_slots(size_t count)
{
    struct key_slot *slots = mem_table(count * sizeof(*slots));

    if (slots != NULL)
        memset(slots, 0, count * sizeof(*slots));
    return slots;
}

int key_map_init(struct key_map *map)
{
    *map = (struct key_map){.slots = make_slots(SLOTS_FIRST)};
    map->mask = SLOTS_FIRST - 1;
    map->seed = hash_seed();
    return map->slots != NULL ? 0 : STATUS_NOMEM;
}

void key_map_release(struct key_map *map)
{
    mem_free(map->slots);
    *map = (struct key_map){0};
}

void key_map_reset(struct key_map *map)
{
    if (map->used != 0)
        memset(map->slots, 0, ((size_t)map->mask + 1) * sizeof(*map->slots));
    map->used = 0;
}

static void put(struct key_map *map, const struct key_slot *slot)
{
    uint32_t at = key_hash(map, slot->key) & map->mask;

    while (map->slots[at].number_plus_one != 0)
        at = (at + 1) & map->mask;
    map->slots[at] = *slot;
    map->used++;
}

int key_map_prepare(struct key_map *map)
{
    struct key_map grown = {.seed = map->seed, .mask = map->mask * 2 + 1};

    if ((map->used + 1) * 2 <= map->mask + 1)
        return 0;
    grown.slots = make_slots((size_t)grown.mask + 1);
    if (grown.slots == NULL)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i <= map->mask; i++)
        if (map->slots[i].number_plus_one != 0)
            put(&grown, &map->slots[i]);
    CHECK(grown.used == map->used);
    mem_free(map->slots);
    *map = grown;
    return 0;
}

void key_map_add(struct key_map *map, struct key key, uint32_t number)
{
    CHECK((map->used + 1) * 2 <= map->mask + 1 && number != KEY_NONE);
    put(map, &(struct key_slot){key, number + 1, 0});
}
