/* debug.h: answers to what a user asks of a map that looks wrong.
 * Is:         JSON from one snapshot: which spans found no other side, whose, why, and in which
 *             traces to look (/debug/unpaired); whose names, edges and values of dimensions are many
 *             (/debug/cardinality).
 * Is not:     how full a table is: that is the engine's to say.
 * Invariants: lists are bounded, and say how many they leave out. Largest first, then by node.
 * Threads:    any.
 * Source:     TOPOLOGY N6, "Nothing is lost in silence", section 3; EXPORT P15.
 */
#ifndef SPANMAP_EXPORTERS_DEBUG_H
#define SPANMAP_EXPORTERS_DEBUG_H

#include "exporters/exporter.h"

/* As struct exporter's render. */
int debug_render_unpaired(const struct export_input *input, char out_error[256], struct buf *out);

/* Appends `"key": [...], ...`: the services with most operations, the nodes with most edges.
 * Returns: 0; STATUS_NOMEM; as buf_append(). */
MUST_USE int debug_write_largest(const struct snapshot *snapshot, struct buf *out);

/* The same of dimensions: the services with most combinations of values, and each dimension with the
 * number of its values and a few of them. Same results. */
MUST_USE int debug_write_values(const struct snapshot *snapshot, struct buf *out);

/* Appends `"also": [...], `: what else may be why an edge is missing. A failure sticks to the buffer. */
void debug_write_hints(const struct export_input *input, struct buf *out);

/* "server", "client", ... */
const char *debug_kind_name(uint8_t kind);

/* Appends a node's id as JSON. A failure sticks to the buffer. */
void debug_write_node(struct buf *out, const struct node *node);

#endif
