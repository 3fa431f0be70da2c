/* catalog_sweep.h: how names that nothing uses any more are given back.
 * Is:         the catalog's side of a sweep: it begins, everybody who holds numbers marks them, what
 *             was not marked is taken out, and is given again once nobody can show it any more.
 * Is not:     who marks what (shard_mark.h, publisher_sweep.c) and when that is (engine/sweeper.h).
 * Invariants: a number that is held by a reader, a remembered span, a series, a lesson or a snapshot
 *             goes on meaning the same. One sweep at a time.
 *
 *   catalog_sweep_begin()      memos are worth nothing from now on; what is looked up is marked
 *   catalog_readers_passed()   until then, records with older numbers may be made
 *   catalog_mark_*()           by shards that were fed those, publisher and lessons
 *   catalog_sweep()            what was not marked is no longer found
 *   catalog_give_back()        once no snapshot is left that was taken before
 *
 * Threads:    marks and readers: any, without a lock. The others: one thread, the sweeper's.
 * Source:     TOPOLOGY section 3.
 */
#ifndef SPANMAP_TOPOLOGY_CATALOG_SWEEP_H
#define SPANMAP_TOPOLOGY_CATALOG_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "topology/catalog.h"

/* ------------------------------------------------------------------ readers */

/* Somebody who looks names up and keeps numbers for a while: a receiver. */
struct catalog_reader {
    _Atomic uint32_t version; /* 0: it holds nothing. */
    struct catalog_reader *next;
};

void catalog_join(struct catalog *catalog, struct catalog_reader *reader);
void catalog_part(struct catalog *catalog, struct catalog_reader *reader);

/* From here to catalog_leave() the reader may hold numbers that it looked up in between; those from
 * before are good only if the version, which is never 0, is still the same. */
uint32_t catalog_enter(struct catalog *catalog, struct catalog_reader *reader);
void catalog_leave(struct catalog_reader *reader);

/* ------------------------------------------------------------------ a sweep */

/* The stamp to mark with. */
uint32_t catalog_sweep_begin(struct catalog *catalog);

/* Whether no reader holds a number from before. */
bool catalog_readers_passed(struct catalog *catalog);

void catalog_mark_text(struct catalog *catalog, uint32_t text, uint32_t stamp);
void catalog_mark_node(struct catalog *catalog, uint32_t node, uint32_t stamp); /* Or NONE. */
void catalog_mark_dimensions(struct catalog *catalog, uint32_t set, uint32_t stamp);
void catalog_mark_site(struct catalog *catalog, uint32_t site, uint32_t stamp);

/* A text as an operation of a service, both marked. Takes the lock. */
void catalog_mark_operation(struct catalog *catalog, uint32_t service, uint32_t text,
                            uint32_t stamp);

/* What a span that was judged keeps of its site, marked: its service, and whether it called a
 * database. The site itself where there is no room. Takes the lock once a site and sweep. */
uint32_t catalog_coarse(struct catalog *catalog, uint32_t site, uint32_t stamp);

/* Takes out what was not marked. Takes the lock, for a thousand entries at a time. */
void catalog_sweep(struct catalog *catalog, uint32_t stamp);

/* Whether no entry stands behind the number of a node. */
bool catalog_node_left(const struct catalog *catalog, uint32_t node);

/* Gives the numbers of what was taken out back, and ends the sweep. False: some snapshot from before
 * may still show their texts; nothing was done. */
bool catalog_give_back(struct catalog *catalog);

/* ------------------------------------------------------------------ snapshots */

/* Keeps all texts that are there, until catalog_release(), which any thread may call. */
unsigned catalog_hold(struct catalog *catalog);

/* Keeps what a hold that is there keeps, of which a new one knows nothing: names that were taken out
 * since. From any thread; catalog_hold() is called by the sweeper's owner alone. */
void catalog_hold_again(struct catalog *catalog, unsigned hold);
void catalog_release(struct catalog *catalog, unsigned hold);

/* ------------------------------------------------------------------ counts */

/* What a sweep is for: how full the fullest table is, in percent, and how many names were turned
 * away so far. */
struct catalog_pressure {
    unsigned nodes_percent;      /* Services and peers. */
    unsigned operations_percent; /* Also as those of services. */
    unsigned sites_percent;      /* And sets as those of services, which sites hold. */
    unsigned sets_percent;       /* Values of dimensions, and the sites that have some. */
    uint64_t nodes_refused;
    uint64_t operations_refused;
    uint64_t sites_refused;
    uint64_t sets_refused;
    uint64_t own_refused; /* By a service's own quotas, where no table is short. */
};
void catalog_read_pressure(struct catalog *catalog, struct catalog_pressure *out_pressure);

#endif
