/* session_test.c: what a connection's requests share: credit, time, its end. */
#include "receiver/session.h"

#include "tests/lib/grpc_fixture.h"
#include "tests/lib/test.h"

/* ----------------------------------------------------------------- flow control */

static void session__gives_credit_for_what_it_took(void **state)
{
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start_with(&on, 10000000, 512 << 20);
    buf_init(&body, 0);
    grpc_put_message(&body, 0, 1500000, 'w');
    grpc_open(&on, 1);
    grpc_send_body(&on, 1, (struct view){body.data, 1000000}, 16384, false);
    grpc_run(&on);
    assert_int_equal(on.status, 0);
    assert_true(grpc_seen(&on, 1)->credit > 500000);
    grpc_send_body(&on, 1, (struct view){body.data + 1000000, 500005}, 16384, true);
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    assert_int_equal(on.sizes[0], 1500000);
    assert_true(on.peer.credit > 2 * 1024 * 1024 - 65535); /* Grown, and then given back. */
    buf_release(&body);
    grpc_stop(&on);
}

/* --------------------------------------------------------------------------- budget */

/* Of the million 900,000 are the pool, and half of that is tight. */
static struct body_account others;

/* The budget as a hundred other connections have left it: they hold `held` bytes. */
static void crowd(struct grpc_fixture *on, size_t held)
{
    on->shared.budget.held += held;
    on->shared.budget.accounts += 100;
}

static void leave(struct grpc_fixture *on, size_t held)
{
    on->shared.budget.held -= held;
    on->shared.budget.accounts -= 100;
}

/* And it is the turn of one of them. */
static void start_beside(struct grpc_fixture *on, size_t held)
{
    grpc_start(on);
    crowd(on, held);
    on->shared.budget.favourite = &others;
}

static void stop_beside(struct grpc_fixture *on, size_t held)
{
    assert_int_equal(on->shared.budget.held, held);
    assert_ptr_equal(on->shared.budget.favourite, &others);
    on->shared.budget.held = 0;
    grpc_stop(on);
}

/* Opens a call and sends all but the last byte of a message. */
static void send_most(struct grpc_fixture *on, uint32_t stream, size_t size)
{
    struct buf body;

    buf_init(&body, 0);
    grpc_put_message(&body, 0, size, 'w');
    grpc_open(on, stream);
    grpc_send_body(on, stream, (struct view){body.data, body.size - 1}, 16384, false);
    buf_release(&body);
}

static void send_last(struct grpc_fixture *on, uint32_t stream)
{
    grpc_send_body(on, stream, VIEW("w"), 16384, true);
}

static void session__makes_bodies_wait_while_the_budget_is_tight(void **state)
{
    struct grpc_fixture on;

    (void)state;
    start_beside(&on, 600000);
    send_most(&on, 1, 60000);
    grpc_run(&on);
    assert_null(h2_peer_seen(&on.peer, 1)); /* No credit, no answer. */
    grpc_tick(&on, NS_PER_S);
    assert_null(h2_peer_seen(&on.peer, 1));
    leave(&on, 600000);
    grpc_tick(&on, NS_PER_S);
    assert_true(grpc_seen(&on, 1)->credit >= 32768);
    send_last(&on, 1);
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    stop_beside(&on, 0);
}

static void session__lets_the_favourite_go_on(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    crowd(&on, 890000);
    send_most(&on, 1, 60000); /* More than the pool has. */
    grpc_run(&on);
    assert_true(grpc_seen(&on, 1)->credit >= 32768);
    assert_non_null(on.shared.budget.favourite);
    send_most(&on, 3, 50000); /* There is one favourite only. */
    grpc_run(&on);
    assert_grpc_answer(&on, 3, "grpc-status: 14");
    assert_int_equal(on.shared.budget.queued, 0); /* It waits for no turn, either. */
    on.shared.budget.held -= 390000;
    send_most(&on, 5, 50000);
    grpc_run(&on);
    assert_null(h2_peer_seen(&on.peer, 5));
    send_last(&on, 1);
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    assert_true(grpc_seen(&on, 5)->credit >= 32768); /* It is the next. */
    send_last(&on, 5);
    grpc_run(&on);
    assert_grpc_ok(&on, 5);
    assert_null(on.shared.budget.favourite);
    leave(&on, 500000);
    grpc_stop(&on);
}

