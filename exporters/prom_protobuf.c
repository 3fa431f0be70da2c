/* prom_protobuf.c: each metric is packed by itself behind its family's fields; the family's length is put
 * before it when the family ends, so that no family has to be held as a tree.
 */
#include "exporters/prom_protobuf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/proto_write.h"
#include "exporters/hex.h"
#include "exporters/prom_labels.h"
#include "io/prometheus/client/metrics.pb-c.h"
#include "topology/span.h"
#include "topology/targets.h"

typedef Io__Prometheus__Client__Metric Metric;
typedef Io__Prometheus__Client__LabelPair LabelPair;
typedef Io__Prometheus__Client__Histogram Histogram;
typedef Io__Prometheus__Client__Bucket Bucket;
typedef Io__Prometheus__Client__BucketSpan BucketSpan;
typedef Io__Prometheus__Client__Exemplar Exemplar;
typedef Google__Protobuf__Timestamp Timestamp;

enum {
    LABELS_MAX = TARGET_ATTRIBUTES_MAX + 2,
    METRIC_TAG = 4 << 3 | 2, /* MetricFamily.metric */
};

_Static_assert((int)LABELS_MAX >= (int)PROM_LABELS_MAX, "targets have most labels");

/* Prometheus' own: what is below it is in the bucket of zeros. Durations of 0 s alone are. */
#define ZERO_THRESHOLD 0x1p-128

/* ------------------------------------------------------------------ labels */

/* One metric with its labels, whose texts point into `text`. */
struct labelled {
    Metric metric;
    LabelPair pairs[LABELS_MAX];
    LabelPair *pointers[LABELS_MAX];
    struct buf text;
};

/* Appends the text between quotes that `labels` begins with, without its escapes, and takes it off. */
static void take_value(struct view *labels, struct buf *text)
{
    size_t at = 1;

    for (; at < labels->size && labels->data[at] != '"'; at++) {
        char byte = labels->data[at];
        if (byte == '\\' && at + 1 < labels->size)
            byte = labels->data[++at] == 'n' ? '\n' : labels->data[at];
        (void)buf_append_byte(text, byte);
    }
    (void)buf_append_byte(text, '\0');
    at = at < labels->size ? at + 1 : at;
    at += at < labels->size; /* The comma. */
    *labels = (struct view){labels->data + at, labels->size - at};
}

/* Reads `a="x",b="y"` as prom_label() and its like write it. Returns: 0; as buf_append(). */
static int read_labels(struct labelled *labelled, struct view labels)
{
    struct buf *text = &labelled->text;
    size_t count = 0;

    /* Reserved at once: pointers into the text stay good. */
    if (buf_reserve(text, labels.size + 1) != 0)
        return text->failed;
    while (labels.size != 0) {
        const char *equals = memchr(labels.data, '=', labels.size);
        LabelPair *pair = &labelled->pairs[count];
        size_t size;
        CHECK(equals != NULL && count < LABELS_MAX);
        size = (size_t)(equals - labels.data);
        io__prometheus__client__label_pair__init(pair);
        pair->name = text->data + text->size;
        (void)buf_append(text, labels.data, size);
        (void)buf_append_byte(text, '\0');
        labels = (struct view){equals + 1, labels.size - size - 1};
        pair->value = text->data + text->size;
        take_value(&labels, text);
        labelled->pointers[count++] = pair;
    }
    labelled->metric.label = labelled->pointers;
    labelled->metric.n_label = count;
    return text->failed;
}

/* ------------------------------------------------------------------ messages */

static void append_packed(struct buf *out, const ProtobufCMessage *message, size_t size)
{
    if (buf_reserve(out, size) != 0)
        return;
    (void)protobuf_c_message_pack(message, (uint8_t *)out->data + out->size);
    out->size += size;
}

static void append_metric(struct prom_protobuf *protobuf, const Metric *metric)
{
    size_t size = io__prometheus__client__metric__get_packed_size(metric);
    uint8_t head[1 + PROTO_VARINT_SIZE_MAX] = {METRIC_TAG};

    (void)buf_append(protobuf->out, head, 1 + proto_put_varint(head + 1, size));
    append_packed(protobuf->out, &metric->base, size);
}

/* Appends `metric` with these labels. */
static void append_labelled(struct prom_protobuf *protobuf, struct view labels,
                            struct labelled *labelled)
{
    int status;

    buf_init(&labelled->text, 0);
    status = read_labels(labelled, labels);
    if (status == 0)
        append_metric(protobuf, &labelled->metric);
    else
        protobuf->out->failed = status;
    buf_release(&labelled->text);
}

