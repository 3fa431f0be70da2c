/* otlp_memo.c: one array. */
#include "receiver/otlp_memo.h"

#include <string.h>

#include "base/mem.h"

int otlp_memo_init(struct otlp_memo *memo, size_t entries)
{
    size_t lines = 1;
    size_t bytes;

    while (lines * OTLP_MEMO_WAYS < entries && lines <= SIZE_MAX / 4 / sizeof(*memo->lines))
        lines *= 2;
    bytes = lines * sizeof(*memo->lines);
    memo->lines = mem_aligned(alignof(struct otlp_memo_line), bytes);
    if (memo->lines == NULL)
        return STATUS_NOMEM;
    memset(memo->lines, 0, bytes);
    memo->mask = lines - 1;
    return 0;
}

void otlp_memo_release(struct otlp_memo *memo)
{
    mem_free(memo->lines);
    memo->lines = NULL;
}
