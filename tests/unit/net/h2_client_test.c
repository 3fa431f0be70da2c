/* h2_client_test.c: the client against the server of net/h2.h, without a socket between them, and
 * against bytes that no server should send.
 */
#include "net/h2_client.h"

#include <stdlib.h>

#include "tests/lib/test.h"

enum { WINDOW = 65535 };

/* Both ends of one connection, and what each has seen. */
struct wire_pair {
    struct h2 *server;
    struct h2_client *client;
    struct buf to_server;
    struct buf to_client;
    struct buf said;  /* All that the server sent. */
    size_t body_size; /* That came to the server. */
    unsigned char body_sum;
    unsigned requests; /* That ended at the server. */
    bool refuse;       /* The server takes no stream. */
    bool silent;       /* The server does not answer. */
    char path[64];
    unsigned status; /* From here on the client's. */
    char trailer[16];
    struct buf answer;
    unsigned closed;
    uint32_t error;
};

/* -------------------------------------------------------------------- the server */

static int on_begin(void *context, struct h2_stream *stream)
{
    struct wire_pair *pair = context;

    (void)stream;
    return pair->refuse ? STATUS_FULL : 0;
}

static void on_server_field(void *context, struct h2_stream *stream, struct h2_field field)
{
    struct wire_pair *pair = context;

    (void)stream;
    if (view_equal(field.name, VIEW(":path")) && field.value.size < sizeof(pair->path))
        memcpy(pair->path, field.value.data, field.value.size);
}

static void on_fields_end(void *context, struct h2_stream *stream)
{
    (void)context;
    (void)stream;
}

static void on_server_data(void *context, struct h2_stream *stream, struct view data)
{
    struct wire_pair *pair = context;

    pair->body_size += data.size;
    for (size_t i = 0; i < data.size; i++)
        pair->body_sum = (unsigned char)(pair->body_sum + (unsigned char)data.data[i]);
    h2_return(stream);
}

static void on_end(void *context, struct h2_stream *stream)
{
    struct wire_pair *pair = context;
    const struct h2_field head[] = {{VIEW(":status"), VIEW("200")}};
    const struct h2_field trailers[] = {{VIEW("grpc-status"), VIEW("0")}};

    pair->requests++;
    if (pair->silent)
        return;
    if (h2_begin_answer(stream, head, 1) == 0 && h2_write(stream, VIEW("hello")) == 0)
        (void)h2_end_answer(stream, trailers, 1); /* A failure resets the stream. */
}

static void on_server_close(void *context, struct h2_stream *stream)
{
    (void)context;
    (void)stream;
}

static const struct h2_events server_events = {
    .on_begin = on_begin,
    .on_field = on_server_field,
    .on_fields_end = on_fields_end,
    .on_data = on_server_data,
    .on_end = on_end,
    .on_close = on_server_close,
};

/* -------------------------------------------------------------------- the client */

static void on_field(void *context, int32_t stream, struct h2_field field)
{
    struct wire_pair *pair = context;

    (void)stream;
    if (view_equal(field.name, VIEW(":status")))
        pair->status = (unsigned)strtoul(field.value.data, NULL, 10);
    if (view_equal(field.name, VIEW("grpc-status")) && field.value.size < sizeof(pair->trailer))
        memcpy(pair->trailer, field.value.data, field.value.size);
}

static void on_data(void *context, int32_t stream, struct view data)
{
    struct wire_pair *pair = context;

    (void)stream;
    (void)buf_append_view(&pair->answer, data);
}

static void on_close(void *context, int32_t stream, uint32_t error)
{
    struct wire_pair *pair = context;

    (void)stream;
    pair->closed++;
    pair->error = error;
}

static const struct h2_client_events client_events = {on_field, on_data, on_close};

/* ------------------------------------------------------------------- both of them */

static int open_pair(struct wire_pair *pair)
{
    struct h2_options options = {
        .events = &server_events,
        .context = pair,
        .streams_max = 10,
        .stream_window = WINDOW,
        .connection_window = WINDOW,
        .frame_size_max = 16384,
        .header_list_max = 8192,
        .guard = h2_guard_defaults,
    };
    int status;

    memset(pair, 0, sizeof(*pair));
    buf_init(&pair->to_server, 0);
    buf_init(&pair->to_client, 0);
    buf_init(&pair->said, 0);
    buf_init(&pair->answer, 0);
    status = h2_new(&options, (struct mono_time){1}, &pair->server);
    if (status == 0)
        status = h2_client_new(&client_events, pair, &pair->client);
    return status;
}

