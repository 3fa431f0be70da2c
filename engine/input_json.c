/* input_json.c: text, value by value. A document that is long is taken apart, so that a file of any size
 * can be read: OTLP's and Jaeger's documents are one array in one object, Zipkin's are an array. What is
 * Jaeger's or Zipkin's is taken as the OTLP request that it becomes.
 */
#include <string.h>

#include "engine/input_priv.h"
#include "engine/input_split.h"
#include "receiver/otlp_from.h"

/* What one document's tree may take. */
#define JSON_TREE_BYTES_MAX ((size_t)1 << 30)

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

/* How a long document begins, and what makes a document of some of its elements. */
static const struct frame {
    enum input_kind kind;
    const char *begin;
    const char *end;
    size_t elements_bytes; /* Elements are taken together up to this; 0: one by one. */
} frames[] = {
    {INPUT_KIND_OTLP, "{\"resourceSpans\":[", "]}", 0},
    {INPUT_KIND_JAEGER, "{\"data\":[", "]}", 0},
    {INPUT_KIND_ZIPKIN, "[", "]", (size_t)1 << 18},
};

/* How many bytes `begin` has at the front of the text, spaces included; 0: it begins with something
 * else. */
static size_t begin_size(struct view text, const char *begin)
{
    size_t at = 0;

    for (const char *wanted = begin; *wanted != '\0'; wanted++) {
        /* Spaces may stand before all but the letters within the quotation marks. */
        while (at < text.size && (strchr("{[:", *wanted) != NULL || wanted == begin + 1) &&
               is_space(text.data[at]))
            at++;
        if (at >= text.size || text.data[at++] != *wanted)
            return 0;
    }
    return at;
}

static const struct frame *find_frame(struct view text, size_t *out_size)
{
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        *out_size = begin_size(text, frames[i].begin);
        if (*out_size != 0)
            return &frames[i];
    }
    return NULL;
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

/* Has the value whole that stands `from` bytes behind the front, and of which `split` may know the
 * begin. */
static int measure(struct input *input, size_t from, struct input_split split, size_t *out_size)
{
    for (;;) {
        struct view held = input_held(input);
        struct view text = {held.data + from, held.size - from};
        int status;
        if (input_split_next(&split, text, input->is_at_end, out_size))
            break;
        if (text.size > input->request_bytes_max)
            return input_fail_size(input, from);
        status = input_read_more(input);
        if (status != 0)
            return status;
    }
    return *out_size > input->request_bytes_max ? input_fail_size(input, from) : 0;
}

/* Takes a whole document, of which `added` bytes at the front do not stand in the file. */
static int take_document(struct input *input, enum input_kind kind, struct view text, size_t added)
{
    struct otlp_json_error error;
    int status;

    if (kind == INPUT_KIND_OTLP)
        return input_take(input, text, added, INPUT_OTLP_JSON);
    buf_reset(&input->converted);
    status = kind == INPUT_KIND_JAEGER
                 ? otlp_from_jaeger(text, JSON_TREE_BYTES_MAX, &input->converted, &error)
                 : otlp_from_zipkin(text, JSON_TREE_BYTES_MAX, &input->converted, &error);
    if (status == 0)
        return input_take(input, buf_view(&input->converted), input->converted.size,
                          INPUT_OTLP_PROTOBUF);
    return input_fail_in(input, status, text, added, error.offset,
                         error.text[0] != '\0' ? error.text : NULL);
}

/* Whether the value that ends `size` bytes from the front is not cut short. */
static bool is_whole(const struct input *input, size_t size)
{
    char last = input_held(input).data[size - 1];

    return last == '}' || last == ']';
}

/* Takes what stands in the `size` bytes at the front, between two texts that make it a document. One
 * that is cut short gets no end, so that it is the cut that will be found wrong. */
