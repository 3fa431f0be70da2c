/* counters.c: the memory behind a table of counters. */
#include "base/counters.h"

#include "base/mem.h"

int counters_init(struct counters *counters, const struct counter_row *rows, size_t count)
{
    _Atomic uint64_t *values = mem_calloc(count, sizeof(*values));

    if (values == NULL)
        return STATUS_NOMEM;
    *counters = (struct counters){rows, count, values};
    return 0;
}

void counters_release(struct counters *counters)
{
    if (counters == NULL)
        return;
    mem_free((void *)counters->values);
    *counters = (struct counters){0};
}
