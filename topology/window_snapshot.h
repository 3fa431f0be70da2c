/* window_snapshot.h: the topology in a window, as a snapshot.
 * Is:         what the slots of a look counted, added up; nodes and edges that did nothing in it are
 *             not there.
 * Invariants: its accounting holds, with what had waited when it began. Histograms are as exact as
 *             those since the start, or coarser where there is no memory for that. `reported` is
 *             whoever has an operation in the window.
 * Threads:    any; it reads slots and the catalog alone.
 * Memory:     within the windows' answer_bytes_max, all snapshots of windows together; its bytes are
 *             given back with the last reference.
 */
#ifndef SPANMAP_TOPOLOGY_WINDOW_SNAPSHOT_H
#define SPANMAP_TOPOLOGY_WINDOW_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/snapshot.h"
#include "topology/windows.h"

/* Which slots and which edges of a look. */
struct window_part {
    size_t first;
    size_t count;
    bool without_operations; /* They are only asked who reported. */
    bool is_narrow;          /* Only edges ... */
    uint32_t client;         /* ... from and to these nodes of the catalog; CATALOG_NONE: any. */
    uint32_t server;
};

/* Returns: 0 and one reference, which may outlive the look; STATUS_BUSY (other answers have the
 * memory); STATUS_NOMEM. */
MUST_USE int window_snapshot(const struct window_look *look, struct snapshot **out_snapshot);
MUST_USE int window_snapshot_of(const struct window_look *look, const struct window_part *part,
                                struct snapshot **out_snapshot);

/* Calls `visit` with each node that has an edge, an operation or a loss in the look.
 * Returns: 0; STATUS_NOMEM; the first result of `visit` that is not 0. */
typedef int (*window_visit)(void *context, uint32_t number, const struct node *node);
MUST_USE int window_nodes(const struct window_look *look, window_visit visit, void *context);

#endif
