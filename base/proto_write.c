/* proto_write.c: one byte is kept for a length; what follows is moved where it needs more. */
#include "base/proto_write.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED64_SIZE = 8 };

static void write_tag(struct buf *out, uint32_t field, uint32_t type)
{
    proto_write_number(out, (uint64_t)field << 3 | type);
}

void proto_write_number(struct buf *out, uint64_t number)
{
    uint8_t bytes[PROTO_VARINT_SIZE_MAX];

    (void)buf_append(out, bytes, proto_put_varint(bytes, number));
}

void proto_write_fixed(struct buf *out, uint64_t number, size_t size)
{
    uint8_t bytes[FIXED64_SIZE];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    (void)buf_append(out, bytes, size);
}

void proto_write_varint(struct buf *out, uint32_t field, uint64_t number)
{
    write_tag(out, field, VARINT);
    proto_write_number(out, number);
}

void proto_write_zigzag(struct buf *out, uint32_t field, int64_t number)
{
    proto_write_varint(out, field, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

void proto_write_fixed64(struct buf *out, uint32_t field, uint64_t number)
{
    write_tag(out, field, FIXED64);
    proto_write_fixed(out, number, FIXED64_SIZE);
}

void proto_write_double(struct buf *out, uint32_t field, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    proto_write_fixed64(out, field, bits);
}

void proto_write_bytes(struct buf *out, uint32_t field, struct view bytes)
{
    write_tag(out, field, BYTES);
    proto_write_number(out, bytes.size);
    (void)buf_append_view(out, bytes);
}

size_t proto_write_begin(struct buf *out, uint32_t field)
{
    write_tag(out, field, BYTES);
    return proto_write_begin_length(out);
}

size_t proto_write_begin_length(struct buf *out)
{
    (void)buf_append_byte(out, 0);
    return out->size;
}

void proto_write_end(struct buf *out, size_t begin)
{
    uint8_t bytes[PROTO_VARINT_SIZE_MAX];
    size_t length;
    size_t size;

    if (out->failed != 0)
        return;
    length = out->size - begin;
    size = proto_put_varint(bytes, length);
    if (size > 1) {
        if (buf_append(out, bytes, size - 1) != 0) /* Only makes room. */
            return;
        memmove(out->data + begin + size - 1, out->data + begin, length);
    }
    memcpy(out->data + begin - 1, bytes, size);
}
