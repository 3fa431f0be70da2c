/* negotiate.c: one pass over the elements of a header, each a value with parameters.
 *
 *   Accept = element *( "," element );  element = value *( ";" name "=" value )
 */
#include "exporters/negotiate.h"

#include <ctype.h>
#include <stddef.h>
#include <strings.h>

#include "exporters/prometheus.h"

enum { QUALITY_ONE = 1000 };

enum escaping { ESCAPE_UNDERSCORES, ESCAPE_DOTS, ESCAPE_VALUES, ESCAPE_ALLOW_UTF8, ESCAPING_COUNT };

static const char *const escaping_names[ESCAPING_COUNT] = {"underscores", "dots", "values",
                                                           "allow-utf-8"};

/* One element of a header. */
struct element {
    struct view value;
    unsigned quality; /* In thousandths. */
    struct view version;
    struct view proto;
    struct view encoding;
    enum escaping escaping;
};

/* Takes the part before the next `divider` off the front; dividers inside of quotes do not count. */
static struct view take(struct view *rest, char divider)
{
    struct view part = *rest;
    bool quoted = false;
    size_t at = 0;

    for (; at < rest->size && (quoted || rest->data[at] != divider); at++)
        if (rest->data[at] == '"')
            quoted = !quoted;
    part.size = at;
    if (at < rest->size)
        at++;
    rest->data += at;
    rest->size -= at;
    return view_trim(part);
}

static bool is(struct view text, const char *word)
{
    struct view other = view_of(word);

    return text.size == other.size &&
           (text.size == 0 || strncasecmp(text.data, other.data, text.size) == 0);
}

static struct view unquoted(struct view text)
{
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
        return (struct view){text.data + 1, text.size - 2};
    return text;
}

/* "0.25" -> 250; what is no such number is 0, so that it is not chosen by mistake. */
static unsigned parse_quality(struct view text)
{
    unsigned quality = 0;
    unsigned unit = QUALITY_ONE;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '.' && i == 1)
            continue;
        if (!isdigit((unsigned char)text.data[i]) || (i == 0 && text.data[i] > '1') || i > 4)
            return 0;
        quality += (unsigned)(text.data[i] - '0') * unit;
        unit /= 10;
    }
    return quality > QUALITY_ONE ? 0 : quality;
}

static struct element take_element(struct view *header)
{
    struct view rest = take(header, ',');
    struct element element = {.value = take(&rest, ';'), .quality = QUALITY_ONE};

    while (rest.size != 0) {
        struct view value = take(&rest, ';');
        struct view name = take(&value, '=');
        value = unquoted(value);
        if (is(name, "q"))
            element.quality = parse_quality(value);
        else if (is(name, "version"))
            element.version = value;
        else if (is(name, "proto"))
            element.proto = value;
        else if (is(name, "encoding"))
            element.encoding = value;
        else if (is(name, "escaping"))
            for (int i = 0; i < ESCAPING_COUNT; i++)
                if (is(value, escaping_names[i]))
                    element.escaping = (enum escaping)i;
    }
    return element;
}

#define OPENMETRICS "application/openmetrics-text"
#define TEXT "text/plain"
#define PROTOBUF "application/vnd.google.protobuf"
#define FAMILY "io.prometheus.client.MetricFamily"
#define ESCAPED(type, version)                                                                     \
    {                                                                                              \
        type "; version=" version "; charset=utf-8; escaping=underscores",                         \
            type "; version=" version "; charset=utf-8; escaping=dots",                            \
            type "; version=" version "; charset=utf-8; escaping=values",                          \
            type "; version=" version "; charset=utf-8; escaping=allow-utf-8",                     \
    }
#define PLAIN(type, version)                                                                       \
    {                                                                                              \
        type "; version=" version "; charset=utf-8", type "; version=" version "; charset=utf-8",  \
            type "; version=" version "; charset=utf-8",                                           \
            type "; version=" version "; charset=utf-8",                                           \
    }

#define DELIMITED PROTOBUF "; proto=" FAMILY "; encoding=delimited"

/* The formats, best first. Names of ours are the same under every escaping. */
static const struct {
    const struct exporter *exporter;
    const char *type;
    const char *version;
    bool unversioned; /* Also meant where the client names no version. */
    const char *content_types[ESCAPING_COUNT];
} formats[] = {
    {&exporter_openmetrics, OPENMETRICS, "1.0.0", true, ESCAPED(OPENMETRICS, "1.0.0")},
    {&exporter_openmetrics, OPENMETRICS, "0.0.1", false, PLAIN(OPENMETRICS, "0.0.1")},
    {&exporter_prometheus_protobuf,
     PROTOBUF,
     "",
     false,
     {DELIMITED, DELIMITED "; escaping=dots", DELIMITED "; escaping=values",
      DELIMITED "; escaping=allow-utf-8"}},
    {&exporter_prometheus, TEXT, "1.0.0", false, ESCAPED(TEXT, "1.0.0")},
    {&exporter_prometheus, TEXT, "0.0.4", true, PLAIN(TEXT, "0.0.4")},
};

enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]), FORMAT_PLAIN = FORMAT_COUNT - 1 };

/* How exactly an element names a format: 4 with its version, 3 without; ranges say less, and mean
 * the plainest format that they allow. 0: not at all. */
static unsigned match(const struct element *element, size_t format)
{
    if (is(element->value, PROTOBUF))
        return formats[format].exporter == &exporter_prometheus_protobuf &&
                       is(element->proto, FAMILY) && is(element->encoding, "delimited")
                   ? 4
                   : 0;
    if (is(element->value, formats[format].type)) {
        if (is(element->version, formats[format].version))
            return 4;
        return element->version.size == 0 && formats[format].unversioned ? 3 : 0;
    }
    if (is(element->value, "application/*"))
        return format == 0 ? 2 : 0;
    if (is(element->value, "text/*"))
        return format == FORMAT_PLAIN ? 2 : 0;
    return is(element->value, "*/*") && format == FORMAT_PLAIN ? 1 : 0;
}

struct metrics_format negotiate_metrics(struct view accept)
{
    struct metrics_format best = {formats[FORMAT_PLAIN].exporter,
                                  formats[FORMAT_PLAIN].content_types[0]};
    unsigned best_quality = 0;

    /* The most exact element decides on a format, then the formats are compared. */
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        struct view rest = accept;
        struct element chosen = {.quality = 0};
        unsigned exact = 0;
        while (rest.size != 0) {
            struct element element = take_element(&rest);
            unsigned how = match(&element, i);
            if (how > exact) {
                exact = how;
                chosen = element;
            }
        }
        if (chosen.quality <= best_quality)
            continue;
        best_quality = chosen.quality;
        best = (struct metrics_format){formats[i].exporter,
                                       formats[i].content_types[chosen.escaping]};
    }
    return best;
}

bool negotiate_gzip(struct view accept_encoding)
{
    struct view rest = accept_encoding;
    int any = -1; /* Qualities; below zero: not said. */
    int gzip = -1;
    int identity = -1;

    while (rest.size != 0) {
        struct element element = take_element(&rest);
        if (is(element.value, "gzip") || is(element.value, "x-gzip"))
            gzip = (int)element.quality;
        else if (is(element.value, "identity"))
            identity = (int)element.quality;
        else if (is(element.value, "*"))
            any = (int)element.quality;
    }
    if (gzip < 0)
        gzip = any;
    /* No encoding is always allowed, and the least wanted where nothing is said of it. */
    return gzip > 0 && gzip >= identity;
}
