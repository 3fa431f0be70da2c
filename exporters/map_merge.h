/* map_merge.h: several nodes of a map as one.
 * Is:         what collapse and top do: nodes and their edges become one, with all that they count.
 * Invariants: counts and histograms are sums of their parts, so nothing of the whole is lost: what the
 *             nodes stand for and what is still drawn add up to what was there (struct map_stands).
 *             Where two maps are compared, both sides are merged, and judged anew.
 * Threads:    the graph's owner.
 */
#ifndef SPANMAP_EXPORTERS_MAP_MERGE_H
#define SPANMAP_EXPORTERS_MAP_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "exporters/map_graph.h"

struct map_merged {
    enum map_kind kind;
    struct view name; /* Copied. */
    struct view group;
};

enum { MAP_MERGE_NONE = -1 };

/* `into` has for each of the graph's nodes the number of the one of `merged` that it goes into, or
 * MAP_MERGE_NONE; each of these stands for at least one. On failure the graph is still whole enough
 * to be released. Returns: 0; STATUS_NOMEM. */
MUST_USE int map_merge(struct map_graph *graph, const int64_t *into,
                       const struct map_merged *merged, size_t merged_count, bool self_edges);

#endif
