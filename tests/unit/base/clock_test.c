/* clock_test.c: time goes on. */
#include "base/clock.h"

#include "tests/lib/test.h"

static void clock__goes_on(void **state)
{
    struct mono_time before = clock_mono();

    (void)state;
    assert_true(clock_mono().ns >= before.ns);
    assert_true(clock_wall().ns > UINT64_C(1600000000) * NS_PER_S);
}

/* Over all of a short time, and of a long one. */
static void clock__spreads_who_comes_together(void **state)
{
    static const uint64_t spans[] = {NS_PER_S, 10 * 3600 * NS_PER_S};
    enum { COUNT = 64, APART = 512 };
    struct mono_time now = {1000 * NS_PER_S};

    (void)state;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        unsigned halves[2] = {0, 0};

        for (size_t j = 0; j < COUNT; j++) {
            const void *who = (const void *)(uintptr_t)(0x7f5500001000 + j * APART);
            uint64_t jitter_ns = clock_jitter_ns(now, who, spans[i]);

            assert_true(jitter_ns < spans[i]);
            halves[jitter_ns / (spans[i] / 2)]++;
        }
        assert_in_range(halves[0], 12, 52);
    }
    assert_int_equal(clock_jitter_ns(now, &now, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock__goes_on),
        cmocka_unit_test(clock__spreads_who_comes_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
