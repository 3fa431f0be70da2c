/* grpc_fixture.c: frames in, frames out, and what was counted. */
#include "tests/lib/grpc_fixture.h"

#include <zlib.h>

#include "tests/lib/test.h"

static void method(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply)
{
    struct grpc_fixture *on = context;

    on->format = format;
    assert_int_equal(thread, 3);
    assert_true(on->calls < GRPC_CALLS_KEPT);
    on->sizes[on->calls] = message.size;
    on->first[on->calls] = message.size != 0 ? message.data[0] : '-';
    for (size_t i = 0; i < message.size; i++)
        assert_int_equal(message.data[i], message.data[0]);
    on->last = message.data;
    on->calls++;
    reply->code = on->code;
    reply->retry_delay_ns = on->retry_delay_ns;
    if (on->message != NULL)
        (void)buf_append_text(&reply->message, on->message);
    for (size_t i = 0; i < on->body_size; i++)
        (void)buf_append_byte(&reply->body, 'b');
}

static void make(struct grpc_fixture *on, size_t message_bytes_max, size_t body_bytes_max)
{
    memset(on, 0, sizeof(*on));
    on->opening.serves = SESSION_GRPC;
    assert_int_equal(counters_init(&on->counters, receiver_counter_rows, RECEIVER_COUNTER_COUNT),
                     0);
    on->methods[0] = (struct grpc_method){
        .path = "/t.Service/Export", .http_path = "/v1/traces", .call = method, .context = on};
    on->shared = (struct session_shared){
        .methods = on->methods,
        .methods_count = 1,
        .message_bytes_max = message_bytes_max,
        .response_bytes_max = 1000,
        .streams_max = 100,
        .request_timeout_ns = 60 * NS_PER_S,
        .limits = session_limits_default,
        .counters = &on->counters,
    };
    session_shared_bound(&on->shared, body_bytes_max);
    on->now.ns = 1000 * NS_PER_S;
    session_worker_init(&on->worker, 3, &on->shared);
    assert_int_equal(session_new(&on->shared, &on->worker, on->opening, on->now, &on->session), 0);
    h2_peer_init(&on->peer);
}

uint64_t grpc_counted(const struct grpc_fixture *on, enum receiver_counter which)
{
    return counters_read(&on->counters, which);
}

void grpc_stop(struct grpc_fixture *on)
{
    session_free(on->session);
    if (on->host != NULL) {
        session_worker_release(&on->worker);
        h2_peer_release(&on->peer);
        return;
    }
    assert_int_equal(on->shared.budget.held, 0);
    assert_int_equal(grpc_counted(on, RECEIVER_BODY_BYTES), 0);
    session_shared_release(&on->shared);
    session_worker_release(&on->worker);
    h2_peer_release(&on->peer);
    counters_release(&on->counters);
}

void grpc_hear(struct grpc_fixture *on)
{
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = session_produce(on->session, on->now, 1 << 20, &out);
    if (on->status == 0)
        on->status = status;
    h2_peer_read(&on->peer, buf_view(&out));
    buf_release(&out);
}

void grpc_run(struct grpc_fixture *on)
{
    struct buf said = on->peer.out;
    struct view bytes = buf_view(&said);

    buf_init(&on->peer.out, 0); /* Where answers to what comes out go, for the next time. */
    while (bytes.size != 0 && on->status == 0) {
        struct view piece = {bytes.data,
                             on->piece != 0 && on->piece < bytes.size ? on->piece : bytes.size};

        on->status = session_receive(on->session, piece, on->now);
        bytes = (struct view){bytes.data + piece.size, bytes.size - piece.size};
        grpc_hear(on);
    }
    buf_release(&said);
    grpc_hear(on);
}

void grpc_start_unheard(struct grpc_fixture *on)
{
    make(on, GRPC_MESSAGE_MAX, GRPC_BODY_BYTES_MAX);
}

void grpc_start(struct grpc_fixture *on)
{
    grpc_start_with(on, GRPC_MESSAGE_MAX, GRPC_BODY_BYTES_MAX);
}

void grpc_start_with(struct grpc_fixture *on, size_t message_bytes_max, size_t body_bytes_max)
{
    make(on, message_bytes_max, body_bytes_max);
    grpc_run(on);
    grpc_run(on);
    assert_int_equal(on->peer.settings_acks, 1);
}

