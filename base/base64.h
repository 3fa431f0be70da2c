/* base64.h: bytes as text.
 * Threads:    a pure function.
 * Source:     RFC 4648 section 4.
 */
#ifndef SPANMAP_BASE_BASE64_H
#define SPANMAP_BASE_BASE64_H

#include "base/buf.h"
#include "base/view.h"

enum base64_end { BASE64_PADDED, BASE64_BARE };

/* Appends the bytes in base64. What fails is kept in `out->failed`. */
void base64_append(struct view bytes, enum base64_end end, struct buf *out);

#endif
