/* http_call_test.c: requests of OTLP/HTTP, right and wrong, and what each is told. */
#include <stdio.h>
#include <zstd.h>

#include "tests/lib/http_fixture.h"
#include "tests/lib/test.h"

#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define JSON "Content-Type: application/json\r\n"

static void http__answers_in_the_request_s_format(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_post(&on, PROTOBUF, VIEW("aaaa"));
    assert_http(&on, 200, "content-type: application/x-protobuf\r\n", "content-length: 0\r\n",
                "\r\n\r\n", NULL);
    assert_int_equal(on.format, MESSAGE_PROTOBUF);
    assert_int_equal(on.size, 4);
    on.body = "{}";
    http_post(&on, "Content-Type: Application/JSON; charset=utf-8\r\n", VIEW("bb"));
    assert_http(&on, 200, "content-type: application/json\r\n", "content-length: 2\r\n",
                "\r\n\r\n{}", NULL);
    assert_int_equal(on.format, MESSAGE_JSON);
    http_post(&on, PROTOBUF, VIEW(""));
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, 0);
    assert_int_equal(on.status, 0); /* The connection stays. */
    assert_int_equal(http_counted(&on, RECEIVER_HTTP_200), 3);
    assert_int_equal(http_counted(&on, RECEIVER_MESSAGES_HTTP1_PROTOBUF), 2);
    assert_int_equal(http_counted(&on, RECEIVER_MESSAGES_HTTP1_JSON), 1);
    http_stop(&on);
}

static void http__tells_what_the_method_says(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.message = "say \"why\"\n";
    on.code = GRPC_INVALID_ARGUMENT;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 400, "\"code\":3,\"message\":\"say \\\"why\\\"\\u000a\"",
                "google.rpc.BadRequest", NULL);
    http_post(&on, PROTOBUF, VIEW("a"));
    assert_http(&on, 400, "content-type: application/x-protobuf\r\n", "say \"why\"", NULL);
    on.code = GRPC_UNAVAILABLE;
    on.retry_delay_ns = NS_PER_S / 5;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 503, "retry-after: 1\r\n", "RetryInfo\",\"retryDelay\":\"0.200000000s\"",
                NULL);
    on.retry_delay_ns = 0;
    on.code = GRPC_RESOURCE_EXHAUSTED;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 413, "\"code\":8", NULL);
    on.code = GRPC_UNKNOWN;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 500, NULL);
    assert_int_equal(http_counted(&on, RECEIVER_HTTP_OTHER), 1);
    http_stop(&on);
}

static void http__refuses_a_response_past_its_limit(void **state)
{
    struct http_fixture on;
    char body[1100];

    (void)state;
    memset(body, 'r', sizeof(body));
    body[1001] = '\0';
    http_start(&on);
    on.body = body;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 500, "the response is larger than its limit", NULL);
    body[1000] = '\0';
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 200, "content-length: 1000\r\n", NULL);
    http_stop(&on);
}

struct refused {
    const char *request; /* Without the line's end. */
    const char *fields;
    unsigned status;
    const char *text;
};

/* Each body is read, so that the connection serves on. */
static void http__refuses_what_is_not_for_it(void **state)
{
    static const struct refused rows[] = {
        {"GET /v1/traces", "", 405, "allow: POST, OPTIONS\r\n"},
        {"PUT /v1/traces", JSON, 405, "allow: POST, OPTIONS\r\n"},
        {"DELETE /v1/traces?x=1", "", 405, "\"code\":12"},
        {"POST /", JSON, 404, "/v1/traces"},
        {"POST /v1/traces/", JSON, 404, "/v1/traces"},
        {"POST /t.Service/Export", JSON, 404, "\"code\":12"},
        {"GET /v1/spans", "", 404, "application/json"},
        {"POST /v1/logs", JSON, 404, "logs are off: set it"},
        {"GET /v1/logs", JSON, 405, "POST"},
        {"POST /v1/traces", "", 415, "content type"},
        {"POST /v1/traces", "Content-Type: text/plain\r\n", 415, "content type"},
        {"POST /v1/traces", "Content-Type: application/grpc\r\n", 415, "content type"},
        {"POST /v1/traces", "Content-Type: application/jsonx\r\n", 415, "content type"},
        {"POST /v1/traces", JSON "Content-Encoding: br\r\n", 415,
         "accept-encoding: gzip, deflate, zstd, identity\r\n"},
        {"POST /v1/traces", JSON "Content-Encoding: gzip, gzip\r\n", 415, "content encoding"},
        {"POST /v1/traces", JSON "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", 415,
         "content encoding"},
        {"POST /v1/traces", JSON "Expect: more\r\n", 417, "100-continue"},
    };
    struct http_fixture on;

    (void)state;
    http_start(&on);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];

        (void)snprintf(text, sizeof(text),
                       "%s HTTP/1.1\r\nHost: h\r\n%sContent-Length: 3\r\n\r\nabc", rows[i].request,
                       rows[i].fields);
        http_send(&on, text);
        assert_http(&on, rows[i].status, rows[i].text, "\"code\"", NULL);
        assert_int_equal(on.status, 0);
    }
    assert_int_equal(on.calls, 0);
    http_send(&on, "POST /v1/logs HTTP/1.1\r\nHost: h\r\n" PROTOBUF "Content-Length: 0\r\n\r\n");
    assert_http(&on, 404, "content-type: application/x-protobuf\r\n", "logs are off: set it", NULL);
    http_post(&on, JSON "Content-Encoding: IDENTITY\r\n", VIEW("a"));
    assert_http(&on, 200, NULL);
    http_stop(&on);
}