static void session__tires_of_a_slow_favourite(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    crowd(&on, 600000);
    send_most(&on, 1, 60000);
    grpc_run(&on);
    grpc_tick(&on, 4 * NS_PER_S);
    assert_false(grpc_seen(&on, 1)->is_ended);
    grpc_tick(&on, 2 * NS_PER_S);
    assert_grpc_answer(&on, 1, "grpc-status: 14");
    assert_null(on.shared.budget.favourite);
    send_most(&on, 3, 60000);
    grpc_run(&on);
    leave(&on, 600000); /* Where there is room, it may take its time. */
    grpc_tick(&on, 20 * NS_PER_S);
    assert_false(grpc_seen(&on, 3)->is_ended);
    assert_null(on.shared.budget.favourite);
    send_last(&on, 3);
    grpc_run(&on);
    assert_grpc_ok(&on, 3);
    grpc_stop(&on);
}

static void session__bounds_what_waits_on_a_connection(void **state)
{
    struct grpc_fixture on;
    size_t refused = 0;

    (void)state;
    start_beside(&on, 500000);
    for (uint32_t stream = 1; stream <= 9; stream += 2)
        send_most(&on, stream, 20000);
    grpc_run(&on);
    for (uint32_t stream = 1; stream <= 9; stream += 2)
        refused += h2_peer_seen(&on.peer, stream) != NULL &&
                   h2_seen_has(grpc_seen(&on, stream), "grpc-status: 14");
    assert_int_equal(refused, 2); /* Of 64 KiB the first three leave no room for more. */
    leave(&on, 500000);
    for (int i = 0; i < 3; i++)
        grpc_tick(&on, NS_PER_S / 10);
    for (uint32_t stream = 1; stream <= 5; stream += 2)
        send_last(&on, stream);
    grpc_run(&on);
    for (uint32_t stream = 1; stream <= 5; stream += 2)
        assert_grpc_ok(&on, stream);
    stop_beside(&on, 0);
}

static void session__refuses_bodies_beyond_the_budget(void **state)
{
    struct grpc_fixture on;

    (void)state;
    start_beside(&on, 890000);
    send_most(&on, 1, 50000);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 14");
    assert_non_null(memmem(grpc_seen(&on, 1)->fields.data, grpc_seen(&on, 1)->fields.size,
                           "grpc-status-details-bin", 23));
    /* A message that lies in one piece holds nothing, and goes through. */
    grpc_open(&on, 3);
    grpc_send_message(&on, 3, 5000, 'r', 16384);
    grpc_run(&on);
    assert_grpc_ok(&on, 3);
    stop_beside(&on, 890000);
}

/* A connection with bodies that do not end, as many as it may have. */
static void start_greedy(struct grpc_fixture *on, size_t body_bytes_max, size_t size)
{
    grpc_start_with(on, GRPC_MESSAGE_MAX, body_bytes_max);
    for (uint32_t i = 0; on->shared.budget.held <= on->shared.budget.pool / 2 + size; i++) {
        assert_true(i < 100);
        send_most(on, 1 + 2 * i, size);
        grpc_run(on);
    }
    assert_int_equal(on->status, 0);
    assert_in_range(on->shared.budget.held, on->shared.budget.pool / 2, on->shared.budget.pool);
}

static size_t given_up(const struct grpc_fixture *on)
{
    size_t count = 0;

    for (uint32_t i = 0; i < 100; i++) {
        const struct h2_seen *seen = h2_peer_seen(&on->peer, 1 + 2 * i);

        count += seen != NULL && seen->is_ended;
    }
    return count;
}

