/* json.h: the map as the JSON of the contract.
 * Is:         the exporter `json`, and its two lists alone for the API.
 * Invariants: keys in the contract's order, one node or edge a line; 64-bit times are texts; null
 *             where nothing was observed; valid UTF-8.
 * Threads:    any.
 * Source:     ARCHITECTURE section 5.
 */
#ifndef SPANMAP_EXPORTERS_JSON_H
#define SPANMAP_EXPORTERS_JSON_H

#include "exporters/exporter.h"

extern const struct exporter exporter_json;

/* The list of nodes, or of edges, as in the map. As exporter.render. */
int json_render_services(const struct export_input *input, char out_error[256], struct buf *out);
int json_render_edges(const struct export_input *input, char out_error[256], struct buf *out);

/* Parts of such answers. A failure sticks to the buffer. */

/* `"..."` */
void json_append_text(struct buf *out, struct view text);

/* `, "NAME": {"count": n, "sum": s, "p50": s, "p95": s, "p99": s, "max": s}`, or null where nothing
 * was observed. */
void json_append_seconds(struct buf *out, const char *name, const struct histogram *histogram);

#endif
