/* otlp_oracle.c: a walk over protobuf-c's tree.
 */
#include "tests/lib/otlp_oracle.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receiver/otlp_wire.h"
#include "tests/lib/otlp_oracle_value.h"
#include "topology/sampling.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans ResourceSpans;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans ScopeSpans;
typedef Opentelemetry__Proto__Trace__V1__Span Span;
typedef Opentelemetry__Proto__Common__V1__KeyValue KeyValue;
typedef Opentelemetry__Proto__Common__V1__AnyValue AnyValue;

struct comparing {
    const struct rig *rig;
    const struct otlp_stage *stage;
    size_t next; /* Record. */
    uint64_t rejected;
    uint64_t links_invalid;
    bool is_canonical;
    bool is_exact; /* It packs to its own bytes. */
    struct attributes resource;
    struct attributes span;
    const ResourceSpans *of_resource;
    char *why;
};

static bool differ(struct comparing *on, const char *what, uint64_t ours, uint64_t theirs)
{
    (void)snprintf(on->why, 256, "%s of record %zu: %llu, not %llu", what, on->next,
                   (unsigned long long)ours, (unsigned long long)theirs);
    return false;
}

#define SAME(what, ours, theirs)                                                                   \
    do {                                                                                           \
        if ((uint64_t)(ours) != (uint64_t)(theirs))                                                \
            return differ(on, what, (uint64_t)(ours), (uint64_t)(theirs));                         \
    } while (0)

/* Only that it came, and whether it is empty: texts are made elsewhere. */
static void offer_dimension(struct attributes *attributes, const KeyValue *pair)
{
    struct attribute_dimension value = {oracle_is_empty(pair->value) ? VIEW("") : VIEW("x"), true};

    if (attributes->dimensions != NULL)
        attributes_offer_dimension(attributes, view_of(pair->key), value);
}

static void offer(struct attributes *attributes, const KeyValue *pair)
{
    struct view key = view_of(pair->key);
    const AnyValue *value = pair->value;
    bool is_empty = false;

    switch (value != NULL ? value->value_case
                          : OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        attributes_offer_text(attributes, key, view_of(value->string_value));
        return;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE:
        attributes_offer_number(attributes, key, value->int_value);
        return;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE:
        attributes_offer_real(attributes, key, value->double_value);
        return;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE:
        attributes_offer_boolean(attributes, key, value->bool_value != 0);
        return;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE:
        is_empty = protobuf_c_message_get_packed_size(&value->array_value->base) == 0;
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE:
        is_empty = protobuf_c_message_get_packed_size(&value->kvlist_value->base) == 0;
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE:
        is_empty = value->bytes_value.len == 0;
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET:
        is_empty = true;
        break;
    default:
        break;
    }
    if (is_empty)
        attributes_offer_empty(attributes, key);
    else
        attributes_offer_other(attributes, key);
}

static bool is_id(const ProtobufCBinaryData *id, size_t size)
{
    static const uint8_t zero[16];

    return id->len == size && memcmp(id->data, zero, size) != 0;
}

static uint64_t load(const ProtobufCBinaryData *id)
{
    uint64_t number;

    CHECK(id->len >= sizeof(number));
    memcpy(&number, id->data, sizeof(number));
    return number;
}

static bool compare_parent(struct comparing *on, const Span *span, const struct span *record)
{
    const ProtobufCBinaryData *parent = &span->parent_span_id;
    bool is_there = is_id(parent, 8);
    bool is_self = is_there && load(parent) == record->id;

    SAME("parent", record->parent, is_there && !is_self ? load(parent) : 0);
    SAME("parent_bad", record->parent_bad, is_self || (parent->len != 0 && parent->len != 8));
    return true;
}

