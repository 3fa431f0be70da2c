/* prom_text.c: a histogram's labels are copied once a bucket, so whatever can be made ready before
 * the loop is: the name with its brace, and each bound with its quotes.
 */
#include "exporters/prom_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "exporters/hex.h"
#include "exporters/number.h"
#include "topology/span.h"

/* ` `, a number and a newline. */
enum { VALUE_MAX = NUMBER_TEXT_MAX + 2, LE_MAX = 32 };

/* ` # {trace_id="...",span_id="..."} `, value, a blank and the time. */
enum { EXEMPLAR_MAX = 48 + HEX_TRACE_SIZE + HEX_SPAN_SIZE + 2 * NUMBER_TEXT_MAX };

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);
    size_t end_size = strlen(end);

    return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

static char *put(char *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

/* `le="0.002"} `: OpenMetrics wants every number with a point, 0.0.4 writes it as short as can be. */
static void prepare_bound(struct prom_text *text, uint32_t which)
{
    char number[NUMBER_TEXT_MAX + 1] = "+Inf";
    const char *point = "";
    int size;

    if (which < text->bounds->count) {
        double seconds = (double)text->bounds->upper_ns[which] / (double)NS_PER_S;
        number[number_write_double(number, seconds)] = '\0';
        if (text->openmetrics && strpbrk(number, ".e") == NULL)
            point = ".0";
    }
    size = snprintf(text->le[which], LE_MAX, "le=\"%s%s\"} ", number, point);
    CHECK(size > 0 && size < LE_MAX);
    text->le_size[which] = (uint8_t)size;
}

void prom_text_init(struct prom_text *text, struct buf *out, struct deflate_pack *pack,
                    bool openmetrics, const struct histogram_bounds *bounds)
{
    *text = (struct prom_text){
        .out = out, .pack = pack, .openmetrics = openmetrics, .bounds = bounds};
    for (uint32_t i = 0; i <= bounds->count; i++)
        prepare_bound(text, i);
}

static const char *type_name(const struct prom_text *text, enum prom_type type)
{
    switch (type) {
    case PROM_COUNTER:
        return "counter";
    case PROM_GAUGE:
        return "gauge";
    case PROM_HISTOGRAM:
        return "histogram";
    case PROM_INFO:
        return text->openmetrics ? "info" : "gauge";
    case PROM_UNKNOWN:
        break;
    }
    return text->openmetrics ? "unknown" : "untyped";
}

const char *prom_type_suffix(enum prom_type type)
{
    return type == PROM_COUNTER ? "_total" : type == PROM_INFO ? "_info" : "";
}

const char *prom_unit(const char *name)
{
    return ends_with(name, "_seconds") ? "seconds" : ends_with(name, "_bytes") ? "bytes" : NULL;
}

double prom_le(struct view label)
{
    char number[LE_MAX];
    int size = snprintf(number, sizeof(number), "%.*s", (int)label.size, label.data);

    CHECK(size > 5 && (size_t)size < sizeof(number) && strncmp(number, "le=\"", 4) == 0);
    number[size - 1] = '\0';
    return strcmp(number + 4, "+Inf") == 0 ? INFINITY : strtod(number + 4, NULL);
}

/* Backslash and line feed; OpenMetrics also escapes quotes. */
static void help(struct prom_text *text, const char *sentence)
{
    for (; *sentence != '\0'; sentence++) {
        if (*sentence == '\n')
            (void)buf_append_text(text->out, "\\n"); /* Failures stick, here and below. */
        else if (*sentence == '\\')
            (void)buf_append_text(text->out, "\\\\");
        else if (*sentence == '"' && text->openmetrics)
            (void)buf_append_text(text->out, "\\\"");
        else
            (void)buf_append_byte(text->out, *sentence);
    }
}

void prom_text_family(struct prom_text *text, const struct prom_family *family)
{
    const char *suffix = text->openmetrics ? "" : prom_type_suffix(family->type);
    const char *unit = prom_unit(family->name);
    int size = snprintf(text->bucket, sizeof(text->bucket), "%s_bucket{", family->name);

    CHECK(size > 0 && (size_t)size < sizeof(text->bucket));
    text->bucket_size = (size_t)size;
    text->family = family;
    (void)buf_printf(text->out, "# TYPE %s%s %s\n", family->name, suffix,
                     type_name(text, family->type));
    if (text->openmetrics && unit != NULL)
        (void)buf_printf(text->out, "# UNIT %s %s\n", family->name, unit);
    (void)buf_printf(text->out, "# HELP %s%s ", family->name, suffix);
    help(text, family->help);
    (void)buf_append_byte(text->out, '\n');
}

/* `name_suffix{labels} `, with the labels' braces only where there are any. */
static char *begin_sample(const struct prom_text *text, char *at, const char *suffix,
                          struct view labels)
{
    at = put(at, text->family->name, strlen(text->family->name));
    at = put(at, suffix, strlen(suffix));
    if (labels.size != 0) {
        *at++ = '{';
        at = put(at, labels.data, labels.size);
        *at++ = '}';
    }
    *at++ = ' ';
    return at;
}

/* Room for one sample; NULL: none. */
static char *room(struct prom_text *text, struct view labels, size_t samples)
{
    size_t exemplar = text->openmetrics ? EXEMPLAR_MAX : 0;
    size_t size = (PROM_NAME_MAX + labels.size + LE_MAX + VALUE_MAX + exemplar) * samples;

    if (deflate_pack_is_due(text->pack, text->out))
        deflate_pack_take(text->pack, text->out);
    return buf_reserve(text->out, size) == 0 ? text->out->data + text->out->size : NULL;
}

static void end_sample(struct prom_text *text, char *at)
{
    *at++ = '\n';
    text->out->size = (size_t)(at - text->out->data);
}

void prom_text_part(struct prom_text *text, const char *suffix, struct view labels, uint64_t value)
{
    char *at = room(text, labels, 1);

    if (at == NULL)
        return;
    at = begin_sample(text, at, suffix, labels);
    end_sample(text, at + number_write_u64(at, value));
}

void prom_text_part_double(struct prom_text *text, const char *suffix, double value)
{
    char *at = room(text, VIEW(""), 1);

    if (at == NULL)
        return;
    at = begin_sample(text, at, suffix, VIEW(""));
    end_sample(text, at + number_write_double(at, value));
}

void prom_text_u64(struct prom_text *text, struct view labels, uint64_t value)
{
    prom_text_part(text, prom_type_suffix(text->family->type), labels, value);
}

void prom_text_double(struct prom_text *text, struct view labels, double value)
{
    char *at = room(text, labels, 1);

    if (at == NULL)
        return;
    at = begin_sample(text, at, prom_type_suffix(text->family->type), labels);
    end_sample(text, at + number_write_double(at, value));
}

static void created_sample(struct prom_text *text, struct view labels, struct wall_time created)
{
    char *at;

    if (!text->openmetrics || created.ns == 0)
        return;
    at = room(text, labels, 1);
    if (at == NULL)
        return;
    at = begin_sample(text, at, "_created", labels);
    end_sample(text, at + number_write_sum(at, (histogram_sum)created.ns << WEIGHT_SHIFT));
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static size_t write_seconds(char *at, uint64_t ns)
{
    return number_write_sum(at, (histogram_sum)ns << WEIGHT_SHIFT);
}

/* OpenMetrics alone has them. A counter's is one call, whatever that counted as. */
static char *put_exemplar(const struct prom_text *text, char *at, const struct exemplar *exemplar,
                          bool is_counter)
{
    char trace[HEX_TRACE_SIZE + 1];
    char span[HEX_SPAN_SIZE + 1];

    if (!text->openmetrics || exemplar == NULL)
        return at;
    hex_trace(trace, exemplar->trace);
    hex_span(span, exemplar->span);
    at = put_text(at, " # {trace_id=\"");
    at = put_text(at, trace);
    at = put_text(at, "\",span_id=\"");
    at = put_text(at, span);
    at = put_text(at, "\"} ");
    at = is_counter ? put_text(at, "1.0") : at + write_seconds(at, exemplar->duration_ns);
    *at++ = ' ';
    return at + write_seconds(at, exemplar->ns);
}

void prom_text_weight(struct prom_text *text, struct view labels, uint64_t weight,
                      struct wall_time created, const struct exemplar *exemplar)
{
    char *at = room(text, labels, 1);

    if (at == NULL)
        return;
    at = begin_sample(text, at, prom_type_suffix(text->family->type), labels);
    at += number_write_weight(at, weight);
    end_sample(text, put_exemplar(text, at, exemplar, true));
    created_sample(text, labels, created);
}

void prom_text_histogram(struct prom_text *text, struct view labels,
                         const struct prom_histogram *histogram)
{
    static const struct histogram nothing;
    const struct histogram *now = histogram->now;
    const struct histogram *past = histogram->past != NULL ? histogram->past : &nothing;
    char *at = room(text, labels, text->bounds->count + 3U);
    uint64_t below = 0;

    if (at == NULL)
        return;
    for (uint32_t i = 0; i <= text->bounds->count; i++) {
        below += now->classic[i] - past->classic[i];
        at = put(at, text->bucket, text->bucket_size);
        at = put(at, labels.data, labels.size);
        if (labels.size != 0)
            *at++ = ',';
        at = put(at, text->le[i], text->le_size[i]);
        at += number_write_weight(at, below);
        at = put_exemplar(text, at, exemplars_find(histogram->exemplars, histogram->which, i),
                          false);
        *at++ = '\n';
    }
    at = begin_sample(text, at, "_sum", labels);
    at += number_write_sum(at, now->sum - past->sum);
    *at++ = '\n';
    at = begin_sample(text, at, "_count", labels);
    end_sample(text, at + number_write_weight(at, now->count - past->count));
    created_sample(text, labels, histogram->created);
}

void prom_text_end(struct prom_text *text)
{
    if (text->openmetrics)
        (void)buf_append_text(text->out, "# EOF\n");
}
