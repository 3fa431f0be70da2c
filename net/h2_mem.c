/* h2_mem.c: each block begins with its place in the list. */
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

void *h2_mem_alloc(size_t size, void *mem)
{
    struct h2_block *block = size <= SIZE_MAX / 2 ? mem_alloc(sizeof(*block) + size) : NULL;

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

void *h2_mem_realloc(void *old, size_t size, void *mem)
{
    struct h2_block *block;
    struct h2_block *moved;

    if (old == NULL)
        return h2_mem_alloc(size, mem);
    block = take_out(old);
    moved = size <= SIZE_MAX / 2 ? mem_realloc(block, sizeof(*block) + size) : NULL;
    if (moved != NULL)
        return put_in(mem, moved);
    (void)put_in(mem, block);
    return NULL;
}

void h2_mem_free(void *memory, void *mem)
{
    (void)mem; /* A block knows its own place. */
    if (memory != NULL)
        mem_free(take_out(memory));
}

void h2_mem_drop(struct h2_mem *mem)
{
    while (mem->first != NULL)
        h2_mem_free(mem->first + 1, mem);
}
