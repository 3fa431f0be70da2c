/* http_call_memory_test.c: what bodies take of the budget, held, inflated and decoded. */
#include "tests/lib/http_fixture.h"
#include "tests/lib/test.h"

#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define JSON "Content-Type: application/json\r\n"

/* Where what comes out is more than it seemed, more of the budget is asked for. */
static void http__inflates_more_than_was_likely(void **state)
{
    static char packed[20000];
    struct http_fixture on;
    struct view body;

    (void)state;
    http_start(&on);
    http_post(&on, PROTOBUF "Content-Encoding: deflate\r\n",
              http_pack_zlib(15, 40000, 'd', packed, sizeof(packed)));
    assert_http(&on, 200, NULL);
    http_post(&on, PROTOBUF "Content-Encoding: deflate\r\n",
              http_pack_zlib(15, HTTP_MESSAGE_MAX, 'd', packed, sizeof(packed)));
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, HTTP_MESSAGE_MAX);
    body = http_pack_zlib(31, HTTP_MESSAGE_MAX - 100, 'g', packed, 10000);
    body.size += http_pack_zlib(31, 100, 'g', packed + body.size, 10000).size;
    http_post(&on, PROTOBUF "Content-Encoding: gzip\r\n", body);
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, HTTP_MESSAGE_MAX);
    body.size += http_pack_zlib(31, 1, 'g', packed + body.size, 5000).size;
    http_post(&on, PROTOBUF "Content-Encoding: gzip\r\n", body);
    assert_http(&on, 413, "the inflated body is larger", NULL);
    http_post(&on, PROTOBUF "Content-Encoding: gzip\r\n", (struct view){NULL, 0});
    assert_http(&on, 400, NULL);
    /* Others leave as much as it needs, and no more; then less. */
    on.shared.budget.held = on.shared.budget.max - 90000;
    http_post(&on, PROTOBUF "Content-Encoding: deflate\r\n",
              http_pack_zlib(15, 90000, 'd', packed, sizeof(packed)));
    assert_http(&on, 200, NULL);
    on.shared.budget.held++;
    http_post(&on, PROTOBUF "Content-Encoding: deflate\r\n",
              http_pack_zlib(15, 90000, 'd', packed, sizeof(packed)));
    assert_http(&on, 503, NULL);
    assert_int_equal(http_counted(&on, RECEIVER_LIMIT_MEMORY), 1);
    on.shared.budget.held = 0;
    http_stop(&on);
}

static void http__holds_senders_back_while_the_budget_is_tight(void **state)
{
    static struct body_account others;
    static char body[60000];
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.shared.budget.held = 600000;
    on.shared.budget.accounts = 100; /* Other connections. */
    on.shared.budget.favourite = &others;
    http_send(&on,
              "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" PROTOBUF "Content-Length: 60001\r\n\r\n");
    http_send_pieces(&on, http_fill(body, sizeof(body)), sizeof(body));
    assert_int_equal(on.out.size, 0);
    assert_int_equal(on.shared.budget.held, 600000 + 4 * SPARE_BYTES); /* Not twice as much. */
    assert_false(session_wants_input(on.session));
    on.shared.budget.held -= 600000;
    http_tick(&on, NS_PER_S);
    assert_true(session_wants_input(on.session));
    http_send(&on, "w");
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, 60001);
    /* What finds no room at all is to come again. */
    on.shared.budget.held = 890000;
    http_send(&on,
              "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" PROTOBUF "Content-Length: 60001\r\n\r\n");
    http_send_pieces(&on, http_fill(body, sizeof(body)), sizeof(body));
    assert_http(&on, 503, "retry-after: ", "RetryInfo", NULL);
    assert_int_equal(http_counted(&on, RECEIVER_HTTP_503), 1);
    on.shared.budget.favourite = NULL;
    on.shared.budget.held = 0;
    http_stop(&on);
}

static void http__reserves_what_json_will_take(void **state)
{
    static char body[60000];
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_post(&on, JSON, http_fill(body, 20000));
    assert_http(&on, 200, NULL);
    http_post(&on, JSON, http_fill(body, 51000)); /* 1,020,000 bytes of a million. */
    assert_http(&on, 413, "send smaller batches, or protobuf", NULL);
    http_post(&on, PROTOBUF, http_fill(body, 51000));
    assert_http(&on, 200, NULL);
    assert_int_equal(body_budget_borrow(&on.shared.budget, 650000), 0);
    http_post(&on, JSON, http_fill(body, 20000));
    assert_http(&on, 503, "retry-after: ", NULL);
    assert_int_equal(http_counted(&on, RECEIVER_LIMIT_MEMORY), 1);
    http_post(&on, JSON "Content-Encoding: gzip\r\n",
              http_pack_zlib(31, 20000, 'j', body, sizeof(body)));
    assert_http(&on, 503, "retry-after: ", NULL);
    assert_int_equal(http_counted(&on, RECEIVER_LIMIT_MEMORY), 2);
    body_budget_return(&on.shared.budget, 650000);
    http_post(&on, JSON, http_fill(body, 20000));
    assert_http(&on, 200, NULL);
    assert_int_equal(on.calls, 3);
    http_stop(&on);
}

/* Not that the message is too large, which it is not. */
static void http__tells_that_json_takes_too_much(void **state)
{
    static const size_t sizes[] = {51000, 49900}; /* Without what is inflated, and with it. */
    static char packed[20000];
    struct http_fixture on;

    (void)state;
    http_start(&on);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        http_post(&on, JSON "Content-Encoding: gzip\r\n",
                  http_pack_zlib(31, sizes[i], 'j', packed, sizeof(packed)));
        assert_http(&on, 413, "receiver.memory_max: send smaller batches", NULL);
    }
    assert_int_equal(http_counted(&on, RECEIVER_LIMIT_MEMORY), 0);
    assert_int_equal(on.calls, 0);
    http_stop(&on);
}

/* What is held in pieces comes from what others gave back, and is given back. */
static void http__holds_bodies_in_spares(void **state)
{
    static char body[3 * SPARE_BYTES];
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.worker.spares.kept_bytes_max = sizeof(body);
    for (int i = 0; i < 2; i++) {
        http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" PROTOBUF
                       "Content-Length: 49152\r\n\r\n");
        http_send_pieces(&on, http_fill(body, sizeof(body)), 20000);
        assert_http(&on, 200, NULL);
        assert_int_equal(on.size, sizeof(body));
        assert_true(on.worker.spares.kept_bytes >= sizeof(body) - SPARE_BYTES);
        assert_true(on.worker.spares.kept_bytes <= sizeof(body));
    }
    http_stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__inflates_more_than_was_likely),
        cmocka_unit_test(http__holds_senders_back_while_the_budget_is_tight),
        cmocka_unit_test(http__reserves_what_json_will_take),
        cmocka_unit_test(http__tells_that_json_takes_too_much),
        cmocka_unit_test(http__holds_bodies_in_spares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
