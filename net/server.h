/* server.h: connections on several threads, for a protocol that does no I/O itself.
 * Is:         an acceptor that hands each socket to the thread with the fewest connections, and
 *             per thread a loop that reads, gives the bytes to the protocol, and writes what the
 *             protocol has to say: one read and one gathered write a connection and turn.
 * Is not:     a knowledge of any protocol; HTTP/2, HTTP/1.1 and gRPC stand behind
 *             struct server_protocol.
 * Invariants: a connection that does not read what it asked for is not read from either. A
 *             protocol's functions run on its connection's thread, never two at once.
 * Threads:    new, listen, start, drain and free from one thread.
 * Memory:     connections_max connections (for a moment some more, until one is closed) with at
 *             most some 256 KiB of output each, freed while they are silent, and one read buffer a
 *             thread; with TLS what tls.h says of a session, and two more buffers a thread.
 * Source:     spec OTLP C1, C17, C21; ARCHITECTURE section 4.
 */
#ifndef SPANMAP_NET_SERVER_H
#define SPANMAP_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/tls_store.h"

struct connection;

/* How much a connection is needed when there are too many. */
enum server_need {
    SERVER_NEEDED,   /* Never closed for another. */
    SERVER_SILENT,   /* It has asked for nothing, though it could long have done so. */
    SERVER_SPARABLE, /* It holds up a place and does nothing with it. */
};

/* The functions that return int answer 0 to go on, or a negative status to end the connection once
 * everything that `produce` has was written. All but open, receive, produce and close may be NULL. */
struct server_protocol {
    /* A connection came; with TLS, when its handshake is done. On failure it is closed and `close`
     * is not called. */
    int (*open)(void *context, unsigned thread, struct connection *connection, struct mono_time now,
                void **out_state);
    int (*receive)(void *state, struct view bytes, struct mono_time now);
    /* The peer sends no more, but may still read. NULL: the connection ends. */
    int (*finish)(void *state, struct mono_time now);
    /* Several times a second. */
    int (*tick)(void *state, struct mono_time now);
    /* The server drains: end as soon as what was begun is done. NULL: the connection ends. */
    int (*drain)(void *state, struct mono_time now);
    /* Append output, at most little more than `enough` bytes; nothing, if there is none. */
    int (*produce)(void *state, struct mono_time now, size_t enough, struct buf *out);
    bool
        produces_all; /* Less than `enough` is all that there is, so that it need not be asked again. */
    /* Whether more input is wanted now. NULL: always. */
    bool (*wants_input)(const void *state);
    /* When connections_max are open, the one that can be missed best is closed for a new one; of
     * several the oldest. NULL: none can be missed. */
    enum server_need (*need)(const void *state);
    /* The connection is gone, whatever the reason. */
    void (*close)(void *state);
};

/* Where the server counts; rows of `counters`, which may be NULL. */
struct server_meter {
    struct counters *counters;
    size_t open;            /* Gauge. */
    size_t accepted;        /* Connections that were taken on. */
    size_t refused;         /* Closed at once, since there were connections_max. */
    size_t crowded;         /* Likewise, since its address had connections_per_peer_max. */
    size_t displaced;       /* Closed for a new one, when there were connections_max. */
    size_t accept_failures; /* accept() failed: descriptors or memory were out. */
    size_t timeouts;        /* Closed, since the peer read nothing or too slowly. */
    size_t bytes;           /* Read. */
};

enum server_trouble {
    SERVER_FULL,          /* A connection was closed at once, since there were connections_max, */
    SERVER_CROWDED,       /* or connections_per_peer_max of its address. */
    SERVER_ACCEPT_FAILED, /* Descriptors or memory are out. */
    SERVER_TROUBLE_COUNT,
};

/* Zeroed: connections are plain. */
struct server_tls {
    struct tls_store *store;       /* Borrowed. */
    uint32_t plain_doors;          /* Bit n: what comes to door n of server_listen() is plain. */
    unsigned protocols;            /* A set of enum alpn. */
    uint64_t handshake_timeout_ns; /* 0: 10 s */
    uint64_t turn_ns;              /* Of a loop's turn, for handshakes; 0: 5 ms */
    struct counters *counters;     /* May be NULL. */
    size_t outcomes;               /* Of handshakes: TLS_OUTCOME_COUNT rows, in that order. */
    size_t deferred;               /* Handshakes left to the loop's next turn. */
};

struct server_options {
    const struct server_protocol *protocol; /* Borrowed. */
    void *context;
    const char *name; /* Of the threads, 8 bytes at most. */
    unsigned threads;
    uint32_t connections_max;
    uint32_t connections_per_peer_max; /* By IP address, or user of a Unix socket; 0: no limit. */
    size_t read_bytes_max;             /* At once; 0: 256 KiB */
    uint64_t write_timeout_ns; /* For a peer to take anything at all of what waits for it, */
    uint64_t write_rate_min;   /* and so many bytes a second, over as long; 0: none */
    struct server_meter meter;
    struct server_tls tls;
    /* On the acceptor's thread or a connection's; NULL: counted only. */
    void (*on_trouble)(void *context, enum server_trouble trouble);
};

struct server;

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int server_new(const struct server_options *options, struct server **out_server);

/* Binds and listens; may be called several times before the start. connection_door() tells `door` of
 * what comes there. `out_bound` gets HOST:PORT or unix:PATH as bound (of several, the first). On failure
 * out_error has one sentence with the address and the reason. Returns: 0; STATUS_SYSTEM; STATUS_NOMEM; STATUS_FULL. */
MUST_USE int server_listen(struct server *server, const struct address *address, unsigned door,
                           char out_error[256], struct buf *out_bound);

/* Starts the threads. Returns: 0; STATUS_SYSTEM. */
MUST_USE int server_start(struct server *server);

/* Stops listening, drains all connections, cuts off what is left after `patience_ns`, and ends the
 * threads. May be called at any time after new, and again. */
void server_drain(struct server *server, uint64_t patience_ns);
void server_free(struct server *server);

/* The connection's thread: there is output, or input is wanted again. Not for use within the
 * functions of the protocol, after which both are looked at anyway. The connection may be gone
 * (and `close` called) when it returns. */
void connection_wake(struct connection *connection);

/* Whom the connection comes from: an address and a port, or "unix". */
void connection_peer(const struct connection *connection, char out_peer[64]);

/* Which of server_listen()'s doors the connection came to. */
unsigned connection_door(const struct connection *connection);

/* The user on the other side of a Unix socket. Whether that is known. */
bool connection_uid(const struct connection *connection, uint32_t *out_uid);

/* What TLS agreed on; without it ALPN_NONE, and no names. The names live as long as the
 * connection. */
enum alpn connection_alpn(const struct connection *connection);
const struct tls_names *connection_names(const struct connection *connection);

/* The loop whose thread serves the connection; for loop_post(). */
struct loop *connection_loop(struct connection *connection);

#endif
