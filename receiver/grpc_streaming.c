/* grpc_streaming.c: a gRPC call whose method answers more than once (grpc_stream.h).
 *
 *   message in ──> method ──> message out ──(not before the one before has gone)──> next message in
 *                                └──> trailers
 *
 * Bytes of messages that cannot be taken yet stay here, and their sender gets no credit for them: so
 * a call holds at most what its window lets come and one answer, both in the budget. A method that
 * speaks by itself is asked by the clock, and while its peer does not read it is not.
 */
#include "base/check.h"
#include "base/mem.h"
#include "receiver/grpc_status.h"
#include "receiver/session_priv.h"

enum { PREFIX_SIZE = 5, MESSAGE_MAX = 16 * 1024, STATE_MAX = 64, CALLS_PART = 8 };

struct grpc_streaming {
    const struct grpc_stream_method *method;
    struct buf inbound;
    uint64_t client_deadline_ns; /* UINT64_MAX: it has none. */
    bool has_begun;              /* The answer's fields were said. */
    bool has_message;            /* The method has had its first message. */
    bool is_input_done;
    max_align_t state[STATE_MAX / sizeof(max_align_t)];
};

size_t grpc_streaming_held(const struct request *request)
{
    const struct grpc_streaming *call = request->streaming;

    return call != NULL ? call->inbound.capacity + h2_unsent(request->stream) : 0;
}

/* ------------------------------------------------------------------------ answers */

static void refuse(struct request *request, enum grpc_code code, struct view message)
{
    grpc_call_answer(request, code, message, 0);
}

static void refuse_for_now(struct request *request, struct view message)
{
    grpc_call_answer(request, GRPC_UNAVAILABLE, message, request_retry_delay_ns(request));
}

bool grpc_streaming_has_begun(const struct request *request)
{
    return request->streaming != NULL && request->streaming->has_begun;
}

/* Returns: 0; STATUS_NOMEM (the stream is reset by h2 then). */
static int say(struct request *request, struct view body)
{
    static const struct h2_field fields[] = {
        {VIEW(":status"), VIEW("200")},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("grpc-accept-encoding"), VIEW(GRPC_ENCODINGS)},
    };
    char prefix[PREFIX_SIZE] = {0, (char)(body.size >> 24), (char)(body.size >> 16),
                                (char)(body.size >> 8), (char)body.size};
    struct h2_stream *stream = request->stream;

    if (!request->streaming->has_begun) {
        if (h2_begin_answer(stream, fields, sizeof(fields) / sizeof(fields[0])) != 0)
            return STATUS_NOMEM;
        request->streaming->has_begun = true;
    }
    if (h2_write(stream, (struct view){prefix, sizeof(prefix)}) != 0)
        return STATUS_NOMEM;
    return h2_write(stream, body);
}

/* What the method wants done. */
static void take_step(struct request *request, enum grpc_step step)
{
    const struct grpc_reply *reply = &request->session->worker->reply;

    if (step == GRPC_STEP_END)
        refuse(request, reply->code, buf_view(&reply->message));
    else if (step == GRPC_STEP_SAY && say(request, buf_view(&reply->body)) == 0 &&
             request_charge(request) != 0)
        refuse_for_now(request, VIEW("too many bytes are under way"));
}

static struct grpc_reply *fresh_reply(struct request *request)
{
    struct grpc_reply *reply = &request->session->worker->reply;

    reply->code = GRPC_OK;
    reply->retry_delay_ns = 0;
    buf_reset(&reply->message);
    buf_reset(&reply->body);
    return reply;
}

/* -------------------------------------------------------------------------- input */

/* With several messages to come the time for one begins anew with each; a method that goes on by
 * itself ends when its caller has had enough. */
