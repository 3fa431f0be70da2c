/* human_test.c: figures are short, and never claim what is not so. */
#include "exporters/human.h"

#include <locale.h>

#include "tests/lib/test.h"
#include "topology/span.h"

static void human__rates(void **state)
{
    (void)state;
    assert_string_equal(human_rate(-1).text, HUMAN_NONE);
    assert_string_equal(human_rate(0).text, "0/s");
    assert_string_equal(human_rate(0.0099).text, "<0.01/s");
    assert_string_equal(human_rate(0.01).text, "0.01/s");
    assert_string_equal(human_rate(1.5).text, "1.5/s");
    assert_string_equal(human_rate(1.05).text, "1.05/s");
    assert_string_equal(human_rate(12.34).text, "12.3/s");
    assert_string_equal(human_rate(1234.4).text, "1,234/s");
    assert_string_equal(human_rate(9999.5).text, "10k/s");
    assert_string_equal(human_rate(123456).text, "123k/s");
    assert_string_equal(human_rate(2.5e6).text, "2.5M/s");
    assert_string_equal(human_rate(1e300).text, "1,000,000,000M/s");
}

static void human__seconds(void **state)
{
    (void)state;
    assert_string_equal(human_seconds(-1).text, HUMAN_NONE);
    assert_string_equal(human_seconds(0).text, "0 ms");
    assert_string_equal(human_seconds(2e-9).text, "2 ns");
    assert_string_equal(human_seconds(0.00035).text, "350 \xC2\xB5s");
    assert_string_equal(human_seconds(0.0451).text, "45.1 ms");
    assert_string_equal(human_seconds(0.9994).text, "999 ms");
    assert_string_equal(human_seconds(0.9996).text, "1 s");
    assert_string_equal(human_seconds(59.94).text, "59.9 s");
    assert_string_equal(human_seconds(59.96).text, "1 min");
    assert_string_equal(human_seconds(125).text, "2 min 5 s");
    assert_string_equal(human_seconds(845).text, "14 min");
    assert_string_equal(human_seconds(7500).text, "2 h 5 min");
    assert_string_equal(human_seconds(90000).text, "1 d 1 h");
    assert_true(strlen(human_seconds(1e300).text) < HUMAN_TEXT_MAX);
}

static void human__shares_never_lie(void **state)
{
    (void)state;
    assert_string_equal(human_share(0, 0).text, HUMAN_NONE);
    assert_string_equal(human_share(0, 5).text, "0%");
    assert_string_equal(human_share(5, 5).text, "100%");
    assert_string_equal(human_share(1, 1000000).text, "<0.1%");
    assert_string_equal(human_share(999999, 1000000).text, ">99.9%");
    assert_string_equal(human_share(995, 1000).text, "99.5%");
    assert_string_equal(human_share(12, 1000).text, "1.2%");
    assert_string_equal(human_share(1, 3).text, "33%");
}

static void human__counts(void **state)
{
    (void)state;
    assert_string_equal(human_count(0).text, "0");
    assert_string_equal(human_count(999).text, "999");
    assert_string_equal(human_count(1000).text, "1,000");
    assert_string_equal(human_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(human_weight(1234 * WEIGHT_ONE).text, "1,234");
    assert_string_equal(human_weight(4 * WEIGHT_ONE + WEIGHT_ONE / 3).text, "4.33");
}

static void human__does_not_know_the_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL)
        skip();
    assert_string_equal(human_rate(1.05).text, "1.05/s");
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(human__rates),
        cmocka_unit_test(human__seconds),
        cmocka_unit_test(human__shares_never_lie),
        cmocka_unit_test(human__counts),
        cmocka_unit_test(human__does_not_know_the_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
