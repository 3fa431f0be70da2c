/* map_narrow.h: what of a whole map is near the focus, and busy enough.
 * Is:         the options focus, depth and min-rate.
 * Invariants: the focus itself is never hidden; steps around it go along edges that are not.
 * Threads:    the graph's owner.
 */
#ifndef SPANMAP_EXPORTERS_MAP_NARROW_H
#define SPANMAP_EXPORTERS_MAP_NARROW_H

#include "base/status.h"
#include "exporters/map_graph.h"

/* Marks the focus, before nodes become one: a cluster is in focus where one of its services is. */
void map_narrow_mark(const struct export_options *options, struct map_graph *graph);

/* Takes out what is not wanted. On failure the graph is still whole enough to be released.
 * Returns: 0; STATUS_NOT_FOUND (no such focus; out_error has a sentence); STATUS_NOMEM. */
MUST_USE int map_narrow(const struct export_options *options, char out_error[256],
                        struct map_graph *graph);

#endif
