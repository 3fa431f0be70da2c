/* otlp_json.h: one request in OTLP/JSON becomes the same request in protobuf.
 * Is:         the only reader of OTLP/JSON; what it makes goes through the same decoder as what
 *             came as protobuf, or to another receiver.
 * Is not:     a general transcoder: the exceptions of OTLP's mapping are built in.
 * Invariants: fields of the schema that were there are there, nothing else is.
 * Threads:    a pure function.
 * Cost:       linear: however deeply a text nests, it is gone over some dozen times.
 * Memory:     jansson builds a tree of a small text, and of a large one value by value; a scan bounds
 *             each before it is built.
 * Source:     opentelemetry-proto docs/specification.md, JSON Protobuf Encoding; OTLP A23-A27, C16.
 */
#ifndef SPANMAP_RECEIVER_OTLP_JSON_H
#define SPANMAP_RECEIVER_OTLP_JSON_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "receiver/otlp_response.h"

struct otlp_json_error {
    char text[192]; /* A sentence; names the field by its path. On success a warning, or empty. */
    size_t offset;  /* In bytes from the text's start. */
};

/* Appends to `out` the Export<signal>ServiceRequest that `text` describes. `out_error` is always set; on
 * success its text is a warning for the sender (names in snake_case that were ignored), or empty.
 * Returns: 0; STATUS_INVALID (no JSON, or not of this schema); STATUS_TOO_LARGE (the tree would take
 *          more than `tree_bytes_max`, or `out` is full); STATUS_NOMEM. `out` is as before then.
 * Where memory is out within jansson, it may call the text no JSON. */
MUST_USE int otlp_json_to_protobuf(enum otlp_signal signal, struct view text, size_t tree_bytes_max,
                                   struct buf *out, struct otlp_json_error *out_error);

/* For tests. */
struct otlp_json_bounds {
    size_t tree_bytes_max;
    size_t
        whole_bytes_max; /* A larger text is walked over rather than made a tree of as a whole. */
    size_t *
        out_passed_bytes; /* NULL, or set to how many bytes the walk went over, each time counted. */
};

MUST_USE int otlp_json_to_protobuf_by(enum otlp_signal signal, struct view text,
                                      const struct otlp_json_bounds *bounds, struct buf *out,
                                      struct otlp_json_error *out_error);

/* What otlp_json_to_protobuf() takes for a moment, the result included; 0 for what it refuses at once. */
size_t otlp_json_memory(struct view text, size_t tree_bytes_max);

#endif