static Timestamp *set_time(Timestamp *timestamp, struct wall_time time)
{
    if (time.ns == 0)
        return NULL;
    google__protobuf__timestamp__init(timestamp);
    timestamp->seconds = (int64_t)(time.ns / NS_PER_S);
    timestamp->nanos = (int32_t)(time.ns % NS_PER_S);
    return timestamp;
}

/* ------------------------------------------------------------------ families */

static Io__Prometheus__Client__MetricType type_of(enum prom_type type)
{
    switch (type) {
    case PROM_COUNTER:
        return IO__PROMETHEUS__CLIENT__METRIC_TYPE__COUNTER;
    case PROM_GAUGE:
    case PROM_INFO:
        return IO__PROMETHEUS__CLIENT__METRIC_TYPE__GAUGE;
    case PROM_HISTOGRAM:
        return IO__PROMETHEUS__CLIENT__METRIC_TYPE__HISTOGRAM;
    case PROM_UNKNOWN:
        break;
    }
    return IO__PROMETHEUS__CLIENT__METRIC_TYPE__UNTYPED;
}

/* Puts the length before the family, or takes the family out where it has no sample. */
static void end_family(struct prom_protobuf *protobuf)
{
    struct buf *out = protobuf->out;
    uint8_t bytes[PROTO_VARINT_SIZE_MAX];
    size_t length = out->size - protobuf->family_at;
    size_t size = proto_put_varint(bytes, length);

    if (out->failed != 0 || protobuf->family == NULL)
        return;
    if (out->size == protobuf->metrics_at) {
        out->size = protobuf->family_at;
        return;
    }
    if (buf_append(out, bytes, size) != 0) /* Only makes room. */
        return;
    memmove(out->data + protobuf->family_at + size, out->data + protobuf->family_at, length);
    memcpy(out->data + protobuf->family_at, bytes, size);
}

void prom_protobuf_init(struct prom_protobuf *protobuf, struct buf *out,
                        const struct histogram_bounds *bounds)
{
    *protobuf = (struct prom_protobuf){.out = out, .bounds = bounds};
}

void prom_protobuf_family(struct prom_protobuf *protobuf, const struct prom_family *family)
{
    Io__Prometheus__Client__MetricFamily message = IO__PROMETHEUS__CLIENT__METRIC_FAMILY__INIT;
    char name[PROM_NAME_MAX + 16];
    int size = snprintf(name, sizeof(name), "%s%s", family->name, prom_type_suffix(family->type));

    CHECK(size > 0 && (size_t)size < sizeof(name));
    end_family(protobuf);
    protobuf->family = family;
    protobuf->family_at = protobuf->out->size;
    message.name = name;
    message.help = (char *)family->help;
    message.has_type = true;
    message.type = type_of(family->type);
    message.unit = (char *)prom_unit(family->name);
    append_packed(protobuf->out, &message.base,
                  io__prometheus__client__metric_family__get_packed_size(&message));
    protobuf->metrics_at = protobuf->out->size;
}

void prom_protobuf_end(struct prom_protobuf *protobuf)
{
    end_family(protobuf);
}

/* ------------------------------------------------------------------ exemplars */

/* One exemplar with all that it points to. */
struct exemplar_parts {
    Exemplar exemplar;
    LabelPair pairs[2];
    LabelPair *pointers[2];
    char trace[HEX_TRACE_SIZE + 1];
    char span[HEX_SPAN_SIZE + 1];
    Timestamp time;
};

static Exemplar *set_exemplar(struct exemplar_parts *parts, const struct exemplar *from,
                              double value)
{
    io__prometheus__client__exemplar__init(&parts->exemplar);
    hex_trace(parts->trace, from->trace);
    hex_span(parts->span, from->span);
    for (size_t i = 0; i < 2; i++) {
        io__prometheus__client__label_pair__init(&parts->pairs[i]);
        parts->pairs[i].name = (char *)(i == 0 ? "trace_id" : "span_id"); /* Only read. */
        parts->pairs[i].value = i == 0 ? parts->trace : parts->span;
        parts->pointers[i] = &parts->pairs[i];
    }
    parts->exemplar.n_label = 2;
    parts->exemplar.label = parts->pointers;
    parts->exemplar.has_value = true;
    parts->exemplar.value = value;
    parts->exemplar.timestamp = set_time(&parts->time, (struct wall_time){from->ns});
    return &parts->exemplar;
}

/* ------------------------------------------------------------------ values */

