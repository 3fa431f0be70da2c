/* block_pool.h: memory for blocks, in areas that suit the processor's tables of pages.
 * Is:         pieces of one size, cut from areas. Links go from any span to any other: with pages of
 *             4 KiB each step along one costs a walk through the page tables as well. So areas of a
 *             large pool are of 2 MiB, which the system can map as one page.
 * Threads:    one owner at a time.
 * Memory:     an area is given back only at the end; a piece that is given back is taken again.
 */
#ifndef SPANMAP_TOPOLOGY_BLOCK_POOL_H
#define SPANMAP_TOPOLOGY_BLOCK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/slab.h"

struct block_pool {
    void **areas;
    uint32_t areas_max;
    uint32_t areas_count;
    uint32_t blocks_an_area;
    uint32_t cut;       /* Blocks of the newest area that were taken already. */
    struct block *free; /* Chain through their first word. */
    size_t area_bytes;
};

/* For areas of at most `bytes_max` together. Returns: 0; STATUS_NOMEM. */
MUST_USE int block_pool_init(struct block_pool *pool, size_t bytes_max);
void block_pool_release(struct block_pool *pool);

/* Bytes of an area in a pool of that size, and how many blocks one has. */
size_t block_pool_area_bytes(size_t bytes_max);
uint32_t block_pool_blocks(size_t area_bytes);

/* Whether the next block needs another area. */
bool block_pool_is_empty(const struct block_pool *pool);

/* Returns: 0; STATUS_FULL (all areas are there); STATUS_NOMEM. */
MUST_USE int block_pool_take(struct block_pool *pool, struct block **out_block);
void block_pool_give(struct block_pool *pool, struct block *block);

#endif
