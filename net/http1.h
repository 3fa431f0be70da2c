/* http1.h: HTTP/1 requests, without I/O.
 * Is:         bytes in, one request after the other out; no more bytes are taken than the request
 *             has. For who wants them, every field, and the body in pieces, out of its chunks.
 * Is not:     a reader of bodies where nobody asks for them: `has_body` says that one follows, and
 *             then the connection is of no further use.
 * Invariants: a head is at most HTTP1_HEAD_MAX bytes, its target HTTP1_TARGET_MAX. A body's pieces
 *             are not held. A length and chunks together, a coding beside chunks, a chunk that
 *             no line's end follows, or a field without a name are an error; so are extensions of
 *             chunks and trailers in masses.
 * Threads:    one at a time.
 * Memory:     about a head's size; given back between requests.
 * Source:     RFC 9112.
 */
#ifndef SPANMAP_NET_HTTP1_H
#define SPANMAP_NET_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum { HTTP1_HEAD_MAX = 16 * 1024, HTTP1_TARGET_MAX = 8 * 1024 };

/* Valid until http1_next(). Fields that came several times are joined by ", ". */
struct http1_request {
    bool is_get;
    bool is_head;
    bool is_post;
    bool is_options;
    bool is_1_0;      /* HTTP/1.0 */
    bool keeps_alive; /* By its version and its Connection field. */
    bool has_body;
    bool has_length; /* The body's, */
    uint64_t length; /* which is this; else it comes in chunks. */
    unsigned hosts;  /* Host fields. */
    struct view target;
    struct view host; /* Of the Host field, or of a target that is a whole URL. */
    struct view accept;
    struct view accept_encoding;
    struct view if_none_match;
};

struct http1;

/* What else of a request is wanted. A head's fields in their order, whole, but for Transfer-Encoding,
 * Content-Length and Connection, which are this parser's, and for those with names of 64 bytes or more;
 * names in lower case. The pieces of its body, in place. */
struct http1_events {
    void (*on_field)(void *context, struct view name, struct view value);
    void (*on_body)(void *context, struct view piece);
};

/* Without events (NULL) bodies are not read. Returns: 0; STATUS_NOMEM. */
MUST_USE int http1_new(const struct http1_events *events, void *context, struct http1 **out_http1);
void http1_free(struct http1 *http1);

enum http1_result { HTTP1_MORE = 0, HTTP1_WHOLE = 1, HTTP1_BAD = 2, HTTP1_END = 3 };

/* What follows empty lines, which some clients send behind a body; RFC 9112 2.2 has them ignored in
 * front of a request. http1_read() does so too, and they count for nothing. */
struct view http1_skip_lines(struct view bytes);

/* Takes bytes in, `out_taken` of them. HTTP1_MORE: all were taken. HTTP1_WHOLE: http1_request() has
 * the request; with events, its body follows, and then HTTP1_END (where there is none, at the next
 * call, which may have no bytes). HTTP1_BAD: answer http1_error() and close. */
enum http1_result http1_read(struct http1 *http1, struct view bytes, size_t *out_taken);

const struct http1_request *http1_request(const struct http1 *http1);

/* 400, 414, 431, 501, 503 (no memory) or 505. */
unsigned http1_error(const struct http1 *http1);

/* Whether a byte of a request came and its end did not. */
bool http1_is_inside(const struct http1 *http1);

/* Forgets the request; the next one may be read. */
void http1_next(struct http1 *http1);

#endif
