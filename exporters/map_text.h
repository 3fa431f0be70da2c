/* map_text.h: the texts on the map: titles, figures, tooltips.
 * Is:         what a node or an edge is called and what is said of it, as plain UTF-8.
 * Is not:     escaped for any format.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_MAP_TEXT_H
#define SPANMAP_EXPORTERS_MAP_TEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "exporters/human.h"
#include "exporters/map_graph.h"

/* Failures stick to `out`, below and everywhere here. */

/* The name, cut to `characters`, plain; "(overflow)" for the node that stands for many. */
void map_text_name(const struct map_node *node, size_t characters, struct buf *out);

/* All that is known, a line each. */
void map_text_node(const struct map_graph *graph, const struct map_node *node, struct buf *out);
void map_text_edge(const struct map_graph *graph, const struct map_edge *edge, struct buf *out);

/* "12 services, 3 other nodes, 40 edges": what a node that is not plain stands for. */
void map_text_stands(const struct map_node *node, struct buf *out);

/* What is different from the map before, in a few words: "new", "p95 was 3 ms"; nothing where
 * nothing is. */
void map_text_change(const struct map_edge *edge, struct buf *out);

/* The side of an edge whose durations are shown: the client's, who waits; else the server's. NULL:
 * neither was seen. */
const struct histogram *map_text_seconds(const struct map_edge *edge);

/* Rate over the window, or the count where the window has no length. */
struct human map_text_rate(const struct map_graph *graph, uint64_t requests);

/* A quantile as people read it; HUMAN_NONE without durations. */
struct human map_text_quantile(const struct histogram *seconds, double q);

#endif
