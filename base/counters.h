/* counters.h: the numbers that a stage keeps about itself.
 * Is:         one value for each row of a stage's constant table; the row makes the metric's name,
 *             help and label, so that what is counted and what is shown cannot drift apart.
 * Is not:     what was measured of others' spans (topology/snapshot.h).
 * Invariants: each processor adds in a lane of its own, and what a row says is the sum of its lanes:
 *             threads that count all the time do not take the same lines from each other. Lanes
 *             are read one after the other: what is added and taken away meanwhile may be seen in
 *             part, so that a gauge may be off for that moment, though never below 0.
 * Threads:    any may add and read; all are relaxed, so a read is a moment's view. A row that is set
 *             is set by one thread at a time, and not beside others that add to it.
 * Memory:     64 bytes a row, owned.
 */
#ifndef SPANMAP_BASE_COUNTERS_H
#define SPANMAP_BASE_COUNTERS_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The first two are as false and true. */
enum counter_kind {
    COUNTER_SUM,
    COUNTER_GAUGE,       /* May fall. */
    COUNTER_NANOSECONDS, /* A sum of these, which is shown in seconds. */
};

/* Rows of one metric stand together. */
struct counter_row {
    const char *name;  /* As Prometheus has it: "spanmap_receiver_requests_total". */
    const char *label; /* `key="value"`, escaped already; NULL: none. */
    const char *help;  /* One sentence; the first row of a metric gives it. */
    uint8_t kind;      /* enum counter_kind */
};

enum { COUNTERS_LANES = 8 };

struct counters {
    const struct counter_row *rows;
    size_t count;
    size_t stride;            /* From a lane to the next, in values. */
    _Atomic uint64_t *values; /* Of the first lane; all others behind it. */
};

/* `rows` is borrowed for as long as the counters live. Returns: 0; STATUS_NOMEM. */
MUST_USE int counters_init(struct counters *counters, const struct counter_row *rows, size_t count);
void counters_release(struct counters *counters);

/* The value of a row in the lane of the processor that this runs on. */
static inline _Atomic uint64_t *counters_lane(struct counters *counters, size_t which)
{
    unsigned lane = (unsigned)sched_getcpu() % COUNTERS_LANES; /* Of an error too. */

    return &counters->values[lane * counters->stride + which];
}

static inline void counters_add(struct counters *counters, size_t which, uint64_t more)
{
    atomic_fetch_add_explicit(counters_lane(counters, which), more, memory_order_relaxed);
}

/* For gauges that fall. A lane may fall below 0, and so may, for a moment, what is read of them all. */
static inline void counters_subtract(struct counters *counters, size_t which, uint64_t less)
{
    atomic_fetch_sub_explicit(counters_lane(counters, which), less, memory_order_relaxed);
}

/* The sum of the lanes; of a gauge at least 0. */
uint64_t counters_read(const struct counters *counters, size_t which);
void counters_set(struct counters *counters, size_t which, uint64_t value);

#endif
