/* counters_test.c: sums, and a gauge that falls. */
#include "base/counters.h"

#include "tests/lib/test.h"

static void counters__add_up(void **state)
{
    static const struct counter_row rows[] = {{"a_total", NULL, "A.", false},
                                              {"b", NULL, "B.", true}};
    struct counters counters;

    (void)state;
    assert_int_equal(counters_init(&counters, rows, 2), 0);
    counters_add(&counters, 0, 3);
    counters_add(&counters, 0, 4);
    counters_set(&counters, 1, 10);
    counters_subtract(&counters, 1, 4);
    assert_int_equal(counters_read(&counters, 0), 7);
    assert_int_equal(counters_read(&counters, 1), 6);
    /* As if what is taken away had been seen, and what was added before had not. */
    counters_subtract(&counters, 1, 9);
    assert_int_equal(counters_read(&counters, 1), 0);
    counters_add(&counters, 1, 5);
    assert_int_equal(counters_read(&counters, 1), 2);
    counters_add(&counters, 0, UINT64_MAX - 7); /* A sum may use all its bits. */
    assert_true(counters_read(&counters, 0) == UINT64_MAX);
    counters_release(&counters);
    counters_release(NULL);
    mem_fail_after(0);
    assert_int_equal(counters_init(&counters, rows, 2), STATUS_NOMEM);
    mem_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters__add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
