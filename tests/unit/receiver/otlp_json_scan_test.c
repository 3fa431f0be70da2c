/* otlp_json_scan_test.c: what is said of text before it becomes a tree. */
#include "receiver/otlp_json_scan.h"

#include <jansson.h>
#include <stdlib.h>

#include "tests/lib/test.h"

#define SPANS_BEGIN "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
#define SPANS_END "]}]}]}"

static size_t heap_now;
static size_t heap_most;

static void *count_alloc(size_t size)
{
    size_t *memory = malloc(size + 16);

    if (memory == NULL)
        return NULL;
    *memory = (size + 8 + 15) / 16 * 16; /* As malloc rounds. */
    heap_now += *memory;
    heap_most = heap_now > heap_most ? heap_now : heap_most;
    return memory + 2;
}

static void count_free(void *memory)
{
    if (memory == NULL)
        return;
    heap_now -= ((size_t *)memory)[-2];
    free((size_t *)memory - 2);
}

/* `unit` so often between `begin` and `end` that 100,000 bytes come together. */
static void check_tree(const char *begin, const char *unit, const char *end)
{
    struct buf text;
    size_t told = 0;
    size_t offset;
    json_t *root;

    buf_init(&text, 0);
    (void)buf_append_text(&text, begin);
    for (int i = 0; text.size < 100000; i++)
        (void)buf_printf(&text, unit, i);
    (void)buf_append_text(&text, end);
    assert_int_equal(text.failed, 0);
    assert_int_equal(otlp_json_scan(buf_view(&text), &told, &offset), 0);
    heap_now = heap_most = 0;
    json_set_alloc_funcs(count_alloc, count_free);
    root = json_loadb(text.data, text.size, JSON_ALLOW_NUL, NULL);
    json_decref(root);
    json_set_alloc_funcs(malloc, free);
    assert_non_null(root);
    if (heap_most > told || told > 3 * heap_most + 100000)
        fail_msg("%s: told %zu bytes, took %zu", unit, told, heap_most);
    buf_release(&text);
}

static void scan__tells_what_a_tree_takes(void **state)
{
    (void)state;
    check_tree("[0", ",{}", "]");
    check_tree("[0", ",[]", "]");
    check_tree("[0", ",1", "]");
    check_tree("[0", ",1.5", "]");
    check_tree("[0", ",\"\"", "]");
    check_tree("[0", ",[[[[[]]]]]", "]");
    check_tree("[0", ",{\"\":{\"\":{\"\":{}}}}", "]");
    check_tree("{\"\":1", ",\"%d\":1", "}");
    check_tree("{\"\":1", ",\"%d\":{}", "}");
    check_tree("{\"\":1", ",\"key of an attribute%d\":\"and its value\"", "}");
    check_tree("[\"", "a long string", "\"]");
    check_tree("{\"", "a long key", "\":1}");
    check_tree(SPANS_BEGIN "{}",
               ",{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
               "\"name\":\"op\",\"kind\":2,\"attributes\":[{\"key\":\"a.key\",\"value\":"
               "{\"stringValue\":\"text\"}},{\"key\":\"b.key\",\"value\":{\"intValue\":\"5\"}}]}",
               SPANS_END);
}

static void scan__bounds_depth(void **state)
{
    char text[OTLP_JSON_DEPTH_MAX + 1];
    size_t bytes = 0;
    size_t offset = 0;

    (void)state;
    memset(text, '[', sizeof(text));
    assert_int_equal(otlp_json_scan((struct view){text, OTLP_JSON_DEPTH_MAX}, &bytes, &offset), 0);
    assert_int_equal(otlp_json_scan((struct view){text, sizeof(text)}, &bytes, &offset),
                     STATUS_INVALID);
    assert_int_equal(offset, OTLP_JSON_DEPTH_MAX);
    text[0] = ']'; /* Closes nothing. */
    assert_int_equal(otlp_json_scan((struct view){text, sizeof(text)}, &bytes, &offset), 0);
    text[1] = '"'; /* What is in a string opens nothing. */
    assert_int_equal(otlp_json_scan((struct view){text, sizeof(text)}, &bytes, &offset), 0);
}

static void scan__quotes_long_integers(void **state)
{
    static const struct {
        const char *text;
        const char *quoted;
    } cases[] = {
        {"[9223372036854775807]", "[\"9223372036854775807\"]"},
        {"{\"a\":-9999999999999999999}", "{\"a\":\"-9999999999999999999\"}"},
        {"[999999999999999999]", "[999999999999999999]"},
        {"[1234567890123456789.5]", "[1234567890123456789.5]"},
        {"[1234567890123456789e5]", "[1234567890123456789e5]"},
        {"[\"1234567890123456789\"]", "[\"1234567890123456789\"]"},
        {"[\"\\\"\",1234567890123456789 ]", "[\"\\\"\",\"1234567890123456789\" ]"},
        {"[0123456789012345678901]", "[0123456789012345678901]"},
        {"\"", "\""},
        {"", ""},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_reset(&out);
        assert_int_equal(otlp_json_quote_integers(view_of(cases[i].text), &out), 0);
        assert_view_equal(buf_view(&out), cases[i].quoted);
    }
    buf_release(&out);
}

static void scan__finds_offsets_before_quoting(void **state)
{
    struct view text = VIEW("[1234567890123456789,x]"); /* The comma is at 20, then at 22. */

    (void)state;
    assert_int_equal(otlp_json_unquoted_offset(text, 0), 0);
    assert_int_equal(otlp_json_unquoted_offset(text, 1), 1);
    assert_int_equal(otlp_json_unquoted_offset(text, 21), 1);
    assert_int_equal(otlp_json_unquoted_offset(text, 22), 20);
    assert_int_equal(otlp_json_unquoted_offset(text, 23), 21);
    assert_int_equal(otlp_json_unquoted_offset(text, 1000), text.size);
}

static void scan__locates_values(void **state)
{
    struct view text = VIEW(" {\"a\" : [0, {\"b\":1,\"c\":\"}]\",\"b\":2}], \"d\":[]}");
    const struct otlp_json_step steps[] = {{"a", 0}, {NULL, 1}, {"b", 0}, {"none", 0}};
    const struct otlp_json_step other[] = {{"d", 0}, {NULL, 3}};

    (void)state;
    assert_int_equal(otlp_json_locate(text, steps, 0), 1);
    assert_int_equal(text.data[otlp_json_locate(text, steps, 1)], '[');
    assert_int_equal(otlp_json_locate(text, steps, 2), 12);
    assert_int_equal(text.data[otlp_json_locate(text, steps, 3)], '2'); /* The last of its name. */
    assert_int_equal(otlp_json_locate(text, steps, 4), otlp_json_locate(text, steps, 3));
    assert_int_equal(otlp_json_locate(text, other, 2), otlp_json_locate(text, other, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan__tells_what_a_tree_takes),
        cmocka_unit_test(scan__bounds_depth),
        cmocka_unit_test(scan__quotes_long_integers),
        cmocka_unit_test(scan__finds_offsets_before_quoting),
        cmocka_unit_test(scan__locates_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
