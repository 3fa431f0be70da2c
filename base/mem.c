/* mem.c: the C library's allocator with a switch that makes it fail for tests. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef HAS_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

enum { CACHE_LINE = 64, LARGE_PAGE = 2 << 20 };

static _Thread_local long requests_left = -1;

static bool refused(void)
{
    if (requests_left < 0)
        return false;
    if (requests_left == 0)
        return true;
    requests_left--;
    return false;
}

void *mem_alloc(size_t size)
{
    return refused() ? NULL : malloc(size != 0 ? size : 1);
}

void *mem_calloc(size_t count, size_t size)
{
    size_t bytes;

    if (refused() || __builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return calloc(1, bytes != 0 ? bytes : 1);
}

void *mem_realloc(void *old, size_t size)
{
    return refused() ? NULL : realloc(old, size != 0 ? size : 1);
}

void *mem_dup(const void *from, size_t size)
{
    void *copy = mem_alloc(size);

    if (copy != NULL && size != 0)
        memcpy(copy, from, size);
    return copy;
}

char *mem_dup_text(const char *from, size_t length)
{
    char *copy = length < SIZE_MAX ? mem_alloc(length + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (length != 0)
        memcpy(copy, from, length);
    copy[length] = '\0';
    return copy;
}

void *mem_aligned(size_t alignment, size_t size)
{
    void *memory = NULL;

    if (refused() || posix_memalign(&memory, alignment, size != 0 ? size : 1) != 0)
        return NULL;
    return memory;
}

void *mem_table(size_t size)
{
    bool is_large = size >= LARGE_PAGE;
    void *table = mem_aligned(is_large ? LARGE_PAGE : CACHE_LINE, size);

    if (table != NULL && is_large)
        mem_advise_large_pages(table, size);
    return table;
}

void mem_advise_large_pages(void *memory, size_t size)
{
    (void)madvise(memory, size, MADV_HUGEPAGE); /* Without them all works, but slower. */
}

void *mem_reserve(size_t size)
{
    void *reserve;

    if (refused())
        return NULL;
    reserve = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return reserve != MAP_FAILED ? reserve : NULL;
}

int mem_commit(void *from, size_t size)
{
    return !refused() && mprotect(from, size, PROT_READ | PROT_WRITE) == 0 ? 0 : STATUS_NOMEM;
}

void mem_unreserve(void *reserve, size_t size)
{
    if (reserve != NULL)
        (void)munmap(reserve, size); /* It fails for ranges that are none only. */
}

void mem_free(void *memory)
{
    free(memory);
}

void *mem_zlib_alloc(void *context, unsigned count, unsigned size)
{
    (void)context;
    return mem_calloc(count, size);
}

void mem_zlib_free(void *context, void *memory)
{
    (void)context;
    mem_free(memory);
}

void mem_hide(void *memory, size_t size)
{
#ifdef HAS_ADDRESS_SANITIZER
    __asan_poison_memory_region(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}

void mem_show(void *memory, size_t size)
{
#ifdef HAS_ADDRESS_SANITIZER
    __asan_unpoison_memory_region(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}

void mem_fail_after(long count)
{
    requests_left = count;
}