/* -------------------------------------------------------------------------- sizes */

static void http__bounds_bodies(void **state)
{
    static char body[HTTP_MESSAGE_MAX + 1];
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_post(&on, PROTOBUF, http_fill(body, HTTP_MESSAGE_MAX));
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, HTTP_MESSAGE_MAX);
    http_post(&on, JSON, http_fill(body, HTTP_MESSAGE_MAX + 1));
    assert_http(&on, 413, "receiver.message_bytes_max, 100000 bytes", NULL);
    assert_int_equal(on.status, 0); /* The little that is too much was read. */
    http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON
                   "Transfer-Encoding: chunked\r\n\r\n186a1\r\n");
    http_send_pieces(&on, http_fill(body, HTTP_MESSAGE_MAX + 1), 5000);
    assert_http(&on, 413, "connection: close\r\n", NULL); /* Of chunks nobody knows the end. */
    assert_int_equal(on.status, STATUS_CLOSED);
    assert_int_equal(on.calls, 1);
    http_stop(&on);
}

static void http__answers_before_a_large_body(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_send(&on,
              "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 5000000\r\n\r\n");
    assert_http(&on, 413, "connection: close\r\n", NULL);
    assert_int_equal(on.status, STATUS_CLOSED);
    http_restart(&on);
    http_send(&on, "POST /nowhere HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "100000\r\n");
    assert_int_equal(on.out.size, 0); /* It may be short still. */
    for (int i = 0; i < 7 && on.status == 0; i++) {
        static char body[10000];

        http_send_pieces(&on, http_fill(body, sizeof(body)), sizeof(body));
    }
    assert_http(&on, 404, "connection: close\r\n", NULL);
    assert_int_equal(on.status, STATUS_CLOSED);
    http_stop(&on);
}

static void http__inflates_each_encoding(void **state)
{
    static char packed[8000];
    static char plain[5000];
    struct http_fixture on;
    struct view body;

    (void)state;
    http_start(&on);
    body = http_pack_zlib(31, 5000, 'g', packed, 4000);
    http_post(&on, PROTOBUF "Content-Encoding: gzip\r\n", body);
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, 5000);
    http_post(&on, PROTOBUF "Content-Encoding: X-GZIP\r\n", body);
    assert_http(&on, 200, NULL);
    memcpy(packed + body.size, packed, body.size); /* A second member. */
    http_post(&on, PROTOBUF "Content-Encoding: gzip\r\n", (struct view){packed, 2 * body.size});
    assert_http(&on, 200, NULL);
    assert_int_equal(on.size, 10000);
    http_post(&on, PROTOBUF "Content-Encoding: gzip\r\n", (struct view){packed, body.size - 1});
    assert_http(&on, 400, "content encoding", NULL);
    http_post(&on, PROTOBUF "Content-Encoding: deflate\r\n",
              http_pack_zlib(15, 5000, 'd', packed, sizeof(packed)));
    assert_http(&on, 200, NULL);
    assert_int_equal(on.first, 'd');
    body = (struct view){
        packed, ZSTD_compress(packed, sizeof(packed), http_fill(plain, 5000).data, 5000, 3)};
    http_post(&on, PROTOBUF "Content-Encoding: zstd\r\n", body);
    assert_http(&on, 200, NULL);
    assert_int_equal(on.first, 'w');
    http_post(&on, JSON "Content-Encoding: gzip\r\n", body);
    assert_http(&on, 400, "\"code\":3", NULL);
    assert_int_equal(http_counted(&on, RECEIVER_MESSAGES_GZIP), 3);
    assert_int_equal(http_counted(&on, RECEIVER_MESSAGES_DEFLATE), 1);
    assert_int_equal(http_counted(&on, RECEIVER_MESSAGES_ZSTD), 1);
    http_stop(&on);
}

