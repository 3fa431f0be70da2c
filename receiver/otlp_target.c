/* otlp_target.c: down to the resources, over all else. */
#include "receiver/otlp_target.h"

#include <string.h>

#include "base/clock.h"
#include "receiver/otlp_value.h"
#include "receiver/otlp_wire.h"
#include "topology/naming_text.h"

enum target_tag {
    TAG_RESOURCE_SPANS = WIRE_TAG(1, WIRE_BYTES),
    TAG_RESOURCE = WIRE_TAG(1, WIRE_BYTES),
    TAG_SCOPE_SPANS = WIRE_TAG(2, WIRE_BYTES),
    TAG_ATTRIBUTE = WIRE_TAG(1, WIRE_BYTES),
    TAG_KEY = WIRE_TAG(1, WIRE_BYTES),
    TAG_VALUE = WIRE_TAG(2, WIRE_BYTES),
};

/* A resource that found no room is read again at most this often. */
#define REFUSED_AGAIN_NS NS_PER_S

/* Of all texts that are not in the message itself, and what one of them may take. */
enum { TEXTS_BYTES = 64 << 10, TEXT_BYTES = NAMING_TEXT_MAX, NOTED_AT_ONCE = 16 };

/* What is read of one resource. `texts` has all its room from the start and cannot grow, so that nothing
 * in it moves: views of it are kept. */
struct reading {
    struct target_input input;
    struct target_attribute attributes[TARGET_ATTRIBUTES_MAX];
    struct buf texts;
    unsigned depth_max;
};

/* Whether one more text that is written anew fits. */
static bool has_room(const struct reading *reading)
{
    return reading->texts.capacity - reading->texts.size >= 2 * TEXT_BYTES;
}

static const struct view nothing = {NULL, 0};

/* A value that is no text, as one; an empty list or map is none. */
static struct view other_text(struct reading *reading, struct view value)
{
    size_t begin = reading->texts.size;
    struct view text;

    if (!has_room(reading) || otlp_value_text(value, TEXT_BYTES, &reading->texts) != 0)
        return nothing;
    text = (struct view){reading->texts.data + begin, reading->texts.size - begin};
    return view_equal(text, VIEW("[]")) || view_equal(text, VIEW("{}")) ? nothing : text;
}

/* The value as a text without credentials; empty where it is none. */
static struct view value_text(struct reading *reading, struct view value)
{
    struct view text = nothing;

    if (!otlp_value_is_text(value, &text))
        text = other_text(reading, value);
    if (has_room(reading))
        return naming_scrub(text, &reading->texts);
    /* Rather nothing than what might be credentials. */
    return text.size != 0 && memmem(text.data, text.size, "://", 3) != NULL ? nothing : text;
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
        take(reading, key, value_text(reading, wire_view(value)));
}

static void read_resource(struct wire resource, struct reading *reading)
{
    reading->input = (struct target_input){.attributes = reading->attributes};
    while (wire_left(&resource) != 0) {
        struct wire_field field;
        if (wire_field(&resource, reading->depth_max, &field) != 0)
            break;
        if (field.tag == TAG_ATTRIBUTE)
            read_attribute(reading, field.bytes);
    }
}

/* The resources of one request. */
struct noting {
    struct otlp_target_memo *memo;
    struct targets *targets;
    unsigned depth_max;
    struct wall_time now;
    size_t count;
    struct hash128 keys[NOTED_AT_ONCE];
    struct wire resources[NOTED_AT_ONCE];
};

static struct otlp_target_entry *line_of(struct otlp_target_memo *memo, const struct hash128 *key)
{
    return memo->lines[key->low % OTLP_TARGET_LINES];
}

/* The entry of a resource, or the one that it may take; whether it is its own. */
static bool find(struct otlp_target_memo *memo, const struct hash128 *key,
                 struct otlp_target_entry **out_entry)
{
    struct otlp_target_entry *line = line_of(memo, key);

    for (size_t i = 0; i < OTLP_TARGET_WAYS; i++) {
        if (line[i].key == key->high) {
            *out_entry = &line[i];
            return true;
        }
    }
    *out_entry = &line[memo->next_way++ % OTLP_TARGET_WAYS];
    return false;
}

static int note(const struct noting *on, const struct hash128 *key, struct wire resource)
{
    struct targets *targets = on->targets;
    struct wall_time now = on->now;
    struct otlp_target_entry *entry;
    bool is_same = find(on->memo, key, &entry);
    struct reading reading;
    int status;

    if (is_same && targets_touch(targets, entry->number, now))
        return 0;
    if (is_same && entry->refused_ns != 0 && now.ns - entry->refused_ns < REFUSED_AGAIN_NS)
        return 0;
    reading.depth_max = on->depth_max;
    buf_init(&reading.texts, TEXTS_BYTES);
    status = buf_reserve(&reading.texts, TEXTS_BYTES);
    if (status == 0) {
        read_resource(resource, &reading);
        status = targets_note(targets, &reading.input, now, &entry->number);
    }
    buf_release(&reading.texts);
    if (status != 0)
        return status;
    entry->key = key->high;
    entry->refused_ns = entry->number.stamp == 0 ? now.ns : 0;
    return 0;
}

/* Notes those that were found, whose places in the memo were asked for then. */
static int note_all(struct noting *on)
{
    int status = 0;

    for (size_t i = 0; i < on->count && status == 0; i++)
        status = note(on, &on->keys[i], on->resources[i]);
    on->count = 0;
    return status;
}

static int add(struct noting *on, uint64_t seed, struct wire resource)
{
    struct view bytes = wire_view(resource);
    struct hash128 key = hash128(bytes.data, bytes.size, seed);
    const char *line = (const char *)line_of(on->memo, &key);

    __builtin_prefetch(line);
    __builtin_prefetch(line + sizeof(on->memo->lines[0]) / 2);
    on->keys[on->count] = key;
    on->resources[on->count++] = resource;
    return on->count == NOTED_AT_ONCE ? note_all(on) : 0;
}

void otlp_note_targets(struct otlp_target_memo *memo, struct targets *targets, uint64_t seed,
                       struct view request, unsigned depth_max, struct wall_time now)
{
    struct wire wire = wire_of(request);
    struct noting on;
    int status = 0;

    on.memo = memo;
    on.targets = targets;
    on.depth_max = depth_max;
    on.now = now;
    on.count = 0;
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
            status = add(&on, seed, resource);
    }
    (void)note_all(&on); /* Without memory the next request tries again. */
}
