/* otlp_wire.c: the parts of the reader that are seldom on the way of a span. */
#include "receiver/otlp_wire.h"

enum { VARINT_SIZE_MAX = 10, TAG_SIZE_MAX = 5 };

int wire_varint_slow(struct wire *wire, uint64_t *out_number)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < VARINT_SIZE_MAX; i++) {
        if (wire->at + i >= wire->end)
            return STATUS_TRUNCATED;
        number |= (uint64_t)(wire->at[i] & 0x7F) << (7 * i);
        if (wire->at[i] < 0x80) {
            wire->at += i + 1;
            *out_number = number;
            return 0;
        }
    }
    return STATUS_INVALID;
}

int wire_tag(struct wire *wire, uint32_t *out_tag)
{
    const uint8_t *begin = wire->at;
    uint64_t tag = 0;
    int status = wire_varint(wire, &tag);

    if (status != 0)
        return status;
    if (wire->at - begin > TAG_SIZE_MAX || tag > UINT32_MAX || tag >> 3 == 0 || (tag & 7) > 5) {
        wire->at = begin;
        return STATUS_INVALID;
    }
    *out_tag = (uint32_t)tag;
    return 0;
}

/* What follows a tag that is no group's. */
static int read_value(struct wire *wire, uint32_t tag, struct wire_field *out_field)
{
    out_field->tag = tag;
    switch ((enum wire_type)(tag & 7)) {
    case WIRE_VARINT:
        return wire_varint(wire, &out_field->number);
    case WIRE_FIXED64:
        if (wire_left(wire) < 8)
            return STATUS_TRUNCATED;
        out_field->number = wire_load64(wire->at);
        wire->at += 8;
        return 0;
    case WIRE_BYTES:
        return wire_bytes(wire, &out_field->bytes);
    case WIRE_FIXED32:
        if (wire_left(wire) < 4)
            return STATUS_TRUNCATED;
        out_field->number = wire_load32(wire->at);
        wire->at += 4;
        return 0;
    case WIRE_GROUP:
    case WIRE_GROUP_END:
        break;
    }
    return STATUS_INVALID;
}

/* Goes over a group whose tag was read, to behind its end. */
static int skip_group(struct wire *wire, uint32_t tag, unsigned depth_left)
{
    for (;;) {
        const uint8_t *begin = wire->at;
        struct wire_field field;
        uint32_t inner = 0;
        int status = wire_tag(wire, &inner);
        if (status != 0)
            return status;
        if ((inner & 7) == WIRE_GROUP_END) {
            if (inner >> 3 == tag >> 3)
                return 0;
            wire->at = begin;
            return STATUS_INVALID;
        }
        if ((inner & 7) != WIRE_GROUP)
            status = read_value(wire, inner, &field);
        else if (depth_left != 0)
            status = skip_group(wire, inner, depth_left - 1);
        else
            status = STATUS_INVALID;
        if (status != 0)
            return status;
    }
}

int wire_field_slow(struct wire *wire, unsigned depth_left, struct wire_field *out_field)
{
    const uint8_t *begin = wire->at;
    uint32_t tag = 0;
    int status = wire_tag(wire, &tag);

    if (status != 0)
        return status;
    if ((tag & 7) == WIRE_GROUP) {
        out_field->tag = tag;
        if (depth_left == 0)
            return STATUS_INVALID;
        return skip_group(wire, tag, depth_left - 1);
    }
    status = read_value(wire, tag, out_field);
    if ((tag & 7) == WIRE_GROUP_END)
        wire->at = begin;
    return status;
}
