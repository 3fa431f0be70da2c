/* grpc_call.c: one request, from its first field to its answer.
 *
 *   fields ──bad──> refused with trailers only
 *     │
 *   body ──bad, too large, late, budget full──> refused, the rest is dropped
 *     │ (while the budget is tight: no credit until there is room, grpc_credit.c)
 *   end ──> inflate ──> method ──> response and trailers, or trailers only
 */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "receiver/grpc_session_priv.h"
#include "receiver/grpc_status.h"
#include "receiver/inflate.h"
#include "receiver/receiver_counters.h"

/* An inflated message's memory is kept for the next one up to this size. */
enum { INFLATED_KEPT = 1024 * 1024 };
/* So much of a body is read and dropped before a request that is not gRPC is told so. */
enum { FOREIGN_BODY_MAX = 64 * 1024 };

/* ------------------------------------------------------------------------ answers */

static enum receiver_counter counter_of(enum grpc_code code)
{
    switch (code) {
    case GRPC_OK:
        return RECEIVER_REQUESTS_OK;
    case GRPC_INVALID_ARGUMENT:
        return RECEIVER_REQUESTS_INVALID;
    case GRPC_RESOURCE_EXHAUSTED:
        return RECEIVER_REQUESTS_EXHAUSTED;
    case GRPC_UNIMPLEMENTED:
        return RECEIVER_REQUESTS_UNIMPLEMENTED;
    case GRPC_INTERNAL:
        return RECEIVER_REQUESTS_INTERNAL;
    case GRPC_UNAVAILABLE:
        return RECEIVER_REQUESTS_UNAVAILABLE;
    case GRPC_DEADLINE_EXCEEDED:
        return RECEIVER_REQUESTS_LATE;
    default:
        return RECEIVER_REQUESTS_OTHER;
    }
}

static void count(struct grpc_call *call, enum receiver_counter which, uint64_t more)
{
    counters_add(call->session->service->counters, which, more);
}

static const struct view under_way = VIEW("too many bytes of requests are under way");

struct refusal {
    struct view http_status;
    enum grpc_code code;
    struct view message;
    uint64_t retry_delay_ns;
    bool tells_encodings;
};

/* Trailers only. Where there is no memory for them h2 resets the stream, which the peer may retry. */
static void answer_status(struct grpc_call *call, const struct refusal *refusal)
{
    struct buf *text = &call->session->worker->text;
    struct h2_field fields[6] = {
        {VIEW(":status"), refusal->http_status},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("grpc-status"), grpc_code_digits(refusal->code)},
    };
    size_t fields_count = 3;
    size_t message_size = 0;

    count(call, counter_of(refusal->code), 1);
    buf_reset(text);
    /* Without memory for its text the status goes out alone. */
    if (grpc_message_encode(refusal->message, text) == 0)
        message_size = text->size;
    if (message_size == 0 || refusal->retry_delay_ns == 0 ||
        grpc_details_encode(refusal->code, refusal->message, refusal->retry_delay_ns, text) != 0)
        text->size = message_size;
    if (message_size != 0)
        fields[fields_count++] = (struct h2_field){VIEW("grpc-message"),
                                                   {text->data, message_size}};
    if (text->size > message_size)
        fields[fields_count++] = (struct h2_field){
            VIEW("grpc-status-details-bin"),
            {text->data + message_size, text->size - message_size},
        };
    if (refusal->tells_encodings)
        fields[fields_count++] = (struct h2_field){VIEW("grpc-accept-encoding"),
                                                   VIEW("identity,gzip")};
    grpc_call_let_go(call);
    (void)h2_answer(call->stream, fields, fields_count);
}

static void refuse(struct grpc_call *call, enum grpc_code code, struct view message)
{
    struct refusal refusal = {.http_status = VIEW("200"), .code = code, .message = message};

    answer_status(call, &refusal);
}

static void refuse_http(struct grpc_call *call, struct view http_status, enum grpc_code code,
                        struct view message)
{
    struct refusal refusal = {.http_status = http_status, .code = code, .message = message};

    answer_status(call, &refusal);
}

/* Between one and two seconds, so that those who were refused together do not return together. */
static uint64_t retry_delay_ns(const struct grpc_call *call)
{
    uint64_t mixed = (call->session->now.ns ^ (uint64_t)(uintptr_t)call) * 0x9e3779b97f4a7c15u;

    return NS_PER_S + (mixed >> 32) % NS_PER_S;
}

static void refuse_for_now(struct grpc_call *call, struct view message)
{
    struct refusal refusal = {
        .http_status = VIEW("200"),
        .code = GRPC_UNAVAILABLE,
        .message = message,
        .retry_delay_ns = retry_delay_ns(call),
    };

    answer_status(call, &refusal);
}

