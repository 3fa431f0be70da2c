/* request.c: one request, whatever carries it, from its first field to its end.
 *
 *   fields ── judged by the gate ──> gRPC or OTLP/HTTP, by the content type
 *     │
 *   body ──late, budget full──> refused, the rest is dropped
 *     │ (while the budget is tight: no credit until there is room, request_credit.c)
 *   end ──> inflate ──> method ──> its answer, in the words of its kind
 */
#include <stdio.h>

#include "receiver/session_priv.h"

/* What was too little for an inflated message becomes so many times as much. */
enum { INFLATE_AGAIN_TIMES = 4 };

/* Over so long the rate of a body is looked at. */
static const uint64_t rate_window_ns = 10 * NS_PER_S;

/* --------------------------------------------------------------------------- life */

static void set_deadline(struct request *request, uint64_t deadline_ns)
{
    request->deadline.ns = deadline_ns;
    if (deadline_ns < request->session->earliest.ns)
        request->session->earliest.ns = deadline_ns;
}

static uint64_t header_timeout_ns(const struct session *session)
{
    const struct session_shared *shared = session->shared;

    return shared->limits.header_timeout_ns < shared->request_timeout_ns
               ? shared->limits.header_timeout_ns
               : shared->request_timeout_ns;
}

struct request *request_new(struct session *session, struct h2_stream *stream)
{
    struct request *request = h2_mem_calloc(1, sizeof(*request), &session->mem);

    if (request == NULL) {
        counters_add(session->shared->counters, RECEIVER_STREAMS_LOST, 1);
        return NULL;
    }
    request->session = session;
    request->stream = stream;
    request->client_deadline_ns = UINT64_MAX;
    request->begun = session->now;
    set_deadline(request, session->now.ns + header_timeout_ns(session));
    grpc_frame_init(&request->frame, session->shared->stream_window);
    buf_use_spares(&request->frame.held, &session->worker->spares);
    buf_use_spares(&request->body.held, &session->worker->spares);
    http_head_init(&request->head, session->shared->cors != NULL);
    request->next = session->requests;
    request->link = &session->requests;
    if (request->next != NULL)
        request->next->link = &request->next;
    session->requests = request;
    return request;
}

static void forget_borrowed(struct request *request)
{
    struct request **at = &request->session->borrowed;

    if (!request->is_on_borrowed_list)
        return;
    while (*at != request)
        at = &(*at)->next_borrowed;
    *at = request->next_borrowed;
    request->is_on_borrowed_list = false;
}

void request_free(struct request *request)
{
    struct session *session;

    if (request == NULL)
        return;
    session = request->session;
    /* That a caller leaves one that goes on is how such a call ends. */
    if (!request_is_answered(request) && !grpc_streaming_has_begun(request))
        request_count(request, RECEIVER_STREAMS_LOST, 1);
    request_let_go(request);
    *request->link = request->next;
    if (request->next != NULL)
        request->next->link = request->link;
    forget_borrowed(request);
    http_head_release(&request->head);
    if (session->requests == NULL)
        session->idle_since = session->now;
    h2_mem_free(request, &session->mem);
}

bool request_is_answered(const struct request *request)
{
    return request->stream != NULL ? request->stream->is_answered : request->is_answered;
}

void request_count(struct request *request, enum receiver_counter which, uint64_t more)
{
    counters_add(request->session->shared->counters, which, more);
}

void request_note_refusal(struct request *request, unsigned status, struct view reason)
{
    struct session_refusal *refusal = &request->session->worker->refusal;

    refusal->is_there = true;
    refusal->is_http = request->is_http;
    refusal->status = status;
    (void)snprintf(refusal->reason, sizeof(refusal->reason), "%.*s", (int)reason.size,
                   reason.size != 0 ? reason.data : ""); /* A cut reason is still one. */
}

uint64_t request_retry_delay_ns(const struct request *request)
{
    return NS_PER_S + clock_jitter_ns(request->session->now, request, NS_PER_S);
}

/* ------------------------------------------------------------------------- fields */

