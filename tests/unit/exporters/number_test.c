/* number_test.c: every number reads back as itself, and none is longer than it must be. */
#include "exporters/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"
#include "topology/span.h"

static void check_double(double number, const char *expected)
{
    char text[NUMBER_TEXT_MAX];

    assert_view_equal((struct view){text, number_write_double(text, number)}, expected);
}

static void number__is_short(void **state)
{
    (void)state;
    check_double(0, "0");
    check_double(1, "1");
    check_double(-1.5, "-1.5");
    check_double(0.1, "0.1");
    check_double(0.002, "0.002");
    check_double(1.4, "1.4");
    check_double(15, "15");
    check_double(1e-9, "0.000000001");
    check_double(123456.000000001, "123456.000000001");
    check_double(999999999999999, "999999999999999");
    check_double(1e300, "1e+300");
    check_double(5e-324, "5e-324"); /* The smallest of all: not 4.94065645841247e-324. */
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(1.0 / 3, "0.3333333333333333");
}

static void check_reads_back(double number)
{
    char text[NUMBER_TEXT_MAX + 1];
    size_t size = number_write_double(text, number);

    assert_true(size <= NUMBER_TEXT_MAX);
    text[size] = '\0';
    assert_true(strtod(text, NULL) == number);
}

static void number__reads_back_as_itself(void **state)
{
    struct random random = random_of(3);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_next(&random);
        double number;
        memcpy(&number, &bits, sizeof(number));
        if (isfinite(number))
            check_reads_back(number);
        check_reads_back((double)(bits >> 20) / 1e9);
        check_reads_back(exp2((double)(bits % 8000) / 100 - 40));
    }
}

/* No decimal with one digit less may name the same double. */
static void number__has_no_shorter_form(void **state)
{
    struct random random = random_of(4);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        double number = (double)(random_next(&random) >> 11) / exp2((double)(i % 60));
        char text[NUMBER_TEXT_MAX + 1];
        char shorter[64];
        int digits = 0;
        bool leading = true;
        size_t size = number_write_double(text, number);
        text[size] = '\0';
        for (size_t j = 0; j < size && text[j] != 'e'; j++) {
            leading = leading && (text[j] == '0' || text[j] == '.');
            digits += !leading && text[j] != '.';
        }
        if (strpbrk(text, ".e") == NULL || digits < 2)
            continue; /* Zeros at the end of an integer are no digits to save. */
        (void)snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, number);
        assert_true(strtod(shorter, NULL) != number);
    }
}

static void number__writes_weights_and_sums(void **state)
{
    char text[NUMBER_TEXT_MAX];

    (void)state;
    assert_view_equal((struct view){text, number_write_weight(text, 12 * WEIGHT_ONE)}, "12");
    assert_view_equal((struct view){text, number_write_weight(text, 3 * WEIGHT_ONE / 2)}, "1.5");
    assert_view_equal((struct view){text, number_write_weight(text, 0)}, "0");
    assert_view_equal(
        (struct view){text, number_write_weight(text, UINT64_MAX / WEIGHT_ONE * WEIGHT_ONE)},
        "17592186044415");
    assert_view_equal(
        (struct view){text, number_write_sum(text, (histogram_sum)1500000000 * WEIGHT_ONE)}, "1.5");
    assert_view_equal((struct view){text, number_write_sum(text, WEIGHT_ONE)}, "0.000000001");
    assert_view_equal(
        (struct view){text, number_write_sum(text, (histogram_sum)UINT64_MAX * WEIGHT_ONE)},
        "18446744073.709551615");
    assert_view_equal((struct view){text, number_write_sum(text, WEIGHT_ONE / 2)}, "5e-10");
    assert_true(number_write_sum(text, ~(histogram_sum)0) <= NUMBER_TEXT_MAX);
}

/* A host program may have set a locale whose point is a comma. */
static void number__does_not_know_the_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (setlocale(LC_NUMERIC, names[i]) == NULL)
            continue; /* Not installed here. */
        check_double(1.0 / 3, "0.3333333333333333");
        check_double(1e300, "1e+300");
    }
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number__is_short),
        cmocka_unit_test(number__reads_back_as_itself),
        cmocka_unit_test(number__has_no_shorter_form),
        cmocka_unit_test(number__writes_weights_and_sums),
        cmocka_unit_test(number__does_not_know_the_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