static void close_pair(struct wire_pair *pair)
{
    h2_client_free(pair->client);
    h2_free(pair->server);
    buf_release(&pair->to_server);
    buf_release(&pair->to_client);
    buf_release(&pair->said);
    buf_release(&pair->answer);
}

/* Carries bytes to and fro until neither side has any. */
static int pump(struct wire_pair *pair)
{
    struct mono_time now = {2};
    int status;

    do {
        buf_reset(&pair->to_server);
        buf_reset(&pair->to_client);
        status = h2_client_send(pair->client, SIZE_MAX, &pair->to_server);
        if (status == 0 && pair->to_server.size != 0)
            status = h2_receive(pair->server, buf_view(&pair->to_server), now);
        if (status == STATUS_CLOSED)
            status = 0;
        if (status == 0)
            status = h2_send(pair->server, now, SIZE_MAX, &pair->to_client);
        (void)buf_append_view(&pair->said, buf_view(&pair->to_client));
        if (status == 0 && pair->to_client.size != 0)
            status = h2_client_receive(pair->client, buf_view(&pair->to_client));
    } while (status == 0 && pair->to_server.size + pair->to_client.size != 0);
    return status;
}

static int ask(struct wire_pair *pair, struct view head, struct view body)
{
    const struct h2_field fields[] = {
        {VIEW(":method"), VIEW("POST")},
        {VIEW(":scheme"), VIEW("http")},
        {VIEW(":path"), VIEW("/a.B/C")},
        {VIEW(":authority"), VIEW("localhost")},
    };
    struct h2_request request = {fields, 4, head, body};
    int32_t stream = 0;
    int status = h2_client_request(pair->client, &request, &stream);

    return status != 0 ? status : pump(pair);
}

static void h2_client__carries_a_request_and_its_answer(void **state)
{
    struct wire_pair pair;

    (void)state;
    assert_int_equal(open_pair(&pair), 0);
    assert_true(h2_client_is_open(pair.client));
    assert_int_equal(ask(&pair, VIEW("head"), VIEW("body")), 0);
    assert_string_equal(pair.path, "/a.B/C");
    assert_int_equal(pair.body_size, 8);
    assert_int_equal(pair.status, 200);
    assert_view_equal(buf_view(&pair.answer), "hello");
    assert_string_equal(pair.trailer, "0");
    assert_int_equal(pair.closed, 1);
    assert_int_equal(pair.error, H2_NO_ERROR);
    assert_int_equal(ask(&pair, VIEW(""), VIEW("")), 0);
    assert_int_equal(pair.requests, 2);
    assert_int_equal(pair.closed, 2);
    assert_false(h2_client_is_over(pair.client));
    close_pair(&pair);
}

static void h2_client__keeps_to_the_window(void **state)
{
    enum { SIZE = 5 * WINDOW + 7 };
    char *body = mem_calloc(1, SIZE);
    unsigned char sum = 1;
    struct wire_pair pair;

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < SIZE; i++) {
        body[i] = (char)(i * 31 % 127);
        sum = (unsigned char)(sum + (unsigned char)body[i]);
    }
    assert_int_equal(open_pair(&pair), 0);
    assert_int_equal(ask(&pair, VIEW("\1"), (struct view){body, SIZE}), 0);
    assert_int_equal(pair.body_size, SIZE + 1);
    assert_int_equal(pair.body_sum, sum);
    assert_int_equal(pair.closed, 1);
    close_pair(&pair);
    mem_free(body);
}

static void h2_client__tells_of_a_refused_stream(void **state)
{
    struct wire_pair pair;

    (void)state;
    assert_int_equal(open_pair(&pair), 0);
    pair.refuse = true;
    assert_int_equal(ask(&pair, VIEW("a"), VIEW("b")), 0);
    assert_int_equal(pair.closed, 1);
    assert_int_equal(pair.error, H2_REFUSED_STREAM);
    assert_true(h2_client_is_open(pair.client));
    assert_false(h2_client_is_faulty(pair.client));
    close_pair(&pair);
}

