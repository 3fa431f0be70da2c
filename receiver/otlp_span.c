/* otlp_span.c: one loop over the fields, then judgement of ids, times and weight. A field that is
 * written as every encoder writes it is known by its first byte or two; all others go the general way.
 */
#include "receiver/otlp_span.h"

#include <string.h>

#include "receiver/otlp_attribute.h"
#include "topology/sampling.h"

enum {
    TRACE_ID_SIZE = 16,
    SPAN_ID_SIZE = 8,
    FLAG_HAS_IS_REMOTE = 1 << 8,
    FLAG_IS_REMOTE = 1 << 9,
};

enum span_tag {
    TAG_TRACE_ID = WIRE_TAG(1, WIRE_BYTES),
    TAG_SPAN_ID = WIRE_TAG(2, WIRE_BYTES),
    TAG_TRACE_STATE = WIRE_TAG(3, WIRE_BYTES),
    TAG_PARENT_ID = WIRE_TAG(4, WIRE_BYTES),
    TAG_NAME = WIRE_TAG(5, WIRE_BYTES),
    TAG_KIND = WIRE_TAG(6, WIRE_VARINT),
    TAG_START = WIRE_TAG(7, WIRE_FIXED64),
    TAG_END = WIRE_TAG(8, WIRE_FIXED64),
    TAG_ATTRIBUTE = WIRE_TAG(9, WIRE_BYTES),
    TAG_EVENT = WIRE_TAG(11, WIRE_BYTES),
    TAG_LINK = WIRE_TAG(13, WIRE_BYTES),
    TAG_STATUS = WIRE_TAG(15, WIRE_BYTES),
    TAG_FLAGS = WIRE_TAG(16, WIRE_FIXED32),
    TAG_STATUS_CODE = WIRE_TAG(3, WIRE_VARINT),
};

/* A span's fields as they came. */
struct fields {
    struct view trace;
    struct view id;
    struct view parent;
    struct view state;
    uint64_t start_ns;
    uint64_t end_ns;
    uint32_t kind;
    uint32_t status;
    uint32_t flags;
};

static inline uint64_t load_id(const char *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof(number));
    return number;
}

static inline bool is_trace_id(struct view id)
{
    return id.size == TRACE_ID_SIZE && (load_id(id.data) | load_id(id.data + SPAN_ID_SIZE)) != 0;
}

static inline bool is_span_id(struct view id)
{
    return id.size == SPAN_ID_SIZE && load_id(id.data) != 0;
}

static void take_link(struct otlp_reading *reading, struct view trace, struct view id,
                      struct otlp_links *links)
{
    struct span_target *target;

    if (!is_trace_id(trace) || !is_span_id(id)) {
        reading->links_invalid++;
        return;
    }
    if (links->count >= links->max) {
        reading->links_past_max++;
        return;
    }
    target = &links->targets[links->count++];
    memcpy(target->trace, trace.data, TRACE_ID_SIZE);
    target->id = load_id(id.data);
}

static int read_link(struct otlp_reading *reading, struct wire wire, struct otlp_links *links)
{
    struct view trace = {NULL, 0};
    struct view id = {NULL, 0};
    int status = otlp_skim(reading, wire, OTLP_LINK, OTLP_DEPTH_SPAN_FIELD);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(reading, &wire, OTLP_DEPTH_SPAN_FIELD, &field);
        if (status != 0)
            break;
        if (field.tag == TAG_TRACE_ID)
            trace = wire_view(field.bytes);
        else if (field.tag == TAG_SPAN_ID)
            id = wire_view(field.bytes);
    }
    if (status == 0)
        take_link(reading, trace, id, links);
    return status;
}

static int read_status(struct otlp_reading *reading, struct wire wire, uint32_t *code)
{
    int status = otlp_check_depth(reading, wire.at, OTLP_DEPTH_SPAN_FIELD);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(reading, &wire, OTLP_DEPTH_SPAN_FIELD, &field);
        if (status == 0 && field.tag == TAG_STATUS_CODE)
            *code = (uint32_t)field.number;
    }
    return status;
}

