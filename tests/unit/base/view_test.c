/* view_test.c: bytes, zeros among them. */
#include "base/view.h"

#include "tests/lib/test.h"

static void view__compares_bytes(void **state)
{
    (void)state;
    assert_true(view_compare(VIEW("a"), VIEW("ab")) < 0);
    assert_true(view_compare(VIEW("b"), VIEW("ab")) > 0);
    assert_true(view_compare(VIEW("\xff"), VIEW("a")) > 0);
    assert_int_equal(view_compare(view_of(NULL), VIEW("")), 0);
    assert_true(view_equal(VIEW("a\0b"), (struct view){"a\0b", 3}));
    assert_false(view_equal(VIEW("a\0b"), VIEW("a\0c")));
    assert_true(view_starts(VIEW("abc"), VIEW("ab")));
    assert_true(view_starts(VIEW("abc"), VIEW("")));
    assert_false(view_starts(VIEW("a"), VIEW("ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view__compares_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