static void refuse_too_large(struct grpc_call *call, const char *what)
{
    char text[160];

    /* Without RetryInfo: the same message would not fit the next time either. */
    (void)snprintf(text, sizeof(text), "%s is larger than receiver.message_bytes_max, %zu bytes",
                   what, call->session->service->message_bytes_max);
    refuse(call, GRPC_RESOURCE_EXHAUSTED, view_of(text));
}

/* To a browser, or curl. */
static void answer_foreign(struct grpc_call *call)
{
    static const struct h2_field fields[] = {
        {VIEW(":status"), VIEW("415")},
        {VIEW("content-type"), VIEW("text/plain; charset=utf-8")},
    };
    struct h2_stream *stream = call->stream;

    count(call, RECEIVER_REQUESTS_INVALID, 1);
    grpc_call_let_go(call);
    if (h2_begin_answer(stream, fields, sizeof(fields) / sizeof(fields[0])) == 0 &&
        h2_write(stream, VIEW("Here listens OTLP over gRPC: the content type application/grpc is "
                              "expected.\n")) == 0)
        (void)h2_end_answer(stream, NULL, 0);
}

static void answer_ok(struct grpc_call *call, struct view body)
{
    static const struct h2_field fields[] = {
        {VIEW(":status"), VIEW("200")},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("grpc-accept-encoding"), VIEW("identity,gzip")},
    };
    static const struct h2_field trailers[] = {{VIEW("grpc-status"), VIEW("0")}};
    char prefix[5] = {0, (char)(body.size >> 24), (char)(body.size >> 16), (char)(body.size >> 8),
                      (char)body.size};
    struct h2_stream *stream = call->stream;

    count(call, RECEIVER_REQUESTS_OK, 1);
    grpc_call_let_go(call);
    /* Each failure has the stream reset by h2, so there is nothing to do about it here. */
    if (h2_begin_answer(stream, fields, sizeof(fields) / sizeof(fields[0])) == 0 &&
        h2_write(stream, (struct view){prefix, sizeof(prefix)}) == 0 && h2_write(stream, body) == 0)
        (void)h2_end_answer(stream, trailers, 1);
}

/* -------------------------------------------------------------------------- method */

static void call_method(struct grpc_call *call, struct view message)
{
    struct grpc_session *session = call->session;
    struct grpc_reply *reply = &session->worker->reply;
    struct refusal refusal = {.http_status = VIEW("200")};

    reply->code = GRPC_OK;
    reply->retry_delay_ns = 0;
    buf_reset(&reply->message);
    buf_reset(&reply->body);
    count(call, RECEIVER_MESSAGE_BYTES, message.size);
    call->method->call(call->method->context, session->worker->thread, message, reply);
    h2_served(session->h2);
    if (reply->code == GRPC_OK && reply->body.size <= session->service->response_bytes_max) {
        answer_ok(call, buf_view(&reply->body));
        return;
    }
    if (reply->code == GRPC_OK) {
        refuse(call, GRPC_RESOURCE_EXHAUSTED, VIEW("the response is larger than its limit"));
        return;
    }
    refusal.code = reply->code;
    refusal.message = buf_view(&reply->message);
    refusal.retry_delay_ns = reply->retry_delay_ns;
    answer_status(call, &refusal);
}

/* As far as the budget goes, too. What would not fit if the call were alone is too large; for what
 * only others leave no room for there will be room later. */
static void inflate_and_call(struct grpc_call *call)
{
    struct grpc_service *service = call->session->service;
    struct buf *inflated = &call->session->worker->inflated;
    size_t alone = service->budget.max - call->charged;
    size_t room = body_budget_room(&service->budget);
    size_t max = service->message_bytes_max < alone ? service->message_bytes_max : alone;
    int status;

    buf_reset(inflated);
    status = inflate_gzip(call->frame.message, max < room ? max : room, inflated);
    if (status == 0) {
        size_t size = inflated->size;

        status = body_budget_take_below(&service->budget, size, service->budget.max);
        if (status == 0) {
            call_method(call, buf_view(inflated));
            body_budget_give(&service->budget, size);
        }
    }
    if (status == STATUS_FULL || (status == STATUS_TOO_LARGE && room < max))
        refuse_for_now(call, under_way);
    else if (status == STATUS_TOO_LARGE)
        refuse_too_large(call, "the inflated message");
    else if (status == STATUS_NOMEM)
        refuse_for_now(call, VIEW("no memory to inflate the message"));
    else if (status != 0)
        refuse(call, GRPC_INTERNAL, VIEW("the message is not valid gzip"));
    if (inflated->capacity > INFLATED_KEPT)
        buf_release(inflated);
}