static int take_field(struct otlp_reading *reading, const struct wire_field *field,
                      struct fields *fields, struct otlp_span *span)
{
    switch (field->tag) {
    case TAG_TRACE_ID:
        fields->trace = wire_view(field->bytes);
        return 0;
    case TAG_SPAN_ID:
        fields->id = wire_view(field->bytes);
        return 0;
    case TAG_TRACE_STATE:
        fields->state = wire_view(field->bytes);
        return 0;
    case TAG_PARENT_ID:
        fields->parent = wire_view(field->bytes);
        return 0;
    case TAG_NAME:
        span->name = wire_view(field->bytes);
        return 0;
    case TAG_KIND:
        fields->kind = (uint32_t)field->number;
        return 0;
    case TAG_START:
        fields->start_ns = field->number;
        return 0;
    case TAG_END:
        fields->end_ns = field->number;
        return 0;
    case TAG_FLAGS:
        fields->flags = (uint32_t)field->number;
        return 0;
    case TAG_ATTRIBUTE:
        return otlp_read_attribute(reading, field->bytes, OTLP_DEPTH_SPAN_FIELD, &span->attributes);
    case TAG_STATUS:
        return read_status(reading, field->bytes, &fields->status);
    case TAG_EVENT:
        return otlp_skim(reading, field->bytes, OTLP_EVENT, OTLP_DEPTH_SPAN_FIELD);
    case TAG_LINK:
        return read_link(reading, field->bytes, &span->links);
    default:
        return 0;
    }
}

/* Takes a field of bytes into `into` where its length is `size`. */
static inline bool take_id(struct wire *wire, size_t size, struct view *into)
{
    const uint8_t *at = wire->at;

    if (wire_left(wire) < 2 + size || at[1] != size)
        return false;
    *into = (struct view){(const char *)at + 2, size};
    wire->at += 2 + size;
    return true;
}

static inline bool take_text(struct wire *wire, struct view *into)
{
    struct wire text;

    if (!wire_short_bytes(wire, &text))
        return false;
    *into = wire_view(text);
    return true;
}

static inline bool take_time(struct wire *wire, uint64_t *into)
{
    if (wire_left(wire) < 9)
        return false;
    *into = wire_load64(wire->at + 1);
    wire->at += 9;
    return true;
}

/* An empty status, or nothing but a code in it. */
static inline bool take_status(struct wire *wire, uint32_t *into)
{
    const uint8_t *at = wire->at;

    if (wire_left(wire) >= 2 && at[1] == 0) {
        wire->at += 2;
        return true;
    }
    if (wire_left(wire) < 4 || at[1] != 2 || at[2] != TAG_STATUS_CODE || at[3] >= 0x80)
        return false;
    *into = at[3];
    wire->at += 4;
    return true;
}

static inline bool take_flags(struct wire *wire, uint32_t *into)
{
    const uint8_t *at = wire->at;

    if (wire_left(wire) < 6 || at[1] != TAG_FLAGS >> 7)
        return false;
    *into = wire_load32(at + 2);
    wire->at += 6;
    return true;
}

/* Takes the next field, or several, if it is written in the usual way. */
static inline bool take_usual(const struct otlp_reading *reading, struct wire *wire,
                              struct fields *fields, struct otlp_span *span)
{
    const uint8_t *begin = wire->at;

    switch (*begin) {
    case TAG_TRACE_ID:
        return take_id(wire, TRACE_ID_SIZE, &fields->trace);
    case TAG_SPAN_ID:
        return take_id(wire, SPAN_ID_SIZE, &fields->id);
    case TAG_PARENT_ID:
        return take_id(wire, SPAN_ID_SIZE, &fields->parent);
    case TAG_TRACE_STATE:
        return take_text(wire, &fields->state);
    case TAG_NAME:
        return take_text(wire, &span->name);
    case TAG_KIND:
        if (wire_left(wire) < 2 || begin[1] >= 0x80)
            return false;
        fields->kind = begin[1];
        wire->at += 2;
        return true;
    case TAG_START:
        return take_time(wire, &fields->start_ns);
    case TAG_END:
        return take_time(wire, &fields->end_ns);
    case TAG_ATTRIBUTE:
        if (OTLP_DEPTH_SPAN_FIELD < reading->depth_max) /* A value stands one deeper. */
            otlp_take_attributes(wire, TAG_ATTRIBUTE, &span->attributes);
        return wire->at != begin;
    case TAG_STATUS:
        return reading->depth_max >= OTLP_DEPTH_SPAN_FIELD && take_status(wire, &fields->status);
    case (TAG_FLAGS & 0x7F) | 0x80:
        return take_flags(wire, &fields->flags);
    default:
        return false;
    }
}

/* The fields before the attributes, in the order in which every encoder writes them. Takes as many
 * as are there and written in the usual way. */
