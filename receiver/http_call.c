/* http_call.c: an OTLP/HTTP request: a body in, a body out, over either version of HTTP.
 *
 *   fields ──bad──> refused; its body is dropped first, if it is small
 *   body ──too large, budget full──> refused at once
 *   end ──> inflate ──> method ──> response, or a google.rpc.Status
 */
#include <stdio.h>

#include "receiver/grpc_status.h"
#include "receiver/rpc_status.h"
#include "receiver/session_priv.h"

enum { FIELDS_MAX = 14, TEXT_MAX = 320 };

/* One answer. */
struct saying {
    unsigned status;
    enum grpc_code code; /* Of the Status in its body. */
    struct view message;
    uint64_t retry_delay_ns; /* 0: none */
    bool is_bad_request;     /* The Status says so in its details. */
    bool tells_codings;      /* Those that would have been taken. */
};

struct fields {
    struct h2_field list[FIELDS_MAX];
    size_t count;
    char status[4];
    char length[24];
    char retry_after[24];
};

static void put(struct fields *fields, struct view name, struct view value)
{
    fields->list[fields->count++] = (struct h2_field){name, value};
}

/* ------------------------------------------------------------------------ answers */

static enum receiver_counter counter_of(unsigned status)
{
    static const struct {
        unsigned status;
        enum receiver_counter counter;
    } counters[] = {
        {200, RECEIVER_HTTP_200}, {204, RECEIVER_HTTP_204}, {400, RECEIVER_HTTP_400},
        {401, RECEIVER_HTTP_401}, {403, RECEIVER_HTTP_403}, {404, RECEIVER_HTTP_404},
        {405, RECEIVER_HTTP_405}, {408, RECEIVER_HTTP_408}, {413, RECEIVER_HTTP_413},
        {415, RECEIVER_HTTP_415}, {503, RECEIVER_HTTP_503},
    };

    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        if (counters[i].status == status)
            return counters[i].counter;
    return RECEIVER_HTTP_OTHER;
}

/* Answers to a page of another origin, errors too, say that its script may read them. */
static void put_cors(const struct request *request, struct fields *fields)
{
    const struct http_cors *cors = request->session->shared->cors;
    struct view origin = buf_view(&request->head.origin);
    enum http_cors_verdict verdict;

    if (cors == NULL)
        return;
    put(fields, VIEW("vary"), VIEW("origin"));
    verdict = http_cors_judge(cors, origin);
    if (verdict != HTTP_CORS_REFUSED)
        put(fields, VIEW("access-control-allow-origin"), origin);
    if (verdict == HTTP_CORS_NAMED)
        put(fields, VIEW("access-control-allow-credentials"), VIEW("true"));
}

static void put_preflight(const struct request *request, struct fields *fields)
{
    const struct http_cors *cors = request->session->shared->cors;
    struct view asked = buf_view(&request->head.asked_fields);

    if (cors == NULL || !request->head.asks_method ||
        http_cors_judge(cors, buf_view(&request->head.origin)) == HTTP_CORS_REFUSED)
        return;
    put(fields, VIEW("access-control-allow-methods"), VIEW("POST"));
    if (!view_equal(cors->fields, VIEW("*")))
        put(fields, VIEW("access-control-allow-headers"), cors->fields);
    else if (asked.size != 0)
        put(fields, VIEW("access-control-allow-headers"), asked);
    if (cors->max_age.size != 0)
        put(fields, VIEW("access-control-max-age"), cors->max_age);
}

static void send(struct request *request, struct fields *fields, struct view body)
{
    struct h2_stream *stream = request->stream;

    request_let_go(request);
    if (stream == NULL)
        http1_session_answer(request->session, fields->list, fields->count, body);
    else if (body.size == 0 || request->head.method == HTTP_METHOD_HEAD)
        (void)h2_answer(stream, fields->list, fields->count);
    /* Each failure has the stream reset by h2, so there is nothing to do about it here. */
    else if (h2_begin_answer(stream, fields->list, fields->count) == 0 &&
             h2_write(stream, body) == 0)
        (void)h2_end_answer(stream, NULL, 0);
}

