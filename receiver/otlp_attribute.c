/* otlp_attribute.c: a key and a text, a number or a boolean, as every encoder writes them, are known by
 * a few bytes, and a key that nobody wants costs a look at its length and first letter. All else goes
 * field by field.
 */
#include "receiver/otlp_attribute.h"

#include <string.h>

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

/* A wanted attribute with a text or, else, with a number or a boolean. `whole` is its value. */
static inline void offer_text(struct attributes *attributes, struct view key, struct view text)
{
    attributes_offer_text(attributes, key, text);
    if (attributes->dimensions != NULL)
        attributes_offer_dimension(attributes, key, (struct attribute_dimension){text, true});
}

static inline void offer_number(struct attributes *attributes, struct view key, uint8_t tag,
                                uint64_t number, struct view whole)
{
    if (tag == TAG_NUMBER)
        attributes_offer_number(attributes, key, (int64_t)number);
    else
        attributes_offer_boolean(attributes, key, number != 0);
    if (attributes->dimensions != NULL)
        attributes_offer_dimension(attributes, key, (struct attribute_dimension){whole, false});
}

/* A value of which nothing but its one member is there. */
static inline bool offer_usual(struct attributes *attributes, const uint32_t *filter,
                               struct view key, struct wire value)
{
    struct view whole = wire_view(value);
    uint8_t tag = *value.at;
    struct wire text;
    uint64_t number = 0;

    if (tag == TAG_TEXT) {
        if (!wire_short_bytes(&value, &text) || wire_left(&value) != 0)
            return false;
        if (attributes_wants(filter, key))
            offer_text(attributes, key, wire_view(text));
        return true;
    }
    value.at++;
    if ((tag != TAG_NUMBER && tag != TAG_BOOLEAN) || wire_varint(&value, &number) != 0 ||
        wire_left(&value) != 0)
        return false;
    if (attributes_wants(filter, key))
        offer_number(attributes, key, tag, number, whole);
    return true;
}

/* A key, then a value, and nothing else. False: another form, of which nothing was offered. */
static bool read_usual(struct wire pair, const uint32_t *filter, struct attributes *attributes)
{
    struct wire key;
    struct wire value;

    return wire_left(&pair) > 2 && *pair.at == TAG_KEY && wire_short_bytes(&pair, &key) &&
           wire_left(&pair) > 2 && *pair.at == TAG_VALUE && wire_short_bytes(&pair, &value) &&
           wire_left(&pair) == 0 && wire_left(&value) != 0 &&
           offer_usual(attributes, filter, wire_view(key), value);
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

/* The same as read_usual() for a pair of `size` bytes, 6 to 127, so that all lengths in it have one
 * byte: they are right if they add up. */
static inline bool read_short(const uint8_t *at, size_t size, const uint32_t *filter,
                              struct attributes *attributes)
{
    size_t key_size = at[1];
    const uint8_t *value = at + 2 + key_size;
    struct view key = {(const char *)at + 2, key_size};
    uint64_t number;

    if (at[0] != TAG_KEY || key_size + 6 > size || value[0] != TAG_VALUE ||
        key_size + 4 + value[1] != size)
        return false;
    if (value[2] == TAG_TEXT) {
        if (value[3] + 2 != value[1])
            return false;
        if (attributes_wants(filter, key))
            offer_text(attributes, key, (struct view){(const char *)value + 4, value[3]});
        return true;
    }
    if ((value[2] != TAG_NUMBER && value[2] != TAG_BOOLEAN) ||
        !read_number(value + 3, at + size, &number))
        return false;
    if (attributes_wants(filter, key))
        offer_number(attributes, key, value[2], number,
                     (struct view){(const char *)value + 2, value[1]});
    return true;
}

/* One attribute at the front; where the next one begins, or NULL: another form. */
static inline const uint8_t *read_one(const uint8_t *at, const uint8_t *end, const uint32_t *filter,
                                      struct attributes *attributes)
{
    size_t left = (size_t)(end - at);
    struct wire rest = {at, end};
    struct wire pair;

    if (left >= 8 && at[1] >= 6 && at[1] < 0x80 && at[1] <= left - 2 &&
        read_short(at + 2, at[1], filter, attributes))
        return at + 2 + at[1];
    return wire_short_bytes(&rest, &pair) && read_usual(pair, filter, attributes) ? rest.at : NULL;
}

void otlp_read_usual_attributes(const struct otlp_reading *reading, struct wire *wire, uint8_t tag,
                                unsigned depth, struct attributes *attributes)
{
    const uint32_t *filter = attributes_filter(attributes);
    const uint8_t *at = wire->at;

    if (depth >= reading->depth_max)
        return; /* The value stands one deeper. */
    for (const uint8_t *next = at; next != NULL;) {
        at = next;
        next = at != wire->end && *at == tag ? read_one(at, wire->end, filter, attributes) : NULL;
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
    return depth < reading->depth_max && read_usual(pair, attributes_filter(attributes), attributes)
               ? 0
               : read_slow(reading, pair, depth, attributes);
}
