/* grpc_call.c: one request, from its first field to its answer.
 *
 *   fields ──bad──> refused with trailers only
 *     │
 *   body ──bad, too large, late, budget full──> refused, the rest is dropped
 *     │ (while the budget is tight: no credit until there is room, request_credit.c)
 *   end ──> inflate ──> method ──> response and trailers, or trailers only
 */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "receiver/grpc_status.h"
#include "receiver/inflate.h"
#include "receiver/receiver_counters.h"
#include "receiver/session_priv.h"

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

static void count(struct request *request, enum receiver_counter which, uint64_t more)
{
    counters_add(request->session->shared->counters, which, more);
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
static void answer_status(struct request *request, const struct refusal *refusal)
{
    struct buf *text = &request->session->worker->text;
    struct h2_field fields[6] = {
        {VIEW(":status"), refusal->http_status},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("grpc-status"), grpc_code_digits(refusal->code)},
    };
    size_t fields_count = 3;
    size_t message_size = 0;

    count(request, counter_of(refusal->code), 1);
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
    request_let_go(request);
    (void)h2_answer(request->stream, fields, fields_count);
}

static void refuse(struct request *request, enum grpc_code code, struct view message)
{
    struct refusal refusal = {.http_status = VIEW("200"), .code = code, .message = message};

    answer_status(request, &refusal);
}

static void refuse_http(struct request *request, struct view http_status, enum grpc_code code,
                        struct view message)
{
    struct refusal refusal = {.http_status = http_status, .code = code, .message = message};

    answer_status(request, &refusal);
}

/* Between one and two seconds, so that those who were refused together do not return together. */
static uint64_t retry_delay_ns(const struct request *request)
{
    uint64_t mixed = (request->session->now.ns ^ (uint64_t)(uintptr_t)request) *
                     0x9e3779b97f4a7c15u;

    return NS_PER_S + (mixed >> 32) % NS_PER_S;
}

static void refuse_for_now(struct request *request, struct view message)
{
    struct refusal refusal = {
        .http_status = VIEW("200"),
        .code = GRPC_UNAVAILABLE,
        .message = message,
        .retry_delay_ns = retry_delay_ns(request),
    };

    answer_status(request, &refusal);
}

static void refuse_too_large(struct request *request, const char *what)
{
    char text[160];

    /* Without RetryInfo: the same message would not fit the next time either. */
    (void)snprintf(text, sizeof(text), "%s is larger than receiver.message_bytes_max, %zu bytes",
                   what, request->session->shared->message_bytes_max);
    refuse(request, GRPC_RESOURCE_EXHAUSTED, view_of(text));
}

/* To a browser, or curl. */
static void answer_foreign(struct request *request)
{
    static const struct h2_field fields[] = {
        {VIEW(":status"), VIEW("415")},
        {VIEW("content-type"), VIEW("text/plain; charset=utf-8")},
    };
    struct h2_stream *stream = request->stream;

    count(request, RECEIVER_REQUESTS_INVALID, 1);
    request_let_go(request);
    if (h2_begin_answer(stream, fields, sizeof(fields) / sizeof(fields[0])) == 0 &&
        h2_write(stream, VIEW("Here listens OTLP over gRPC: the content type application/grpc is "
                              "expected.\n")) == 0)
        (void)h2_end_answer(stream, NULL, 0);
}

static void answer_ok(struct request *request, struct view body)
{
    static const struct h2_field fields[] = {
        {VIEW(":status"), VIEW("200")},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("grpc-accept-encoding"), VIEW("identity,gzip")},
    };
    static const struct h2_field trailers[] = {{VIEW("grpc-status"), VIEW("0")}};
    char prefix[5] = {0, (char)(body.size >> 24), (char)(body.size >> 16), (char)(body.size >> 8),
                      (char)body.size};
    struct h2_stream *stream = request->stream;

    count(request, RECEIVER_REQUESTS_OK, 1);
    request_let_go(request);
    /* Each failure has the stream reset by h2, so there is nothing to do about it here. */
    if (h2_begin_answer(stream, fields, sizeof(fields) / sizeof(fields[0])) == 0 &&
        h2_write(stream, (struct view){prefix, sizeof(prefix)}) == 0 && h2_write(stream, body) == 0)
        (void)h2_end_answer(stream, trailers, 1);
}

