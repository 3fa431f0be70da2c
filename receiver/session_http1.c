/* session_http1.c: one request after the other, answered on the spot.
 *
 *   head ──> body ──> answer ──> next head ...
 *    │        └─refused early: the rest is dropped, if it is little ──> next head
 *    └──bad, refused with a large body ──> answer, and the connection ends
 *
 * Pipelined requests are answered in turn. While answers are not written, and while the request waits
 * for the budget, nothing more is read.
 */
#include "base/check.h"
#include "base/mem.h"
#include "net/http1.h"
#include "receiver/session_priv.h"

enum {
    OUT_MAX = 256 * 1024, /* Answers to what one read brought; what comes behind is not read. */
    DROPPED_REST_MAX = 1 << 20, /* Of a body whose request was answered before its end. */
};

struct http1_session {
    struct http1 *parser;
    struct session *session;
    struct buf out;
    uint64_t received;  /* Of the body that comes in. */
    bool has_head;      /* Of the request that comes in. */
    bool is_input_done; /* It came in whole. */
    bool is_awaited;    /* Its sender waits for 100 Continue, which was not said. */
    bool closes;        /* Nothing is read any more. */
    bool is_draining;   /* The next answer is the last. */
    bool is_broken;     /* An answer found no memory. */
    const char *fault;
};

static void on_field(void *context, struct view name, struct view value)
{
    struct http1_session *http1 = context;

    request_field(http1->session->requests, name, value);
}

static void on_body(void *context, struct view piece)
{
    struct http1_session *http1 = context;
    struct request *request = http1->session->requests;

    http1->received += piece.size;
    http1->is_awaited = false;
    if (!request_is_answered(request))
        request_data(request, piece);
}

int http1_session_new(struct session *session)
{
    static const struct http1_events events = {.on_field = on_field, .on_body = on_body};
    struct http1_session *http1 = mem_calloc(1, sizeof(*http1));

    if (http1 == NULL)
        return STATUS_NOMEM;
    http1->session = session;
    buf_init(&http1->out, 0);
    if (http1_new(&events, http1, &http1->parser) != 0) {
        mem_free(http1);
        return STATUS_NOMEM;
    }
    session->http1 = http1;
    return 0;
}

void http1_session_free(struct http1_session *http1)
{
    if (http1 == NULL)
        return;
    http1_free(http1->parser);
    buf_release(&http1->out);
    mem_free(http1);
}

const char *http1_session_fault(const struct session *session)
{
    return session->http1->fault;
}

unsigned http1_session_error(const struct session *session)
{
    return http1_error(session->http1->parser);
}

void http1_session_close(struct session *session)
{
    session->http1->closes = true;
}

void http1_session_end(struct session *session)
{
    session->http1->is_draining = true;
}

/* ------------------------------------------------------------------------ reading */

static struct view method_name(const struct http1_request *head)
{
    if (head->is_post)
        return VIEW("POST");
    if (head->is_options)
        return VIEW("OPTIONS");
    if (head->is_get)
        return VIEW("GET");
    return head->is_head ? VIEW("HEAD") : VIEW("OTHER"); /* Which of the rest is all the same. */
}

static void end_request(struct session *session)
{
    struct http1_session *http1 = session->http1;
    struct request *request = session->requests;

    http1->is_input_done = true;
    if (!request_is_answered(request))
        request_end(request);
    CHECK(request_is_answered(request));
    request_free(request);
    http1_next(http1->parser);
}

static void take_head(struct session *session)
{
    struct http1_session *http1 = session->http1;
    const struct http1_request *head = http1_request(http1->parser);
    struct request *request = session->requests;

    http1->has_head = true;
    request->head.has_length = head->has_length;
    request->head.length = head->length;
    http1->is_awaited = request->head.expects_continue && head->has_body && !head->is_1_0;
    request_field(request, VIEW(":method"), method_name(head));
    request_field(request, VIEW(":path"), head->target);
    request_fields_end(request);
    if (!head->has_body)
        end_request(session);
}

static void take_bad(struct session *session)
{
    struct request *request = session->requests;

    session->http1->fault = "what came is no HTTP/1 request, and no preface of HTTP/2";
    request->is_http = true;
    /* A peer of HTTP/2 would not understand an answer in HTTP/1. */
    if (!request_is_answered(request) && (session->opening.serves & SESSION_HTTP) != 0)
        http_call_refuse(request, HTTP_BROKEN);
    session->http1->closes = true;
}

static int begin_request(struct session *session)
{
    struct http1_session *http1 = session->http1;

    if (request_new(session, NULL) == NULL)
        return STATUS_NOMEM;
    http1->has_head = false;
    http1->is_input_done = false;
    http1->is_awaited = false;
    http1->received = 0;
    return 0;
}

static int read_some(struct session *session, struct view *bytes)
{
    size_t taken = 0;

    if (session->requests == NULL) {
        *bytes = http1_skip_lines(*bytes); /* They must not begin a request that is then late. */
        if (bytes->size == 0)
            return 0;
        if (begin_request(session) != 0)
            return STATUS_NOMEM;
    }
    switch (http1_read(session->http1->parser, *bytes, &taken)) {
    case HTTP1_WHOLE:
        take_head(session);
        break;
    case HTTP1_END:
        end_request(session);
        break;
    case HTTP1_BAD:
        take_bad(session);
        break;
    case HTTP1_MORE:
        break;
    }
    *bytes = (struct view){bytes->data + taken, bytes->size - taken};
    return 0;
}

