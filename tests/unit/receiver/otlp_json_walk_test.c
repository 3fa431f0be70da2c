/* otlp_json_walk_test.c: large texts, and what they take of memory. */
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/lib/json_fixture.h"
#include "tests/lib/test.h"

static void json__bounds_the_tree(void **state)
{
    struct otlp_json_error error;
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(otlp_json_to_protobuf(OTLP_TRACES, VIEW("{\"x\":[1,2,3]}"), 200, &out, &error),
                     STATUS_TOO_LARGE);
    assert_string_equal(error.text, "the request would take more than 200 bytes of memory");
    buf_release(&out);
    buf_init(&out, 8);
    assert_int_equal(buf_append_text(&out, "abc"), 0);
    assert_int_equal(otlp_json_to_protobuf(OTLP_TRACES, VIEW(SPANS_BEGIN "{}" SPANS_END), TREE_MAX,
                                           &out, &error),
                     STATUS_TOO_LARGE);
    assert_view_equal(buf_view(&out), "abc");
    buf_release(&out);
}

/* What is wrong between the values of a large text is found too. */
static void json__walks_over_large_texts(void **state)
{
    static const struct {
        const char *text;
        int status;
        size_t spans;
    } rows[] = {
        {" { } ", 0, 0},
        {"{\"resourceSpans\" : [ ] , \"x\" : [ { } ] }", 0, 0},
        {SPANS_BEGIN "{},{\"name\":\"b\"}" SPANS_END, 0, 2},
        {SPANS_BEGIN "{} , null , {}" SPANS_END, 0, 3},
        {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},{},{}]}]}],\"x\":1,"
         "\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}],\"scope\":{},\"spans\":[{},{}]}]}]}",
         0, 2},
        {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}],\"resourceSpans\":null}", 0, 0},
        {"", STATUS_INVALID, 0},
        {"[]", STATUS_INVALID, 0},
        {"\xef\xbb\xbf{}", STATUS_INVALID, 0},
        {"{}x", STATUS_INVALID, 0},
        {"{} {}", STATUS_INVALID, 0},
        {"{,}", STATUS_INVALID, 0},
        {"{\"a\":1,}", STATUS_INVALID, 0},
        {"{\"a\" 1}", STATUS_INVALID, 0},
        {"{\"a\":}", STATUS_INVALID, 0},
        {"{\"a\":1 \"b\":2}", STATUS_INVALID, 0},
        {"{\"a\":1,,\"b\":2}", STATUS_INVALID, 0},
        {"{a:1}", STATUS_INVALID, 0},
        {"{1:1}", STATUS_INVALID, 0},
        {"{\"a\":1", STATUS_INVALID, 0},
        {"{\"a\":[1}", STATUS_INVALID, 0},
        {"{\"a\":{]}", STATUS_INVALID, 0},
        {"{\"a\":1]", STATUS_INVALID, 0},
        {"{\"a\\u0000b\":1}", STATUS_INVALID, 0},
        {"{\"a\":\"\xff\"}", STATUS_INVALID, 0},
        {SPANS_BEGIN "{},]" SPANS_END, STATUS_INVALID, 0},
        {SPANS_BEGIN ",{}" SPANS_END, STATUS_INVALID, 0},
        {SPANS_BEGIN "{} {}" SPANS_END, STATUS_INVALID, 0},
        {SPANS_BEGIN "{}"
                     "]}]]}",
         STATUS_INVALID, 0},
        {SPANS_BEGIN "{}"
                     "]}]}",
         STATUS_INVALID, 0},
        {"{\"resourceSpans\":{}}", STATUS_INVALID, 0},
        {"{\"resourceSpans\":[[]]}", STATUS_INVALID, 0},
        {"{\"resourceSpans\":[7]}", STATUS_INVALID, 0},
    };
    struct fixture_json on = {.request = NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t spans = 0;

        if (convert_text(&on, rows[i].text) != rows[i].status) /* And by every way of walking. */
            fail_msg("%s", rows[i].text);
        for (size_t j = 0; rows[i].status == 0 && j < on.request->n_resource_spans; j++)
            spans += on.request->resource_spans[j]->scope_spans[0]->n_spans;
        assert_int_equal(spans, rows[i].spans);
    }
    finish(&on);
}

static void json__needs_little_memory_for_large_texts(void **state)
{
    struct otlp_json_error error;
    struct buf text;
    struct buf out;

    (void)state;
    buf_init(&text, 0);
    buf_init(&out, 0);
    (void)buf_append_text(&text, SPANS_BEGIN "{}");
    for (int i = 0; i < 20000; i++)
        (void)buf_append_text(&text, ",{\"name\":\"a name of some length\",\"attributes\":[]}");
    assert_int_equal(buf_append_text(&text, SPANS_END), 0);
    assert_int_equal(otlp_json_to_protobuf(OTLP_TRACES, buf_view(&text), 2000, &out, &error), 0);
    assert_in_range(out.size, 20000 * 20, 20000 * 30);
    assert_int_equal(otlp_json_memory(buf_view(&text), 2000), 2000 + 2 * text.size);
    /* One value of it is still made a tree of. */
    buf_reset(&out);
    text.size -= strlen(SPANS_END);
    (void)buf_append_text(&text, ",{\"droppedAttributesCount\":[");
    for (int i = 0; i < 1000; i++)
        (void)buf_append_text(&text, "[],");
    assert_int_equal(buf_append_text(&text, "0]}" SPANS_END), 0);
    assert_int_equal(otlp_json_to_protobuf(OTLP_TRACES, buf_view(&text), 2000, &out, &error),
                     STATUS_TOO_LARGE);
    buf_release(&text);
    buf_release(&out);
}

