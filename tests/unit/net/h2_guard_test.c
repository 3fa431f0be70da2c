/* h2_guard_test.c: how much of what a peer may send, judged by frame headers alone. */
#include "net/h2_guard.h"

#include "tests/lib/h2_peer.h"
#include "tests/lib/test.h"

struct fixture {
    struct h2_guard guard;
    struct h2_peer peer;
    struct mono_time now;
};

static void start(struct fixture *on)
{
    on->now.ns = 5 * NS_PER_S;
    h2_guard_init(&on->guard, &h2_guard_defaults, on->now);
    h2_peer_init(&on->peer);
}

static void stop(struct fixture *on)
{
    h2_peer_release(&on->peer);
}

/* Judges all that the peer has written, in pieces; how much was let through. */
static enum h2_verdict judge(struct fixture *on, size_t piece, size_t *out_passed)
{
    struct view bytes = buf_view(&on->peer.out);
    enum h2_verdict verdict = H2_FINE;
    size_t at = 0;

    while (at < bytes.size && verdict == H2_FINE) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        size_t passed = 0;

        verdict = h2_guard_read(&on->guard, (struct view){bytes.data + at, size}, on->now, &passed);
        assert_true(passed <= size);
        at += passed;
    }
    *out_passed = at;
    buf_reset(&on->peer.out);
    return verdict;
}

static enum h2_verdict send_all(struct fixture *on)
{
    size_t passed;

    return judge(on, 100000, &passed);
}

static void ping(struct fixture *on)
{
    h2_peer_frame(&on->peer, H2_PING, 0, 0, VIEW("12345678"));
}

static void guard__stops_pings_that_come_too_soon(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (int i = 0; i < 20; i++) {
        ping(&on);
        assert_int_equal(send_all(&on), H2_FINE);
        on.now.ns += 10 * NS_PER_S;
    }
    for (int i = 0; i < 20; i++) { /* Each behind an answer of ours. */
        h2_guard_sent(&on.guard);
        ping(&on);
        assert_int_equal(send_all(&on), H2_FINE);
    }
    ping(&on);
    ping(&on);
    assert_int_equal(send_all(&on), H2_FINE);
    h2_peer_frame(&on.peer, H2_PING, H2_ACK, 0, VIEW("12345678")); /* Not a question. */
    assert_int_equal(send_all(&on), H2_FINE);
    ping(&on);
    assert_int_equal(send_all(&on), H2_PINGS);
    assert_string_equal(h2_verdict_text(H2_PINGS), "too_many_pings");
    stop(&on);
}

static void guard__takes_pings_nine_seconds_apart(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (int i = 0; i < 20; i++) {
        ping(&on);
        assert_int_equal(send_all(&on), H2_FINE);
        on.now.ns += 9 * NS_PER_S;
    }
    for (int i = 0; i < 3; i++) {
        ping(&on);
        assert_int_equal(send_all(&on), H2_FINE);
        on.now.ns += 9 * NS_PER_S - 1;
    }
    ping(&on);
    assert_int_equal(send_all(&on), H2_PINGS);
    stop(&on);
}

static void guard__follows_its_options(void **state)
{
    struct h2_guard_options options = {.resets_max = 20, .ping_interval_ns = 0};
    struct fixture on;
    size_t passed;

    (void)state;
    start(&on);
    h2_guard_init(&on.guard, &options, on.now);
    on.guard.preface_left = 0;
    for (int i = 0; i < 100; i++)
        ping(&on);
    for (uint32_t i = 0; i < 20; i++)
        h2_peer_reset(&on.peer, 1 + 2 * i, 8);
    buf_consume(&on.peer.out, 24 + 9); /* Preface and SETTINGS. */
    assert_int_equal(judge(&on, 100, &passed), H2_FINE);
    h2_peer_reset(&on.peer, 41, 8);
    assert_int_equal(send_all(&on), H2_RESETS);
    on.now.ns += NS_PER_S; /* A tenth of them comes back. */
    h2_peer_reset(&on.peer, 43, 8);
    h2_peer_reset(&on.peer, 45, 8);
    assert_int_equal(send_all(&on), H2_FINE);
    h2_peer_reset(&on.peer, 47, 8);
    assert_int_equal(send_all(&on), H2_RESETS);
    stop(&on);
}

static void guard__bounds_refused_streams(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(h2_guard_refused(&on.guard, on.now), H2_FINE);
    assert_int_equal(h2_guard_refused(&on.guard, on.now), H2_REFUSALS);
    assert_int_equal(h2_verdict_error(H2_REFUSALS), H2_ENHANCE_YOUR_CALM);
    assert_true(h2_verdict_text(H2_REFUSALS)[0] != '\0');
    stop(&on);
}

