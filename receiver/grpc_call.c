/* grpc_call.c: a request that speaks gRPC: one message in, a message and trailers out.
 *
 *   fields ──bad──> refused with trailers only
 *   body ──bad, too large──> refused, the rest is dropped
 *   end ──> inflate ──> method ──> response and trailers, or trailers only
 */
#include <stdio.h>

#include "receiver/grpc_status.h"
#include "receiver/session_priv.h"

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
    case GRPC_UNAUTHENTICATED:
        return RECEIVER_REQUESTS_UNAUTHENTICATED;
    case GRPC_PERMISSION_DENIED:
        return RECEIVER_REQUESTS_DENIED;
    default:
        return RECEIVER_REQUESTS_OTHER;
    }
}

static const struct view under_way = VIEW("too many bytes of requests are under way");

struct refusal {
    struct view http_status;
    enum grpc_code code;
    struct view message;
    uint64_t retry_delay_ns;
    bool tells_encodings;
};

static bool is_senders_fault(enum grpc_code code)
{
    switch (code) {
    case GRPC_INVALID_ARGUMENT:
    case GRPC_PERMISSION_DENIED:
    case GRPC_RESOURCE_EXHAUSTED:
    case GRPC_UNIMPLEMENTED:
    case GRPC_INTERNAL:
    case GRPC_UNAUTHENTICATED:
        return true;
    default:
        return false;
    }
}

/* Trailers only, or behind what was said already. Where there is no memory for them h2 resets the
 * stream, which the peer may retry. */
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
    bool has_begun = grpc_streaming_has_begun(request);

    if (is_senders_fault(refusal->code) && refusal->retry_delay_ns == 0)
        request_note_refusal(request, refusal->code, refusal->message);
    request_count(request, counter_of(refusal->code), 1);
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
                                                   VIEW(GRPC_ENCODINGS)};
    request_let_go(request);
    if (has_begun)
        (void)h2_end_answer(request->stream, fields + 2, fields_count - 2);
    else
        (void)h2_answer(request->stream, fields, fields_count);
}

