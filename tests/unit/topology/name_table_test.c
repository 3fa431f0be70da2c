/* name_table_test.c: finding, against a plain list, while entries come and go. */
#include "topology/name_table.h"

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { KEYS = 700, STEPS = 20000 };

static bool same(const void *entry, const void *key)
{
    return *(const uint32_t *)entry == *(const uint32_t *)key;
}

/* Few hashes, so that searches are long and wrap around. */
static uint32_t hash_of(uint32_t key)
{
    return key * 37 % 97 + 1000;
}

static void name_table__finds_what_is_there_and_nothing_else(void **state)
{
    struct random random = random_of(1);
    struct name_table table;
    uint32_t numbers[KEYS];
    bool is_there[KEYS] = {false};
    uint32_t used = 0, left = 0;

    (void)state;
    assert_int_equal(name_table_init(&table, sizeof(uint32_t), 2 * KEYS), 0);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t key = (uint32_t)random_below(&random, KEYS);
        uint32_t number = 0;
        void *found = name_table_find(&table, hash_of(key), same, &key, &number);
        assert_int_equal(found != NULL, is_there[key]);
        if (is_there[key]) {
            assert_int_equal(number, numbers[key]);
            name_table_take_out(&table, hash_of(key), number);
            assert_int_equal(*(uint32_t *)name_table_at(&table, number), key);
            left++;
            used--;
        } else if (name_table_live(&table) < 2 * KEYS) {
            assert_int_equal(name_table_prepare(&table), 0);
            *(uint32_t *)name_table_add(&table, hash_of(key), 7, &numbers[key]) = key;
            assert_int_equal(*name_table_stamp(&table, numbers[key]), 7);
            assert_int_equal(*name_table_link(&table, numbers[key]), 0);
            used++;
        }
        is_there[key] = name_table_find(&table, hash_of(key), same, &key, &number) != NULL;
        assert_int_equal(table.used, used);
        assert_int_equal(table.left, left);
        if (random_below(&random, 50) == 0) {
            name_table_give_back(&table, NULL);
            left = 0;
        }
        assert_true(table.count <= 2 * KEYS);
    }
    name_table_release(&table);
}

static void name_table__begins_anew_when_cleared(void **state)
{
    struct name_table table;
    uint32_t key = 5, number;

    (void)state;
    assert_int_equal(name_table_init(&table, sizeof(uint32_t), 10), 0);
    assert_int_equal(name_table_prepare(&table), 0);
    *(uint32_t *)name_table_add(&table, 1, 1, &number) = key;
    name_table_clear(&table);
    assert_null(name_table_find(&table, 1, same, &key, &number));
    assert_int_equal(name_table_prepare(&table), 0);
    *(uint32_t *)name_table_add(&table, 1, 1, &number) = key;
    assert_int_equal(number, 0);
    name_table_release(&table);
}

struct line {
    uint32_t key;
    uint32_t rest[13];
};

static int fill_row(void *context)
{
    const uint32_t count = 3 * NAME_TABLE_CHUNK - 5;
    struct name_table table;
    int status = name_table_init(&table, sizeof(struct line), count);

    (void)context;
    if (status == 0)
        status = name_table_make_row(&table);
    for (uint32_t i = 0, number; status == 0 && i < count; i++) {
        status = name_table_prepare(&table);
        if (status == 0) {
            *(struct line *)name_table_add(&table, hash_of(i), i + 1, &number) = (struct line){i,
                                                                                               {0}};
            assert_int_equal(number, i);
        }
    }
    for (uint32_t i = 0; i < table.count; i++) {
        assert_ptr_equal(name_table_at(&table, i), table.row + i * 64);
        assert_int_equal(((struct line *)name_table_at(&table, i))->key, i);
        assert_int_equal(*name_table_stamp(&table, i), i + 1);
        assert_int_equal(*name_table_link(&table, i), 0);
    }
    name_table_release(&table);
    return status;
}

static void name_table__keeps_its_entries_in_a_row(void **state)
{
    (void)state;
    assert_int_equal(fill_row(NULL), 0);
    test_sweep_memory(fill_row, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_table__finds_what_is_there_and_nothing_else),
        cmocka_unit_test(name_table__begins_anew_when_cleared),
        cmocka_unit_test(name_table__keeps_its_entries_in_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
