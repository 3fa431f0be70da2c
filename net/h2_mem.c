/* h2_mem.c: each block begins with its place in the session's list, or in the pool's. */
#include "net/h2_mem.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

_Static_assert(sizeof(struct h2_block) % 16 == 0, "what follows must stay aligned");

static void *put_in(struct h2_mem *mem, struct h2_block *block)
{
    block->next = mem->first;
    block->link = &mem->first;
    if (block->next != NULL)
        block->next->link = &block->next;
    mem->first = block;
    return block + 1;
}

static struct h2_block *take_out(void *memory)
{
    struct h2_block *block = (struct h2_block *)memory - 1;

    *block->link = block->next;
    if (block->next != NULL)
        block->next->link = block->link;
    return block;
}

/* -------------------------------------------------------------------------- pool */

void h2_pool_init(struct h2_pool *pool, size_t kept_bytes_max)
{
    *pool = (struct h2_pool){.kept_bytes_max = kept_bytes_max};
}

/* The chain of blocks with this room; NULL: such blocks are not kept. */
static struct h2_block **chain_of(struct h2_pool *pool, size_t room)
{
    if (pool == NULL || room == 0 || room > H2_POOL_SIZES * H2_POOL_STEP)
        return NULL;
    return &pool->kept[room / H2_POOL_STEP - 1];
}

static struct h2_block *unkeep(struct h2_pool *pool, struct h2_block **chain)
{
    struct h2_block *block = *chain;

    *chain = block->next;
    pool->kept_bytes -= block->room;
    mem_show(block + 1, block->room);
    return block;
}

void h2_pool_release(struct h2_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < H2_POOL_SIZES; i++)
        while (pool->kept[i] != NULL)
            mem_free(unkeep(pool, &pool->kept[i]));
}

static struct h2_block *new_block(struct h2_pool *pool, size_t size)
{
    struct h2_block **chain;
    struct h2_block *block;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (pool != NULL && size <= H2_POOL_SIZES * H2_POOL_STEP)
        size = (size + H2_POOL_STEP - 1) / H2_POOL_STEP * H2_POOL_STEP;
    chain = chain_of(pool, size);
    if (chain != NULL && *chain != NULL)
        return unkeep(pool, chain);
    block = mem_alloc(sizeof(*block) + size);
    if (block != NULL)
        block->room = size;
    return block;
}

static void free_block(struct h2_pool *pool, struct h2_block *block)
{
    struct h2_block **chain = chain_of(pool, block->room);

    if (chain == NULL || block->room > pool->kept_bytes_max - pool->kept_bytes) {
        mem_free(block);
        return;
    }
    block->next = *chain;
    *chain = block;
    pool->kept_bytes += block->room;
    mem_hide(block + 1, block->room);
}

/* ------------------------------------------------------------------------ session */

void *h2_mem_alloc(size_t size, void *context)
{
    struct h2_mem *mem = context;
    struct h2_block *block = new_block(mem->pool, size);

    return block != NULL ? put_in(mem, block) : NULL;
}

void *h2_mem_calloc(size_t count, size_t size, void *mem)
{
    void *memory = size == 0 || count <= SIZE_MAX / 2 / size ? h2_mem_alloc(count * size, mem)
                                                             : NULL;

    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void *h2_mem_realloc(void *old, size_t size, void *context)
{
    struct h2_mem *mem = context;
    struct h2_block *block;
    struct h2_block *larger;

    if (old == NULL)
        return h2_mem_alloc(size, mem);
    block = (struct h2_block *)old - 1;
    if (size <= block->room)
        return old;
    larger = new_block(mem->pool, size);
    if (larger == NULL)
        return NULL;
    memcpy(larger + 1, old, block->room);
    h2_mem_free(old, mem);
    return put_in(mem, larger);
}

void h2_mem_free(void *memory, void *context)
{
    struct h2_mem *mem = context;

    if (memory != NULL)
        free_block(mem->pool, take_out(memory));
}

void h2_mem_drop(struct h2_mem *mem)
{
    while (mem->first != NULL)
        h2_mem_free(mem->first + 1, mem);
}
