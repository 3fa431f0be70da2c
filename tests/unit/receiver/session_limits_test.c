/* session_limits_test.c: each limit on a peer's patience and manners; who keeps to it is served on. */
#include "tests/lib/grpc_fixture.h"
#include "tests/lib/test.h"

/* Seconds pass in ticks of one, until the connection ends. */
static void pass(struct grpc_fixture *on, int seconds)
{
    for (int i = 0; i < seconds && on->status == 0; i++)
        grpc_tick(on, NS_PER_S);
}

static void send_bytes(struct grpc_fixture *on, uint32_t stream, size_t size)
{
    static const char bytes[4096];

    grpc_send_body(on, stream, (struct view){bytes, size}, 16384, false);
    grpc_run(on);
}

static void assert_serves(struct grpc_fixture *on, uint32_t stream)
{
    grpc_open(on, stream);
    grpc_send_message(on, stream, 100, 'm', 16384);
    grpc_run(on);
    assert_grpc_ok(on, stream);
}

static void limits__end_a_body_that_hardly_comes(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    on.shared.limits.body_rate_min = 100;
    grpc_open(&on, 1); /* Comes too slowly, */
    grpc_send_body(&on, 1, VIEW("\0\0\1\0\0"), 16384, false);
    grpc_open(&on, 3); /* comes in time, */
    grpc_send_body(&on, 3, VIEW("\0\0\1\0\0"), 16384, false);
    grpc_open(&on, 5); /* and stops in the middle. */
    grpc_send_body(&on, 5, VIEW("\0\0\1\0\0"), 16384, false);
    grpc_run(&on);
    for (int i = 0; i < 10; i++) {
        send_bytes(&on, 1, 99);
        send_bytes(&on, 3, 100);
        send_bytes(&on, 5, 100);
        pass(&on, 1);
    }
    assert_grpc_answer(&on, 1, "grpc-status: 4");
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_BODY_RATE), 1);
    for (int i = 0; i < 10; i++) {
        send_bytes(&on, 3, 100);
        pass(&on, 1);
    }
    assert_grpc_answer(&on, 5, "grpc-status: 4");
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_BODY_RATE), 2);
    assert_null(h2_peer_seen(&on.peer, 3));
    assert_serves(&on, 7);
    grpc_stop(&on);
}

/* Who is held back by us is not slow. */
static void limits__are_patient_with_who_is_held_back(void **state)
{
    static struct body_account others;
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    on.shared.budget.held = 600000;
    on.shared.budget.accounts = 100;
    on.shared.budget.favourite = &others;
    grpc_open(&on, 1);
    grpc_send_body(&on, 1, VIEW("\0\0\1\0\0"), 16384, false);
    for (int i = 0; i < 4; i++)
        send_bytes(&on, 1, 4096);
    pass(&on, 50);
    assert_null(h2_peer_seen(&on.peer, 1));
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_BODY_RATE), 0);
    on.shared.budget.held -= 600000;
    grpc_stop(&on);
}

static void limits__end_who_does_not_read(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    h2_peer_frame(&on.peer, H2_SETTINGS, 0, 0, VIEW("\0\4\0\0\0\0")); /* No window at all. */
    on.body_size = 10;
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 100, 'm', 16384);
    grpc_run(&on);
    assert_false(grpc_seen(&on, 1)->is_ended);
    pass(&on, 19);
    assert_false(grpc_seen(&on, 1)->is_reset);
    pass(&on, 1);
    assert_true(grpc_seen(&on, 1)->is_reset);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_WRITE_TIMEOUT), 1);
    grpc_stop(&on);
}

static void limits__end_heads_that_do_not_come(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    h2_peer_headers(&on.peer, 1, grpc_basic, GRPC_BASIC_COUNT, 0); /* No END_HEADERS. */
    grpc_run(&on);
    pass(&on, 9);
    assert_int_equal(on.peer.goaways, 0);
    pass(&on, 1);
    assert_int_equal(on.peer.goaway_error, H2_ENHANCE_YOUR_CALM);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_HEADER_TIMEOUT), 1);
    grpc_stop(&on);
    grpc_start_unheard(&on); /* Says nothing. */
    on.peer.out.size = 0;
    pass(&on, 9);
    assert_int_equal(on.status, 0);
    pass(&on, 1);
    assert_int_equal(on.status, STATUS_TIMEOUT);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_HEADER_TIMEOUT), 1);
    grpc_stop(&on);
}

