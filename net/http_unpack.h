/* http_unpack.h: a body that is held packed, for a reader that wants it plain.
 * Is:         one gzip member, made by ourselves, unpacked while it is sent (zlib).
 * Threads:    one owner at a time.
 * Memory:     HTTP_UNPACK_BYTES beside the gzip, which is borrowed.
 */
#ifndef SPANMAP_NET_HTTP_UNPACK_H
#define SPANMAP_NET_HTTP_UNPACK_H

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

enum { HTTP_UNPACK_BYTES = 48 << 10 };

struct http_unpack;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int http_unpack_new(struct view packed, struct http_unpack **out_unpack);
void http_unpack_free(struct http_unpack *unpack);

/* Appends the next `enough` bytes, or what is left of them.
 * Returns: 0; STATUS_NOMEM; STATUS_INVALID (it is no gzip). */
MUST_USE int http_unpack_next(struct http_unpack *unpack, size_t enough, struct buf *out);

/* Puts the text, which has so many bytes, in the place of its gzip; on failure the gzip stays.
 * Returns: 0; STATUS_NOMEM; STATUS_INVALID (it has not so many). */
MUST_USE int http_unpack_all(struct buf *body, size_t bytes);

#endif