static inline void take_head(struct wire *wire, struct fields *fields, struct otlp_span *span)
{
    enum { IDS = 2 + TRACE_ID_SIZE + 2 + SPAN_ID_SIZE, PARENT = 2 + SPAN_ID_SIZE, TIMES = 20 };
    const uint8_t *at = wire->at;
    const uint8_t *after;

    if (wire_left(wire) < IDS + PARENT + 2 || at[0] != TAG_TRACE_ID || at[1] != TRACE_ID_SIZE ||
        at[18] != TAG_SPAN_ID || at[19] != SPAN_ID_SIZE)
        return;
    fields->trace = (struct view){(const char *)at + 2, TRACE_ID_SIZE};
    fields->id = (struct view){(const char *)at + 20, SPAN_ID_SIZE};
    at += IDS;
    if (at[0] == TAG_PARENT_ID && at[1] == SPAN_ID_SIZE) {
        fields->parent = (struct view){(const char *)at + 2, SPAN_ID_SIZE};
        at += PARENT;
    }
    wire->at = at;
    if (at[0] != TAG_NAME || at[1] >= 0x80 || wire_left(wire) < (size_t)2 + at[1] + TIMES)
        return;
    after = at + 2 + at[1];
    if (after[0] != TAG_KIND || after[1] >= 0x80 || after[2] != TAG_START || after[11] != TAG_END)
        return;
    span->name = (struct view){(const char *)at + 2, at[1]};
    fields->kind = after[1];
    fields->start_ns = wire_load64(after + 3);
    fields->end_ns = wire_load64(after + 12);
    wire->at = after + TIMES;
}

/* E14: how long it took, and whether that can be. */
struct times {
    uint64_t duration_ns;
    bool no_duration;
    bool skewed;
};

static inline struct times times_of(const struct fields *fields)
{
    uint64_t duration_ns = fields->end_ns - fields->start_ns;

    if (fields->start_ns == 0 || fields->end_ns == 0)
        return (struct times){.no_duration = true};
    if (fields->end_ns < fields->start_ns)
        return (struct times){.skewed = true};
    if (duration_ns > DURATION_NS_MAX)
        return (struct times){.duration_ns = DURATION_NS_MAX, .skewed = true};
    return (struct times){.duration_ns = duration_ns};
}

/* E14, E16, E17. All at once, for the members share words. */
static inline void fill(const struct fields *fields, const struct otlp_span *span,
                        uint32_t weight_count_max, struct span *record)
{
    struct times times = times_of(fields);
    struct sampling sampling = sampling_of(fields->state, &span->attributes, weight_count_max);
    uint64_t id = load_id(fields->id.data);
    bool has_parent = fields->parent.size == SPAN_ID_SIZE;
    uint64_t parent = has_parent ? load_id(fields->parent.data) : 0;
    bool parent_bad = (fields->parent.size != 0 && !has_parent) || parent == id;
    bool has_remote = (fields->flags & FLAG_HAS_IS_REMOTE) != 0;

    *record = (struct span){
        .trace = {load_id(fields->trace.data), load_id(fields->trace.data + SPAN_ID_SIZE)},
        .id = id,
        .parent = parent_bad ? 0 : parent,
        .start_ns = fields->start_ns,
        .duration_ns = times.duration_ns & ((UINT64_C(1) << 54) - 1),
        .weight = sampling.weight & ((WEIGHT_MAX << 1) - 1),
        .kind = span->kind & 7,
        .status = span->status & 3,
        .weight_unknown = sampling.unknown,
        .has_remote = has_remote,
        .is_remote = has_remote && (fields->flags & FLAG_IS_REMOTE) != 0,
    };
    if (parent_bad || times.no_duration || times.skewed || sampling.cut) {
        record->parent_bad = parent_bad;
        record->no_duration = times.no_duration;
        record->skewed = times.skewed;
        record->weight_cut = sampling.cut;
    }
}

int otlp_read_span(struct otlp_reading *reading, struct wire wire, uint32_t weight_count_max,
                   struct otlp_span *span, struct span *record)
{
    struct fields fields = {.kind = SPAN_KIND_UNSPECIFIED};
    int status = otlp_check_depth(reading, wire.at, OTLP_DEPTH_SPAN);

    span->name = (struct view){NULL, 0};
    span->links.count = 0;
    attributes_reset(&span->attributes);
    if (status == 0)
        take_head(&wire, &fields, span);
    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        if (take_usual(reading, &wire, &fields, span))
            continue;
        status = otlp_next_field(reading, &wire, OTLP_DEPTH_SPAN, &field);
        if (status == 0)
            status = take_field(reading, &field, &fields, span);
    }
    if (status != 0)
        return status;
    span->is_valid = is_trace_id(fields.trace) && is_span_id(fields.id);
    if (!span->is_valid)
        return 0;
    span->kind = fields.kind < SPAN_KIND_COUNT ? (enum span_kind)fields.kind
                                               : SPAN_KIND_UNSPECIFIED;
    span->status = fields.status < SPAN_STATUS_COUNT ? (enum span_status)fields.status
                                                     : SPAN_STATUS_UNSET;
    span->end_ns = fields.end_ns;
    fill(&fields, span, weight_count_max, record);
    return 0;
}
