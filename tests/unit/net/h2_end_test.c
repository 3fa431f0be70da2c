/* h2_end_test.c: how a session of HTTP/2 ends, whoever is at fault. */
#include "tests/lib/h2_fixture.h"

static void h2__ends_for_floods(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (int i = 0; i < 5; i++)
        h2_peer_frame(&on.peer, H2_PING, 0, 0, VIEW("12345678"));
    run(&on);
    assert_int_equal(on.status, STATUS_CLOSED);
    assert_int_equal(on.peer.ping_acks, 3);
    assert_int_equal(on.peer.goaway_error, H2_ENHANCE_YOUR_CALM);
    assert_view_equal(buf_view(&on.peer.goaway_text), "too_many_pings");
    assert_non_null(h2_fault(on.h2));
    assert_int_equal(h2_limit_met(on.h2), H2_PINGS);
    assert_true(h2_is_done(on.h2));
    assert_int_equal(h2_receive(on.h2, VIEW("x"), on.now), STATUS_CLOSED);
    stop(&on);
}

static void h2__ends_for_streams_that_we_must_reset(void **state)
{
    struct fixture on;
    uint32_t stream = 1;

    (void)state;
    start(&on);
    for (; on.status == 0 && stream < 1000; stream += 2) {
        open(&on, stream, 0);
        h2_peer_window(&on.peer, stream, 0x7fffffff); /* Too much credit: a stream's error. */
        run(&on);
    }
    assert_in_range(stream, 200, 210);
    assert_int_equal(on.peer.goaway_error, H2_ENHANCE_YOUR_CALM);
    stop(&on);
}

/* One that never says that it has seen how many it may have. */
static void h2__ends_for_streams_that_we_must_refuse(void **state)
{
    struct fixture on;
    uint32_t stream = 1;

    (void)state;
    start_unsettled(&on);
    for (; on.status == 0 && stream < 4000; stream += 2) {
        buf_reset(&on.peer.out);
        open(&on, stream, 0);
        run(&on);
        on.peer.seen_count = 0; /* It keeps a note of less than that. */
    }
    assert_int_equal(on.refused, 1001);
    assert_int_equal(h2_limit_met(on.h2), H2_REFUSALS);
    assert_int_equal(on.peer.goaway_error, H2_ENHANCE_YOUR_CALM);
    stop(&on);
}

static void h2__ends_for_a_broken_preface(void **state)
{
    struct fixture on;
    struct h2_options options = options_of(&on);

    (void)state;
    memset(&on, 0, sizeof(on));
    h2_peer_init(&on.peer);
    assert_int_equal(h2_new(&options, on.now, &on.h2), 0);
    assert_int_equal(h2_receive(on.h2, VIEW("PRI * HTTP/2.0\r\n\r\nXX"), on.now), STATUS_INVALID);
    assert_non_null(h2_fault(on.h2));
    assert_true(h2_is_done(on.h2));
    stop(&on);
}

static void h2__ends_when_the_peer_goes_away(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, H2_END_STREAM);
    h2_peer_frame(&on.peer, H2_GOAWAY, 0, 0, VIEW("\0\0\0\0\0\0\0\0"));
    run(&on);
    assert_int_equal(on.status, 0); /* There is something to answer. */
    assert_int_equal(h2_answer(on.stream, ok, 1), 0);
    assert_false(h2_is_done(on.h2));
    hear(&on);
    assert_true(h2_is_done(on.h2));
    assert_null(h2_fault(on.h2));
    stop(&on);
}

/* With a stream of its own in it, as Go's clients do, where a server's stream belongs. */
static void h2__takes_an_odd_goodbye_for_one(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, H2_END_STREAM);
    run(&on);
    assert_int_equal(h2_answer(on.stream, ok, 1), 0);
    h2_peer_frame(&on.peer, H2_GOAWAY, 0, 0, VIEW("\0\0\0\1\0\0\0\0bye"));
    run(&on);
    assert_true(h2_is_done(on.h2));
    assert_null(h2_fault(on.h2));
    stop(&on);
    start(&on);
    h2_peer_frame(&on.peer, H2_GOAWAY, 0, 0, VIEW("\0\0\0\1\0\0\0\1")); /* An error's. */
    run(&on);
    assert_non_null(h2_fault(on.h2));
    stop(&on);
}

/* The PING behind the first GOAWAY has a second to come back. */
static void h2__does_not_wait_for_a_ping_for_ever(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, H2_END_STREAM);
    run(&on);
    h2_shut_down(on.h2, VIEW("bye"), on.now);
    hear(&on);
    assert_int_equal(on.peer.goaways, 1);
    on.now.ns += NS_PER_S - 1;
    h2_tick(on.h2, on.now);
    hear(&on);
    assert_int_equal(on.peer.goaways, 1);
    on.now.ns += 1;
    h2_tick(on.h2, on.now);
    hear(&on);
    assert_int_equal(on.peer.goaways, 2);
    assert_int_equal(on.peer.goaway_stream, 1);
    assert_false(h2_is_done(on.h2));
    assert_int_equal(h2_answer(on.stream, ok, 1), 0);
    hear(&on);
    assert_true(h2_is_done(on.h2));
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2__ends_for_floods),
        cmocka_unit_test(h2__ends_for_streams_that_we_must_reset),
        cmocka_unit_test(h2__ends_for_streams_that_we_must_refuse),
        cmocka_unit_test(h2__ends_for_a_broken_preface),
        cmocka_unit_test(h2__ends_when_the_peer_goes_away),
        cmocka_unit_test(h2__takes_an_odd_goodbye_for_one),
        cmocka_unit_test(h2__does_not_wait_for_a_ping_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
