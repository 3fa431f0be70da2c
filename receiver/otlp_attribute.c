/* otlp_attribute.c: a key and a text, a number or a boolean, as every encoder writes them, are known by
 * a few bytes, and its key by a look-up of its own. All else goes field by field.
 */
#include "receiver/otlp_attribute.h"

#include <string.h>

#include "topology/attribute_names.h"

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
    struct view whole; /* The AnyValue; of several that are merged, the last. */
};

static struct attribute_dimension dimension_of(const struct value *value)
{
    if (value->tag == TAG_TEXT)
        return (struct attribute_dimension){value->text, true};
    return (struct attribute_dimension){value->is_empty ? (struct view){NULL, 0} : value->whole,
                                        false};
}

static void offer(struct attributes *attributes, struct view key, const struct value *value)
{
    double real;

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
    case TAG_DOUBLE:
        memcpy(&real, &value->number, sizeof(real));
        attributes_offer_real(attributes, key, real);
        break;
    default:
        if (value->is_empty)
            attributes_offer_empty(attributes, key);
        else
            attributes_offer_other(attributes, key);
    }
    if (attributes->dimensions != NULL)
        attributes_offer_dimension(attributes, key, dimension_of(value));
}

/* Of the members of the oneof, the last that came stays; one that is a message is added to. */
static int read_value(struct otlp_reading *reading, struct wire wire, unsigned depth,
                      struct value *value)
{
    int status = otlp_skim(reading, wire, OTLP_ANY_VALUE, depth);
    struct view whole = wire_view(wire);

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
            *value = (struct value){field.tag, is_empty, wire_view(field.bytes), 0, whole};
            break;
        case TAG_BOOLEAN:
        case TAG_NUMBER:
        case TAG_DOUBLE:
            *value = (struct value){field.tag, false, {NULL, 0}, field.number, whole};
            break;
        default:
            break;
        }
    }
    return status;
}

/* A value of which nothing but its one member is there. */
static bool take_usual(struct attributes *attributes, struct view key, struct wire wire)
{
    struct value value = {.tag = *wire.at, .whole = wire_view(wire)};
    struct wire text;

    if (value.tag == TAG_TEXT) {
        if (!wire_short_bytes(&wire, &text))
            return false;
        value.text = wire_view(text);
    } else {
        wire.at++;
        if ((value.tag != TAG_NUMBER && value.tag != TAG_BOOLEAN) ||
            wire_varint(&wire, &value.number) != 0)
            return false;
    }
    if (wire_left(&wire) != 0)
        return false;
    offer(attributes, key, &value);
    return true;
}

/* A key, then a value, and nothing else. False: another form, of which nothing was offered. */
static bool read_usual(struct wire pair, struct attributes *attributes)
{
    struct wire key;
    struct wire value;

    return wire_left(&pair) > 2 && *pair.at == TAG_KEY && wire_short_bytes(&pair, &key) &&
           wire_left(&pair) > 2 && *pair.at == TAG_VALUE && wire_short_bytes(&pair, &value) &&
           wire_left(&pair) == 0 && wire_left(&value) != 0 &&
           take_usual(attributes, wire_view(key), value);
}

/* A varint that ends at `end`, and is not so long that it could overflow. */
static inline bool read_number(const uint8_t *at, const uint8_t *end, uint64_t *out_number)
{
    uint64_t number = *at & 0x7F;

    for (unsigned shift = 7; *at++ >= 0x80; shift += 7) {
        if (at == end || shift > 56)
            return false;
        number |= (uint64_t)(*at & 0x7F) << shift;
    }
    *out_number = number;
    return at == end;
}

/* The same as read_usual() for a wanted attribute of a usual type that comes first, and for one that says
 * nothing, if it has less than 128 bytes and its key has some length, so that all lengths in it have
 * one byte: they are right if they add up. At least 8 bytes are there.
 *
 *   tag  size  TAG_KEY  key's size  key ...  TAG_VALUE  value's size  tag of a member  ...
 *
 * Returns: how many bytes it has; 0: another form, or value, and nothing was done. */
static inline size_t take_short(const uint8_t *at, size_t left, struct attributes *attributes)
{
    size_t size = at[1];
    size_t key_size = at[3];
    const char *key = (const char *)at + 4;
    const uint8_t *value = at + 4 + key_size;
    const struct attribute_name *name;

    if (size >= 0x80 || at[2] != TAG_KEY || key_size < ATTRIBUTE_NAME_SIZE_MIN || size > left - 2 ||
        key_size + 6 > size || value[0] != TAG_VALUE || key_size + 4 + value[1] != size)
        return 0;
    name = attribute_name_find(key, key_size);
    if (name == NULL && attribute_name_may_tell(key))
        return 0;
    if (value[2] == TAG_TEXT) {
        struct view text = {(const char *)value + 4, value[3]};
        if (key_size + 6 + text.size != size || text.size == 0 ||
            (name != NULL && !attributes_take_text(attributes, name, text)))
            return 0;
    } else {
        uint64_t number;
        if (value[2] != TAG_NUMBER || !read_number(value + 3, at + 2 + size, &number) ||
            (name != NULL && !attributes_take_number(attributes, name, (int64_t)number)))
            return 0;
    }
    return 2 + size;
}

void otlp_read_usual_attributes(const struct otlp_reading *reading, struct wire *wire, uint8_t tag,
                                unsigned depth, struct attributes *attributes)
{
    const uint8_t *at = wire->at;
    const uint8_t *end = wire->end;
    bool has_dimensions = attributes->dimensions != NULL; /* For which any key may be wanted. */

    if (depth >= reading->depth_max)
        return; /* The value stands one deeper. */
    while (at != end && *at == tag) {
        size_t left = (size_t)(end - at);
        size_t size = left >= 8 && !has_dimensions ? take_short(at, left, attributes) : 0;
        struct wire rest = {at, end};
        struct wire pair;
        if (size != 0) {
            at += size;
            continue;
        }
        if (!wire_short_bytes(&rest, &pair) || !read_usual(pair, attributes))
            break;
        at = rest.at;
    }
    wire->at = at;
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
    return depth < reading->depth_max && read_usual(pair, attributes)
               ? 0
               : read_slow(reading, pair, depth, attributes);
}
