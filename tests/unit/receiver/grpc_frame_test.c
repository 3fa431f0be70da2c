/* grpc_frame_test.c: prefixes and messages in pieces. */
#include "receiver/grpc_frame.h"

#include "tests/lib/test.h"

enum { MAX = 1000000, RESERVE_MAX = 256 * 1024 };

static int feed(struct grpc_frame *frame, struct view bytes, size_t piece, size_t message_max)
{
    int status = 0;

    for (size_t at = 0; at < bytes.size && status == 0; at += piece) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        char *copy = test_malloc(size);

        memcpy(copy, bytes.data + at, size);
        status = grpc_frame_read(frame, (struct view){copy, size}, message_max);
        if (status == 0)
            status = grpc_frame_keep(frame);
        test_free(copy); /* What is not kept now, the sanitizer sees. */
    }
    return status;
}

static void frame__borrows_a_message_in_one_piece(void **state)
{
    const struct view bytes = VIEW("\0\0\0\0\3abc");
    struct grpc_frame frame;

    (void)state;
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_true(grpc_frame_is_at_end(&frame));
    assert_int_equal(grpc_frame_read(&frame, bytes, MAX), 0);
    assert_true(frame.is_borrowed);
    assert_ptr_equal(frame.message.data, bytes.data + 5);
    assert_int_equal(frame.message.size, 3);
    assert_int_equal(frame.whole, 1);
    assert_true(grpc_frame_is_at_end(&frame));
    assert_int_equal(grpc_frame_held(&frame), 0);
    assert_int_equal(grpc_frame_keep(&frame), 0);
    assert_view_equal(frame.message, "abc");
    assert_false(frame.is_borrowed);
    grpc_frame_release(&frame);
}

static void frame__borrows_behind_a_prefix_that_came_before(void **state)
{
    struct grpc_frame frame;

    (void)state;
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame, VIEW("\0\0\0\0\3"), MAX), 0);
    assert_false(grpc_frame_is_at_end(&frame));
    assert_int_equal(frame.whole, 0);
    assert_int_equal(grpc_frame_read(&frame, VIEW("abc"), MAX), 0);
    assert_true(frame.is_borrowed);
    assert_view_equal(frame.message, "abc");
    grpc_frame_release(&frame);
}

static void frame__puts_pieces_together(void **state)
{
    static char bytes[5 + 70000];

    (void)state;
    memcpy(bytes, "\1\0\1\x11\x70", 5);
    for (size_t i = 5; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    for (size_t piece = 1; piece < sizeof(bytes); piece = piece * 3 + 1) {
        struct grpc_frame frame;

        grpc_frame_init(&frame, RESERVE_MAX);
        assert_int_equal(feed(&frame, (struct view){bytes, sizeof(bytes)}, piece, 70000), 0);
        assert_int_equal(frame.whole, 1);
        assert_true(frame.is_compressed);
        assert_int_equal(frame.message.size, 70000);
        assert_memory_equal(frame.message.data, bytes + 5, 70000);
        assert_true(grpc_frame_held(&frame) <= 70000);
        grpc_frame_release(&frame);
    }
}

static void frame__knows_the_empty_message(void **state)
{
    struct grpc_frame frame;

    (void)state;
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(feed(&frame, VIEW("\0\0\0\0\0"), 1, 0), 0);
    assert_int_equal(frame.whole, 1);
    assert_int_equal(frame.message.size, 0);
    assert_true(grpc_frame_is_at_end(&frame));
    grpc_frame_release(&frame);
}

static void frame__counts_further_messages_and_keeps_the_first(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        struct grpc_frame frame;

        grpc_frame_init(&frame, RESERVE_MAX);
        assert_int_equal(feed(&frame, VIEW("\0\0\0\0\2ab\1\0\0\0\3cde\0\0"), piece, MAX), 0);
        assert_int_equal(frame.whole, 2);
        assert_view_equal(frame.message, "ab");
        assert_false(frame.is_compressed);
        assert_false(grpc_frame_is_at_end(&frame));
        grpc_frame_release(&frame);
    }
}

static void frame__refuses_by_the_prefix_alone(void **state)
{
    struct grpc_frame frame;

    (void)state;
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame, VIEW("\2"), MAX), STATUS_INVALID);
    grpc_frame_release(&frame);
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame, VIEW("\0\0\0\0\3"), 2), STATUS_TOO_LARGE);
    assert_int_equal(grpc_frame_held(&frame), 0);
    grpc_frame_release(&frame);
    grpc_frame_init(&frame, RESERVE_MAX); /* A second message has the same limit. */
    assert_int_equal(feed(&frame, VIEW("\0\0\0\0\2ab\0\0\0\0\3"), 3, 2), STATUS_TOO_LARGE);
    grpc_frame_release(&frame);
}

