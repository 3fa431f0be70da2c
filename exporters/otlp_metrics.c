/* otlp_metrics.c: four messages stay open, one in the other, down to the points of a metric; what is
 * written goes behind the last point, and each length is put in front when its message ends. A piece
 * ends by closing all four, so that nothing longer than a piece is ever moved.
 */
#include "exporters/otlp_metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/proto_write.h"
#include "exporters/escape.h"
#include "topology/span.h"
#include "version.h"

/* Numbers of fields, by message. */
enum { METRICS_DATA_RESOURCE_METRICS = 1 };
enum { RESOURCE_METRICS_RESOURCE = 1, RESOURCE_METRICS_SCOPE_METRICS = 2 };
enum { RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE_METRICS_SCOPE = 1, SCOPE_METRICS_METRICS = 2 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2, ANY_VALUE_STRING = 1 };
enum {
    METRIC_NAME = 1,
    METRIC_DESCRIPTION = 2,
    METRIC_UNIT = 3,
    METRIC_GAUGE = 5,
    METRIC_SUM = 7,
    METRIC_HISTOGRAM = 9,
    METRIC_EXPONENTIAL_HISTOGRAM = 10,
};
/* The same in gauges, sums and histograms, as far as they have it. */
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_IS_MONOTONIC = 3, CUMULATIVE = 2 };
enum { POINT_START = 2, POINT_TIME = 3 };
enum { NUMBER_DOUBLE = 4, NUMBER_EXEMPLARS = 5, NUMBER_INT = 6, NUMBER_ATTRIBUTES = 7 };
enum {
    HISTOGRAM_COUNT = 4,
    HISTOGRAM_SUM = 5,
    EXPLICIT_BUCKET_COUNTS = 6,
    EXPLICIT_BOUNDS = 7,
    EXPLICIT_EXEMPLARS = 8,
    EXPLICIT_ATTRIBUTES = 9,
    EXPLICIT_MIN = 11,
    EXPLICIT_MAX = 12,
    EXPONENTIAL_ATTRIBUTES = 1,
    EXPONENTIAL_SCALE = 6,
    EXPONENTIAL_ZERO_COUNT = 7,
    EXPONENTIAL_POSITIVE = 8,
    EXPONENTIAL_EXEMPLARS = 11,
    EXPONENTIAL_MIN = 12,
    EXPONENTIAL_MAX = 13,
    BUCKETS_OFFSET = 1,
    BUCKETS_COUNTS = 2,
};
enum { EXEMPLAR_TIME = 2, EXEMPLAR_DOUBLE = 3, EXEMPLAR_SPAN = 4, EXEMPLAR_TRACE = 5 };

/* ------------------------------------------------------------------ attributes */

static void text_attribute(struct buf *out, uint32_t field, const char *key, struct view value)
{
    size_t begin = proto_write_begin(out, field);
    size_t inner;
    size_t text_at;

    proto_write_bytes(out, KEY_VALUE_KEY, view_of(key));
    inner = proto_write_begin(out, KEY_VALUE_VALUE);
    text_at = proto_write_begin(out, ANY_VALUE_STRING);
    (void)escape_none(out, value); /* Failures stick, here and below. */
    proto_write_end(out, text_at);
    proto_write_end(out, inner);
    proto_write_end(out, begin);
}

/* Appends the text between quotes that `text` begins with, without its escapes; the number of bytes
 * that it took, quotes included. */
static size_t unescape(struct buf *out, struct view text)
{
    size_t at = 1;

    for (; at < text.size && text.data[at] != '"'; at++) {
        char byte = text.data[at];
        if (byte == '\\' && at + 1 < text.size)
            byte = text.data[++at] == 'n' ? '\n' : text.data[at];
        (void)buf_append_byte(out, byte);
    }
    return at < text.size ? at + 1 : at;
}

/* `a="x",b="y"` as prom_label() and its like write it, each an attribute of field `field`. */
static void attributes(struct buf *out, uint32_t field, struct view labels)
{
    while (labels.size != 0) {
        const char *equals = memchr(labels.data, '=', labels.size);
        size_t begin = proto_write_begin(out, field);
        size_t value_at;
        size_t text_at;
        size_t size;
        CHECK(equals != NULL);
        size = (size_t)(equals - labels.data);
        proto_write_bytes(out, KEY_VALUE_KEY, (struct view){labels.data, size});
        labels = (struct view){equals + 1, labels.size - size - 1};
        value_at = proto_write_begin(out, KEY_VALUE_VALUE);
        text_at = proto_write_begin(out, ANY_VALUE_STRING);
        size = unescape(out, labels);
        proto_write_end(out, text_at);
        proto_write_end(out, value_at);
        proto_write_end(out, begin);
        size += size < labels.size; /* The comma. */
        labels = (struct view){labels.data + size, labels.size - size};
    }
}