/* What all answers begin with. `fields` is not moved afterwards. */
static void start(struct request *request, unsigned status, struct fields *fields)
{
    request_count(request, counter_of(status), 1);
    fields->count = 0;
    (void)snprintf(fields->status, sizeof(fields->status), "%u", status);
    put(fields, VIEW(":status"), view_of(fields->status));
    put_cors(request, fields);
}

static enum message_format format_of(const struct request *request)
{
    /* Who says neither reads text rather than bytes. */
    return request->head.type == HTTP_TYPE_PROTOBUF ? MESSAGE_PROTOBUF : MESSAGE_JSON;
}

static void put_body(const struct request *request, struct view body, struct fields *fields)
{
    put(fields, VIEW("content-type"),
        format_of(request) == MESSAGE_PROTOBUF ? VIEW("application/x-protobuf")
                                               : VIEW("application/json"));
    (void)snprintf(fields->length, sizeof(fields->length), "%zu", body.size);
    put(fields, VIEW("content-length"), view_of(fields->length));
}

static void answer_status(struct request *request, const struct saying *saying)
{
    struct buf *body = &request->session->worker->text;
    const struct receiver_gate *gate = request->session->shared->gate;
    struct rpc_status status = {
        .code = saying->code,
        .message = saying->message,
        .retry_delay_ns = saying->retry_delay_ns,
        .is_bad_request = saying->is_bad_request,
    };
    struct fields fields;

    if (saying->status < 500 && saying->status != 408)
        request_note_refusal(request, saying->status, saying->message);
    start(request, saying->status, &fields);
    buf_reset(body);
    /* Without memory for it the status goes out alone. */
    if (rpc_status_append(&status, format_of(request), body) != 0)
        buf_reset(body);
    put_body(request, buf_view(body), &fields);
    if (saying->retry_delay_ns != 0) {
        (void)snprintf(fields.retry_after, sizeof(fields.retry_after), "%llu",
                       (unsigned long long)((saying->retry_delay_ns + NS_PER_S - 1) / NS_PER_S));
        put(&fields, VIEW("retry-after"), view_of(fields.retry_after));
    }
    if (saying->status == 405)
        put(&fields, VIEW("allow"),
            request->probe != PROBE_NONE ? VIEW("GET, HEAD") : VIEW("POST, OPTIONS"));
    if (saying->status == 401 && gate != NULL && gate->challenge.size != 0)
        put(&fields, VIEW("www-authenticate"), gate->challenge);
    if (saying->tells_codings)
        put(&fields, VIEW("accept-encoding"), VIEW("gzip, deflate, zstd, identity"));
    send(request, &fields, buf_view(body));
}

static void answer_preflight(struct request *request)
{
    struct fields fields;

    start(request, 204, &fields);
    put(&fields, VIEW("allow"), VIEW("POST, OPTIONS"));
    put_preflight(request, &fields);
    send(request, &fields, (struct view){NULL, 0});
}

/* As the web door does: in plain words, to whoever asks. */
static void answer_probe(struct request *request)
{
    bool is_well = request->probe == PROBE_ALIVE ||
                   health_is_serving(request->session->shared->health);
    struct view body = is_well ? VIEW("ok\n") : VIEW("not ready\n");
    struct fields fields;

    start(request, is_well ? 200 : 503, &fields);
    put(&fields, VIEW("content-type"), VIEW("text/plain; charset=utf-8"));
    (void)snprintf(fields.length, sizeof(fields.length), "%zu", body.size);
    put(&fields, VIEW("content-length"), view_of(fields.length));
    send(request, &fields, body);
}

static unsigned status_of(enum grpc_code code)
{
    switch (code) {
    case GRPC_OK:
        return 200;
    case GRPC_INVALID_ARGUMENT:
        return 400;
    case GRPC_UNAUTHENTICATED:
        return 401;
    case GRPC_PERMISSION_DENIED:
        return 403;
    case GRPC_NOT_FOUND:
    case GRPC_UNIMPLEMENTED:
        return 404;
    case GRPC_RESOURCE_EXHAUSTED:
        return 413;
    case GRPC_UNAVAILABLE:
        return 503;
    default:
        return 500;
    }
}