/* -------------------------------------------------------------------------- method */

static void call_method(struct request *request, struct view message)
{
    struct session *session = request->session;
    struct grpc_reply *reply = &session->worker->reply;
    struct refusal refusal = {.http_status = VIEW("200")};

    reply->code = GRPC_OK;
    reply->retry_delay_ns = 0;
    buf_reset(&reply->message);
    buf_reset(&reply->body);
    count(request, RECEIVER_MESSAGE_BYTES, message.size);
    request->method->call(request->method->context, session->worker->thread, message, reply);
    h2_served(session->h2);
    if (reply->code == GRPC_OK && reply->body.size <= session->shared->response_bytes_max) {
        answer_ok(request, buf_view(&reply->body));
        return;
    }
    if (reply->code == GRPC_OK) {
        refuse(request, GRPC_RESOURCE_EXHAUSTED, VIEW("the response is larger than its limit"));
        return;
    }
    refusal.code = reply->code;
    refusal.message = buf_view(&reply->message);
    refusal.retry_delay_ns = reply->retry_delay_ns;
    answer_status(request, &refusal);
}

/* As far as the budget goes, too. What would not fit if the request were alone is too large; for what
 * only others leave no room for there will be room later. */
static void inflate_and_call(struct request *request)
{
    struct session_shared *shared = request->session->shared;
    struct buf *inflated = &request->session->worker->inflated;
    size_t alone = shared->budget.max - request->charged;
    size_t room = body_budget_room(&shared->budget);
    size_t max = shared->message_bytes_max < alone ? shared->message_bytes_max : alone;
    int status;

    buf_reset(inflated);
    status = inflate_gzip(request->frame.message, max < room ? max : room, inflated);
    if (status == 0) {
        size_t size = inflated->size;

        status = body_budget_take_below(&shared->budget, size, shared->budget.max);
        if (status == 0) {
            call_method(request, buf_view(inflated));
            body_budget_give(&shared->budget, size);
        }
    }
    if (status == STATUS_FULL || (status == STATUS_TOO_LARGE && room < max))
        refuse_for_now(request, under_way);
    else if (status == STATUS_TOO_LARGE)
        refuse_too_large(request, "the inflated message");
    else if (status == STATUS_NOMEM)
        refuse_for_now(request, VIEW("no memory to inflate the message"));
    else if (status != 0)
        refuse(request, GRPC_INTERNAL, VIEW("the message is not valid gzip"));
    if (inflated->capacity > INFLATED_KEPT)
        buf_release(inflated);
}

/* -------------------------------------------------------------------------- events */

static int on_begin(void *context, struct h2_stream *stream)
{
    struct session *session = context;
    struct request *request = mem_calloc(1, sizeof(*request));

    if (request == NULL) {
        counters_add(session->shared->counters, RECEIVER_STREAMS_LOST, 1);
        return STATUS_NOMEM;
    }
    request->session = session;
    request->stream = stream;
    request->deadline.ns = session->now.ns + session->shared->request_timeout_ns;
    if (request->deadline.ns < session->earliest.ns)
        session->earliest = request->deadline;
    grpc_frame_init(&request->frame);
    request->next = session->requests;
    request->link = &session->requests;
    if (request->next != NULL)
        request->next->link = &request->next;
    session->requests = request;
    stream->user = request;
    return 0;
}

static const struct grpc_method *find_method(const struct session_shared *shared, struct view path)
{
    for (size_t i = 0; i < shared->methods_count; i++) {
        if (view_equal(view_of(shared->methods[i].path), path))
            return &shared->methods[i];
    }
    return NULL;
}

