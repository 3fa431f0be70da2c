/* mem.h: all heap memory comes from here.
 * Is:         malloc and friends behind names of our own, so that tests can fail the n-th request.
 * Threads:    any; the failure switch is per thread and meant for tests only.
 * Memory:     the caller owns what it gets and gives it back with mem_free().
 */
#ifndef SPANMAP_BASE_MEM_H
#define SPANMAP_BASE_MEM_H

#include <stddef.h>

#include "base/status.h"

/* Each returns NULL when memory is out (or when the test switch says so). Size 0 is allowed. */
MUST_USE void *mem_alloc(size_t size);
MUST_USE void *mem_calloc(size_t count, size_t size); /* Zeroed; overflow of the product: NULL. */
MUST_USE void *mem_realloc(void *old, size_t size);   /* On NULL, `old` stays valid. */
MUST_USE void *mem_dup(const void *from, size_t size);
MUST_USE char *mem_dup_text(const char *from, size_t length); /* Adds a terminating zero. */

/* `size` bytes aligned to `alignment`, a power of two of at least sizeof(void *); not zeroed.
 * Released by mem_free(). */
MUST_USE void *mem_aligned(size_t alignment, size_t size);

/* For a table that is looked up all over: begins with a cache line, and is on large pages from 2 MiB on,
 * or else each look waits for the walk to a page of its own. Not zeroed; released by mem_free(). */
MUST_USE void *mem_table(size_t size);

/* Asks for pages of 2 MiB under memory that is aligned to them; a wish, no more. */
void mem_advise_large_pages(void *memory, size_t size);

/* Addresses in a row for `size` bytes, at the start of a page, without memory: not to be touched before
 * mem_commit(). Released by mem_unreserve() alone. */
MUST_USE void *mem_reserve(size_t size);
/* Zeroed memory for so many bytes at `from`, which are whole pages of a reserve (64 KiB are on any
 * machine). Returns: 0; STATUS_NOMEM. */
MUST_USE int mem_commit(void *from, size_t size);
void mem_unreserve(void *reserve, size_t size); /* NULL is allowed. */

/* NULL is allowed. */
void mem_free(void *memory);

/* mem_calloc() and mem_free() as zlib calls them (zalloc, zfree); the context is not looked at. */
void *mem_zlib_alloc(void *context, unsigned count, unsigned size);
void mem_zlib_free(void *context, void *memory);

/* Of memory that is kept for later: the address sanitizer takes a use between the two for a fault. */
void mem_hide(void *memory, size_t size);
void mem_show(void *memory, size_t size);

/* Tests only: let the calling thread's next `count` requests succeed and fail all after it;
 * a negative count lets everything succeed again (the default). */
void mem_fail_after(long count);

#endif