/* ------------------------------------------------------------------ resource, scope, metric */

static void target_resource(struct otlp_metrics *metrics, const struct target *target)
{
    struct view job = target->job;
    struct view namespace = {job.data, target->namespace_size};
    size_t before_name = target->namespace_size + (target->namespace_size != 0);

    if (namespace.size != 0)
        text_attribute(metrics->out, RESOURCE_ATTRIBUTES, "service.namespace", namespace);
    text_attribute(metrics->out, RESOURCE_ATTRIBUTES, "service.name",
                   (struct view){job.data + before_name, job.size - before_name});
    if (target->instance.size != 0)
        text_attribute(metrics->out, RESOURCE_ATTRIBUTES, "service.instance.id", target->instance);
}

static void own_resource(struct otlp_metrics *metrics)
{
    text_attribute(metrics->out, RESOURCE_ATTRIBUTES, "service.name", VIEW("spanmap"));
    text_attribute(metrics->out, RESOURCE_ATTRIBUTES, "service.version", VIEW(SPANMAP_VERSION));
    if (metrics->options.instance.size != 0)
        text_attribute(metrics->out, RESOURCE_ATTRIBUTES, "service.instance.id",
                       metrics->options.instance);
}

static void begin_resource(struct otlp_metrics *metrics)
{
    struct buf *out = metrics->out;
    size_t begin;

    metrics->resource_at = proto_write_begin(out, METRICS_DATA_RESOURCE_METRICS);
    begin = proto_write_begin(out, RESOURCE_METRICS_RESOURCE);
    if (metrics->target != NULL)
        target_resource(metrics, metrics->target);
    else
        own_resource(metrics);
    proto_write_end(out, begin);
    metrics->scope_at = proto_write_begin(out, RESOURCE_METRICS_SCOPE_METRICS);
    begin = proto_write_begin(out, SCOPE_METRICS_SCOPE);
    proto_write_bytes(out, SCOPE_NAME, VIEW("spanmap"));
    proto_write_bytes(out, SCOPE_VERSION, VIEW(SPANMAP_VERSION));
    proto_write_end(out, begin);
}

static uint32_t data_field(const struct otlp_metrics *metrics, bool is_explicit)
{
    switch (metrics->family->type) {
    case PROM_COUNTER:
        return METRIC_SUM;
    case PROM_HISTOGRAM:
        return is_explicit ? METRIC_HISTOGRAM : METRIC_EXPONENTIAL_HISTOGRAM;
    case PROM_GAUGE:
    case PROM_INFO:
    case PROM_UNKNOWN:
        break;
    }
    return METRIC_GAUGE;
}

static void begin_metric(struct otlp_metrics *metrics, bool is_explicit)
{
    const struct prom_family *family = metrics->family;
    const char *unit = prom_unit(family->name);
    char name[PROM_NAME_MAX + 16];
    int size = snprintf(name, sizeof(name), "%s%s", family->name, prom_type_suffix(family->type));

    CHECK(size > 0 && (size_t)size < sizeof(name));
    metrics->metric_at = proto_write_begin(metrics->out, SCOPE_METRICS_METRICS);
    proto_write_bytes(metrics->out, METRIC_NAME, view_of(name));
    proto_write_bytes(metrics->out, METRIC_DESCRIPTION, view_of(family->help));
    if (unit != NULL)
        proto_write_bytes(metrics->out, METRIC_UNIT,
                          strcmp(unit, "seconds") == 0 ? VIEW("s") : VIEW("By"));
    metrics->data_at = proto_write_begin(metrics->out, data_field(metrics, is_explicit));
    metrics->is_open = true;
    metrics->open_type = family->type;
}

static void end_metric(struct otlp_metrics *metrics)
{
    enum prom_type type = metrics->open_type;

    if (type == PROM_COUNTER || type == PROM_HISTOGRAM)
        proto_write_varint(metrics->out, DATA_TEMPORALITY, CUMULATIVE);
    if (type == PROM_COUNTER)
        proto_write_varint(metrics->out, DATA_IS_MONOTONIC, 1);
    proto_write_end(metrics->out, metrics->data_at);
    proto_write_end(metrics->out, metrics->metric_at);
    metrics->is_open = false;
}

static void end_resource(struct otlp_metrics *metrics)
{
    if (metrics->is_open)
        end_metric(metrics);
    if (metrics->resource_at == 0)
        return;
    proto_write_end(metrics->out, metrics->scope_at);
    proto_write_end(metrics->out, metrics->resource_at);
    metrics->resource_at = 0;
}

