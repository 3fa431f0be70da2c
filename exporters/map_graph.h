/* map_graph.h: the map that is drawn, computed once from a snapshot for every format.
 * Is:         the snapshot's nodes and edges without what the options hide, with the figures of
 *             each node (N7) and the window they cover. Several may be one, with all their figures.
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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"
#include "topology/histogram.h"
#include "topology/snapshot.h"

/* A node of the snapshot, or one that stands for several. */
enum map_kind { MAP_PLAIN, MAP_GROUP, MAP_OTHERS };

/* What a node that is not plain stands for. An edge between two of its own is an inner one, which is
 * not drawn; what it does not draw and what is drawn add up to the whole. */
struct map_stands {
    uint64_t nodes;
    uint64_t services;
    uint64_t edges;    /* Of the map's, those with an end in it, the inner ones among them. */
    uint64_t requests; /* On these. */
    uint64_t failed;
    uint64_t inner_edges;
    uint64_t inner_requests;
    uint64_t inner_failed;
};

struct map_node {
    const struct snapshot_node *from;
    enum map_kind kind;
    bool is_focus;
    uint32_t mark;     /* For who sorts. */
    struct view group; /* Where it belongs by what `cluster` says; empty: nowhere. */
    struct view id;    /* type "/" namespace "/" name, as valid UTF-8. */
    uint64_t requests; /* Sums of weights. */
    uint64_t failed;
    const struct histogram *seconds; /* The server side; NULL: never seen. */
    struct histogram *merged;        /* What `seconds` points to where it is our own. */
    const struct map_node *before;   /* Its counterpart in the map before; NULL: none. */
    struct map_node *merged_before;  /* What `before` points to where it is our own. */
    uint8_t change;                  /* Bits of map_change.h. */
    struct map_stands stands;        /* All 0 in a plain one. */
    uint64_t parent_missing; /* SERVER and CONSUMER spans of it whose named parent never came. */
};

struct map_edge {
    const struct snapshot_edge *from;
    struct snapshot_edge *merged;  /* What `from` points to where it is our own. */
    const struct map_edge *before; /* As of nodes. */
    uint32_t client;               /* Index into the graph's nodes. */
    uint32_t server;
    uint8_t change;
    uint64_t parts; /* Edges that it stands for: 0, unless an end of it stands for several nodes. */
    struct map_edge *merged_before; /* What `before` points to where it is our own. */
};

/* What min_rate hides. */
struct map_hidden {
    uint64_t nodes;
    uint64_t edges;
    uint64_t requests;
    uint64_t failed;
};

struct map_limits {
    size_t nodes_max;
    size_t edges_max;
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
    struct map_text *texts; /* Names and nodes that no snapshot has. */
    struct map_hidden hidden;
    enum map_figure figure; /* The one that was asked for. */
    bool tells_groups;      /* Somebody asked which cluster a node belongs to. */
    struct map_graph *past; /* The map before, where two are compared (map_change.h); else NULL. */
};

/* What is past the limits (NULL: there are none) is one node, "others"; so is what is past the option
 * `top`. On failure out_error has one sentence.
 * Returns: 0; STATUS_NOT_FOUND (no such focus or cluster); STATUS_NOMEM. */
MUST_USE int map_graph_init(const struct export_input *input, const struct map_limits *limits,
                            char out_error[256], struct map_graph *out_graph);
void map_graph_release(struct map_graph *graph);

/* Requests (a sum of weights) per second over the window; below zero where it has no length. */
double map_graph_rate(const struct map_graph *graph, uint64_t requests);

/* "service" ... or "group", "others". */
const char *map_node_type(const struct map_node *node);

/* Whether edges go from or to what stands for what was left out. */
static inline bool map_edge_has_others(const struct map_graph *graph, const struct map_edge *edge)
{
    return graph->nodes[edge->client].kind == MAP_OTHERS ||
           graph->nodes[edge->server].kind == MAP_OTHERS;
}

/* --- For the files that change a graph (map_narrow.h, map_merge.h ...) --- */

/* A copy that lives as long as the graph. Returns: 0; STATUS_NOMEM. */
MUST_USE int map_graph_keep(struct map_graph *graph, struct view text, struct view *out_copy);
/* A node of no snapshot, by type and name; its namespace is empty. Returns: 0; STATUS_NOMEM. */
MUST_USE int map_graph_keep_node(struct map_graph *graph, struct view name,
                                 struct snapshot_node **out_node);
/* What they own. */
void map_node_release(struct map_node *node);
void map_edge_release(struct map_edge *edge);
/* The graph's order of nodes, and of edges whose nodes are in order. */
int map_node_compare(const void *a, const void *b);
int map_edge_compare(const void *a, const void *b);
/* Adds an edge's figures. Returns: 0; STATUS_NOMEM. */
MUST_USE int map_edge_add(struct snapshot_edge *sum, const struct snapshot_edge *more);
/* NULL: nothing. `merged` is the sum's own once there are several. */
MUST_USE int map_seconds_add(const struct histogram *more, const struct histogram **sum,
                             struct histogram **merged);

/* Puts one sentence into an error's 256 bytes, cut where it is longer. A name in it was made plain
 * by the caller. Returns `status`. */
int export_fail(char out_error[256], int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
