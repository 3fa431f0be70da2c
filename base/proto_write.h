/* proto_write.h: protobuf messages written field by field.
 * Is:         tags, numbers, texts, and messages in messages, whose length stands before them and is
 *             known after them.
 * Is not:     a knowledge of any message.
 * Invariants: what fails is kept in `out->failed` (base/buf.h) and looked at once, at the end.
 * Threads:    one owner at a time.
 * Source:     protobuf.dev/programming-guides/encoding
 */
#ifndef SPANMAP_BASE_PROTO_WRITE_H
#define SPANMAP_BASE_PROTO_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"

enum { PROTO_VARINT_SIZE_MAX = 10 };

/* The number of bytes written. */
static inline size_t proto_put_varint(uint8_t out[PROTO_VARINT_SIZE_MAX], uint64_t number)
{
    size_t size = 0;

    for (; number >= 0x80; number >>= 7)
        out[size++] = (uint8_t)(number | 0x80);
    out[size++] = (uint8_t)number;
    return size;
}

void proto_write_varint(struct buf *out, uint32_t field, uint64_t number);
void proto_write_fixed64(struct buf *out, uint32_t field, uint64_t number);
void proto_write_double(struct buf *out, uint32_t field, double number);
void proto_write_bytes(struct buf *out, uint32_t field, struct view bytes);

/* Fields of type sint32 and sint64. */
void proto_write_zigzag(struct buf *out, uint32_t field, int64_t number);

/* Without a tag: of a field that was begun otherwise, or of a packed one. `size` is 4 or 8. */
void proto_write_number(struct buf *out, uint64_t number);
void proto_write_fixed(struct buf *out, uint64_t number, size_t size);

/* A message, or bytes that are appended meanwhile. Returns where they begin, for proto_write_end(); before
 * it one byte is kept for their length. */
size_t proto_write_begin(struct buf *out, uint32_t field);
size_t proto_write_begin_length(struct buf *out); /* The same behind a tag that is there. */
void proto_write_end(struct buf *out, size_t begin);

#endif
