/* request_test.c: gRPC and OTLP/HTTP side by side on one HTTP/2 connection. */
#include "tests/lib/grpc_fixture.h"
#include "tests/lib/test.h"

enum { BOTH = SESSION_GRPC | SESSION_HTTP };

static void start(struct grpc_fixture *on, unsigned serves)
{
    grpc_start_unheard(on);
    session_free(on->session);
    on->opening.serves = serves;
    assert_int_equal(session_new(&on->shared, &on->worker, on->opening, on->now, &on->session), 0);
    grpc_run(on);
    grpc_run(on);
}

/* A POST to /v1/traces of that type, with more fields or others. */
static void open_http(struct grpc_fixture *on, uint32_t stream, const char *type,
                      const struct h2_field *more, size_t more_count, unsigned flags)
{
    struct h2_field fields[20] = {{VIEW(":method"), VIEW("POST")},
                                  {VIEW(":scheme"), VIEW("http")},
                                  {VIEW(":authority"), VIEW("localhost")},
                                  {VIEW(":path"), VIEW("/v1/traces")},
                                  {VIEW("content-type"), view_of(type)}};

    for (size_t i = 0; i < more_count; i++)
        fields[5 + i] = more[i];
    h2_peer_headers(&on->peer, stream, fields, 5 + more_count, flags | H2_END_HEADERS);
}

static void post(struct grpc_fixture *on, uint32_t stream, const char *type, struct view body)
{
    open_http(on, stream, type, NULL, 0, 0);
    grpc_send_body(on, stream, body, 16384, true);
}

static bool body_has(const struct grpc_fixture *on, uint32_t stream, const char *text)
{
    const struct buf *body = &grpc_seen(on, stream)->body;

    return body->size != 0 && memmem(body->data, body->size, text, strlen(text)) != NULL;
}

static void request__is_what_its_content_type_says(void **state)
{
    struct grpc_fixture on;

    (void)state;
    start(&on, BOTH);
    on.body_size = 3;
    grpc_open(&on, 1);
    post(&on, 3, "application/json", VIEW("jj"));
    grpc_send_message(&on, 1, 5, 'g', 16384);
    post(&on, 5, "application/x-protobuf", VIEW("ppp"));
    grpc_run(&on);
    assert_grpc_ok(&on, 1);
    assert_grpc_answer(&on, 3, ":status: 200");
    assert_true(h2_seen_has(grpc_seen(&on, 3), "content-type: application/json"));
    assert_true(body_has(&on, 3, "bbb"));
    assert_int_equal(grpc_seen(&on, 3)->blocks, 1); /* No trailers. */
    assert_grpc_answer(&on, 5, "content-type: application/x-protobuf");
    assert_int_equal(on.calls, 3);
    assert_int_equal(on.sizes[0], 2);
    assert_int_equal(on.first[1], 'g');
    assert_int_equal(grpc_counted(&on, RECEIVER_HTTP_200), 2);
    assert_int_equal(grpc_counted(&on, RECEIVER_REQUESTS_OK), 1);
    assert_int_equal(grpc_counted(&on, RECEIVER_MESSAGES_HTTP2_JSON), 1);
    assert_int_equal(grpc_counted(&on, RECEIVER_MESSAGES_HTTP2_PROTOBUF), 1);
    assert_int_equal(grpc_counted(&on, RECEIVER_MESSAGES_GRPC_PROTOBUF), 1);
    grpc_stop(&on);
}

static void request__belongs_to_the_path_of_its_kind(void **state)
{
    static const struct h2_field http_path[] = {{VIEW(":path"), VIEW("/v1/traces")}};
    struct grpc_fixture on;

    (void)state;
    start(&on, BOTH);
    grpc_open_with(&on, 1, http_path, 1, 0);
    grpc_send_message(&on, 1, 5, 'g', 16384);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 12");
    assert_int_equal(on.calls, 0);
    grpc_stop(&on);
}

