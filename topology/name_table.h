/* name_table.h: entries by number, and where to find each by what it is.
 * Is:         open addressing over chunks of entries. An entry has a stamp, which says when it was
 *             last known to be in use, and whose number it is says the caller.
 * Invariants: an entry never moves. A number that was taken out goes to a chain of its own, and is
 *             given again only after name_table_give_back().
 * Threads:    one at a time, but for entries and stamps, which any thread may read (and stamp) that
 *             was given their number.
 * Memory:     chunks of 1,024 entries, eight bytes an entry more for its stamp and its chain, and at
 *             most 32 bytes of slots for each. A row reserves addresses for all, and has no more
 *             memory than chunks elsewhere have.
 */
#ifndef SPANMAP_TOPOLOGY_NAME_TABLE_H
#define SPANMAP_TOPOLOGY_NAME_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { NAME_TABLE_CHUNK = 1024, NAME_TABLE_NONE = UINT32_MAX };

/* What an entry takes beside itself and its slots. */
enum { NAME_TABLE_BYTES = 8 };

struct name_slot {
    uint32_t hash;
    uint32_t number_plus_one; /* 0: free. */
};

struct name_table {
    size_t entry_size; /* A multiple of 4. */
    uint32_t count;    /* Numbers that were ever given are those below. */
    uint32_t used;     /* Entries that are found. */
    uint32_t left;     /* Entries that were taken out and are not given back yet. */
    uint32_t first_left;
    uint32_t first_free; /* Chains of numbers; NAME_TABLE_NONE ends them. */
    uint32_t chunks_max;
    char **chunks; /* Entries, each with its stamp and its chain behind it. */
    char *row;     /* Where all chunks lie in one, if name_table_make_row() was called. */
    struct name_slot *slots;
    uint32_t slots_mask;
};

typedef bool (*name_equal)(const void *entry, const void *key);

/* Returns: 0; STATUS_NOMEM (to be released all the same). */
MUST_USE int name_table_init(struct name_table *table, size_t entry_size, uint32_t entries_max);
void name_table_release(struct name_table *table);

/* Of a table that is new: entry n lies at `row` + n * (entry_size + NAME_TABLE_BYTES) from now on. Those
 * two make 64 bytes, or a multiple: then chunks are whole pages. Returns: 0; STATUS_NOMEM. */
MUST_USE int name_table_make_row(struct name_table *table);

static inline void *name_table_at(const struct name_table *table, uint32_t number)
{
    return table->chunks[number / NAME_TABLE_CHUNK] +
           number % NAME_TABLE_CHUNK * (table->entry_size + NAME_TABLE_BYTES);
}

/* 0: the number is not in use. */
static inline _Atomic uint32_t *name_table_stamp(const struct name_table *table, uint32_t number)
{
    return (_Atomic uint32_t *)(void *)((char *)name_table_at(table, number) + table->entry_size);
}

/* The owner's to use while the entry is in use; 0 when it is added. */
static inline _Atomic uint32_t *name_table_link(const struct name_table *table, uint32_t number)
{
    return name_table_stamp(table, number) + 1;
}

/* Entries that take room: those that are found, and those that are not given back yet. */
static inline uint32_t name_table_live(const struct name_table *table)
{
    return table->used + table->left;
}

/* NULL: there is none. */
void *name_table_find(const struct name_table *table, uint32_t hash, name_equal equal,
                      const void *key, uint32_t *out_number);

/* Room for one entry, so that name_table_add() cannot fail. Returns: 0; STATUS_NOMEM. */
MUST_USE int name_table_prepare(struct name_table *table);

/* Adds an entry for the caller to fill whole: it may have the bytes of one that was given back. */
void *name_table_add(struct name_table *table, uint32_t hash, uint32_t stamp, uint32_t *out_number);

/* Takes an entry out: it is no longer found, but stays as it is until name_table_give_back(). */
void name_table_take_out(struct name_table *table, uint32_t hash, uint32_t number);

/* The numbers of those that were taken out may be given again; `end` lets go what an entry owns. */
void name_table_give_back(struct name_table *table, void (*end)(void *entry));

/* Takes all out and gives their numbers back. */
void name_table_clear(struct name_table *table);

#endif