static void take_timeout(struct request *request, struct view value)
{
    uint64_t timeout_ns = 0;

    if (grpc_timeout_parse(value, &timeout_ns) != 0) {
        request->is_timeout_bad = true;
        return;
    }
    if (timeout_ns < request->deadline.ns - request->session->now.ns)
        request->deadline.ns = request->session->now.ns + timeout_ns;
    if (request->deadline.ns < request->session->earliest.ns)
        request->session->earliest = request->deadline;
}

static void on_field(void *context, struct h2_stream *stream, struct h2_field field)
{
    struct session *session = context;
    struct request *request = stream->user;

    if (view_equal(field.name, VIEW(":method")))
        request->is_post = view_equal(field.value, VIEW("POST"));
    else if (view_equal(field.name, VIEW(":path")))
        request->method = find_method(session->shared, field.value);
    else if (view_equal(field.name, VIEW("content-type")))
        request->is_grpc = grpc_is_content_type(field.value);
    else if (view_equal(field.name, VIEW("grpc-encoding")))
        request->encoding = grpc_encoding_of(field.value);
    else if (view_equal(field.name, VIEW("grpc-timeout")))
        take_timeout(request, field.value);
}

static void on_fields_end(void *context, struct h2_stream *stream)
{
    struct request *request = stream->user;

    (void)context;
    request->has_fields = true;
    if (stream->is_header_list_too_large)
        refuse_http(request, VIEW("431"), GRPC_RESOURCE_EXHAUSTED,
                    VIEW("the header list is larger than 16,384 bytes"));
    else if (!request->is_grpc)
        request->is_foreign = true;
    else if (!request->is_post)
        refuse_http(request, VIEW("405"), GRPC_INTERNAL, VIEW("the method is not POST"));
    else if (request->is_timeout_bad)
        refuse_http(request, VIEW("400"), GRPC_INTERNAL, VIEW("malformed grpc-timeout"));
    else if (request->method == NULL)
        refuse(request, GRPC_UNIMPLEMENTED, VIEW("there is no such method here"));
    else if (request->deadline.ns <= request->session->now.ns)
        refuse(request, GRPC_DEADLINE_EXCEEDED,
               VIEW("the deadline was over when the request came"));
}

static void give_credit(struct request *request)
{
    if (request_credit(request) != 0)
        refuse_for_now(request, under_way);
}

/* The frame failed, or there are two of them. */
static bool refuse_body(struct request *request, int status)
{
    struct refusal unknown = {
        .http_status = VIEW("200"),
        .code = GRPC_UNIMPLEMENTED,
        .message = VIEW("the message's encoding is neither identity nor gzip"),
        .tells_encodings = true,
    };

    if (status == STATUS_INVALID)
        refuse(request, GRPC_INTERNAL, VIEW("a message's first byte is neither 0 nor 1"));
    else if (status == STATUS_TOO_LARGE)
        refuse_too_large(request, "the message");
    else if (status == STATUS_NOMEM)
        refuse_for_now(request, VIEW("no memory to hold the message"));
    else if (request->frame.is_compressed && request->encoding == GRPC_UNKNOWN_ENCODING)
        answer_status(request, &unknown);
    else if (request->frame.is_compressed && request->encoding == GRPC_IDENTITY)
        refuse(request, GRPC_INTERNAL, VIEW("a compressed message, but no grpc-encoding"));
    else if (request->frame.whole > 1)
        refuse(request, GRPC_UNIMPLEMENTED, VIEW("more than one message in a unary request"));
    else if (request_charge(request) != 0)
        refuse_for_now(request, under_way);
    else
        return false;
    return true;
}

