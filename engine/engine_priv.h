/* engine_priv.h: what engine.c and engine_inline.c share.
 */
#ifndef SPANMAP_ENGINE_ENGINE_PRIV_H
#define SPANMAP_ENGINE_ENGINE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/merger.h"
#include "engine/worker.h"
#include "topology/catalog.h"
#include "topology/exchange.h"
#include "topology/lessons.h"
#include "topology/naming.h"
#include "topology/publisher.h"

struct engine {
    struct budget budget;
    uint64_t hash_seed;
    uint64_t pairing_wait_ns;
    uint64_t parent_wait_ns;
    uint64_t waits_ns; /* Within which all that waits is judged, whatever it waits for in turn. */
    bool counters_made;
    bool started;
    bool clock_is_given;
    _Atomic uint64_t given_ns; /* Of the clock that is given. */
    pthread_mutex_t lock;      /* Without threads: over all parts. The merger's comes after it. */
    struct mono_time now;      /* Likewise: the newest that was given. */
    struct counters counters;
    struct histogram_bounds bounds;
    struct dimensions *dimensions; /* NULL: there are none. */
    struct catalog *catalog;
    struct lessons *lessons;
    struct naming *naming;
    struct windows *windows; /* NULL: there are none. */
    struct publisher *publisher;
    struct targets *targets;   /* NULL: nobody would ask for them. */
    struct exchange *exchange; /* NULL: one shard. */
    struct worker **workers;
    unsigned workers_count;
    struct door **doors;
    unsigned doors_count;
    struct merger *merger;
};

/* The time that a snapshot is dated by. */
struct wall_time engine_wall_now(const struct engine *engine);

/* What came of a stage, with the status of decoding it, or of admitting it. */
void engine_note_fed(const struct otlp_stage *stage, int status, struct engine_fed *out_fed);

/* Without threads, keeps others out; with threads, nothing. */
void engine_lock(struct engine *engine);
void engine_unlock(struct engine *engine);

#endif
