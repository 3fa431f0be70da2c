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

enum { PLACES = 4096, CHOSEN = 1000 };

static uint32_t places_of(uint64_t seed, const struct key keys[CHOSEN])
{
    struct key_map map = {.seed = seed};
    bool is_taken[PLACES] = {false};
    uint32_t places = 0;

    for (size_t i = 0; i < CHOSEN; i++) {
        bool *taken = &is_taken[key_hash(&map, keys[i]) % PLACES];
        places += !*taken;
        *taken = true;
    }
    return places;
}

/* Pairs of nodes that lie together by one seed. */
static void key_map__is_not_filled_by_chosen_keys(void **state)
{
    struct key_map known = {.seed = 1};
    struct key keys[CHOSEN];
    size_t count = 0;

    (void)state;
    for (uint64_t i = 0; count < CHOSEN; i++) {
        struct key key = {(i / 3000) << 32 | i % 3000, 0};
        if (key_hash(&known, key) % PLACES == 7)
            keys[count++] = key;
    }
    assert_int_equal(places_of(1, keys), 1);
    for (uint64_t seed = 2; seed < 50; seed++)
        assert_true(places_of(seed * UINT64_C(0x9E3779B97F4A7C15), keys) > CHOSEN / 2);
}

/* Keys that differ in bits from one on alone, as those of a node's values do. */
static void key_map__tells_keys_by_any_of_their_bits(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift <= 48; shift++) {
        struct key low[CHOSEN], high[CHOSEN];
        for (uint64_t i = 0; i < CHOSEN; i++) {
            low[i] = (struct key){5, i << shift};
            high[i] = (struct key){i << shift, 5};
        }
        assert_true(places_of(shift, low) > CHOSEN / 8);
        assert_true(places_of(shift, high) > CHOSEN / 8);
    }
}

static void key_map__has_a_seed_of_its_own(void **state)
{
    struct key_map one, other;

    (void)state;
    assert_int_equal(key_map_init(&one), 0);
    assert_int_equal(key_map_init(&other), 0);
    assert_true(one.seed != other.seed);
    key_map_release(&one);
    key_map_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_map__finds_what_was_added),
        cmocka_unit_test(key_map__survives_failing_memory),
        cmocka_unit_test(key_map__is_not_filled_by_chosen_keys),
        cmocka_unit_test(key_map__tells_keys_by_any_of_their_bits),
        cmocka_unit_test(key_map__has_a_seed_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
