/* examples.h: a few traces of an edge or a node, as JSON of the API.
 * Is:         {"examples": [{"trace_id", "span_id", "unix_nano", "seconds", "failed", "side", "why"}, ...]}:
 *             the newest that failed, the slowest, and the newest of the others.
 * Invariants: at most EXAMPLES_EACH of each sort; no trace is there twice. `seconds` is the span's own
 *             duration, or null; `unix_nano` when it was counted.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_EXAMPLES_H
#define SPANMAP_EXPORTERS_EXAMPLES_H

#include "exporters/exporter.h"

enum { EXAMPLES_EACH = 4 };

/* As struct exporter's render; options.subject says of what: an edge by its two nodes, or a node; and
 * options.counted of which time.
 * Returns: also STATUS_INVALID (no id was given); STATUS_NOT_FOUND (no such node or edge). */
int examples_render(const struct export_input *input, char out_error[256], struct buf *out);

#endif