/* Those beside it that have one body each are served without waiting for it. */
static void session__serves_the_modest_beside_a_greedy_one(void **state)
{
    enum { MODEST = 10 };
    struct grpc_fixture greedy;
    struct grpc_fixture *modest = mem_calloc(MODEST, sizeof(*modest));
    size_t held;

    (void)state;
    assert_non_null(modest);
    start_greedy(&greedy, 10 * GRPC_BODY_BYTES_MAX, 60000);
    held = greedy.shared.budget.held;
    for (size_t i = 0; i < MODEST; i++) {
        grpc_start_beside(&modest[i], &greedy);
        send_most(&modest[i], 1, 60000);
        grpc_run(&modest[i]);
        assert_true(grpc_seen(&modest[i], 1)->credit >= 32768);
    }
    for (size_t i = 0; i < MODEST; i++) {
        send_last(&modest[i], 1);
        grpc_run(&modest[i]);
        assert_grpc_ok(&modest[i], 1);
        grpc_stop(&modest[i]);
    }
    assert_int_equal(greedy.shared.budget.held, held);
    assert_int_equal(greedy.calls, MODEST);
    grpc_stop(&greedy);
    mem_free(modest);
}

/* All but the last of a message's bytes, in two steps so that the window is kept to. */
static void send_most_in_steps(struct grpc_fixture *on, size_t size)
{
    struct buf body;

    buf_init(&body, 0);
    grpc_put_message(&body, 0, size, 'w');
    grpc_open(on, 1);
    grpc_send_body(on, 1, (struct view){body.data, 60000}, 16384, false);
    grpc_run(on);
    grpc_send_body(on, 1, (struct view){body.data + 60000, body.size - 60001}, 16384, false);
    grpc_run(on);
    buf_release(&body);
}

/* Who holds far more than its share gives some of it up for those who wait. */
static void session__takes_from_a_greedy_one_while_others_wait(void **state)
{
    enum { WAITING = 4 };
    struct grpc_fixture greedy;
    struct grpc_fixture *waiting = mem_calloc(WAITING, sizeof(*waiting));

    (void)state;
    assert_non_null(waiting);
    start_greedy(&greedy, GRPC_BODY_BYTES_MAX, 5000);
    for (size_t i = 0; i < WAITING; i++) {
        grpc_start_beside(&waiting[i], &greedy);
        send_most_in_steps(&waiting[i], 95000);
    }
    assert_true(greedy.shared.budget.queued != 0);
    assert_int_equal(given_up(&greedy), 0);
    grpc_tick(&greedy, NS_PER_S / 10);
    assert_in_range(given_up(&greedy), 1, 50); /* It may keep some of its 90. */
    assert_int_equal(grpc_counted(&greedy, RECEIVER_LIMIT_SHARE), given_up(&greedy));
    for (size_t i = 0; i < WAITING; i++) {
        grpc_tick(&waiting[i], NS_PER_S / 10);
        send_last(&waiting[i], 1);
        grpc_run(&waiting[i]);
        assert_grpc_ok(&waiting[i], 1);
        grpc_stop(&waiting[i]);
    }
    grpc_stop(&greedy);
    mem_free(waiting);
}

/* And for those who would not have been turned away without it. */
static void session__takes_from_a_greedy_one_for_who_was_refused(void **state)
{
    enum { MODEST = 4 };
    struct grpc_fixture greedy;
    struct grpc_fixture *modest = mem_calloc(MODEST, sizeof(*modest));

    (void)state;
    assert_non_null(modest);
    start_greedy(&greedy, GRPC_BODY_BYTES_MAX, 45000);
    for (size_t i = 0; i < MODEST; i++) {
        grpc_start_beside(&modest[i], &greedy);
        send_most_in_steps(&modest[i], 98000);
    }
    assert_grpc_answer(&modest[MODEST - 1], 1, "grpc-status: 14");
    grpc_tick(&greedy, NS_PER_S / 10);
    assert_in_range(given_up(&greedy), 1, 10);
    send_most(&modest[MODEST - 1], 3, 60000); /* It comes again, and there is room. */
    grpc_run(&modest[MODEST - 1]);
    send_last(&modest[MODEST - 1], 3);
    grpc_run(&modest[MODEST - 1]);
    assert_grpc_ok(&modest[MODEST - 1], 3);
    for (size_t i = 0; i < MODEST; i++)
        grpc_stop(&modest[i]);
    grpc_stop(&greedy);
    mem_free(modest);
}