#define VALUE_BEGIN "{\"attributes\":[{\"key\":\"k\",\"value\":"
#define VALUE_END "}]}"
#define LIST_BEGIN "{\"arrayValue\":{\"values\":["
#define LIST_END "]}}"

/* A list in a list and so on, `depth` of them, around a list of `count` numbers. */
static void build_nested(struct buf *text, unsigned depth, unsigned count)
{
    buf_reset(text);
    (void)buf_append_text(text, SPANS_BEGIN VALUE_BEGIN);
    for (unsigned i = 0; i < depth; i++)
        (void)buf_append_text(text, LIST_BEGIN);
    for (unsigned i = 0; i < count; i++)
        (void)buf_append_text(text, i == 0 ? "{\"intValue\":1}" : ",{\"intValue\":1}");
    for (unsigned i = 0; i < depth; i++)
        (void)buf_append_text(text, LIST_END);
    assert_int_equal(buf_append_text(text, VALUE_END SPANS_END), 0);
}

/* Each level that is walked goes over all that is in it; a sender chooses how many there are. */
static void json__does_not_go_over_each_level_again(void **state)
{
    static const struct {
        unsigned depth;
        unsigned count;
        int status;
    } rows[] = {
        {1, 4000, 0}, {10, 4000, 0}, {35, 4000, 0}, {35, 16000, 0}, {35, 100000, STATUS_TOO_LARGE},
    };
    struct otlp_json_error error;
    struct buf text;
    struct buf out;

    (void)state;
    buf_init(&text, 0);
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t passed = 0;
        struct otlp_json_bounds bounds = {16 << 20, 16 << 10, &passed};
        build_nested(&text, rows[i].depth, rows[i].count);
        buf_reset(&out);
        assert_int_equal(
            otlp_json_to_protobuf_by(OTLP_TRACES, buf_view(&text), &bounds, &out, &error),
            rows[i].status);
        assert_in_range(passed, text.size, 16 * text.size);
    }
    buf_release(&text);
    buf_release(&out);
}

/* Nor does it for the place of what is wrong far inside: that of a value around it is told. */
static void json__places_errors_in_deep_values(void **state)
{
    static const char right[] = "{\"intValue\":1},{\"intValue\":1}";
    static const char wrong[] = "{\"intValue\":\"x\"}             ";
    static const char around[] = SPANS_BEGIN VALUE_BEGIN LIST_BEGIN;
    struct otlp_json_bounds bounds = {.tree_bytes_max = 16 << 20, .whole_bytes_max = 16 << 10};
    struct otlp_json_error error;
    struct buf text;
    struct buf out;
    char *at;

    (void)state;
    buf_init(&text, 0);
    buf_init(&out, 0);
    build_nested(&text, 35, 4000);
    at = memmem(text.data, text.size, right, strlen(right));
    assert_non_null(at);
    memcpy(at, wrong, strlen(wrong));
    assert_int_equal(otlp_json_to_protobuf_by(OTLP_TRACES, buf_view(&text), &bounds, &out, &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.text, "a 64-bit integer"));
    assert_int_equal(error.offset, strlen(around));
    buf_release(&text);
    buf_release(&out);
}

static int convert_step(void *context)
{
    static const struct otlp_json_bounds walk = {.tree_bytes_max = TREE_MAX};
    const struct view *text = context;
    struct otlp_json_error error;
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = otlp_json_to_protobuf(OTLP_TRACES, *text, TREE_MAX, &out, &error);
    assert_int_equal(out.size != 0, status == 0);
    buf_release(&out);
    if (status == 0) {
        status = otlp_json_to_protobuf_by(OTLP_TRACES, *text, &walk, &out, &error);
        buf_release(&out);
    }
    /* jansson takes some failures for wrong text. */
    if (status == STATUS_INVALID && strncmp(error.text, "this is no JSON", 15) == 0)
        return STATUS_NOMEM;
    return status;
}

static void json__survives_failing_memory(void **state)
{
    struct view text = VIEW(SPANS_BEGIN
                            "{\"startTimeUnixNano\":18446744073709551615,\"name\":\"a\","
                            "\"attributes\":[{\"key\":\"k\",\"value\":{\"doubleValue\":"
                            "\"1.5\"}}]}" SPANS_END);

    (void)state;
    json_set_alloc_funcs(mem_alloc, mem_free);
    test_sweep_memory(convert_step, &text);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__bounds_the_tree),
        cmocka_unit_test(json__walks_over_large_texts),
        cmocka_unit_test(json__needs_little_memory_for_large_texts),
        cmocka_unit_test(json__does_not_go_over_each_level_again),
        cmocka_unit_test(json__places_errors_in_deep_values),
        cmocka_unit_test(json__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
