/* input_test.c: files of every form, whole, packed, cut short and hostile. */
#include "engine/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/proto_write.h"

#define REQUEST "{\"resourceSpans\":[{\"schemaUrl\":\"x\"}]}"

/* What was taken, each request behind its offset, line and form, in brackets. */
struct taken {
    struct buf text;
    unsigned count;
    unsigned fail_at; /* The n-th request is refused; 0: none. */
    struct input_error error;
};

static int take(void *context, const struct input_request *request, struct input_fault *fault)
{
    struct taken *taken = context;

    taken->count++;
    assert_int_equal(buf_printf(&taken->text, "[%llu %llu %c %.*s]",
                                (unsigned long long)request->offset,
                                (unsigned long long)request->line,
                                request->format == INPUT_OTLP_JSON ? 'j' : 'p',
                                (int)request->bytes.size, request->bytes.data),
                     0);
    if (taken->count != taken->fail_at)
        return 0;
    fault->reason = "no good";
    fault->offset = 3;
    return STATUS_INVALID;
}

static void write_file(char path[64], const void *data, size_t size)
{
    int fd;

    (void)snprintf(path, 64, "/tmp/spanmap-input-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    (void)close(fd);
}

/* Reads a file with this content; whatever stood in `taken` goes, but for fail_at. */
static int read_with(struct taken *taken, const void *data, size_t size,
                     const struct input_options *options)
{
    const struct input_taker taker = {take, taken};
    char path[64];
    int status;

    buf_release(&taken->text);
    buf_init(&taken->text, 0);
    taken->count = 0;
    taken->error.text[0] = '\0';
    write_file(path, data, size);
    status = input_read(path, options, &taker, &taken->error);
    (void)unlink(path);
    (void)buf_append_byte(&taken->text, '\0');
    return status;
}

static int read_text(struct taken *taken, const char *text)
{
    return read_with(taken, text, strlen(text), NULL);
}

static void assert_error(const struct taken *taken, const char *part)
{
    if (strstr(taken->error.text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, taken->error.text);
}

static void input__reads_a_request_a_line(void **state)
{
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_text(&taken, REQUEST "\n\n{}\r\n" REQUEST), 0);
    assert_string_equal(taken.text.data, "[0 1 j " REQUEST "][39 3 j {}][43 4 j " REQUEST "]");
    buf_release(&taken.text);
}

static void input__reads_one_document(void **state)
{
    static const char text[] = "\n{\n  \"resourceSpans\": [\n    {},\n    {\n    }\n  ]\n}\n";
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_text(&taken, text), 0);
    assert_int_equal(taken.count, 1);
    assert_int_equal(strncmp(taken.text.data, "[1 2 j {\n", 9), 0);
    buf_release(&taken.text);
}

static void input__reads_a_binary_request(void **state)
{
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_with(&taken, "\x0A\x02\x12\x00", 4, NULL), 0);
    assert_int_equal(memcmp(taken.text.data, "[0 0 p \x0A\x02\x12", 10), 0);
    /* 123 bytes are an opening brace. */
    assert_int_equal(read_with(&taken, "\x0A{\x0A\x22\x0A", 5, NULL), 0);
    assert_int_equal(memcmp(taken.text.data, "[0 0 p \x0A{", 9), 0);
    buf_release(&taken.text);
}

static void input__reads_binary_requests_behind_their_lengths(void **state)
{
    static const char two[] = "\x00\x00\x00\x04\x0A\x02\x12\x00\x00\x00\x00\x02\x0A\x00";
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_with(&taken, two, sizeof(two) - 1, NULL), 0);
    assert_int_equal(taken.count, 2);
    assert_int_equal(read_with(&taken, two, sizeof(two) - 2, NULL), STATUS_TRUNCATED);
    assert_error(&taken, "at byte 13: the file ends within a request");
    assert_int_equal(read_with(&taken, two, 10, NULL), STATUS_TRUNCATED);
    assert_error(&taken, "at byte 8: the file ends within a request's length");
    buf_release(&taken.text);
}

