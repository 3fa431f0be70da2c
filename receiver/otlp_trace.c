/* otlp_trace.c: request, resources, scopes, spans; one pass but for the resource, which is looked for
 * first, as it may stand behind its spans.
 *
 *   request -> ResourceSpans -> ScopeSpans -> Span -> record in the stage
 *                    |                         |
 *                 Resource ---> key --------> memo -- not there --> naming_site()
 */
#include "receiver/otlp_trace.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "receiver/otlp_attribute.h"
#include "receiver/otlp_json.h"
#include "receiver/otlp_message.h"
#include "receiver/otlp_sites.h"
#include "receiver/otlp_span.h"
#include "receiver/otlp_target.h"
#include "topology/catalog_sweep.h"

enum {
    DEPTH_DEFAULT = 64,
    SPANS_DEFAULT = 1 << 20,
    MEMO_DEFAULT = 1 << 15,
    COUNT_MAX_DEFAULT = 1 << 16,
    LINKS_DEFAULT = 1024,
    LINK_SLOTS = 4096, /* A power of two, more than twice LINKS_MAX. */
    LINKS_FEW = 8,     /* So many are compared with each other. */
    STAGE_FIRST = 256,
    STAGE_KEPT = 1 << 14, /* Spans; more are given back with the next request. */
    JSON_KEPT = 1 << 20,  /* Bytes; likewise. */
};

#define JSON_TREE_DEFAULT ((size_t)512 << 20)

enum request_tag {
    TAG_RESOURCE_SPANS = WIRE_TAG(1, WIRE_BYTES),
    TAG_RESOURCE = WIRE_TAG(1, WIRE_BYTES),
    TAG_SCOPE_SPANS = WIRE_TAG(2, WIRE_BYTES),
    TAG_LIBRARY_SPANS = WIRE_TAG(1000, WIRE_BYTES),
    TAG_SCOPE = WIRE_TAG(1, WIRE_BYTES),
    TAG_SPAN = WIRE_TAG(2, WIRE_BYTES),
    TAG_ATTRIBUTE = WIRE_TAG(1, WIRE_BYTES),
    TAG_ENTITY = WIRE_TAG(3, WIRE_BYTES),
};

struct otlp_decoder {
    struct otlp_decoder_options options;
    bool derives_errors; /* naming_derives_errors() */
    struct catalog_reader reader;
    struct otlp_stage stage;
    size_t stage_capacity;
    size_t links_capacity;
    uint16_t *link_slots;             /* To tell the links of one span apart. */
    struct span_target *link_targets; /* Of the span that is being read. */
    struct otlp_sites sites;
    struct otlp_reading reading;
    struct buf json; /* A request that came as JSON, in protobuf. */
    struct otlp_json_error json_error;
    struct otlp_target_memo *targets; /* NULL: nobody asks for targets. */
    struct view request;              /* The last good one. */
};

/* ------------------------------------------------------------------ life */

int otlp_decoder_new(const struct otlp_decoder_options *options, struct otlp_decoder **out_decoder)
{
    struct otlp_decoder *decoder = mem_calloc(1, sizeof(*decoder));
    struct otlp_decoder_options *own;
    struct otlp_links links;

    if (decoder == NULL)
        return STATUS_NOMEM;
    own = &decoder->options;
    *own = *options;
    CHECK(own->naming != NULL && own->catalog != NULL);
    if (own->sampling_count_max == 0)
        own->sampling_count_max = COUNT_MAX_DEFAULT;
    if (own->depth_max == 0)
        own->depth_max = DEPTH_DEFAULT;
    if (own->spans_max == 0)
        own->spans_max = SPANS_DEFAULT;
    if (own->memo_entries == 0)
        own->memo_entries = MEMO_DEFAULT;
    if (own->json_tree_bytes_max == 0)
        own->json_tree_bytes_max = JSON_TREE_DEFAULT;
    decoder->derives_errors = naming_derives_errors(own->naming);
    buf_init(&decoder->json, 0);
    catalog_join(own->catalog, &decoder->reader);
    if (own->targets != NULL)
        decoder->targets = mem_calloc(1, sizeof(*decoder->targets));
    if (own->links_max == 0)
        own->links_max = LINKS_DEFAULT;
    CHECK(own->links_max <= LINKS_MAX);
    decoder->link_targets = mem_calloc(own->links_max, sizeof(*decoder->link_targets));
    decoder->link_slots = mem_calloc(LINK_SLOTS, sizeof(*decoder->link_slots));
    links = (struct otlp_links){decoder->link_targets, 0, own->links_max};
    if ((own->targets != NULL && decoder->targets == NULL) || decoder->link_targets == NULL ||
        decoder->link_slots == NULL ||
        otlp_sites_init(&decoder->sites, own->naming, own->catalog, own->dimensions, own->hash_seed,
                        own->memo_entries, links) != 0) {
        otlp_decoder_free(decoder);
        return STATUS_NOMEM;
    }
    *out_decoder = decoder;
    return 0;
}

