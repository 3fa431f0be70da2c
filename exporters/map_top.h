/* map_top.h: what of a large map still makes a picture.
 * Is:         the busiest edges, as many as the option `top` says; then the busiest nodes, as many as a
 *             picture's limits hold; both with every edge between what stays. All other nodes become
 *             one, "others".
 * Is not:     a focus (map_narrow.h): it is what remains when nobody chose.
 * Invariants: depends on the graph alone. Of the edges of the focus, and of those that changed since
 *             the map before, more stay.
 * Threads:    the graph's owner.
 */
#ifndef SPANMAP_EXPORTERS_MAP_TOP_H
#define SPANMAP_EXPORTERS_MAP_TOP_H

#include "base/status.h"
#include "exporters/map_graph.h"

/* Lines to and from the others are a carpet where there are more; then their node alone has the sums. */
enum { MAP_OTHERS_LINES_MAX = 30 };

/* How many there are. */
size_t map_top_to_others(const struct map_graph *graph);

/* `limits` may be NULL. On failure the graph is still whole enough to be released.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int map_top(const struct export_options *options, const struct map_limits *limits,
                     struct map_graph *graph);

#endif
