/* grpc_call_test.c: requests as a client writes them, right and wrong. */
#include "tests/lib/grpc_fixture.h"
#include "tests/lib/test.h"

/* --------------------------------------------------------------------- messages */

static void call__answers_a_unary_request(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    on.body_size = 3;
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 1000, 'a', 16384);
    grpc_run(&on);
    assert_int_equal(on.status, 0);
    assert_int_equal(on.calls, 1);
    assert_int_equal(on.sizes[0], 1000);
    assert_grpc_ok(&on, 1);
    assert_memory_equal(grpc_seen(&on, 1)->body.data, "\0\0\0\0\3bbb", 8);
    assert_true(h2_seen_has(grpc_seen(&on, 1), "content-type: application/grpc"));
    assert_true(h2_seen_has(grpc_seen(&on, 1), "grpc-accept-encoding: identity,gzip,deflate,zstd"));
    assert_int_equal(grpc_counted(&on, RECEIVER_REQUESTS_OK), 1);
    assert_int_equal(grpc_counted(&on, RECEIVER_MESSAGE_BYTES), 1000);
    grpc_stop(&on);
}

static void call__hands_a_message_on_in_place(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 1000, 'a', 16384);
    on.status = session_receive(on.session, buf_view(&on.peer.out), on.now);
    assert_int_equal(on.calls, 1);
    assert_true(on.last >= on.peer.out.data && on.last < on.peer.out.data + on.peer.out.size);
    grpc_stop(&on);
}

static void call__puts_pieces_of_any_size_together(void **state)
{
    static const size_t frames[] = {1, 2, 3, 7, 100, 16384};
    static const size_t pieces[] = {1, 9, 1000, 0};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct grpc_fixture on;

            grpc_start(&on);
            on.piece = pieces[j];
            for (uint32_t stream = 1; stream <= 7; stream += 2)
                grpc_open(&on, stream);
            grpc_send_message(&on, 1, 0, '-', frames[i]);
            grpc_send_message(&on, 3, 1, 'b', frames[i]);
            grpc_send_message(&on, 5, 900, 'c', frames[i]);
            grpc_send_message(&on, 7, 901, 'd', frames[i]);
            grpc_run(&on);
            assert_int_equal(on.status, 0);
            assert_int_equal(on.calls, 4);
            assert_memory_equal(on.first, "-bcd", 4);
            assert_int_equal(on.sizes[0], 0);
            assert_int_equal(on.sizes[2], 900);
            for (uint32_t stream = 1; stream <= 7; stream += 2)
                assert_grpc_ok(&on, stream);
            grpc_stop(&on);
        }
    }
}

static void call__keeps_interleaved_bodies_apart(void **state)
{
    struct buf bodies[2];
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    for (uint32_t i = 0; i < 2; i++) {
        buf_init(&bodies[i], 0);
        grpc_put_message(&bodies[i], 0, 3000, (char)('x' + i));
        grpc_open(&on, 1 + 2 * i);
    }
    for (size_t at = 0; at < 3005; at += 601) {
        grpc_send_body(&on, 1, (struct view){bodies[0].data + at, 601}, 100, at + 601 == 3005);
        grpc_send_body(&on, 3, (struct view){bodies[1].data + at, 601}, 100, at + 601 == 3005);
    }
    grpc_run(&on);
    assert_int_equal(on.calls, 2);
    assert_grpc_ok(&on, 1);
    assert_grpc_ok(&on, 3);
    buf_release(&bodies[0]);
    buf_release(&bodies[1]);
    grpc_stop(&on);
}

static void call__takes_padding_off(void **state)
{
    struct grpc_fixture on;
    struct buf padded;

    (void)state;
    grpc_start(&on);
    buf_init(&padded, 0);
    grpc_open(&on, 1);
    assert_int_equal(buf_append_byte(&padded, 200 - 256), 0);
    grpc_put_message(&padded, 0, 50, 'p');
    for (int i = 0; i < 200; i++)
        assert_int_equal(buf_append_byte(&padded, 0), 0);
    h2_peer_frame(&on.peer, H2_DATA, H2_PADDED | H2_END_STREAM, 1, buf_view(&padded));
    grpc_run(&on);
    assert_int_equal(on.sizes[0], 50);
    assert_grpc_ok(&on, 1);
    buf_release(&padded);
    grpc_stop(&on);
}