void prom_protobuf_value(struct prom_protobuf *protobuf, struct view labels, double value,
                         struct wall_time created, const struct exemplar *exemplar)
{
    struct labelled labelled = {.metric = IO__PROMETHEUS__CLIENT__METRIC__INIT};
    Io__Prometheus__Client__Counter counter = IO__PROMETHEUS__CLIENT__COUNTER__INIT;
    Io__Prometheus__Client__Gauge gauge = IO__PROMETHEUS__CLIENT__GAUGE__INIT;
    Io__Prometheus__Client__Untyped untyped = IO__PROMETHEUS__CLIENT__UNTYPED__INIT;
    Timestamp timestamp;
    struct exemplar_parts parts;

    switch (protobuf->family->type) {
    case PROM_COUNTER:
        counter.has_value = true;
        counter.value = value;
        counter.created_timestamp = set_time(&timestamp, created);
        if (exemplar != NULL)
            counter.exemplar = set_exemplar(&parts, exemplar, 1);
        labelled.metric.counter = &counter;
        break;
    case PROM_GAUGE:
    case PROM_INFO:
        gauge.has_value = true;
        gauge.value = value;
        labelled.metric.gauge = &gauge;
        break;
    case PROM_HISTOGRAM:
    case PROM_UNKNOWN:
        untyped.has_value = true;
        untyped.value = value;
        labelled.metric.untyped = &untyped;
        break;
    }
    append_labelled(protobuf, labels, &labelled);
}

/* ------------------------------------------------------------------ histograms */

/* What protobuf-c needs of one histogram, made on the stack. */
struct parts {
    Histogram histogram;
    Bucket buckets[HISTOGRAM_BOUNDS_MAX + 1];
    Bucket *bucket_pointers[HISTOGRAM_BOUNDS_MAX + 1];
    BucketSpan span;
    BucketSpan *span_pointer;
    uint64_t weights[HISTOGRAM_BUCKETS_MAX];
    int64_t deltas[HISTOGRAM_BUCKETS_MAX];
    double counts[HISTOGRAM_BUCKETS_MAX];
    struct exemplar_parts exemplars[HISTOGRAM_BOUNDS_MAX + 1];
    Exemplar *exemplar_pointers[HISTOGRAM_BOUNDS_MAX + 1];
    Timestamp created;
};

static bool is_whole(uint64_t weight)
{
    return weight % WEIGHT_ONE == 0;
}

static double in_requests(uint64_t weight)
{
    return (double)weight / (double)WEIGHT_ONE;
}

static void add_bucket(struct parts *parts, double upper, bool is_float, uint64_t weight)
{
    size_t which = parts->histogram.n_bucket++;
    Bucket *bucket = &parts->buckets[which];

    io__prometheus__client__bucket__init(bucket);
    bucket->has_upper_bound = true;
    bucket->upper_bound = upper;
    bucket->has_cumulative_count = !is_float;
    bucket->has_cumulative_count_float = is_float;
    bucket->cumulative_count = weight / WEIGHT_ONE;
    bucket->cumulative_count_float = in_requests(weight);
    parts->bucket_pointers[which] = bucket;
    parts->histogram.bucket = parts->bucket_pointers;
}

static void set_classic(struct parts *parts, const struct histogram_bounds *bounds, bool is_float,
                        const struct histogram *now, const struct histogram *past)
{
    uint64_t below = 0;

    for (uint32_t i = 0; i <= bounds->count; i++) {
        double upper = i < bounds->count ? (double)bounds->upper_ns[i] / (double)NS_PER_S
                                         : INFINITY;
        below += now->classic[i] - past->classic[i];
        add_bucket(parts, upper, is_float, below);
    }
}

/* Bucket i of ours reaches up to b^(i+1), Prometheus' of index n up to b^n. */
static void set_native(struct parts *parts, bool is_float, const struct histogram *now,
                       const struct histogram *past)
{
    Histogram *histogram = &parts->histogram;
    uint64_t zeros = now->zero_count - past->zero_count;
    int64_t before = 0;

    histogram->has_schema = true;
    histogram->schema = now->scale;
    histogram->has_zero_threshold = true;
    histogram->zero_threshold = ZERO_THRESHOLD;
    histogram->has_zero_count = !is_float;
    histogram->has_zero_count_float = is_float;
    histogram->zero_count = zeros / WEIGHT_ONE;
    histogram->zero_count_float = in_requests(zeros);
    for (uint32_t i = 0; i < now->length; i++) {
        int64_t count = (int64_t)(parts->weights[i] / WEIGHT_ONE);
        parts->counts[i] = in_requests(parts->weights[i]);
        parts->deltas[i] = count - before;
        before = count;
    }
    io__prometheus__client__bucket_span__init(&parts->span);
    parts->span.has_offset = true;
    parts->span.offset = now->length != 0 ? now->offset + 1 : 0;
    parts->span.has_length = true;
    parts->span.length = now->length;
    parts->span_pointer = &parts->span;
    histogram->n_positive_span = 1;
    histogram->positive_span = &parts->span_pointer;
    histogram->n_positive_delta = is_float ? 0 : now->length;
    histogram->positive_delta = parts->deltas;
    histogram->n_positive_count = is_float ? now->length : 0;
    histogram->positive_count = parts->counts;
}