void otlp_decoder_free(struct otlp_decoder *decoder)
{
    if (decoder == NULL)
        return;
    catalog_part(decoder->options.catalog, &decoder->reader);
    otlp_sites_release(&decoder->sites);
    buf_release(&decoder->json);
    mem_free(decoder->stage.spans);
    mem_free(decoder->targets);
    mem_free(decoder->stage.links);
    mem_free(decoder->link_targets);
    mem_free(decoder->link_slots);
    mem_free(decoder);
}

/* ------------------------------------------------------------------ stage */

static void empty_stage(struct otlp_decoder *decoder)
{
    struct otlp_stage *stage = &decoder->stage;

    *stage = (struct otlp_stage){.spans = stage->spans, .links = stage->links};
}

static void reset_stage(struct otlp_decoder *decoder)
{
    if (decoder->stage_capacity > STAGE_KEPT) {
        mem_free(decoder->stage.spans);
        decoder->stage.spans = NULL;
        decoder->stage_capacity = 0;
    }
    if (decoder->links_capacity > STAGE_KEPT) {
        mem_free(decoder->stage.links);
        decoder->stage.links = NULL;
        decoder->links_capacity = 0;
    }
    empty_stage(decoder);
    decoder->reading = (struct otlp_reading){.depth_max = decoder->options.depth_max};
    decoder->request = (struct view){NULL, 0};
}

static int too_many(struct otlp_decoder *decoder, const uint8_t *at)
{
    return otlp_fail(&decoder->reading, at, "the request has too many spans and links",
                     STATUS_TOO_LARGE);
}

static bool is_full(const struct otlp_decoder *decoder, size_t more)
{
    const struct otlp_stage *stage = &decoder->stage;

    return stage->count + 2 * stage->links_count + more > decoder->options.spans_max;
}

/* Makes room for `more` links. */
static int grow_links(struct otlp_decoder *decoder, size_t more, const uint8_t *at)
{
    size_t wanted = decoder->stage.links_count + more;
    size_t capacity = decoder->links_capacity != 0 ? decoder->links_capacity : STAGE_FIRST;
    struct otlp_link *links;

    if (is_full(decoder, 1 + 2 * more))
        return too_many(decoder, at);
    if (wanted <= decoder->links_capacity)
        return 0;
    while (capacity < wanted)
        capacity *= 2;
    links = mem_realloc(decoder->stage.links, capacity * sizeof(*links));
    if (links == NULL)
        return otlp_fail(&decoder->reading, at, "memory is out", STATUS_NOMEM);
    decoder->stage.links = links;
    decoder->links_capacity = capacity;
    return 0;
}

/* Makes room for one record more. */
static int grow_stage(struct otlp_decoder *decoder, const uint8_t *at)
{
    size_t capacity = decoder->stage_capacity != 0 ? decoder->stage_capacity * 2 : STAGE_FIRST;
    struct span *spans;

    if (capacity > decoder->options.spans_max)
        capacity = decoder->options.spans_max;
    spans = mem_realloc(decoder->stage.spans, capacity * sizeof(*spans));
    if (spans == NULL)
        return otlp_fail(&decoder->reading, at, "memory is out", STATUS_NOMEM);
    decoder->stage.spans = spans;
    decoder->stage_capacity = capacity;
    return 0;
}

/* ------------------------------------------------------------------ spans */

/* Gives their sites to all spans that wait for them. */
static int settle(struct otlp_decoder *decoder, const uint8_t *at)
{
    struct otlp_stage *stage = &decoder->stage;
    int status;

    if (decoder->sites.waiting_count == 0)
        return 0; /* There may be no stage yet. */
    status = otlp_sites_settle(&decoder->sites, stage->spans + stage->count, &stage->sites_missed);
    return status != 0 ? otlp_fail(&decoder->reading, at, "memory is out", status) : 0;
}

/* E8: the kind that counts; a producer is asked for its end, not its start. */
static void set_kind(const struct otlp_span *span, struct span *record)
{
    record->kind = naming_kind(&span->attributes, span->kind) & 7;
    if (record->kind != SPAN_KIND_PRODUCER)
        return;
    record->no_end = span->end_ns == 0;
    if (!record->no_end)
        record->start_ns = span->end_ns - record->duration_ns;
}

static bool same_target(const struct span_target *a, const struct span_target *b)
{
    return a->id == b->id && a->trace[0] == b->trace[0] && a->trace[1] == b->trace[1];
}

