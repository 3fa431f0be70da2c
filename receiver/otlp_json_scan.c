/* otlp_json_scan.c: a walk over the text that knows strings from the rest. It trusts nothing: text
 * that is no JSON gives some answer, and jansson's refusal afterwards.
 */
#include "receiver/otlp_json_scan.h"

#include <string.h>

/* Upper bounds of what jansson 2.14 takes from the heap on a 64-bit machine, malloc's own share
 * included, at the worst moment of a table's growth. */
enum {
    OBJECT_BYTES = 224,
    ARRAY_BYTES = 128,
    ELEMENT_BYTES = 24,
    KEY_BYTES = 48, /* More than a string that is a value. */
    STRING_BYTES = 72,
    NUMBER_BYTES = 32,
    LONGEST_TIMES = 3, /* The lexer's own copy of a token, while it grows. */
    BIG_DIGITS = 19,   /* 2^63 has as many. */
};

/* Behind the string whose opening quotation mark is at `at`. */
size_t otlp_json_skip_string(struct view text, size_t at)
{
    at++;
    while (at < text.size && text.data[at] != '"')
        at += text.data[at] == '\\' ? 2 : 1;
    return at < text.size ? at + 1 : text.size;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool ends_literal(char byte)
{
    return is_space(byte) || memchr("{}[],:\"", byte, 7) != NULL;
}

/* Behind the number or word at `at`; at least one byte. */
static size_t skip_literal(struct view text, size_t at)
{
    at++;
    while (at < text.size && !ends_literal(text.data[at]))
        at++;
    return at;
}

int otlp_json_scan(struct view text, size_t *out_tree_bytes, size_t *out_offset)
{
    size_t bytes = 0;
    size_t longest = 0;
    size_t depth = 0;
    size_t at = 0;

    while (at < text.size) {
        size_t begin = at++;
        switch (text.data[begin]) {
        case '{':
        case '[':
            bytes += text.data[begin] == '{' ? OBJECT_BYTES : ARRAY_BYTES;
            bytes += ELEMENT_BYTES;
            if (++depth > OTLP_JSON_DEPTH_MAX) {
                *out_offset = begin;
                return STATUS_INVALID;
            }
            break;
        case '}':
        case ']':
            depth -= depth != 0;
            break;
        case ',':
            bytes += ELEMENT_BYTES;
            break;
        case ':':
            bytes += KEY_BYTES;
            break;
        case '"':
            at = otlp_json_skip_string(text, begin);
            bytes += STRING_BYTES + (at - begin);
            longest = at - begin > longest ? at - begin : longest;
            break;
        default:
            if (is_space(text.data[begin]))
                break;
            at = skip_literal(text, begin);
            bytes += NUMBER_BYTES;
            longest = at - begin > longest ? at - begin : longest;
        }
    }
    *out_tree_bytes = bytes + LONGEST_TIMES * longest;
    return 0;
}

static bool is_big_integer(struct view text)
{
    size_t sign = text.size != 0 && text.data[0] == '-';

    if (text.size - sign < BIG_DIGITS)
        return false;
    for (size_t i = sign; i < text.size; i++)
        if (!is_digit(text.data[i]))
            return false;
    return text.data[sign] != '0';
}

/* Goes over the next piece of text, which is a string, a literal or one other byte. */
static size_t skip_piece(struct view text, size_t at, bool *out_is_big)
{
    size_t end = at + 1;

    *out_is_big = false;
    if (text.data[at] == '"')
        return otlp_json_skip_string(text, at);
    if (!ends_literal(text.data[at])) {
        end = skip_literal(text, at);
        *out_is_big = is_big_integer((struct view){text.data + at, end - at});
    }
    return end;
}

int otlp_json_quote_integers(struct view text, struct buf *out)
{
    size_t at = 0;
    int status = 0;

    while (status == 0 && at < text.size) {
        bool is_big;
        size_t end = skip_piece(text, at, &is_big);
        if (is_big)
            status = buf_append_byte(out, '"');
        if (status == 0)
            status = buf_append(out, text.data + at, end - at);
        if (status == 0 && is_big)
            status = buf_append_byte(out, '"');
        at = end;
    }
    return status;
}

size_t otlp_json_unquoted_offset(struct view text, size_t offset)
{
    size_t at = 0;
    size_t written = 0;

    while (at < text.size) {
        bool is_big;
        size_t end = skip_piece(text, at, &is_big);
        size_t size = end - at + (is_big ? 2 : 0);
        if (offset - written < size)
            return is_big ? at : at + (offset - written);
        written += size;
        at = end;
    }
    return text.size;
}

/* ------------------------------------------------------------------ paths */

size_t otlp_json_skip_space(struct view text, size_t at)
{
    while (at < text.size && is_space(text.data[at]))
        at++;
    return at;
}

/* Behind the value at `at`. */
size_t otlp_json_skip_value(struct view text, size_t at)
{
    size_t depth = 0;

    while (at < text.size) {
        char byte = text.data[at];
        if (byte == '"')
            at = otlp_json_skip_string(text, at);
        else if (ends_literal(byte))
            at++;
        else
            at = skip_literal(text, at);
        if (byte == '{' || byte == '[')
            depth++;
        else if (byte == '}' || byte == ']')
            depth -= depth != 0;
        if (depth == 0)
            break;
        at = otlp_json_skip_space(text, at);
    }
    return at;
}

/* The value that one step leads to from the one at `at`; text.size: there is none. Keys of OTLP need
 * no escapes; one that has some is taken for another. */
static size_t follow(struct view text, size_t at, const struct otlp_json_step *step)
{
    size_t found = text.size;
    size_t index = 0;

    at = otlp_json_skip_space(text, at + 1);
    while (at < text.size && text.data[at] != '}' && text.data[at] != ']') {
        struct view key = {text.data + at, 0};
        if (text.data[at] == ',') {
            at = otlp_json_skip_space(text, at + 1);
            continue;
        }
        if (step->key != NULL) {
            size_t end = otlp_json_skip_string(text, at);
            key = (struct view){text.data + at + 1, end - at >= 2 ? end - at - 2 : 0};
            at = otlp_json_skip_space(text, otlp_json_skip_space(text, end) +
                                                1); /* And behind the colon. */
        }
        if (step->key != NULL ? view_equal(key, view_of(step->key)) : index == step->index)
            found = at;
        index++;
        at = otlp_json_skip_space(text, otlp_json_skip_value(text, at));
    }
    return found;
}

size_t otlp_json_locate(struct view text, const struct otlp_json_step *steps, size_t count)
{
    size_t at = otlp_json_skip_space(text, 0);

    for (size_t i = 0; i < count; i++) {
        size_t next = follow(text, at, &steps[i]);
        if (next >= text.size)
            break;
        at = next;
    }
    return at;
}