/* ------------------------------------------------------------------------- time */

static void session__ends_what_takes_too_long(void **state)
{
    static const struct h2_field timeout[] = {{VIEW("grpc-timeout"), VIEW("5S")}};
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    grpc_open(&on, 1);
    grpc_open_with(&on, 3, timeout, 1, 0);
    grpc_run(&on);
    grpc_tick(&on, 4 * NS_PER_S);
    assert_null(h2_peer_seen(&on.peer, 3));
    grpc_tick(&on, 2 * NS_PER_S);
    assert_grpc_answer(&on, 3, "grpc-status: 4");
    assert_true(grpc_seen(&on, 3)->is_reset);
    assert_null(h2_peer_seen(&on.peer, 1));
    grpc_tick(&on, 55 * NS_PER_S);
    assert_grpc_answer(&on, 1, "grpc-status: 4");
    assert_int_equal(grpc_counted(&on, RECEIVER_REQUESTS_LATE), 2);
    assert_int_equal(on.status, 0);
    grpc_stop(&on);
}

static void session__ends_peers_that_never_greet(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start_unheard(&on);
    on.peer.out.size = 10;
    grpc_run(&on);
    grpc_tick(&on, 9 * NS_PER_S);
    assert_int_equal(on.status, 0);
    grpc_tick(&on, 2 * NS_PER_S);
    assert_int_equal(on.status, STATUS_TIMEOUT);
    assert_int_equal(grpc_counted(&on, RECEIVER_CONNECTIONS_TIMED_OUT), 1);
    grpc_stop(&on);
}

static void session__ends_header_blocks_that_never_end(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    h2_peer_headers(&on.peer, 1, grpc_basic, GRPC_BASIC_COUNT, 0); /* CONTINUATION is to follow. */
    grpc_run(&on);
    grpc_tick(&on, 61 * NS_PER_S);
    assert_int_equal(on.status, STATUS_CLOSED);
    assert_int_equal(on.peer.goaway_error, H2_ENHANCE_YOUR_CALM);
    grpc_stop(&on);
}

static void session__lets_idle_connections_go(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    on.shared.idle_timeout_ns = 30 * NS_PER_S;
    grpc_open(&on, 1);
    grpc_run(&on);
    grpc_tick(&on, 40 * NS_PER_S);
    assert_int_equal(on.peer.goaways, 0); /* It is not idle. */
    grpc_send_message(&on, 1, 10, 'i', 16384);
    grpc_run(&on);
    grpc_tick(&on, 29 * NS_PER_S);
    assert_int_equal(on.peer.goaways, 0);
    grpc_tick(&on, 2 * NS_PER_S);
    assert_int_equal(on.peer.goaways, 1);
    assert_int_equal(on.peer.goaway_error, H2_NO_ERROR);
    grpc_tick(&on, 2 * NS_PER_S);
    assert_int_equal(on.status, STATUS_CLOSED);
    grpc_stop(&on);
}

/* ------------------------------------------------------------------------ drain */