/* Leaves each linked span once: of many by hashing, so that 1,000 links cost no million steps. */
static size_t distinct(struct otlp_decoder *decoder, const struct otlp_links *links)
{
    struct span_target *targets = links->targets;
    size_t kept = 0;

    if (links->count > LINKS_FEW)
        memset(decoder->link_slots, 0, LINK_SLOTS * sizeof(*decoder->link_slots));
    for (size_t i = 0; i < links->count; i++) {
        bool is_new = true;
        if (links->count <= LINKS_FEW) {
            for (size_t j = 0; j < kept; j++)
                is_new &= !same_target(&targets[j], &targets[i]);
        } else {
            size_t slot = (size_t)hash64(&targets[i], 24, decoder->options.hash_seed) % LINK_SLOTS;
            for (; is_new && decoder->link_slots[slot] != 0; slot = (slot + 1) % LINK_SLOTS)
                is_new = !same_target(&targets[decoder->link_slots[slot] - 1], &targets[i]);
            if (is_new)
                decoder->link_slots[slot] = (uint16_t)(kept + 1);
        }
        if (is_new)
            targets[kept++] = targets[i];
    }
    return kept;
}

static int take_links(struct otlp_decoder *decoder, const struct otlp_links *links,
                      struct span *record, const uint8_t *begin)
{
    struct otlp_stage *stage = &decoder->stage;
    size_t count = distinct(decoder, links);
    int status = grow_links(decoder, count, begin);
    uint32_t mark = 0;

    if (status != 0)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct span_target *target = &links->targets[i];
        mark = span_links_mark(mark, target);
        stage->links[stage->links_count++] = (struct otlp_link){
            .trace = {target->trace[0], target->trace[1]},
            .id = target->id,
            .span = (uint32_t)stage->count,
            .trace_hash = span_trace_hash(target->trace, decoder->options.hash_seed)};
    }
    record->links = count & 0x7FF;
    record->links_mark = mark & 0x3FF;
    return 0;
}

static inline void count_repeated(struct otlp_decoder *decoder, struct attributes *attributes)
{
    if (attributes->repeated == 0)
        return;
    decoder->stage.attributes_repeated += attributes->repeated;
    attributes->repeated = 0;
}

static int take_span(struct otlp_decoder *decoder, struct wire wire)
{
    const uint8_t *begin = wire.at;
    struct otlp_stage *stage = &decoder->stage;
    struct otlp_span *span = otlp_sites_next_span(&decoder->sites);
    struct span *record;
    int status = 0;

    if (is_full(decoder, 1))
        return too_many(decoder, begin);
    if (stage->count == decoder->stage_capacity)
        status = grow_stage(decoder, begin);
    if (status != 0)
        return status;
    record = &stage->spans[stage->count];
    status = otlp_read_span(&decoder->reading, wire, decoder->options.sampling_count_max, span,
                            record);
    count_repeated(decoder, &span->attributes);
    if (status != 0)
        return status;
    if (!span->is_valid) {
        stage->rejected[REJECTED_INVALID_ID]++;
        return 0;
    }
    if (decoder->derives_errors)
        record->status = naming_status(decoder->options.naming, &span->attributes, span->kind,
                                       span->status) &
                         3;
    record->trace_hash = span_trace_hash(record->trace, decoder->options.hash_seed);
    set_kind(span, record);
    if (record->kind == SPAN_KIND_CONSUMER && span->links.count != 0)
        status = take_links(decoder, &span->links, record, begin);
    if (status != 0)
        return status;
    stage->count++;
    return otlp_sites_wait(&decoder->sites) ? settle(decoder, begin) : 0;
}

static int read_scope_spans(struct otlp_decoder *decoder, struct wire wire)
{
    struct otlp_reading *reading = &decoder->reading;
    int status = otlp_check_depth(reading, wire.at, OTLP_DEPTH_SCOPE_SPANS);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(reading, &wire, OTLP_DEPTH_SCOPE_SPANS, &field);
        if (status != 0)
            break;
        if (field.tag == TAG_SPAN)
            status = take_span(decoder, field.bytes);
        else if (field.tag == TAG_SCOPE)
            status = otlp_skim(reading, field.bytes, OTLP_SCOPE, OTLP_DEPTH_SPAN);
    }
    return status;
}

/* ------------------------------------------------------------------ resources */

static int read_resource(struct otlp_decoder *decoder, struct wire wire,
                         struct attributes *attributes)
{
    struct otlp_reading *reading = &decoder->reading;
    int status = otlp_check_depth(reading, wire.at, OTLP_DEPTH_SCOPE_SPANS);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        if (OTLP_DEPTH_SPAN < reading->depth_max) /* A value stands one deeper. */
            otlp_take_attributes(&wire, TAG_ATTRIBUTE, attributes);
        if (wire_left(&wire) == 0)
            break;
        status = otlp_next_field(reading, &wire, OTLP_DEPTH_SCOPE_SPANS, &field);
        if (status != 0)
            break;
        if (field.tag == TAG_ATTRIBUTE)
            status = otlp_read_attribute(reading, field.bytes, OTLP_DEPTH_SPAN, attributes);
        else if (field.tag == TAG_ENTITY)
            status = otlp_skim(reading, field.bytes, OTLP_LEAF, OTLP_DEPTH_SPAN);
    }
    return status;
}

