/* drawings.h: the last drawings, so that many who look at one map cost one drawing.
 * Is:         a small cache by exporter and options, and a gate that lets a few draw at once.
 * Is not:     a cache of snapshots: it keeps none, and no drawing that is much older than the newest.
 * Invariants: at most DRAWINGS_AT_ONCE draw and as many wait; who comes on top of that gets an older
 *             drawing of the same, or STATUS_BUSY.
 * Threads:    drawings_get() on any; one lock, which is not held while anybody draws.
 * Memory:     DRAWINGS_KEPT drawings of together at most DRAWINGS_BYTES_MAX.
 */
#ifndef SPANMAP_EXPORTERS_DRAWINGS_H
#define SPANMAP_EXPORTERS_DRAWINGS_H

#include "base/buf.h"
#include "base/status.h"
#include "exporters/exporter.h"

enum {
    DRAWINGS_AT_ONCE = 2,
    DRAWINGS_KEPT = 8,
    DRAWINGS_BYTES_MAX = 16 << 20,
};

struct drawings;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int drawings_new(struct drawings **out_drawings);
void drawings_free(struct drawings *drawings);

/* As exporter->render(), from the cache where it can be.
 * Returns also: STATUS_BUSY (others draw; ask again). */
MUST_USE int drawings_get(struct drawings *drawings, const struct exporter *exporter,
                          const struct export_input *input, char out_error[256], struct buf *out);

#endif
