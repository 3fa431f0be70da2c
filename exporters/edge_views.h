/* edge_views.h: which edges of messages are shown.
 * Is:         the choice between a snapshot's two pictures of messages, for map and metrics.
 * Threads:    any; pure.
 * Source:     TOPOLOGY E9.
 */
#ifndef SPANMAP_EXPORTERS_EDGE_VIEWS_H
#define SPANMAP_EXPORTERS_EDGE_VIEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "exporters/exporter.h"
#include "topology/snapshot.h"

/* Whether edge number `i` is shown. With both pictures, an edge to or from a destination is the
 * broker's, any other the direct one, so that none is shown twice. */
bool edge_is_shown(const struct snapshot *snapshot, size_t i, enum export_messaging messaging);

/* Whether it counts for the figures of the node that it goes to: with both pictures, a service's
 * are those of the direct one. */
bool edge_is_figure(const struct snapshot *snapshot, size_t i, enum export_messaging messaging);

#endif
