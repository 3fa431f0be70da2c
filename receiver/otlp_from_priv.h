/* otlp_from_priv.h: what the readers of other systems' JSON share: one span on its way, and its fields
 * in OTLP.
 */
#ifndef SPANMAP_RECEIVER_OTLP_FROM_PRIV_H
#define SPANMAP_RECEIVER_OTLP_FROM_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/proto_write.h"
#include "receiver/otlp_from.h"
#include "receiver/otlp_json_tree.h"
#include "topology/span.h"

/* Field numbers of trace/v1, common/v1 and resource/v1. */
enum {
    REQUEST_RESOURCE_SPANS = 1,
    RESOURCE_SPANS_RESOURCE = 1,
    RESOURCE_SPANS_SCOPE_SPANS = 2,
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_SPANS_SPANS = 2,
    SPAN_TRACE_ID = 1,
    SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_EVENTS = 11,
    SPAN_LINKS = 13,
    SPAN_STATUS = 15,
    EVENT_TIME = 1,
    EVENT_NAME = 2,
    EVENT_ATTRIBUTES = 3,
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    STATUS_MESSAGE = 2,
    STATUS_CODE = 3,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    VALUE_STRING = 1,
    VALUE_BOOL = 2,
    VALUE_INT = 3,
    VALUE_DOUBLE = 4,
    VALUE_BYTES = 7,
};

enum { TRACE_ID_DIGITS = 32, SPAN_ID_DIGITS = 16 };

struct from {
    struct buf *out;
    struct otlp_json_error *error;
    struct otlp_json_path path;
};

/* What the tags of a span say that OTLP has fields for. */
struct from_meaning {
    enum span_kind kind;
    enum span_status status;
    struct view status_message;
    struct view trace_state;
};

/* Steps of the path to what is read; whoever fails leaves them as they are. */
void from_enter(struct from *on, const char *key, size_t index);
void from_leave(struct from *on);
int from_fail(struct from *on, const char *what); /* STATUS_INVALID */

/* The text of `object`'s field `key`; empty where there is none, or null.
 * Returns: 0; STATUS_INVALID. */
MUST_USE int from_text(struct from *on, const json_t *object, const char *key,
                       struct view *out_text);

/* Microseconds in nanoseconds; 0 where there are none. Same results. */
MUST_USE int from_micros(struct from *on, const json_t *object, const char *key, uint64_t *out_ns);

/* The array in `object`'s field `key`; NULL where there is none, or null. Same results. */
MUST_USE int from_array(struct from *on, const json_t *object, const char *key,
                        const json_t **out_array);

/* An id of hexadecimal digits, which stands in the field `key` and which both systems write without leading zeros; nothing for an empty
 * one. Same results. */
MUST_USE int from_write_id(struct from *on, const char *key, uint32_t field, struct view digits,
                           size_t digits_wanted);

void from_write_text_attribute(struct from *on, uint32_t field, struct view key, struct view value);

/* Takes a tag that means a field of OTLP. Whether it was one. */
bool from_take_meaning(struct from_meaning *meaning, struct view key, struct view value);

void from_write_meaning(struct from *on, const struct from_meaning *meaning);

/* Begins a document with its tree; ends it, whatever `status` says of what is between. */
MUST_USE int from_begin(struct from *on, struct view text, size_t tree_bytes_max,
                        json_t **out_root);
MUST_USE int from_end(struct from *on, struct view text, json_t *root, size_t begin, int status);

#endif
