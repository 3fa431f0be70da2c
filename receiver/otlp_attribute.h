/* otlp_attribute.h: one KeyValue of a span or a resource is offered to its attributes.
 * Threads:    one decoder's.
 * Memory:     what is offered points into the message.
 * Source:     opentelemetry-proto common/v1; OTLP A31, A32.
 */
#ifndef SPANMAP_RECEIVER_OTLP_ATTRIBUTE_H
#define SPANMAP_RECEIVER_OTLP_ATTRIBUTE_H

#include "receiver/otlp_message.h"
#include "topology/attributes.h"

/* `pair` is the KeyValue, which stands at `depth`. Returns: 0; STATUS_INVALID; STATUS_TRUNCATED. */
MUST_USE int otlp_read_attribute(struct otlp_reading *reading, struct wire pair, unsigned depth,
                                 struct attributes *attributes);

/* The same for all attributes that stand at the front of `wire`, each as a field of this tag (of one
 * byte), as long as they are written in the usual way; the others are left for otlp_next_field(). Values
 * may stand as deep as they do. */
void otlp_take_attributes(struct wire *wire, uint8_t tag, struct attributes *attributes);

#endif
