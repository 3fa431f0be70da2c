/* inflate.h: compressed bytes become plain ones, within bounds.
 * Is:         gzip (all members), zlib and zstd (all frames) of a message that is there in whole.
 * Is not:     for what comes in pieces (inflate_stream.h).
 * Invariants: never more than the given bound comes out, and never more than INFLATE_RATIO_MAX times
 *             what went in once more than INFLATE_FREE_BYTES came out. Checksums are verified.
 * Threads:    pure functions.
 * Memory:     zstd frames may ask for a window of at most 2^INFLATE_WINDOW_LOG bytes.
 * Source:     RFC 1950, 1952, 8878; OTLP A21, C8, C13.
 */
#ifndef SPANMAP_RECEIVER_INFLATE_H
#define SPANMAP_RECEIVER_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

enum { INFLATE_RATIO_MAX = 1000, INFLATE_FREE_BYTES = 1 << 20, INFLATE_WINDOW_LOG = 27 };

enum inflate_format { INFLATE_PLAIN, INFLATE_GZIP, INFLATE_ZLIB, INFLATE_ZSTD };

/* Appends at most `bytes_max` bytes to `out`, which is as before where it fails.
 * Returns: 0; STATUS_INVALID (damaged, or cut short, or bytes behind its end); STATUS_TOO_LARGE
 *          (`bytes_max`, the bound of `out` or the ratio); STATUS_NOMEM. */
MUST_USE int inflate_gzip(struct view in, size_t bytes_max, struct buf *out);
MUST_USE int inflate_zlib(struct view in, size_t bytes_max, struct buf *out);
MUST_USE int inflate_zstd(struct view in, size_t bytes_max, struct buf *out);

/* Any of them but INFLATE_PLAIN. */
MUST_USE int inflate_any(enum inflate_format format, struct view in, size_t bytes_max,
                         struct buf *out);

/* What can come out of so many bytes at most, and no more than `bytes_max`. */
size_t inflate_most(size_t in_size, size_t bytes_max);

/* What may come out of a message: what gzip says itself of its last member, of the others a guess. */
size_t inflate_likely(enum inflate_format format, struct view in);

/* What the first bytes of a file say: gzip, zstd, else plain. */
enum inflate_format inflate_guess(struct view first);

#endif
