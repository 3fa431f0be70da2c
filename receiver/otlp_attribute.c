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
        if (!attributes_wants(filter, key))
            return true;
        attributes_offer_text(attributes, key, wire_view(text));
        if (attributes->dimensions != NULL)
            attributes_offer_dimension(attributes, key,
                                       (struct attribute_dimension){wire_view(text), true});
        return true;
    }
    value.at++;
    if ((tag != TAG_NUMBER && tag != TAG_BOOLEAN) || wire_varint(&value, &number) != 0 ||
        wire_left(&value) != 0)
        return false;
    if (!attributes_wants(filter, key))
        return true;
    if (tag == TAG_NUMBER)
        attributes_offer_number(attributes, key, (int64_t)number);
    else
        attributes_offer_boolean(attributes, key, number != 0);
    if (attributes->dimensions != NULL)
        attributes_offer_dimension(attributes, key, (struct attribute_dimension){whole, false});
    return true;
}

/* A key, then a value, and nothing else. False: another form, of which nothing was offered. */
static inline bool read_usual(struct wire pair, const uint32_t *filter,
                              struct attributes *attributes)
{
    struct wire key;
    struct wire value;

    return wire_left(&pair) > 2 && *pair.at == TAG_KEY && wire_short_bytes(&pair, &key) &&
           wire_left(&pair) > 2 && *pair.at == TAG_VALUE && wire_short_bytes(&pair, &value) &&
           wire_left(&pair) == 0 && wire_left(&value) != 0 &&
           offer_usual(attributes, filter, wire_view(key), value);
}

void otlp_read_usual_attributes(const struct otlp_reading *reading, struct wire *wire, uint8_t tag,
                                unsigned depth, struct attributes *attributes)
{
    const uint32_t *filter = attributes_filter(attributes);

    if (depth >= reading->depth_max)
        return; /* The value stands one deeper. */
    while (wire_left(wire) != 0 && *wire->at == tag) {
        const uint8_t *begin = wire->at;
        struct wire pair;
        if (!wire_short_bytes(wire, &pair) || !read_usual(pair, filter, attributes)) {
            wire->at = begin;
            return;
        }
    }
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
