/* http_answer.c: status line, fields, body. */
#include "net/http_answer.h"

static const char *reason(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 421:
        return "Misdirected Request";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Status"; /* Any text will do, and clients show none. */
    }
}

static bool has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

static size_t body_bytes(const struct http_reply *reply)
{
    return reply->unpacked_bytes != 0 ? reply->unpacked_bytes : reply->body.size;
}

static int write_head(struct http_answer *answer, const struct http_reply *reply,
                      struct http_answer_options options)
{
    struct buf *head = &answer->head;

    (void)buf_printf(head, "HTTP/1.1 %u %s\r\n", reply->status, reason(reply->status));
    if (reply->content_type != NULL)
        (void)buf_printf(head, "Content-Type: %s\r\n", reply->content_type);
    if (reply->encoding != NULL)
        (void)buf_printf(head, "Content-Encoding: %s\r\n", reply->encoding);
    if (has_body(reply->status))
        (void)buf_printf(head, "Content-Length: %zu\r\n", body_bytes(reply));
    (void)buf_append_text(head, "X-Content-Type-Options: nosniff\r\n");
    (void)buf_append_view(head, buf_view(&reply->headers));
    if (options.closes)
        (void)buf_append_text(head, "Connection: close\r\n");
    (void)buf_append_text(head, "\r\n");
    return head->failed; /* Which remembers each of the appends. */
}

int http_answer_take(struct http_answer *answer, struct http_reply *reply,
                     struct http_answer_options options)
{
    if (reply->status < 200 || reply->status > 599 || reply->headers.failed != 0 ||
        reply->body.failed != 0)
        return http_answer_error(answer, 500, options);
    http_answer_release(answer);
    if (write_head(answer, reply, options) != 0) {
        http_answer_release(answer);
        return STATUS_NOMEM;
    }
    if (!options.is_head && has_body(reply->status)) {
        if (reply->unpacked_bytes != 0 &&
            http_unpack_new(buf_view(&reply->body), &answer->unpack) != 0) {
            http_answer_release(answer);
            return STATUS_NOMEM;
        }
        answer->body_bytes = body_bytes(reply);
        answer->body = reply->body;
        buf_init(&reply->body, reply->body.size_max);
    }
    answer->closes = options.closes;
    answer->is_there = true;
    return 0;
}

int http_answer_error(struct http_answer *answer, unsigned status,
                      struct http_answer_options options)
{
    struct http_reply reply = {.status = status, .content_type = "text/plain; charset=utf-8"};
    int result;

    (void)buf_printf(&reply.body, "%u %s\n", status, reason(status));
    (void)buf_append_text(&reply.headers, "Cache-Control: no-store\r\n"
                                          "Content-Security-Policy: default-src 'none'\r\n");
    if (status == 405)
        (void)buf_append_text(&reply.headers, "Allow: GET, HEAD\r\n");
    result = reply.body.failed != 0 || reply.headers.failed != 0
                 ? STATUS_NOMEM
                 : http_answer_take(answer, &reply, options);
    buf_release(&reply.headers);
    buf_release(&reply.body);
    return result;
}

/* Appends from one part, which begins `skip` bytes before what was sent. */
static int send_part(struct http_answer *answer, const struct buf *part, size_t skip,
                     size_t *enough, struct buf *out)
{
    size_t at = answer->sent - skip;
    size_t size = part->size - at < *enough ? part->size - at : *enough;
    int status = buf_append(out, size != 0 ? part->data + at : NULL, size);

    if (status != 0)
        return status;
    answer->sent += size;
    *enough -= size;
    return 0;
}

static int send_unpacked(struct http_answer *answer, size_t enough, struct buf *out)
{
    size_t left = answer->head.size + answer->body_bytes - answer->sent;
    size_t before = out->size;
    int status = http_unpack_next(answer->unpack, left < enough ? left : enough, out);

    answer->sent += out->size - before;
    return status;
}

int http_answer_send(struct http_answer *answer, size_t enough, struct buf *out)
{
    int status = 0;

    if (answer->sent < answer->head.size)
        status = send_part(answer, &answer->head, 0, &enough, out);
    if (status == 0 && answer->sent >= answer->head.size && answer->unpack != NULL)
        status = send_unpacked(answer, enough, out);
    else if (status == 0 && answer->sent >= answer->head.size)
        status = send_part(answer, &answer->body, answer->head.size, &enough, out);
    return status;
}

bool http_answer_is_sent(const struct http_answer *answer)
{
    return answer->sent == answer->head.size + answer->body_bytes;
}

void http_answer_release(struct http_answer *answer)
{
    http_unpack_free(answer->unpack);
    buf_release(&answer->head);
    buf_release(&answer->body);
    *answer = (struct http_answer){.sent = 0};
}
