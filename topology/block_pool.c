/* block_pool.c: areas, a mark in the newest one, and a chain of blocks that came back. */
#include "topology/block_pool.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum {
    AREA_LARGE = 2 << 20,         /* One large page. */
    POOL_LARGE = 32 * AREA_LARGE, /* From here on a started area is a small part of the pool. */
    POOL_PARTS = 64,              /* Areas of a smaller one, at least. */
};

size_t block_pool_area_bytes(size_t bytes_max)
{
    size_t blocks = bytes_max / POOL_PARTS / sizeof(struct block);

    if (bytes_max >= POOL_LARGE)
        return AREA_LARGE;
    return (blocks != 0 ? blocks : 1) * sizeof(struct block);
}

uint32_t block_pool_blocks(size_t area_bytes)
{
    return (uint32_t)(area_bytes / sizeof(struct block));
}

int block_pool_init(struct block_pool *pool, size_t bytes_max)
{
    size_t area_bytes = block_pool_area_bytes(bytes_max);

    CHECK(bytes_max / area_bytes < UINT32_MAX);
    *pool = (struct block_pool){
        .areas_max = (uint32_t)(bytes_max / area_bytes),
        .blocks_an_area = block_pool_blocks(area_bytes),
        .area_bytes = area_bytes,
    };
    pool->areas = mem_calloc(pool->areas_max, sizeof(*pool->areas));
    return pool->areas != NULL ? 0 : STATUS_NOMEM;
}

void block_pool_release(struct block_pool *pool)
{
    for (uint32_t i = 0; i < pool->areas_count; i++)
        mem_free(pool->areas[i]);
    mem_free(pool->areas);
    *pool = (struct block_pool){0};
}

bool block_pool_is_empty(const struct block_pool *pool)
{
    return pool->free == NULL && (pool->areas_count == 0 || pool->cut == pool->blocks_an_area);
}

static int add_area(struct block_pool *pool)
{
    void *area;

    if (pool->areas_count == pool->areas_max)
        return STATUS_FULL;
    area = mem_table(pool->area_bytes);
    if (area == NULL)
        return STATUS_NOMEM;
    pool->areas[pool->areas_count++] = area;
    pool->cut = 0;
    return 0;
}

int block_pool_take(struct block_pool *pool, struct block **out_block)
{
    struct block *block = pool->free;
    int status;

    if (block != NULL) {
        memcpy(&pool->free, (const void *)block, sizeof(pool->free));
        *out_block = block;
        return 0;
    }
    if (block_pool_is_empty(pool)) {
        status = add_area(pool);
        if (status != 0)
            return status;
    }
    *out_block = (struct block *)pool->areas[pool->areas_count - 1] + pool->cut++;
    return 0;
}

void block_pool_give(struct block_pool *pool, struct block *block)
{
    memcpy((void *)block, &pool->free, sizeof(pool->free));
    pool->free = block;
}
