/* slab.c: a directory of blocks that positions run round. */
#include "topology/slab.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

int slab_init(struct slab *slab, uint32_t blocks_max)
{
    uint32_t size = 2;

    /* Positions 2^31 apart must never be live together. */
    CHECK(blocks_max != 0 && blocks_max <= UINT32_MAX / 4 / BLOCK_SPANS);
    while (size < blocks_max + 1)
        size *= 2;
    *slab = (struct slab){.directory = mem_calloc(size, sizeof(*slab->directory))};
    slab->directory_mask = size - 1;
    slab->tail = slab->head = BLOCK_SPANS; /* Position 0 is nobody's. */
    return slab->directory != NULL ? 0 : STATUS_NOMEM;
}

void slab_release(struct slab *slab)
{
    mem_free(slab->directory);
    *slab = (struct slab){0};
}

void slab_open(struct slab *slab, struct block *block)
{
    struct block **place = &slab->directory[slab->head / BLOCK_SPANS & slab->directory_mask];

    CHECK(slab_is_full(slab) && *place == NULL);
    memset(block->pending, 0, sizeof(block->pending));
    block->has_notes = false;
    block->has_gone = slab->has_gone;
    block->gone_until = slab->gone_until;
    *place = slab->open = block;
    slab->blocks++;
    if (slab->head == 0) {
        /* After 2^32 spans: the place of position 0 stays empty. */
        memset(&block->spans[0], 0, sizeof(block->spans[0]));
        block->aside[0] = (struct aside){0, 0};
        slab->head = 1;
        slab->live++;
    }
}

void slab_pop(struct slab *slab)
{
    CHECK(slab->remembered != 0 && slab->head != slab->tail);
    slab->head--;
    slab->live--;
    slab_clear_pending(slab, slab->head);
    slab->remembered--;
}

uint32_t slab_next_pending_before(const struct slab *slab, uint32_t from, uint32_t end)
{
    uint32_t left = end - from;

    while (left != 0) {
        uint32_t place = from % BLOCK_SPANS;
        uint64_t word = slab_block(slab, from)->pending[place / 64] >> place % 64;
        uint32_t step = 64 - place % 64;
        if (word != 0) {
            uint32_t skipped = (uint32_t)__builtin_ctzll(word);
            return skipped < left ? from + skipped : end;
        }
        if (step >= left)
            break;
        from += step;
        left -= step;
    }
    return end;
}

struct block *slab_close(struct slab *slab)
{
    struct block **place = &slab->directory[slab->tail / BLOCK_SPANS & slab->directory_mask];
    struct block *block = *place;
    uint32_t end = (slab->tail / BLOCK_SPANS + 1) * BLOCK_SPANS;
    uint32_t used;

    CHECK(block != NULL && slab->blocks != 0);
    if (slab->head - slab->tail < end - slab->tail)
        end = slab->head; /* The open block: what is left of it is lost with it. */
    used = end - slab->tail;
    slab->has_gone = true;
    slab->gone_until = block->arrival[(end - 1) % BLOCK_SPANS];
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        CHECK(block->pending[i] == 0);
    *place = NULL;
    slab->blocks--;
    slab->remembered -= used - (slab->tail == 0 ? 1 : 0);
    slab->tail = (slab->tail / BLOCK_SPANS + 1) * BLOCK_SPANS;
    if (slab->blocks == 0)
        slab->head = slab->tail;
    slab->live = slab->head - slab->tail;
    if (!slab_is_full(slab)) {
        /* What comes into the open block from now on comes after these left, too. */
        slab_block(slab, slab->head)->has_gone = true;
        slab_block(slab, slab->head)->gone_until = slab->gone_until;
    }
    return block;
}