/* -------------------------------------------------------------------------- events */

static int on_begin(void *context, struct h2_stream *stream)
{
    struct grpc_session *session = context;
    struct grpc_call *call = mem_calloc(1, sizeof(*call));

    if (call == NULL) {
        counters_add(session->service->counters, RECEIVER_STREAMS_LOST, 1);
        return STATUS_NOMEM;
    }
    call->session = session;
    call->stream = stream;
    call->deadline.ns = session->now.ns + session->service->request_timeout_ns;
    if (call->deadline.ns < session->earliest.ns)
        session->earliest = call->deadline;
    grpc_frame_init(&call->frame);
    call->next = session->calls;
    call->link = &session->calls;
    if (call->next != NULL)
        call->next->link = &call->next;
    session->calls = call;
    stream->user = call;
    return 0;
}

static const struct grpc_method *find_method(const struct grpc_service *service, struct view path)
{
    for (size_t i = 0; i < service->methods_count; i++) {
        if (view_equal(view_of(service->methods[i].path), path))
            return &service->methods[i];
    }
    return NULL;
}

static void take_timeout(struct grpc_call *call, struct view value)
{
    uint64_t timeout_ns = 0;

    if (grpc_timeout_parse(value, &timeout_ns) != 0) {
        call->is_timeout_bad = true;
        return;
    }
    if (timeout_ns < call->deadline.ns - call->session->now.ns)
        call->deadline.ns = call->session->now.ns + timeout_ns;
    if (call->deadline.ns < call->session->earliest.ns)
        call->session->earliest = call->deadline;
}

static void on_field(void *context, struct h2_stream *stream, struct h2_field field)
{
    struct grpc_session *session = context;
    struct grpc_call *call = stream->user;

    if (view_equal(field.name, VIEW(":method")))
        call->is_post = view_equal(field.value, VIEW("POST"));
    else if (view_equal(field.name, VIEW(":path")))
        call->method = find_method(session->service, field.value);
    else if (view_equal(field.name, VIEW("content-type")))
        call->is_grpc = grpc_is_content_type(field.value);
    else if (view_equal(field.name, VIEW("grpc-encoding")))
        call->encoding = grpc_encoding_of(field.value);
    else if (view_equal(field.name, VIEW("grpc-timeout")))
        take_timeout(call, field.value);
}

static void on_fields_end(void *context, struct h2_stream *stream)
{
    struct grpc_call *call = stream->user;

    (void)context;
    call->has_fields = true;
    if (stream->is_header_list_too_large)
        refuse_http(call, VIEW("431"), GRPC_RESOURCE_EXHAUSTED,
                    VIEW("the header list is larger than 16,384 bytes"));
    else if (!call->is_grpc)
        call->is_foreign = true;
    else if (!call->is_post)
        refuse_http(call, VIEW("405"), GRPC_INTERNAL, VIEW("the method is not POST"));
    else if (call->is_timeout_bad)
        refuse_http(call, VIEW("400"), GRPC_INTERNAL, VIEW("malformed grpc-timeout"));
    else if (call->method == NULL)
        refuse(call, GRPC_UNIMPLEMENTED, VIEW("there is no such method here"));
    else if (call->deadline.ns <= call->session->now.ns)
        refuse(call, GRPC_DEADLINE_EXCEEDED, VIEW("the deadline was over when the request came"));
}

static void give_credit(struct grpc_call *call)
{
    if (grpc_call_credit(call) != 0)
        refuse_for_now(call, under_way);
}

/* The frame failed, or there are two of them. */
static bool refuse_body(struct grpc_call *call, int status)
{
    struct refusal unknown = {
        .http_status = VIEW("200"),
        .code = GRPC_UNIMPLEMENTED,
        .message = VIEW("the message's encoding is neither identity nor gzip"),
        .tells_encodings = true,
    };

    if (status == STATUS_INVALID)
        refuse(call, GRPC_INTERNAL, VIEW("a message's first byte is neither 0 nor 1"));
    else if (status == STATUS_TOO_LARGE)
        refuse_too_large(call, "the message");
    else if (status == STATUS_NOMEM)
        refuse_for_now(call, VIEW("no memory to hold the message"));
    else if (call->frame.is_compressed && call->encoding == GRPC_UNKNOWN_ENCODING)
        answer_status(call, &unknown);
    else if (call->frame.is_compressed && call->encoding == GRPC_IDENTITY)
        refuse(call, GRPC_INTERNAL, VIEW("a compressed message, but no grpc-encoding"));
    else if (call->frame.whole > 1)
        refuse(call, GRPC_UNIMPLEMENTED, VIEW("more than one message in a unary request"));
    else if (grpc_call_charge(call) != 0)
        refuse_for_now(call, under_way);
    else
        return false;
    return true;
}

