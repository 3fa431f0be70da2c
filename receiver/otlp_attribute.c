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

/* A varint of `size` bytes, at least one, and at most as many as cannot overflow. */
static inline bool read_number(const uint8_t *at, size_t size, uint64_t *out_number)
{
    uint64_t number = 0;

    if (size == 1) {
        *out_number = at[0];
        return at[0] < 0x80;
    }
    if (size == 2) {
        *out_number = (at[0] & 0x7F) | (uint64_t)at[1] << 7;
        return at[0] >= 0x80 && at[1] < 0x80;
    }
    if (size == 3) {
        *out_number = (at[0] & 0x7F) | (uint64_t)(at[1] & 0x7F) << 7 | (uint64_t)at[2] << 14;
        return (at[0] & at[1]) >= 0x80 && at[2] < 0x80;
    }
    for (size_t i = 0; i < size; i++) {
        if (i > 8 || (at[i] >= 0x80) != (i + 1 < size))
            return false;
        number |= (uint64_t)(at[i] & 0x7F) << 7 * i;
    }
    *out_number = number;
    return true;
}

/* The first four bytes of an attribute, but for both sizes. */
#define SHORT_HEAD(tag) ((uint32_t)(tag) | (uint32_t)TAG_KEY << 16)
#define SHORT_HEAD_MASK UINT32_C(0x00FF80FF) /* The attribute's size has one byte. */

/* Those of a value of this size, of which a number may have any in the last. */
#define TEXT_HEAD(size)                                                                            \
    ((uint32_t)(size)*0x01000100U + (TAG_VALUE | (uint32_t)TAG_TEXT << 16) - (2U << 24))
#define NUMBER_HEAD(size) (TAG_VALUE | (uint32_t)(size) << 8 | (uint32_t)TAG_NUMBER << 16)
#define NUMBER_HEAD_MASK UINT32_C(0x00FFFFFF)

/* An attribute of less than 128 bytes with a key of some length, so that all lengths in it have one byte:
 *
 *   tag  size  TAG_KEY  key's size  key ...  TAG_VALUE  value's size  tag of a member  ...
 */
struct shape {
    size_t size; /* Of all. */
    const char *key;
    size_t key_size;
    const uint8_t *value; /* Its tag, if lengths are right. */
    size_t value_size;    /* What its length has to be then; 2 to 127. */
};

/* Whether the bytes, of which at least 8 are there, may have this shape: what is left is the value. */
static inline bool has_shape(const uint8_t *at, size_t left, uint32_t wanted_head,
                             struct shape *out_shape)
{
    uint32_t head = wire_load32(at);
    size_t size = 2 + (head >> 8 & 0xFF);
    size_t key_size = head >> 24;

    if ((head & SHORT_HEAD_MASK) != wanted_head || size > left || key_size + 8 > size ||
        key_size < ATTRIBUTE_NAME_SIZE_MIN)
        return false;
    *out_shape = (struct shape){size, (const char *)at + 4, key_size, at + 4 + key_size,
                                size - key_size - 6};
    return true;
}

/* Whether the value is of a usual type and not empty. `out_text` has no data where it is a number. */
static inline bool read_shape(const struct shape *shape, struct view *out_text,
                              uint64_t *out_number)
{
    const uint8_t *at = shape->value;
    size_t size = shape->value_size;
    uint32_t head = wire_load32(at);

    if (head == TEXT_HEAD(size)) {
        *out_text = (struct view){(const char *)at + 4, size - 2};
        return size != 2;
    }
    *out_text = (struct view){NULL, 0};
    return (head & NUMBER_HEAD_MASK) == NUMBER_HEAD(size) &&
           read_number(at + 3, size - 1, out_number);
}

/* Takes such a value. False: it is something else, or did not come first. */
static inline bool take_shape(const struct shape *shape, const struct attribute_name *name,
                              struct attributes *attributes, struct attributes_came *came)
{
    struct view text;
    uint64_t number;

    if (!read_shape(shape, &text, &number))
        return false;
    return text.data != NULL ? attributes_take_text(attributes, came, name, text)
                             : attributes_take_number(attributes, came, name, (int64_t)number);
}

/* Whether nothing is to be known of an attribute without a name: it says nothing, and is written right. */
static inline bool says_nothing(const struct shape *shape)
{
    struct view text;
    uint64_t number;

    return !attribute_name_may_tell(shape->key) && read_shape(shape, &text, &number);
}

/* Takes wanted attributes of usual types that come first, and goes over those that say nothing, as long as
 * they have that shape. Where the first is that does not. */
static const uint8_t *take_shapes(const uint8_t *at, const uint8_t *end, uint8_t tag,
                                  struct attributes *attributes)
{
    struct attributes_came came = {attributes->seen, attributes->present};
    size_t left = (size_t)(end - at);
    struct shape shape;

    while (left >= 8 && has_shape(at, left, SHORT_HEAD(tag), &shape)) {
        const struct attribute_name *name = attribute_name_find(shape.key, shape.key_size);
        if (name != NULL ? !take_shape(&shape, name, attributes, &came) : !says_nothing(&shape))
            break;
        at += shape.size;
        left -= shape.size;
    }
    attributes->seen = came.seen;
    attributes->present = came.present;
    return at;
}

void otlp_take_attributes(struct wire *wire, uint8_t tag, struct attributes *attributes)
{
    const uint8_t *at = wire->at;
    const uint8_t *end = wire->end;

    for (;;) {
        struct wire rest;
        struct wire pair;
        if (attributes->dimensions == NULL) /* Else any key may be wanted. */
            at = take_shapes(at, end, tag, attributes);
        rest = (struct wire){at, end};
        if (at == end || *at != tag || !wire_short_bytes(&rest, &pair) ||
            !read_usual(pair, attributes))
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
