/* moment.h: times as users write them.
 * Is:         2026-11-25T22:40:00Z, also with a fraction or an offset (RFC 3339); Unix seconds such as
 *             1795646400 or 1795646400.5; or -10m, which is that long before another time.
 * Invariants: what is printed reads back to the same second.
 * Threads:    pure functions; no locale or time zone plays a part.
 */
#ifndef SPANMAP_EXPORTERS_MOMENT_H
#define SPANMAP_EXPORTERS_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"

struct moment {
    uint64_t ns; /* Since 1970; or how long before. Both 0: none. */
    bool is_ago;
};

/* Returns: 0; STATUS_INVALID. */
MUST_USE int moment_read(struct view text, struct moment *out_moment);

/* The time that it is, where `now` is what it is counted back from; at least 1 ns after 1970. */
struct wall_time moment_at(const struct moment *moment, struct wall_time now);

/* As RFC 3339 with whole seconds, in UTC. Returns: as buf_append(). */
int moment_print(struct wall_time time, struct buf *out);

#endif
