/* otlp_json_scan.h: what can be said of JSON text before a tree is made of it.
 * Is:         its depth, what jansson's tree of it will take, and where a path leads to.
 * Is not:     a judgement whether it is JSON: jansson does that, on the same bytes.
 * Threads:    pure functions.
 * Memory:     none.
 * Source:     OTLP C16.
 */
#ifndef SPANMAP_RECEIVER_OTLP_JSON_SCAN_H
#define SPANMAP_RECEIVER_OTLP_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* Nested objects and arrays. A request of OTLP's own depth limit of 64 messages stays below it. */
enum { OTLP_JSON_DEPTH_MAX = 128 };

/* On failure `out_offset` is where it went too deep.
 * Returns: 0; STATUS_INVALID: deeper than OTLP_JSON_DEPTH_MAX. */
MUST_USE int otlp_json_scan(struct view text, size_t *out_tree_bytes, size_t *out_offset);

/* Behind the string whose opening quotation mark is at `at`; behind spaces; behind the value, by its
 * brackets, whose kinds are not looked at. At most text.size. */
size_t otlp_json_skip_string(struct view text, size_t at);
size_t otlp_json_skip_space(struct view text, size_t at);
size_t otlp_json_skip_value(struct view text, size_t at);

/* Copies the text with each integer of 19 digits or more in quotation marks, for jansson reads none
 * beyond 2^63, and OTLP lets a 64-bit integer be a string.
 * Returns: as buf_append(). */
MUST_USE int otlp_json_quote_integers(struct view text, struct buf *out);

/* Which offset in `text` became `offset` in the copy. */
size_t otlp_json_unquoted_offset(struct view text, size_t offset);

/* One step from a value to a value in it. */
struct otlp_json_step {
    const char *key; /* NULL: an array's element. */
    size_t index;
};

/* Where the value stands that the steps lead to, in text that is valid JSON; of a key that was told
 * twice the last. Where the path leaves the text: the last value that it reached. */
size_t otlp_json_locate(struct view text, const struct otlp_json_step *steps, size_t count);

#endif
