/* h2_mem.h: the memory of one HTTP/2 session, so that it can be given back as a whole.
 * Is:         base/mem with a list of what was handed out. nghttp2 1.52 frees some of its memory
 *             twice when it takes a session down after running out of memory; such a session is not
 *             taken down, its memory is dropped.
 * Threads:    one at a time.
 * Memory:     16 bytes more a block.
 */
#ifndef SPANMAP_NET_H2_MEM_H
#define SPANMAP_NET_H2_MEM_H

#include <stddef.h>

#include "base/status.h"

struct h2_block {
    struct h2_block *next;
    struct h2_block **link;
};

struct h2_mem {
    struct h2_block *first;
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
