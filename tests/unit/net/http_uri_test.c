/* http_uri_test.c: escapes, queries, and which Host is ours. */
#include "net/http_uri.h"

#include "net/http_server.h"
#include "tests/lib/test.h"

static void expect_parameter(const char *query, const char *name, int status, const char *value)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(buf_append_text(&out, "<"), 0);
    assert_int_equal(http_query_get(view_of(query), view_of(name), &out), status);
    assert_view_equal((struct view){out.data + 1, out.size - 1}, value);
    buf_release(&out);
}

static void query__finds_the_first_value(void **state)
{
    (void)state;
    expect_parameter("", "a", STATUS_NOT_FOUND, "");
    expect_parameter("a=1&b=2&a=3", "a", 0, "1");
    expect_parameter("a=1&b=2", "b", 0, "2");
    expect_parameter("ab=1&a=2", "a", 0, "2");
    expect_parameter("a", "a", 0, "");
    expect_parameter("&&a=", "a", 0, "");
    expect_parameter("a=b=c", "a", 0, "b=c");
    expect_parameter("%61=x", "a", 0, "x");
    expect_parameter("a=%41+%2b%2B", "a", 0, "A ++");
    expect_parameter("a=%zz&b=1", "b", 0, "1");
    expect_parameter("%=1&b=1", "b", 0, "1");
    expect_parameter("a=12%zz", "a", STATUS_INVALID, "");
    expect_parameter("a=%4", "a", STATUS_INVALID, "");
    expect_parameter("a=%", "a", STATUS_INVALID, "");
}

static void uri__leaves_a_plus_in_paths(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(http_uri_decode(VIEW("/a+b%20c%2Fd"), false, &out), 0);
    assert_view_equal(buf_view(&out), "/a+b c/d");
    buf_release(&out);
}

static void host__is_ours_by_address_or_name(void **state)
{
    const struct view names[] = {VIEW("spanmap.example"), VIEW("b")};
    static const char *const ours[] = {
        "localhost", "LOCALHOST:9464", "127.0.0.1",         "10.1.2.3:80",
        "[::1]",     "[::1]:9464",     "spanmap.Example:1", "b"};
    static const char *const foreign[] = {"",
                                          "evil.example",
                                          "localhost.evil.example",
                                          "[evil]",
                                          "[::1]x",
                                          "127.0.0.1.evil.example",
                                          "::1",
                                          "spanmap.example.evil",
                                          "*",
                                          "1.2.3"};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        if (!http_host_is_ours(view_of(ours[i]), names, 2))
            fail_msg("%s", ours[i]);
    }
    for (size_t i = 0; i < 10; i++) {
        if (http_host_is_ours(view_of(foreign[i]), names, 2))
            fail_msg("%s", foreign[i]);
    }
    assert_true(http_host_is_ours(VIEW("evil.example"), &VIEW("*"), 1));
    assert_false(http_host_is_ours(VIEW("b"), NULL, 0));
    assert_false(http_host_is_ours((struct view){NULL, 0}, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query__finds_the_first_value),
        cmocka_unit_test(uri__leaves_a_plus_in_paths),
        cmocka_unit_test(host__is_ours_by_address_or_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
