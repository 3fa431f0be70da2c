/* otlp_memo.c: one array. */
#include "receiver/otlp_memo.h"

#include "base/mem.h"

int otlp_memo_init(struct otlp_memo *memo, size_t entries)
{
    size_t capacity = 1;

    while (capacity < entries && capacity <= SIZE_MAX / 4)
        capacity *= 2;
    memo->entries = mem_calloc(capacity, sizeof(*memo->entries));
    if (memo->entries == NULL)
        return STATUS_NOMEM;
    memo->mask = capacity - 1;
    return 0;
}

void otlp_memo_release(struct otlp_memo *memo)
{
    mem_free(memo->entries);
    memo->entries = NULL;
}
