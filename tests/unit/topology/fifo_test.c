/* fifo_test.c: elements in their order, within their bytes, and no memory. */
#include "topology/fifo.h"

#include "base/mem.h"
#include "tests/lib/test.h"

static void put(struct fifo *fifo, uint64_t value, uint32_t *out_at)
{
    assert_int_equal(fifo_push(fifo, out_at), 0);
    *(uint64_t *)fifo_at(fifo, *out_at) = value;
}

static void fifo__lets_the_oldest_chunk_go(void **state)
{
    struct fifo fifo;
    uint32_t first = 0;
    uint32_t at = 0;

    (void)state;
    assert_int_equal(fifo_init(&fifo, sizeof(uint64_t), 3 * FIFO_CHUNK * sizeof(uint64_t)), 0);
    for (uint64_t i = 0; i < 3 * FIFO_CHUNK; i++) {
        put(&fifo, i, &at);
        if (i == 0)
            first = at;
    }
    assert_int_equal(fifo_push(&fifo, &at), STATUS_FULL);
    assert_true(!fifo_live(&fifo, 0) && fifo_live(&fifo, first) && !fifo_live(&fifo, fifo.head));
    assert_int_equal(fifo_chunk_end(&fifo), first + FIFO_CHUNK);
    fifo_close(&fifo);
    assert_false(fifo_live(&fifo, first));
    assert_true(*(uint64_t *)fifo_at(&fifo, first + FIFO_CHUNK) == FIFO_CHUNK);
    put(&fifo, 999, &at);
    assert_true(fifo_live(&fifo, at));
    fifo_close(&fifo);
    fifo_close(&fifo);
    assert_int_equal(fifo_chunk_end(&fifo), at + 1);
    fifo_close(&fifo);
    assert_true(fifo.tail == fifo.head && fifo.count == 0);
    put(&fifo, 1000, &at); /* After having been emptied. */
    assert_true(*(uint64_t *)fifo_at(&fifo, at) == 1000);
    fifo_release(&fifo);
}

/* Positions count up, wrap after 2^32 and leave out 0, which is nobody's. */
static void fifo__goes_round_after_all_positions(void **state)
{
    struct fifo fifo;
    uint32_t at = 0;
    uint32_t last;

    (void)state;
    assert_int_equal(fifo_init(&fifo, sizeof(uint64_t), 4 * FIFO_CHUNK * sizeof(uint64_t)), 0);
    fifo.tail = fifo.head = UINT32_MAX - FIFO_CHUNK + 1;
    for (uint64_t i = 0; i < FIFO_CHUNK; i++)
        put(&fifo, i, &at);
    last = at;
    assert_int_equal(last, UINT32_MAX);
    put(&fifo, 77, &at);
    assert_int_equal(at, 1);
    assert_true(fifo_live(&fifo, last) && fifo_live(&fifo, 1) && !fifo_live(&fifo, 0));
    fifo_close(&fifo);
    assert_true(!fifo_live(&fifo, last) && *(uint64_t *)fifo_at(&fifo, 1) == 77);
    fifo_release(&fifo);
}

/* Without memory for another chunk it is full, and without any, nothing. */
static void fifo__survives_a_failing_allocator(void **state)
{
    struct fifo fifo;
    uint32_t at;

    (void)state;
    mem_fail_after(0);
    assert_int_equal(fifo_init(&fifo, sizeof(uint64_t), 1 << 20), STATUS_NOMEM);
    mem_fail_after(1);
    assert_int_equal(fifo_init(&fifo, sizeof(uint64_t), 1 << 20), 0);
    assert_int_equal(fifo_push(&fifo, &at), STATUS_NOMEM);
    mem_fail_after(1);
    for (uint64_t i = 0; i < FIFO_CHUNK; i++)
        put(&fifo, i, &at);
    assert_int_equal(fifo_push(&fifo, &at), STATUS_FULL);
    mem_fail_after(-1);
    put(&fifo, 5, &at);
    fifo_release(&fifo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo__lets_the_oldest_chunk_go),
        cmocka_unit_test(fifo__goes_round_after_all_positions),
        cmocka_unit_test(fifo__survives_a_failing_allocator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