static void frame__does_not_trust_the_length(void **state)
{
    struct grpc_frame frame;

    (void)state;
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame,
                                     VIEW("\0\xff\xff\xff\xff"
                                          "abc"),
                                     SIZE_MAX),
                     0);
    assert_in_range(grpc_frame_held(&frame), 3, 64 * 1024);
    assert_int_equal(frame.whole, 0);
    grpc_frame_release(&frame);
}

static void frame__reserves_the_rest_once_some_of_it_came(void **state)
{
    enum { LENGTH = 200000, FIRST = 64 * 1024, PIECE = 16 * 1024 };
    static char bytes[LENGTH];
    struct grpc_frame frame;

    (void)state;
    for (size_t i = 0; i < LENGTH; i++)
        bytes[i] = (char)(i * 7);
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame, VIEW("\0\0\3\x0d\x40"), MAX), 0);
    for (size_t at = 0; at < LENGTH; at += PIECE) {
        size_t size = LENGTH - at < PIECE ? LENGTH - at : PIECE;

        assert_int_equal(grpc_frame_read(&frame, (struct view){bytes + at, size}, MAX), 0);
        assert_int_equal(grpc_frame_held(&frame), at + size <= FIRST ? FIRST : LENGTH);
    }
    assert_int_equal(frame.whole, 1);
    assert_int_equal(frame.message.size, LENGTH);
    assert_memory_equal(frame.message.data, bytes, LENGTH);
    grpc_frame_release(&frame);
}

static void frame__takes_what_was_kept(void **state)
{
    enum { LENGTH = 200000 };
    static char bytes[LENGTH];
    struct buf_spares spares;

    (void)state;
    buf_spares_init(&spares, 2 * LENGTH);
    for (int round = 0; round < 2; round++) {
        struct grpc_frame frame;

        memset(bytes, 'a' + round, LENGTH);
        grpc_frame_init(&frame, RESERVE_MAX);
        buf_use_spares(&frame.held, &spares);
        assert_int_equal(grpc_frame_read(&frame, VIEW("\0\0\3\x0d\x40"), MAX), 0);
        assert_int_equal(grpc_frame_read(&frame, (struct view){bytes, 1000}, MAX), 0);
        if (round == 0)
            assert_int_equal(grpc_frame_held(&frame), 64 * 1024);
        else
            assert_in_range(grpc_frame_held(&frame), LENGTH, LENGTH + SPARE_BYTES);
        assert_int_equal(grpc_frame_read(&frame, (struct view){bytes + 1000, LENGTH - 1000}, MAX),
                         0);
        assert_int_equal(frame.whole, 1);
        assert_int_equal(frame.message.size, LENGTH);
        assert_memory_equal(frame.message.data, bytes, LENGTH);
        grpc_frame_release(&frame);
    }
    buf_spares_release(&spares);
}

/* Of a message that is said to be larger than that. */
static void frame__reserves_no_more_than_it_may(void **state)
{
    enum { FIRST = 64 * 1024 };
    static char bytes[RESERVE_MAX + 1];
    struct grpc_frame frame;

    (void)state;
    grpc_frame_init(&frame, RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame, VIEW("\0\xff\xff\xff\xff"), SIZE_MAX), 0);
    assert_int_equal(grpc_frame_read(&frame, (struct view){bytes, FIRST}, SIZE_MAX), 0);
    assert_int_equal(grpc_frame_held(&frame), FIRST);
    assert_int_equal(grpc_frame_read(&frame, (struct view){bytes, 1}, SIZE_MAX), 0);
    assert_int_equal(grpc_frame_held(&frame), RESERVE_MAX);
    assert_int_equal(grpc_frame_read(&frame, (struct view){bytes, RESERVE_MAX - FIRST}, SIZE_MAX),
                     0);
    assert_int_equal(grpc_frame_held(&frame), 2 * RESERVE_MAX);
    grpc_frame_release(&frame);
}

static int read_once(void *context)
{
    struct grpc_frame frame;
    int status;

    (void)context;
    grpc_frame_init(&frame, RESERVE_MAX);
    status = feed(&frame, VIEW("\0\0\0\0\7abcdefg"), 6, MAX);
    grpc_frame_release(&frame);
    return status;
}

static void frame__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(read_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame__borrows_a_message_in_one_piece),
        cmocka_unit_test(frame__borrows_behind_a_prefix_that_came_before),
        cmocka_unit_test(frame__puts_pieces_together),
        cmocka_unit_test(frame__knows_the_empty_message),
        cmocka_unit_test(frame__counts_further_messages_and_keeps_the_first),
        cmocka_unit_test(frame__refuses_by_the_prefix_alone),
        cmocka_unit_test(frame__does_not_trust_the_length),
        cmocka_unit_test(frame__reserves_the_rest_once_some_of_it_came),
        cmocka_unit_test(frame__takes_what_was_kept),
        cmocka_unit_test(frame__reserves_no_more_than_it_may),
        cmocka_unit_test(frame__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