static bool compare_times(struct comparing *on, const Span *span, const struct span *record)
{
    uint64_t start = span->start_time_unix_nano;
    uint64_t end = span->end_time_unix_nano;
    bool is_known = start != 0 && end != 0;
    bool is_reversed = end < start;
    bool is_long = !is_reversed && end - start > DURATION_NS_MAX;

    uint64_t duration = !is_known || is_reversed ? 0 : is_long ? DURATION_NS_MAX : end - start;
    bool has_end = record->kind == SPAN_KIND_PRODUCER && end != 0;

    SAME("start_ns", record->start_ns, has_end ? end - duration : start);
    SAME("no_end", record->no_end, record->kind == SPAN_KIND_PRODUCER && end == 0);
    SAME("no_duration", record->no_duration, !is_known);
    SAME("skewed", record->skewed, is_known && (is_reversed || is_long));
    SAME("duration_ns", record->duration_ns, duration);
    return true;
}

/* From the span, and where that has none from its resource. The texts lie in `text`. */
static void find_values(const struct comparing *on, const Span *span, struct view *out_values,
                        struct buf *text)
{
    const struct dimensions *dimensions = on->rig->dimensions;
    const Opentelemetry__Proto__Resource__V1__Resource *resource = on->of_resource->resource;

    CHECK(buf_reserve(text, 1 << 20) == 0); /* So that nothing moves. */
    for (uint32_t i = 0; i < dimensions->count; i++) {
        out_values[i] = oracle_value(span->attributes, span->n_attributes, dimensions->items[i].key,
                                     text);
        if (out_values[i].size == 0 && resource != NULL)
            out_values[i] = oracle_value(resource->attributes, resource->n_attributes,
                                         dimensions->items[i].key, text);
    }
    CHECK(text->size <= 1 << 20);
}

static bool same_but_for_values(const struct site *a, const struct site *b)
{
    struct site one, other;

    memcpy(&one, a, sizeof(one));
    memcpy(&other, b, sizeof(other));
    one.dimensions = other.dimensions = DIMENSIONS_NONE;
    return memcmp(&one, &other, sizeof(one)) == 0;
}

static enum span_kind kind_of(const Span *span)
{
    return (unsigned)span->kind < SPAN_KIND_COUNT ? (enum span_kind)span->kind
                                                  : SPAN_KIND_UNSPECIFIED;
}

static bool compare_site(struct comparing *on, const Span *span, const struct span *record)
{
    struct naming_input input = {&on->resource, &on->span, view_of(span->name),
                                 kind_of(span), NULL,      0};
    struct view values[DIMENSIONS_MAX];
    struct buf scratch, text;
    uint32_t site = 0;

    buf_init(&scratch, 0);
    buf_init(&text, 0);
    if (on->rig->dimensions != NULL) {
        find_values(on, span, values, &text);
        input.values = values;
        input.values_count = on->rig->dimensions->count;
    }
    CHECK(naming_site(on->rig->naming, on->rig->catalog, &input, &scratch, &site) == 0);
    buf_release(&scratch);
    buf_release(&text);
    if (on->is_exact || on->rig->dimensions == NULL) {
        SAME("site", record->site, site);
    } else {
        SAME("site but for its values",
             same_but_for_values(catalog_site_at(on->rig->catalog, record->site),
                                 catalog_site_at(on->rig->catalog, site)),
             1);
    }
    return true;
}

static bool compare_span(struct comparing *on, const Span *span)
{
    const struct span *record = &on->stage->spans[on->next];
    struct sampling sampling;
    unsigned code = span->status != NULL ? (unsigned)span->status->code : 0;

    attributes_reset(&on->span);
    for (size_t i = 0; i < span->n_attributes; i++) {
        offer(&on->span, span->attributes[i]);
        offer_dimension(&on->span, span->attributes[i]);
    }
    for (size_t i = 0; i < span->n_links; i++)
        on->links_invalid += !is_id(&span->links[i]->trace_id, 16) ||
                             !is_id(&span->links[i]->span_id, 8);
    if (!is_id(&span->trace_id, 16) || !is_id(&span->span_id, 8)) {
        on->rejected++;
        return true;
    }
    SAME("existence", on->next < on->stage->count, 1);
    SAME("trace", memcmp(record->trace, span->trace_id.data, 16), 0);
    SAME("id", record->id, load(&span->span_id));
    /* An attribute, which may not be read as we do, makes a CLIENT another kind, and any INTERNAL. */
    if (on->is_canonical ||
        (kind_of(span) != SPAN_KIND_CLIENT && record->kind != SPAN_KIND_INTERNAL))
        SAME("kind", record->kind, naming_kind(&on->span, kind_of(span)));
    SAME("has_remote", record->has_remote, span->flags >> 8 & 1);
    SAME("is_remote", record->is_remote, (span->flags >> 8 & 3) == 3);
    if (!compare_parent(on, span, record) || !compare_times(on, span, record))
        return false;
    if (on->is_canonical) {
        SAME("status", record->status, code <= 2 ? code : 0);
        sampling = sampling_of(view_of(span->trace_state), &on->span, 65536);
        SAME("weight", record->weight, sampling.weight);
        SAME("weight_unknown", record->weight_unknown, sampling.unknown);
        SAME("weight_cut", record->weight_cut, sampling.cut);
        if (!compare_site(on, span, record))
            return false;
    }
    on->next++;
    return true;
}