void grpc_call_answer(struct request *request, enum grpc_code code, struct view message,
                      uint64_t retry_delay_ns)
{
    struct refusal refusal = {
        .http_status = VIEW("200"),
        .code = code,
        .message = message,
        .retry_delay_ns = retry_delay_ns,
    };

    answer_status(request, &refusal);
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

static void refuse_for_now(struct request *request, struct view message)
{
    struct refusal refusal = {
        .http_status = VIEW("200"),
        .code = GRPC_UNAVAILABLE,
        .message = message,
        .retry_delay_ns = request_retry_delay_ns(request),
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

static void answer_ok(struct request *request, struct view body)
{
    static const struct h2_field fields[] = {
        {VIEW(":status"), VIEW("200")},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("grpc-accept-encoding"), VIEW(GRPC_ENCODINGS)},
    };
    static const struct h2_field trailer = {VIEW("grpc-status"), VIEW("0")};
    char prefix[5] = {0, (char)(body.size >> 24), (char)(body.size >> 16), (char)(body.size >> 8),
                      (char)body.size};
    struct h2_stream *stream = request->stream;

    request_count(request, RECEIVER_REQUESTS_OK, 1);
    request_let_go(request);
    /* Each failure has the stream reset by h2, so there is nothing to do about it here. */
    if (h2_begin_literal_answer(stream, fields, sizeof(fields) / sizeof(fields[0])) == 0 &&
        h2_write(stream, (struct view){prefix, sizeof(prefix)}) == 0 && h2_write(stream, body) == 0)
        (void)h2_end_literal_answer(stream, &trailer);
}

/* -------------------------------------------------------------------------- method */

/* What the worker's reply says. */
static void answer_reply(struct request *request)
{
    const struct session *session = request->session;
    const struct grpc_reply *reply = &session->worker->reply;
    struct refusal refusal = {.http_status = VIEW("200")};

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

/* Calls the method, after inflating where that is due. */
static void call(struct request *request)
{
    struct view message = request->frame.message;

    switch (request->frame.is_compressed
                ? request_inflate_and_call(request, grpc_inflate_format(request->encoding),
                                           MESSAGE_PROTOBUF, message)
                : request_call(request, MESSAGE_PROTOBUF, message)) {
    case 0:
        answer_reply(request);
        break;
    case STATUS_FULL:
        refuse_for_now(request, under_way);
        break;
    case STATUS_TOO_LARGE:
        if (request->excess == EXCESS_MEMORY)
            refuse(request, GRPC_RESOURCE_EXHAUSTED,
                   VIEW("to decode it would take more than receiver.memory_max: send smaller "
                        "batches"));
        else
            refuse_too_large(request, "the inflated message");
        break;
    case STATUS_NOMEM:
        refuse_for_now(request, VIEW("no memory to inflate the message"));
        break;
    default:
        refuse(request, GRPC_INTERNAL, VIEW("the message is not what its encoding says"));
    }
}

/* -------------------------------------------------------------------------- events */

static void refuse_door(struct request *request)
{
    struct view address = request->session->shared->grpc_address;
    char text[256];

    if (address.size == 0)
        (void)snprintf(text, sizeof(text),
                       "OTLP/gRPC is not served: spanmap's listen.grpc is off; this is OTLP/HTTP");
    else
        (void)snprintf(text, sizeof(text),
                       "here listens OTLP/HTTP; spanmap's OTLP/gRPC is at %.*s (listen.grpc)",
                       (int)address.size, address.data);
    refuse(request, GRPC_UNIMPLEMENTED, view_of(text));
}

/* Whether it is refused for who sends it. */
static bool refuse_sender(struct request *request)
{
    if (request_is_ambiguous(request))
        refuse(request, GRPC_UNAUTHENTICATED, VIEW("there are several authorization fields"));
    else if (request->verdict == GATE_UNKNOWN)
        refuse(request, GRPC_UNAUTHENTICATED, VIEW("credentials are missing or wrong"));
    else if (request->verdict == GATE_FORBIDDEN)
        refuse(request, GRPC_PERMISSION_DENIED, VIEW("this sender may not send"));
    else if (request->verdict == GATE_BUSY)
        refuse_for_now(request, VIEW("too many credentials are being looked at"));
    return request_is_answered(request);
}

void grpc_call_begin(struct request *request)
{
    const struct session *session = request->session;
    bool is_stream = request->stream_method != NULL;

    if (request->stream->is_header_list_too_large)
        refuse_http(request, VIEW("431"), GRPC_RESOURCE_EXHAUSTED,
                    VIEW("the header list is larger than 16,384 bytes"));
    else if (!request->is_post)
        refuse_http(request, VIEW("405"), GRPC_INTERNAL, VIEW("the method is not POST"));
    else if (request->is_timeout_bad)
        refuse_http(request, VIEW("400"), GRPC_INTERNAL, VIEW("malformed grpc-timeout"));
    else if ((session->opening.serves & SESSION_GRPC) == 0)
        refuse_door(request);
    else if (refuse_sender(request))
        return;
    else if (!is_stream && (request->method == NULL || request->is_http_path))
        refuse(request, GRPC_UNIMPLEMENTED, VIEW("there is no such method here"));
    else if (!is_stream && request->method->refusal != NULL)
        refuse(request, GRPC_UNIMPLEMENTED, view_of(request->method->refusal));
    else if (request->deadline.ns <= session->now.ns)
        refuse(request, GRPC_DEADLINE_EXCEEDED,
               VIEW("the deadline was over when the request came"));
    else if (is_stream)
        grpc_streaming_begin(request);
}

/* The frame failed, or there are two of them. */
static bool refuse_body(struct request *request, int status)
{
    struct refusal unknown = {
        .http_status = VIEW("200"),
        .code = GRPC_UNIMPLEMENTED,
        .message = VIEW("the message's encoding is none of " GRPC_ENCODINGS),
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

void grpc_call_data(struct request *request, struct view piece)
{
    int status;

    if (request->streaming != NULL) {
        grpc_streaming_data(request, piece);
        return;
    }
    /* What was borrowed goes away before this piece does only if it came with an earlier one. */
    status = grpc_frame_read(&request->frame, piece, request->session->shared->message_bytes_max);
    if (refuse_body(request, status))
        return;
    if (request->frame.is_borrowed)
        request_borrow(request);
    else if (request_credit(request) != 0)
        refuse_for_now(request, under_way);
}

void grpc_call_end(struct request *request)
{
    if (request->streaming != NULL) {
        grpc_streaming_end(request);
    } else if (!grpc_frame_is_at_end(&request->frame)) {
        refuse(request, GRPC_INTERNAL, VIEW("the request ends inside a message"));
    } else if (request->frame.whole == 0) {
        refuse(request, GRPC_UNIMPLEMENTED, VIEW("no message in a unary request"));
    } else {
        call(request);
    }
}

void grpc_call_fail(struct request *request, enum request_trouble trouble)
{
    if (trouble == REQUEST_NO_MEMORY)
        refuse_for_now(request, VIEW("no memory to hold the message"));
    else if (trouble == REQUEST_BUSY)
        refuse_for_now(request, under_way);
    else
        refuse(request, GRPC_DEADLINE_EXCEEDED, VIEW("the request did not end in time"));
}
