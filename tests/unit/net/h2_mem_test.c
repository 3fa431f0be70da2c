/* h2_mem_test.c: blocks of sessions, and what a pool keeps of them. */
#include "net/h2_mem.h"

#include <stdint.h>

#include "tests/lib/test.h"

static void mem__hands_out_what_is_asked_for(struct h2_pool *pool)
{
    struct h2_mem mem = {.pool = pool};

    for (size_t size = 0; size < 3000; size += 37) {
        unsigned char *block = h2_mem_alloc(size, &mem);
        unsigned char *zeroed = h2_mem_calloc(3, size, &mem);

        assert_non_null(block);
        assert_non_null(zeroed);
        assert_int_equal((uintptr_t)block % 16, 0);
        memset(block, 0xaa, size);
        for (size_t i = 0; i < 3 * size; i++)
            assert_int_equal(zeroed[i], 0);
        memset(zeroed, 0xbb, 3 * size);
        block = h2_mem_realloc(block, 2 * size + 1, &mem);
        assert_non_null(block);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 0xaa);
        memset(block, 0xcc, 2 * size + 1);
        block = h2_mem_realloc(block, 1, &mem);
        assert_non_null(block);
        assert_int_equal(block[0], 0xcc);
        if (size % 2 == 0)
            h2_mem_free(block, &mem); /* The others are dropped at the end. */
        h2_mem_free(zeroed, &mem);
    }
    h2_mem_free(NULL, &mem);
    assert_null(h2_mem_alloc(SIZE_MAX, &mem));
    assert_null(h2_mem_calloc(SIZE_MAX / 2, 3, &mem));
    h2_mem_drop(&mem);
    assert_null(mem.first);
}

static void mem__serves_without_a_pool(void **state)
{
    (void)state;
    mem__hands_out_what_is_asked_for(NULL);
}

static void mem__serves_with_a_pool(void **state)
{
    static const size_t bounds[] = {0, 200, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct h2_pool pool;

        h2_pool_init(&pool, bounds[i]);
        mem__hands_out_what_is_asked_for(&pool);
        mem__hands_out_what_is_asked_for(&pool); /* Now of what was kept. */
        assert_true(pool.kept_bytes <= bounds[i]);
        h2_pool_release(&pool);
        assert_int_equal(pool.kept_bytes, 0);
    }
}

static void pool__gives_one_session_what_another_gave_back(void **state)
{
    struct h2_pool pool;
    struct h2_mem first = {.pool = &pool};
    struct h2_mem second = {.pool = &pool};
    void *block, *again;

    (void)state;
    h2_pool_init(&pool, 1000);
    block = h2_mem_alloc(100, &first);
    h2_mem_free(block, &first);
    assert_int_equal(pool.kept_bytes, 2 * H2_POOL_STEP);
    again = h2_mem_alloc(H2_POOL_STEP, &second); /* Of another size. */
    assert_ptr_not_equal(again, block);
    assert_ptr_equal(h2_mem_alloc(H2_POOL_STEP + 1, &second), block);
    assert_int_equal(pool.kept_bytes, 0);
    h2_mem_drop(&second);
    assert_int_equal(pool.kept_bytes, 3 * H2_POOL_STEP);
    block = h2_mem_alloc(H2_POOL_SIZES * H2_POOL_STEP + 1, &first);
    assert_non_null(block);
    h2_mem_free(block, &first); /* Such are not kept. */
    assert_int_equal(pool.kept_bytes, 3 * H2_POOL_STEP);
    h2_pool_release(&pool);
    h2_pool_release(NULL);
}

static void pool__keeps_no_more_than_its_bound(void **state)
{
    enum { BLOCKS = 10, KEPT = 3 };
    struct h2_pool pool;
    struct h2_mem mem = {.pool = &pool};

    (void)state;
    h2_pool_init(&pool, KEPT * H2_POOL_STEP + H2_POOL_STEP / 2);
    for (int i = 0; i < BLOCKS; i++)
        assert_non_null(h2_mem_alloc(1, &mem));
    h2_mem_drop(&mem);
    assert_int_equal(pool.kept_bytes, KEPT * H2_POOL_STEP);
    h2_pool_release(&pool);
}

static int use_once(void *context)
{
    struct h2_mem mem = {.pool = context};
    char *block = h2_mem_alloc(10, &mem);
    char *more = block != NULL ? h2_mem_realloc(block, 3000, &mem) : NULL;

    if (block != NULL && more == NULL)
        block[9] = 'x'; /* It is as it was. */
    h2_mem_drop(&mem);
    return more != NULL ? 0 : STATUS_NOMEM;
}

static void mem__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(use_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mem__serves_without_a_pool),
        cmocka_unit_test(mem__serves_with_a_pool),
        cmocka_unit_test(pool__gives_one_session_what_another_gave_back),
        cmocka_unit_test(pool__keeps_no_more_than_its_bound),
        cmocka_unit_test(mem__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
