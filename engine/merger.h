/* merger.h: adds up what the shards counted, once a second and whenever somebody looks.
 * Is:         the one user of the publisher, behind a lock; the newest snapshot, kept for those who
 *             ask at the same time; the pace at which names are given back (sweeper.h).
 * Invariants: a snapshot holds all that the shards had counted when merger_snapshot() was called.
 * Threads:    any may ask for snapshots; the shards go on meanwhile. New, start, stop and free from
 *             one thread.
 * Memory:     one tally beside those of the shards, and one reference to the newest snapshot.
 */
#ifndef SPANMAP_ENGINE_MERGER_H
#define SPANMAP_ENGINE_MERGER_H

#include "base/counters.h"
#include "base/status.h"
#include "engine/worker.h"
#include "topology/publisher.h"
#include "topology/tally.h"
#include "topology/windows.h"

struct merger_options {
    struct tally_options tally;
    struct publisher *publisher; /* Borrowed, as are the following. */
    struct catalog *catalog;
    struct lessons *lessons;
    struct windows *windows; /* Those of the publisher; NULL: none. */
    struct worker **workers;
    unsigned workers_count;
    struct counters *counters;        /* Over engine_counter_rows. */
    const _Atomic uint64_t *given_ns; /* A wall clock that somebody sets; NULL: the machine's. */
    void (*note)(void *context);      /* After each merge, under the lock: refresh gauges. */
    void *context;
};

struct merger;

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int merger_new(const struct merger_options *options, struct merger **out_merger);
void merger_free(struct merger *merger);

/* Starts the thread that merges once a second. Returns: 0; STATUS_SYSTEM. */
MUST_USE int merger_start(struct merger *merger);

/* Ends that thread, and then, while nobody can ask for a snapshot, those of the workers, which
 * judge all that waits. Snapshots can be asked for afterwards. */
void merger_stop(struct merger *merger);

/* Sweeps of names that went all the way; for `note` alone. */
uint64_t merger_sweeps(const struct merger *merger);

/* Returns: 0 and a reference; STATUS_NOMEM (what was counted is kept for the next time). */
MUST_USE int merger_snapshot(struct merger *merger, struct snapshot **out_snapshot);

/* A look at a window that ends now, or then. Returns: as windows_take(); STATUS_UNSUPPORTED (there are
 * no windows). */
MUST_USE int merger_window(struct merger *merger, const struct window_want *want,
                           struct window_look **out_look);

/* What windows there are. Returns: 0; STATUS_UNSUPPORTED. */
MUST_USE int merger_windows(struct merger *merger, struct windows_reach *out_reach);

#endif