int http1_session_receive(struct session *session, struct view bytes)
{
    const struct http1_session *http1 = session->http1;
    int status = 0;

    while (status == 0 && bytes.size != 0 && !http1->closes)
        status = read_some(session, &bytes);
    requests_keep(session);
    if (status == 0 && http1->is_broken)
        status = STATUS_NOMEM;
    return status == 0 && http1->closes ? STATUS_CLOSED : status;
}

bool http1_session_wants_input(const struct session *session)
{
    const struct http1_session *http1 = session->http1;

    return !http1->closes && http1->out.size == 0 && session->waiting == 0;
}

/* ------------------------------------------------------------------------ writing */

void http1_session_continue(struct session *session)
{
    struct http1_session *http1 = session->http1;

    if (!http1->is_awaited)
        return;
    http1->is_awaited = false;
    if (buf_append_text(&http1->out, "HTTP/1.1 100 Continue\r\n\r\n") != 0)
        http1->is_broken = true;
}

/* Whether the next request can follow. */
static bool can_go_on(const struct http1_session *http1, const struct http1_request *head)
{
    if (http1->is_draining || !head->keeps_alive || http1->out.size > OUT_MAX)
        return false;
    return http1->is_input_done || !head->has_body ||
           (!http1->is_awaited && head->has_length &&
            head->length - http1->received <= DROPPED_REST_MAX);
}

static const char *reason(struct view status)
{
    static const struct {
        struct view status;
        const char *text;
    } reasons[] = {
        {VIEW("200"), "OK"},
        {VIEW("204"), "No Content"},
        {VIEW("400"), "Bad Request"},
        {VIEW("401"), "Unauthorized"},
        {VIEW("403"), "Forbidden"},
        {VIEW("404"), "Not Found"},
        {VIEW("405"), "Method Not Allowed"},
        {VIEW("408"), "Request Timeout"},
        {VIEW("413"), "Content Too Large"},
        {VIEW("414"), "URI Too Long"},
        {VIEW("415"), "Unsupported Media Type"},
        {VIEW("417"), "Expectation Failed"},
        {VIEW("431"), "Request Header Fields Too Large"},
        {VIEW("500"), "Internal Server Error"},
        {VIEW("501"), "Not Implemented"},
        {VIEW("503"), "Service Unavailable"},
        {VIEW("505"), "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (view_equal(reasons[i].status, status))
            return reasons[i].text;
    return "Status"; /* Any text will do, and clients show none. */
}

void http1_session_answer(struct session *session, const struct h2_field *fields, size_t count,
                          struct view body)
{
    struct http1_session *http1 = session->http1;
    struct request *request = session->requests;
    const struct http1_request *head = http1->has_head ? http1_request(http1->parser) : NULL;
    struct buf *out = &http1->out;
    struct view status = fields[0].value;

    request->is_answered = true;
    http1->closes = head == NULL || !can_go_on(http1, head);
    (void)buf_printf(out, "HTTP/1.1 %.3s %s\r\n", status.data, reason(status));
    for (size_t i = 1; i < count; i++) {
        (void)buf_append_view(out, fields[i].name);
        (void)buf_append_text(out, ": ");
        (void)buf_append_view(out, fields[i].value);
        (void)buf_append_text(out, "\r\n");
    }
    if (http1->closes)
        (void)buf_append_text(out, "connection: close\r\n");
    else if (head->is_1_0)
        (void)buf_append_text(out, "connection: keep-alive\r\n");
    (void)buf_append_text(out, "\r\n");
    if (head == NULL || !head->is_head)
        (void)buf_append_view(out, body);
    if (out->failed != 0) { /* Which remembers each of the appends. */
        http1->is_broken = true;
        http1->closes = true;
    }
}

int http1_session_produce(struct session *session, size_t enough, struct buf *out)
{
    struct http1_session *http1 = session->http1;
    size_t room = out->size < enough ? enough - out->size : 0;
    size_t size = http1->out.size < room ? http1->out.size : room;

    if (http1->is_broken)
        return STATUS_NOMEM;
    if (size != 0 && buf_append(out, http1->out.data, size) != 0)
        return STATUS_NOMEM;
    buf_consume(&http1->out, size);
    if (http1->out.size == 0 && http1->out.capacity != 0)
        buf_release(&http1->out);
    return http1->out.size == 0 && http1->closes ? STATUS_CLOSED : 0;
}

/* --------------------------------------------------------------------------- time */

int http1_session_tick(struct session *session)
{
    return session->http1->closes ? STATUS_CLOSED : 0;
}

int http1_session_drain(struct session *session)
{
    struct http1_session *http1 = session->http1;

    http1->is_draining = true;
    if (session->requests == NULL || !http1->has_head) /* Anybody can send half a head. */
        http1->closes = true;
    return http1->closes ? STATUS_CLOSED : 0;
}
