/* key_map_test.c: what was added is found, and nothing else. */
#include "topology/key_map.h"

#include "tests/lib/test.h"

static struct key key_of(uint64_t number)
{
    return (struct key){number / 3, number % 3};
}

static int fill(void *context)
{
    struct key_map map;
    int status = key_map_init(&map);

    (void)context;
    for (uint32_t i = 0; status == 0 && i < 5000; i++) {
        assert_int_equal(key_map_find(&map, key_of(i)), KEY_NONE);
        status = key_map_prepare(&map);
        if (status == 0)
            key_map_add(&map, key_of(i), i);
    }
    for (uint32_t i = 0; status == 0 && i < 5000; i++)
        assert_int_equal(key_map_find(&map, key_of(i)), i);
    if (status == 0) {
        key_map_reset(&map);
        assert_int_equal(key_map_find(&map, key_of(7)), KEY_NONE);
    }
    key_map_release(&map);
    key_map_release(&map);
    return status;
}

static void key_map__finds_what_was_added(void **state)
{
    (void)state;
    assert_int_equal(fill(NULL), 0);
}

static void key_map__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(fill, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_map__finds_what_was_added),
        cmocka_unit_test(key_map__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
