/* snappy.h: packing in Snappy's block format, as remote write wants it.
 * Threads:    plain function.
 */
#ifndef SPANMAP_EXPORTERS_SNAPPY_H
#define SPANMAP_EXPORTERS_SNAPPY_H

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* Appends. Returns: 0; as buf_reserve(). */
MUST_USE int snappy_pack(struct view from, struct buf *out);

#endif
