/* sampling_test.c: weights out of tracestates. */
#include "topology/sampling.h"

#include <math.h>

#include "tests/lib/test.h"
#include "topology/span.h"

enum { COUNT_MAX = 65536 };

static void sampling__reads_adjusted_counts(void **state)
{
    static const struct {
        const char *tracestate;
        uint64_t weight;
    } cases[] = {
        {"ot=th:0", WEIGHT_ONE},
        {"ot=th:8", 2 * WEIGHT_ONE},
        {"ot=th:4", (WEIGHT_ONE * 4 + 1) / 3},
        {"ot=th:c", 4 * WEIGHT_ONE},
        {"ot=th:c00", 4 * WEIGHT_ONE},
        {"ot=th:e", 8 * WEIGHT_ONE},
        {"ot=th:fd70a3d70a3d71", 100 * WEIGHT_ONE},
        {"ot=rv:01234567890abc;th:8", 2 * WEIGHT_ONE},
        {"ot=th:8;rv:01234567890abc", 2 * WEIGHT_ONE},
        {"a=b,ot=th:8", 2 * WEIGHT_ONE},
        {"a=b , ot=th:8\t,c=d", 2 * WEIGHT_ONE},
        {"ot=p:0", WEIGHT_ONE},
        {"ot=p:3", 8 * WEIGHT_ONE},
        {"ot=p:03", 8 * WEIGHT_ONE},
        {"ot=r:5;p:16", WEIGHT_MAX},
        {"ot=p:63", 0},
        {"ot=p:3;th:8", 2 * WEIGHT_ONE}, /* The current field goes before the old one. */
        {"ot=th:x;p:3", 8 * WEIGHT_ONE},
        {"ot=th:fffffffffffff0,ot=th:0", WEIGHT_MAX}, /* Cut; and the first member counts. */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sampling sampling = sampling_parse(view_of(cases[i].tracestate), COUNT_MAX);
        if (sampling.weight != cases[i].weight || sampling.unknown)
            fail_msg("%s: %llu", cases[i].tracestate, (unsigned long long)sampling.weight);
    }
}

static void sampling__takes_what_says_nothing_for_one(void **state)
{
    static const char *const states[] = {
        "",         ",",         "ot",       "ot=",      "ot=th",
        "ot=th:",   "ot=th:g",   "ot=th:A",  "ot=th:-1", "ot=p:",
        "ot=p:64",  "ot=p:x",    "ot=p:100", "ot=r:5",   "xot=th:8",
        "o=t;th:8", "ot = th:8", "ot=xth:8", "ot=p:-1",  "ot=th:123456789abcdef", /* 15 digits. */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct sampling sampling = sampling_parse(view_of(states[i]), COUNT_MAX);
        if (sampling.weight != WEIGHT_ONE || !sampling.unknown || sampling.cut)
            fail_msg("%s: %llu", states[i], (unsigned long long)sampling.weight);
    }
    assert_true(sampling_parse((struct view){NULL, 0}, 1).unknown);
}

static void sampling__cuts_counts_above_the_maximum(void **state)
{
    struct sampling sampling = sampling_parse(VIEW("ot=th:ffffffffffffff"), COUNT_MAX);

    (void)state;
    assert_int_equal(sampling.weight, WEIGHT_MAX);
    assert_true(sampling.cut);
    sampling = sampling_parse(VIEW("ot=th:ffff"), COUNT_MAX); /* Just 65,536. */
    assert_int_equal(sampling.weight, WEIGHT_MAX);
    assert_false(sampling.cut);
    sampling = sampling_parse(VIEW("ot=p:62"), COUNT_MAX);
    assert_int_equal(sampling.weight, WEIGHT_MAX);
    assert_true(sampling.cut);
    sampling = sampling_parse(VIEW("ot=th:c"), 3);
    assert_int_equal(sampling.weight, 3 * WEIGHT_ONE);
    assert_true(sampling.cut);
    sampling = sampling_parse(VIEW("ot=th:c"), 4);
    assert_false(sampling.cut);
}

static void sampling__takes_weights_of_numbers(void **state)
{
    static const struct {
        double number;
        uint64_t ratio, rate; /* 0: it is none. */
    } cases[] = {
        {1, WEIGHT_ONE, WEIGHT_ONE},
        {0.5, 2 * WEIGHT_ONE, 0},
        {0.1, 10 * WEIGHT_ONE, 0},
        {0.75, (WEIGHT_ONE * 4 + 1) / 3, 0},
        {0.3, (WEIGHT_ONE * 10 + 1) / 3, 0},
        {2.5, 0, 5 * WEIGHT_ONE / 2},
        {100, 0, 100 * WEIGHT_ONE},
        {0, 0, 0},
        {-1, 0, 0},
        {1.0 / 65536, WEIGHT_MAX, 0},
        {65536, 0, WEIGHT_MAX},
        {1e-300, 2 * WEIGHT_MAX, 0},
        {5e-324, 2 * WEIGHT_MAX, 0},
        {1e300, 0, 2 * WEIGHT_MAX},
        {INFINITY, 0, 2 * WEIGHT_MAX},
        {-INFINITY, 0, 0},
        {NAN, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sampling_ratio_weight(cases[i].number), cases[i].ratio);
        assert_int_equal(sampling_rate_weight(cases[i].number), cases[i].rate);
    }
}

/* tracestate, then sampling.ratio, then SampleRate. */
static void sampling__asks_attributes_last(void **state)
{
    struct attributes span = {.present = 0};
    struct sampling sampling;

    (void)state;
    assert_true(sampling_of(VIEW(""), &span, COUNT_MAX).unknown);
    attributes_offer_number(&span, VIEW("SampleRate"), 7);
    sampling = sampling_of(VIEW("ot=th:x"), &span, COUNT_MAX);
    assert_int_equal(sampling.weight, 7 * WEIGHT_ONE);
    assert_false(sampling.unknown);
    attributes_offer_real(&span, VIEW("sampling.ratio"), 0.25);
    assert_int_equal(sampling_of(VIEW("a=b"), &span, COUNT_MAX).weight, 4 * WEIGHT_ONE);
    assert_int_equal(sampling_of(VIEW("ot=th:8"), &span, COUNT_MAX).weight, 2 * WEIGHT_ONE);
    assert_int_equal(sampling_of(VIEW("ot=p:63"), &span, COUNT_MAX).weight, 0);
    assert_false(sampling_of(VIEW(""), &span, 4).cut);
    sampling = sampling_of(VIEW(""), &span, 3);
    assert_int_equal(sampling.weight, 3 * WEIGHT_ONE);
    assert_true(sampling.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sampling__reads_adjusted_counts),
        cmocka_unit_test(sampling__takes_what_says_nothing_for_one),
        cmocka_unit_test(sampling__cuts_counts_above_the_maximum),
        cmocka_unit_test(sampling__takes_weights_of_numbers),
        cmocka_unit_test(sampling__asks_attributes_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