static void on_data(void *context, struct h2_stream *stream, struct view data)
{
    struct grpc_session *session = context;
    struct grpc_call *call = stream->user;
    int status;

    if (call->is_foreign) {
        call->dropped += data.size;
        h2_return(stream);
        if (call->dropped > FOREIGN_BODY_MAX)
            answer_foreign(call);
        return;
    }
    /* What was borrowed goes away before this piece does only if it came with an earlier one. */
    status = grpc_frame_read(&call->frame, data, session->service->message_bytes_max);
    if (refuse_body(call, status))
        return;
    if (!call->frame.is_borrowed) {
        give_credit(call);
    } else if (!call->is_on_borrowed_list) {
        call->is_on_borrowed_list = true;
        call->next_borrowed = session->borrowed;
        session->borrowed = call;
    }
}

static void on_end(void *context, struct h2_stream *stream)
{
    struct grpc_call *call = stream->user;

    (void)context;
    if (call->is_foreign)
        answer_foreign(call);
    else if (!grpc_frame_is_at_end(&call->frame))
        refuse(call, GRPC_INTERNAL, VIEW("the request ends inside a message"));
    else if (call->frame.whole == 0)
        refuse(call, GRPC_UNIMPLEMENTED, VIEW("no message in a unary request"));
    else if (call->frame.is_compressed)
        inflate_and_call(call);
    else
        call_method(call, call->frame.message);
}

static void on_close(void *context, struct h2_stream *stream)
{
    struct grpc_session *session = context;
    struct grpc_call *call = stream->user;

    if (!stream->is_answered)
        count(call, RECEIVER_STREAMS_LOST, 1);
    grpc_call_let_go(call);
    *call->link = call->next;
    if (call->next != NULL)
        call->next->link = call->link;
    if (call->is_on_borrowed_list) {
        struct grpc_call **at = &session->borrowed;

        while (*at != call)
            at = &(*at)->next_borrowed;
        *at = call->next_borrowed;
    }
    if (session->calls == NULL)
        session->idle_since = session->now;
    mem_free(call);
}

const struct h2_events grpc_call_events = {
    .on_begin = on_begin,
    .on_field = on_field,
    .on_fields_end = on_fields_end,
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
};

void grpc_calls_keep(struct grpc_session *session)
{
    while (session->borrowed != NULL) {
        struct grpc_call *call = session->borrowed;

        session->borrowed = call->next_borrowed;
        call->is_on_borrowed_list = false;
        if (call->stream->is_answered)
            continue;
        if (grpc_frame_keep(&call->frame) != 0)
            refuse_for_now(call, VIEW("no memory to hold the message"));
        else if (grpc_call_charge(call) != 0)
            refuse_for_now(call, under_way);
        else
            give_credit(call);
    }
}

/* ---------------------------------------------------------------------------- time */

static void end_late(struct grpc_call *call)
{
    struct grpc_session *session = call->session;

    if (call->stream->is_answered)
        h2_reset(call->stream, H2_CANCEL); /* Its peer does not read the answer. */
    else if (!call->has_fields)
        h2_go_away(session->h2, H2_ENHANCE_YOUR_CALM, VIEW("a header block came too slowly"));
    else if (call->is_foreign)
        answer_foreign(call);
    else if (call->is_waiting)
        refuse_for_now(call, under_way);
    else
        refuse(call, GRPC_DEADLINE_EXCEEDED, VIEW("the request did not end in time"));
    /* Once more before anything is done about it again. */
    call->deadline.ns = session->now.ns + session->service->request_timeout_ns;
}

void grpc_calls_tick(struct grpc_session *session)
{
    uint64_t earliest_ns = UINT64_MAX;

    for (struct grpc_call *call = session->calls; call != NULL; call = call->next) {
        if (call->deadline.ns <= session->now.ns)
            end_late(call);
        else if (grpc_call_is_tiresome(call))
            refuse_for_now(call, under_way);
        if (call->deadline.ns < earliest_ns)
            earliest_ns = call->deadline.ns;
        if (body_budget_favours(&session->service->budget, call))
            earliest_ns = session->now.ns; /* It is looked at each time. */
    }
    session->earliest.ns = earliest_ns;
    grpc_session_resume(session);
}
