/* buf_test.c: growth, bounds and what stays after a failure. */
#include "base/buf.h"

#include "base/mem.h"
#include "tests/lib/test.h"

static void buf__keeps_what_is_appended(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    assert_int_equal(buf_append_text(&buf, "one "), 0);
    assert_int_equal(buf_append_u64(&buf, 0), 0);
    assert_int_equal(buf_append_byte(&buf, ' '), 0);
    assert_int_equal(buf_append_u64(&buf, UINT64_MAX), 0);
    assert_int_equal(buf_append_view(&buf, VIEW(" two")), 0);
    assert_int_equal(buf_printf(&buf, " %d-%s", -3, "x"), 0);
    assert_view_equal(buf_view(&buf), "one 0 18446744073709551615 two -3-x");
    buf_release(&buf);
}

static void buf__takes_nothing_past_its_bound(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    assert_int_equal(buf_append_text(&buf, "abc"), 0);
    assert_in_range(buf.capacity, 3, 5);
    assert_int_equal(buf_append_text(&buf, "def"), STATUS_TOO_LARGE);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), STATUS_TOO_LARGE);
    assert_view_equal(buf_view(&buf), "abc");
    assert_int_equal(buf.failed, STATUS_TOO_LARGE);
    assert_int_equal(buf_append_text(&buf, "de"), 0);
    assert_view_equal(buf_view(&buf), "abcde");
    assert_int_equal(buf.failed, STATUS_TOO_LARGE);
    buf_reset(&buf);
    assert_int_equal(buf.failed, 0);
    assert_int_equal(buf.size, 0);
    assert_int_equal(buf.size_max, 5);
    buf_release(&buf);
}

static void buf__remembers_its_first_failure(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    mem_fail_after(0);
    assert_int_equal(buf_append_byte(&buf, 'a'), STATUS_NOMEM);
    mem_fail_after(-1);
    assert_int_equal(buf_append_text(&buf, "abcdef"), STATUS_TOO_LARGE);
    assert_int_equal(buf_append_text(&buf, "abc"), 0);
    assert_int_equal(buf.failed, STATUS_NOMEM);
    buf_release(&buf);
}

static void buf__consumes_from_the_front(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    assert_int_equal(buf_append_text(&buf, "abcdef"), 0);
    buf_consume(&buf, 2);
    assert_view_equal(buf_view(&buf), "cdef");
    buf_consume(&buf, 4);
    assert_int_equal(buf.size, 0);
    buf_release(&buf);
    buf_release(NULL);
}

static int append_much(void *context)
{
    struct buf buf;
    int status = 0;

    (void)context;
    buf_init(&buf, 0);
    for (size_t i = 0; status == 0 && i < 100; i++)
        status = buf_printf(&buf, "%zu,", i);
    if (status != 0)
        assert_int_equal(buf.failed, status);
    buf_release(&buf);
    return status;
}

static void buf__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(append_much, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__keeps_what_is_appended),
        cmocka_unit_test(buf__takes_nothing_past_its_bound),
        cmocka_unit_test(buf__remembers_its_first_failure),
        cmocka_unit_test(buf__consumes_from_the_front),
        cmocka_unit_test(buf__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