/* With END_STREAM, so that nothing is reset. */
static void answer_ping(struct grpc_fixture *on)
{
    h2_peer_frame(&on->peer, H2_PING, H2_ACK, 0, (struct view){(const char *)on->peer.ping, 8});
    grpc_run(on);
}

static void limits__ask_a_silent_peer(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    on.shared.limits.keepalive_ns = 60 * NS_PER_S; /* Of sessions to come. */
    session_free(on.session);
    assert_int_equal(session_new(&on.shared, &on.worker, on.opening, on.now, &on.session), 0);
    h2_peer_release(&on.peer);
    h2_peer_init(&on.peer);
    grpc_run(&on);
    grpc_run(&on);
    pass(&on, 59);
    assert_int_equal(on.peer.pings, 0);
    pass(&on, 2);
    assert_int_equal(on.peer.pings, 1);
    answer_ping(&on);
    pass(&on, 59);
    assert_int_equal(on.peer.pings, 1);
    assert_serves(&on, 1);
    pass(&on, 61);
    assert_int_equal(on.peer.pings, 2);
    pass(&on, 18);
    assert_int_equal(on.status, 0);
    pass(&on, 2);
    assert_int_equal(on.status, STATUS_TIMEOUT);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_KEEPALIVE), 1);
    assert_int_equal(grpc_counted(&on, RECEIVER_PROTOCOL_ERRORS), 0);
    grpc_stop(&on);
}

/* In two steps, a tenth earlier or later, and what is under way goes on for a while. */
static void limits__end_an_old_connection(void **state)
{
    struct grpc_fixture on;
    int seconds = 0;

    (void)state;
    grpc_start(&on);
    on.shared.limits.age_max_ns = 1000 * NS_PER_S;
    on.shared.request_timeout_ns = 3600 * NS_PER_S;
    on.shared.limits.body_rate_min = 0;
    session_free(on.session);
    assert_int_equal(session_new(&on.shared, &on.worker, on.opening, on.now, &on.session), 0);
    h2_peer_release(&on.peer);
    h2_peer_init(&on.peer);
    grpc_run(&on);
    grpc_run(&on);
    grpc_open(&on, 1);
    grpc_open(&on, 3);
    grpc_run(&on);
    for (; on.peer.goaways == 0 && seconds < 2000; seconds++)
        pass(&on, 1);
    assert_in_range(seconds, 900, 1101);
    assert_view_equal(buf_view(&on.peer.goaway_text), "");
    pass(&on, 2);
    assert_int_equal(on.peer.goaways, 2);
    assert_view_equal(buf_view(&on.peer.goaway_text), "max_age");
    grpc_send_message(&on, 1, 100, 'm', 16384);
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    pass(&on, 57);
    assert_int_equal(on.status, 0);
    pass(&on, 2);
    assert_int_equal(on.status, STATUS_TIMEOUT);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_AGE), 1);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_AGE_GRACE), 1);
    grpc_stop(&on);
}

static void limits__count_which_was_met(void **state)
{
    static const struct {
        enum h2_frame_type type;
        const char *payload;
        size_t size;
        enum receiver_counter counter;
    } floods[] = {
        {H2_PING, "12345678", 8, RECEIVER_LIMIT_PINGS},
        {H2_WINDOW_UPDATE, "\0\0\0\1", 4, RECEIVER_LIMIT_EMPTY_FRAMES},
    };
    struct grpc_fixture on;

    (void)state;
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        grpc_start(&on);
        for (int j = 0; j < 2000; j++)
            h2_peer_frame(&on.peer, floods[i].type, 0, 0,
                          (struct view){floods[i].payload, floods[i].size});
        grpc_run(&on);
        assert_true(on.status < 0);
        session_free(on.session);
        on.session = NULL;
        assert_int_equal(grpc_counted(&on, floods[i].counter), 1);
        grpc_stop(&on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits__end_a_body_that_hardly_comes),
        cmocka_unit_test(limits__are_patient_with_who_is_held_back),
        cmocka_unit_test(limits__end_who_does_not_read),
        cmocka_unit_test(limits__end_heads_that_do_not_come),
        cmocka_unit_test(limits__ask_a_silent_peer),
        cmocka_unit_test(limits__end_an_old_connection),
        cmocka_unit_test(limits__count_which_was_met),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
