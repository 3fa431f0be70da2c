/* input.c: source -> form -> requests. The file is seen through a window that reaches from the begin of
 * a request to what was read last; what was taken is dropped before the next chunk is read.
 */
#include "engine/input.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/input_priv.h"

enum { FORM_SIZE = 64 };

#define REQUEST_BYTES_DEFAULT ((size_t)256 << 20)
#define PART_BYTES_DEFAULT ((size_t)1 << 20)

/* ------------------------------------------------------------------ errors */

int input_fail(struct input *input, int status, const char *format, ...)
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

int input_fail_at(struct input *input, int status, uint64_t offset, uint64_t line,
                  const char *reason)
{
    char where[48] = "";

    if (line != 0)
        (void)snprintf(where, sizeof(where), " (line %llu)", (unsigned long long)line);
    return input_fail(input, status, "at byte %llu%s%s: %s", (unsigned long long)offset,
                      of_what(input), where, reason);
}

static int fail_source(struct input *input, int status)
{
    uint64_t offset = input->offset + (input->text.size - input->begin);
    const char *packer = input->source.format == INFLATE_ZSTD ? "zstd" : "gzip";
    char reason[128];

    switch (status) {
    case STATUS_SYSTEM:
        return input_fail(input, status, "cannot be read: %s",
                          strerror_r(input->source.system_error, reason, sizeof(reason)));
    case STATUS_TRUNCATED:
        (void)snprintf(reason, sizeof(reason), "the %s data ends before its end", packer);
        return input_fail_at(input, status, offset, 0, reason);
    case STATUS_INVALID:
        (void)snprintf(reason, sizeof(reason), "the %s data is damaged", packer);
        return input_fail_at(input, status, offset, 0, reason);
    case STATUS_TOO_LARGE:
        return input_fail_at(
            input, status, offset, 0,
            "it unpacks to more than a thousand times its size, or asks for a window above "
            "128 MiB");
    default:
        return input_fail(input, status, "%s", status_text(status));
    }
}

/* ------------------------------------------------------------------ text */

int input_read_more(struct input *input)
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

void input_advance(struct input *input, size_t size)
{
    if (input->line != 0)
        input->line += count_lines((struct view){input_held(input).data, size});
    input->begin += size;
    input->offset += size;
}

int input_hold(struct input *input, size_t size)
{
    int status = 0;

    while (status == 0 && !input->is_at_end && input_held(input).size < size)
        status = input_read_more(input);
    return status;
}

int input_fail_in(struct input *input, int status, struct view text, size_t added, size_t offset,
                  const char *reason)
{
    uint64_t line = input->line;

    offset = offset > added ? offset - added : 0;
    if (offset > text.size - added)
        offset = text.size - added;
    if (line != 0)
        line += count_lines((struct view){text.data + added, offset});
    return input_fail_at(input, status, input->offset + offset, line,
                         reason != NULL ? reason : status_text(status));
}

int input_take(struct input *input, struct view bytes, size_t added, enum input_format format)
{
    struct input_request request = {bytes, format, input->offset, input->line};
    struct input_fault fault = {NULL, 0};
    int status = input->taker->take(input->taker->context, &request, &fault);

    input->has_requests = true;
    return status == 0 ? 0 : input_fail_in(input, status, bytes, added, fault.offset, fault.reason);
}

int input_fail_size(struct input *input, size_t from)
{
    char reason[96];

    (void)snprintf(reason, sizeof(reason), "a request of more than %zu bytes begins here",
                   input->request_bytes_max);
    return input_fail_in(input, STATUS_TOO_LARGE, input_held(input), 0, from, reason);
}

/* ------------------------------------------------------------------ files */

static int read_form(struct input *input)
{
    int status = input_hold(input, FORM_SIZE);

    if (status != 0)
        return status;
    if (input_held(input).size == 0)
        return input_fail(input, STATUS_UNSUPPORTED, "it is empty");
    if (view_starts(input_held(input), VIEW("\xEF\xBB\xBF")))
        return input_fail(input, STATUS_UNSUPPORTED,
                          "it begins with a byte order mark, which JSON does not allow; remove it");
    switch (input_form_of(input_held(input))) {
    case INPUT_FORM_JSON:
        return input_read_json(input);
    case INPUT_FORM_PROTOBUF:
        return input_read_protobuf(input);
    case INPUT_FORM_PREFIXED:
        return input_read_prefixed(input);
    case INPUT_FORM_UNKNOWN:
        break;
    }
    return input_fail(input, STATUS_UNSUPPORTED, "%s", input_kind_text(INPUT_KIND_NONE));
}

int input_read(const char *path, const struct input_options *options,
               const struct input_taker *taker, struct input_error *out_error)
{
    struct input input = {.name = strcmp(path, "-") == 0 ? "standard input" : path,
                          .taker = taker,
                          .request_bytes_max = REQUEST_BYTES_DEFAULT,
                          .part_bytes = PART_BYTES_DEFAULT,
                          .passed_over = INPUT_KIND_OTLP,
                          .error = out_error};
    int status;

    if (options != NULL && options->request_bytes_max != 0)
        input.request_bytes_max = options->request_bytes_max;
    if (options != NULL && options->part_bytes != 0)
        input.part_bytes = options->part_bytes;
    buf_init(&input.wrapped, 0);
    buf_init(&input.converted, 0);
    buf_init(&input.text, input.request_bytes_max + 2 * INPUT_CHUNK);
    status = input_source_open(&input.source, path);
    if (status != 0)
        status = fail_source(&input, status);
    else
        status = read_form(&input);
    input_source_release(&input.source);
    buf_release(&input.text);
    buf_release(&input.wrapped);
    buf_release(&input.converted);
    return status;
}
