/* engine.h: spans in, snapshots out.
 * Is:         the wiring of doors, shards and publisher from one set of options. With threads,
 *             requests come in on receiver threads and are handed over to the shards'; without,
 *             engine_feed() does all of it inline, with the clock that it is given.
 * Is not:     the network (service.h), nor a reader of files (engine/input.h).
 * Invariants: the accounting's law holds in every snapshot. What was admitted is counted.
 * Threads:    new, start, stop and free from one thread; engine_export() from one thread for each
 *             number; engine_snapshot() and the counters from any. Without threads new and free from
 *             one thread, all else from any, one after the other.
 * Memory:     within the budget (budget.h), which follows from memory.limit.
 */
#ifndef SPANMAP_ENGINE_ENGINE_H
#define SPANMAP_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "engine/budget.h"
#include "engine/door.h"
#include "engine/options.h"
#include "receiver/grpc_reply.h"
#include "topology/attributes.h"
#include "topology/snapshot.h"
#include "topology/targets.h"
#include "topology/windows.h"

struct engine_setup {
    bool threaded;
    bool keeps_targets;  /* Also without threads: what services say of themselves is asked for. */
    bool clock_is_given; /* Without threads: the wall clock is what engine_feed() and the
                                    * others are told. */
    struct wall_time start;        /* Of such a clock. */
    struct budget_machine machine; /* A zero is asked of the system. */
};

struct engine;

/* Options are copied as far as they are needed. On failure out_error has one sentence, which names
 * the option where one is to blame; at most 255 bytes.
 * Returns: 0; STATUS_RANGE, STATUS_INVALID (an option is to blame); STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int engine_new(const struct options *options, const struct engine_setup *setup,
                        char out_error[256], struct engine **out_engine);
void engine_free(struct engine *engine); /* Stops it if need be. */

const struct budget *engine_budget(const struct engine *engine);
const struct histogram_bounds *engine_bounds(const struct engine *engine);
struct counters *engine_counters(struct engine *engine);
struct targets *engine_targets(struct engine *engine); /* NULL: they are not kept. */

/* As attributes_make_filter(), of the attributes that this engine reads. */
void engine_make_filter(const struct engine *engine, uint32_t out_filter[ATTRIBUTES_FILTER]);

/* What became of a request. Its texts are constant. */
struct engine_fed {
    uint64_t spans;    /* Taken on. */
    uint64_t rejected; /* Counted and left. */
    const char *warning;
    const char *error; /* Where it failed; what is wrong, and at which byte of the request. */
    size_t error_offset;
};

/* --- With threads --- */

/* Who gets the requests that are taken on; before the start, borrowed. */
void engine_set_onward(struct engine *engine, const struct door_onward *onward);

/* Returns: 0; STATUS_SYSTEM. */
MUST_USE int engine_start(struct engine *engine);

/* Once no engine_export() runs any more: all that was admitted is fed, all that waits is judged. */
void engine_stop(struct engine *engine);

/* The gRPC method Export (receiver/grpc_reply.h); `context` is the engine. */
void engine_export(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply);

/* The same without a transport, for a host program. `out_fed` is set in any case.
 * Returns: 0; as door_admit(). */
MUST_USE int engine_admit(struct engine *engine, unsigned thread, enum door_format format,
                          struct view request, struct engine_fed *out_fed);

/* What that takes for a moment, for struct grpc_method. */
size_t engine_export_memory(void *context, enum message_format format, struct view message);

/* --- Without --- */

/* Takes one request on, whole or not at all. `out_fed` is set in any case; its texts are constant.
 * A `now` that goes back is the one before. Returns: 0; as otlp_decode_protobuf(). */
MUST_USE int engine_feed(struct engine *engine, enum door_format format, struct view request,
                         struct mono_time now, struct engine_fed *out_fed);

/* Judges what has waited long enough by the clock given. */
void engine_tick(struct engine *engine, struct mono_time now);

/* Judges all that still waits, as if the waits had run out. */
void engine_finish(struct engine *engine, struct mono_time now);

/* --- Both --- */

/* All that has been counted so far. Returns: 0 and a reference, to be released before the engine is
 * freed; STATUS_NOMEM. */
MUST_USE int engine_snapshot(struct engine *engine, struct snapshot **out_snapshot);

/* A look at a window, and what windows there are. Returns: as merger_window() and merger_windows(); a
 * look is to be let go before the engine is freed. */
MUST_USE int engine_window(struct engine *engine, const struct window_want *want,
                           struct window_look **out_look);
MUST_USE int engine_windows(struct engine *engine, struct windows_reach *out_reach);

/* Pages for /debug/ (engine_debug.h), as JSON. */
enum engine_page { ENGINE_PAGE_CARDINALITY, ENGINE_PAGE_BUDGETS, ENGINE_PAGE_LATENESS };

/* `bodies` is what the receiver and the way out know of them. Returns: 0; STATUS_NOMEM; as buf_append(). */
struct engine_bodies {
    uint64_t bytes; /* In flight. */
    uint64_t refused;
    uint64_t forward_bytes; /* Waiting to be passed on. */
    uint64_t forward_dropped;
};
MUST_USE int engine_page(struct engine *engine, enum engine_page page,
                         const struct engine_bodies *bodies, struct buf *out);

#endif