/* A pause of any length fills what was used up, and no more. */
static void guard__counts_long_pauses(void **state)
{
    struct fixture on;
    size_t count = 0;

    (void)state;
    start(&on);
    do
        h2_peer_frame(&on.peer, H2_WINDOW_UPDATE, 0, 0, VIEW("\0\0\0\1"));
    while (send_all(&on) == H2_FINE);
    on.now.ns += UINT64_MAX / 100 + 1; /* Times a hundred a second, that is hardly above zero. */
    do {
        h2_peer_frame(&on.peer, H2_WINDOW_UPDATE, 0, 0, VIEW("\0\0\0\1"));
        count++;
    } while (send_all(&on) == H2_FINE);
    assert_int_equal(count, 1001);
    stop(&on);
}

static void guard__stops_before_the_frame_that_goes_too_far(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 200; piece += 5) {
        struct fixture on;
        size_t passed;
        size_t fine;
        size_t last; /* Where the piece begins that ends its header. */

        start(&on);
        for (int i = 0; i < 3; i++)
            ping(&on);
        fine = on.peer.out.size;
        ping(&on);
        ping(&on);
        assert_int_equal(judge(&on, piece, &passed), H2_PINGS);
        /* What of its header came with an earlier piece has passed. */
        last = (fine + 8) / piece * piece;
        assert_int_equal(passed, last > fine ? last : fine);
        stop(&on);
    }
}

static void guard__bounds_resets_and_gives_more_for_served_requests(void **state)
{
    struct fixture on;
    uint32_t resets = 0;

    (void)state;
    start(&on);
    for (int i = 0; i < 3000; i++) {
        h2_guard_served(&on.guard);
        h2_peer_reset(&on.peer, 1, 8);
        assert_int_equal(send_all(&on), H2_FINE);
    }
    do {
        resets++;
        h2_peer_reset(&on.peer, 1, 8);
    } while (send_all(&on) == H2_FINE);
    assert_int_equal(resets, 1000); /* The last one that was served made up for one. */
    on.now.ns += NS_PER_S / 2;      /* A hundred a second come back. */
    for (resets = 0; resets < 50; resets++) {
        h2_peer_reset(&on.peer, 1, 8);
        assert_int_equal(send_all(&on), H2_FINE);
    }
    h2_peer_reset(&on.peer, 1, 8);
    assert_int_equal(send_all(&on), H2_RESETS);
    on.now.ns += 100000 * NS_PER_S; /* But never more than at first. */
    for (resets = 0; resets < 1000; resets++) {
        h2_peer_reset(&on.peer, 1, 8);
        assert_int_equal(send_all(&on), H2_FINE);
    }
    h2_peer_reset(&on.peer, 1, 8);
    assert_int_equal(send_all(&on), H2_RESETS);
    stop(&on);
}