static void set_deadline(struct request *request)
{
    struct session *session = request->session;
    const struct grpc_streaming *call = request->streaming;
    uint64_t end_ns = call->client_deadline_ns;
    uint64_t ours_ns = session->now.ns + session->shared->request_timeout_ns;

    if ((call->method->takes_many || !call->has_message) && ours_ns < end_ns)
        end_ns = ours_ns;
    request->deadline.ns = end_ns;
    if (end_ns < session->earliest.ns)
        session->earliest.ns = end_ns;
}

static void call_method(struct request *request, struct view message)
{
    struct grpc_streaming *call = request->streaming;

    call->has_message = true;
    set_deadline(request);
    request_count(request, RECEIVER_MESSAGE_BYTES, message.size);
    take_step(request, call->method->message(call->method->context, call->state, message,
                                             fresh_reply(request)));
    h2_served(request->session->h2);
}

static void inflate_and_call(struct request *request, struct view packed)
{
    struct buf *inflated = &request->session->worker->inflated;

    buf_reset(inflated);
    switch (inflate_any(grpc_inflate_format(request->encoding), packed, MESSAGE_MAX, inflated)) {
    case 0:
        call_method(request, buf_view(inflated));
        break;
    case STATUS_TOO_LARGE:
        refuse(request, GRPC_RESOURCE_EXHAUSTED, VIEW("the inflated message is too large"));
        break;
    case STATUS_NOMEM:
        refuse_for_now(request, VIEW("no memory to inflate the message"));
        break;
    default:
        refuse(request, GRPC_INTERNAL, VIEW("the message is not what its encoding says"));
    }
}

/* The length behind the prefix; false: the call was ended for what stands there. */
static bool check_prefix(struct request *request, size_t *out_size)
{
    const unsigned char *prefix = (const unsigned char *)request->streaming->inbound.data;
    size_t size = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 |
                  prefix[4];

    if (prefix[0] > 1)
        refuse(request, GRPC_INTERNAL, VIEW("a message's first byte is neither 0 nor 1"));
    else if (size > MESSAGE_MAX)
        refuse(request, GRPC_RESOURCE_EXHAUSTED,
               VIEW("a message of this method is at most 16,384 bytes"));
    else if (prefix[0] == 1 && request->encoding == GRPC_UNKNOWN_ENCODING)
        refuse(request, GRPC_UNIMPLEMENTED,
               VIEW("the message's encoding is none of " GRPC_ENCODINGS));
    else if (prefix[0] == 1 && request->encoding == GRPC_IDENTITY)
        refuse(request, GRPC_INTERNAL, VIEW("a compressed message, but no grpc-encoding"));
    else
        *out_size = size;
    return !request_is_answered(request);
}

/* Whether a message was taken, or the call ended. */
static bool take_message(struct request *request)
{
    struct grpc_streaming *call = request->streaming;
    struct view message;
    bool is_packed;
    size_t size = 0;

    if (call->inbound.size < PREFIX_SIZE)
        return false;
    if (!check_prefix(request, &size))
        return true;
    if (call->inbound.size - PREFIX_SIZE < size)
        return false;
    if (!call->method->takes_many && call->inbound.size - PREFIX_SIZE > size) {
        refuse(request, GRPC_UNIMPLEMENTED,
               VIEW("more than one message, where the method takes one"));
        return true;
    }
    message = (struct view){call->inbound.data + PREFIX_SIZE, size};
    is_packed = call->inbound.data[0] == 1;
    if (is_packed)
        inflate_and_call(request, message);
    else
        call_method(request, message);
    if (request_is_answered(request))
        return true;
    buf_consume(&call->inbound, PREFIX_SIZE + size);
    return true;
}

/* All messages came, and were taken. */
static void end_input(struct request *request)
{
    const struct grpc_streaming *call = request->streaming;

    if (call->inbound.size != 0)
        refuse(request, GRPC_INTERNAL, VIEW("the request ends inside a message"));
    else if (call->method->takes_many)
        grpc_call_answer(request, GRPC_OK, VIEW(""), 0);
    else if (!call->has_message)
        refuse(request, GRPC_UNIMPLEMENTED, VIEW("no message, where the method takes one"));
}

