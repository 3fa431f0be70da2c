/* ring_test.c: order, room, wrapping, and two threads. */
#include "base/ring.h"

#include <pthread.h>
#include <sched.h>

#include "tests/lib/test.h"

static void ring__rounds_its_capacity_up(void **state)
{
    struct ring ring;

    (void)state;
    assert_int_equal(ring_init(&ring, 5, sizeof(int)), 0);
    assert_int_equal(ring_room(&ring), 8);
    ring_release(&ring);
    assert_int_equal(ring_init(&ring, 0, sizeof(int)), 0);
    assert_int_equal(ring_room(&ring), 2);
    ring_release(&ring);
    ring_release(NULL);
}

static void ring__takes_all_or_none(void **state)
{
    const int in[] = {1, 2, 3, 4, 5};
    int out[8];
    struct ring ring;

    (void)state;
    assert_int_equal(ring_init(&ring, 4, sizeof(int)), 0);
    assert_int_equal(ring_push(&ring, in, 5), STATUS_BUSY);
    assert_int_equal(ring_fill(&ring), 0);
    assert_int_equal(ring_push(&ring, in, 3), 0);
    assert_int_equal(ring_push(&ring, in, 2), STATUS_BUSY);
    assert_int_equal(ring_push(&ring, in, 0), 0);
    assert_int_equal(ring_push(&ring, in + 4, 1), 0);
    assert_int_equal(ring_room(&ring), 0);
    assert_int_equal(ring_pop(&ring, out, 8), 4);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[2], 3);
    assert_int_equal(out[3], 5);
    assert_int_equal(ring_pop(&ring, out, 8), 0);
    ring_release(&ring);
}

static void ring__keeps_order_around_its_end(void **state)
{
    struct ring ring;
    int next_in = 0;
    int next_out = 0;

    (void)state;
    assert_int_equal(ring_init(&ring, 8, sizeof(int)), 0);
    for (int round = 0; round < 100; round++) {
        int batch[5];
        int out[5];
        size_t got;
        for (int i = 0; i < 5; i++)
            batch[i] = next_in++;
        assert_int_equal(ring_push(&ring, batch, 5), 0);
        while ((got = ring_pop(&ring, out, 3)) != 0)
            for (size_t i = 0; i < got; i++)
                assert_int_equal(out[i], next_out++);
    }
    assert_int_equal(next_in, next_out);
    ring_release(&ring);
}

static void ring__shows_slots_only_when_published(void **state)
{
    struct ring ring;
    uint64_t out[4];

    (void)state;
    assert_int_equal(ring_init(&ring, 4, sizeof(uint64_t)), 0);
    for (uint64_t round = 0; round < 9; round++) {
        for (size_t i = 0; i < 3; i++)
            memcpy(ring_slot(&ring, i), &(uint64_t){round * 3 + i}, sizeof(uint64_t));
        assert_int_equal(ring_fill(&ring), 0);
        assert_int_equal(ring_pop(&ring, out, 4), 0);
        ring_publish(&ring, 3);
        assert_int_equal(ring_room(&ring), 1);
        assert_int_equal(ring_pop(&ring, out, 4), 3);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(out[i], round * 3 + i);
    }
    ring_release(&ring);
}

enum { PASSED_ON = 200000 };

static void *produce(void *context)
{
    struct ring *ring = context;

    for (uint64_t next = 0; next < PASSED_ON;) {
        uint64_t batch[7];
        size_t count = 0;
        while (count < 1 + next % 7 && next + count < PASSED_ON) {
            batch[count] = next + count;
            count++;
        }
        if (ring_room(ring) >= count) {
            if (ring_push(ring, batch, count) != 0)
                return ring; /* Room that was promised is not there. */
            next += count;
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void ring__passes_between_two_threads(void **state)
{
    struct ring ring;
    pthread_t thread;
    void *failed;
    uint64_t next = 0;

    (void)state;
    assert_int_equal(ring_init(&ring, 64, sizeof(uint64_t)), 0);
    assert_int_equal(pthread_create(&thread, NULL, produce, &ring), 0);
    while (next < PASSED_ON) {
        uint64_t out[16];
        size_t got = ring_pop(&ring, out, 16);
        ring_prefetch(&ring, 100); /* More than there can be, over the end: it takes nothing. */
        for (size_t i = 0; i < got; i++)
            assert_int_equal(out[i], next++);
        if (got == 0)
            sched_yield();
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    ring_release(&ring);
}

static int make_ring(void *context)
{
    struct ring ring;
    int status = ring_init(&ring, 100, 8);

    (void)context;
    ring_release(&ring);
    return status;
}

static void ring__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(make_ring, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring__rounds_its_capacity_up),
        cmocka_unit_test(ring__takes_all_or_none),
        cmocka_unit_test(ring__keeps_order_around_its_end),
        cmocka_unit_test(ring__shows_slots_only_when_published),
        cmocka_unit_test(ring__passes_between_two_threads),
        cmocka_unit_test(ring__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
