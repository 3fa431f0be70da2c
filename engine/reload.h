/* reload.h: which options change while spanmap runs.
 * Is:         a comparison of two configurations, and the taking over of what may change.
 * Is not:     the reading of a file (engine/config.h), or its effect on what runs (service.h).
 * Invariants: only rows marked `reloads` change, and those are plain values.
 * Threads:    pure but for the object that changes.
 */
#ifndef SPANMAP_ENGINE_RELOAD_H
#define SPANMAP_ENGINE_RELOAD_H

#include "base/buf.h"
#include "base/status.h"
#include "engine/options.h"

/* Appends the keys whose values differ, with spaces between them: those that take effect while
 * running, and those that wait for the next start. Returns: 0; STATUS_NOMEM. */
MUST_USE int reload_compare(const struct options *now, const struct options *fresh,
                            struct buf *out_taken, struct buf *out_left);

/* Gives `into` the values of `from` that take effect while running. */
void reload_take(struct options *into, const struct options *from);

#endif