static bool compare_request(struct comparing *on, const Request *request)
{
    for (size_t i = 0; i < request->n_resource_spans; i++) {
        const ResourceSpans *of_resource = request->resource_spans[i];
        attributes_reset(&on->resource);
        for (size_t j = 0; of_resource->resource != NULL && j < of_resource->resource->n_attributes;
             j++) {
            offer(&on->resource, of_resource->resource->attributes[j]);
            offer_dimension(&on->resource, of_resource->resource->attributes[j]);
        }
        on->of_resource = of_resource;
        for (size_t j = 0; j < of_resource->n_scope_spans; j++) {
            const ScopeSpans *of_scope = of_resource->scope_spans[j];
            for (size_t k = 0; k < of_scope->n_spans; k++)
                if (!compare_span(on, of_scope->spans[k]))
                    return false;
        }
    }
    SAME("count", on->stage->count, on->next);
    SAME("rejected", on->stage->rejected[REJECTED_INVALID_ID], on->rejected);
    SAME("links_invalid", on->stage->links_invalid, on->links_invalid);
    if (on->is_canonical)
        SAME("attributes_repeated", on->stage->attributes_repeated,
             on->resource.repeated + on->span.repeated);
    return true;
}

/* Whether the decoder refused a field of number 0 or beyond 29 bits, which protobuf-c takes for one it
 * does not know. */
static bool is_bad_tag(struct view message, size_t offset)
{
    struct wire wire = {(const uint8_t *)message.data + offset,
                        (const uint8_t *)message.data + message.size};
    uint64_t tag = 0;

    return offset < message.size && wire_varint(&wire, &tag) == 0 &&
           (tag >> 3 == 0 || tag > UINT32_MAX);
}

static bool packs_to(const Request *request, struct view message)
{
    uint8_t *packed = mem_alloc(message.size + 1);
    bool is_same;

    CHECK(packed != NULL);
    (void)protobuf_c_message_pack(&request->base, packed);
    is_same = message.size == 0 || memcmp(packed, message.data, message.size) == 0;
    mem_free(packed);
    return is_same;
}

enum oracle_verdict oracle_compare(const struct rig *rig, struct view message, int status,
                                   const struct otlp_stage *stage, char out_why[256])
{
    struct comparing on = {.rig = rig, .stage = stage, .why = out_why};
    Request
        *request = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
            NULL, message.size, (const uint8_t *)message.data);
    enum oracle_verdict verdict = ORACLE_REFUSES;

    on.resource.dimensions = on.span.dimensions = rig->dimensions;

    if (request == NULL)
        return verdict;
    if (status != 0 && (is_bad_tag(message, stage->error_offset) ||
                        strstr(stage->error, "nested too deeply") != NULL)) {
        verdict = ORACLE_REFUSES;
    } else if (status != 0) {
        (void)snprintf(out_why, 256, "refused at byte %zu: %s", stage->error_offset, stage->error);
        verdict = ORACLE_DIFFERS;
    } else {
        on.is_canonical = protobuf_c_message_get_packed_size(&request->base) == message.size;
        on.is_exact = on.is_canonical && packs_to(request, message);
        verdict = compare_request(&on, request) ? ORACLE_AGREES : ORACLE_DIFFERS;
    }
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(request,
                                                                                            NULL);
    return verdict;
}
