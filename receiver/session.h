/* session.h: one connection's requests, gRPC and OTLP/HTTP, without I/O.
 * Is:         told by its first bytes to speak HTTP/2 or HTTP/1; each request by its content type to
 *             be gRPC (HTTP/2 only) or OTLP/HTTP. Fields are checked, the message is put together and
 *             inflated, the method called, its answer written.
 * Is not:     a knowledge of what the methods do (grpc_reply.h).
 * Invariants: each request that reached its method is answered, or its stream is gone. Bytes that
 *             are held are in the budget.
 * Threads:    one at a time; what is shared is shared by all sessions, a worker by those of a thread.
 * Memory:     streams_max requests; their messages, as far as the budget goes. A worker keeps memory of
 *             bodies that were (`spares`) and of the last that was inflated for the next ones: an
 *             eighth of all that bodies may hold at most, which the budget has less. And it keeps
 *             small memory for a hundred requests (`pool`).
 * Source:     spec OTLP A4-A8, A14-A22, A36, C1, C6-C11.
 */
#ifndef SPANMAP_RECEIVER_SESSION_H
#define SPANMAP_RECEIVER_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "net/h2_guard.h"
#include "net/h2_mem.h"
#include "receiver/body_budget.h"
#include "receiver/gate.h"
#include "receiver/grpc_reply.h"
#include "receiver/grpc_stream.h"
#include "receiver/health.h"
#include "receiver/http_cors.h"

/* How much patience there is with a peer, and how much of what costs work and carries nothing. */
struct session_limits {
    uint64_t header_timeout_ns; /* To say what is spoken, and for each request's fields. */
    uint64_t write_timeout_ns;  /* To take an answer. */
    uint64_t body_rate_min;     /* Bytes a second, over ten of them; 0: none */
    uint64_t age_max_ns;        /* Of a connection, a tenth more or less; 0: none */
    uint64_t age_grace_ns;      /* For its requests to end then. */
    uint64_t keepalive_ns;      /* Silence after which the peer is asked by a PING; 0: never */
    uint64_t keepalive_timeout_ns;
    struct h2_guard_options guard;
};

/* 10 s, 20 s, 1,024, none, 1 minute, 2 hours, 20 s, and those of the guard. */
extern const struct session_limits session_limits_default;

/* What all sessions share. */
struct session_shared {
    const struct grpc_method *methods;
    size_t methods_count;
    const struct grpc_stream_method *stream_methods;
    size_t stream_methods_count;
    const struct health *health; /* For /healthz and /readyz; NULL: there are no such paths. */
    size_t streaming_max;        /* Calls of those at once; on one connection an eighth. */
    _Atomic size_t streaming;    /* Those under way. */
    unsigned workers;            /* Threads whose workers keep memory; 0: none keeps any. */
    size_t kept_bytes_max;       /* What each keeps; set by session_shared_bound(). */
    size_t message_bytes_max;
    size_t response_bytes_max;
    uint32_t streams_max;
    uint64_t idle_timeout_ns; /* 0: none */
    uint64_t request_timeout_ns;
    struct session_limits limits;
    struct counters *counters;
    const struct receiver_gate *gate; /* NULL: everybody may send. */
    const struct http_cors *cors;     /* NULL: no browser may. */
    /* What to tell those who come to the wrong door; empty: the other one is off. */
    struct view grpc_address;
    struct view http_address;
    struct body_budget budget;
    uint32_t stream_window;     /* How much a peer may send ahead of us on a stream, */
    uint32_t connection_window; /* and on a connection. */
};

/* Budget and windows, from how many bytes of bodies may be held, what workers keep included.
 * `workers` and message_bytes_max are set; the latter is lowered where it is above that. */
void session_shared_bound(struct session_shared *shared, size_t body_bytes_max);

/* Once all sessions are gone. */
void session_shared_release(struct session_shared *shared);

/* The last request that was refused for its sender's fault, for who writes a log. */
struct session_refusal {
    bool is_there;
    bool is_http;
    unsigned status; /* Of gRPC, or of HTTP. */
    char reason[200];
};

/* What the sessions of one thread share: memory that lives for one request. */
struct session_worker {
    unsigned thread;
    struct buf_spares spares; /* For the bodies that are held. */
    struct h2_pool pool;      /* For streams, requests, and whatever nghttp2 has for a request. */
    struct buf inflated;
    size_t inflated_kept_max;
    struct buf text; /* Fields of the trailers. */
    struct grpc_reply reply;
    struct session_refusal refusal; /* To be taken by setting is_there to false. */
};

/* `shared` is bounded already. */
void session_worker_init(struct session_worker *worker, unsigned thread,
                         const struct session_shared *shared);
void session_worker_release(struct session_worker *worker);

struct session;

/* What is served at a door. */
enum { SESSION_GRPC = 1, SESSION_HTTP = 2 };

struct session_opening {
    unsigned serves;               /* SESSION_GRPC, SESSION_HTTP or both. */
    struct connection *connection; /* Only for the gate. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int session_new(struct session_shared *shared, struct session_worker *worker,
                         struct session_opening opening, struct mono_time now,
                         struct session **out_session);
void session_free(struct session *session);

/* What the peer did wrong, where that ended the connection; NULL: nothing. */
const char *session_fault(const struct session *session);

/* All return 0 to go on; or a negative status: produce what is left and close. */
MUST_USE int session_receive(struct session *session, struct view bytes, struct mono_time now);
MUST_USE int session_tick(struct session *session, struct mono_time now);
MUST_USE int session_drain(struct session *session, struct mono_time now);
MUST_USE int session_produce(struct session *session, struct mono_time now, size_t enough,
                             struct buf *out);

/* Whether it has never asked for anything: it may be closed when there are too many. */
bool session_is_sparable(const struct session *session);

/* Whether more may come in now. */
bool session_wants_input(const struct session *session);

#endif
