/* input_kind.c: OTLP/JSON begins with a brace, then a key; a binary request with the tag of its field 1,
 * which is also the character of a line end: "\n{" may be either, and what follows decides.
 */
#include "engine/input_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receiver/inflate.h"

enum { TAG_RESOURCE_SPANS = 0x0A, PREFIX_SIZE = 4, LENGTH_SIZE_MAX = 5 };

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_space(struct view text, size_t at)
{
    while (at < text.size && is_space(text.data[at]))
        at++;
    return at;
}

/* ------------------------------------------------------------------ files */

/* Whether an array begins there, with an object or with nothing in it. A request's lengths are no such
 * characters: what is in it is shorter than itself, which '[' says of 91 bytes. */
static bool looks_like_array(struct view first, size_t at)
{
    at = skip_space(first, at + 1);
    return at >= first.size || first.data[at] == '{' || first.data[at] == ']';
}

static bool looks_like_json(struct view first)
{
    size_t at = skip_space(first, 0);
    bool is_object = at < first.size && first.data[at] == '{';

    if (at < first.size && first.data[at] == '[')
        return first.data[0] != TAG_RESOURCE_SPANS || looks_like_array(first, at);
    if (!is_object)
        return false;
    at = skip_space(first, at + 1);
    if (at >= first.size || first.data[at] == '}')
        return true;
    return first.data[at] == '"' &&
           (at + 1 >= first.size || (unsigned char)first.data[at + 1] >= ' ');
}

/* Field 1, a length, and in it the tag of a field that ResourceSpans has. */
static bool looks_like_request(struct view first)
{
    size_t at = 1;

    if (first.size == 0 || first.data[0] != TAG_RESOURCE_SPANS)
        return false;
    while (at < first.size && at <= LENGTH_SIZE_MAX && (first.data[at] & 0x80) != 0)
        at++;
    if (at + 1 >= first.size || first.data[at] == 0)
        return true; /* Cut short, or empty: the decoder will say. */
    at++;
    return first.data[at] == 0x0A || first.data[at] == 0x12 || first.data[at] == 0x1A;
}

enum input_form input_form_of(struct view first)
{
    if (looks_like_json(first))
        return INPUT_FORM_JSON;
    if (looks_like_request(first))
        return INPUT_FORM_PROTOBUF;
    if (first.size > PREFIX_SIZE) {
        struct view behind = {first.data + PREFIX_SIZE, first.size - PREFIX_SIZE};
        if (looks_like_request(behind) || inflate_guess(behind) == INFLATE_ZSTD)
            return INPUT_FORM_PREFIXED;
    }
    return INPUT_FORM_UNKNOWN;
}

/* ------------------------------------------------------------------ values */

static const struct {
    const char *key;
    enum input_kind kind;
} known_keys[] = {
    {"resourceSpans", INPUT_KIND_OTLP},
    {"resource_spans", INPUT_KIND_OTLP}, /* Ignored with a warning, not a file of another kind. */
    {"resourceMetrics", INPUT_KIND_OTHER_SIGNAL},
    {"resourceLogs", INPUT_KIND_OTHER_SIGNAL},
    {"resourceProfiles", INPUT_KIND_OTHER_SIGNAL},
    {"data", INPUT_KIND_JAEGER},
    {"traceID", INPUT_KIND_JAEGER}, /* One trace by itself. */
};

/* The text between the quotation marks at `*at`, and `*at` behind them. */
static struct view take_string(struct view text, size_t *at)
{
    size_t begin = ++*at;
    size_t end;

    while (*at < text.size && text.data[*at] != '"')
        *at += text.data[*at] == '\\' ? 2 : 1;
    end = *at < text.size ? *at : text.size;
    *at = end + 1;
    return (struct view){text.data + begin, end - begin};
}

static enum input_kind kind_of_key(struct view key)
{
    for (size_t i = 0; i < sizeof(known_keys) / sizeof(known_keys[0]); i++)
        if (view_equal(key, view_of(known_keys[i].key)))
            return known_keys[i].kind;
    return INPUT_KIND_NONE;
}

enum input_kind input_kind_of(struct view value)
{
    size_t at = skip_space(value, 0);
    size_t depth = 0;
    bool has_key = false;

    if (at < value.size && value.data[at] == '[')
        return INPUT_KIND_ZIPKIN;
    while (at < value.size) {
        char byte = value.data[at];
        if (byte == '"') {
            struct view text = take_string(value, &at);
            at = skip_space(value, at);
            if (depth == 1 && at < value.size && value.data[at] == ':') {
                enum input_kind kind = kind_of_key(text);
                has_key = true;
                if (kind != INPUT_KIND_NONE)
                    return kind;
            }
            continue;
        }
        if (byte == '{' || byte == '[')
            depth++;
        else if ((byte == '}' || byte == ']') && depth-- <= 1)
            break;
        at++;
    }
    return depth == 0 && at < value.size && !has_key && value.data[at] == '}' ? INPUT_KIND_OTLP
                                                                              : INPUT_KIND_NONE;
}

const char *input_kind_text(enum input_kind kind)
{
    switch (kind) {
    case INPUT_KIND_OTHER_SIGNAL:
        return "it holds OTLP, but no traces";
    case INPUT_KIND_JAEGER:
    case INPUT_KIND_ZIPKIN:
    case INPUT_KIND_OTLP:
    case INPUT_KIND_NONE:
        break;
    }
    return "it is of no known kind: OTLP is read, as JSON (a request a line, or one document) or "
           "binary, and the JSON of Jaeger's API and Zipkin's (v2); plain or packed by gzip or zstd";
}
