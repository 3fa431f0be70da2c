/* notes.c: chunks that never move, and a chain of free notes. */
#include "topology/notes.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

int notes_init(struct notes *notes, size_t bytes_max)
{
    size_t chunks = bytes_max / (NOTES_PER_CHUNK * sizeof(struct note));

    CHECK(chunks < UINT32_MAX / NOTES_PER_CHUNK);
    *notes = (struct notes){.chunks_max = chunks != 0 ? (uint32_t)chunks : 1, .made = 1};
    notes->chunks = mem_calloc(notes->chunks_max, sizeof(struct note *));
    return notes->chunks != NULL ? 0 : STATUS_NOMEM;
}

void notes_release(struct notes *notes)
{
    mem_free(notes->chunks);
    *notes = (struct notes){0};
}

bool notes_is_full(const struct notes *notes)
{
    return notes->free == 0 && notes->made / NOTES_PER_CHUNK == notes->chunks_count;
}

bool notes_may_grow(const struct notes *notes)
{
    return notes->chunks_count < notes->chunks_max;
}

uint32_t notes_left(const struct notes *notes)
{
    uint32_t room = notes->chunks_count * NOTES_PER_CHUNK;

    return room != 0 ? room - 1 - notes->used : 0; /* Number 0 is nobody's. */
}

void notes_add_chunk(struct notes *notes, void *memory)
{
    CHECK(notes_may_grow(notes));
    notes->chunks[notes->chunks_count++] = memory;
}

uint32_t notes_new(struct notes *notes)
{
    uint32_t number = notes->free;

    CHECK(!notes_is_full(notes));
    if (number != 0)
        notes->free = notes_at(notes, number)->next;
    else
        number = notes->made++;
    notes->used++;
    *notes_at(notes, number) = (struct note){0};
    return number;
}

void notes_free(struct notes *notes, uint32_t first)
{
    uint32_t last = first;

    if (first == 0)
        return;
    CHECK(first < notes->made);
    notes->used--;
    while (notes_at(notes, last)->next != 0) {
        last = notes_at(notes, last)->next;
        notes->used--;
    }
    notes_at(notes, last)->next = notes->free;
    notes->free = first;
}