static void call__takes_an_end_of_its_own(void **state)
{
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start(&on);
    buf_init(&body, 0);
    grpc_put_message(&body, 0, 70, 'e');
    grpc_open(&on, 1);
    grpc_send_body(&on, 1, buf_view(&body), 16384, false);
    grpc_run(&on);
    assert_int_equal(on.calls, 0);
    assert_true(on.shared.budget.held >= 70);
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 1, VIEW(""));
    grpc_run(&on);
    assert_int_equal(on.sizes[0], 70);
    assert_grpc_ok(&on, 1);
    grpc_open(&on, 3);
    grpc_send_body(&on, 3, buf_view(&body), 16384, false);
    h2_peer_headers(&on.peer, 3, (struct h2_field[]){{VIEW("x-trailer"), VIEW("1")}}, 1,
                    H2_END_HEADERS | H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_ok(&on, 3);
    buf_release(&body);
    grpc_stop(&on);
}

static void call__holds_to_the_limit_of_a_message(void **state)
{
    struct grpc_fixture on;
    struct buf prefix;

    (void)state;
    grpc_start_with(&on, GRPC_MESSAGE_MAX, 512 << 20);
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, GRPC_MESSAGE_MAX, 'm', 16384);
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    assert_int_equal(on.sizes[0], GRPC_MESSAGE_MAX);
    buf_init(&prefix, 0);
    grpc_put_message(&prefix, 0, GRPC_MESSAGE_MAX + 1, 'm');
    grpc_open(&on, 3);
    grpc_send_body(&on, 3, (struct view){prefix.data, 5}, 16384, false); /* Its prefix is enough. */
    grpc_run(&on);
    assert_grpc_answer(&on, 3, "grpc-status: 8");
    assert_int_equal(grpc_seen(&on, 3)->blocks, 1);
    assert_false(h2_seen_has(grpc_seen(&on, 3), "grpc-status-details-bin"));
    assert_true(grpc_seen(&on, 3)->is_reset);
    assert_int_equal(grpc_seen(&on, 3)->reset_error, H2_NO_ERROR);
    assert_int_equal(grpc_counted(&on, RECEIVER_REQUESTS_EXHAUSTED), 1);
    assert_int_equal(on.shared.budget.held, 0);
    buf_release(&prefix);
    grpc_stop(&on);
}

