/* otlp_write.c: one byte is kept for a length; what follows is moved where it needs more. */
#include "receiver/otlp_write.h"

#include <string.h>

#include "receiver/otlp_wire.h"

enum { VARINT_SIZE_MAX = 10, FIXED64_SIZE = 8 };

void otlp_write_number(struct buf *out, uint64_t number)
{
    uint8_t bytes[VARINT_SIZE_MAX];

    (void)buf_append(out, bytes, wire_put_varint(bytes, number));
}

void otlp_write_fixed(struct buf *out, uint64_t number, size_t size)
{
    uint8_t bytes[FIXED64_SIZE];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    (void)buf_append(out, bytes, size);
}

void otlp_write_varint(struct buf *out, uint32_t field, uint64_t number)
{
    otlp_write_number(out, WIRE_TAG(field, WIRE_VARINT));
    otlp_write_number(out, number);
}

void otlp_write_fixed64(struct buf *out, uint32_t field, uint64_t number)
{
    otlp_write_number(out, WIRE_TAG(field, WIRE_FIXED64));
    otlp_write_fixed(out, number, FIXED64_SIZE);
}

void otlp_write_double(struct buf *out, uint32_t field, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    otlp_write_fixed64(out, field, bits);
}

void otlp_write_bytes(struct buf *out, uint32_t field, struct view bytes)
{
    otlp_write_number(out, WIRE_TAG(field, WIRE_BYTES));
    otlp_write_number(out, bytes.size);
    (void)buf_append_view(out, bytes);
}

size_t otlp_write_begin(struct buf *out, uint32_t field)
{
    otlp_write_number(out, WIRE_TAG(field, WIRE_BYTES));
    return otlp_write_begin_length(out);
}

size_t otlp_write_begin_length(struct buf *out)
{
    (void)buf_append_byte(out, 0);
    return out->size;
}

void otlp_write_end(struct buf *out, size_t begin)
{
    uint8_t bytes[VARINT_SIZE_MAX];
    size_t length;
    size_t size;

    if (out->failed != 0)
        return;
    length = out->size - begin;
    size = wire_put_varint(bytes, length);
    if (size > 1) {
        if (buf_append(out, bytes, size - 1) != 0) /* Only makes room. */
            return;
        memmove(out->data + begin + size - 1, out->data + begin, length);
    }
    memcpy(out->data + begin - 1, bytes, size);
}