/* As the file exporter writes them with `compression: zstd`. */
static void input__unpacks_requests_behind_their_lengths(void **state)
{
    static const char binary[] = "\x0A\x02\x12\x00";
    struct taken taken = {.count = 0};
    char expected[100];
    char bytes[2048];
    size_t first = ZSTD_compress(bytes + 4, 1000, REQUEST, sizeof(REQUEST) - 1, 3);
    size_t second = ZSTD_compress(bytes + 8 + first, 1000, binary, 4, 3);

    (void)state;
    memcpy(bytes, (char[]){0, 0, 0, (char)first}, 4);
    memcpy(bytes + 4 + first, (char[]){0, 0, 0, (char)second}, 4);
    assert_int_equal(read_with(&taken, bytes, 8 + first + second, NULL), 0);
    assert_int_equal(taken.count, 2);
    (void)snprintf(expected, sizeof(expected), "[4 0 j " REQUEST "][%zu 0 p \x0A\x02\x12",
                   8 + first);
    assert_int_equal(strncmp(taken.text.data, expected, strlen(expected)), 0);
    taken.fail_at = 2;
    assert_int_equal(read_with(&taken, bytes, 8 + first + second, NULL), STATUS_INVALID);
    assert_error(&taken, ": no good");
    bytes[4 + 8] ^= 0x7F;
    assert_int_equal(read_with(&taken, bytes, 8 + first + second, NULL), STATUS_INVALID);
    assert_error(&taken, "at byte 4: the zstd data of a request is damaged");
    buf_release(&taken.text);
}

static size_t pack_gzip(const char *text, uint8_t *out, size_t room)
{
    z_stream zlib = {0};

    assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_in = (Bytef *)(uintptr_t)text;
    zlib.avail_in = (unsigned)strlen(text);
    zlib.next_out = out;
    zlib.avail_out = (unsigned)room;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&zlib);
    return zlib.total_out;
}

static void input__unpacks_gzip_of_several_members(void **state)
{
    struct taken taken = {.count = 0};
    uint8_t packed[1024];
    size_t size = pack_gzip(REQUEST "\n", packed, sizeof(packed));

    (void)state;
    size += pack_gzip(REQUEST "\n", packed + size, sizeof(packed) - size);
    assert_int_equal(read_with(&taken, packed, size, NULL), 0);
    assert_string_equal(taken.text.data, "[0 1 j " REQUEST "][38 2 j " REQUEST "]");
    buf_release(&taken.text);
}

static void input__says_where_packed_data_ends_early(void **state)
{
    struct taken taken = {.count = 0};
    uint8_t packed[1024];
    size_t size = pack_gzip(REQUEST "\n" REQUEST, packed, sizeof(packed));

    (void)state;
    assert_int_equal(read_with(&taken, packed, size - 1, NULL), STATUS_TRUNCATED);
    assert_int_equal(taken.count, 2);
    assert_error(&taken, "at byte 75 of the unpacked data: the gzip data ends before its end");
    packed[size - 6] ^= 1; /* The checksum. */
    assert_int_equal(read_with(&taken, packed, size, NULL), STATUS_INVALID);
    assert_error(&taken, "the gzip data is damaged");
    buf_release(&taken.text);
}

static void input__unpacks_zstd(void **state)
{
    struct taken taken = {.count = 0};
    char packed[1024];
    size_t size = ZSTD_compress(packed, sizeof(packed), REQUEST, sizeof(REQUEST) - 1, 3);

    (void)state;
    assert_int_equal(read_with(&taken, packed, size, NULL), 0);
    assert_string_equal(taken.text.data, "[0 1 j " REQUEST "]");
    assert_int_equal(read_with(&taken, packed, size - 1, NULL), STATUS_TRUNCATED);
    assert_error(&taken, "the zstd data ends before its end");
    buf_release(&taken.text);
}

static void input__says_where_a_request_is_wrong(void **state)
{
    struct taken taken = {.fail_at = 2};

    (void)state;
    assert_int_equal(read_text(&taken, REQUEST "\n" REQUEST "\n" REQUEST), STATUS_INVALID);
    assert_int_equal(taken.count, 2);
    assert_error(&taken, ": at byte 41 (line 2): no good");
    taken.fail_at = 1;
    assert_int_equal(read_text(&taken, "{\n\n\"resourceSpans\":[]}"), STATUS_INVALID);
    assert_error(&taken, ": at byte 3 (line 3): no good");
    buf_release(&taken.text);
}

