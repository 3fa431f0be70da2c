/* otlp_memo.c: one array. */
#include "receiver/otlp_memo.h"

#include "base/mem.h"

int otlp_memo_init(struct otlp_memo *memo, size_t entries)
{
    const size_t alignment = alignof(struct otlp_memo_line);
    size_t lines = 1;
    size_t over;

    while (lines * OTLP_MEMO_WAYS < entries && lines <= SIZE_MAX / 4 / sizeof(*memo->lines))
        lines *= 2;
    /* Zeroed memory that nobody touched yet takes no room, which an aligned block would. */
    memo->memory = mem_calloc(lines + 1, sizeof(*memo->lines));
    if (memo->memory == NULL)
        return STATUS_NOMEM;
    over = (uintptr_t)memo->memory % alignment;
    memo->lines = (struct otlp_memo_line *)(void *)((char *)memo->memory +
                                                    (over != 0 ? alignment - over : 0));
    memo->mask = lines - 1;
    return 0;
}

void otlp_memo_release(struct otlp_memo *memo)
{
    mem_free(memo->memory);
    memo->memory = NULL;
    memo->lines = NULL;
}