static void call__tells_wrong_frames_apart(void **state)
{
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start(&on);
    buf_init(&body, 0);
    grpc_put_message(&body, 2, 10, 'f'); /* A flag that does not exist. */
    grpc_open(&on, 1);
    grpc_send_body(&on, 1, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 13");
    buf_reset(&body);
    grpc_put_message(&body, 1, 10, 'f'); /* Compressed, by nothing. */
    grpc_open(&on, 3);
    grpc_send_body(&on, 3, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_answer(&on, 3, "grpc-status: 13");
    grpc_open_with(&on, 5, (struct h2_field[]){{VIEW("grpc-encoding"), VIEW("snappy")}}, 1, 0);
    grpc_send_body(&on, 5, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_answer(&on, 5, "grpc-status: 12");
    assert_true(h2_seen_has(grpc_seen(&on, 5), "grpc-accept-encoding: identity,gzip,deflate,zstd"));
    grpc_open_with(&on, 7, (struct h2_field[]){{VIEW("grpc-encoding"), VIEW("gzip")}}, 1, 0);
    grpc_send_body(&on, 7, buf_view(&body), 16384, true); /* Not gzip. */
    grpc_run(&on);
    assert_grpc_answer(&on, 7, "grpc-status: 13");
    assert_int_equal(on.calls, 0);
    buf_release(&body);
    grpc_stop(&on);
}

static void call__wants_exactly_one_message(void **state)
{
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start(&on);
    buf_init(&body, 0);
    grpc_open_with(&on, 1, NULL, 0, H2_END_STREAM);
    grpc_open(&on, 3);
    h2_peer_frame(&on.peer, H2_DATA, H2_END_STREAM, 3, VIEW(""));
    grpc_put_message(&body, 0, 10, 'a');
    grpc_put_message(&body, 0, 10, 'b');
    grpc_open(&on, 5);
    grpc_send_body(&on, 5, buf_view(&body), 16384, true);
    grpc_open(&on, 7);
    grpc_send_body(&on, 7, buf_view(&body), 4, true);
    grpc_run(&on);
    for (uint32_t stream = 1; stream <= 7; stream += 2)
        assert_grpc_answer(&on, stream, "grpc-status: 12");
    for (size_t cut = 1; cut < 15; cut++) { /* A second message, cut short. */
        grpc_open(&on, (uint32_t)(9 + 2 * cut));
        grpc_send_body(&on, (uint32_t)(9 + 2 * cut), (struct view){body.data, 15 + cut}, 16384,
                       true);
        grpc_run(&on);
        assert_grpc_answer(&on, (uint32_t)(9 + 2 * cut), "grpc-status: 13");
    }
    for (size_t cut = 1; cut < 15; cut++) { /* The only one, cut short. */
        grpc_open(&on, (uint32_t)(99 + 2 * cut));
        grpc_send_body(&on, (uint32_t)(99 + 2 * cut), (struct view){body.data, cut}, 16384, true);
        grpc_run(&on);
        assert_grpc_answer(&on, (uint32_t)(99 + 2 * cut), "grpc-status: 13");
    }
    assert_int_equal(on.calls, 0);
    assert_int_equal(on.status, 0);
    buf_release(&body);
    grpc_stop(&on);
}

/* ------------------------------------------------------------------------- gzip */

static void call__inflates_up_to_the_limit(void **state)
{
    static const struct h2_field gzip[] = {{VIEW("grpc-encoding"), VIEW("gzip")}};
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start(&on);
    buf_init(&body, 0);
    grpc_put_gzip(&body, GRPC_MESSAGE_MAX, 'z');
    grpc_open_with(&on, 1, gzip, 1, 0);
    grpc_send_body(&on, 1, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    assert_int_equal(on.sizes[0], GRPC_MESSAGE_MAX);
    buf_reset(&body);
    grpc_put_gzip(&body, GRPC_MESSAGE_MAX + 1, 'z');
    grpc_open_with(&on, 3, gzip, 1, 0);
    grpc_send_body(&on, 3, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_answer(&on, 3, "grpc-status: 8");
    assert_int_equal(grpc_seen(&on, 3)->blocks, 1);
    grpc_open_with(&on, 5, gzip, 1, 0); /* Not compressed, although it might be. */
    grpc_send_message(&on, 5, 20, 'n', 16384);
    grpc_run(&on);
    assert_grpc_ok(&on, 5);
    assert_int_equal(on.calls, 2);
    buf_release(&body);
    grpc_stop(&on);
}

static void call__inflates_within_the_budget(void **state)
{
    static const struct h2_field gzip[] = {{VIEW("grpc-encoding"), VIEW("gzip")}};
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start(&on);
    buf_init(&body, 0);
    grpc_put_gzip(&body, 50000, 'z');
    on.shared.budget.held = on.shared.budget.max - 49999; /* By others: later there is room. */
    grpc_open_with(&on, 1, gzip, 1, 0);
    grpc_send_body(&on, 1, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 14");
    assert_int_equal(on.shared.budget.held, on.shared.budget.max - 49999);
    assert_int_equal(grpc_counted(&on, RECEIVER_LIMIT_MEMORY), 1);
    on.shared.budget.held--;
    grpc_open_with(&on, 3, gzip, 1, 0);
    grpc_send_body(&on, 3, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_ok(&on, 3);
    on.shared.budget.held = 0;
    on.shared.budget.max = on.shared.budget
                               .pool = 49999; /* There will never be: it must not come again. */
    grpc_open_with(&on, 5, gzip, 1, 0);
    grpc_send_body(&on, 5, buf_view(&body), 16384, true);
    grpc_run(&on);
    assert_grpc_answer(&on, 5, "grpc-status: 8");
    assert_non_null(memmem(grpc_seen(&on, 5)->fields.data, grpc_seen(&on, 5)->fields.size,
                           "receiver.memory_max", 19));
    buf_release(&body);
    grpc_stop(&on);
}

/* ----------------------------------------------------------------------- fields */

static void expect_field(const char *name, const char *value, const char *line)
{
    struct h2_field more = {view_of(name), view_of(value)};
    struct grpc_fixture on;

    grpc_start(&on);
    grpc_open_with(&on, 1, &more, 1, 0);
    grpc_send_message(&on, 1, 10, 'f', 16384);
    grpc_run(&on);
    assert_int_equal(on.status, 0);
    assert_grpc_answer(&on, 1, line);
    grpc_stop(&on);
}

static void call__judges_the_fields_of_a_request(void **state)
{
    (void)state;
    expect_field("content-type", "application/grpc+proto", "grpc-status: 0");
    expect_field("content-type", "application/grpc;charset=utf-8", "grpc-status: 0");
    expect_field("content-type", "APPLICATION/GRPC", "grpc-status: 0");
    expect_field("content-type", "application/grpc-web", ":status: 415");
    expect_field("content-type", "application/json", ":status: 415");
    expect_field(":method", "PUT", ":status: 405");
    expect_field(":method", "PUT", "grpc-status: 13");
    expect_field(":path", "/t.Service/Other", "grpc-status: 12");
    expect_field(":path", "/t.Service/Export/", "grpc-status: 12");
    expect_field("te", "trailers", "grpc-status: 0");
    expect_field("grpc-timeout", "10S", "grpc-status: 0");
    expect_field("grpc-timeout", "0m", "grpc-status: 4");
    expect_field("grpc-timeout", "10", ":status: 400");
    expect_field("grpc-timeout", "123456789S", ":status: 400");
    expect_field("grpc-encoding", "identity", "grpc-status: 0");
    expect_field("grpc-encoding", "unheard-of", "grpc-status: 0"); /* Of a plain message. */
    expect_field("x-odd-bin", "!!", "grpc-status: 0");
}

static void call__tells_foreigners_what_listens_here(void **state)
{
    static const struct h2_field get[] = {{VIEW(":method"), VIEW("GET")},
                                          {VIEW("content-type"), VIEW("text/html")}};
    struct grpc_fixture on;
    struct buf body;

    (void)state;
    grpc_start(&on);
    grpc_open_with(&on, 1, get, 2, H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, ":status: 415");
    assert_true(grpc_seen(&on, 1)->body.size > 20);
    /* One that never ends is not listened to for long. */
    buf_init(&body, 0);
    grpc_put_message(&body, 0, 80000, 'g');
    grpc_open_with(&on, 3, get, 2, 0);
    grpc_send_body(&on, 3, buf_view(&body), 16384, false);
    grpc_run(&on);
    assert_grpc_answer(&on, 3, ":status: 415");
    assert_true(grpc_seen(&on, 3)->is_reset);
    assert_int_equal(grpc_seen(&on, 3)->reset_error, H2_NO_ERROR);
    buf_release(&body);
    grpc_stop(&on);
}

static void call__refuses_too_long_a_header_list(void **state)
{
    static char value[4000];
    struct h2_field more[5];
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    memset(value, 'v', sizeof(value));
    for (size_t i = 0; i < 5; i++)
        more[i] = (struct h2_field){{&"x0\0x1\0x2\0x3\0x4"[3 * i], 2}, {value, sizeof(value)}};
    grpc_open_with(&on, 1, more, 5, H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 8");
    grpc_open(&on, 3); /* HPACK's state was kept. */
    grpc_send_message(&on, 3, 10, 'h', 16384);
    grpc_run(&on);
    assert_grpc_ok(&on, 3);
    grpc_stop(&on);
}

/* --------------------------------------------------------------------- statuses */

static void call__passes_the_methods_status_on(void **state)
{
    struct grpc_fixture on;

    (void)state;
    grpc_start(&on);
    on.code = GRPC_UNAVAILABLE;
    on.message = "voll: 100 % \xc3\xb6\n";
    on.retry_delay_ns = NS_PER_S;
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 10, 's', 16384);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 14");
    assert_int_equal(grpc_seen(&on, 1)->blocks, 1);
    assert_false(grpc_seen(&on, 1)->is_reset);
    assert_true(h2_seen_has(grpc_seen(&on, 1), "grpc-message: voll: 100 %25 %C3%B6%0A"));
    assert_non_null(memmem(grpc_seen(&on, 1)->fields.data, grpc_seen(&on, 1)->fields.size,
                           "grpc-status-details-bin: CA4S", 29));
    assert_int_equal(grpc_counted(&on, RECEIVER_REQUESTS_UNAVAILABLE), 1);
    on.code = GRPC_OK;
    on.body_size = 1001;
    grpc_open(&on, 3);
    grpc_send_message(&on, 3, 10, 's', 16384);
    grpc_run(&on);
    assert_grpc_answer(&on, 3, "grpc-status: 8"); /* The response has a limit, too. */
    grpc_stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call__answers_a_unary_request),
        cmocka_unit_test(call__hands_a_message_on_in_place),
        cmocka_unit_test(call__puts_pieces_of_any_size_together),
        cmocka_unit_test(call__keeps_interleaved_bodies_apart),
        cmocka_unit_test(call__takes_padding_off),
        cmocka_unit_test(call__takes_an_end_of_its_own),
        cmocka_unit_test(call__holds_to_the_limit_of_a_message),
        cmocka_unit_test(call__tells_wrong_frames_apart),
        cmocka_unit_test(call__wants_exactly_one_message),
        cmocka_unit_test(call__inflates_up_to_the_limit),
        cmocka_unit_test(call__inflates_within_the_budget),
        cmocka_unit_test(call__judges_the_fields_of_a_request),
        cmocka_unit_test(call__tells_foreigners_what_listens_here),
        cmocka_unit_test(call__refuses_too_long_a_header_list),
        cmocka_unit_test(call__passes_the_methods_status_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