static void request__is_told_the_right_door(void **state)
{
    struct grpc_fixture on;

    (void)state;
    start(&on, SESSION_HTTP);
    on.shared.grpc_address = VIEW("127.0.0.1:4317");
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 5, 'g', 16384);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 12");
    assert_non_null(memmem(grpc_seen(&on, 1)->fields.data, grpc_seen(&on, 1)->fields.size,
                           "127.0.0.1:4317 (listen.grpc)", 28));
    grpc_stop(&on);
    start(&on, SESSION_GRPC);
    on.shared.http_address = VIEW("127.0.0.1:4318");
    post(&on, 1, "application/json", VIEW("jj"));
    grpc_run(&on);
    assert_grpc_answer(&on, 1, ":status: 415");
    assert_true(body_has(&on, 1, "127.0.0.1:4318 (listen.http)"));
    assert_int_equal(on.calls, 0);
    grpc_stop(&on);
}

static enum gate_verdict judge(void *context, struct connection *connection,
                               struct view authorization)
{
    (void)context;
    (void)connection;
    if (authorization.data == NULL)
        return GATE_UNKNOWN;
    return view_equal(authorization, VIEW("good")) ? GATE_PASS : GATE_FORBIDDEN;
}

static void request__passes_one_gate(void **state)
{
    static const struct h2_field good[] = {{VIEW("authorization"), VIEW("good")}};
    static const struct h2_field bad[] = {{VIEW("authorization"), VIEW("bad")}};
    const struct receiver_gate gate = {.judge = judge};
    struct grpc_fixture on;

    (void)state;
    start(&on, BOTH);
    on.shared.gate = &gate;
    grpc_open(&on, 1);
    grpc_send_message(&on, 1, 5, 'g', 16384);
    grpc_open_with(&on, 3, bad, 1, 0);
    grpc_send_message(&on, 3, 5, 'g', 16384);
    post(&on, 5, "application/json", VIEW("jj"));
    open_http(&on, 7, "application/json", bad, 1, H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, "grpc-status: 16");
    assert_grpc_answer(&on, 3, "grpc-status: 7");
    assert_grpc_answer(&on, 5, ":status: 401");
    assert_grpc_answer(&on, 7, ":status: 403");
    assert_int_equal(on.calls, 0);
    grpc_open_with(&on, 9, good, 1, 0);
    grpc_send_message(&on, 9, 5, 'g', 16384);
    open_http(&on, 11, "application/json", good, 1, H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_ok(&on, 9);
    assert_grpc_answer(&on, 11, ":status: 200");
    grpc_stop(&on);
}

/* One who reads the last of them, and one who reads the first, must not disagree. */
static void request__has_one_authorization(void **state)
{
    static const struct h2_field goods[] = {{VIEW("authorization"), VIEW("good")},
                                            {VIEW("authorization"), VIEW("good")}};
    static const struct h2_field mixed[] = {{VIEW("authorization"), VIEW("good")},
                                            {VIEW("authorization"), VIEW("bad")}};
    const struct receiver_gate gate = {.judge = judge};
    struct h2_field fields[GRPC_BASIC_COUNT + 2];
    struct grpc_fixture on;

    (void)state;
    start(&on, BOTH);
    on.shared.gate = &gate;
    open_http(&on, 1, "application/json", mixed, 2, H2_END_STREAM);
    open_http(&on, 3, "application/json", goods, 2, H2_END_STREAM);
    memcpy(fields, grpc_basic, sizeof(grpc_basic));
    memcpy(fields + GRPC_BASIC_COUNT, mixed, sizeof(mixed));
    h2_peer_headers(&on.peer, 5, fields, GRPC_BASIC_COUNT + 2, H2_END_HEADERS);
    grpc_send_message(&on, 5, 5, 'g', 16384);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, ":status: 400");
    assert_true(body_has(&on, 1, "several authorization fields"));
    assert_grpc_answer(&on, 3, ":status: 400");
    assert_grpc_answer(&on, 5, "grpc-status: 16");
    assert_int_equal(on.calls, 0);
    on.shared.gate = NULL; /* Nobody is asked. */
    open_http(&on, 7, "application/json", mixed, 2, H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_answer(&on, 7, ":status: 200");
    grpc_stop(&on);
}

static void request__is_read_before_it_is_refused_if_it_is_short(void **state)
{
    static const char body[60000];
    struct grpc_fixture on;
    uint64_t before;

    (void)state;
    start(&on, BOTH);
    open_http(&on, 1, "text/plain", NULL, 0, 0);
    grpc_send_body(&on, 1, (struct view){body, 60000}, 16384, false);
    grpc_run(&on);
    before = on.peer.credit;
    assert_true(grpc_seen(&on, 1)->credit >= 32768); /* What is dropped costs no credit. */
    assert_false(grpc_seen(&on, 1)->is_ended);
    grpc_send_body(&on, 1, (struct view){body, 10000}, 16384, false);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, ":status: 415");
    assert_true(grpc_seen(&on, 1)->is_reset);
    assert_int_equal(grpc_seen(&on, 1)->reset_error, H2_NO_ERROR);
    assert_true(on.peer.credit >= before);
    post(&on, 3, "text/plain", (struct view){body, 20000});
    grpc_run(&on);
    assert_grpc_answer(&on, 3, ":status: 415");
    assert_false(grpc_seen(&on, 3)->is_reset);
    grpc_stop(&on);
}

