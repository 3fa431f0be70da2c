/* h2_mem.h: the memory of one HTTP/2 session, so that it can be given back as a whole.
 * Is:         base/mem with a list of what was handed out. nghttp2 1.52 frees some of its memory
 *             twice when it takes a session down after running out of memory; such a session is not
 *             taken down, its memory is dropped.
 *             What one session gives back a pool keeps for the next of the same thread: a request takes
 *             some twenty small blocks, each only for as long as it lasts.
 * Threads:    one at a time; sessions with the same pool have the same thread.
 * Memory:     32 bytes more a block, sizes rounded up to 64 with a pool, which keeps at most its bound.
 */
#ifndef SPANMAP_NET_H2_MEM_H
#define SPANMAP_NET_H2_MEM_H

#include <stddef.h>

#include "base/status.h"

struct h2_block {
    struct h2_block *next;
    struct h2_block **link;
    size_t room; /* Bytes behind this. */
    size_t unused;
};

enum { H2_POOL_STEP = 64, H2_POOL_SIZES = 16 };

struct h2_pool {
    struct h2_block
        *kept[H2_POOL_SIZES]; /* By room in steps, less one; each the first of a chain. */
    size_t kept_bytes;
    size_t kept_bytes_max;
};

void h2_pool_init(struct h2_pool *pool, size_t kept_bytes_max);
void h2_pool_release(struct h2_pool *pool);

struct h2_mem {
    struct h2_block *first;
    struct h2_pool *pool; /* Borrowed; NULL: none. */
};

/* As their namesakes of base/mem.h, with the arguments that nghttp2_mem wants; `mem` is the struct
 * h2_mem. */
MUST_USE void *h2_mem_alloc(size_t size, void *mem);
MUST_USE void *h2_mem_calloc(size_t count, size_t size, void *mem);
MUST_USE void *h2_mem_realloc(void *old, size_t size, void *mem);
void h2_mem_free(void *memory, void *mem);

/* Frees all that is left. */
void h2_mem_drop(struct h2_mem *mem);

#endif
