/* prom_text.c: a histogram's labels are copied once a bucket, so whatever can be made ready before
 * the loop is: the name with its brace, and each bound with its quotes.
 */
#include "exporters/prom_text.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "exporters/number.h"
#include "topology/span.h"

/* ` `, a number and a newline. */
enum { VALUE_MAX = NUMBER_TEXT_MAX + 2, LE_MAX = 32 };

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

void prom_text_init(struct prom_text *text, struct buf *out, bool openmetrics,
                    const struct histogram_bounds *bounds)
{
    *text = (struct prom_text){.out = out, .openmetrics = openmetrics, .bounds = bounds};
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
    size_t size = (PROM_NAME_MAX + labels.size + LE_MAX + VALUE_MAX) * samples;

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

void prom_text_weight(struct prom_text *text, struct view labels, uint64_t weight,
                      struct wall_time created)
{
    char *at = room(text, labels, 1);

    if (at == NULL)
        return;
    at = begin_sample(text, at, prom_type_suffix(text->family->type), labels);
    end_sample(text, at + number_write_weight(at, weight));
    created_sample(text, labels, created);
}

void prom_text_histogram(struct prom_text *text, struct view labels,
                         const struct histogram *histogram, const struct histogram *past,
                         struct wall_time created)
{
    static const struct histogram nothing;
    char *at = room(text, labels, text->bounds->count + 3U);
    uint64_t below = 0;

    if (past == NULL)
        past = &nothing;

    if (at == NULL)
        return;
    for (uint32_t i = 0; i <= text->bounds->count; i++) {
        below += histogram->classic[i] - past->classic[i];
        at = put(at, text->bucket, text->bucket_size);
        at = put(at, labels.data, labels.size);
        if (labels.size != 0)
            *at++ = ',';
        at = put(at, text->le[i], text->le_size[i]);
        at += number_write_weight(at, below);
        *at++ = '\n';
    }
    at = begin_sample(text, at, "_sum", labels);
    at += number_write_sum(at, histogram->sum - past->sum);
    *at++ = '\n';
    at = begin_sample(text, at, "_count", labels);
    end_sample(text, at + number_write_weight(at, histogram->count - past->count));
    created_sample(text, labels, created);
}

void prom_text_end(struct prom_text *text)
{
    if (text->openmetrics)
        (void)buf_append_text(text->out, "# EOF\n");
}