/* What the worker's reply says. */
static void answer_reply(struct request *request)
{
    const struct session *session = request->session;
    const struct grpc_reply *reply = &session->worker->reply;
    struct saying saying = {
        .status = status_of(reply->code),
        .code = reply->code,
        .message = buf_view(&reply->message),
        .retry_delay_ns = reply->retry_delay_ns,
        .is_bad_request = reply->code == GRPC_INVALID_ARGUMENT,
    };
    struct fields fields;

    if (reply->code == GRPC_OK && reply->body.size > session->shared->response_bytes_max)
        saying = (struct saying){.status = 500,
                                 .code = GRPC_INTERNAL,
                                 .message = VIEW("the response is larger than its limit")};
    if (saying.status != 200) {
        answer_status(request, &saying);
        return;
    }
    start(request, 200, &fields);
    put_body(request, buf_view(&reply->body), &fields);
    send(request, &fields, buf_view(&reply->body));
}

/* ----------------------------------------------------------------------- refusals */

static void tell_door(const struct request *request, char *text, size_t size)
{
    struct view address = request->session->shared->http_address;

    if (address.size == 0)
        (void)snprintf(text, size,
                       "here listens OTLP/gRPC: the content type application/grpc over HTTP/2 is "
                       "expected; OTLP/HTTP is not served, spanmap's listen.http is off");
    else
        (void)snprintf(text, size,
                       "here listens OTLP/gRPC: the content type application/grpc over HTTP/2 is "
                       "expected; spanmap's OTLP/HTTP is at %.*s (listen.http)",
                       (int)address.size, address.data);
}

static void tell_size(const struct request *request, const char *what, char *text, size_t size)
{
    (void)snprintf(text, size, "%s is larger than receiver.message_bytes_max, %zu bytes", what,
                   request->session->shared->message_bytes_max);
}

/* Status, code and text by their reason; those that the text does not say. */
static const struct {
    unsigned status;
    enum grpc_code code;
    struct view message;
} refusals[] = {
    [HTTP_WRONG_DOOR] = {415, GRPC_UNIMPLEMENTED, {NULL, 0}},
    [HTTP_HEAD_TOO_LARGE] = {431, GRPC_INVALID_ARGUMENT,
                             VIEW("the head is larger than 16,384 bytes")},
    [HTTP_WRONG_METHOD] = {405, GRPC_UNIMPLEMENTED, VIEW("telemetry is sent by POST")},
    [HTTP_PROBE_WRONG_METHOD] = {405, GRPC_UNIMPLEMENTED, VIEW("it is asked for by GET or HEAD")},
    [HTTP_NOT_FOUND] = {404, GRPC_UNIMPLEMENTED,
                        VIEW("there is no such path here; OTLP/HTTP is at /v1/traces, /v1/metrics "
                             "and /v1/logs")},
    [HTTP_SIGNAL_OFF] = {404, GRPC_UNIMPLEMENTED, {NULL, 0}},
    [HTTP_AMBIGUOUS] = {400, GRPC_INVALID_ARGUMENT, VIEW("there are several authorization fields")},
    [HTTP_UNKNOWN] = {401, GRPC_UNAUTHENTICATED, VIEW("credentials are missing or wrong")},
    [HTTP_FORBIDDEN] = {403, GRPC_PERMISSION_DENIED, VIEW("this sender may not send")},
    [HTTP_GATE_BUSY] = {503, GRPC_UNAVAILABLE, VIEW("too many credentials are being looked at")},
    [HTTP_WRONG_TYPE] = {415, GRPC_INVALID_ARGUMENT,
                         VIEW("the content type is neither application/x-protobuf nor "
                              "application/json")},
    [HTTP_WRONG_CODING] = {415, GRPC_INVALID_ARGUMENT,
                           VIEW("the content encoding is none of gzip, deflate, zstd, identity")},
    [HTTP_WRONG_EXPECTATION] = {417, GRPC_INVALID_ARGUMENT,
                                VIEW("the only expectation is 100-continue")},
    [HTTP_TOO_LARGE] = {413, GRPC_RESOURCE_EXHAUSTED, {NULL, 0}},
    [HTTP_INFLATED_TOO_LARGE] = {413, GRPC_RESOURCE_EXHAUSTED, {NULL, 0}},
    [HTTP_TREE_TOO_LARGE] =
        {413, GRPC_RESOURCE_EXHAUSTED,
         VIEW("to decode it would take more than receiver.memory_max: send smaller "
              "batches, or protobuf")},
    [HTTP_BAD_CODING] = {400, GRPC_INVALID_ARGUMENT,
                         VIEW("the body is not what its content encoding says, or is cut short")},
    [HTTP_BUSY] = {503, GRPC_UNAVAILABLE, VIEW("too many bytes of requests are under way")},
    [HTTP_NO_MEMORY] = {503, GRPC_UNAVAILABLE, VIEW("no memory to hold the message")},
    [HTTP_TOO_SLOW] = {503, GRPC_UNAVAILABLE, VIEW("the request did not end in time")},
    [HTTP_HEAD_TOO_SLOW] = {408, GRPC_DEADLINE_EXCEEDED, VIEW("the head did not end in time")},
    [HTTP_BROKEN] = {400, GRPC_INVALID_ARGUMENT, VIEW("this is no HTTP request")},
};

