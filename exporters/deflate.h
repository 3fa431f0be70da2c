/* deflate.h: gzip for answers.
 * Is:         one whole text in, one whole gzip member out (libdeflate).
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_DEFLATE_H
#define SPANMAP_EXPORTERS_DEFLATE_H

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* Fast is for what is written once and read once. */
enum deflate_effort { DEFLATE_FAST = 1, DEFLATE_WELL = 6 };

/* Appends `text` as gzip; equal texts give equal bytes. Returns: 0; else as buf_append(). */
MUST_USE int deflate_gzip(struct view text, enum deflate_effort effort, struct buf *out);

#endif
