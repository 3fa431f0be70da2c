/* mem_test.c: the allocator's edges and its switch. */
#include "base/mem.h"

#include "tests/lib/test.h"

static void mem__gives_memory_for_nothing(void **state)
{
    void *memory = mem_alloc(0);

    (void)state;
    assert_non_null(memory);
    mem_free(memory);
    memory = mem_calloc(0, 8);
    assert_non_null(memory);
    mem_free(memory);
    mem_free(NULL);
}

static void mem__refuses_products_that_overflow(void **state)
{
    (void)state;
    assert_null(mem_calloc(SIZE_MAX / 2, 3));
    assert_null(mem_calloc(SIZE_MAX / 2 + 1, 2)); /* Which would be 0. */
    assert_null(mem_dup_text("x", SIZE_MAX));
}

static void mem__copies_and_terminates(void **state)
{
    char *text = mem_dup_text("abc", 2);
    int *number = mem_dup(&(int){7}, sizeof(int));

    (void)state;
    assert_string_equal(text, "ab");
    assert_int_equal(*number, 7);
    mem_free(text);
    mem_free(number);
}

static void mem__aligns(void **state)
{
    void *memory = mem_aligned(64, 100);

    (void)state;
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % 64, 0);
    mem_free(memory);
}

/* A wish that the system may leave out: the memory is as good either way. */
static void mem__takes_advice_on_large_pages(void **state)
{
    size_t size = 2 << 20;
    char *memory = mem_aligned(size, size);

    (void)state;
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % size, 0);
    mem_advise_large_pages(memory, size);
    memset(memory, 7, size);
    assert_int_equal(memory[size - 1], 7);
    mem_free(memory);
}

/* Pages of a reserve become memory one after the other; what is between is left alone. */
static void mem__reserves_addresses_and_gives_memory_by_pages(void **state)
{
    size_t page = 64 << 10, size = (size_t)1 << 30;
    char *reserve = mem_reserve(size);

    (void)state;
    assert_non_null(reserve);
    assert_int_equal(mem_commit(reserve + 3 * page, page), 0);
    assert_int_equal(mem_commit(reserve + size - page, page), 0);
    for (size_t i = 0; i < page; i++)
        assert_int_equal(reserve[3 * page + i] | reserve[size - 1 - i], 0);
    memset(reserve + 3 * page, 7, page);
    reserve[size - 1] = 8;
    assert_int_equal(mem_commit(reserve + 4 * page, page), 0);
    assert_int_equal(reserve[4 * page - 1], 7);
    assert_int_equal(reserve[4 * page], 0);
    mem_unreserve(reserve, size);
    mem_unreserve(NULL, 1);
    assert_null(mem_reserve(SIZE_MAX / 2));
}

static void mem__begins_tables_where_lines_and_pages_do(void **state)
{
    const struct {
        size_t size, alignment;
    } tables[] = {{0, 64}, {100, 64}, {(2 << 20) - 1, 64}, {2 << 20, 2 << 20}, {5 << 20, 2 << 20}};

    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        char *table = mem_table(tables[i].size);
        assert_non_null(table);
        assert_int_equal((uintptr_t)table % tables[i].alignment, 0);
        memset(table, 7, tables[i].size);
        mem_free(table);
    }
}

static void mem__fails_from_the_nth_request_on(void **state)
{
    void *first;

    (void)state;
    mem_fail_after(1);
    first = mem_alloc(8);
    assert_non_null(first);
    assert_null(mem_alloc(8));
    assert_null(mem_realloc(first, 16));
    assert_null(mem_calloc(1, 1));
    assert_null(mem_aligned(64, 64));
    assert_null(mem_reserve(64 << 10));
    assert_int_equal(mem_commit(first, 64 << 10), STATUS_NOMEM);
    assert_null(mem_table(2 << 20));
    mem_fail_after(-1);
    first = mem_realloc(first, 16);
    assert_non_null(first);
    mem_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mem__gives_memory_for_nothing),
        cmocka_unit_test(mem__refuses_products_that_overflow),
        cmocka_unit_test(mem__copies_and_terminates),
        cmocka_unit_test(mem__aligns),
        cmocka_unit_test(mem__takes_advice_on_large_pages),
        cmocka_unit_test(mem__reserves_addresses_and_gives_memory_by_pages),
        cmocka_unit_test(mem__begins_tables_where_lines_and_pages_do),
        cmocka_unit_test(mem__fails_from_the_nth_request_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
