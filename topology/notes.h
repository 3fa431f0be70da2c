/* notes.h: the few spans that need more than their line get notes.
 * Is:         a pool of 16-byte notes in chains, each chain owned by one remembered span.
 * Threads:    one owner at a time.
 * Memory:     chunks of 16 KiB up to a maximum, given by the owner (store.h); they stay until the end.
 * Source:     TOPOLOGY E2 (groups), E6, E16 (the largest weight).
 */
#ifndef SPANMAP_TOPOLOGY_NOTES_H
#define SPANMAP_TOPOLOGY_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* How far something was counted, so that a later span can add to it. */
struct note {
    uint64_t weight : 37;
    uint64_t group : 1;  /* Of a group of siblings; else of a client's duration on an edge. */
    uint64_t failed : 1; /* The group counted as failed. */
    uint64_t message : 1;
    uint64_t type : 2; /* enum connection_type of the group. */
    uint64_t set : 21; /* Values of dimensions (catalog.h) of the edge's, or the group's, callee. */
    uint64_t spare : 1;
    uint32_t service; /* The edge's callee. */
    uint32_t next;    /* 0: the last. */
};

_Static_assert(sizeof(struct note) == 16, "four notes a cache line");

enum { NOTES_PER_CHUNK = 1024 };

struct notes {
    struct note **chunks;
    uint32_t chunks_max;
    uint32_t chunks_count;
    uint32_t made; /* Notes that were ever in use; number 0 is nobody's. */
    uint32_t free; /* Chain of those that are not. */
    uint32_t used;
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int notes_init(struct notes *notes, size_t bytes_max);
void notes_release(struct notes *notes);

static inline struct note *notes_at(const struct notes *notes, uint32_t number)
{
    return &notes->chunks[number / NOTES_PER_CHUNK][number % NOTES_PER_CHUNK];
}

/* Whether the next notes_new() needs a chunk, and whether another one may be added. */
bool notes_is_full(const struct notes *notes);
bool notes_may_grow(const struct notes *notes);

/* How many notes there are without another chunk. */
uint32_t notes_left(const struct notes *notes);

/* Adds room for NOTES_PER_CHUNK notes, which stays the owner's to free. */
void notes_add_chunk(struct notes *notes, void *memory);

/* A zeroed note; there is room. */
uint32_t notes_new(struct notes *notes);

/* Gives back a whole chain; 0 is allowed. */
void notes_free(struct notes *notes, uint32_t first);

#endif
