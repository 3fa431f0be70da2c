/* otlp_from.h: traces in the JSON of other tracing systems become an OTLP request.
 * Is:         Jaeger's (what its UI downloads and its query API answers) and Zipkin's v2 (its API's
 *             list of spans, or list of traces), as an ExportTraceServiceRequest, which then goes
 *             through the same decoder as all others, or to another receiver.
 * Is not:     a reader of files (engine/input.h).
 * Invariants: each span that was there is there once, under its service. What has no place in OTLP is
 *             left out: Jaeger's warnings, Zipkin's debug and shared.
 * Threads:    pure functions.
 * Memory:     jansson's tree, bounded by a scan before it is built, and 24 bytes a span.
 * Source:     Jaeger's model/json; Zipkin's OpenAPI zipkin2-api.yaml; OpenTelemetry's specification,
 *             trace/sdk_exporters/{jaeger,zipkin}.md, read from right to left.
 */
#ifndef SPANMAP_RECEIVER_OTLP_FROM_H
#define SPANMAP_RECEIVER_OTLP_FROM_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "receiver/otlp_json.h"

/* Both append to `out`, and set `out_error` in any case: a sentence with the path of what is wrong, and
 * where it stands.
 * Returns: 0; STATUS_INVALID (no JSON, or not of this schema); STATUS_TOO_LARGE (the tree would take
 *          more than `tree_bytes_max`, or `out` is full); STATUS_NOMEM. `out` is as before then. */

/* An answer, `{"data":[trace, ...]}`, or one trace, `{"traceID":..., "spans":[...]}`. */
MUST_USE int otlp_from_jaeger(struct view text, size_t tree_bytes_max, struct buf *out,
                              struct otlp_json_error *out_error);

/* An array of spans, or of arrays of spans. */
MUST_USE int otlp_from_zipkin(struct view text, size_t tree_bytes_max, struct buf *out,
                              struct otlp_json_error *out_error);

#endif