static void find_method(struct request *request, struct view target)
{
    const struct session_shared *shared = request->session->shared;
    struct view path = http_path_of(target);

    request->probe = PROBE_NONE;
    if (shared->health != NULL && view_equal(path, VIEW("/healthz")))
        request->probe = PROBE_ALIVE;
    if (shared->health != NULL && view_equal(path, VIEW("/readyz")))
        request->probe = PROBE_READY;
    request->method = NULL;
    for (size_t i = 0; i < shared->methods_count && request->method == NULL; i++) {
        const struct grpc_method *method = &shared->methods[i];
        request->is_http_path = method->http_path != NULL &&
                                view_equal(view_of(method->http_path), path);
        if (request->is_http_path || view_equal(view_of(method->path), target))
            request->method = method;
    }
    request->stream_method = NULL;
    for (size_t i = 0; i < shared->stream_methods_count && request->method == NULL; i++) {
        if (view_equal(view_of(shared->stream_methods[i].path), target))
            request->stream_method = &shared->stream_methods[i];
    }
}

static void take_timeout(struct request *request, struct view value)
{
    uint64_t timeout_ns = 0;

    if (grpc_timeout_parse(value, &timeout_ns) != 0)
        request->is_timeout_bad = true;
    else
        request->client_deadline_ns = request->session->now.ns + timeout_ns;
}

/* From here on it is the body that is waited for. */
static void expect_body(struct request *request)
{
    struct session *session = request->session;
    uint64_t ours_ns = request->begun.ns + session->shared->request_timeout_ns;

    set_deadline(request,
                 request->client_deadline_ns < ours_ns ? request->client_deadline_ns : ours_ns);
    request->measured = session->now;
    if (session->now.ns + rate_window_ns < session->earliest.ns)
        session->earliest.ns = session->now.ns + rate_window_ns;
}

/* Whom nothing is asked: probes have no credentials. */
static bool is_open(const struct request *request)
{
    return (request->method != NULL && request->method->is_open) ||
           (request->stream_method != NULL && request->stream_method->is_open);
}

bool request_is_ambiguous(const struct request *request)
{
    return request->is_ambiguous && request->session->shared->gate != NULL && !is_open(request);
}

/* The first Authorization is judged; no further one makes a stranger known, or passes at all. */
static void judge(struct request *request, struct view authorization)
{
    struct session *session = request->session;
    const struct receiver_gate *gate = session->shared->gate;

    if (gate == NULL || request->is_judged || is_open(request))
        return;
    request->is_judged = true;
    request->verdict = gate->judge(gate->context, session->opening.connection, authorization);
}

void request_field(struct request *request, struct view name, struct view value)
{
    if (view_equal(name, VIEW(":path"))) {
        find_method(request, value);
    } else if (view_equal(name, VIEW("authorization"))) {
        request->is_ambiguous = request->has_credentials;
        request->has_credentials = true;
        judge(request, value);
    } else if (view_equal(name, VIEW("grpc-encoding"))) {
        request->encoding = grpc_encoding_of(value);
    } else if (view_equal(name, VIEW("grpc-timeout"))) {
        take_timeout(request, value);
    } else {
        bool is_type = view_equal(name, VIEW("content-type"));

        if (is_type)
            request->is_grpc = grpc_is_content_type(value);
        if (!is_type || !request->is_grpc)
            http_head_field(&request->head, name, value);
    }
}

void request_fields_end(struct request *request)
{
    request->has_fields = true;
    request->session->has_asked = true;
    expect_body(request);
    if (request->stream != NULL && request->stream->is_header_list_too_large)
        request_count(request, RECEIVER_LIMIT_HEADER_BYTES, 1);
    /* Nothing is taken by way of OPTIONS, and browsers ask it without credentials. */
    if (request->head.method != HTTP_METHOD_OPTIONS)
        judge(request, (struct view){NULL, 0});
    /* Of a list that was cut the content type may be missing. HTTP/1 has no way to end a gRPC answer. */
    if (request->stream != NULL && request->stream->is_header_list_too_large &&
        request->head.type == HTTP_TYPE_NONE && !request->is_grpc)
        request->is_grpc = (request->session->opening.serves & SESSION_GRPC) != 0;
    request->is_http = !request->is_grpc || request->stream == NULL;
    if (request->is_http)
        http_call_begin(request);
    else
        grpc_call_begin(request);
}

