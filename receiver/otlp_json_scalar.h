/* otlp_json_scalar.h: single values of OTLP/JSON.
 * Threads:    pure functions.
 * Source:     opentelemetry-proto, JSON Protobuf Encoding; OTLP A23, A24, A26.
 */
#ifndef SPANMAP_RECEIVER_OTLP_JSON_SCALAR_H
#define SPANMAP_RECEIVER_OTLP_JSON_SCALAR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"

/* Appends the bytes that hexadecimal digits stand for. An odd number of digits is an id of a wrong
 * length and becomes one. Returns: 0; STATUS_INVALID; as buf_append(). */
MUST_USE int otlp_json_put_hex(struct view digits, struct buf *out);

/* Standard or URL-safe, padded or not. Same results. */
MUST_USE int otlp_json_put_base64(struct view text, struct buf *out);

/* A number without a fraction, or such a number in a string, that fits into `bits` bits; as two's
 * complement of 64 bits. */
bool otlp_json_read_integer(const json_t *value, bool is_signed, unsigned bits,
                            uint64_t *out_number);

/* A 32-bit integer that is no string. */
bool otlp_json_read_enum(const json_t *value, uint64_t *out_number);

/* A number, such a number in a string, or one of the three words for what JSON has no number for.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int otlp_json_read_double(const json_t *value, double *out_number);

/* Why json_loadb() failed: STATUS_NOMEM or STATUS_INVALID. */
int otlp_json_load_status(const json_error_t *error);

#endif
