/* otlp_message.h: what the readers of one request's parts share, and how parts that nobody reads are
 * gone over.
 * Is:         the place of the first error, the depth limit, what is counted on the way.
 * Invariants: every byte of a request is proved to be well-formed, also where it is not used.
 * Threads:    one decoder's.
 * Memory:     borrows; recursion is bounded by depth_max.
 * Source:     OTLP A28, A32, C14.
 */
#ifndef SPANMAP_RECEIVER_OTLP_MESSAGE_H
#define SPANMAP_RECEIVER_OTLP_MESSAGE_H

#include <stdint.h>

#include "receiver/otlp_wire.h"

/* Messages, as far as their fields are messages themselves. */
enum otlp_message {
    OTLP_SCALAR, /* No message. */
    OTLP_LEAF,   /* A message without messages in it. */
    OTLP_ANY_VALUE,
    OTLP_ARRAY_VALUE,
    OTLP_KEY_VALUE_LIST,
    OTLP_KEY_VALUE,
    OTLP_RESOURCE,
    OTLP_SCOPE,
    OTLP_EVENT,
    OTLP_LINK,
    OTLP_EXEMPLAR,
    OTLP_MESSAGE_COUNT,
};

/* How deep each message stands in a request, which is at depth 1. */
enum otlp_depth {
    OTLP_DEPTH_REQUEST = 1,
    OTLP_DEPTH_RESOURCE_SPANS,
    OTLP_DEPTH_SCOPE_SPANS, /* Resources too. */
    OTLP_DEPTH_SPAN,        /* Scopes, and attributes of resources, too. */
    OTLP_DEPTH_SPAN_FIELD,  /* Attributes, events, links, the status. */
};

struct otlp_reading {
    unsigned depth_max;
    const uint8_t *error_at; /* The element that is wrong. */
    const char *error;       /* NULL: nothing is. */
    const char *warning;     /* The first; NULL: none. */
    uint64_t links_invalid;
    uint64_t links_past_max;
};

/* Notes what is wrong, unless something is already, and returns `status`. */
int otlp_fail(struct otlp_reading *reading, const uint8_t *at, const char *error, int status);

/* The same for a failure of the wire reader, which left `wire` at the place. */
int otlp_fail_wire(struct otlp_reading *reading, const struct wire *wire, int status);

/* Fails for a message that begins at `at` and stands deeper than allowed. */
MUST_USE static inline int otlp_check_depth(struct otlp_reading *reading, const uint8_t *at,
                                            unsigned depth)
{
    return depth <= reading->depth_max
               ? 0
               : otlp_fail(reading, at, "messages are nested too deeply", STATUS_INVALID);
}

/* Warns of a field that has a meaning in profiles only (A32). */
void otlp_note_strindex(struct otlp_reading *reading, enum otlp_message message, uint32_t tag);

/* Goes over one message and all in it.
 * Returns: 0; STATUS_INVALID; STATUS_TRUNCATED. */
MUST_USE int otlp_skim(struct otlp_reading *reading, struct wire wire, enum otlp_message message,
                       unsigned depth);

/* Takes the next field of a message at `depth`. Same results. */
MUST_USE static inline int otlp_next_field(struct otlp_reading *reading, struct wire *wire,
                                           unsigned depth, struct wire_field *out_field)
{
    unsigned depth_left = reading->depth_max > depth ? reading->depth_max - depth : 0;
    int status = wire_field(wire, depth_left, out_field);

    return status != 0 ? otlp_fail_wire(reading, wire, status) : 0;
}

#endif
