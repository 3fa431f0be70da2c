/* input.c: source -> form -> requests. Text is held from the begin of a request to its end; what was
 * taken is dropped before the next chunk is read.
 */
#include "daemon/input.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/input_kind.h"
#include "daemon/input_source.h"
#include "daemon/input_split.h"

enum { PREFIX_SIZE = 4, FORM_SIZE = 64 };

#define REQUEST_BYTES_DEFAULT ((size_t)256 << 20)

struct input {
    const char *name; /* For messages. */
    const struct input_taker *taker;
    size_t request_bytes_max;
    struct input_source source;
    struct buf text; /* What was read and not yet taken, from `begin` on. */
    size_t begin;
    uint64_t offset;             /* Of text.data[begin] in the unpacked file. */
    uint64_t line;               /* Likewise; the first is 1. */
    bool is_at_end;              /* All is in `text`. */
    bool has_requests;           /* At least one was taken. */
    enum input_kind passed_over; /* Of a document that was not taken. */
    struct input_error *error;
};

/* ------------------------------------------------------------------ errors */

/* Returns `status`. */
static int fail(struct input *input, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct input *input, int status, const char *format, ...)
{
    char *text = input->error->text;
    size_t room = sizeof(input->error->text);
    int size = snprintf(text, room, "%s: ", input->name);
    va_list args;

    if (size < 0 || (size_t)size >= room)
        size = 0;
    va_start(args, format);
    (void)vsnprintf(text + size, room - (size_t)size, format, args); /* May be cut. */
    va_end(args);
    return status;
}

static const char *of_what(const struct input *input)
{
    return input->source.stream != NULL ? " of the unpacked data" : "";
}

static int fail_at(struct input *input, int status, uint64_t offset, uint64_t line,
                   const char *reason)
{
    char where[48] = "";

    if (line != 0)
        (void)snprintf(where, sizeof(where), " (line %llu)", (unsigned long long)line);
    return fail(input, status, "at byte %llu%s%s: %s", (unsigned long long)offset, of_what(input),
                where, reason);
}

static int fail_source(struct input *input, int status)
{
    uint64_t offset = input->offset + (input->text.size - input->begin);
    const char *packer = input->source.format == INFLATE_ZSTD ? "zstd" : "gzip";
    char reason[128];

    switch (status) {
    case STATUS_SYSTEM:
        return fail(input, status, "cannot be read: %s",
                    strerror_r(input->source.system_error, reason, sizeof(reason)));
    case STATUS_TRUNCATED:
        (void)snprintf(reason, sizeof(reason), "the %s data ends before its end", packer);
        return fail_at(input, status, offset, 0, reason);
    case STATUS_INVALID:
        (void)snprintf(reason, sizeof(reason), "the %s data is damaged", packer);
        return fail_at(input, status, offset, 0, reason);
    case STATUS_TOO_LARGE:
        return fail_at(
            input, status, offset, 0,
            "it unpacks to more than a thousand times its size, or asks for a window above "
            "128 MiB");
    default:
        return fail(input, status, "%s", status_text(status));
    }
}

/* ------------------------------------------------------------------ text */

static struct view held(const struct input *input)
{
    return (struct view){input->text.data + input->begin, input->text.size - input->begin};
}

/* Reads one chunk more; at the end, notes it. */
static int read_more(struct input *input)
{
    size_t size = 0;
    int status;

    if (input->begin != 0) {
        buf_consume(&input->text, input->begin);
        input->begin = 0;
    }
    status = input_source_read(&input->source, &input->text, &size);
    if (status != 0)
        return fail_source(input, status);
    input->is_at_end = size == 0;
    return 0;
}

static uint64_t count_lines(struct view text)
{
    uint64_t lines = 0;

    while (text.size != 0) {
        const char *end = memchr(text.data, '\n', text.size);
        if (end == NULL)
            break;
        lines++;
        text = (struct view){end + 1, text.size - (size_t)(end + 1 - text.data)};
    }
    return lines;
}

/* Drops `size` bytes from the front. */
static void advance(struct input *input, size_t size)
{
    if (input->line != 0)
        input->line += count_lines((struct view){held(input).data, size});
    input->begin += size;
    input->offset += size;
}

static int take(struct input *input, struct view bytes, enum input_format format)
{
    struct input_request request = {bytes, format, input->offset, input->line};
    struct input_fault fault = {NULL, 0};
    uint64_t line = input->line;
    int status = input->taker->take(input->taker->context, &request, &fault);

    input->has_requests = true;
    if (status == 0)
        return 0;
    if (fault.offset > bytes.size)
        fault.offset = bytes.size;
    if (line != 0)
        line += count_lines((struct view){bytes.data, fault.offset});
    return fail_at(input, status, input->offset + fault.offset, line,
                   fault.reason != NULL ? fault.reason : status_text(status));
}

static int fail_size(struct input *input)
{
    char reason[96];

    (void)snprintf(reason, sizeof(reason), "a request of more than %zu bytes begins here",
                   input->request_bytes_max);
    return fail_at(input, STATUS_TOO_LARGE, input->offset, input->line, reason);
}

/* ------------------------------------------------------------------ JSON */

