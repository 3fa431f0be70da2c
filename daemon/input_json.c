/* input_json.c: text, value by value. A document that is long is taken apart, so that a file of any size
 * can be read: OTLP's documents are one array in one object.
 */
#include <string.h>

#include "daemon/input_priv.h"
#include "daemon/input_split.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_space(struct input *input)
{
    struct view text = input_held(input);
    size_t size = 0;

    while (size < text.size && is_space(text.data[size]))
        size++;
    input_advance(input, size);
}

/* ------------------------------------------------------------------ long documents */

static const char array_begin[] = "{\"resourceSpans\":[";
static const char array_end[] = "]}";

/* How many bytes the document's `{"resourceSpans":[` has at the front, spaces included; 0: it begins
 * with something else. */
static size_t array_size(struct view text)
{
    size_t at = 0;

    for (const char *wanted = array_begin; *wanted != '\0'; wanted++) {
        /* Spaces may stand before all but the letters within the quotation marks. */
        while (at < text.size && (strchr("{[:", *wanted) != NULL || wanted == array_begin + 1) &&
               is_space(text.data[at]))
            at++;
        if (at >= text.size || text.data[at++] != *wanted)
            return 0;
    }
    return at;
}

/* Skips spaces; the next character, or '\0' at the end. */
static int peek(struct input *input, char *out_next)
{
    skip_space(input);
    while (input_held(input).size == 0 && !input->is_at_end) {
        int status = input_read_more(input);
        if (status != 0)
            return status;
        skip_space(input);
    }
    *out_next = '\0';
    if (input_held(input).size != 0)
        *out_next = input_held(input).data[0];
    return 0;
}

/* The size of the value at the front, of which `split` may know the begin. */
static int measure(struct input *input, struct input_split split, size_t *out_size)
{
    while (!input_split_next(&split, input_held(input), input->is_at_end, out_size)) {
        int status;
        if (input_held(input).size > input->request_bytes_max)
            return input_fail_size(input);
        status = input_read_more(input);
        if (status != 0)
            return status;
    }
    return *out_size > input->request_bytes_max ? input_fail_size(input) : 0;
}

/* Takes the value at the front, of `size` bytes, between two texts that make it a document. One that is
 * cut short gets no end, so that it is the cut that will be found wrong. */
static int take_wrapped(struct input *input, const char *before, size_t size, const char *behind)
{
    struct buf *wrapped = &input->wrapped;
    int status;

    buf_reset(wrapped);
    (void)buf_append_text(wrapped, before); /* `failed` tells of all three. */
    (void)buf_append(wrapped, input_held(input).data, size);
    if (input_held(input).data[size - 1] == '}')
        (void)buf_append_text(wrapped, behind);
    if (wrapped->failed != 0)
        return input_fail(input, wrapped->failed, "%s", status_text(wrapped->failed));
    status = input_take(input, buf_view(wrapped), strlen(before), INPUT_OTLP_JSON);
    if (status == 0)
        input_advance(input, size);
    return status;
}

static int fail_text(struct input *input, char next, const char *expected)
{
    if (next == '\0')
        return input_fail_at(input, STATUS_TRUNCATED, input->offset, input->line,
                             "the file ends within a request");
    return input_fail_at(input, STATUS_INVALID, input->offset, input->line, expected);
}

/* What follows the array, up to the document's end: nothing, or more keys. */
static int read_rest(struct input *input)
{
    const struct input_split open = {.depth = 1, .is_in_value = true, .last = ','};
    size_t size = 0;
    char next;
    int status = peek(input, &next);

    if (status != 0)
        return status;
    if (next == '}') {
        input_advance(input, 1);
        return 0;
    }
    if (next != ',')
        return fail_text(input, next, "',' or '}' is expected");
    input_advance(input, 1);
    status = peek(input, &next);
    if (status == 0 && next != '"')
        return fail_text(input, next, "a key is expected");
    if (status == 0)
        status = measure(input, open, &size);
    return status == 0 ? take_wrapped(input, "{", size, "") : status;
}

/* A document that is too long to be held at once: each ResourceSpans becomes a request. `size` is
 * what stands before the first. */
static int read_elements(struct input *input, size_t size)
{
    const struct input_split none = {0};
    bool is_first = true;

    input_advance(input, size);
    for (;;) {
        char next;
        int status = peek(input, &next);
        if (status == 0 && next == ']') {
            input_advance(input, 1);
            return read_rest(input);
        }
        if (status == 0 && !is_first) {
            if (next != ',')
                return fail_text(input, next, "',' or ']' is expected");
            input_advance(input, 1);
            status = peek(input, &next);
        }
        if (status != 0)
            return status;
        if (next != '{')
            return fail_text(input, next, "an object is expected");
        status = measure(input, none, &size);
        if (status == 0)
            status = take_wrapped(input, array_begin, size, array_end);
        if (status != 0)
            return status;
        is_first = false;
    }
}

/* ------------------------------------------------------------------ values */

/* A value that is no request at all: unless it is damaged text, which the taker will explain. */
static int pass_over(struct input *input, enum input_kind kind)
{
    if (kind == INPUT_KIND_OTHER_SIGNAL) {
        if (input->passed_over == INPUT_KIND_OTLP)
            input->passed_over = kind;
        return 0;
    }
    if (!input->has_requests)
        return input_fail(input, STATUS_UNSUPPORTED, "%s", input_kind_text(kind));
    return input_fail_at(input, STATUS_UNSUPPORTED, input->offset, input->line,
                         "there is JSON, but no OTLP: resourceSpans is missing");
}

static int take_value(struct input *input, struct view value)
{
    enum input_kind kind = input_kind_of(value);
    bool is_whole = value.data[value.size - 1] == '}' || value.data[value.size - 1] == ']';

    if (kind != INPUT_KIND_OTLP && is_whole && (value.data[0] == '{' || !input->has_requests))
        return pass_over(input, kind);
    return input_take(input, value, 0, INPUT_OTLP_JSON);
}

/* A value of which more is held than is decoded at once, and which does not end yet. */
static int read_long(struct input *input, struct input_split *split)
{
    size_t size = array_size(input_held(input));

    if (size != 0) {
        *split = (struct input_split){0};
        return read_elements(input, size);
    }
    if (input_held(input).size > input->request_bytes_max)
        return input_fail_size(input);
    return input_read_more(input);
}

int input_read_json(struct input *input)
{
    struct input_split split = {0};
    int status = 0;

    input->line = 1;
    while (status == 0) {
        size_t size = 0;
        if (split.scanned == 0)
            skip_space(input);
        if (input_split_next(&split, input_held(input), input->is_at_end, &size)) {
            if (size > input->request_bytes_max)
                return input_fail_size(input);
            status = take_value(input, (struct view){input_held(input).data, size});
            if (status == 0)
                input_advance(input, size);
        } else if (input->is_at_end) {
            break;
        } else if (input_held(input).size <= input->part_bytes) {
            status = input_read_more(input);
        } else {
            status = read_long(input, &split);
        }
    }
    if (status == 0 && !input->has_requests)
        return input_fail(input, STATUS_UNSUPPORTED, "%s", input_kind_text(input->passed_over));
    return status;
}