static void http__stops_bombs(void **state)
{
    static char packed[20000];
    static char plain[4000000];
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_post(&on, JSON "Content-Encoding: gzip\r\n",
              http_pack_zlib(31, 4000000, 'b', packed, sizeof(packed)));
    assert_http(&on, 413, "the inflated body is larger", NULL);
    http_post(&on, JSON "Content-Encoding: deflate\r\n",
              http_pack_zlib(15, 4000000, 'b', packed, sizeof(packed)));
    assert_http(&on, 413, NULL);
    http_post(
        &on, JSON "Content-Encoding: zstd\r\n",
        (struct view){packed, ZSTD_compress(packed, sizeof(packed), plain, sizeof(plain), 9)});
    assert_http(&on, 413, NULL);
    assert_int_equal(on.calls, 0);
    http_stop(&on);
}

/* -------------------------------------------------------------------- HTTP/1 alone */

static void http__reads_bodies_in_any_pieces(void **state)
{
    static const char text[] = "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "1;x=y\r\nc\r\n3\r\nccc\r\n0\r\nTrailer: content-type\r\n\r\n"
                               "POST http://h/v1/traces?a HTTP/1.1\r\nHost: h\r\n" PROTOBUF
                               "content-length: 2\r\n\r\ndd";
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.body = "{}";
    for (size_t piece = 1; piece < sizeof(text); piece += 3) {
        on.calls = 0;
        http_send_pieces(&on, view_of(text), piece);
        assert_int_equal(on.calls, 2);
        assert_int_equal(on.size, 2);
        assert_http(&on, 200, "application/json\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
                    "application/x-protobuf", NULL);
    }
    assert_int_equal(on.status, 0);
    http_stop(&on);
}

