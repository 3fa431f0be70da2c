/* h2_test.c: a session between a peer that writes frames by hand and events that note all. */
#include "tests/lib/h2_fixture.h"

/* ----------------------------------------------------------------------- events */

static void h2__tells_a_request_in_order(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, 0);
    h2_peer_frame(&on.peer, H2_DATA, 0, 1, VIEW("abc"));
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW("d"));
    run(&on);
    assert_view_equal(buf_view(&on.notes), "bffffhdde");
    assert_view_equal(buf_view(&on.data), "abcd");
    assert_int_equal(h2_streams(on.h2), 1);
    assert_int_equal(h2_answer(on.stream, ok, 1), 0);
    hear(&on);
    assert_view_equal(buf_view(&on.notes), "bffffhddec");
    assert_int_equal(h2_streams(on.h2), 0);
    assert_true(h2_peer_seen(&on.peer, 1)->is_ended);
    stop(&on);
}

static void h2__closes_what_is_left_when_it_goes(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, 0);
    open(&on, 3, 0);
    run(&on);
    buf_reset(&on.notes);
    h2_free(on.h2);
    on.h2 = NULL;
    assert_view_equal(buf_view(&on.notes), "cc");
    stop(&on);
}

static void h2__tells_nothing_of_trailers_but_the_end(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, 0);
    h2_peer_headers(&on.peer, 1, (struct h2_field[]){{VIEW("a"), VIEW("b")}}, 1,
                    H2_END_HEADERS | H2_END_STREAM);
    run(&on);
    assert_view_equal(buf_view(&on.notes), "bffffhe");
    stop(&on);
}

static void h2__refuses_a_stream_that_nobody_takes(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    on.refuses = true;
    open(&on, 1, 0);
    run(&on);
    assert_int_equal(on.status, 0);
    assert_true(h2_peer_seen(&on.peer, 1)->is_reset);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->reset_error, H2_REFUSED_STREAM);
    assert_int_equal(on.notes.size, 0);
    on.refuses = false;
    open(&on, 3, H2_END_STREAM);
    run(&on);
    assert_view_equal(buf_view(&on.notes), "bffffhe");
    stop(&on);
}

static void h2__refuses_streams_beyond_their_number(void **state)
{
    struct fixture on;

    (void)state;
    start_unsettled(&on);
    buf_reset(&on.peer.out); /* It opened them before it saw our limit. */
    for (uint32_t stream = 1; stream <= 23; stream += 2)
        open(&on, stream, 0);
    run(&on);
    assert_int_equal(h2_streams(on.h2), 10);
    assert_int_equal(h2_peer_seen(&on.peer, 21)->reset_error, H2_REFUSED_STREAM);
    assert_int_equal(h2_peer_seen(&on.peer, 23)->reset_error, H2_REFUSED_STREAM);
    assert_int_equal(on.refused, 2);
    assert_int_equal(on.status, 0);
    assert_null(h2_fault(on.h2));
    stop(&on);
    start(&on);
    for (uint32_t stream = 1; stream <= 21; stream += 2)
        open(&on, stream, 0);
    run(&on);
    assert_true(h2_is_done(on.h2));
    assert_int_equal(on.peer.goaway_error, H2_PROTOCOL_ERROR);
    stop(&on);
}

static void h2__decodes_a_header_list_past_its_limit(void **state)
{
    char value[900];
    struct h2_field fields[6];
    struct fixture on;

    (void)state;
    start(&on);
    memset(value, 'v', sizeof(value));
    memcpy(fields, get, sizeof(get));
    fields[4] = (struct h2_field){VIEW("x-long"), {value, sizeof(value)}};
    fields[5] = (struct h2_field){VIEW("x-indexed"), VIEW("later")};
    h2_peer_headers(&on.peer, 1, fields, 6, H2_END_HEADERS | H2_END_STREAM);
    run(&on);
    assert_view_equal(buf_view(&on.notes), "bffffLe");
    buf_reset(&on.notes);
    fields[4] = fields[5]; /* By its index in the table that the first one filled. */
    h2_peer_headers(&on.peer, 3, fields, 5, H2_END_HEADERS | H2_END_STREAM);
    run(&on);
    assert_view_equal(buf_view(&on.notes), "bfffffhe");
    assert_int_equal(on.status, 0);
    stop(&on);
}

/* ---------------------------------------------------------------------- answers */

static void h2__answers_in_pieces_with_trailers(void **state)
{
    static const struct h2_field trailers[] = {{VIEW("t1"), VIEW("v1")}, {VIEW("t2"), VIEW("")}};
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, H2_END_STREAM);
    run(&on);
    assert_int_equal(h2_begin_answer(on.stream, ok, 1), 0);
    hear(&on);
    assert_true(h2_seen_has(h2_peer_seen(&on.peer, 1), ":status: 200"));
    hear(&on); /* There is nothing, and that is no end. */
    assert_int_equal(h2_write(on.stream, VIEW("one ")), 0);
    hear(&on);
    assert_int_equal(h2_write(on.stream, VIEW("two ")), 0);
    assert_int_equal(h2_write(on.stream, VIEW("three")), 0);
    hear(&on);
    assert_false(h2_peer_seen(&on.peer, 1)->is_ended);
    assert_int_equal(h2_end_answer(on.stream, trailers, 2), 0);
    hear(&on);
    assert_view_equal(buf_view(&h2_peer_seen(&on.peer, 1)->body), "one two three");
    assert_true(h2_peer_seen(&on.peer, 1)->is_ended);
    assert_true(h2_seen_has(h2_peer_seen(&on.peer, 1), "t1: v1"));
    assert_true(h2_seen_has(h2_peer_seen(&on.peer, 1), "t2: "));
    assert_int_equal(h2_streams(on.h2), 0);
    stop(&on);
}

