/* counters.h: the numbers that a stage keeps about itself.
 * Is:         one value for each row of a stage's constant table; the row makes the metric's name,
 *             help and label, so that what is counted and what is shown cannot drift apart.
 * Is not:     what was measured of others' spans (topology/snapshot.h).
 * Threads:    any may add, set and read; all are relaxed, so a read is a moment's view.
 * Memory:     8 bytes a row, owned.
 */
#ifndef SPANMAP_BASE_COUNTERS_H
#define SPANMAP_BASE_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Rows of one metric stand together. */
struct counter_row {
    const char *name;  /* As Prometheus has it: "spanmap_receiver_requests_total". */
    const char *label; /* `key="value"`, escaped already; NULL: none. */
    const char *help;  /* One sentence; the first row of a metric gives it. */
    bool gauge;        /* May fall. */
};

struct counters {
    const struct counter_row *rows;
    size_t count;
    _Atomic uint64_t *values;
};

/* `rows` is borrowed for as long as the counters live. Returns: 0; STATUS_NOMEM. */
MUST_USE int counters_init(struct counters *counters, const struct counter_row *rows, size_t count);
void counters_release(struct counters *counters);

static inline void counters_add(struct counters *counters, size_t which, uint64_t more)
{
    atomic_fetch_add_explicit(&counters->values[which], more, memory_order_relaxed);
}

/* For gauges that fall. */
static inline void counters_subtract(struct counters *counters, size_t which, uint64_t less)
{
    atomic_fetch_sub_explicit(&counters->values[which], less, memory_order_relaxed);
}

static inline void counters_set(struct counters *counters, size_t which, uint64_t value)
{
    atomic_store_explicit(&counters->values[which], value, memory_order_relaxed);
}

static inline uint64_t counters_read(const struct counters *counters, size_t which)
{
    return atomic_load_explicit(&counters->values[which], memory_order_relaxed);
}

#endif