static int take_wrapped(struct input *input, enum input_kind kind, const char *before, size_t size,
                        const char *behind)
{
    struct buf *wrapped = &input->wrapped;
    int status;

    buf_reset(wrapped);
    (void)buf_append_text(wrapped, before); /* `failed` tells of all three. */
    (void)buf_append(wrapped, input_held(input).data, size);
    if (is_whole(input, size))
        (void)buf_append_text(wrapped, behind);
    if (wrapped->failed != 0)
        return input_fail(input, wrapped->failed, "%s", status_text(wrapped->failed));
    status = take_document(input, kind, buf_view(wrapped), strlen(before));
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
static int read_rest(struct input *input, const struct frame *frame)
{
    const struct input_split open = {.depth = 1, .is_in_value = true, .last = ','};
    size_t size = 0;
    char next;
    int status;

    if (frame->begin[0] == '[')
        return 0;
    status = peek(input, &next);
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
        status = measure(input, 0, open, &size);
    if (status != 0 || frame->kind == INPUT_KIND_OTLP)
        return status == 0 ? take_wrapped(input, frame->kind, "{", size, "") : status;
    input_advance(input, size); /* How many traces there were, and the like. */
    return 0;
}

/* Whether behind `*size` bytes a comma follows and then the begin of another element; then `*size` is
 * up to there. */
static bool has_next(struct input *input, size_t *size)
{
    struct view text = input_held(input);
    size_t at = *size;

    while (at < text.size && is_space(text.data[at]))
        at++;
    if (at >= text.size || text.data[at++] != ',')
        return false;
    while (at < text.size && is_space(text.data[at]))
        at++;
    if (at >= text.size || (text.data[at] != '{' && text.data[at] != '['))
        return false;
    *size = at;
    return true;
}

/* The size of the elements that are taken together: one, or more of what is held already. What is wrong
 * with an element behind the first is for `out_after`, when those before it were taken. */
static int measure_elements(struct input *input, const struct frame *frame, size_t *out_size,
                            int *out_after)
{
    const struct input_split none = {0};
    size_t most = frame->elements_bytes < input->request_bytes_max / 2
                      ? frame->elements_bytes
                      : input->request_bytes_max / 2;
    size_t size = 0;
    int status = measure(input, 0, none, &size);

    *out_size = size;
    *out_after = 0;
    while (status == 0 && has_next(input, &size) && size < most &&
           input_held(input).size < 2 * most) {
        size_t more = 0;
        *out_after = measure(input, size, none, &more);
        size += more;
        if (*out_after != 0 || !is_whole(input, size))
            break; /* It is cut short, or worse: those before it are not lost with it. */
        *out_size = size;
    }
    return status;
}

/* A document that is too long to be held at once: its elements become requests. `size` is what stands
 * before the first. */
static int read_elements(struct input *input, const struct frame *frame, size_t size)
{
    bool is_first = true;

    input_advance(input, size);
    for (;;) {
        char next;
        int after = 0;
        int status = peek(input, &next);
        if (status == 0 && next == ']') {
            input_advance(input, 1);
            return read_rest(input, frame);
        }
        if (status == 0 && !is_first) {
            if (next != ',')
                return fail_text(input, next, "',' or ']' is expected");
            input_advance(input, 1);
            status = peek(input, &next);
        }
        if (status != 0)
            return status;
        if (next != '{' && (next != '[' || frame->kind != INPUT_KIND_ZIPKIN))
            return fail_text(input, next, "an object is expected");
        status = measure_elements(input, frame, &size, &after);
        if (status == 0)
            status = take_wrapped(input, frame->kind, frame->begin, size, frame->end);
        if (status == 0)
            status = after;
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
    char last = value.data[value.size - 1];

    if (kind == INPUT_KIND_JAEGER || kind == INPUT_KIND_ZIPKIN)
        return take_document(input, kind, value, 0);
    if (kind != INPUT_KIND_OTLP && last == '}' && value.data[0] == '{')
        return pass_over(input, kind);
    return input_take(input, value, 0, INPUT_OTLP_JSON);
}

/* A value of which more is held than is decoded at once, and which does not end yet. */
static int read_long(struct input *input, struct input_split *split)
{
    size_t size = 0;
    const struct frame *frame = find_frame(input_held(input), &size);

    if (frame != NULL) {
        *split = (struct input_split){0};
        return read_elements(input, frame, size);
    }
    if (input_held(input).size > input->request_bytes_max)
        return input_fail_size(input, 0);
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
                return input_fail_size(input, 0);
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