/* Takes what can be taken now. */
static void go_on(struct request *request)
{
    struct grpc_streaming *call = request->streaming;
    bool is_ready = call->method->takes_many || call->is_input_done;

    while (is_ready && !request_is_answered(request) && h2_unsent(request->stream) == 0 &&
           take_message(request))
        continue;
    if (request_is_answered(request))
        return;
    if (call->is_input_done && h2_unsent(request->stream) == 0)
        end_input(request);
    if (request_is_answered(request))
        return;
    if (call->inbound.size == 0) {
        buf_release(&call->inbound);
        h2_return(request->stream);
    } else {
        h2_return_connection(request->stream);
    }
    if (request_charge(request) != 0)
        refuse_for_now(request, VIEW("too many bytes are under way"));
}

/* --------------------------------------------------------------------------- life */

/* Returns: 0; STATUS_FULL. */
static int count_in(struct session *session)
{
    struct session_shared *shared = session->shared;
    size_t part = shared->streaming_max / CALLS_PART;

    if (session->streaming >= (part != 0 ? part : 1))
        return STATUS_FULL;
    if (atomic_fetch_add(&shared->streaming, 1) >= shared->streaming_max) {
        (void)atomic_fetch_sub(&shared->streaming, 1);
        return STATUS_FULL;
    }
    session->streaming++;
    return 0;
}

void grpc_streaming_begin(struct request *request)
{
    struct session *session = request->session;
    struct grpc_streaming *call;

    CHECK(request->stream_method->state_bytes <= STATE_MAX);
    if (count_in(session) != 0) {
        request_count(request, RECEIVER_LIMIT_STREAMING, 1);
        refuse_for_now(request, VIEW("too many calls that go on are under way"));
        return;
    }
    call = mem_calloc(1, sizeof(*call));
    if (call == NULL) {
        session->streaming--;
        (void)atomic_fetch_sub(&session->shared->streaming, 1);
        refuse_for_now(request, VIEW("no memory for the call"));
        return;
    }
    call->method = request->stream_method;
    call->client_deadline_ns = request->client_deadline_ns;
    buf_init(&call->inbound, session->shared->stream_window);
    request->streaming = call;
    set_deadline(request);
}

void grpc_streaming_free(struct request *request)
{
    struct grpc_streaming *call = request->streaming;

    if (call == NULL)
        return;
    request->streaming = NULL;
    request->session->streaming--;
    (void)atomic_fetch_sub(&request->session->shared->streaming, 1);
    buf_release(&call->inbound);
    mem_free(call);
}

void grpc_streaming_data(struct request *request, struct view piece)
{
    int status = buf_append_view(&request->streaming->inbound, piece);

    if (status == STATUS_TOO_LARGE)
        refuse(request, GRPC_RESOURCE_EXHAUSTED, VIEW("too many messages wait to be read"));
    else if (status != 0)
        refuse_for_now(request, VIEW("no memory to hold the message"));
    else
        go_on(request);
}

void grpc_streaming_end(struct request *request)
{
    request->streaming->is_input_done = true;
    go_on(request);
}

void grpc_streaming_poll(struct session *session)
{
    for (struct request *request = session->requests; request != NULL; request = request->next) {
        struct grpc_streaming *call = request->streaming;

        if (call == NULL || request_is_answered(request))
            continue;
        if (h2_is_closing(session->h2))
            refuse(request, GRPC_UNAVAILABLE, VIEW("the connection is being closed"));
        else if (call->method->poll != NULL && call->has_message && h2_unsent(request->stream) == 0)
            take_step(request,
                      call->method->poll(call->method->context, call->state, fresh_reply(request)));
    }
}

void grpc_streaming_go_on(struct session *session)
{
    for (struct request *request = session->requests; request != NULL; request = request->next) {
        if (request->streaming != NULL && !request_is_answered(request) &&
            h2_unsent(request->stream) == 0)
            go_on(request);
    }
}
