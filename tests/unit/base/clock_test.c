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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock__goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
