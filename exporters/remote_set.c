/* remote_set.c: open addressing over the hash of the texts, never more than half full. */
#include "exporters/remote_set.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { ROOM_FIRST = 256, METAS_ROOM_FIRST = 64 };

/* With its two slots, where half of the room is not used yet. */
enum { ENTRY_BYTES = 2 * (sizeof(struct remote_entry) + 2 * sizeof(uint32_t)) };

void remote_set_init(struct remote_set *set, size_t bytes_max)
{
    *set = (struct remote_set){.count = 0};
    set->bytes_max = bytes_max < UINT32_MAX / 2 ? bytes_max : UINT32_MAX / 2;
    buf_init(&set->texts, set->bytes_max);
}

void remote_set_release(struct remote_set *set)
{
    buf_release(&set->texts);
    mem_free(set->entries);
    mem_free(set->slots);
    mem_free(set->metas);
    *set = (struct remote_set){.count = 0};
}

void remote_set_reset(struct remote_set *set)
{
    buf_reset(&set->texts);
    set->count = 0;
    set->metas_count = 0;
    if (set->slots != NULL)
        memset(set->slots, 0, ((size_t)set->slots_mask + 1) * sizeof(*set->slots));
}

/* Neither a name nor labels say where the one ends: a name has no quotes. */
static uint32_t hash_of(struct view name, struct view labels)
{
    return (uint32_t)hash64(labels.data, labels.size, hash64(name.data, name.size, 0));
}

static void put(struct remote_set *set, uint32_t hash, uint32_t number)
{
    uint32_t slot = hash & set->slots_mask;

    while (set->slots[slot] != 0)
        slot = (slot + 1) & set->slots_mask;
    set->slots[slot] = number + 1;
}

static int grow(struct remote_set *set)
{
    uint32_t room = set->room != 0 ? set->room * 2 : (uint32_t)ROOM_FIRST;
    struct remote_entry *entries;
    uint32_t *slots;

    if (set->count < set->room)
        return 0;
    entries = mem_realloc(set->entries, room * sizeof(*entries));
    if (entries == NULL)
        return STATUS_NOMEM;
    set->entries = entries;
    slots = mem_calloc((size_t)room * 2, sizeof(*slots));
    if (slots == NULL)
        return STATUS_NOMEM;
    mem_free(set->slots);
    set->slots = slots;
    set->slots_mask = room * 2 - 1;
    set->room = room;
    for (uint32_t i = 0; i < set->count; i++)
        put(set,
            hash_of(remote_entry_name(set, &entries[i]), remote_entry_labels(set, &entries[i])), i);
    return 0;
}

/* Adds `meta` unless it is the last one. */
static int add_meta(struct remote_set *set, const struct remote_meta *meta)
{
    const struct remote_meta *last = set->metas_count != 0 ? &set->metas[set->metas_count - 1]
                                                           : NULL;
    uint32_t room = set->metas_room != 0 ? set->metas_room * 2 : (uint32_t)METAS_ROOM_FIRST;
    struct remote_meta *metas;

    if (last != NULL && last->help == meta->help && last->unit == meta->unit &&
        last->type == meta->type)
        return 0;
    if (set->metas_count > UINT16_MAX)
        return STATUS_TOO_LARGE;
    if (set->metas_count == set->metas_room) {
        metas = mem_realloc(set->metas, room * sizeof(*metas));
        if (metas == NULL)
            return STATUS_NOMEM;
        set->metas = metas;
        set->metas_room = room;
    }
    set->metas[set->metas_count++] = *meta;
    return 0;
}

int remote_set_add(struct remote_set *set, struct view name, struct view labels, bool is_histogram,
                   const struct remote_meta *meta)
{
    size_t begin = set->texts.size;
    size_t bytes = begin + name.size + labels.size + (set->count + (size_t)1) * ENTRY_BYTES;
    int status = bytes <= set->bytes_max ? grow(set) : STATUS_TOO_LARGE;

    if (status == 0)
        status = add_meta(set, meta);
    if (status == 0)
        status = buf_reserve(&set->texts, name.size + labels.size);
    if (status != 0)
        return status;
    memcpy(set->texts.data + begin, name.data, name.size);
    if (labels.size != 0)
        memcpy(set->texts.data + begin + name.size, labels.data, labels.size);
    set->texts.size += name.size + labels.size;
    set->entries[set->count] = (struct remote_entry){.text_at = (uint32_t)begin,
                                                     .name_size = (uint32_t)name.size,
                                                     .labels_size = (uint32_t)labels.size,
                                                     .meta = (uint16_t)(set->metas_count - 1),
                                                     .is_histogram = is_histogram};
    put(set, hash_of(name, labels), set->count++);
    return 0;
}

struct remote_entry *remote_set_find(const struct remote_set *set, struct view name,
                                     struct view labels)
{
    uint32_t slot;

    if (set->count == 0)
        return NULL;
    for (slot = hash_of(name, labels) & set->slots_mask; set->slots[slot] != 0;
         slot = (slot + 1) & set->slots_mask) {
        struct remote_entry *entry = &set->entries[set->slots[slot] - 1];
        if (view_equal(remote_entry_name(set, entry), name) &&
            view_equal(remote_entry_labels(set, entry), labels))
            return entry;
    }
    return NULL;
}
