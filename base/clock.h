/* clock.h: time as two types that cannot be mixed.
 * Is:         nanoseconds on the monotonic clock (waits, deadlines) and on the wall clock (what
 *             senders write, what users read).
 * Invariants: topology and protocols never read a clock: their time is an argument. Threads do, once
 *             a turn, and so does base where it logs or draws a seed.
 */
#ifndef SPANMAP_BASE_CLOCK_H
#define SPANMAP_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct mono_time {
    uint64_t ns;
};

struct wall_time {
    uint64_t ns; /* Since 1970-01-01T00:00:00Z. */
};

struct mono_time clock_mono(void);
struct wall_time clock_wall(void);

/* Less than `span_ns`, which is not 0: for who did something together not to do it together again. Not
 * the same for each `who` (a place in memory) and time; it is guessed easily. */
uint64_t clock_jitter_ns(struct mono_time now, const void *who, uint64_t span_ns);

#endif
