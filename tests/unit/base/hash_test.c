/* hash_test.c: equal where it must be, different where it should. */
#include "base/hash.h"

#include "tests/lib/test.h"

static void hash__depends_on_bytes_and_seed(void **state)
{
    (void)state;
    assert_true(hash64("abc", 3, 1) == hash64("abcd", 3, 1));
    assert_true(hash64("abc", 3, 1) != hash64("abc", 3, 2));
    assert_true(hash64("abc", 3, 1) != hash64("abd", 3, 1));
    assert_true(hash128("abc", 3, 1).low == hash128("abc", 3, 1).low);
    assert_true(hash128("abc", 3, 1).high != hash128("abc", 3, 9).high);
    assert_true(hash_seed() != hash_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__depends_on_bytes_and_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