static void input__cuts_a_damaged_line_off(void **state)
{
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_text(&taken, "{\"resourceSpans\":[{\"a\n" REQUEST "\n"), 0);
    assert_string_equal(taken.text.data, "[0 1 j {\"resourceSpans\":[{\"a][22 2 j " REQUEST "]");
    assert_int_equal(read_text(&taken, "{\"resourceSpans\":[{}\n" REQUEST "\n"), 0);
    assert_string_equal(taken.text.data, "[0 1 j {\"resourceSpans\":[{}\n][21 2 j " REQUEST "]");
    assert_int_equal(read_text(&taken, REQUEST "\n{\"resourceSpans\":["), 0);
    assert_string_equal(taken.text.data, "[0 1 j " REQUEST "][38 2 j {\"resourceSpans\":[]");
    assert_int_equal(read_text(&taken, REQUEST "\nabc\n{}"), 0);
    assert_string_equal(taken.text.data, "[0 1 j " REQUEST "][38 2 j abc][42 3 j {}]");
    buf_release(&taken.text);
}

static void input__refuses_files_of_no_known_kind(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "it is empty"},
        {"hello\n", "of no known kind"},
        {"{\"foo\":{\"resourceSpans\":1}}", "of no known kind"},
        {"{\"resourceMetrics\":[]}\n{\"resourceLogs\":[]}", "no traces"},
        {"\xEF\xBB\xBF{}", "byte order mark"},
        {"\x89PNG\r\n\x1A\n", "of no known kind"},
    };
    struct taken taken = {.count = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_text(&taken, cases[i].text), STATUS_UNSUPPORTED);
        assert_error(&taken, cases[i].reason);
        assert_int_equal(taken.count, 0);
    }
    assert_int_equal(read_text(&taken, REQUEST "\n{\"foo\":1}"), STATUS_UNSUPPORTED);
    assert_error(&taken, "at byte 38 (line 2)");
    buf_release(&taken.text);
}

/* How many spans were taken in how many requests, each a binary one. */
static void assert_converted(const char *text, size_t part_bytes, unsigned requests)
{
    const struct input_options options = {.part_bytes = part_bytes};
    struct taken taken = {.count = 0};

    assert_int_equal(read_with(&taken, text, strlen(text), &options), 0);
    assert_int_equal(taken.count, requests);
    assert_non_null(strstr(taken.text.data, " p "));
    assert_null(strstr(taken.text.data, " j "));
    buf_release(&taken.text);
}

static void input__converts_what_other_systems_write(void **state)
{
    static const char trace[] = "{\"traceID\":\"1\",\"spans\":[{}]}";
    struct taken taken = {.count = 0};

    (void)state;
    assert_converted(trace, 0, 1);
    assert_converted("{\"data\":[{\"spans\":[{}]}],\"total\":0}", 0, 1);
    assert_converted("[{\"id\":\"1\"},{\"id\":\"2\"}]", 0, 1);
    assert_int_equal(read_text(&taken, "[{\"id\":\"1\"},\n{\"id\":3}]"), STATUS_INVALID);
    assert_error(&taken, ": at byte 19 (line 2): [1].id: a string is expected");
    assert_int_equal(read_text(&taken, "{\"data\":null,\"errors\":[{\"msg\":\"gone\"}]}"),
                     STATUS_INVALID);
    assert_error(&taken, "errors: gone");
    buf_release(&taken.text);
}

/* Elements `element`, `count` of them, between `before` and `behind`. */
static void append_document(struct buf *text, const char *before, const char *element,
                            unsigned count, const char *behind)
{
    buf_init(text, 0);
    buf_append_text(text, before);
    for (unsigned i = 0; i < count; i++) {
        buf_append_text(text, i != 0 ? " ,\n" : "");
        buf_append_text(text, element);
    }
    buf_append_text(text, behind);
    buf_append_byte(text, '\0');
    assert_int_equal(text->failed, 0);
}

