/* sampling_test.c: weights out of tracestates. */
#include "topology/sampling.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sampling__reads_adjusted_counts),
        cmocka_unit_test(sampling__takes_what_says_nothing_for_one),
        cmocka_unit_test(sampling__cuts_counts_above_the_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