/* Reads all fields but the spans; of several resources, as if they were one. */
static int find_resource(struct otlp_decoder *decoder, struct wire wire)
{
    struct otlp_reading *reading = &decoder->reading;
    struct attributes *attributes = otlp_sites_next_resource(&decoder->sites);
    int status = otlp_check_depth(reading, wire.at, OTLP_DEPTH_RESOURCE_SPANS);

    if (attributes == NULL) {
        if (settle(decoder, wire.at) != 0)
            return STATUS_NOMEM;
        attributes = otlp_sites_next_resource(&decoder->sites);
    }
    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(reading, &wire, OTLP_DEPTH_RESOURCE_SPANS, &field);
        if (status != 0)
            break;
        if (field.tag == TAG_RESOURCE)
            status = read_resource(decoder, field.bytes, attributes);
        else if (field.tag == TAG_LIBRARY_SPANS && reading->warning == NULL)
            reading->warning = "instrumentation_library_spans (OTLP before 0.15) were ignored";
    }
    count_repeated(decoder, attributes);
    otlp_sites_resource_read(&decoder->sites);
    return status;
}

static int read_resource_spans(struct otlp_decoder *decoder, struct wire wire)
{
    int status = find_resource(decoder, wire);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(&decoder->reading, &wire, OTLP_DEPTH_RESOURCE_SPANS, &field);
        if (status == 0 && field.tag == TAG_SCOPE_SPANS)
            status = read_scope_spans(decoder, field.bytes);
    }
    return status;
}

/* ------------------------------------------------------------------ requests */

static int read_request(struct otlp_decoder *decoder, struct wire wire)
{
    int status = 0;

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(&decoder->reading, &wire, OTLP_DEPTH_REQUEST, &field);
        if (status == 0 && field.tag == TAG_RESOURCE_SPANS)
            status = read_resource_spans(decoder, field.bytes);
    }
    return status == 0 ? settle(decoder, wire.at) : status;
}

int otlp_decode_protobuf(struct otlp_decoder *decoder, struct view message,
                         const struct otlp_stage **out_stage)
{
    struct wire wire = wire_of(message);
    struct otlp_stage *stage = &decoder->stage;
    int status;

    reset_stage(decoder);
    *out_stage = stage;
    otlp_sites_begin(&decoder->sites, catalog_enter(decoder->options.catalog, &decoder->reader));
    status = read_request(decoder, wire);
    if (status != 0) {
        empty_stage(decoder);
        stage->error = decoder->reading.error;
        stage->error_offset = (size_t)(decoder->reading.error_at - wire.at);
        return status;
    }
    decoder->request = message;
    stage->links_invalid = decoder->reading.links_invalid;
    stage->links_past_max = decoder->reading.links_past_max;
    stage->warning = decoder->reading.warning;
    return 0;
}

void otlp_decoder_rest(struct otlp_decoder *decoder)
{
    catalog_leave(&decoder->reader);
}

struct view otlp_decoder_message(const struct otlp_decoder *decoder)
{
    return decoder->request;
}

void otlp_decoder_note_targets(struct otlp_decoder *decoder, struct wall_time now)
{
    const struct otlp_decoder_options *options = &decoder->options;

    if (decoder->targets != NULL)
        otlp_note_targets(decoder->targets, options->targets, options->hash_seed, decoder->request,
                          options->depth_max, now);
}

int otlp_decode_json(struct otlp_decoder *decoder, struct view text,
                     const struct otlp_stage **out_stage)
{
    struct otlp_json_error *error = &decoder->json_error;
    struct otlp_stage *stage = &decoder->stage;
    int status;

    reset_stage(decoder);
    *out_stage = stage;
    if (decoder->json.capacity > JSON_KEPT)
        buf_release(&decoder->json);
    buf_reset(&decoder->json);
    status = otlp_json_to_protobuf(OTLP_TRACES, text, decoder->options.json_tree_bytes_max,
                                   &decoder->json, error);
    if (status != 0) {
        stage->error = error->text;
        stage->error_offset = error->offset;
        return status;
    }
    status = otlp_decode_protobuf(decoder, buf_view(&decoder->json), out_stage);
    if (status == 0 && stage->warning == NULL && error->text[0] != '\0')
        stage->warning = error->text;
    return status;
}