void http_call_refuse(struct request *request, enum http_refusal refusal)
{
    char text[TEXT_MAX] = "";
    struct saying saying = {.status = refusals[refusal].status,
                            .code = refusals[refusal].code,
                            .message = refusals[refusal].message};

    if (refusal == HTTP_PREFLIGHT) {
        answer_preflight(request);
        return;
    }
    if (refusal == HTTP_PROBE) {
        answer_probe(request);
        return;
    }
    if (refusal == HTTP_WRONG_DOOR)
        tell_door(request, text, sizeof(text));
    else if (refusal == HTTP_TOO_LARGE)
        tell_size(request, "the body", text, sizeof(text));
    else if (refusal == HTTP_INFLATED_TOO_LARGE)
        tell_size(request, "the inflated body", text, sizeof(text));
    else if (refusal == HTTP_SIGNAL_OFF)
        saying.message = view_of(request->method->refusal);
    else if (refusal == HTTP_BROKEN)
        saying.status = http1_session_error(request->session);
    if (text[0] != '\0')
        saying.message = view_of(text);
    if (saying.status == 503)
        saying.retry_delay_ns = request_retry_delay_ns(request);
    saying.is_bad_request = saying.status == 400;
    saying.tells_codings = refusal == HTTP_WRONG_CODING;
    answer_status(request, &saying);
}

static enum http_refusal judge(const struct request *request)
{
    const struct session *session = request->session;
    const struct http_head *head = &request->head;

    if (request->stream != NULL && request->stream->is_header_list_too_large)
        return HTTP_HEAD_TOO_LARGE;
    if ((session->opening.serves & SESSION_HTTP) == 0)
        return HTTP_WRONG_DOOR;
    if (request->probe != PROBE_NONE)
        return head->method == HTTP_METHOD_GET || head->method == HTTP_METHOD_HEAD
                   ? HTTP_PROBE
                   : HTTP_PROBE_WRONG_METHOD;
    if (request->method == NULL || !request->is_http_path)
        return HTTP_NOT_FOUND;
    if (head->method == HTTP_METHOD_OPTIONS)
        return HTTP_PREFLIGHT; /* Browsers ask it without credentials. */
    if (request_is_ambiguous(request))
        return HTTP_AMBIGUOUS;
    if (request->verdict != GATE_PASS)
        return request->verdict == GATE_UNKNOWN ? HTTP_UNKNOWN
               : request->verdict == GATE_BUSY  ? HTTP_GATE_BUSY
                                                : HTTP_FORBIDDEN;
    if (head->method != HTTP_METHOD_POST)
        return HTTP_WRONG_METHOD;
    if (request->method->refusal != NULL)
        return HTTP_SIGNAL_OFF;
    if (head->type != HTTP_TYPE_PROTOBUF && head->type != HTTP_TYPE_JSON)
        return HTTP_WRONG_TYPE;
    if (head->coding == HTTP_CODING_OTHER)
        return HTTP_WRONG_CODING;
    if (head->expects_other)
        return HTTP_WRONG_EXPECTATION;
    if (head->has_length && head->length > session->shared->message_bytes_max)
        return HTTP_TOO_LARGE;
    return HTTP_SERVED;
}

