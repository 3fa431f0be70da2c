/* map_pick.h: what of a large map still makes a picture.
 * Is:         the busiest nodes and the busiest edges among them, as far as the bounds go, and how much
 *             that is.
 * Is not:     a focus (map_graph.h): it is what remains when nobody chose.
 * Invariants: depends on the graph alone; an edge is picked only with both its nodes.
 * Memory:     owns its two arrays.
 */
#ifndef SPANMAP_EXPORTERS_MAP_PICK_H
#define SPANMAP_EXPORTERS_MAP_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "exporters/map_graph.h"

struct map_pick_limits {
    size_t nodes_max;
    size_t edges_max;
};

struct map_pick {
    bool *nodes; /* One for each of the graph's. */
    bool *edges;
    size_t nodes_count; /* Picked. */
    size_t edges_count;
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int map_pick_init(const struct map_graph *graph, const struct map_pick_limits *limits,
                           struct map_pick *out_pick);
void map_pick_release(struct map_pick *pick);

#endif
