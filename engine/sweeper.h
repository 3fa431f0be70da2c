/* sweeper.h: sees to it that names which nothing uses are given back, before their tables are full.
 * Is:         the order of a sweep (topology/catalog_sweep.h) over all who hold names: receivers,
 *             shards, publisher, lessons, snapshots. It asks, and looks at its pace whether that was
 *             done: nobody waits for it, nor it for anybody.
 * Invariants: one sweep at a time. It takes out what nothing held when it began, or holds now.
 * Threads:    one owner at a time, the merger's under its lock.
 * Memory:     none of its own.
 * Source:     TOPOLOGY section 3; docs/decisions/2026-11-25-names-given-back.md.
 */
#ifndef SPANMAP_ENGINE_SWEEPER_H
#define SPANMAP_ENGINE_SWEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "engine/worker.h"
#include "topology/catalog.h"
#include "topology/catalog_sweep.h"
#include "topology/lessons.h"
#include "topology/publisher.h"

enum sweeper_phase {
    SWEEPER_IDLE,
    SWEEPER_READERS, /* Receivers may still make records with numbers from before. */
    SWEEPER_WALKS,   /* Shards mark what they hold. */
    SWEEPER_ANSWERS, /* Those on their way between shards. */
    SWEEPER_MERGE,   /* All that was counted so far is to be added up first. */
    SWEEPER_GIVING,  /* Snapshots may still show what was taken out. */
};

struct sweeper {
    struct catalog *catalog; /* Borrowed, as are the following. */
    struct lessons *lessons;
    struct publisher *publisher;
    struct worker *const *workers;
    unsigned workers_count;

    enum sweeper_phase phase;
    uint32_t stamp;
    struct mono_time next; /* No sweep begins before. */
    uint64_t pause_ns;
    struct catalog_pressure before; /* When the last sweep began. */
    struct catalog_given given;     /* Likewise. */
    uint64_t sweeps;                /* That went all the way. */
};

/* `like` has all that is borrowed. */
void sweeper_init(struct sweeper *sweeper, const struct sweeper *like);

/* Goes on as far as it can; called right after all that the shards had counted was added up. True:
 * names were taken out, and the caller lets go the snapshots that it only keeps in case; then this is
 * called again. */
bool sweeper_step(struct sweeper *sweeper, struct mono_time now, struct wall_time wall_now);

#endif