static void input__takes_long_documents_of_other_systems_in_parts(void **state)
{
    enum { ELEMENTS = 40000 };
    struct taken taken = {.count = 0};
    struct buf text;

    (void)state;
    append_document(&text, "{ \"data\": [\n", "{\"spans\":[{\"traceID\":\"1\"}]}", ELEMENTS,
                    "],\"total\":0,\"errors\":[{\"msg\":\"some are gone\"}]}\n");
    assert_converted(text.data, 4096, ELEMENTS);
    buf_release(&text);

    append_document(&text, " [ ", "{\"traceId\":\"1\",\"id\":\"2\"}", ELEMENTS, " ]\n");
    assert_int_equal(read_with(&taken, text.data, strlen(text.data),
                               &(struct input_options){.part_bytes = 4096}),
                     0);
    assert_in_range(taken.count, 2, ELEMENTS / 100);
    buf_release(&text);

    /* What stands before a cut is taken. */
    append_document(&text, "[", "{\"traceId\":\"1\",\"id\":\"2\"}", ELEMENTS, ",{\"id\":");
    assert_int_equal(read_with(&taken, text.data, strlen(text.data),
                               &(struct input_options){.part_bytes = 4096}),
                     STATUS_INVALID);
    assert_in_range(taken.count, 2, ELEMENTS / 100);
    assert_error(&taken, "(line 40000)");
    buf_release(&text);

    /* And what stands before an element that is too large. */
    append_document(&text, "[", "{\"traceId\":\"1\",\"id\":\"2\"}", ELEMENTS, ",{\"name\":\"");
    text.size--; /* The zero. */
    for (int i = 0; i < 20000; i++)
        (void)buf_append_text(&text, "0123456789");
    (void)buf_append_text(&text, "\"}]");
    assert_int_equal(
        read_with(&taken, text.data, text.size,
                  &(struct input_options){.part_bytes = 4096, .request_bytes_max = 100000}),
        STATUS_TOO_LARGE);
    assert_in_range(taken.count, 2, ELEMENTS / 100);
    assert_error(&taken, "(line 40000): a request of more than 100000 bytes");
    buf_release(&text);
    buf_release(&taken.text);
}

static void input__passes_over_other_signals(void **state)
{
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_text(&taken, "{\"resourceLogs\":[]}\n" REQUEST), 0);
    assert_string_equal(taken.text.data, "[20 2 j " REQUEST "]");
    buf_release(&taken.text);
}

static void input__bounds_a_request(void **state)
{
    const struct input_options options = {.request_bytes_max = sizeof(REQUEST) - 1};
    static const char two[] = "\n " REQUEST "\n {\"resourceSpans\":[{\"schemaUrl\":\"xy\"}]}";
    static const char binary[] = "\x0A\x30\x12\x2E...............................................";
    struct taken taken = {.count = 0};

    (void)state;
    assert_int_equal(read_with(&taken, REQUEST, sizeof(REQUEST) - 1, &options), 0);
    assert_int_equal(read_with(&taken, two, sizeof(two) - 1, &options), STATUS_TOO_LARGE);
    assert_int_equal(taken.count, 1);
    assert_error(&taken, "at byte 41 (line 3): a request of more than 37 bytes");
    assert_int_equal(read_with(&taken, binary, 38, &options), STATUS_TOO_LARGE);
    assert_int_equal(read_with(&taken, binary, 37, &options), 0);
    buf_release(&taken.text);
}

/* Requests that fall across chunks, of many sizes. */
static void input__does_not_care_where_chunks_end(void **state)
{
    struct taken taken = {.count = 0};
    struct buf text;
    struct buf expected;

    (void)state;
    buf_init(&text, 0);
    buf_init(&expected, 0);
    for (unsigned i = 0; i < 400; i++) {
        size_t begin = text.size;
        (void)buf_printf(&text, "{\"resourceSpans\":[], \"%*s\\\"}{\":%u}", (int)(i * 7 % 900), "",
                         i);
        (void)buf_printf(&expected, "[%zu %u j %.*s]", begin, i + 1, (int)(text.size - begin),
                         text.data + begin);
        (void)buf_append_byte(&text, '\n');
    }
    (void)buf_append_byte(&expected, '\0');
    assert_int_equal(text.failed | expected.failed, 0);
    assert_true(text.size > 128 << 10);
    assert_int_equal(read_with(&taken, text.data, text.size, NULL), 0);
    assert_string_equal(taken.text.data, expected.data);
    buf_release(&taken.text);
    buf_release(&text);
    buf_release(&expected);
}