static void http__says_continue_where_it_is_due(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON
                   "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    assert_http(&on, 100, "HTTP/1.1 100 Continue\r\n\r\n", NULL);
    http_send(&on, "ee");
    assert_http(&on, 200, NULL);
    /* A refusal comes in its place, and the body may or may not follow. */
    http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: text/html\r\n"
                   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_http(&on, 415, "connection: close\r\n", NULL);
    assert_int_equal(on.status, STATUS_CLOSED);
    http_restart(&on);
    http_send(&on, "POST /v1/traces HTTP/1.0\r\n" JSON
                   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nee");
    assert_http(&on, 200, "connection: close\r\n", NULL);
    http_stop(&on);
}

static void http__keeps_connections_as_asked(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_send(&on, "POST /v1/traces HTTP/1.0\r\nConnection: keep-alive\r\n" JSON
                   "Content-Length: 1\r\n\r\na");
    assert_http(&on, 200, "connection: keep-alive\r\n", NULL);
    assert_int_equal(on.status, 0);
    http_post(&on, JSON "Connection: close\r\n", VIEW("a"));
    assert_http(&on, 200, "connection: close\r\n", NULL);
    assert_int_equal(on.status, STATUS_CLOSED);
    assert_false(session_wants_input(on.session));
    http_stop(&on);
}

static void http__answers_what_is_no_request(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
    } rows[] = {
        {"\x16\x03\x01\x02", 501},
        {"POST /v1/traces HTTP/1.1\r\n\r\n", 400},
        {"POST v1 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"POST /v1/traces HTTP/3.0\r\nHost: h\r\n\r\n", 505},
        {"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"POST /v1/traces HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nx", 400},
        {"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
        {"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
         400},
        {"POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON "Transfer-Encoding: chunked\r\n\r\nx\r\n",
         400},
        {"POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON
         "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
         400},
    };
    struct http_fixture on;

    (void)state;
    http_start(&on);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_send(&on, rows[i].text);
        assert_http(&on, rows[i].status, "connection: close\r\n", "\"code\":3", NULL);
        assert_int_equal(on.status, STATUS_CLOSED);
        assert_non_null(session_fault(on.session));
        http_restart(&on);
    }
    assert_int_equal(http_counted(&on, RECEIVER_PROTOCOL_ERRORS), sizeof(rows) / sizeof(rows[0]));
    assert_int_equal(on.calls, 0);
    http_stop(&on);
}

static void http__leaves_the_body_out_for_head(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_send(&on, "HEAD /v1/traces HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(memcmp(on.out.data + on.out.size - 4, "\r\n\r\n", 4), 0);
    assert_http(&on, 405, "content-length: ", NULL);
    assert_int_equal(on.status, 0);
    http_stop(&on);
}

/* --------------------------------------------------------------------- doors, gate */

static void http__tells_the_way_from_the_wrong_door(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.opening.serves = SESSION_GRPC;
    http_restart(&on);
    http_post(&on, PROTOBUF, VIEW("a"));
    assert_http(&on, 415, "spanmap's listen.http is off", "connection: close\r\n", NULL);
    on.shared.http_address = VIEW("127.0.0.1:4318");
    http_restart(&on);
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 415, "is at 127.0.0.1:4318 (listen.http)", "application/json", NULL);
    assert_int_equal(on.calls, 0);
    http_stop(&on);
}

static enum gate_verdict judge(void *context, struct connection *connection,
                               struct view authorization)
{
    size_t *asked = context;

    assert_null(connection);
    ++*asked;
    if (view_equal(authorization, VIEW("Bearer good")))
        return GATE_PASS;
    return authorization.data == NULL ? GATE_UNKNOWN : GATE_FORBIDDEN;
}

static void http__asks_the_gate_once_a_request(void **state)
{
    size_t asked = 0;
    struct receiver_gate gate = {.judge = judge, .context = &asked, .challenge = VIEW("Bearer")};
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.shared.gate = &gate;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 401, "www-authenticate: Bearer\r\n", "\"code\":16", NULL);
    http_post(&on, JSON "Authorization: Bearer bad\r\n", VIEW("a"));
    assert_http(&on, 403, "\"code\":7", NULL);
    http_post(&on, JSON "Authorization: Bearer bad\r\nAuthorization: Bearer good\r\n", VIEW("a"));
    assert_http(&on, 400, "several authorization fields", NULL);
    http_post(&on, JSON "Authorization: Bearer good\r\nAuthorization: Bearer bad\r\n", VIEW("a"));
    assert_http(&on, 400, "several authorization fields", NULL);
    assert_int_equal(on.calls, 0);
    http_post(&on, JSON "authorization: Bearer good\r\n", VIEW("a"));
    assert_http(&on, 200, NULL);
    assert_int_equal(asked, 5);
    http_send(&on, "OPTIONS /v1/traces HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_http(&on, 204, "allow: POST, OPTIONS\r\n", NULL); /* Browsers have no way to tell. */
    http_stop(&on);
}

static void http__lets_the_pages_in_that_may_send(void **state)
{
    const struct view origins[] = {VIEW("https://*.shop.example"), VIEW("http://localhost:3000")};
    struct http_cors cors = {.origins = origins,
                             .origins_count = 2,
                             .fields = VIEW("content-type, x-key"),
                             .max_age = VIEW("600")};
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.shared.cors = &cors;
    http_send(&on, "OPTIONS /v1/traces HTTP/1.1\r\nHost: h\r\nOrigin: https://a.shop.example\r\n"
                   "Access-Control-Request-Method: POST\r\n"
                   "Access-Control-Request-Headers: content-type,x-any\r\n\r\n");
    assert_http(&on, 204, "access-control-allow-origin: https://a.shop.example\r\n",
                "vary: origin\r\n", "access-control-allow-methods: POST\r\n",
                "access-control-allow-headers: content-type, x-key\r\n",
                "access-control-max-age: 600\r\n", "access-control-allow-credentials: true\r\n",
                NULL);
    cors.fields = VIEW("*");
    http_send(&on, "OPTIONS /v1/traces HTTP/1.1\r\nHost: h\r\nOrigin: http://localhost:3000\r\n"
                   "Access-Control-Request-Method: POST\r\n"
                   "Access-Control-Request-Headers: content-type,x-any\r\n\r\n");
    assert_http(&on, 204, "access-control-allow-headers: content-type,x-any\r\n", NULL);
    http_post(&on, JSON "Origin: https://b.shop.example\r\n", VIEW("a"));
    assert_http(&on, 200, "access-control-allow-origin: https://b.shop.example\r\n", NULL);
    http_post(&on, "Origin: https://b.shop.example\r\n", VIEW("a"));
    assert_http(&on, 415, "access-control-allow-origin: https://b.shop.example\r\n", NULL);
    http_send(&on, "OPTIONS /v1/traces HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n"
                   "Access-Control-Request-Method: POST\r\n\r\n");
    assert_int_equal(buf_append_byte(&on.out, '\0'), 0);
    assert_null(strstr(on.out.data, "access-control"));
    assert_non_null(strstr(on.out.data, "vary: origin"));
    http_stop(&on);
}

/* -------------------------------------------------------------------------- time */

static void http__ends_what_takes_too_long(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\n");
    http_tick(&on, 61 * NS_PER_S);
    assert_http(&on, 408, "connection: close\r\n", NULL);
    assert_true(on.status < 0);
    http_restart(&on);
    http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 9\r\n\r\naa");
    http_tick(&on, 61 * NS_PER_S);
    assert_http(&on, 503, "retry-after: ", NULL);
    http_tick(&on, 61 * NS_PER_S); /* The rest of its body does not come either. */
    assert_true(on.status < 0);
    http_restart(&on);
    on.shared.idle_timeout_ns = 30 * NS_PER_S;
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 200, NULL);
    http_tick(&on, 29 * NS_PER_S);
    assert_int_equal(on.status, 0);
    http_tick(&on, 2 * NS_PER_S);
    assert_true(on.status < 0);
    assert_int_equal(on.out.size, 0);
    http_stop(&on);
}

static void http__drains_behind_the_answer(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 200, NULL);
    assert_int_equal(session_drain(on.session, on.now), STATUS_CLOSED); /* Nothing is under way. */
    http_restart(&on);
    http_send(&on, "POST /v1/tra");
    assert_int_equal(session_drain(on.session, on.now), STATUS_CLOSED); /* Nor here. */
    http_restart(&on);
    http_send(&on, "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 2\r\n\r\na");
    assert_int_equal(session_drain(on.session, on.now), 0);
    http_send(&on, "a");
    assert_http(&on, 200, "connection: close\r\n", NULL);
    assert_int_equal(on.status, STATUS_CLOSED);
    http_stop(&on);
}

