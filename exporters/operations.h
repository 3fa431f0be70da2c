/* operations.h: what one service does, operation by operation, as JSON of the API.
 * Is:         {"node": "...", "operations": [{"operation", "kind", "requests", "failed", "seconds",
 *             "self_seconds"}, ...], "left_out": n}, summed over status and dimensions.
 * Invariants: the busiest first, at most OPERATIONS_ROWS_MAX; `operation` is null for the row of all
 *             names past a bound. Spans are counted, so a request counts once for each of its kinds.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_OPERATIONS_H
#define SPANMAP_EXPORTERS_OPERATIONS_H

#include "exporters/exporter.h"

enum { OPERATIONS_ROWS_MAX = 200 };

/* As struct exporter's render; options.focus is the node's id.
 * Returns: also STATUS_INVALID (no id was given); STATUS_NOT_FOUND (no such node). */
int operations_render(const struct export_input *input, char out_error[256], struct buf *out);

#endif
