/* lateness.h: how late spans come: from the end of a span to its arrival.
 * Is:         counts of one request's spans by lateness, handed to the engine's counters at its end.
 *             It says whether pairing.wait is long enough, and whose clocks run ahead.
 * Is not:     a reason to refuse or to judge: waits go by the receiver's clock alone.
 * Threads:    one owner at a time.
 */
#ifndef SPANMAP_ENGINE_LATENESS_H
#define SPANMAP_ENGINE_LATENESS_H

#include "base/clock.h"
#include "base/counters.h"
#include "topology/span.h"

enum { LATENESS_BUCKETS = 12 };

struct lateness {
    uint64_t spans[LATENESS_BUCKETS];
    uint64_t sum_ns; /* Of this request, and what the ones before left below a second. */
};

/* A span without a start or an end has none. */
void lateness_note(struct lateness *lateness, const struct span *span, struct wall_time now);

/* The bound of a bucket but the last, which has none. */
uint64_t lateness_upper_ns(unsigned bucket);

/* Adds to the engine's counters what was noted since the last time. */
void lateness_count(struct lateness *lateness, struct counters *counters);

#endif
