/* counters.c: the memory behind a table of counters. */
#include "base/counters.h"

#include <string.h>

#include "base/mem.h"

enum { LINE_BYTES = 64, LINE_VALUES = LINE_BYTES / sizeof(uint64_t) };

int counters_init(struct counters *counters, const struct counter_row *rows, size_t count)
{
    size_t stride = (count + LINE_VALUES - 1) / LINE_VALUES * LINE_VALUES;
    size_t bytes = COUNTERS_LANES * stride * sizeof(uint64_t);
    _Atomic uint64_t *values = mem_aligned(LINE_BYTES, bytes);

    if (values == NULL)
        return STATUS_NOMEM;
    memset((void *)values, 0, bytes);
    *counters = (struct counters){rows, count, stride, values};
    return 0;
}

void counters_release(struct counters *counters)
{
    if (counters == NULL)
        return;
    mem_free((void *)counters->values);
    *counters = (struct counters){0};
}

/* All lanes but for the first. */
static uint64_t read_others(const struct counters *counters, size_t which)
{
    uint64_t sum = 0;

    for (size_t lane = 1; lane < COUNTERS_LANES; lane++)
        sum += atomic_load_explicit(&counters->values[lane * counters->stride + which],
                                    memory_order_relaxed);
    return sum;
}

uint64_t counters_read(const struct counters *counters, size_t which)
{
    uint64_t sum = atomic_load_explicit(&counters->values[which], memory_order_relaxed) +
                   read_others(counters, which);

    return counters->rows[which].kind == COUNTER_GAUGE && (int64_t)sum < 0 ? 0 : sum;
}

void counters_set(struct counters *counters, size_t which, uint64_t value)
{
    atomic_store_explicit(&counters->values[which], value - read_others(counters, which),
                          memory_order_relaxed);
}