static void session__drains_in_two_steps(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    grpc_open(&on, 1);
    grpc_run(&on);
    assert_int_equal(session_drain(on.session, on.now), 0);
    grpc_hear(&on);
    assert_int_equal(on.peer.goaways, 1);
    assert_int_equal(on.peer.goaway_stream, 0x7fffffff);
    assert_int_equal(on.peer.pings, 1);
    grpc_open(&on, 3); /* Sent before the notice came; it must not be lost. */
    grpc_send_message(&on, 3, 10, 'd', 16384);
    h2_peer_frame(&on.peer, H2_PING, H2_ACK, 0, (struct view){(const char *)on.peer.ping, 8});
    grpc_run(&on);
    assert_grpc_ok(&on, 3);
    assert_int_equal(on.peer.goaways, 2);
    assert_int_equal(on.peer.goaway_stream, 3);
    assert_int_equal(on.status, 0);
    grpc_open(&on, 5); /* Too late: not answered, and its sender knows. */
    grpc_send_message(&on, 5, 10, 'd', 16384);
    grpc_send_message(&on, 1, 10, 'd', 16384);
    grpc_run(&on);
    assert_null(h2_peer_seen(&on.peer, 5));
    assert_grpc_ok(&on, 1);
    assert_int_equal(on.status, STATUS_CLOSED);
    assert_int_equal(on.calls, 2);
    assert_int_equal(grpc_counted(&on, RECEIVER_PROTOCOL_ERRORS), 0);
    grpc_stop(&on);
}

static void session__drains_without_an_answered_ping(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    grpc_run(&on);
    assert_int_equal(session_drain(on.session, on.now), 0);
    grpc_hear(&on);
    assert_int_equal(on.status, 0);
    grpc_tick(&on, 2 * NS_PER_S);
    assert_int_equal(on.peer.goaways, 2);
    assert_int_equal(on.status, STATUS_CLOSED);
    grpc_stop(&on);
}

static void session__waits_for_no_head_when_it_drains(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    h2_peer_headers(&on.peer, 1, grpc_basic, GRPC_BASIC_COUNT, 0); /* No END_HEADERS. */
    grpc_run(&on);
    assert_int_equal(session_drain(on.session, on.now), 0);
    grpc_hear(&on);
    assert_int_equal(on.status, 0);
    grpc_tick(&on, 2 * NS_PER_S);
    assert_int_equal(on.peer.goaways, 2);
    assert_int_equal(on.status, STATUS_CLOSED);
    grpc_stop(&on);
}

static void session__ends_who_did_not_greet_when_it_drains(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start_unheard(&on);
    on.status = session_receive(on.session, VIEW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), on.now);
    assert_int_equal(on.status, 0);
    assert_int_equal(session_drain(on.session, on.now), 0);
    grpc_hear(&on);
    assert_int_equal(on.peer.goaways, 1);
    assert_int_equal(on.peer.goaway_error, H2_NO_ERROR);
    assert_int_equal(on.status, STATUS_CLOSED);
    grpc_stop(&on);
}

/* ------------------------------------------------------------------------ losses */

static void session__counts_what_is_lost(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    grpc_open(&on, 1);
    grpc_open(&on, 3);
    h2_peer_reset(&on.peer, 1, H2_CANCEL);
    grpc_run(&on);
    assert_int_equal(grpc_counted(&on, RECEIVER_STREAMS_LOST), 1);
    session_free(on.session);
    on.session = NULL;
    assert_int_equal(grpc_counted(&on, RECEIVER_STREAMS_LOST), 2);
    grpc_stop(&on);
}

static void break_protocol(struct view bytes)
{
    struct grpc_fixture on;

    grpc_start_unheard(&on);
    on.peer.out.size = 0;
    assert_int_equal(buf_append_view(&on.peer.out, bytes), 0);
    grpc_run(&on);
    assert_true(on.status < 0);
    session_free(on.session);
    on.session = NULL;
    assert_int_equal(grpc_counted(&on, RECEIVER_PROTOCOL_ERRORS), 1);
    grpc_stop(&on);
}

static void session__counts_peers_that_break_the_protocol(void **state)
{
    (void)state;
    break_protocol(VIEW("PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n"));
    break_protocol(VIEW("\x16\x03\x01\x02\x00\x01")); /* TLS. */
    break_protocol(VIEW("P\r\n\r\n"));
}

/* ------------------------------------------------------------------------ memory */