void grpc_start_beside(struct grpc_fixture *on, struct grpc_fixture *host)
{
    memset(on, 0, sizeof(*on));
    on->host = host;
    on->opening = host->opening;
    on->now = host->now;
    session_worker_init(&on->worker, 3, &host->shared);
    assert_int_equal(session_new(&host->shared, &on->worker, on->opening, on->now, &on->session),
                     0);
    h2_peer_init(&on->peer);
    grpc_run(on);
    grpc_run(on);
    assert_int_equal(on->peer.settings_acks, 1);
}

void grpc_tick(struct grpc_fixture *on, uint64_t passed_ns)
{
    int status;

    on->now.ns += passed_ns;
    status = session_tick(on->session, on->now);
    if (on->status == 0)
        on->status = status;
    grpc_hear(on);
}

const struct h2_field grpc_basic[GRPC_BASIC_COUNT] = {
    {VIEW(":method"), VIEW("POST")},
    {VIEW(":scheme"), VIEW("http")},
    {VIEW(":authority"), VIEW("localhost")},
    {VIEW(":path"), VIEW("/t.Service/Export")},
    {VIEW("content-type"), VIEW("application/grpc")},
    {VIEW("te"), VIEW("trailers")},
};

void grpc_open_with(struct grpc_fixture *on, uint32_t stream, const struct h2_field *more,
                    size_t more_count, unsigned flags)
{
    struct h2_field fields[20];
    size_t count = GRPC_BASIC_COUNT;

    memcpy(fields, grpc_basic, sizeof(grpc_basic));
    for (size_t i = 0; i < more_count; i++) {
        size_t at = 0;

        while (at < count && !view_equal(fields[at].name, more[i].name))
            at++;
        fields[at] = more[i];
        if (at == count)
            count++;
    }
    h2_peer_headers(&on->peer, stream, fields, count, flags | H2_END_HEADERS);
}

void grpc_open(struct grpc_fixture *on, uint32_t stream)
{
    grpc_open_with(on, stream, NULL, 0, 0);
}

void grpc_put_message(struct buf *to, unsigned flag, size_t size, char byte)
{
    char prefix[5] = {(char)flag, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8),
                      (char)size};

    assert_int_equal(buf_append(to, prefix, 5), 0);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(buf_append_byte(to, byte), 0);
}

void grpc_send_body(struct grpc_fixture *on, uint32_t stream, struct view body, size_t frame,
                    bool ends)
{
    do {
        size_t size = body.size < frame ? body.size : frame;

        h2_peer_frame(&on->peer, H2_DATA, ends && size == body.size ? H2_END_STREAM : 0, stream,
                      (struct view){body.data, size});
        body = (struct view){body.data + size, body.size - size};
    } while (body.size != 0);
}

void grpc_send_message(struct grpc_fixture *on, uint32_t stream, size_t size, char byte,
                       size_t frame)
{
    struct buf body;

    buf_init(&body, 0);
    grpc_put_message(&body, 0, size, byte);
    grpc_send_body(on, stream, buf_view(&body), frame, true);
    buf_release(&body);
}

const struct h2_seen *grpc_seen(const struct grpc_fixture *on, uint32_t stream)
{
    const struct h2_seen *there = h2_peer_seen(&on->peer, stream);

    assert_non_null(there);
    return there;
}

void assert_grpc_answer(const struct grpc_fixture *on, uint32_t stream, const char *status_line)
{
    assert_true(grpc_seen(on, stream)->is_ended);
    if (!h2_seen_has(grpc_seen(on, stream), status_line))
        fail_msg("no `%s` in:\n%.*s", status_line, (int)grpc_seen(on, stream)->fields.size,
                 grpc_seen(on, stream)->fields.data);
}

void assert_grpc_ok(const struct grpc_fixture *on, uint32_t stream)
{
    assert_grpc_answer(on, stream, "grpc-status: 0");
    assert_true(h2_seen_has(grpc_seen(on, stream), ":status: 200"));
    assert_int_equal(grpc_seen(on, stream)->blocks, 2);
}

void grpc_put_gzip(struct buf *to, size_t size, char byte)
{
    z_stream stream = {.avail_in = 0};
    char *plain = test_malloc(size + 1);
    char *packed = test_malloc(size + 1000);
    uint32_t packed_size;

    memset(plain, byte, size + 1);
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)plain;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)size + 1000;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed_size = (uint32_t)stream.total_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
    grpc_put_message(to, 1, packed_size, 0);
    memcpy(to->data + to->size - packed_size, packed, packed_size);
    test_free(plain);
    test_free(packed);
}