/* --------------------------------------------------------------------------- body */

void request_data(struct request *request, struct view piece)
{
    request->received += piece.size;
    if (request->is_http)
        http_call_data(request, piece);
    else
        grpc_call_data(request, piece);
}

void request_end(struct request *request)
{
    if (request->is_http)
        http_call_end(request);
    else
        grpc_call_end(request);
}

static void fail(struct request *request, enum request_trouble trouble)
{
    if (request->is_http)
        http_call_fail(request, trouble);
    else
        grpc_call_fail(request, trouble);
}

void request_borrow(struct request *request)
{
    if (request->is_on_borrowed_list)
        return;
    request->is_on_borrowed_list = true;
    request->next_borrowed = request->session->borrowed;
    request->session->borrowed = request;
}

int request_keep(struct request *request)
{
    struct http_body *body = &request->body;

    if (!request->is_http)
        return grpc_frame_keep(&request->frame);
    if (body->piece.size == 0)
        return 0;
    if (buf_append_view(&body->held, body->piece) != 0)
        return STATUS_NOMEM;
    body->piece = (struct view){NULL, 0};
    return 0;
}

void requests_keep(struct session *session)
{
    while (session->borrowed != NULL) {
        struct request *request = session->borrowed;

        session->borrowed = request->next_borrowed;
        request->is_on_borrowed_list = false;
        if (request_is_answered(request))
            continue;
        if (request_keep(request) != 0)
            fail(request, REQUEST_NO_MEMORY);
        else if (request_charge(request) != 0 || request_credit(request) != 0)
            fail(request, REQUEST_BUSY);
    }
}

/* ------------------------------------------------------------------------- method */

static enum receiver_counter counter_of(const struct request *request, enum message_format format)
{
    if (!request->is_http)
        return RECEIVER_MESSAGES_GRPC_PROTOBUF;
    if (request->stream != NULL)
        return format == MESSAGE_JSON ? RECEIVER_MESSAGES_HTTP2_JSON
                                      : RECEIVER_MESSAGES_HTTP2_PROTOBUF;
    return format == MESSAGE_JSON ? RECEIVER_MESSAGES_HTTP1_JSON : RECEIVER_MESSAGES_HTTP1_PROTOBUF;
}

/* As far as the budget goes: others leave no room for it now. */
static int borrow(struct request *request, size_t bytes)
{
    if (body_budget_borrow(&request->session->shared->budget, bytes) == 0)
        return 0;
    request_count(request, RECEIVER_LIMIT_MEMORY, 1);
    return STATUS_FULL;
}

/* What the budget has for this request if it were alone, beside what it holds. */
static size_t room_alone(const struct request *request)
{
    size_t held = request->charged + request->inflated;
    size_t max = request->session->shared->budget.max;

    return held < max ? max - held : 0;
}

/* Before it is decoded: memory that the method will take is the budget's too. */
static int borrow_for_method(struct request *request, enum message_format format,
                             struct view message, size_t *out_bytes)
{
    const struct grpc_method *method = request->method;
    size_t bytes = method->memory_of != NULL ? method->memory_of(method->context, format, message)
                                             : 0;
    int status = 0;

    if (bytes > room_alone(request)) {
        request->excess = EXCESS_MEMORY;
        return STATUS_TOO_LARGE;
    }
    if (bytes != 0)
        status = borrow(request, bytes);
    if (status == 0)
        *out_bytes = bytes;
    return status;
}

int request_call(struct request *request, enum message_format format, struct view message)
{
    struct session *session = request->session;
    struct grpc_reply *reply = &session->worker->reply;
    size_t borrowed = 0;
    int status = borrow_for_method(request, format, message, &borrowed);

    if (status != 0)
        return status;
    reply->code = GRPC_OK;
    reply->retry_delay_ns = 0;
    buf_reset(&reply->message);
    buf_reset(&reply->body);
    request_count(request, RECEIVER_MESSAGE_BYTES, message.size);
    request_count(request, counter_of(request, format), 1);
    request->method->call(request->method->context, session->worker->thread, format, message,
                          reply);
    if (session->h2 != NULL)
        h2_served(session->h2);
    if (borrowed != 0)
        body_budget_return(&session->shared->budget, borrowed);
    return 0;
}

