/* latency.h: how long the engine's own work took, in its counters.
 * Threads:    any.
 */
#ifndef SPANMAP_ENGINE_LATENCY_H
#define SPANMAP_ENGINE_LATENCY_H

#include <stddef.h>

#include "base/clock.h"
#include "base/counters.h"

enum { LATENCY_BUCKETS = 11 };

/* Counts what began at `begin` and ended at `end`; `first` is the first of its rows
 * (engine_counters.h). */
void latency_count(struct counters *counters, size_t first, struct mono_time begin,
                   struct mono_time end);

#endif