/* A point of the family that has begun, with its times; where it begins. */
static size_t begin_point(struct otlp_metrics *metrics, struct wall_time created, bool is_explicit)
{
    size_t begin;

    CHECK(metrics->family != NULL);
    if (metrics->resource_at != 0 &&
        metrics->out->size - metrics->resource_at >= OTLP_METRICS_PIECE_BYTES)
        end_resource(metrics);
    if (metrics->resource_at == 0)
        begin_resource(metrics);
    if (!metrics->is_open)
        begin_metric(metrics, is_explicit);
    begin = proto_write_begin(metrics->out, DATA_POINTS);
    if (metrics->family->type == PROM_COUNTER || metrics->family->type == PROM_HISTOGRAM)
        proto_write_fixed64(metrics->out, POINT_START,
                            created.ns != 0 ? created.ns : metrics->options.start.ns);
    proto_write_fixed64(metrics->out, POINT_TIME, metrics->options.now.ns);
    return begin;
}

void otlp_metrics_init(struct otlp_metrics *metrics, struct buf *out,
                       const struct otlp_metrics_options *options)
{
    *metrics = (struct otlp_metrics){.out = out, .options = *options};
}

void otlp_metrics_target(struct otlp_metrics *metrics, const struct target *target)
{
    end_resource(metrics);
    metrics->target = target;
}

void otlp_metrics_family(struct otlp_metrics *metrics, const struct prom_family *family)
{
    if (metrics->is_open)
        end_metric(metrics);
    metrics->family = family;
}

void otlp_metrics_end(struct otlp_metrics *metrics)
{
    end_resource(metrics);
}

/* ------------------------------------------------------------------ exemplars */

static void put_exemplar(struct buf *out, uint32_t field, const struct exemplar *exemplar,
                         double value)
{
    size_t begin = proto_write_begin(out, field);

    proto_write_fixed64(out, EXEMPLAR_TIME, exemplar->ns);
    proto_write_double(out, EXEMPLAR_DOUBLE, value);
    proto_write_bytes(out, EXEMPLAR_SPAN,
                      (struct view){(const char *)&exemplar->span, sizeof(exemplar->span)});
    proto_write_bytes(out, EXEMPLAR_TRACE,
                      (struct view){(const char *)exemplar->trace, sizeof(exemplar->trace)});
    proto_write_end(out, begin);
}

/* Those of one of a series' histograms. */
static void put_exemplars(struct buf *out, uint32_t field, const struct prom_histogram *histogram)
{
    for (uint32_t i = 0; histogram->exemplars != NULL && i < histogram->exemplars->count; i++) {
        const struct exemplar *exemplar = &histogram->exemplars->items[i];
        if (!exemplar->of_failure && exemplar->which == histogram->which)
            put_exemplar(out, field, exemplar, (double)exemplar->duration_ns / (double)NS_PER_S);
    }
}

/* ------------------------------------------------------------------ numbers */

void otlp_metrics_u64(struct otlp_metrics *metrics, struct view labels, uint64_t value)
{
    size_t begin = begin_point(metrics, (struct wall_time){0}, true);

    proto_write_fixed64(metrics->out, NUMBER_INT, value);
    attributes(metrics->out, NUMBER_ATTRIBUTES, labels);
    proto_write_end(metrics->out, begin);
}

void otlp_metrics_double(struct otlp_metrics *metrics, struct view labels, double value,
                         struct wall_time created, const struct exemplar *exemplar)
{
    size_t begin = begin_point(metrics, created, true);

    proto_write_double(metrics->out, NUMBER_DOUBLE, value);
    if (exemplar != NULL)
        put_exemplar(metrics->out, NUMBER_EXEMPLARS, exemplar, 1);
    attributes(metrics->out, NUMBER_ATTRIBUTES, labels);
    proto_write_end(metrics->out, begin);
}

/* ------------------------------------------------------------------ histograms */

static void doubles(struct buf *out, uint32_t field, const double *numbers, size_t count)
{
    size_t begin = proto_write_begin(out, field);

    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &numbers[i], sizeof(bits));
        proto_write_fixed(out, bits, sizeof(bits));
    }
    proto_write_end(out, begin);
}

/* All of an explicit histogram but attributes and extremes; the last bucket has no bound. */
static void explicit_buckets(struct otlp_metrics *metrics, double sum, const uint64_t *counts,
                             const double *upper, size_t buckets)
{
    struct buf *out = metrics->out;
    uint64_t count = 0;
    size_t begin;

    for (size_t i = 0; i < buckets; i++)
        count += counts[i];
    proto_write_fixed64(out, HISTOGRAM_COUNT, count);
    proto_write_double(out, HISTOGRAM_SUM, sum);
    begin = proto_write_begin(out, EXPLICIT_BUCKET_COUNTS);
    for (size_t i = 0; i < buckets; i++)
        proto_write_fixed(out, counts[i], sizeof(counts[i]));
    proto_write_end(out, begin);
    doubles(out, EXPLICIT_BOUNDS, upper, buckets - 1);
}