/* Memory beyond what a worker keeps goes away. */
static void forget_inflated(struct session_worker *worker)
{
    if (worker->inflated.capacity > worker->inflated_kept_max)
        buf_release(&worker->inflated);
}

static int inflate_at_most(struct session_worker *worker, enum inflate_format inflate,
                           struct view packed, size_t bound)
{
    struct buf *inflated = &worker->inflated;
    int status;

    buf_reset(inflated);
    /* What doubling may reserve is bounded as well. */
    inflated->size_max = bound > inflated->capacity ? bound : inflated->capacity;
    if (inflated->size_max == 0)
        inflated->size_max = 1;
    status = inflate_any(inflate, packed, bound, inflated);
    if (status != 0)
        forget_inflated(worker);
    return status;
}

/* The budget has what is inflated before it is there: first as much as is likely, then more, `max` at
 * the end, so that small messages of many threads do not keep each other from it. */
static int inflate(struct request *request, enum inflate_format inflate, struct view packed,
                   size_t max)
{
    struct session_worker *worker = request->session->worker;
    struct body_budget *budget = &request->session->shared->budget;
    size_t bound = inflate_likely(inflate, packed);

    for (;;) {
        size_t room = body_budget_room(budget);
        size_t wanted = bound < max ? bound : max;
        int status;
        bound = wanted < room ? wanted : room;
        if (borrow(request, bound) != 0)
            return STATUS_FULL;
        status = inflate_at_most(worker, inflate, packed, bound);
        if (status == 0) {
            request->inflated = worker->inflated.capacity < bound ? worker->inflated.capacity
                                                                  : bound;
            body_budget_return(budget, bound - request->inflated);
            return 0;
        }
        body_budget_return(budget, bound);
        if (status != STATUS_TOO_LARGE || bound == max)
            return status;
        if (bound < wanted) {
            request_count(request, RECEIVER_LIMIT_MEMORY, 1);
            return STATUS_FULL;
        }
        bound = bound > SIZE_MAX / INFLATE_AGAIN_TIMES ? SIZE_MAX : bound * INFLATE_AGAIN_TIMES;
    }
}

/* What would not fit if the request were alone is too large; for what only others leave no room for
 * there will be room later. */
int request_inflate_and_call(struct request *request, enum inflate_format format,
                             enum message_format message_format, struct view packed)
{
    struct session *session = request->session;
    size_t alone = room_alone(request);
    size_t max = session->shared->message_bytes_max;
    int status;

    request->excess = max <= alone ? EXCESS_MESSAGE : EXCESS_MEMORY;
    status = inflate(request, format, packed, inflate_most(packed.size, max < alone ? max : alone));
    if (status != 0)
        return status;
    request_count(request,
                  format == INFLATE_GZIP   ? RECEIVER_MESSAGES_GZIP
                  : format == INFLATE_ZLIB ? RECEIVER_MESSAGES_DEFLATE
                                           : RECEIVER_MESSAGES_ZSTD,
                  1);
    status = request_call(request, message_format, buf_view(&session->worker->inflated));
    forget_inflated(session->worker);
    body_budget_return(&session->shared->budget, request->inflated);
    request->inflated = 0;
    return status;
}

/* --------------------------------------------------------------------------- time */

static void end_late(struct request *request)
{
    struct session *session = request->session;
    enum receiver_counter limit = RECEIVER_LIMIT_HEADER_TIMEOUT;

    if (request_is_answered(request))
        limit = RECEIVER_LIMIT_WRITE_TIMEOUT;
    else if (request->has_fields)
        limit = RECEIVER_LIMIT_REQUEST_TIMEOUT;
    request_count(request, limit, 1);
    if (request_is_answered(request) && request->stream != NULL)
        h2_reset(request->stream, H2_CANCEL); /* Its peer does not read the answer. */
    else if (request_is_answered(request))
        http1_session_close(session); /* Nor does it send the rest of its body. */
    else if (request->has_fields)
        fail(request, request->is_waiting ? REQUEST_BUSY : REQUEST_LATE);
    else if (session->h2 != NULL)
        h2_go_away(session->h2, H2_ENHANCE_YOUR_CALM, VIEW("a header block came too slowly"));
    else
        http_call_refuse(request, HTTP_HEAD_TOO_SLOW);
    /* Once more before anything is done about it again. */
    if (request->deadline.ns <= session->now.ns)
        request->deadline.ns = session->now.ns + session->shared->request_timeout_ns;
}

