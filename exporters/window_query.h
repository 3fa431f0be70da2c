/* window_query.h: which time a request asks for.
 * Is:         the words `window`, `at` and `compare` of a query, and the snapshots that they mean.
 * Is not:     the windows themselves (topology/windows.h).
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_WINDOW_QUERY_H
#define SPANMAP_EXPORTERS_WINDOW_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"
#include "topology/windows.h"

/* What windows there are, for whoever answers; without functions: none. */
struct window_source {
    void *context;
    /* Return: as windows_take(), 0; STATUS_UNSUPPORTED (there are none). */
    int (*take)(void *context, const struct window_want *want, struct window_look **out_look);
    int (*reach)(void *context, struct windows_reach *out_reach);
};

/* Sets options.window as the query says, for routes that take none of the other words of a map. On
 * failure out_error has one sentence. Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int window_query_read(struct view query, char out_error[256],
                               struct export_options *options);

/* Whether its words go together. Returns: 0; STATUS_INVALID. */
MUST_USE int window_query_check(const struct export_window *window, char out_error[256]);

/* A look at the window, or at all that is kept. On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID (longer than what is kept, or there are none); STATUS_NOT_FOUND (nothing is
 * kept of that time); STATUS_NOMEM. */
MUST_USE int window_query_look(const struct window_source *source,
                               const struct export_window *window, char out_error[256],
                               struct window_look **out_look);

/* The time that a query's window covers, for what is kept since the start and not in windows; all, where
 * it asks for none. Returns: as window_query_read() and window_query_look(). */
MUST_USE int window_query_time(const struct window_source *source, struct view query,
                               char out_error[256], struct export_time *out_time);

/* The snapshot of the window, and of the one that it is compared with, or NULL.
 * Returns: also STATUS_BUSY. */
MUST_USE int window_query_snapshots(const struct window_source *source,
                                    const struct export_window *window, char out_error[256],
                                    struct snapshot **out_snapshot, struct snapshot **out_before);

#endif
