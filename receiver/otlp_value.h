/* otlp_value.h: an AnyValue as text, for labels.
 * Is:         OpenTelemetry's representation of AnyValue outside of OTLP: a text as it is, numbers and
 *             booleans as in JSON, bytes in base64, lists and maps as JSON.
 * Invariants: equal messages give equal texts.
 * Threads:    a pure function.
 * Source:     opentelemetry-specification common/README.md, "AnyValue representation for non-OTLP
 *             protocols"; RFC 8259, RFC 4648 section 4.
 */
#ifndef SPANMAP_RECEIVER_OTLP_VALUE_H
#define SPANMAP_RECEIVER_OTLP_VALUE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/view.h"

/* Whether it is a string, whatever fields stand beside that member; then `out_text` is where it is. */
bool otlp_value_is_text(struct view value, struct view *out_text);

/* Appends the text of one AnyValue, whose bytes were found to be well-formed before; nothing for an
 * empty one. The text is cut soon after `size_max` bytes. Returns: as buf_append(). */
int otlp_value_text(struct view value, size_t size_max, struct buf *out);

#endif