void request_expect_reader(struct request *request)
{
    set_deadline(request,
                 request->session->now.ns + request->session->shared->limits.write_timeout_ns);
}

static bool is_sending(const struct request *request)
{
    return request->has_fields && !request_is_answered(request) && request->streaming == NULL &&
           (request->stream == NULL || !request->stream->is_input_done);
}

/* Whether its body comes too slowly; looked at once a window. */
static bool is_slow(struct request *request)
{
    const struct session *session = request->session;
    uint64_t passed_ns = session->now.ns - request->measured.ns;
    uint64_t least = session->shared->limits.body_rate_min * (rate_window_ns / NS_PER_S);
    bool is_slow = !request->is_waiting && request->received < least;

    if (!is_sending(request) || (passed_ns < rate_window_ns && !request->is_waiting))
        return false;
    request->measured = session->now;
    request->received = 0;
    return is_slow;
}

/* The next time at which it has to be looked at. */
static uint64_t next_look_ns(const struct request *request)
{
    uint64_t look_ns = request->deadline.ns;

    if (request->session->favourite == request)
        return request->session->now.ns;
    if (is_sending(request) && request->measured.ns + rate_window_ns < look_ns)
        look_ns = request->measured.ns + rate_window_ns;
    return look_ns;
}

static void refuse_greediest(struct session *session)
{
    struct request *request;

    while ((request = session_greediest(session)) != NULL) {
        request_count(request, RECEIVER_LIMIT_SHARE, 1);
        fail(request, REQUEST_BUSY);
    }
}

void requests_tick(struct session *session)
{
    uint64_t earliest_ns = UINT64_MAX;

    for (struct request *request = session->requests; request != NULL; request = request->next) {
        if (request->deadline.ns <= session->now.ns)
            end_late(request);
        else if (request_is_tiresome(request))
            fail(request, REQUEST_BUSY);
        if (is_slow(request)) {
            request_count(request, RECEIVER_LIMIT_BODY_RATE, 1);
            fail(request, REQUEST_LATE);
        }
        if (next_look_ns(request) < earliest_ns)
            earliest_ns = next_look_ns(request);
    }
    session->earliest.ns = earliest_ns;
    refuse_greediest(session);
    session_resume(session);
}

/* ------------------------------------------------------------------------- HTTP/2 */

static int on_begin(void *context, struct h2_stream *stream)
{
    stream->user = request_new(context, stream);
    return stream->user != NULL ? 0 : STATUS_NOMEM;
}

static void on_field(void *context, struct h2_stream *stream, struct h2_field field)
{
    struct request *request = stream->user;

    (void)context;
    if (view_equal(field.name, VIEW(":method")))
        request->is_post = view_equal(field.value, VIEW("POST"));
    request_field(request, field.name, field.value);
}

static void on_fields_end(void *context, struct h2_stream *stream)
{
    (void)context;
    request_fields_end(stream->user);
}

static void on_data(void *context, struct h2_stream *stream, struct view data)
{
    (void)context;
    request_data(stream->user, data);
}

static void on_end(void *context, struct h2_stream *stream)
{
    (void)context;
    request_end(stream->user);
}

static void on_close(void *context, struct h2_stream *stream)
{
    (void)context;
    request_free(stream->user);
}

static void on_refused(void *context)
{
    const struct session *session = context;

    counters_add(session->shared->counters, RECEIVER_LIMIT_STREAMS, 1);
}

const struct h2_events request_events = {
    .on_begin = on_begin,
    .on_field = on_field,
    .on_fields_end = on_fields_end,
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
    .on_refused = on_refused,
};
