/* map_graph.h: the map that is drawn, computed once from a snapshot for every format.
 * Is:         the snapshot's nodes and edges without what the options hide, with the figures of
 *             each node (N7) and the window they cover.
 * Is not:     a format; texts in it are not escaped.
 * Invariants: nodes are sorted by id, edges by client id, server id, connection type; equal
 *             snapshots and options give equal graphs. The figures of a node cover all its
 *             incoming edges that the whole map draws, also where a focus hides some of them.
 * Threads:    plain data; the snapshot is shared and only read.
 * Memory:     owns its arrays, ids, merged edges and histograms; borrows the snapshot.
 * Source:     TOPOLOGY N7, E5; ARCHITECTURE section 5.
 */
#ifndef SPANMAP_EXPORTERS_MAP_GRAPH_H
#define SPANMAP_EXPORTERS_MAP_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"
#include "topology/histogram.h"
#include "topology/snapshot.h"

struct map_node {
    const struct snapshot_node *from;
    struct view id;    /* type "/" namespace "/" name, as valid UTF-8. */
    uint64_t requests; /* Sums of weights. */
    uint64_t failed;
    const struct histogram *seconds; /* The server side; NULL: never seen. */
    struct histogram *merged;        /* What `seconds` points to where it is our own. */
    const struct map_node *before;   /* Its counterpart in the map before; NULL: none. */
    uint8_t change;                  /* Bits of map_change.h. */
    uint64_t parent_missing; /* SERVER and CONSUMER spans of it whose named parent never came. */
};

struct map_edge {
    const struct snapshot_edge *from;
    struct snapshot_edge *merged;  /* What `from` points to where it is our own. */
    const struct map_edge *before; /* As of nodes. */
    uint32_t client;               /* Index into the graph's nodes. */
    uint32_t server;
    uint8_t change;
};

struct map_graph {
    const struct snapshot *snapshot;
    struct wall_time start; /* The window; both 0: nothing was seen. */
    struct wall_time end;
    struct map_node *nodes;
    size_t nodes_count;
    struct map_edge *edges;
    size_t edges_count;
    char *ids;
    struct map_graph *past; /* The map before, where two are compared (map_change.h); else NULL. */
};

/* On failure out_error has one sentence.
 * Returns: 0; STATUS_NOT_FOUND (no such focus); STATUS_NOMEM. */
MUST_USE int map_graph_init(const struct export_input *input, char out_error[256],
                            struct map_graph *out_graph);
void map_graph_release(struct map_graph *graph);

/* Requests (a sum of weights) per second over the window; below zero where it has no length. */
double map_graph_rate(const struct map_graph *graph, uint64_t requests);

/* Puts one sentence into an error's 256 bytes, cut where it is longer. A name in it was made plain
 * by the caller. Returns `status`. */
int export_fail(char out_error[256], int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
