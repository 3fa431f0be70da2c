/* map_groups.h: which cluster each node of a map belongs to.
 * Is:         the options cluster and collapse.
 * Invariants: a node's cluster depends on the map and on the resources that are known, not on the
 *             order in which they came: of several values that the instances of a service have, the
 *             one that most of them have counts, among equals the first in the order of bytes.
 *             Databases, queues, external hosts and the user send no resource, so they belong to a
 *             namespace at most.
 * Threads:    the graph's owner.
 */
#ifndef SPANMAP_EXPORTERS_MAP_GROUPS_H
#define SPANMAP_EXPORTERS_MAP_GROUPS_H

#include "base/status.h"
#include "exporters/map_graph.h"

/* Whether anybody asked for clusters, so that answers tell them. */
bool map_groups_asked(const struct export_options *options);

/* Sets the nodes' groups. On failure out_error has a sentence.
 * Returns: 0; STATUS_NOT_FOUND (no service has such an attribute); STATUS_NOMEM. */
MUST_USE int map_groups_find(const struct export_input *input, char out_error[256],
                             struct map_graph *graph);

/* The frame that a picture draws around a node; empty: none. What stands for a cluster has none. */
struct view map_groups_frame(const struct map_node *node);

/* Numbers of the nodes by frame, those without one first; to be given to mem_free().
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int map_groups_order(const struct map_graph *graph, uint32_t **out_order);

/* Makes one node of each cluster that `collapse` names.
 * Returns: 0; STATUS_NOT_FOUND (there is no such cluster); STATUS_NOMEM. */
MUST_USE int map_groups_collapse(const struct export_input *input, char out_error[256],
                                 struct map_graph *graph);

#endif
