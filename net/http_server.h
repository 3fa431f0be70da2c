/* http_server.h: HTTP/1.1 for pages and scrapes.
 * Is:         a thread with a loop of its own that listens, parses (net/http1.h), and has each
 *             request answered on a worker thread, so that a slow answer holds up nobody else.
 * Is not:     the way in for telemetry; it knows no path and no exporter.
 * Invariants: requests of one connection are answered in order. GET and HEAD only, else 405. A
 *             Host that is neither an IP address, localhost, nor one of hosts gets 421 (DNS
 *             rebinding).
 *             When there are connections_max, one whose head has not come gives way to a new one,
 *             the oldest first; where there is none, one that waits between two requests.
 * Threads:    new, start, stop and free from one thread; `handle` runs on worker threads.
 * Memory:     connections_max connections, each with at most 16 KiB of request and 64 KiB of
 *             answer. Larger answers, which are held until their readers have taken them, have
 *             answers_bytes_max in all; what is above becomes a 503.
 */
#ifndef SPANMAP_NET_HTTP_SERVER_H
#define SPANMAP_NET_HTTP_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "net/address.h"
#include "net/server.h"

/* Valid while `handle` runs. */
struct http_request {
    struct view path;  /* Percent-decoded: "/api/v1/map". */
    struct view query; /* As it came, without the '?'. */
    struct view accept;
    struct view accept_encoding;
    struct view if_none_match;
    bool is_head; /* The answer's body will not be sent. */
    /* Bytes of answers that may wait for their readers beside those that do; NULL: any. */
    const _Atomic size_t *answers_room;
};

/* Zeroed before `handle`; the server adds Content-Length, Date-free and security headers, and
 * leaves the body out for HEAD. */
struct http_reply {
    unsigned status;          /* 200, ... */
    const char *content_type; /* Static. */
    const char *encoding;     /* "gzip" where the body is; NULL: none. */
    size_t
        unpacked_bytes; /* The body is a gzip that is sent as so many plain bytes; 0: it is not. */
    bool is_vital;      /* It may take what is kept for such ones. */
    struct buf headers; /* Further lines, each ended by CR LF. */
    struct buf body;
};

struct http_handler {
    void (*handle)(void *context, const struct http_request *request, struct http_reply *reply);
    void *context;
};

struct http_server_options {
    struct http_handler handler;
    uint32_t connections_max;   /* 0: 256 */
    uint64_t idle_timeout_ns;   /* Between requests, and for a reader to go on; 0: 60 s */
    uint64_t header_timeout_ns; /* For a head to come in, and for a first one to begin; 0: 10 s */
    struct server_tls tls;      /* Zeroed: connections are plain. */
    const struct view *hosts;   /* Further names by which Host may call us; "*": any. */
    size_t hosts_count;
    size_t answers_bytes_max;  /* 0: 256 MiB */
    size_t answers_bytes_kept; /* Of these for vital ones alone. */
    struct counters *counters; /* Over http_counter_rows; NULL: nothing is counted. */
};

struct http_server;

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int http_server_new(const struct http_server_options *options,
                             struct http_server **out_server);

/* Binds and listens; may be called several times. `out_bound` gets HOST:PORT or unix:PATH as bound
 * (of several addresses behind one name, the first). On failure out_error has one sentence with
 * the address and the reason.
 * Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int http_server_listen(struct http_server *server, const struct address *address,
                                char out_error[256], struct buf *out_bound);

/* Starts to answer. Returns: 0; STATUS_SYSTEM. */
MUST_USE int http_server_start(struct http_server *server);

/* Stops listening, ends idle connections, lets started answers end, waits for the thread. */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);

/* The decoded value of one parameter of a query. Returns: 0; STATUS_NOT_FOUND; STATUS_INVALID (bad
 * escapes); else as buf_append(). */
MUST_USE int http_query_get(struct view query, struct view name, struct buf *out_value);

#endif