/* ------------------------------------------------------------------------- events */

void http_call_begin(struct request *request)
{
    const struct http_head *head = &request->head;

    request->refusal = judge(request);
    if (request->refusal == HTTP_WRONG_DOOR && request->stream == NULL)
        http1_session_end(request->session); /* Nothing else will be right here. */
    if (request->refusal == HTTP_SERVED) {
        /* Caps what doubling may reserve. */
        request->body.held.size_max = head->length != 0
                                          ? (size_t)head->length
                                          : request->session->shared->message_bytes_max;
        if (request->stream == NULL)
            http1_session_continue(request->session);
    } else if (head->expects_continue || (head->has_length && head->length > DROPPED_KNOWN_MAX)) {
        http_call_refuse(request, request->refusal); /* Before its body, as it may hope for. */
    }
}

static void drop(struct request *request, struct view piece)
{
    request->dropped += piece.size;
    if (request->stream != NULL)
        h2_return(request->stream);
    if (!request->head.has_length && request->dropped > DROPPED_BODY_MAX)
        http_call_refuse(request, request->refusal);
}

void http_call_data(struct request *request, struct view piece)
{
    struct http_body *body = &request->body;

    if (request->refusal != HTTP_SERVED) {
        drop(request, piece);
        return;
    }
    if (body->held.size + body->piece.size + piece.size >
        request->session->shared->message_bytes_max) {
        http_call_refuse(request, HTTP_TOO_LARGE);
        return;
    }
    if (body->held.size == 0 && body->piece.size == 0) {
        body->piece = piece;
        request_borrow(request);
    } else if (request_keep(request) != 0 || buf_append_view(&body->held, piece) != 0) {
        http_call_refuse(request, HTTP_NO_MEMORY);
    } else if (request_charge(request) != 0 || request_credit(request) != 0) {
        http_call_refuse(request, HTTP_BUSY);
    }
}

static int inflate_and_call(struct request *request, struct view body)
{
    enum message_format format = format_of(request);

    switch (request->head.coding) {
    case HTTP_CODING_GZIP:
        return request_inflate_and_call(request, INFLATE_GZIP, format, body);
    case HTTP_CODING_DEFLATE:
        return request_inflate_and_call(request, INFLATE_ZLIB, format, body);
    case HTTP_CODING_ZSTD:
        return request_inflate_and_call(request, INFLATE_ZSTD, format, body);
    default:
        return request_call(request, format, body);
    }
}

void http_call_end(struct request *request)
{
    const struct http_body *body = &request->body;
    struct view message = body->piece.size != 0 ? body->piece : buf_view(&body->held);

    if (request->refusal != HTTP_SERVED) {
        http_call_refuse(request, request->refusal);
        return;
    }
    switch (inflate_and_call(request, message)) {
    case 0:
        answer_reply(request);
        break;
    case STATUS_FULL:
        http_call_refuse(request, HTTP_BUSY);
        break;
    case STATUS_TOO_LARGE:
        http_call_refuse(request, request->excess == EXCESS_MEMORY ? HTTP_TREE_TOO_LARGE
                                                                   : HTTP_INFLATED_TOO_LARGE);
        break;
    case STATUS_NOMEM:
        http_call_refuse(request, HTTP_NO_MEMORY);
        break;
    default:
        http_call_refuse(request, HTTP_BAD_CODING);
    }
}

void http_call_fail(struct request *request, enum request_trouble trouble)
{
    if (request->refusal != HTTP_SERVED)
        http_call_refuse(request, request->refusal);
    else if (trouble == REQUEST_LATE)
        http_call_refuse(request, HTTP_TOO_SLOW);
    else
        http_call_refuse(request, trouble == REQUEST_BUSY ? HTTP_BUSY : HTTP_NO_MEMORY);
}