static void guard__bounds_frames_that_carry_nothing(void **state)
{
    static const struct {
        unsigned type;
        unsigned flags;
        uint32_t stream;
        struct view payload;
    } frames[] = {
        {H2_SETTINGS, 0, 0, {"", 0}},
        {H2_SETTINGS, H2_ACK, 0, {"", 0}},
        {H2_PRIORITY, 0, 1, {"\0\0\0\0\0", 5}},
        {H2_WINDOW_UPDATE, 0, 0, {"\0\0\0\1", 4}},
        {H2_DATA, 0, 1, {"", 0}},
        {0x77, 0, 0, {"what", 4}},
        {H2_PING, H2_ACK, 0, {"12345678", 8}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct fixture on;
        size_t count = 0;

        start(&on);
        h2_peer_headers(&on.peer, 1, NULL, 0, H2_END_HEADERS);
        do {
            h2_peer_frame(&on.peer, (enum h2_frame_type)frames[i].type, frames[i].flags,
                          frames[i].stream, frames[i].payload);
            count++;
            assert_true(count < 2000);
        } while (send_all(&on) == H2_FINE);
        /* The first SETTINGS count as well. */
        assert_int_equal(count, 1000);
        stop(&on);
    }
}

static void guard__lets_data_pass_without_end(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    h2_peer_headers(&on.peer, 1, NULL, 0, H2_END_HEADERS);
    for (int i = 0; i < 100000; i++)
        h2_peer_frame(&on.peer, H2_DATA, 0, 1, VIEW("x"));
    assert_int_equal(send_all(&on), H2_FINE);
    stop(&on);
}

static void guard__bounds_the_pieces_of_a_header_block(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (uint32_t stream = 1; stream < 9; stream += 2) {
        h2_peer_headers(&on.peer, stream, NULL, 0, H2_END_STREAM);
        for (int i = 0; i < 8; i++)
            h2_peer_frame(&on.peer, H2_CONTINUATION, 0, stream, VIEW(""));
    }
    assert_int_equal(send_all(&on), H2_FINE);
    h2_peer_frame(&on.peer, H2_CONTINUATION, 0, 7, VIEW(""));
    assert_int_equal(send_all(&on), H2_CONTINUATIONS);
    stop(&on);
}

/* Streams 1 and 9 are open, then 1 is ended by trailers; 3 to 7 are passed over. */
static void start_with_streams(struct fixture *on)
{
    start(on);
    h2_peer_headers(&on->peer, 1, NULL, 0, H2_END_HEADERS);
    h2_peer_headers(&on->peer, 9, NULL, 0, H2_END_HEADERS);
    h2_peer_headers(&on->peer, 1, NULL, 0, H2_END_HEADERS | H2_END_STREAM);
    h2_peer_frame(&on->peer, H2_DATA, 0, 9, VIEW("x"));
    assert_int_equal(send_all(on), H2_FINE);
}

static void guard__knows_streams_by_what_the_peer_said(void **state)
{
    struct fixture on;

    (void)state;
    start_with_streams(&on);
    h2_peer_headers(&on.peer, 5, NULL, 0, H2_END_HEADERS);
    assert_int_equal(send_all(&on), H2_OUT_OF_ORDER);
    stop(&on);
    start_with_streams(&on);
    h2_peer_frame(&on.peer, H2_DATA, 0, 1, VIEW("x"));
    assert_int_equal(send_all(&on), H2_ENDED_STREAM);
    stop(&on);
    start_with_streams(&on);
    h2_peer_reset(&on.peer, 9, 8);
    h2_peer_headers(&on.peer, 9, NULL, 0, H2_END_HEADERS);
    assert_int_equal(send_all(&on), H2_ENDED_STREAM);
    stop(&on);
}

static void guard__forgets_the_oldest_of_too_many_streams(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (uint32_t stream = 1; stream < 1 + 2 * 200; stream += 2)
        h2_peer_headers(&on.peer, stream, NULL, 0, H2_END_HEADERS);
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW("x"));
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW("x")); /* Nobody knows any more. */
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 399, VIEW("x"));
    assert_int_equal(send_all(&on), H2_FINE);
    h2_peer_frame(&on.peer, H2_DATA, 0, 399, VIEW("x"));
    assert_int_equal(send_all(&on), H2_ENDED_STREAM);
    stop(&on);
}

static void guard__looks_into_priority(void **state)
{
    struct fixture on;

    (void)state;
    for (size_t piece = 1; piece < 100; piece += 3) {
        size_t passed;

        start(&on);
        h2_peer_frame(&on.peer, H2_PRIORITY, 0, 3, VIEW("\0\0\0\5\1"));
        h2_peer_frame(&on.peer, H2_PRIORITY, 0, 3, VIEW("\0\0\0\3")); /* The library's. */
        assert_int_equal(judge(&on, piece, &passed), H2_FINE);
        h2_peer_frame(&on.peer, H2_PRIORITY, 0, 3, VIEW("\0\0\0\3\1"));
        assert_int_equal(judge(&on, piece, &passed), H2_BAD_PRIORITY);
        stop(&on);
    }
    start(&on);
    h2_peer_frame(&on.peer, H2_PRIORITY, 0, 0, VIEW("\0\0\0\3\1"));
    assert_int_equal(send_all(&on), H2_BAD_PRIORITY);
    assert_int_equal(h2_verdict_error(H2_BAD_PRIORITY), H2_PROTOCOL_ERROR);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guard__stops_pings_that_come_too_soon),
        cmocka_unit_test(guard__takes_pings_nine_seconds_apart),
        cmocka_unit_test(guard__follows_its_options),
        cmocka_unit_test(guard__bounds_refused_streams),
        cmocka_unit_test(guard__counts_long_pauses),
        cmocka_unit_test(guard__stops_before_the_frame_that_goes_too_far),
        cmocka_unit_test(guard__bounds_resets_and_gives_more_for_served_requests),
        cmocka_unit_test(guard__bounds_frames_that_carry_nothing),
        cmocka_unit_test(guard__lets_data_pass_without_end),
        cmocka_unit_test(guard__bounds_the_pieces_of_a_header_block),
        cmocka_unit_test(guard__knows_streams_by_what_the_peer_said),
        cmocka_unit_test(guard__forgets_the_oldest_of_too_many_streams),
        cmocka_unit_test(guard__looks_into_priority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
