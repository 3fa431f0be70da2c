/* suggest_test.c: wrong words and what they meant. */
#include "engine/suggest.h"

#include "tests/lib/test.h"

static const char *best(const char *word)
{
    static const char *const known[] = {"run",    "check", "map",         "replay",     "version",
                                        "format", "focus", "listen.grpc", "listen.http"};
    struct suggestion suggestion;

    suggest_init(&suggestion, view_of(word));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        suggest_offer(&suggestion, known[i]);
    return suggestion.best;
}

static void suggest__finds_one_changed_letter(void **state)
{
    (void)state;
    assert_string_equal(best("versoin"), "version");
    assert_string_equal(best("chek"), "check");
    assert_string_equal(best("formatt"), "format");
    assert_string_equal(best("listen.grcp"), "listen.grpc");
    assert_string_equal(best("mpa"), "map");
}

static void suggest__does_not_guess(void **state)
{
    char longest[200];

    (void)state;
    assert_null(best("xyz"));
    assert_null(best(""));
    assert_null(best("completely"));
    memset(longest, 'r', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(best(longest));
}

static void suggest__prefers_the_nearest(void **state)
{
    (void)state;
    assert_string_equal(best("listen.htp"), "listen.http");
    assert_string_equal(best("focs"), "focus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggest__finds_one_changed_letter),
        cmocka_unit_test(suggest__does_not_guess),
        cmocka_unit_test(suggest__prefers_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