/* What is kept for the next bodies is no other memory than that of bodies. */
static void session__keeps_memory_within_what_bodies_may_hold(void **state)
{
    static const size_t bounds[] = {3 << 20, 112 << 20, (size_t)8 << 30};
    static const unsigned workers[] = {1, 2, 8, 64};

    (void)state;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        for (size_t j = 0; j < sizeof(workers) / sizeof(workers[0]); j++) {
            struct session_shared shared = {.workers = workers[j],
                                            .message_bytes_max = bounds[i] / 3 * 2};
            struct session_worker worker;
            size_t kept;

            session_shared_bound(&shared, bounds[i]);
            assert_int_equal(shared.message_bytes_max, bounds[i] / 3 * 2);
            session_worker_init(&worker, 0, &shared);
            kept = worker.spares.kept_bytes_max + worker.inflated_kept_max;
            assert_in_range(kept, 1, 9 << 20);
            assert_int_equal(shared.budget.max, bounds[i] - workers[j] * kept);
            session_worker_release(&worker);
            session_shared_release(&shared);
        }
    }
}

static int serve_once(void *context)
{
    struct grpc_fixture *on = context;
    struct buf out;
    int status;

    buf_init(&out, 0);
    on->calls = 0;
    status = session_new(&on->shared, &on->worker, on->opening, on->now, &on->session);
    if (status != 0)
        return status;
    status = session_receive(on->session, buf_view(&on->peer.out), on->now);
    if (status == 0)
        status = session_produce(on->session, on->now, 1 << 20, &out);
    session_free(on->session);
    on->session = NULL;
    buf_release(&out);
    assert_int_equal(on->shared.budget.held, 0);
    /* What could not be had for one stream cost that stream only. */
    if (status != 0)
        return STATUS_NOMEM;
    return grpc_counted(on, RECEIVER_REQUESTS_OK) != 0 && on->calls == 2 ? 0 : STATUS_NOMEM;
}

static void session__survives_failing_memory(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start_unheard(&on);
    session_free(on.session);
    on.session = NULL;
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 3000, 'm', 700);
    grpc_open_with(&on, 3, (struct h2_field[]){{VIEW("grpc-encoding"), VIEW("gzip")}}, 1, 0);
    {
        struct buf body;

        buf_init(&body, 0);
        grpc_put_gzip(&body, 3000, 'm');
        grpc_send_body(&on, 3, buf_view(&body), 16384, true);
        buf_release(&body);
    }
    grpc_open_with(&on, 5, (struct h2_field[]){{VIEW(":path"), VIEW("/nowhere")}}, 1,
                   H2_END_STREAM);
    test_sweep_memory(serve_once, &on);
    grpc_stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session__gives_credit_for_what_it_took),
        cmocka_unit_test(session__makes_bodies_wait_while_the_budget_is_tight),
        cmocka_unit_test(session__lets_the_favourite_go_on),
        cmocka_unit_test(session__tires_of_a_slow_favourite),
        cmocka_unit_test(session__bounds_what_waits_on_a_connection),
        cmocka_unit_test(session__refuses_bodies_beyond_the_budget),
        cmocka_unit_test(session__serves_the_modest_beside_a_greedy_one),
        cmocka_unit_test(session__takes_from_a_greedy_one_while_others_wait),
        cmocka_unit_test(session__takes_from_a_greedy_one_for_who_was_refused),
        cmocka_unit_test(session__ends_what_takes_too_long),
        cmocka_unit_test(session__ends_peers_that_never_greet),
        cmocka_unit_test(session__ends_header_blocks_that_never_end),
        cmocka_unit_test(session__lets_idle_connections_go),
        cmocka_unit_test(session__drains_in_two_steps),
        cmocka_unit_test(session__drains_without_an_answered_ping),
        cmocka_unit_test(session__waits_for_no_head_when_it_drains),
        cmocka_unit_test(session__ends_who_did_not_greet_when_it_drains),
        cmocka_unit_test(session__counts_what_is_lost),
        cmocka_unit_test(session__counts_peers_that_break_the_protocol),
        cmocka_unit_test(session__keeps_memory_within_what_bodies_may_hold),
        cmocka_unit_test(session__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