/* Each stands at its classic bucket and among those of the native histogram. */
static void set_exemplars(struct parts *parts, const struct prom_histogram *histogram)
{
    Histogram *message = &parts->histogram;

    for (unsigned i = 0; i < message->n_bucket && histogram->exemplars != NULL; i++) {
        const struct exemplar *from = exemplars_find(histogram->exemplars, histogram->which, i);
        Exemplar *exemplar;
        if (from == NULL)
            continue;
        exemplar = set_exemplar(&parts->exemplars[i], from, (double)from->duration_ns / 1e9);
        parts->buckets[i].exemplar = exemplar;
        parts->exemplar_pointers[message->n_exemplars++] = exemplar;
    }
    message->exemplars = parts->exemplar_pointers;
}

static bool has_fractions(const struct parts *parts, const struct histogram *now,
                          const struct histogram *past)
{
    bool is_fraction = !is_whole(now->count - past->count) ||
                       !is_whole(now->zero_count - past->zero_count);

    for (uint32_t i = 0; i < now->length && !is_fraction; i++)
        is_fraction = !is_whole(parts->weights[i]);
    for (uint32_t i = 0; i <= HISTOGRAM_BOUNDS_MAX && !is_fraction; i++)
        is_fraction = !is_whole(now->classic[i] - past->classic[i]);
    return is_fraction;
}

void prom_protobuf_histogram(struct prom_protobuf *protobuf, struct view labels,
                             const struct prom_histogram *histogram)
{
    static const struct histogram nothing;
    const struct histogram *now = histogram->now;
    const struct histogram *past = histogram->past != NULL ? histogram->past : &nothing;
    struct labelled labelled = {.metric = IO__PROMETHEUS__CLIENT__METRIC__INIT};
    struct parts parts;
    uint64_t count = now->count - past->count;
    bool is_float;

    io__prometheus__client__histogram__init(&parts.histogram); /* The rest is set as it is used. */
    histogram_buckets_since(now, past, parts.weights);
    is_float = has_fractions(&parts, now, past);
    parts.histogram.has_sample_count = !is_float;
    parts.histogram.has_sample_count_float = is_float;
    parts.histogram.sample_count = count / WEIGHT_ONE;
    parts.histogram.sample_count_float = in_requests(count);
    parts.histogram.has_sample_sum = true;
    parts.histogram.sample_sum = (double)(now->sum - past->sum) / (double)WEIGHT_ONE / 1e9;
    parts.histogram.created_timestamp = set_time(&parts.created, histogram->created);
    set_classic(&parts, protobuf->bounds, is_float, now, past);
    set_native(&parts, is_float, now, past);
    set_exemplars(&parts, histogram);
    labelled.metric.histogram = &parts.histogram;
    append_labelled(protobuf, labels, &labelled);
}

void prom_protobuf_bucket(struct prom_protobuf *protobuf, struct view le, uint64_t count)
{
    CHECK(protobuf->buckets_count <= HISTOGRAM_BOUNDS_MAX);
    protobuf->upper[protobuf->buckets_count] = prom_le(le);
    protobuf->counts[protobuf->buckets_count++] = count;
}

void prom_protobuf_sum(struct prom_protobuf *protobuf, double sum, uint64_t count)
{
    struct labelled labelled = {.metric = IO__PROMETHEUS__CLIENT__METRIC__INIT};
    struct parts parts = {.histogram = IO__PROMETHEUS__CLIENT__HISTOGRAM__INIT};

    for (uint32_t i = 0; i < protobuf->buckets_count; i++) {
        add_bucket(&parts, protobuf->upper[i], false, 0);
        parts.buckets[i].cumulative_count = protobuf->counts[i];
    }
    protobuf->buckets_count = 0;
    parts.histogram.has_sample_count = true;
    parts.histogram.sample_count = count;
    parts.histogram.has_sample_sum = true;
    parts.histogram.sample_sum = sum;
    labelled.metric.histogram = &parts.histogram;
    append_labelled(protobuf, VIEW(""), &labelled);
}
