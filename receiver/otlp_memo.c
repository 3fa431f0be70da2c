/* otlp_memo.c: one array. */
#include "receiver/otlp_memo.h"

#include "base/mem.h"

enum { LINES_FIRST = 1024, GROWTH = 8, LARGE_PAGE = 2 << 20 };

/* An empty table in place of the one that is there. */
static int make(struct otlp_memo *memo, uint64_t lines)
{
    size_t bytes = (size_t)lines * sizeof(*memo->lines);
    size_t alignment = bytes >= LARGE_PAGE ? LARGE_PAGE : alignof(struct otlp_memo_line);
    /* Zeroed memory that nobody touched yet takes no room, which an aligned block would. */
    char *memory = mem_calloc(bytes + alignment, 1);
    char *aligned;

    if (memory == NULL)
        return STATUS_NOMEM;
    aligned = memory + (alignment - (uintptr_t)memory % alignment) % alignment;
    if (bytes >= LARGE_PAGE)
        mem_advise_large_pages(aligned, bytes);
    mem_free(memo->memory);
    memo->memory = memory;
    memo->lines = (struct otlp_memo_line *)(void *)aligned;
    memo->mask = lines - 1;
    memo->replaced = 0;
    return 0;
}

int otlp_memo_init(struct otlp_memo *memo, size_t entries_max)
{
    uint64_t lines = 1;

    while (lines * OTLP_MEMO_WAYS < entries_max && lines <= SIZE_MAX / 4 / sizeof(*memo->lines))
        lines *= 2;
    *memo = (struct otlp_memo){.mask_max = lines - 1};
    return make(memo, lines < LINES_FIRST ? lines : LINES_FIRST);
}

void otlp_memo_release(struct otlp_memo *memo)
{
    mem_free(memo->memory);
    memo->memory = NULL;
    memo->lines = NULL;
}

/* Of so many that were lost, most would be found again in a larger table. Without memory it is tried
 * again after as many. */
static void grow(struct otlp_memo *memo)
{
    uint64_t lines = (memo->mask + 1) * GROWTH;

    memo->replaced = 0;
    (void)make(memo, lines <= memo->mask_max ? lines : memo->mask_max + 1);
}

void otlp_memo_put(struct otlp_memo *memo, const struct hash128 *key, uint32_t site)
{
    struct otlp_memo_line *line;
    size_t way = key->low >> 62; /* Of these four, if none is free. */
    bool is_full = true;

    if (memo->replaced > memo->mask && memo->mask < memo->mask_max)
        grow(memo);
    line = &memo->lines[key->low & memo->mask];
    for (size_t i = 0; i < OTLP_MEMO_WAYS; i++) {
        if (line->entries[i].version != memo->version) {
            way = i;
            is_full = false;
        }
    }
    memo->replaced += is_full ? 1 : 0;
    line->entries[way] = (struct otlp_memo_entry){key->high, site, memo->version};
}
