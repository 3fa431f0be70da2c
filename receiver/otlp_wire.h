/* otlp_wire.h: the protobuf wire format, read in place.
 * Is:         a cursor over bytes that takes one field, varint or length off its front; and how a
 *             varint is written.
 * Is not:     a knowledge of any message (otlp_trace.h).
 * Invariants: at <= end; after a failure the cursor stands at the element that is wrong.
 * Threads:    plain data.
 * Memory:     borrows; never allocates; groups are the only recursion and are bounded by a depth.
 * Source:     protobuf.dev/programming-guides/encoding; OTLP A28.
 */
#ifndef SPANMAP_RECEIVER_OTLP_WIRE_H
#define SPANMAP_RECEIVER_OTLP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/view.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_GROUP = 3,
    WIRE_GROUP_END = 4,
    WIRE_FIXED32 = 5,
};

/* A field's number and wire type as the number that stands on the wire. */
#define WIRE_TAG(field, type) ((uint32_t)(field) << 3 | (uint32_t)(type))

struct wire {
    const uint8_t *at;
    const uint8_t *end;
};

struct wire_field {
    uint32_t tag;      /* WIRE_TAG() */
    uint64_t number;   /* WIRE_VARINT, WIRE_FIXED64, WIRE_FIXED32 */
    struct wire bytes; /* WIRE_BYTES; of a group nothing is kept. */
};

static inline struct wire wire_of(struct view view)
{
    const uint8_t *at = (const uint8_t *)(view.size != 0 ? view.data : "");

    return (struct wire){at, at + view.size};
}

static inline struct view wire_view(struct wire wire)
{
    return (struct view){(const char *)wire.at, (size_t)(wire.end - wire.at)};
}

static inline size_t wire_left(const struct wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

static inline uint64_t wire_load64(const uint8_t *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof(number));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    number = __builtin_bswap64(number);
#endif
    return number;
}

static inline uint32_t wire_load32(const uint8_t *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    number = __builtin_bswap32(number);
#endif
    return number;
}

/* All return 0; STATUS_TRUNCATED where the bytes end inside the element; STATUS_INVALID. */

/* At most 10 bytes; bits past the 64th are dropped, as other readers do. */
MUST_USE int wire_varint_slow(struct wire *wire, uint64_t *out_number);

MUST_USE static inline int wire_varint(struct wire *wire, uint64_t *out_number)
{
    if (wire->at < wire->end && *wire->at < 0x80) {
        *out_number = *wire->at++;
        return 0;
    }
    return wire_varint_slow(wire, out_number);
}

/* A field's tag: at most 5 bytes and 32 bits, a field number above 0, a wire type that exists. */
MUST_USE int wire_tag(struct wire *wire, uint32_t *out_tag);

/* A length and as many bytes. */
MUST_USE static inline int wire_bytes(struct wire *wire, struct wire *out_bytes)
{
    const uint8_t *begin = wire->at;
    uint64_t size = 0;
    int status = wire_varint(wire, &size);

    if (status != 0)
        return status;
    if (size > wire_left(wire)) {
        wire->at = begin;
        return STATUS_TRUNCATED;
    }
    out_bytes->at = wire->at;
    out_bytes->end = wire->at + size;
    wire->at += size;
    return 0;
}

/* A short field of bytes at the front, as most are: a tag of one byte, a length of one or two. False
 * where it is anything else, right or wrong, for which wire_field() is there. */
static inline bool wire_short_bytes(struct wire *wire, struct wire *out_bytes)
{
    const uint8_t *at = wire->at;
    size_t left = wire_left(wire);
    size_t head = 2;
    size_t size;

    if (left < 2)
        return false;
    size = at[1];
    if (size >= 0x80) {
        if (left < 3 || at[2] >= 0x80)
            return false;
        size = (size & 0x7F) | (size_t)at[2] << 7;
        head = 3;
    }
    if (size > left - head)
        return false;
    out_bytes->at = at + head;
    out_bytes->end = at + head + size;
    wire->at += head + size;
    return true;
}

/* The next field, whatever it is. Groups are gone over, nested `depth_left` deep. A stray end of a
 * group is invalid. Call while wire_left() is above 0. */
MUST_USE int wire_field_slow(struct wire *wire, unsigned depth_left, struct wire_field *out_field);

MUST_USE static inline int wire_field(struct wire *wire, unsigned depth_left,
                                      struct wire_field *out_field)
{
    uint8_t tag = *wire->at;

    if ((tag & 0x87) == WIRE_BYTES && tag > 7 && wire_short_bytes(wire, &out_field->bytes)) {
        out_field->tag = tag;
        return 0;
    }
    return wire_field_slow(wire, depth_left, out_field);
}

#endif