static void skip_space(struct input *input)
{
    struct view text = held(input);
    size_t size = 0;

    while (size < text.size && memchr(" \t\r\n", text.data[size], 4) != NULL)
        size++;
    advance(input, size);
}

/* A value that is no request at all: unless it is damaged text, which the taker will explain. */
static int pass_over(struct input *input, enum input_kind kind)
{
    if (kind == INPUT_KIND_OTHER_SIGNAL) {
        if (input->passed_over == INPUT_KIND_OTLP)
            input->passed_over = kind;
        return 0;
    }
    if (!input->has_requests)
        return fail(input, STATUS_UNSUPPORTED, "%s", input_kind_text(kind));
    return fail_at(input, STATUS_UNSUPPORTED, input->offset, input->line,
                   "there is JSON, but no OTLP: resourceSpans is missing");
}

static int take_value(struct input *input, struct view value)
{
    enum input_kind kind = input_kind_of(value);
    bool is_whole = value.data[value.size - 1] == '}' || value.data[value.size - 1] == ']';

    if (kind != INPUT_KIND_OTLP && is_whole && (value.data[0] == '{' || !input->has_requests))
        return pass_over(input, kind);
    return take(input, value, INPUT_OTLP_JSON);
}

static int read_json(struct input *input)
{
    struct input_split split = {0};
    int status = 0;

    input->line = 1;
    while (status == 0) {
        size_t size = 0;
        if (split.scanned == 0)
            skip_space(input);
        if (input_split_next(&split, held(input), input->is_at_end, &size)) {
            if (size > input->request_bytes_max)
                return fail_size(input);
            status = take_value(input, (struct view){held(input).data, size});
            if (status == 0)
                advance(input, size);
        } else if (input->is_at_end) {
            break;
        } else if (held(input).size > input->request_bytes_max) {
            return fail_size(input);
        } else {
            status = read_more(input);
        }
    }
    if (status == 0 && !input->has_requests)
        return fail(input, STATUS_UNSUPPORTED, "%s", input_kind_text(input->passed_over));
    return status;
}

/* ------------------------------------------------------------------ protobuf */

/* Reads until `size` bytes are held, or the end. */
static int hold(struct input *input, size_t size)
{
    int status = 0;

    while (status == 0 && !input->is_at_end && held(input).size < size)
        status = read_more(input);
    return status;
}

static int read_protobuf(struct input *input)
{
    int status = hold(input, input->request_bytes_max + 1);

    if (status != 0)
        return status;
    if (held(input).size > input->request_bytes_max)
        return fail_size(input);
    return take(input, held(input), INPUT_OTLP_PROTOBUF);
}

static int read_prefixed(struct input *input)
{
    for (;;) {
        const unsigned char *at;
        size_t size;
        int status = hold(input, PREFIX_SIZE);
        if (status != 0 || held(input).size == 0)
            return status;
        if (held(input).size < PREFIX_SIZE)
            return fail_at(input, STATUS_TRUNCATED, input->offset, 0,
                           "the file ends within a request's length");
        at = (const unsigned char *)held(input).data;
        size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (size > input->request_bytes_max)
            return fail_size(input);
        advance(input, PREFIX_SIZE);
        status = hold(input, size);
        if (status != 0)
            return status;
        if (held(input).size < size)
            return fail_at(input, STATUS_TRUNCATED, input->offset + held(input).size, 0,
                           "the file ends within a request");
        status = take(input, (struct view){held(input).data, size}, INPUT_OTLP_PROTOBUF);
        if (status != 0)
            return status;
        advance(input, size);
    }
}

/* ------------------------------------------------------------------ files */

static int read_form(struct input *input)
{
    int status = hold(input, FORM_SIZE);

    if (status != 0)
        return status;
    if (held(input).size == 0)
        return fail(input, STATUS_UNSUPPORTED, "it is empty");
    if (view_starts(held(input), VIEW("\xEF\xBB\xBF")))
        return fail(input, STATUS_UNSUPPORTED,
                    "it begins with a byte order mark, which JSON does not allow; remove it");
    switch (input_form_of(held(input))) {
    case INPUT_FORM_JSON:
        return read_json(input);
    case INPUT_FORM_PROTOBUF:
        return read_protobuf(input);
    case INPUT_FORM_PREFIXED_PROTOBUF:
        return read_prefixed(input);
    case INPUT_FORM_UNKNOWN:
        break;
    }
    return fail(input, STATUS_UNSUPPORTED, "%s", input_kind_text(INPUT_KIND_NONE));
}

int input_read(const char *path, const struct input_options *options,
               const struct input_taker *taker, struct input_error *out_error)
{
    struct input input = {.name = strcmp(path, "-") == 0 ? "standard input" : path,
                          .taker = taker,
                          .request_bytes_max = REQUEST_BYTES_DEFAULT,
                          .passed_over = INPUT_KIND_OTLP,
                          .error = out_error};
    int status;

    if (options != NULL && options->request_bytes_max != 0)
        input.request_bytes_max = options->request_bytes_max;
    buf_init(&input.text, input.request_bytes_max + 2 * INPUT_CHUNK);
    status = input_source_open(&input.source, path);
    if (status != 0)
        status = fail_source(&input, status);
    else
        status = read_form(&input);
    input_source_release(&input.source);
    buf_release(&input.text);
    return status;
}