/* The bytes of three answers on one connection, so that references to the table are among them. */
static void answer_thrice(bool as_literals, struct buf *out)
{
    static const struct h2_field fields[] = {{VIEW(":status"), VIEW("200")},
                                             {VIEW("content-type"), VIEW("text/plain")},
                                             {VIEW("x-more"), VIEW("")}};
    static const struct h2_field trailer = {VIEW("t1"), VIEW("v1")};
    static const char *const bodies[] = {"", "a body", "another"};
    struct fixture on;

    start(&on);
    for (uint32_t i = 0; i < 3; i++) {
        open(&on, 2 * i + 1, H2_END_STREAM);
        run(&on);
        assert_int_equal(as_literals ? h2_begin_literal_answer(on.stream, fields, 3)
                                     : h2_begin_answer(on.stream, fields, 3),
                         0);
        assert_int_equal(h2_write(on.stream, view_of(bodies[i])), 0);
        assert_int_equal(as_literals ? h2_end_literal_answer(on.stream, &trailer)
                                     : h2_end_answer(on.stream, &trailer, 1),
                         0);
        assert_int_equal(h2_unsent(on.stream), strlen(bodies[i]));
        assert_int_equal(h2_send(on.h2, on.now, SIZE_MAX / 2, out), 0);
        assert_int_equal(h2_streams(on.h2), 0);
    }
    stop(&on);
}

static void h2__says_the_same_with_literals(void **state)
{
    struct buf copied, literal;

    (void)state;
    buf_init(&copied, 0);
    buf_init(&literal, 0);
    answer_thrice(false, &copied);
    answer_thrice(true, &literal);
    assert_true(copied.size > 3 * 3 * 9); /* Heads of frames alone. */
    assert_int_equal(literal.size, copied.size);
    assert_memory_equal(literal.data, copied.data, copied.size);
    buf_release(&copied);
    buf_release(&literal);
}

static void h2__sends_no_more_than_the_peer_takes(void **state)
{
    static char body[100000];
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, H2_END_STREAM);
    run(&on);
    memset(body, 'w', sizeof(body));
    assert_int_equal(h2_begin_answer(on.stream, ok, 1), 0);
    assert_int_equal(h2_write(on.stream, (struct view){body, sizeof(body)}), 0);
    assert_int_equal(h2_end_answer(on.stream, NULL, 0), 0);
    hear(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->body.size, 65535);
    h2_peer_window(&on.peer, 1, 100000);
    h2_peer_window(&on.peer, 0, 10000);
    run(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->body.size, 75535);
    h2_peer_window(&on.peer, 0, 100000);
    run(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->body.size, sizeof(body));
    assert_true(h2_peer_seen(&on.peer, 1)->is_ended);
    stop(&on);
}

static void h2__asks_to_stop_once_the_answer_is_sent(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open(&on, 1, 0);
    run(&on);
    assert_int_equal(h2_answer(on.stream, ok, 1), 0);
    hear(&on);
    assert_true(h2_peer_seen(&on.peer, 1)->is_ended);
    assert_true(h2_peer_seen(&on.peer, 1)->is_reset);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->reset_error, H2_NO_ERROR);
    buf_reset(&on.notes);
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW("late"));
    run(&on);
    assert_int_equal(on.status, 0);
    assert_int_equal(on.notes.size, 0);
    stop(&on);
}

static void h2__sends_as_much_as_is_wanted(void **state)
{
    static char body[60000];
    struct fixture on;
    struct buf out;

    (void)state;
    start(&on);
    open(&on, 1, H2_END_STREAM);
    run(&on);
    assert_int_equal(h2_begin_answer(on.stream, ok, 1), 0);
    assert_int_equal(h2_write(on.stream, (struct view){body, sizeof(body)}), 0);
    assert_int_equal(h2_end_answer(on.stream, NULL, 0), 0);
    buf_init(&out, 0);
    assert_int_equal(h2_send(on.h2, on.now, 10000, &out), 0);
    assert_in_range(out.size, 10000, 10000 + 16384 + 9);
    assert_false(h2_is_done(on.h2));
    h2_peer_read(&on.peer, buf_view(&out));
    buf_release(&out);
    hear(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->body.size, sizeof(body));
    stop(&on);
}

/* ----------------------------------------------------------------------- credit */

