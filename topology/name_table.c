/* name_table.c: slots of {hash, number} with linear probing; what is taken out closes its gap.
 *
 * A chunk never moves, so that a reader who was given a number may read without a lock.
 */
#include "topology/name_table.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { SLOTS_FIRST = 256 };

static size_t chunk_bytes(const struct name_table *table)
{
    return NAME_TABLE_CHUNK * (table->entry_size + NAME_TABLE_BYTES);
}

int name_table_init(struct name_table *table, size_t entry_size, uint32_t entries_max)
{
    CHECK(entry_size % sizeof(uint32_t) == 0);
    *table = (struct name_table){.entry_size = entry_size,
                                 .first_left = NAME_TABLE_NONE,
                                 .first_free = NAME_TABLE_NONE,
                                 .chunks_max = entries_max / NAME_TABLE_CHUNK + 1,
                                 .slots_mask = SLOTS_FIRST - 1};
    table->chunks = mem_calloc(table->chunks_max, sizeof(*table->chunks));
    table->slots = mem_calloc(SLOTS_FIRST, sizeof(*table->slots));
    return table->chunks != NULL && table->slots != NULL ? 0 : STATUS_NOMEM;
}

void name_table_release(struct name_table *table)
{
    for (uint32_t i = 0; table->row == NULL && table->chunks != NULL && i < table->chunks_max; i++)
        mem_free(table->chunks[i]);
    mem_unreserve(table->row, table->chunks_max * chunk_bytes(table));
    mem_free(table->chunks);
    mem_free(table->slots);
    *table = (struct name_table){0};
}

int name_table_make_row(struct name_table *table)
{
    CHECK(table->count == 0 && (table->entry_size + NAME_TABLE_BYTES) % 64 == 0);
    table->row = mem_reserve(table->chunks_max * chunk_bytes(table));
    return table->row != NULL ? 0 : STATUS_NOMEM;
}

void *name_table_find(const struct name_table *table, uint32_t hash, name_equal equal,
                      const void *key, uint32_t *out_number)
{
    for (uint32_t at = hash & table->slots_mask; table->slots[at].number_plus_one != 0;
         at = (at + 1) & table->slots_mask) {
        uint32_t number = table->slots[at].number_plus_one - 1;
        void *entry = name_table_at(table, number);
        if (table->slots[at].hash == hash && equal(entry, key)) {
            *out_number = number;
            return entry;
        }
    }
    return NULL;
}

static void put(struct name_slot *slots, uint32_t mask, struct name_slot slot)
{
    uint32_t at = slot.hash & mask;

    while (slots[at].number_plus_one != 0)
        at = (at + 1) & mask;
    slots[at] = slot;
}

/* At most half of the slots are in use, so that every search ends. */
static int grow_slots(struct name_table *table)
{
    uint32_t mask = table->slots_mask * 2 + 1;
    struct name_slot *slots;

    if (table->used * 2 <= table->slots_mask)
        return 0;
    slots = mem_calloc((size_t)mask + 1, sizeof(*slots));
    if (slots == NULL)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i <= table->slots_mask; i++)
        if (table->slots[i].number_plus_one != 0)
            put(slots, mask, table->slots[i]);
    mem_free(table->slots);
    table->slots = slots;
    table->slots_mask = mask;
    return 0;
}

static char *new_chunk(const struct name_table *table, uint32_t number)
{
    char *chunk;

    if (table->row == NULL)
        return mem_calloc(1, chunk_bytes(table));
    chunk = table->row + number * chunk_bytes(table);
    return mem_commit(chunk, chunk_bytes(table)) == 0 ? chunk : NULL;
}

int name_table_prepare(struct name_table *table)
{
    uint32_t chunk = table->count / NAME_TABLE_CHUNK;

    if (table->first_free == NAME_TABLE_NONE) {
        CHECK(chunk < table->chunks_max);
        if (table->chunks[chunk] == NULL)
            table->chunks[chunk] = new_chunk(table, chunk);
        if (table->chunks[chunk] == NULL)
            return STATUS_NOMEM;
    }
    return grow_slots(table);
}

void *name_table_add(struct name_table *table, uint32_t hash, uint32_t stamp, uint32_t *out_number)
{
    uint32_t number = table->first_free;

    CHECK(stamp != 0);
    if (number == NAME_TABLE_NONE)
        number = table->count++;
    else
        table->first_free = atomic_load_explicit(name_table_link(table, number),
                                                 memory_order_relaxed);
    atomic_store_explicit(name_table_link(table, number), 0, memory_order_relaxed);
    atomic_store_explicit(name_table_stamp(table, number), stamp, memory_order_relaxed);
    put(table->slots, table->slots_mask, (struct name_slot){hash, number + 1});
    table->used++;
    *out_number = number;
    return name_table_at(table, number);
}

/* ------------------------------------------------------------------ taking out */

/* Whether the slot at `at` may stand in the gap: its search begins there or before. */
static bool fills(const struct name_table *table, uint32_t at, uint32_t gap)
{
    uint32_t home = table->slots[at].hash & table->slots_mask;

    return ((at - home) & table->slots_mask) >= ((at - gap) & table->slots_mask);
}

static void close_gap(struct name_table *table, uint32_t gap)
{
    uint32_t mask = table->slots_mask;

    for (uint32_t at = (gap + 1) & mask; table->slots[at].number_plus_one != 0;
         at = (at + 1) & mask) {
        if (!fills(table, at, gap))
            continue;
        table->slots[gap] = table->slots[at];
        gap = at;
    }
    table->slots[gap].number_plus_one = 0;
}

void name_table_take_out(struct name_table *table, uint32_t hash, uint32_t number)
{
    uint32_t at = hash & table->slots_mask;

    while (table->slots[at].number_plus_one != number + 1) {
        CHECK(table->slots[at].number_plus_one != 0);
        at = (at + 1) & table->slots_mask;
    }
    close_gap(table, at);
    atomic_store_explicit(name_table_stamp(table, number), 0, memory_order_relaxed);
    atomic_store_explicit(name_table_link(table, number), table->first_left, memory_order_relaxed);
    table->first_left = number;
    table->used--;
    table->left++;
}

void name_table_give_back(struct name_table *table, void (*end)(void *entry))
{
    while (table->first_left != NAME_TABLE_NONE) {
        uint32_t number = table->first_left;
        _Atomic uint32_t *link = name_table_link(table, number);
        table->first_left = atomic_load_explicit(link, memory_order_relaxed);
        if (end != NULL)
            end(name_table_at(table, number));
        atomic_store_explicit(link, table->first_free, memory_order_relaxed);
        table->first_free = number;
        table->left--;
    }
    CHECK(table->left == 0);
}

void name_table_clear(struct name_table *table)
{
    CHECK(table->left == 0);
    memset(table->slots, 0, ((size_t)table->slots_mask + 1) * sizeof(*table->slots));
    table->count = table->used = 0;
    table->first_free = NAME_TABLE_NONE;
}