static void h2_client__opens_nothing_after_a_goodbye(void **state)
{
    struct wire_pair pair;

    (void)state;
    assert_int_equal(open_pair(&pair), 0);
    assert_int_equal(ask(&pair, VIEW("a"), VIEW("b")), 0);
    h2_shut_down(pair.server, VIEW("bye"), (struct mono_time){2});
    assert_int_equal(pump(&pair), 0);
    assert_false(h2_client_is_open(pair.client));
    assert_int_equal(ask(&pair, VIEW("a"), VIEW("b")), STATUS_CLOSED);
    assert_true(h2_client_is_over(pair.client));
    assert_false(h2_client_is_faulty(pair.client));
    close_pair(&pair);
}

static void h2_client__ends_open_requests_when_freed(void **state)
{
    struct wire_pair pair;

    (void)state;
    assert_int_equal(open_pair(&pair), 0);
    pair.silent = true;
    assert_int_equal(ask(&pair, VIEW("a"), VIEW("b")), 0);
    assert_int_equal(pair.closed, 0);
    h2_client_free(pair.client);
    pair.client = NULL;
    assert_int_equal(pair.closed, 1);
    assert_int_equal(pair.error, H2_CANCEL);
    close_pair(&pair);
}

static void h2_client__sees_that_the_peer_speaks_otherwise(void **state)
{
    static const struct view answers[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28},
        {"SSH-2.0-OpenSSH_9.2\r\n", 21},
        {"\0\0\4\10\0\0\0\0\0\0\0\0\0", 13}, /* A window update by nothing, before SETTINGS. */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct wire_pair pair;
        struct buf out;
        assert_int_equal(open_pair(&pair), 0);
        buf_init(&out, 0);
        assert_int_equal(h2_client_receive(pair.client, answers[i]), 0);
        assert_int_equal(h2_client_send(pair.client, SIZE_MAX, &out), 0);
        assert_true(h2_client_is_over(pair.client));
        assert_true(h2_client_is_faulty(pair.client));
        assert_false(h2_client_is_open(pair.client));
        assert_int_equal(h2_client_receive(pair.client, answers[i]), 0);
        buf_release(&out);
        close_pair(&pair);
    }
}

/* The client alone, with what a server said before. */
static int talk(void *context)
{
    struct wire_pair pair = {0};
    const struct h2_field fields[] = {{VIEW(":method"), VIEW("POST")}, {VIEW(":path"), VIEW("/")}};
    struct h2_request request = {fields, 2, VIEW("a"), VIEW("b")};
    int32_t stream;
    int status = h2_client_new(&client_events, &pair, &pair.client);

    if (status == 0)
        status = h2_client_request(pair.client, &request, &stream);
    if (status == 0)
        status = h2_client_send(pair.client, SIZE_MAX, &pair.to_server);
    if (status == 0)
        status = h2_client_receive(pair.client, *(const struct view *)context);
    if (status == 0)
        status = h2_client_send(pair.client, SIZE_MAX, &pair.to_server);
    if (status == 0) {
        assert_int_equal(pair.closed, 1);
        assert_int_equal(pair.error, H2_NO_ERROR);
        status = pair.answer.failed;
    }
    h2_client_free(pair.client);
    buf_release(&pair.to_server);
    buf_release(&pair.answer);
    return status;
}

static void h2_client__survives_without_memory(void **state)
{
    struct wire_pair pair;
    struct view said;

    (void)state;
    assert_int_equal(open_pair(&pair), 0);
    assert_int_equal(ask(&pair, VIEW("a"), VIEW("b")), 0);
    said = buf_view(&pair.said);
    test_sweep_memory(talk, &said);
    close_pair(&pair);
    h2_client_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2_client__carries_a_request_and_its_answer),
        cmocka_unit_test(h2_client__keeps_to_the_window),
        cmocka_unit_test(h2_client__tells_of_a_refused_stream),
        cmocka_unit_test(h2_client__opens_nothing_after_a_goodbye),
        cmocka_unit_test(h2_client__ends_open_requests_when_freed),
        cmocka_unit_test(h2_client__sees_that_the_peer_speaks_otherwise),
        cmocka_unit_test(h2_client__survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
