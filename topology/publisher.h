/* publisher.h: adds up what the shards counted and makes snapshots of it.
 * Is:         the one place where cumulative series exist.
 * Invariants: each snapshot's accounting holds; a series never falls.
 * Threads:    one owner at a time, but for publisher_reject(), which any thread may call.
 * Memory:     edges_max and operations_max series, and as many as there are bytes for; past those, what
 *             was idle for metrics.expiration leaves, the longest idle first, else the overflow series
 *             take what is new. An eighth of the bytes is for series that are there already and grow;
 *             where that is out, too, their histograms become coarser instead. A snapshot copies only
 *             series that changed since the one before and shares the rest.
 */
#ifndef SPANMAP_TOPOLOGY_PUBLISHER_H
#define SPANMAP_TOPOLOGY_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "topology/catalog.h"
#include "topology/histogram.h"
#include "topology/snapshot.h"
#include "topology/tally.h"

struct windows;

struct publisher_options {
    struct catalog *catalog; /* Outlives the publisher and all its snapshots, as do the next two. */
    const struct histogram_bounds *bounds;
    const struct dimensions *dimensions; /* NULL: none. */
    uint32_t edges_max;                  /* map.edges_max */
    uint32_t operations_max;             /* Series of calls_total. */
    uint32_t losses_max;
    uint64_t edges_bytes_max; /* Of all copies of edges but those in tallies; 0: no bound. */
    uint64_t operations_bytes_max;
    uint64_t expiration_ns; /* metrics.expiration; 0: never. */
    bool exemplars;         /* metrics.exemplars */
    unsigned shards;
    struct wall_time start;
    struct windows *windows; /* Borrowed; what is absorbed is added to them, too. NULL: none. */
};

struct publisher;

/* What one takes of these bytes, all copies together, where each of its histograms has so many buckets. */
uint64_t publisher_edge_bytes(uint32_t buckets, uint32_t exemplars);
uint64_t publisher_operation_bytes(uint32_t buckets, uint32_t exemplars);

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int publisher_new(const struct publisher_options *options,
                           struct publisher **out_publisher);
void publisher_free(struct publisher *publisher);

/* Adds the tally that came from shard number `shard` and empties it. On STATUS_NOMEM it is as
 * before and may be given again; the snapshot in between leaves it out whole. */
MUST_USE int publisher_absorb(struct publisher *publisher, unsigned shard, struct tally *tally,
                              struct wall_time now);

/* All that was absorbed since the last time was counted until `now`: a slot of the windows. */
void publisher_close(struct publisher *publisher, struct wall_time now);

/* Counts spans that the receiver rejected: received and rejected, both. */
void publisher_reject(struct publisher *publisher, enum rejected_reason reason, uint64_t spans);

/* ------------------------------------------------------------------ names given back */

/* Marks the names that series have, for a sweep of the catalog (catalog_sweep.h). */
void publisher_mark(const struct publisher *publisher, uint32_t stamp);

/* Right before the sweep: windows have no names that no series has. */
void publisher_bequeath(const struct publisher *publisher);

/* After the sweep: nodes that left are no longer shown. */
void publisher_forget(struct publisher *publisher);

/* The half of the series of operations that ended in /metrics leaves, those that were idle longest;
 * with `nodes` likewise edges and losses. */
void publisher_let_leave(struct publisher *publisher, bool nodes, struct wall_time now);

/* Returns: 0 and one reference; STATUS_NOMEM. */
MUST_USE int publisher_snapshot(struct publisher *publisher, struct wall_time now,
                                struct snapshot **out_snapshot);

#endif
