/* otlp_target.c: down to the resources, over all else. */
#include "receiver/otlp_target.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "receiver/otlp_wire.h"

enum target_tag {
    TAG_RESOURCE_SPANS = WIRE_TAG(1, WIRE_BYTES),
    TAG_RESOURCE = WIRE_TAG(1, WIRE_BYTES),
    TAG_SCOPE_SPANS = WIRE_TAG(2, WIRE_BYTES),
    TAG_ATTRIBUTE = WIRE_TAG(1, WIRE_BYTES),
    TAG_KEY = WIRE_TAG(1, WIRE_BYTES),
    TAG_VALUE = WIRE_TAG(2, WIRE_BYTES),
    TAG_TEXT = WIRE_TAG(1, WIRE_BYTES),
    TAG_BOOLEAN = WIRE_TAG(2, WIRE_VARINT),
    TAG_NUMBER = WIRE_TAG(3, WIRE_VARINT),
    TAG_DOUBLE = WIRE_TAG(4, WIRE_FIXED64),
};

/* A resource that found no room is read again at most this often. */
#define REFUSED_AGAIN_NS NS_PER_S

/* What is read of one resource. Numbers are written into `digits`. */
struct reading {
    struct target_input input;
    struct target_attribute attributes[TARGET_ATTRIBUTES_MAX];
    char digits[TARGET_ATTRIBUTES_MAX][32];
    unsigned depth_max;
};

static struct view number_text(char digits[32], const struct wire_field *field)
{
    double real;
    int size;

    if (field->tag == TAG_NUMBER)
        size = snprintf(digits, 32, "%" PRId64, (int64_t)field->number);
    else {
        memcpy(&real, &field->number, sizeof(real));
        size = snprintf(digits, 32, "%.15g", real);
    }
    return (struct view){digits, size > 0 ? (size_t)size : 0};
}

/* The value as a text; empty where it is none, or a list, a map or bytes. The last member counts. */
static struct view value_text(struct wire value, unsigned depth_max, char digits[32])
{
    struct view text = {NULL, 0};

    while (wire_left(&value) != 0) {
        struct wire_field field;
        if (wire_field(&value, depth_max, &field) != 0)
            break;
        if (field.tag == TAG_TEXT)
            text = wire_view(field.bytes);
        else if (field.tag == TAG_BOOLEAN)
            text = field.number != 0 ? VIEW("true") : VIEW("false");
        else if (field.tag == TAG_NUMBER || field.tag == TAG_DOUBLE)
            text = number_text(digits, &field);
        else
            text = (struct view){NULL, 0};
    }
    return text;
}

/* Of equal keys the first counts (OTLP A31). */
static bool is_there(const struct target_input *input, struct view key)
{
    for (size_t i = 0; i < input->count; i++)
        if (view_equal(input->attributes[i].key, key))
            return true;
    return false;
}

static void take(struct reading *reading, struct view key, struct view value)
{
    struct target_input *input = &reading->input;
    struct view *own = view_equal(key, VIEW("service.name"))          ? &input->service_name
                       : view_equal(key, VIEW("service.namespace"))   ? &input->service_namespace
                       : view_equal(key, VIEW("service.instance.id")) ? &input->instance
                                                                      : NULL;

    if (key.size == 0 || value.size == 0)
        return;
    if (own != NULL) {
        if (own->size == 0)
            *own = value;
        return;
    }
    if (input->count < TARGET_ATTRIBUTES_MAX && !is_there(input, key))
        reading->attributes[input->count++] = (struct target_attribute){key, value};
}

static void read_attribute(struct reading *reading, struct wire pair)
{
    struct view key = {NULL, 0};
    struct wire value = {NULL, NULL};
    char *digits = reading->digits[reading->input.count % TARGET_ATTRIBUTES_MAX];

    while (wire_left(&pair) != 0) {
        struct wire_field field;
        if (wire_field(&pair, reading->depth_max, &field) != 0)
            break;
        if (field.tag == TAG_KEY)
            key = wire_view(field.bytes);
        else if (field.tag == TAG_VALUE)
            value = field.bytes;
    }
    if (value.at != NULL)
        take(reading, key, value_text(value, reading->depth_max, digits));
}

static void read_resource(struct wire resource, unsigned depth_max, struct reading *reading)
{
    reading->input = (struct target_input){.attributes = reading->attributes};
    reading->depth_max = depth_max;
    while (wire_left(&resource) != 0) {
        struct wire_field field;
        if (wire_field(&resource, depth_max, &field) != 0)
            break;
        if (field.tag == TAG_ATTRIBUTE)
            read_attribute(reading, field.bytes);
    }
}

static int note(struct otlp_target_memo *memo, struct targets *targets, uint64_t seed,
                struct wire resource, unsigned depth_max, struct wall_time now)
{
    struct view bytes = wire_view(resource);
    struct hash128 key = hash128(bytes.data, bytes.size, seed);
    struct otlp_target_entry *entry = &memo->entries[key.low % OTLP_TARGET_MEMO];
    bool is_same = entry->key.low == key.low && entry->key.high == key.high;
    struct reading reading;
    int status;

    if (is_same && targets_touch(targets, entry->number, now))
        return 0;
    if (is_same && entry->refused_ns != 0 && now.ns - entry->refused_ns < REFUSED_AGAIN_NS)
        return 0;
    read_resource(resource, depth_max, &reading);
    status = targets_note(targets, &reading.input, now, &entry->number);
    if (status != 0)
        return status;
    entry->key = key;
    entry->refused_ns = entry->number.stamp == 0 ? now.ns : 0;
    return 0;
}

void otlp_note_targets(struct otlp_target_memo *memo, struct targets *targets, uint64_t seed,
                       struct view request, unsigned depth_max, struct wall_time now)
{
    struct wire wire = wire_of(request);
    int status = 0;

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire resource = {NULL, NULL};
        struct wire_field field;
        bool has_spans = false;
        struct wire block;
        status = wire_field(&wire, depth_max, &field);
        if (status != 0 || field.tag != TAG_RESOURCE_SPANS)
            continue;
        block = field.bytes;
        while (status == 0 && wire_left(&block) != 0) {
            status = wire_field(&block, depth_max, &field);
            if (status == 0 && field.tag == TAG_RESOURCE)
                resource = field.bytes;
            else if (status == 0)
                has_spans = has_spans || field.tag == TAG_SCOPE_SPANS;
        }
        if (status == 0 && has_spans && resource.at != NULL)
            status = note(memo, targets, seed, resource, depth_max, now);
    }
}
