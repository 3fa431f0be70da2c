/* lessons_test.c: a lesson goes from nothing to one service to shared, and never back. */
#include "topology/lessons.h"

#include <pthread.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"
#include "topology/catalog_sweep.h"

static struct lessons *made(uint32_t entries_max)
{
    struct lessons *lessons = NULL;

    assert_int_equal(lessons_new(entries_max, &lessons), 0);
    return lessons;
}

static void lessons__are_one_service_or_shared(void **state)
{
    struct lessons *lessons = made(10);

    (void)state;
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    lessons_teach(lessons, 7, 3);
    lessons_teach(lessons, 7, 3);
    assert_int_equal(lessons_ask(lessons, 7), 3);
    lessons_teach(lessons, 7, 4);
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    lessons_teach(lessons, 7, 3);
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    lessons_free(lessons);
}

static void sweep(struct lessons *lessons, struct catalog *catalog)
{
    uint32_t stamp = catalog_sweep_begin(catalog);

    lessons_mark(lessons, catalog, stamp);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
}

/* Who asked before has counted the service somewhere, though another one answers there now. */
static void lessons__keep_the_service_of_a_shared_key_for_one_sweep(void **state)
{
    static const struct catalog_limits limits = {.services_max = 4,
                                                 .peers_max = 4,
                                                 .operations_max = 4,
                                                 .sites_max = 4,
                                                 .text_bytes_max = 9};
    struct lessons *lessons = made(10);
    struct node node = {NODE_SERVICE, VIEW(""), VIEW("a")};
    struct catalog *catalog;
    uint32_t a, b;

    (void)state;
    assert_int_equal(catalog_new(&limits, &catalog), 0);
    assert_int_equal(catalog_node(catalog, &node, &a), 0);
    node.name = VIEW("b");
    assert_int_equal(catalog_node(catalog, &node, &b), 0);
    lessons_teach(lessons, 7, a);
    for (unsigned i = 0; i < 3; i++)
        sweep(lessons, catalog);
    assert_int_equal(lessons_ask(lessons, 7), a);
    assert_false(catalog_node_left(catalog, a));
    assert_true(catalog_node_left(catalog, b));
    lessons_teach(lessons, 7, b);
    sweep(lessons, catalog);
    assert_false(catalog_node_left(catalog, a));
    lessons_teach(lessons, 7, a);
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    sweep(lessons, catalog); /* By now a series has it, or nobody. */
    assert_true(catalog_node_left(catalog, a));
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    catalog_free(catalog);
    lessons_free(lessons);
}

static void lessons__know_nothing_of_key_zero(void **state)
{
    struct lessons *lessons = made(10);
    struct lessons_counts counts;

    (void)state;
    lessons_teach(lessons, 0, 3);
    assert_int_equal(lessons_ask(lessons, 0), CATALOG_NONE);
    lessons_read_counts(lessons, &counts);
    assert_int_equal(counts.taught, 0);
    lessons_free(lessons);
}

/* The overflow entry stands for services that cannot be told apart. */
static void lessons__of_an_overflow_service_are_shared(void **state)
{
    struct lessons *lessons = made(10);

    (void)state;
    lessons_teach(lessons, 7, CATALOG_OVERFLOW);
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    lessons_teach(lessons, 7, 3);
    assert_int_equal(lessons_ask(lessons, 7), CATALOG_NONE);
    lessons_free(lessons);
}

static void lessons__turn_away_what_does_not_fit(void **state)
{
    struct lessons *lessons = made(5);
    struct lessons_counts counts;

    (void)state;
    for (uint32_t i = 1; i <= 8; i++)
        lessons_teach(lessons, (uint64_t)i << 32, i); /* All of one slot. */
    for (uint32_t i = 1; i <= 8; i++)
        assert_int_equal(lessons_ask(lessons, (uint64_t)i << 32), i <= 5 ? i : CATALOG_NONE);
    lessons_teach(lessons, (uint64_t)1 << 32, 9); /* What is there can still become shared. */
    assert_int_equal(lessons_ask(lessons, (uint64_t)1 << 32), CATALOG_NONE);
    lessons_read_counts(lessons, &counts);
    assert_int_equal(counts.taught, 5);
    assert_int_equal(counts.refused, 3);
    lessons_free(lessons);
}

static void lessons__tell_keys_apart(void **state)
{
    const uint64_t keys[] = {
        lesson_address_key(VIEW("a"), 0, 1),  lesson_address_key(VIEW("a"), 80, 1),
        lesson_address_key(VIEW("a"), 81, 1), lesson_address_key(VIEW("b"), 80, 1),
        lesson_address_key(VIEW("a"), 0, 2),  lesson_rpc_key(VIEW("a"), 1),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_true(keys[i] != 0);
        for (size_t j = 0; j < i; j++)
            assert_true(keys[i] != keys[j]);
    }
    assert_true(lesson_address_key(VIEW("a"), 80, 1) == keys[1]);
    assert_true(lesson_address_key(VIEW(""), 80, 1) == 0);
    assert_true(lesson_rpc_key(VIEW(""), 1) == 0);
}

/* ------------------------------------------------------------------ many threads */

enum { THREADS = 4, KEYS = 64, LESSONS_EACH = 4000 };

struct teacher {
    struct lessons *lessons;
    uint64_t seed;
    pthread_t thread;
};

/* Key k belongs to service k, but for each fourth, which two services share. */
static void *teach(void *context)
{
    struct teacher *teacher = context;
    struct random random = random_of(teacher->seed);

    for (unsigned i = 0; i < LESSONS_EACH; i++) {
        uint32_t key = 1 + (uint32_t)random_below(&random, KEYS);
        uint32_t known;
        lessons_teach(teacher->lessons, key,
                      key % 4 == 0 ? key + (uint32_t)random_below(&random, 2) : key);
        known = lessons_ask(teacher->lessons, 1 + random_below(&random, KEYS));
        assert_true(known == CATALOG_NONE || (known >= 1 && known <= KEYS + 1));
    }
    return NULL;
}

static void lessons__are_the_same_from_many_threads(void **state)
{
    struct lessons *lessons = made(KEYS);
    struct teacher teachers[THREADS];
    struct lessons_counts counts;

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        teachers[i] = (struct teacher){.lessons = lessons, .seed = i + 1};
        assert_int_equal(pthread_create(&teachers[i].thread, NULL, teach, &teachers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(teachers[i].thread, NULL), 0);
    for (uint32_t key = 1; key <= KEYS; key++)
        assert_int_equal(lessons_ask(lessons, key), key % 4 == 0 ? CATALOG_NONE : key);
    lessons_read_counts(lessons, &counts);
    assert_int_equal(counts.taught, KEYS);
    lessons_free(lessons);
}

static int new_step(void *context)
{
    struct lessons *lessons;
    int status = lessons_new(100, &lessons);

    (void)context;
    if (status == 0)
        lessons_free(lessons);
    return status;
}

static void lessons__survive_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(new_step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lessons__are_one_service_or_shared),
        cmocka_unit_test(lessons__keep_the_service_of_a_shared_key_for_one_sweep),
        cmocka_unit_test(lessons__know_nothing_of_key_zero),
        cmocka_unit_test(lessons__of_an_overflow_service_are_shared),
        cmocka_unit_test(lessons__turn_away_what_does_not_fit),
        cmocka_unit_test(lessons__tell_keys_apart),
        cmocka_unit_test(lessons__are_the_same_from_many_threads),
        cmocka_unit_test(lessons__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