static void on_data(void *context, struct h2_stream *stream, struct view data)
{
    struct session *session = context;
    struct request *request = stream->user;
    int status;

    if (request->is_foreign) {
        request->dropped += data.size;
        h2_return(stream);
        if (request->dropped > FOREIGN_BODY_MAX)
            answer_foreign(request);
        return;
    }
    /* What was borrowed goes away before this piece does only if it came with an earlier one. */
    status = grpc_frame_read(&request->frame, data, session->shared->message_bytes_max);
    if (refuse_body(request, status))
        return;
    if (!request->frame.is_borrowed) {
        give_credit(request);
    } else if (!request->is_on_borrowed_list) {
        request->is_on_borrowed_list = true;
        request->next_borrowed = session->borrowed;
        session->borrowed = request;
    }
}

static void on_end(void *context, struct h2_stream *stream)
{
    struct request *request = stream->user;

    (void)context;
    if (request->is_foreign)
        answer_foreign(request);
    else if (!grpc_frame_is_at_end(&request->frame))
        refuse(request, GRPC_INTERNAL, VIEW("the request ends inside a message"));
    else if (request->frame.whole == 0)
        refuse(request, GRPC_UNIMPLEMENTED, VIEW("no message in a unary request"));
    else if (request->frame.is_compressed)
        inflate_and_call(request);
    else
        call_method(request, request->frame.message);
}

static void on_close(void *context, struct h2_stream *stream)
{
    struct session *session = context;
    struct request *request = stream->user;

    if (!stream->is_answered)
        count(request, RECEIVER_STREAMS_LOST, 1);
    request_let_go(request);
    *request->link = request->next;
    if (request->next != NULL)
        request->next->link = request->link;
    if (request->is_on_borrowed_list) {
        struct request **at = &session->borrowed;

        while (*at != request)
            at = &(*at)->next_borrowed;
        *at = request->next_borrowed;
    }
    if (session->requests == NULL)
        session->idle_since = session->now;
    mem_free(request);
}

const struct h2_events grpc_call_events = {
    .on_begin = on_begin,
    .on_field = on_field,
    .on_fields_end = on_fields_end,
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
};

void requests_keep(struct session *session)
{
    while (session->borrowed != NULL) {
        struct request *request = session->borrowed;

        session->borrowed = request->next_borrowed;
        request->is_on_borrowed_list = false;
        if (request->stream->is_answered)
            continue;
        if (grpc_frame_keep(&request->frame) != 0)
            refuse_for_now(request, VIEW("no memory to hold the message"));
        else if (request_charge(request) != 0)
            refuse_for_now(request, under_way);
        else
            give_credit(request);
    }
}

/* ---------------------------------------------------------------------------- time */

static void end_late(struct request *request)
{
    struct session *session = request->session;

    if (request->stream->is_answered)
        h2_reset(request->stream, H2_CANCEL); /* Its peer does not read the answer. */
    else if (!request->has_fields)
        h2_go_away(session->h2, H2_ENHANCE_YOUR_CALM, VIEW("a header block came too slowly"));
    else if (request->is_foreign)
        answer_foreign(request);
    else if (request->is_waiting)
        refuse_for_now(request, under_way);
    else
        refuse(request, GRPC_DEADLINE_EXCEEDED, VIEW("the request did not end in time"));
    /* Once more before anything is done about it again. */
    request->deadline.ns = session->now.ns + session->shared->request_timeout_ns;
}

void requests_tick(struct session *session)
{
    uint64_t earliest_ns = UINT64_MAX;

    for (struct request *request = session->requests; request != NULL; request = request->next) {
        if (request->deadline.ns <= session->now.ns)
            end_late(request);
        else if (request_is_tiresome(request))
            refuse_for_now(request, under_way);
        if (request->deadline.ns < earliest_ns)
            earliest_ns = request->deadline.ns;
        if (body_budget_favours(&session->shared->budget, request))
            earliest_ns = session->now.ns; /* It is looked at each time. */
    }
    session->earliest.ns = earliest_ns;
    session_resume(session);
}
