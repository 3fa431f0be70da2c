/* http_fixture.c: bytes in, bytes out, and what was counted. */
#include "tests/lib/http_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>

#include "tests/lib/test.h"

static void method(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply)
{
    struct http_fixture *on = context;

    assert_int_equal(thread, 3);
    /* What was inflated is charged, and the memory that it lies in. */
    if (on->worker.inflated.data != NULL && message.data == on->worker.inflated.data)
        assert_true(on->shared.budget.held >= on->worker.inflated.capacity);
    on->calls++;
    on->format = format;
    on->size = message.size;
    on->first = message.size != 0 ? message.data[0] : '-';
    for (size_t i = 0; i < message.size; i++)
        assert_int_equal(message.data[i], message.data[0]);
    reply->code = on->code;
    reply->retry_delay_ns = on->retry_delay_ns;
    if (on->message != NULL)
        (void)buf_append_text(&reply->message, on->message);
    if (on->body != NULL)
        (void)buf_append_text(&reply->body, on->body);
}

static size_t memory_of(void *context, enum message_format format, struct view message)
{
    (void)context;
    return format == MESSAGE_JSON ? HTTP_MEMORY_TIMES * message.size : 0;
}

void http_start(struct http_fixture *on)
{
    memset(on, 0, sizeof(*on));
    assert_int_equal(counters_init(&on->counters, receiver_counter_rows, RECEIVER_COUNTER_COUNT),
                     0);
    on->methods[0] = (struct grpc_method){.path = "/t.Service/Export",
                                          .http_path = "/v1/traces",
                                          .call = method,
                                          .context = on,
                                          .memory_of = memory_of};
    on->methods[1] = (struct grpc_method){
        .path = "/l.Service/Export", .http_path = "/v1/logs", .refusal = "logs are off: set it"};
    on->shared = (struct session_shared){
        .methods = on->methods,
        .methods_count = 2,
        .message_bytes_max = HTTP_MESSAGE_MAX,
        .response_bytes_max = 1000,
        .streams_max = 100,
        .request_timeout_ns = 60 * NS_PER_S,
        .limits = session_limits_default,
        .counters = &on->counters,
    };
    session_shared_bound(&on->shared, HTTP_BODY_BYTES_MAX);
    on->opening.serves = SESSION_HTTP;
    on->now.ns = 1000 * NS_PER_S;
    session_worker_init(&on->worker, 3, &on->shared);
    buf_init(&on->out, 0);
    http_restart(on);
}

void http_restart(struct http_fixture *on)
{
    session_free(on->session);
    on->session = NULL;
    on->status = 0;
    buf_reset(&on->out);
    assert_int_equal(session_new(&on->shared, &on->worker, on->opening, on->now, &on->session), 0);
}

void http_stop(struct http_fixture *on)
{
    session_free(on->session);
    assert_int_equal(on->shared.budget.held, 0);
    assert_int_equal(http_counted(on, RECEIVER_BODY_BYTES), 0);
    session_worker_release(&on->worker);
    counters_release(&on->counters);
    buf_release(&on->out);
}

static void hear(struct http_fixture *on)
{
    size_t before;
    int status;

    do {
        before = on->out.size;
        status = session_produce(on->session, on->now, before + 1000, &on->out);
    } while (status == 0 && on->out.size != before);
    if (on->status == 0)
        on->status = status;
}

void http_send_pieces(struct http_fixture *on, struct view bytes, size_t piece)
{
    while (bytes.size != 0 && on->status == 0 && session_wants_input(on->session)) {
        size_t size = bytes.size < piece ? bytes.size : piece;

        on->status = session_receive(on->session, (struct view){bytes.data, size}, on->now);
        bytes = (struct view){bytes.data + size, bytes.size - size};
        hear(on);
    }
    hear(on);
}

void http_send(struct http_fixture *on, const char *text)
{
    http_send_pieces(on, view_of(text), SIZE_MAX);
}

void http_tick(struct http_fixture *on, uint64_t passed_ns)
{
    int status;

    on->now.ns += passed_ns;
    status = session_tick(on->session, on->now);
    if (on->status == 0)
        on->status = status;
    hear(on);
}

void http_post(struct http_fixture *on, const char *fields, struct view body)
{
    struct buf text;

    buf_init(&text, 0);
    assert_int_equal(buf_printf(&text,
                                "POST /v1/traces HTTP/1.1\r\nHost: h\r\n%sContent-Length: "
                                "%zu\r\n\r\n",
                                fields, body.size),
                     0);
    assert_int_equal(buf_append_view(&text, body), 0);
    http_send_pieces(on, buf_view(&text), SIZE_MAX);
    buf_release(&text);
}

uint64_t http_counted(const struct http_fixture *on, enum receiver_counter which)
{
    return counters_read(&on->counters, which);
}

void assert_http(struct http_fixture *on, unsigned status, ...)
{
    char line[32];
    const char *text;
    va_list texts;

    (void)snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    assert_int_equal(buf_append_byte(&on->out, '\0'), 0);
    if (strncmp(on->out.data, line, strlen(line)) != 0)
        fail_msg("no `%s` in:\n%s", line, on->out.data);
    va_start(texts, status);
    while ((text = va_arg(texts, const char *)) != NULL)
        if (strstr(on->out.data, text) == NULL)
            fail_msg("no `%s` in:\n%s", text, on->out.data);
    va_end(texts);
    buf_reset(&on->out);
}

struct view http_fill(char *body, size_t size)
{
    memset(body, 'w', size);
    return (struct view){body, size};
}

struct view http_pack_zlib(int window_bits, size_t size, char byte, char *out, size_t room)
{
    static char plain[4000000];
    z_stream stream = {.avail_in = (uInt)size, .next_in = (Bytef *)plain};

    memset(plain, byte, size);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return (struct view){out, stream.total_out};
}
