/* http1.h: the heads of HTTP/1 requests, without I/O.
 * Is:         bytes in, one request after the other out; no more bytes are taken than the request
 *             has.
 * Is not:     a reader of bodies: `has_body` says that one follows, and then the connection is of
 *             no further use.
 * Invariants: a head is at most HTTP1_HEAD_MAX bytes, its target HTTP1_TARGET_MAX.
 * Threads:    one at a time.
 * Memory:     about a head's size; given back between requests.
 * Source:     RFC 9112.
 */
#ifndef SPANMAP_NET_HTTP1_H
#define SPANMAP_NET_HTTP1_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/view.h"

enum { HTTP1_HEAD_MAX = 16 * 1024, HTTP1_TARGET_MAX = 8 * 1024 };

/* Valid until http1_next(). Fields that came several times are joined by ", ". */
struct http1_request {
    bool is_get;
    bool is_head;
    bool keeps_alive; /* By its version and its Connection field. */
    bool has_body;
    unsigned hosts; /* Host fields. */
    struct view target;
    struct view host; /* Of the Host field, or of a target that is a whole URL. */
    struct view accept;
    struct view accept_encoding;
    struct view if_none_match;
};

struct http1;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int http1_new(struct http1 **out_http1);
void http1_free(struct http1 *http1);

enum http1_result { HTTP1_MORE = 0, HTTP1_WHOLE = 1, HTTP1_BAD = 2 };

/* Takes bytes in, `out_taken` of them. HTTP1_MORE: all were taken. HTTP1_WHOLE: http1_request() has
 * the request. HTTP1_BAD: answer http1_error() and close. */
enum http1_result http1_read(struct http1 *http1, struct view bytes, size_t *out_taken);

const struct http1_request *http1_request(const struct http1 *http1);

/* 400, 414, 431, 501, 503 (no memory) or 505. */
unsigned http1_error(const struct http1 *http1);

/* Whether a byte of a request came and its end did not. */
bool http1_is_inside(const struct http1 *http1);

/* Forgets the request; the next one may be read. */
void http1_next(struct http1 *http1);

#endif