static int serve_once(void *context)
{
    struct http_fixture *on = context;

    on->calls = 0;
    buf_reset(&on->out);
    if (session_new(&on->shared, &on->worker, on->opening, on->now, &on->session) != 0)
        return STATUS_NOMEM;
    on->status = 0;
    http_send_pieces(on,
                     VIEW("POST /v1/traces HTTP/1.1\r\nHost: h\r\nOrigin: http://o\r\n" JSON
                          "Content-Length: 6\r\n\r\naaaaaa"),
                     90);
    session_free(on->session);
    on->session = NULL;
    assert_int_equal(on->shared.budget.held, 0);
    return on->status == 0 && view_starts(buf_view(&on->out), VIEW("HTTP/1.1 200")) ? 0
                                                                                    : STATUS_NOMEM;
}

static void http__survives_failing_memory(void **state)
{
    const struct view origins[] = {VIEW("*")};
    struct http_cors cors = {.origins = origins, .origins_count = 1};
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.shared.cors = &cors;
    session_free(on.session);
    on.session = NULL;
    test_sweep_memory(serve_once, &on);
    http_stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__answers_in_the_request_s_format),
        cmocka_unit_test(http__tells_what_the_method_says),
        cmocka_unit_test(http__refuses_a_response_past_its_limit),
        cmocka_unit_test(http__refuses_what_is_not_for_it),
        cmocka_unit_test(http__bounds_bodies),
        cmocka_unit_test(http__answers_before_a_large_body),
        cmocka_unit_test(http__inflates_each_encoding),
        cmocka_unit_test(http__stops_bombs),
        cmocka_unit_test(http__reads_bodies_in_any_pieces),
        cmocka_unit_test(http__says_continue_where_it_is_due),
        cmocka_unit_test(http__keeps_connections_as_asked),
        cmocka_unit_test(http__answers_what_is_no_request),
        cmocka_unit_test(http__leaves_the_body_out_for_head),
        cmocka_unit_test(http__tells_the_way_from_the_wrong_door),
        cmocka_unit_test(http__asks_the_gate_once_a_request),
        cmocka_unit_test(http__lets_the_pages_in_that_may_send),
        cmocka_unit_test(http__ends_what_takes_too_long),
        cmocka_unit_test(http__drains_behind_the_answer),
        cmocka_unit_test(http__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
