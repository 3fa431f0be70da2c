/* engine_debug.h: what a user asks of an engine that does not do what was expected.
 * Is:         JSON for /debug/cardinality (how full each quota is, and who fills it), /debug/budgets
 *             (how full each share of memory is, and what happens past it) and /debug/lateness (how late
 *             spans come, and what waits for them).
 * Threads:    any.
 */
#ifndef SPANMAP_ENGINE_ENGINE_DEBUG_H
#define SPANMAP_ENGINE_ENGINE_DEBUG_H

#include "base/buf.h"
#include "base/counters.h"
#include "engine/budget.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "topology/catalog.h"
#include "topology/lessons.h"
#include "topology/snapshot.h"
#include "topology/targets.h"
#include "topology/windows.h"

struct engine_debug {
    const struct budget *budget;
    struct catalog *catalog;
    const struct lessons *lessons;
    struct targets *targets; /* NULL: none. */
    const struct counters *counters;
    const struct windows_reach *windows; /* NULL: there are none. */
    struct worker *const *workers;
    unsigned workers_count;
    uint64_t pairing_wait_ns;
    uint64_t parent_wait_ns;
    struct engine_bodies bodies;
    const struct snapshot *snapshot;
};

/* Each returns: 0; STATUS_NOMEM; as buf_append(). */
MUST_USE int engine_debug_cardinality(const struct engine_debug *debug, struct buf *out);
MUST_USE int engine_debug_budgets(const struct engine_debug *debug, struct buf *out);
MUST_USE int engine_debug_lateness(const struct engine_debug *debug, struct buf *out);

#endif
