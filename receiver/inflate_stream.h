/* inflate_stream.h: compressed bytes that come in pieces become plain ones, in pieces.
 * Is:         the formats of inflate.h, and its guard against a ratio that no honest sender has.
 * Invariants: checksums are verified; what came out before an error is what was packed.
 * Threads:    one owner at a time.
 * Memory:     a window of 32 KiB, with zstd of at most 2^INFLATE_WINDOW_LOG bytes.
 */
#ifndef SPANMAP_RECEIVER_INFLATE_STREAM_H
#define SPANMAP_RECEIVER_INFLATE_STREAM_H

#include "receiver/inflate.h"

struct inflate_stream;

/* Not INFLATE_PLAIN. Returns: 0; STATUS_NOMEM. */
MUST_USE int inflate_stream_new(enum inflate_format format, struct inflate_stream **out_stream);
void inflate_stream_free(struct inflate_stream *stream);

/* Takes bytes off the front of `*in` and writes at most `room` to `out`. Call again with the same
 * `*in` until it is empty and less than `room` came out.
 * Returns: 0; STATUS_INVALID; STATUS_TOO_LARGE (the ratio, or a window); STATUS_NOMEM. */
MUST_USE int inflate_stream_read(struct inflate_stream *stream, struct view *in, char *out,
                                 size_t room, size_t *out_size);

/* At the end of the input. Returns: 0; STATUS_TRUNCATED where a member or frame is not at its end,
 * or there was none. */
MUST_USE int inflate_stream_finish(const struct inflate_stream *stream);

/* What came out so far. */
uint64_t inflate_stream_total(const struct inflate_stream *stream);

#endif
