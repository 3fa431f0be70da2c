/* otlp_attribute.c: a key and a short text, a number or a boolean, as every encoder writes them, are
 * known by four bytes. All else goes field by field.
 */
#include "receiver/otlp_attribute.h"

/* Bytes of a KeyValue's and an AnyValue's fields on the wire. */
enum {
    TAG_KEY = WIRE_TAG(1, WIRE_BYTES),
    TAG_VALUE = WIRE_TAG(2, WIRE_BYTES),
    TAG_TEXT = WIRE_TAG(1, WIRE_BYTES),
    TAG_BOOLEAN = WIRE_TAG(2, WIRE_VARINT),
    TAG_NUMBER = WIRE_TAG(3, WIRE_VARINT),
    TAG_DOUBLE = WIRE_TAG(4, WIRE_FIXED64),
    TAG_ARRAY = WIRE_TAG(5, WIRE_BYTES),
    TAG_LIST = WIRE_TAG(6, WIRE_BYTES),
    TAG_BYTES = WIRE_TAG(7, WIRE_BYTES),
};

struct value {
    uint32_t tag; /* Of the member that is set; 0: none. */
    bool is_empty;
    struct view text;
    uint64_t number;
};

static void offer(struct attributes *attributes, struct view key, const struct value *value)
{
    switch (value->tag) {
    case TAG_TEXT:
        attributes_offer_text(attributes, key, value->text);
        break;
    case TAG_BOOLEAN:
        attributes_offer_boolean(attributes, key, value->number != 0);
        break;
    case TAG_NUMBER:
        attributes_offer_number(attributes, key, (int64_t)value->number);
        break;
    default:
        if (value->is_empty)
            attributes_offer_empty(attributes, key);
        else
            attributes_offer_other(attributes, key);
    }
}

/* Of the members of the oneof, the last that came stays; one that is a message is added to. */
static int read_value(struct otlp_reading *reading, struct wire wire, unsigned depth,
                      struct value *value)
{
    int status = otlp_skim(reading, wire, OTLP_ANY_VALUE, depth);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        bool is_empty;
        status = otlp_next_field(reading, &wire, depth, &field);
        if (status != 0)
            break;
        switch (field.tag) {
        case TAG_TEXT:
        case TAG_BYTES:
        case TAG_ARRAY:
        case TAG_LIST:
            is_empty = wire_left(&field.bytes) == 0;
            if (field.tag == value->tag && field.tag != TAG_TEXT && field.tag != TAG_BYTES)
                is_empty = is_empty && value->is_empty;
            *value = (struct value){field.tag, is_empty, wire_view(field.bytes), 0};
            break;
        case TAG_BOOLEAN:
        case TAG_NUMBER:
        case TAG_DOUBLE:
            *value = (struct value){field.tag, false, {NULL, 0}, field.number};
            break;
        default:
            break;
        }
    }
    return status;
}

static int read_slow(struct otlp_reading *reading, struct wire wire, unsigned depth,
                     struct attributes *attributes)
{
    struct view key = {NULL, 0};
    struct value value = {.is_empty = true};
    int status = otlp_check_depth(reading, wire.at, depth);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(reading, &wire, depth, &field);
        if (status != 0)
            break;
        if (field.tag == TAG_KEY)
            key = wire_view(field.bytes);
        else if (field.tag == TAG_VALUE)
            status = read_value(reading, field.bytes, depth + 1, &value);
        else
            otlp_note_strindex(reading, OTLP_KEY_VALUE, field.tag);
    }
    if (status == 0)
        offer(attributes, key, &value);
    return status;
}

int otlp_read_attribute(struct otlp_reading *reading, struct wire pair, unsigned depth,
                        struct attributes *attributes)
{
    const uint8_t *at = pair.at;
    size_t size = wire_left(&pair);
    size_t key_size;
    struct view key;

    if (size < 6 || size > 0x7F || at[0] != TAG_KEY || (key_size = at[1]) > size - 6 ||
        depth >= reading->depth_max)
        return read_slow(reading, pair, depth, attributes);
    key = (struct view){(const char *)at + 2, key_size};
    at += 2 + key_size;
    size -= 4 + key_size; /* Of the value; at least 2. */
    if (at[0] != TAG_VALUE || at[1] != size)
        return read_slow(reading, pair, depth, attributes);
    at += 2;
    if (at[0] == TAG_TEXT && at[1] == size - 2)
        attributes_offer_text(attributes, key, (struct view){(const char *)at + 2, size - 2});
    else if (at[0] == TAG_NUMBER && size == 2 && at[1] < 0x80)
        attributes_offer_number(attributes, key, at[1]);
    else
        return read_slow(reading, pair, depth, attributes);
    return 0;
}