/* A pretty-printed document of this many resources, about 100 bytes each, and where the n-th begins. */
static void print_document(struct buf *text, unsigned count, unsigned which, size_t *begin)
{
    (void)buf_append_text(text, "\n{\n  \"resourceSpans\" : [\n");
    for (unsigned i = 0; i < count; i++) {
        (void)buf_append_text(text, "    ");
        if (i == which)
            *begin = text->size;
        (void)buf_printf(text,
                         "{\n      \"schemaUrl\": \"%060u\",\n      \"x\": [1, {}]\n    }%s\n", i,
                         i + 1 < count ? "," : "");
    }
}

static void input__takes_a_long_document_apart(void **state)
{
    enum { COUNT = 12000, WHICH = 11111 };
    struct taken taken = {.count = 0};
    char expected[200];
    struct buf text;
    size_t begin = 0;

    (void)state;
    buf_init(&text, 0);
    print_document(&text, COUNT, WHICH, &begin);
    (void)buf_append_text(&text, "  ]\n}\n" REQUEST);
    assert_int_equal(read_with(&taken, text.data, text.size, NULL), 0);
    assert_int_equal(taken.count, COUNT + 1);
    (void)snprintf(expected, sizeof(expected),
                   "[%zu %d j {\"resourceSpans\":[{\n      \"schemaUrl\": \"%060d\",", begin,
                   4 + 4 * WHICH, WHICH);
    assert_non_null(strstr(taken.text.data, expected));
    assert_non_null(strstr(taken.text.data, "j " REQUEST "]"));
    /* What follows the array is a document too. */
    text.size -= strlen("}\n" REQUEST);
    (void)buf_append_text(&text, ", \"y\":{\"z\":[]}}");
    assert_int_equal(read_with(&taken, text.data, text.size, NULL), 0);
    assert_non_null(strstr(taken.text.data, "j {\"y\":{\"z\":[]}}]"));
    /* The place of an error is that in the file. */
    taken.fail_at = WHICH + 1;
    assert_int_equal(read_with(&taken, text.data, text.size, NULL), STATUS_INVALID);
    (void)snprintf(expected, sizeof(expected), "at byte %zu (line %d): no good", begin,
                   4 + 4 * WHICH);
    assert_error(&taken, expected);
    buf_release(&taken.text);
    buf_release(&text);
}

static void input__finds_faults_between_the_parts(void **state)
{
    static const struct {
        const char *end;
        const char *reason;
        int status;
    } cases[] = {
        {"", "the file ends within a request", STATUS_TRUNCATED},
        {",", "the file ends within a request", STATUS_TRUNCATED},
        {"]", "the file ends within a request", STATUS_TRUNCATED},
        {",]}", "an object is expected", STATUS_INVALID},
        {"{}]}", "',' or ']' is expected", STATUS_INVALID},
        {",5]}", "an object is expected", STATUS_INVALID},
        {"}", "',' or ']' is expected", STATUS_INVALID},
        {"]]", "',' or '}' is expected", STATUS_INVALID},
        {"],}", "a key is expected", STATUS_INVALID},
    };
    struct taken taken = {.count = 0};
    struct buf text;
    size_t begin = 0;
    size_t size;

    (void)state;
    buf_init(&text, 0);
    print_document(&text, 12000, 0, &begin);
    size = text.size;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text.size = size;
        (void)buf_append_text(&text, cases[i].end);
        assert_int_equal(read_with(&taken, text.data, text.size, NULL), cases[i].status);
        assert_error(&taken, cases[i].reason);
        assert_int_equal(taken.count, 12000);
    }
    buf_release(&taken.text);
    buf_release(&text);
}

/* Fields of a binary request, each of `size` bytes. */
static void write_fields(struct buf *bytes, unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t head[11] = {0x0A};
        size_t head_size = 1 + proto_put_varint(head + 1, size);
        (void)buf_append(bytes, head, head_size);
        (void)buf_append_byte(bytes, 0x12);
        assert_int_equal(buf_reserve(bytes, size), 0);
        memset(bytes->data + bytes->size, 'x', size - 1);
        bytes->size += size - 1;
    }
}

