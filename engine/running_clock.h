/* running_clock.h: the time for which a thread ran, or rested of its own will.
 * Is:         the monotonic clock, less what passed while the process was stopped, frozen with its
 *             container or virtual machine, or starved of the processor.
 * Why:        meanwhile nobody read what came. Were that time to count, all waits would be over at once,
 *             and what waits would be judged without the spans that lie in sockets and rings.
 * Invariants: it never goes back, and never runs ahead of the monotonic clock.
 * Threads:    one owner at a time.
 */
#ifndef SPANMAP_ENGINE_RUNNING_CLOCK_H
#define SPANMAP_ENGINE_RUNNING_CLOCK_H

#include <stdint.h>

#include "base/clock.h"

struct running_clock {
    uint64_t seen_ns; /* By the monotonic clock, when it was last asked. */
    uint64_t stood_ns;
    uint64_t gap_max_ns; /* Of what passes between two questions no more than this counts. */
};

static inline struct running_clock running_clock_from(struct mono_time now, uint64_t gap_max_ns)
{
    return (struct running_clock){.seen_ns = now.ns, .gap_max_ns = gap_max_ns};
}

static inline struct mono_time running_clock_at(struct running_clock *clock, struct mono_time now)
{
    uint64_t gap_ns = now.ns - clock->seen_ns;

    if (gap_ns > clock->gap_max_ns)
        clock->stood_ns += gap_ns - clock->gap_max_ns;
    clock->seen_ns = now.ns;
    return (struct mono_time){now.ns - clock->stood_ns};
}

#endif
