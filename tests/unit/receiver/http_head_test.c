/* http_head_test.c: fields and their grammar. */
#include "receiver/http_head.h"

#include "tests/lib/test.h"

static struct http_head head_of(const char *name, const char *value)
{
    struct http_head head;

    http_head_init(&head, true);
    http_head_field(&head, view_of(name), view_of(value));
    http_head_release(&head);
    return head;
}

static void head__knows_types(void **state)
{
    static const struct {
        const char *value;
        enum http_type type;
    } rows[] = {
        {"application/x-protobuf", HTTP_TYPE_PROTOBUF},
        {"APPLICATION/X-PROTOBUF", HTTP_TYPE_PROTOBUF},
        {"application/json", HTTP_TYPE_JSON},
        {" application/json ; charset=utf-8;x=\"a;b\"", HTTP_TYPE_JSON},
        {"application/json;", HTTP_TYPE_JSON},
        {"application/jsonp", HTTP_TYPE_OTHER},
        {"application/protobuf", HTTP_TYPE_OTHER},
        {"json", HTTP_TYPE_OTHER},
        {"", HTTP_TYPE_NONE},
        {";x=y", HTTP_TYPE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (head_of("content-type", rows[i].value).type != rows[i].type)
            fail_msg("%s", rows[i].value);
}

static void head__knows_codings(void **state)
{
    static const struct {
        const char *value;
        enum http_coding coding;
    } rows[] = {
        {"gzip", HTTP_CODING_GZIP},          {"x-gzip", HTTP_CODING_GZIP},
        {" GZip ", HTTP_CODING_GZIP},        {"deflate", HTTP_CODING_DEFLATE},
        {"zstd", HTTP_CODING_ZSTD},          {"identity", HTTP_CODING_IDENTITY},
        {"", HTTP_CODING_IDENTITY},          {"br", HTTP_CODING_OTHER},
        {"gzip, zstd", HTTP_CODING_OTHER},   {"identity, gzip", HTTP_CODING_OTHER},
        {"gzip;level=1", HTTP_CODING_OTHER},
    };
    struct http_head head;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (head_of("content-encoding", rows[i].value).coding != rows[i].coding)
            fail_msg("%s", rows[i].value);
    http_head_init(&head, false);
    http_head_field(&head, VIEW("content-encoding"), VIEW("gzip"));
    http_head_field(&head, VIEW("content-encoding"), VIEW("identity"));
    assert_int_equal(head.coding, HTTP_CODING_GZIP);
    http_head_field(&head, VIEW("content-encoding"), VIEW("gzip"));
    assert_int_equal(head.coding, HTTP_CODING_OTHER);
}

static void head__knows_the_rest(void **state)
{
    struct http_head head;

    (void)state;
    assert_int_equal(head_of(":method", "POST").method, HTTP_METHOD_POST);
    assert_int_equal(head_of(":method", "OPTIONS").method, HTTP_METHOD_OPTIONS);
    assert_int_equal(head_of(":method", "HEAD").method, HTTP_METHOD_HEAD);
    assert_int_equal(head_of(":method", "post").method, HTTP_METHOD_OTHER);
    assert_true(head_of("expect", "100-Continue").expects_continue);
    assert_true(head_of("expect", "more").expects_other);
    assert_int_equal(head_of("content-length", "123").length, 123);
    assert_false(head_of("content-length", "12x").has_length);
    assert_false(head_of("content-length", "99999999999999999999999").has_length);
    http_head_init(&head, true);
    http_head_field(&head, VIEW("origin"), VIEW("https://a"));
    http_head_field(&head, VIEW("access-control-request-method"), VIEW("POST"));
    http_head_field(&head, VIEW("access-control-request-headers"), VIEW("x, y"));
    assert_view_equal(buf_view(&head.origin), "https://a");
    assert_view_equal(buf_view(&head.asked_fields), "x, y");
    assert_true(head.asks_method);
    {
        char longest[600];

        memset(longest, 'o', sizeof(longest));
        http_head_field(&head, VIEW("origin"), (struct view){longest, sizeof(longest)});
    }
    assert_int_equal(head.origin.size, 0); /* Nobody who is on a list. */
    http_head_release(&head);
    http_head_init(&head, false);
    http_head_field(&head, VIEW("origin"), VIEW("https://a"));
    assert_int_equal(head.origin.size, 0);
    assert_view_equal(http_path_of(VIEW("/v1/traces?x=/y?z")), "/v1/traces");
    assert_view_equal(http_path_of(VIEW("/v1/traces")), "/v1/traces");
    assert_view_equal(http_path_of(VIEW("?")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head__knows_types),
        cmocka_unit_test(head__knows_codings),
        cmocka_unit_test(head__knows_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