static void explicit_histogram(struct otlp_metrics *metrics, double sum,
                               const struct histogram *now, const struct histogram *past)
{
    const struct histogram_bounds *bounds = metrics->options.bounds;
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
    double upper[HISTOGRAM_BOUNDS_MAX];

    for (uint32_t i = 0; i <= bounds->count; i++)
        counts[i] = (now->classic[i] - past->classic[i]) / WEIGHT_ONE;
    for (uint32_t i = 0; i < bounds->count; i++)
        upper[i] = (double)bounds->upper_ns[i] / (double)NS_PER_S;
    explicit_buckets(metrics, sum, counts, upper, bounds->count + 1);
}

/* Buckets that are empty at either end are left out. */
static void exponential_histogram(struct otlp_metrics *metrics, double sum,
                                  const struct histogram *now, const struct histogram *past)
{
    uint64_t counts[HISTOGRAM_BUCKETS_MAX];
    uint64_t zeros = (now->zero_count - past->zero_count) / WEIGHT_ONE;
    uint64_t count = zeros;
    uint32_t length = now->length;
    uint32_t first = 0;
    struct buf *out = metrics->out;

    histogram_buckets_since(now, past, counts);
    for (uint32_t i = 0; i < length; i++)
        count += counts[i] /= WEIGHT_ONE;
    while (length != 0 && counts[length - 1] == 0)
        length--;
    while (first < length && counts[first] == 0)
        first++;
    proto_write_fixed64(out, HISTOGRAM_COUNT, count);
    proto_write_double(out, HISTOGRAM_SUM, sum);
    proto_write_zigzag(out, EXPONENTIAL_SCALE, now->scale);
    proto_write_fixed64(out, EXPONENTIAL_ZERO_COUNT, zeros);
    if (first < length) {
        size_t begin = proto_write_begin(out, EXPONENTIAL_POSITIVE);
        size_t inner;
        proto_write_zigzag(out, BUCKETS_OFFSET, now->offset + (int32_t)first);
        inner = proto_write_begin(out, BUCKETS_COUNTS);
        for (uint32_t i = first; i < length; i++)
            proto_write_number(out, counts[i]);
        proto_write_end(out, inner);
        proto_write_end(out, begin);
    }
}

/* Those of the past cannot be taken out again. */
static void extremes(struct otlp_metrics *metrics, const struct histogram *now, uint32_t min,
                     uint32_t max)
{
    proto_write_double(metrics->out, min, (double)now->min_ns / (double)NS_PER_S);
    proto_write_double(metrics->out, max, (double)now->max_ns / (double)NS_PER_S);
}

void otlp_metrics_histogram(struct otlp_metrics *metrics, struct view labels,
                            const struct prom_histogram *histogram)
{
    static const struct histogram nothing;
    bool is_explicit = !metrics->options.exponential;
    size_t begin = begin_point(metrics, histogram->created, is_explicit);
    const struct histogram *now = histogram->now;
    const struct histogram *before = histogram->past != NULL ? histogram->past : &nothing;
    double sum = (double)(now->sum - before->sum) / (double)WEIGHT_ONE / 1e9;

    if (is_explicit)
        explicit_histogram(metrics, sum, now, before);
    else
        exponential_histogram(metrics, sum, now, before);
    if (before->count == 0 && now->count != 0)
        extremes(metrics, now, is_explicit ? EXPLICIT_MIN : EXPONENTIAL_MIN,
                 is_explicit ? EXPLICIT_MAX : EXPONENTIAL_MAX);
    put_exemplars(metrics->out, is_explicit ? EXPLICIT_EXEMPLARS : EXPONENTIAL_EXEMPLARS,
                  histogram);
    attributes(metrics->out, is_explicit ? EXPLICIT_ATTRIBUTES : EXPONENTIAL_ATTRIBUTES, labels);
    proto_write_end(metrics->out, begin);
}

void otlp_metrics_bucket(struct otlp_metrics *metrics, struct view le, uint64_t count)
{
    CHECK(metrics->buckets_count <= HISTOGRAM_BOUNDS_MAX);
    metrics->upper[metrics->buckets_count] = prom_le(le);
    metrics->counts[metrics->buckets_count++] = count;
}

/* Counts come cumulated, and the last bucket is that of all. */
void otlp_metrics_sum(struct otlp_metrics *metrics, double sum, uint64_t count)
{
    size_t begin = begin_point(metrics, (struct wall_time){0}, true);
    uint32_t buckets = metrics->buckets_count;

    CHECK(buckets != 0 && metrics->counts[buckets - 1] <= count);
    for (uint32_t i = buckets - 1; i > 0; i--)
        metrics->counts[i] -= metrics->counts[i - 1];
    explicit_buckets(metrics, sum, metrics->counts, metrics->upper, buckets);
    metrics->buckets_count = 0;
    proto_write_end(metrics->out, begin);
}