static void input__takes_a_long_binary_request_apart(void **state)
{
    struct taken taken = {.count = 0};
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 0);
    write_fields(&bytes, 30, 100000);
    assert_int_equal(read_with(&taken, bytes.data, bytes.size, NULL), 0);
    assert_in_range(taken.count, 2, 4);
    assert_int_equal(memcmp(taken.text.data, "[0 0 p \x0A", 8), 0);
    bytes.size = 0;
    write_fields(&bytes, 2, 3000000); /* One field is longer than a part. */
    assert_int_equal(read_with(&taken, bytes.data, bytes.size, NULL), 0);
    assert_in_range(taken.count, 1, 2);
    assert_int_equal(read_with(&taken, bytes.data, bytes.size,
                               &(struct input_options){.request_bytes_max = 2000000}),
                     STATUS_TOO_LARGE);
    bytes.data[0] = 0x0B; /* A group that does not end is damage, not length. */
    bytes.data[1] = 0x07;
    assert_int_equal(read_with(&taken, bytes.data, bytes.size, NULL), STATUS_UNSUPPORTED);
    bytes.size = 0;
    write_fields(&bytes, 30, 100000);
    bytes.data[100004] = 0x07;
    taken.fail_at = 1; /* The taker gets the damage, and says what it is. */
    assert_int_equal(read_with(&taken, bytes.data, bytes.size, NULL), STATUS_INVALID);
    assert_int_equal(taken.count, 1);
    buf_release(&taken.text);
    buf_release(&bytes);
}

static void input__says_what_cannot_be_opened(void **state)
{
    struct taken taken = {.count = 0};
    const struct input_taker taker = {take, &taken};

    (void)state;
    assert_int_equal(input_read("/nonexistent/file", NULL, &taker, &taken.error), STATUS_SYSTEM);
    assert_string_equal(taken.error.text,
                        "/nonexistent/file: cannot be read: No such file or directory");
    assert_int_equal(input_read("/tmp", NULL, &taker, &taken.error), STATUS_SYSTEM);
    assert_string_equal(taken.error.text, "/tmp: cannot be read: Is a directory");
}

static void input__survives_failing_memory(void **state)
{
    struct taken taken = {.count = 0};
    uint8_t packed[1024];
    size_t size = pack_gzip(REQUEST "\n", packed, sizeof(packed));
    int status = STATUS_NOMEM;

    (void)state;
    for (long left = 0; status != 0; left++) {
        struct buf none;
        buf_init(&none, 1); /* The taker's own buffer is not part of the sweep. */
        buf_release(&taken.text);
        taken = (struct taken){.count = 0};
        buf_init(&taken.text, 0);
        assert_int_equal(buf_reserve(&taken.text, 4096), 0);
        char path[64];
        write_file(path, packed, size);
        const struct input_taker taker = {take, &taken};
        mem_fail_after(left);
        status = input_read(path, NULL, &taker, &taken.error);
        mem_fail_after(-1);
        (void)unlink(path);
        assert_true(status == 0 || status == STATUS_NOMEM);
        assert_true(left < 100);
    }
    assert_int_equal(taken.count, 1);
    buf_release(&taken.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input__reads_a_request_a_line),
        cmocka_unit_test(input__reads_one_document),
        cmocka_unit_test(input__reads_a_binary_request),
        cmocka_unit_test(input__reads_binary_requests_behind_their_lengths),
        cmocka_unit_test(input__unpacks_requests_behind_their_lengths),
        cmocka_unit_test(input__unpacks_gzip_of_several_members),
        cmocka_unit_test(input__says_where_packed_data_ends_early),
        cmocka_unit_test(input__unpacks_zstd),
        cmocka_unit_test(input__says_where_a_request_is_wrong),
        cmocka_unit_test(input__cuts_a_damaged_line_off),
        cmocka_unit_test(input__refuses_files_of_no_known_kind),
        cmocka_unit_test(input__converts_what_other_systems_write),
        cmocka_unit_test(input__takes_long_documents_of_other_systems_in_parts),
        cmocka_unit_test(input__passes_over_other_signals),
        cmocka_unit_test(input__bounds_a_request),
        cmocka_unit_test(input__does_not_care_where_chunks_end),
        cmocka_unit_test(input__takes_a_long_document_apart),
        cmocka_unit_test(input__finds_faults_between_the_parts),
        cmocka_unit_test(input__takes_a_long_binary_request_apart),
        cmocka_unit_test(input__says_what_cannot_be_opened),
        cmocka_unit_test(input__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
