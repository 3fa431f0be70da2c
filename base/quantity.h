/* quantity.h: numbers with units, as users write them.
 * Is:         counts (4096), bytes (64MiB, 1GB, 512), durations (10s, 1h30m, 1.5s), ratios (0.25,
 *             25%), read exactly or not at all.
 * Invariants: what is printed is the shortest text in one unit, and reads back to the same number.
 *             No locale plays a part.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_BASE_QUANTITY_H
#define SPANMAP_BASE_QUANTITY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* Each returns: 0; STATUS_INVALID (no such number); STATUS_RANGE (it has no room in the result, or
 * is finer than one byte or nanosecond). */
MUST_USE int quantity_read_count(struct view text, uint64_t *out_count);

/* Units B, kB or KB, MB, GB, TB (powers of 1,000) and KiB, MiB, GiB, TiB; none: bytes. */
MUST_USE int quantity_read_bytes(struct view text, uint64_t *out_bytes);

/* Units h, m, s, ms, us, ns, larger ones first, each at most once. 0 needs no unit. */
MUST_USE int quantity_read_duration(struct view text, uint64_t *out_ns);

/* At most 15 digits, 12 of them behind the point. */
MUST_USE int quantity_read_ratio(struct view text, double *out_ratio);

/* Return: as buf_append(). Bytes are printed in the units of 1,024, or as a number with a B. */
int quantity_print_bytes(uint64_t bytes, struct buf *out);
int quantity_print_duration(uint64_t ns, struct buf *out);
int quantity_print_ratio(double ratio, struct buf *out);

#endif
