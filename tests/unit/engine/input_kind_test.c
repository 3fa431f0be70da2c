/* input_kind_test.c: what a file is, where binary requests and JSON begin with the same bytes. */
#include "engine/input_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST = 64, REQUEST_MAX = 256 };

struct request {
    char bytes[REQUEST_MAX];
    size_t size;
};

/* Puts what is there into a field of bytes, whose length has one byte. */
static void wrap(struct request *request, char tag)
{
    assert_true(request->size < 128 && request->size + 2 <= sizeof(request->bytes));
    memmove(request->bytes + 2, request->bytes, request->size);
    request->bytes[0] = tag;
    request->bytes[1] = (char)request->size;
    request->size += 2;
}

/* One resource with one attribute, and something behind it. */
static struct request request_of(size_t key_size, size_t value_size, size_t more)
{
    struct request request = {.size = value_size};
    char value[REQUEST_MAX];
    size_t size;

    memset(request.bytes, 'v', value_size);
    wrap(&request, 0x0A); /* AnyValue.string_value */
    wrap(&request, 0x12); /* KeyValue.value */
    size = request.size;
    memcpy(value, request.bytes, size);
    memset(request.bytes, 'k', key_size);
    request.size = key_size;
    wrap(&request, 0x0A); /* KeyValue.key */
    memcpy(request.bytes + request.size, value, size);
    request.size += size;
    wrap(&request, 0x0A); /* Resource.attributes */
    wrap(&request, 0x0A); /* ResourceSpans.resource */
    if (more >= 2) {
        request.bytes[request.size] = 0x1A; /* ResourceSpans.schema_url */
        request.bytes[request.size + 1] = (char)(more - 2);
        memset(request.bytes + request.size + 2, 'u', more - 2);
        request.size += more;
    }
    wrap(&request, 0x0A);
    return request;
}

static enum input_form form_of(const char *bytes, size_t size)
{
    return input_form_of((struct view){bytes, size < FIRST ? size : FIRST});
}

static void request__is_told_from_json_at_any_length(void **state)
{
    (void)state;
    for (size_t key = 1; key < 50; key++)
        for (size_t value = 0; value < 50; value++)
            for (size_t more = 2; key + value + more < 115; more++) {
                struct request request = request_of(key, value, more);
                assert_int_equal(form_of(request.bytes, request.size), INPUT_FORM_PROTOBUF);
            }
}

static void json__is_told_behind_empty_lines(void **state)
{
    static const char *const texts[] = {
        "{}",     "\n{}",   "\n{\"a\":1}", "\n{ \"a\":1}", "\n\n\r\n {\n\"a\"", "[]",
        "\n[]",   "\n[\n]", "\n[{",        "\n[\n{",       "\n[ \t{\"id\":1",   "\n[",
        "\n[\n ", " [1]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(form_of(texts[i], strlen(texts[i])), INPUT_FORM_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request__is_told_from_json_at_any_length),
        cmocka_unit_test(json__is_told_behind_empty_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
