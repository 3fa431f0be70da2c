/* http_call_head_test.c: what the head of an OTLP/HTTP request alone decides, and what stands before it. */
#include <stdio.h>

#include "receiver/health.h"
#include "tests/lib/http_fixture.h"
#include "tests/lib/test.h"

#define JSON "Content-Type: application/json\r\n"

static void assert_says(struct http_fixture *on, const char *text, bool is_said)
{
    assert_int_equal(buf_append_byte(&on->out, '\0'), 0);
    assert_int_equal(strstr(on->out.data, text) != NULL, is_said);
    on->out.size--;
}

static void http__answers_probes_to_get_and_head_only(void **state)
{
    static const char *const others[] = {"POST", "DELETE", "PUT", "OPTIONS", "PATCH"};
    struct http_fixture on;
    struct health health;
    char text[128];

    (void)state;
    health_init(&health, NULL, 0);
    http_start(&on);
    on.shared.health = &health;
    http_send(&on, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_http(&on, 200, "\r\n\r\nok\n", NULL);
    http_send(&on, "HEAD /readyz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_says(&on, "not ready\n", false);
    assert_http(&on, 503, "content-length: 10\r\n", NULL);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s /healthz HTTP/1.1\r\nHost: h\r\n\r\n", others[i]);
        http_send(&on, text);
        assert_http(&on, 405, "allow: GET, HEAD\r\n", "\"code\":12", NULL);
    }
    assert_int_equal(on.status, 0);
    http_stop(&on);
}

/* Fetch lets no server take everybody's cookies by a star. */
static void http__allows_no_credentials_by_a_star_alone(void **state)
{
    const struct view origins[] = {VIEW("*"), VIEW("https://shop.example")};
    struct http_cors cors = {
        .origins = origins, .origins_count = 2, .fields = VIEW("*"), .max_age = VIEW("600")};
    struct http_fixture on;

    (void)state;
    http_start(&on);
    on.shared.cors = &cors;
    http_post(&on, JSON "Origin: https://any.example\r\n", VIEW("a"));
    assert_says(&on, "access-control-allow-credentials", false);
    assert_http(&on, 200, "access-control-allow-origin: https://any.example\r\n", NULL);
    http_send(&on, "OPTIONS /v1/traces HTTP/1.1\r\nHost: h\r\nOrigin: https://any.example\r\n"
                   "Access-Control-Request-Method: POST\r\n\r\n");
    assert_says(&on, "access-control-allow-credentials", false);
    assert_http(&on, 204, "access-control-allow-methods: POST\r\n", NULL);
    http_post(&on, JSON "Origin: https://shop.example\r\n", VIEW("a"));
    assert_http(&on, 200, "access-control-allow-credentials: true\r\n", NULL);
    http_stop(&on);
}

/* Some clients send one behind a body; that is no request, and so none that is late. */
static void http__ignores_empty_lines_before_a_request(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 200, NULL);
    http_send(&on, "\r\n");
    http_tick(&on, on.shared.limits.header_timeout_ns);
    assert_int_equal(on.out.size, 0);
    assert_int_equal(on.status, 0);
    http_send(&on, "\n\r\n");
    http_post(&on, JSON, VIEW("a"));
    assert_http(&on, 200, NULL);
    assert_int_equal(on.calls, 2);
    assert_int_equal(http_counted(&on, RECEIVER_HTTP_408), 0);
    assert_int_equal(http_counted(&on, RECEIVER_STREAMS_LOST), 0);
    http_stop(&on);
}

/* Who says nothing else has said nothing. */
static void http__lets_empty_lines_alone_keep_no_connection(void **state)
{
    struct http_fixture on;

    (void)state;
    http_start(&on);
    http_send(&on, "\r\n\r\n");
    assert_int_equal(on.status, 0);
    http_tick(&on, on.shared.limits.header_timeout_ns);
    assert_int_equal(on.status, STATUS_TIMEOUT);
    assert_int_equal(http_counted(&on, RECEIVER_LIMIT_HEADER_TIMEOUT), 1);
    http_stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__answers_probes_to_get_and_head_only),
        cmocka_unit_test(http__allows_no_credentials_by_a_star_alone),
        cmocka_unit_test(http__ignores_empty_lines_before_a_request),
        cmocka_unit_test(http__lets_empty_lines_alone_keep_no_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
