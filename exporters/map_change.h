/* map_change.h: two maps as one, with what is different between them.
 * Is:         which edges and nodes are new or gone, and which edges fail more or are slower.
 * Is not:     an explanation: the two windows are compared as they are, whatever the load was.
 * Invariants: an edge is NEW or GONE or has a counterpart; only those with one fail more or are slower.
 * Source:     the two-proportion z-test (pooled), for failing more.
 */
#ifndef SPANMAP_EXPORTERS_MAP_CHANGE_H
#define SPANMAP_EXPORTERS_MAP_CHANGE_H

#include "base/status.h"
#include "exporters/map_graph.h"

/* Bits of map_edge.change and map_node.change; a node fails more or is slower where an edge does that
 * stands inside of it. */
enum {
    CHANGE_NEW = 1,
    CHANGE_GONE = 2,
    CHANGE_FAILING = 4, /* Its share of failures rose by a point or more, and not by chance. */
    CHANGE_SLOWER = 8, /* Its p95 rose by more than a quarter, over CHANGE_SECONDS_MIN durations. */
    CHANGE_COUNT = 4,
};

/* Of each side, before slower means anything. */
enum { CHANGE_SECONDS_MIN = 20 };

struct change_style {
    unsigned change;    /* 0: none of them. */
    const char *word;   /* In JSON and as a class of the SVG. */
    const char *legend; /* What people read. */
    const char *colour;
};

/* What is most worth a reader's eye of these bits. */
const struct change_style *map_change_style(unsigned change);

/* All of them, the one of no change last. */
extern const struct change_style map_change_styles[CHANGE_COUNT + 1];

/* The durations that are compared: the client's where both maps have them, else the server's. NULL:
 * neither side was seen in both. */
struct change_seconds {
    const struct histogram *before;
    const struct histogram *now;
};
struct change_seconds map_change_seconds(const struct map_edge *edge);

/* Joins `past` to `graph`, which owns it from here on, also where this fails. Both are whole, without
 * a focus. Returns: 0; STATUS_NOMEM. */
MUST_USE int map_change_join(struct map_graph *graph, struct map_graph *past);

/* Sets the change of an edge with its two sides; one that is gone has that of before on both. */
void map_change_judge(struct map_edge *edge);

/* The one of the two maps that an edge's figures are from, for its window. */
static inline const struct map_graph *map_change_side(const struct map_graph *graph,
                                                      unsigned change)
{
    return (change & CHANGE_GONE) != 0 ? graph->past : graph;
}

#endif