static void send_bytes(struct fixture *on, uint32_t stream, size_t count)
{
    static const char bytes[10000];

    for (; count != 0; count -= count < sizeof(bytes) ? count : sizeof(bytes))
        h2_peer_frame(&on->peer, H2_DATA, 0, stream,
                      (struct view){bytes, count < sizeof(bytes) ? count : sizeof(bytes)});
}

static void h2__gives_no_credit_for_what_nobody_took(void **state)
{
    uint64_t before;
    struct fixture on;

    (void)state;
    start(&on);
    on.keeps_credit = true;
    before = on.peer.credit;
    open(&on, 1, 0);
    send_bytes(&on, 1, WINDOW);
    run(&on);
    assert_int_equal(on.data.size, WINDOW);
    assert_null(h2_peer_seen(&on.peer, 1));
    assert_int_equal(on.stream->owed, WINDOW);
    h2_return(on.stream);
    assert_int_equal(on.stream->owed, 0);
    h2_return(on.stream);
    hear(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->credit, WINDOW);
    send_bytes(&on, 1, WINDOW);
    run(&on);
    h2_return_connection(on.stream);
    hear(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->credit, WINDOW);
    assert_in_range(on.peer.credit - before, WINDOW, 2 * WINDOW);
    send_bytes(&on, 1, 1); /* One more than it may. */
    run(&on);
    assert_int_equal(h2_peer_seen(&on.peer, 1)->reset_error, 3);
    stop(&on);
}

static void h2__gives_a_connections_credit_back_with_its_stream(void **state)
{
    uint64_t before;
    struct fixture on;

    (void)state;
    start(&on);
    on.keeps_credit = true;
    before = on.peer.credit;
    for (uint32_t stream = 1; stream <= 5; stream += 2) {
        open(&on, stream, 0);
        send_bytes(&on, stream, 60000);
        h2_peer_reset(&on.peer, stream, H2_CANCEL);
    }
    run(&on);
    assert_true(on.peer.credit - before >= 100000);
    stop(&on);
}

/* ----------------------------------------------------------------------- memory */

static int talk(void *context)
{
    struct fixture *on = context;
    struct h2_options options = options_of(on);
    struct buf out;
    int status = h2_new(&options, on->now, &on->h2);

    if (status != 0)
        return status;
    buf_init(&out, 0);
    status = h2_receive(on->h2, buf_view(&on->peer.out), on->now);
    if (status == 0 && on->stream == NULL)
        status = STATUS_NOMEM; /* The stream was refused for want of memory. */
    if (status == 0)
        status = h2_begin_answer(on->stream, ok, 1);
    if (status == 0)
        status = h2_write(on->stream, VIEW("body"));
    if (status == 0)
        status = h2_end_answer(on->stream, ok, 1);
    if (status == 0)
        h2_shut_down(on->h2, VIEW("bye"), on->now);
    if (status == 0)
        status = h2_send(on->h2, on->now, 1 << 20, &out);
    h2_free(on->h2);
    buf_release(&out);
    return status;
}

static void h2__says_nothing_more_once_it_is_broken(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    on.keeps_credit = true;
    open(&on, 1, 0);
    run(&on);
    open(&on, 3, 0);
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW("body"));
    mem_fail_after(0);
    on.status = h2_receive(on.h2, buf_view(&on.peer.out), on.now);
    mem_fail_after(-1);
    assert_int_equal(on.status, STATUS_NOMEM);
    h2_return(on.stream);
    assert_int_equal(h2_begin_answer(on.stream, ok, 1), STATUS_NOMEM);
    assert_true(on.stream->is_answered && on.stream->is_reset);
    h2_reset(on.stream, H2_CANCEL);
    stop(&on);
}

static void h2__survives_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    memset(&on, 0, sizeof(on));
    h2_peer_init(&on.peer);
    open(&on, 1, 0);
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW("body"));
    /* What the events note must not be what fails. */
    assert_int_equal(buf_reserve(&on.notes, 100000), 0);
    assert_int_equal(buf_reserve(&on.data, 100000), 0);
    test_sweep_memory(talk, &on);
    on.h2 = NULL;
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2__tells_a_request_in_order),
        cmocka_unit_test(h2__closes_what_is_left_when_it_goes),
        cmocka_unit_test(h2__tells_nothing_of_trailers_but_the_end),
        cmocka_unit_test(h2__refuses_a_stream_that_nobody_takes),
        cmocka_unit_test(h2__refuses_streams_beyond_their_number),
        cmocka_unit_test(h2__decodes_a_header_list_past_its_limit),
        cmocka_unit_test(h2__answers_in_pieces_with_trailers),
        cmocka_unit_test(h2__says_the_same_with_literals),
        cmocka_unit_test(h2__sends_no_more_than_the_peer_takes),
        cmocka_unit_test(h2__asks_to_stop_once_the_answer_is_sent),
        cmocka_unit_test(h2__sends_as_much_as_is_wanted),
        cmocka_unit_test(h2__gives_no_credit_for_what_nobody_took),
        cmocka_unit_test(h2__gives_a_connections_credit_back_with_its_stream),
        cmocka_unit_test(h2__says_nothing_more_once_it_is_broken),
        cmocka_unit_test(h2__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
