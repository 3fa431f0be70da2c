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

/* Its memory is larger than its bound where it comes in pieces. */
static void buf__keeps_its_bound_in_larger_memory(void **state)
{
    struct buf_spares spares;
    struct buf buf;

    (void)state;
    buf_spares_init(&spares, 1 << 20);
    buf_init(&buf, SPARE_BYTES + 100);
    buf_use_spares(&buf, &spares);
    for (size_t i = 0; i < SPARE_BYTES + 98; i++)
        assert_int_equal(buf_append_byte(&buf, 'a'), 0);
    assert_true(buf.capacity > buf.size_max);
    assert_int_equal(buf_append_text(&buf, "bcd"), STATUS_TOO_LARGE);
    assert_int_equal(buf_printf(&buf, "%s", "bc"), STATUS_TOO_LARGE);
    assert_int_equal(buf_printf(&buf, "%s", "b"), 0);
    assert_int_equal(buf_append_byte(&buf, 'c'), 0);
    assert_int_equal(buf_append_byte(&buf, 'd'), STATUS_TOO_LARGE);
    assert_int_equal(buf_append_text(&buf, ""), 0);
    assert_int_equal(buf.size, SPARE_BYTES + 100);
    assert_memory_equal(buf.data + SPARE_BYTES + 96, "aabc", 4);
    buf_release(&buf);
    buf_spares_release(&spares);
}

static void buf__formats_alike_with_and_without_room(void **state)
{
    (void)state;
    for (size_t room = 0; room < 20; room++) {
        struct buf buf;
        buf_init(&buf, 0);
        assert_int_equal(buf_reserve(&buf, 64), 0);
        buf.size = buf.capacity - room;
        assert_int_equal(buf_printf(&buf, "%s|%05d", "seven", 42), 0);
        assert_memory_equal(buf.data + buf.size - 11, "seven|00042", 11);
        buf_release(&buf);
        buf_init(&buf, room); /* The zero behind it needs room, too. */
        assert_int_equal(buf_printf(&buf, "%s|%05d", "seven", 42),
                         room == 0 || room >= 12 ? 0 : STATUS_TOO_LARGE);
        assert_int_equal(buf.size, room == 0 || room >= 12 ? 11 : 0);
        buf_release(&buf);
    }
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

static void buf__uses_spares_again(void **state)
{
    struct buf_spares spares;
    struct buf first, second;
    const char *memory;

    (void)state;
    buf_spares_init(&spares, 3 * SPARE_BYTES);
    buf_init(&first, SPARE_BYTES + 1);
    buf_init(&second, 0);
    buf_use_spares(&first, &spares);
    buf_use_spares(&second, &spares);
    assert_int_equal(buf_reserve(&first, SPARE_BYTES + 1), 0);
    assert_int_equal(first.capacity, 2 * SPARE_BYTES); /* Rounded up, past its bound. */
    assert_int_equal(buf_reserve(&first, SPARE_BYTES + 2), STATUS_TOO_LARGE);
    memory = first.data;
    buf_release(&first);
    assert_int_equal(spares.kept_bytes, 2 * SPARE_BYTES);
    assert_int_equal(buf_append_text(&second, "what is kept moves along"), 0);
    assert_int_equal(buf_reserve(&second, SPARE_BYTES), 0);
    assert_ptr_equal(second.data, memory);
    assert_view_equal(buf_view(&second), "what is kept moves along");
    assert_int_equal(spares.kept_bytes, 0);
    assert_int_equal(buf_reserve(&second, 3 * SPARE_BYTES), 0);
    assert_int_equal(second.capacity, 4 * SPARE_BYTES);
    buf_release(&second); /* More than may be kept. */
    assert_true(spares.kept_bytes <= 3 * SPARE_BYTES);
    assert_ptr_equal(second.spares, &spares);
    buf_spares_release(&spares);
    assert_int_equal(spares.kept_bytes, 0);
}

static void buf__keeps_many_spares(void **state)
{
    struct buf_spares spares;
    struct buf bufs[4];

    (void)state;
    buf_spares_init(&spares, 3 * SPARE_BYTES);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) {
            buf_init(&bufs[i], 0);
            buf_use_spares(&bufs[i], &spares);
            assert_int_equal(buf_reserve(&bufs[i], SPARE_BYTES), 0);
            memset(bufs[i].data, (int)i, SPARE_BYTES);
        }
        assert_int_equal(spares.kept_bytes, 0);
        for (size_t i = 0; i < 4; i++)
            buf_release(&bufs[i]);
        assert_int_equal(spares.kept_bytes, 3 * SPARE_BYTES);
    }
    buf_spares_release(&spares);
}

