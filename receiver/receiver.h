/* receiver.h: OTLP/gRPC and OTLP/HTTP on several threads.
 * Is:         one acceptor that hands each socket to the thread with the fewest connections; each
 *             thread has a loop of its own, reads, frames, inflates and calls the method. What an
 *             address serves is said with it; both may share one.
 * Is not:     a knowledge of OTLP; methods come in a table (grpc_reply.h).
 * Invariants: a message is checked against message_bytes_max before it is held, and again as it
 *             inflates. Flow control credit is given back only for what was taken. A request is
 *             answered once, in full, or its stream is gone.
 * Threads:    new, listen, start, drain and free from one thread; methods run on the threads 0 to
 *             threads - 1, calls of one thread never at once.
 * Memory:     connections_max connections, streams_max streams each; bodies in flight at most
 *             body_bytes_max in all (past it new bodies wait for flow control or get UNAVAILABLE).
 * Source:     spec OTLP A4-A8, A14-A22, C1-C12, C17.
 */
#ifndef SPANMAP_RECEIVER_RECEIVER_H
#define SPANMAP_RECEIVER_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "net/address.h"
#include "net/server.h"
#include "receiver/gate.h"
#include "receiver/grpc_reply.h"
#include "receiver/grpc_stream.h"
#include "receiver/health.h"
#include "receiver/http_cors.h"

struct session_limits;

struct receiver_options {
    const struct grpc_method *methods; /* Borrowed as long as the receiver lives. */
    size_t methods_count;
    const struct grpc_stream_method *stream_methods; /* Likewise. */
    size_t stream_methods_count;
    const struct health *health;         /* Borrowed; NULL: no /healthz and /readyz over HTTP. */
    size_t streaming_max;                /* Calls of those at once, over all connections; 0: 256 */
    unsigned threads;                    /* At least 1. */
    size_t message_bytes_max;            /* A message, before and after decompression; 0: 64 MiB */
    size_t body_bytes_max;               /* All messages in flight; 0: 256 MiB */
    uint32_t streams_max;                /* A connection; 0: 100 */
    uint32_t connections_max;            /* 0: 4,096 */
    uint32_t connections_per_address;    /* 0: no limit */
    uint64_t idle_timeout_ns;            /* A connection without a stream; 0: none */
    uint64_t request_timeout_ns;         /* From a request's start to its end; 0: 60 s */
    const struct session_limits *limits; /* Copied; NULL: session_limits_default */
    const struct receiver_gate *gate;    /* Borrowed; NULL: everybody may send. */
    const struct http_cors *cors;        /* Borrowed; NULL: no browser's page may. */
    struct server_tls tls;               /* Zeroed: connections are plain. */
    const struct log *log;               /* NULL: silent. */
    struct counters *counters;           /* Over receiver_counter_rows. */
};

struct receiver;

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int receiver_new(const struct receiver_options *options, struct receiver **out_receiver);

/* As http_server_listen(); `serves` is SESSION_GRPC, SESSION_HTTP or both (session.h). */
MUST_USE int receiver_listen(struct receiver *receiver, const struct address *address,
                             unsigned serves, char out_error[256], struct buf *out_bound);

/* Starts the threads. Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int receiver_start(struct receiver *receiver);

/* Stops listening, sends GOAWAY, finishes the streams that were taken on, joins the threads; what
 * is not done after `patience_ns` is cut. Nothing calls a method afterwards. */
void receiver_drain(struct receiver *receiver, uint64_t patience_ns);

void receiver_free(struct receiver *receiver); /* Drains without patience if need be. */

#endif
