/* http_cors_test.c: origins against a list. */
#include "receiver/http_cors.h"

#include "tests/lib/test.h"

static bool allows(const char *pattern, const char *origin)
{
    struct view origins[] = {VIEW("http://other"), view_of(pattern)};
    struct http_cors cors = {.origins = origins, .origins_count = 2};

    return http_cors_judge(&cors, view_of(origin)) != HTTP_CORS_REFUSED;
}

static void cors__takes_origins_word_for_word(void **state)
{
    (void)state;
    assert_true(allows("https://shop.example", "https://shop.example"));
    assert_true(allows("https://shop.example", "http://other"));
    assert_false(allows("https://shop.example", "http://shop.example"));
    assert_false(allows("https://shop.example", "https://shop.example:8443"));
    assert_false(allows("https://shop.example", "https://shop.example.evil"));
    assert_false(allows("https://shop.example", ""));
    assert_true(allows("*", "https://any"));
    assert_true(allows("*", "null"));
    assert_false(allows("*", ""));
}

/* Wherever the star stands. */
static void cors__tells_who_was_named_from_anybody(void **state)
{
    struct view origins[] = {VIEW("*"), VIEW("https://*.a"), VIEW("null")};
    struct http_cors cors = {.origins = origins, .origins_count = 3};

    (void)state;
    assert_int_equal(http_cors_judge(&cors, VIEW("https://b")), HTTP_CORS_ANYBODY);
    assert_int_equal(http_cors_judge(&cors, VIEW("https://b.a")), HTTP_CORS_NAMED);
    assert_int_equal(http_cors_judge(&cors, VIEW("null")), HTTP_CORS_NAMED);
    assert_int_equal(http_cors_judge(&cors, VIEW("")), HTTP_CORS_REFUSED);
    cors.origins_count = 0;
    assert_int_equal(http_cors_judge(&cors, VIEW("https://b")), HTTP_CORS_REFUSED);
}

static void cors__lets_a_star_stand_for_names_only(void **state)
{
    (void)state;
    assert_true(allows("https://*.shop.example", "https://a.shop.example"));
    assert_true(allows("https://*.shop.example", "https://a.b.shop.example"));
    assert_false(allows("https://*.shop.example", "https://shop.example"));
    assert_false(allows("https://*.shop.example", "https://.shop.example"));
    assert_false(allows("https://*.shop.example", "https://evil/.shop.example"));
    assert_false(allows("https://*.shop.example", "https://evil:1@x.shop.example"));
    assert_false(allows("https://*.shop.example", "https://evil?.shop.example"));
    assert_false(allows("https://*.shop.example", "https://a.shop.example.evil"));
    assert_true(allows("https://*.shop.example:8443", "https://a.shop.example:8443"));
    assert_false(allows("https://*.shop.example:8443", "https://a.shop.example"));
}

static void cors__knows_patterns(void **state)
{
    static const char *const good[] = {
        "*", "null", "https://a", "http://a.b:80", "app://x", "https://*.a", "http://[::1]:3000"};
    static const char *const bad[] = {"",      "a",          "https://",    "https:/a",
                                      "://a",  "https://a/", "https://a/b", "https://*.*.a",
                                      "*://a", "https://a?", "a.b"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!http_cors_is_pattern(view_of(good[i])))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (http_cors_is_pattern(view_of(bad[i])))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cors__takes_origins_word_for_word),
        cmocka_unit_test(cors__tells_who_was_named_from_anybody),
        cmocka_unit_test(cors__lets_a_star_stand_for_names_only),
        cmocka_unit_test(cors__knows_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