/* A quarter more at most. */
static void buf__takes_a_spare_that_is_somewhat_larger(void **state)
{
    struct buf_spares spares;
    struct buf large, buf;

    (void)state;
    buf_spares_init(&spares, 64 * SPARE_BYTES);
    buf_init(&large, 0);
    buf_use_spares(&large, &spares);
    assert_int_equal(buf_reserve(&large, 10 * SPARE_BYTES), 0);
    buf_init(&buf, 7 * SPARE_BYTES);
    buf_use_spares(&buf, &spares);
    buf_release(&large);
    assert_int_equal(spares.kept_bytes, 16 * SPARE_BYTES); /* It had doubled. */
    buf_spares_release(&spares);
    buf_init(&large, 10 * SPARE_BYTES);
    buf_use_spares(&large, &spares);
    assert_int_equal(buf_reserve(&large, 10 * SPARE_BYTES), 0);
    buf_release(&large);
    assert_int_equal(spares.kept_bytes, 10 * SPARE_BYTES);
    assert_int_equal(buf_reserve(&buf, 7 * SPARE_BYTES), 0);
    assert_int_equal(buf.capacity, 7 * SPARE_BYTES);
    assert_int_equal(spares.kept_bytes, 10 * SPARE_BYTES);
    buf_release(&buf);
    buf.size_max = 8 * SPARE_BYTES;
    assert_int_equal(buf_reserve(&buf, 8 * SPARE_BYTES), 0);
    assert_int_equal(buf.capacity, 10 * SPARE_BYTES);
    assert_int_equal(spares.kept_bytes, 7 * SPARE_BYTES);
    assert_int_equal(buf_reserve(&buf, 8 * SPARE_BYTES + 1), STATUS_TOO_LARGE);
    buf_release(&buf);
    assert_int_equal(spares.kept_bytes, 17 * SPARE_BYTES);
    buf_spares_release(&spares);
    assert_int_equal(spares.kept_bytes, 0);
}

static void buf__keeps_the_larger_spares(void **state)
{
    struct buf_spares spares;
    struct buf bufs[5];
    struct buf large;

    (void)state;
    buf_spares_init(&spares, 5 * SPARE_BYTES);
    for (size_t i = 0; i < 5; i++) {
        buf_init(&bufs[i], SPARE_BYTES);
        buf_use_spares(&bufs[i], &spares);
        assert_int_equal(buf_reserve(&bufs[i], SPARE_BYTES), 0);
    }
    buf_init(&large, 3 * SPARE_BYTES);
    buf_use_spares(&large, &spares);
    assert_false(buf_take_spare(&large, 3 * SPARE_BYTES));
    assert_int_equal(buf_reserve(&large, 3 * SPARE_BYTES), 0);
    for (size_t i = 0; i < 5; i++)
        buf_release(&bufs[i]);
    buf_release(&large);
    assert_int_equal(spares.kept_bytes, 5 * SPARE_BYTES); /* Two of the smaller ones. */
    assert_true(buf_take_spare(&large, 3 * SPARE_BYTES - 1));
    assert_int_equal(large.capacity, 3 * SPARE_BYTES);
    assert_int_equal(spares.kept_bytes, 2 * SPARE_BYTES);
    assert_int_equal(buf_append_text(&large, "it is there"), 0);
    buf_release(&large);
    large.size_max = 6 * SPARE_BYTES;
    assert_int_equal(buf_reserve(&large, 6 * SPARE_BYTES), 0);
    buf_release(&large); /* More than all: nothing goes for it. */
    assert_int_equal(spares.kept_bytes, 5 * SPARE_BYTES);
    buf_spares_release(&spares);
}

static void buf__gives_back_what_is_not_used(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    buf_trim(&buf);
    assert_int_equal(buf.capacity, 0);
    assert_int_equal(buf_reserve(&buf, 100000), 0);
    buf_trim(&buf); /* It has nothing: that is what buf_release() is for. */
    assert_int_equal(buf_append_text(&buf, "all of this stays"), 0);
    mem_fail_after(0);
    buf_trim(&buf);
    mem_fail_after(-1);
    assert_true(buf.capacity >= 100000);
    for (int i = 0; i < 2; i++) {
        buf_trim(&buf);
        assert_int_equal(buf.capacity, 17);
    }
    assert_int_equal(buf_append_text(&buf, ", and more comes"), 0);
    assert_memory_equal(buf.data, "all of this stays, and more comes", 33);
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__uses_spares_again),
        cmocka_unit_test(buf__keeps_many_spares),
        cmocka_unit_test(buf__takes_a_spare_that_is_somewhat_larger),
        cmocka_unit_test(buf__keeps_the_larger_spares),
        cmocka_unit_test(buf__keeps_what_is_appended),
        cmocka_unit_test(buf__takes_nothing_past_its_bound),
        cmocka_unit_test(buf__keeps_its_bound_in_larger_memory),
        cmocka_unit_test(buf__formats_alike_with_and_without_room),
        cmocka_unit_test(buf__remembers_its_first_failure),
        cmocka_unit_test(buf__consumes_from_the_front),
        cmocka_unit_test(buf__gives_back_what_is_not_used),
        cmocka_unit_test(buf__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
