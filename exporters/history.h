/* history.h: how an edge or a node did over a window, as JSON of the API.
 * Is:         {"window": {...}, "step_seconds": n, "points": [{"start_unix_nano", "covered_seconds",
 *             "requests", "failed", "requests_per_second", "client_seconds", "server_seconds"}, ...]}, of
 *             a node "seconds" in place of the last two.
 * Invariants: points are in order, at most HISTORY_POINTS_MAX and some; together they have what the map
 *             of the window says of it. A point is as long as `covered_seconds` says: the first and the last
 *             one may be shorter than the step.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_HISTORY_H
#define SPANMAP_EXPORTERS_HISTORY_H

#include "exporters/exporter.h"
#include "topology/windows.h"

enum { HISTORY_POINTS_MAX = 120 };

/* Of options.subject, as in examples.h, whose id is looked up in input's snapshot: what was idle in the
 * window has points of nothing. On failure out_error has one sentence and `out` is as before.
 * Returns: 0; STATUS_INVALID (no id was given); STATUS_NOT_FOUND (no such node); STATUS_BUSY (others have
 * the memory); STATUS_TOO_LARGE; STATUS_NOMEM. */
int history_render(const struct export_input *input, const struct window_look *look,
                   char out_error[256], struct buf *out);

#endif