static void request__is_refused_for_too_many_fields_in_its_kind(void **state)
{
    char value[17000];
    struct h2_field large[] = {{VIEW("x-large"), {value, sizeof(value)}}};
    struct grpc_fixture on;

    (void)state;
    memset(value, 'v', sizeof(value));
    start(&on, BOTH);
    open_http(&on, 1, "application/json", large, 1, H2_END_STREAM);
    grpc_open_with(&on, 3, large, 1, H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, ":status: 431");
    assert_true(body_has(&on, 1, "\"code\":3"));
    assert_grpc_answer(&on, 3, ":status: 431");
    assert_true(h2_seen_has(grpc_seen(&on, 3), "grpc-status: 8"));
    assert_int_equal(on.status, 0);
    grpc_stop(&on);
}

/* Whatever the door serves. */
static void request__of_grpc_is_told_so_by_grpc_at_any_door(void **state)
{
    char value[17000];
    struct h2_field large[] = {{VIEW("x-large"), {value, sizeof(value)}}};
    struct grpc_fixture on;

    (void)state;
    memset(value, 'v', sizeof(value));
    start(&on, SESSION_HTTP);
    grpc_open_with(&on, 1, large, 1, H2_END_STREAM);
    grpc_run(&on);
    assert_true(h2_seen_has(grpc_seen(&on, 1), "grpc-status: 8"));
    assert_true(h2_seen_has(grpc_seen(&on, 1), "content-type: application/grpc"));
    grpc_stop(&on);
}

static void request__of_method_head_gets_no_body(void **state)
{
    static const struct h2_field fields[] = {{VIEW(":method"), VIEW("HEAD")},
                                             {VIEW(":scheme"), VIEW("http")},
                                             {VIEW(":authority"), VIEW("localhost")},
                                             {VIEW(":path"), VIEW("/v1/traces")}};
    struct grpc_fixture on;

    (void)state;
    start(&on, BOTH);
    h2_peer_headers(&on.peer, 1, fields, 4, H2_END_HEADERS | H2_END_STREAM);
    grpc_run(&on);
    assert_grpc_answer(&on, 1, ":status: 405");
    assert_int_equal(grpc_seen(&on, 1)->body.size, 0);
    grpc_stop(&on);
}

static void request__is_late_in_its_own_words(void **state)
{
    struct grpc_fixture on;

    (void)state;
    start(&on, BOTH);
    grpc_open(&on, 1);
    open_http(&on, 3, "application/json", NULL, 0, 0);
    open_http(&on, 5, "text/plain", NULL, 0, 0);
    grpc_run(&on);
    grpc_tick(&on, 61 * NS_PER_S);
    assert_grpc_answer(&on, 1, "grpc-status: 4");
    assert_grpc_answer(&on, 3, ":status: 503");
    assert_true(h2_seen_has(grpc_seen(&on, 3), "retry-after: 2") ||
                h2_seen_has(grpc_seen(&on, 3), "retry-after: 1"));
    assert_grpc_answer(&on, 5, ":status: 415"); /* It would have been refused anyway. */
    grpc_stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request__is_what_its_content_type_says),
        cmocka_unit_test(request__belongs_to_the_path_of_its_kind),
        cmocka_unit_test(request__is_told_the_right_door),
        cmocka_unit_test(request__passes_one_gate),
        cmocka_unit_test(request__has_one_authorization),
        cmocka_unit_test(request__is_read_before_it_is_refused_if_it_is_short),
        cmocka_unit_test(request__is_refused_for_too_many_fields_in_its_kind),
        cmocka_unit_test(request__of_grpc_is_told_so_by_grpc_at_any_door),
        cmocka_unit_test(request__of_method_head_gets_no_body),
        cmocka_unit_test(request__is_late_in_its_own_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
