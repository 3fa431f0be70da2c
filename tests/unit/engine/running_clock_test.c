/* running_clock_test.c: what counts of the time that passes. */
#include "engine/running_clock.h"

#include "tests/lib/random.h"
#include "tests/lib/test.h"

static uint64_t ask(struct running_clock *clock, uint64_t now_ns)
{
    return running_clock_at(clock, (struct mono_time){now_ns}).ns;
}

static void clock__goes_with_a_thread_that_runs(void **state)
{
    struct running_clock clock = running_clock_from((struct mono_time){1000}, 200);

    (void)state;
    assert_int_equal(ask(&clock, 1000), 1000);
    assert_int_equal(ask(&clock, 1001), 1001);
    assert_int_equal(ask(&clock, 1201), 1201);
}

static void clock__leaves_out_what_the_thread_stood(void **state)
{
    struct running_clock clock = running_clock_from((struct mono_time){1000}, 200);

    (void)state;
    assert_int_equal(ask(&clock, 10000), 1200);
    assert_int_equal(ask(&clock, 10100), 1300);
    assert_int_equal(ask(&clock, 90000), 1500);
}

static void clock__never_goes_back_nor_ahead(void **state)
{
    struct running_clock clock = running_clock_from((struct mono_time){1}, 200);
    struct random random = random_of(3);
    uint64_t now_ns = 1;
    uint64_t last_ns = 1;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t shown_ns;
        now_ns += random_below(&random, 500);
        shown_ns = ask(&clock, now_ns);
        assert_true(shown_ns >= last_ns && shown_ns - last_ns <= 200 && shown_ns <= now_ns);
        last_ns = shown_ns;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock__goes_with_a_thread_that_runs),
        cmocka_unit_test(clock__leaves_out_what_the_thread_stood),
        cmocka_unit_test(clock__never_goes_back_nor_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
