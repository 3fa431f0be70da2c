/* http_answer.h: one HTTP/1.1 answer as bytes.
 * Threads:    plain data.
 * Memory:     owns head and body until they are written, and while it unpacks that HTTP_UNPACK_BYTES.
 */
#ifndef SPANMAP_NET_HTTP_ANSWER_H
#define SPANMAP_NET_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "net/http_server.h"
#include "net/http_unpack.h"

struct http_answer {
    struct buf head;
    struct buf body;
    struct http_unpack *unpack; /* NULL: the body goes as it is. */
    size_t body_bytes;          /* As they are sent. */
    size_t sent;                /* Of both together. */
    bool is_there;
    bool closes; /* The connection ends behind it. */
};

struct http_answer_options {
    bool is_head; /* To a HEAD request: without its body. */
    bool closes;
};

/* Takes the reply's body over, and writes its head. A reply that is broken (no status, no memory
 * for it) becomes a 500. Returns: 0; STATUS_NOMEM (there is no answer). */
MUST_USE int http_answer_take(struct http_answer *answer, struct http_reply *reply,
                              struct http_answer_options options);

/* An answer of our own: a line of text. Returns: 0; STATUS_NOMEM. */
MUST_USE int http_answer_error(struct http_answer *answer, unsigned status,
                               struct http_answer_options options);

/* Appends up to `enough` bytes of what was not sent yet. Returns: as buf_append(), or as
 * http_unpack_next(). */
MUST_USE int http_answer_send(struct http_answer *answer, size_t enough, struct buf *out);
bool http_answer_is_sent(const struct http_answer *answer);

/* Makes room for the next. */
void http_answer_release(struct http_answer *answer);

#endif
