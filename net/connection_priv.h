/* connection_priv.h: one socket, for connection.c and connection_tls.c. */
#ifndef SPANMAP_NET_CONNECTION_PRIV_H
#define SPANMAP_NET_CONNECTION_PRIV_H

#include "net/server_priv.h"

enum phase { PHASE_GREETING, PHASE_OPEN, PHASE_ENDING, PHASE_LINGERING };

struct connection {
    struct loop_task adopt;
    struct server_thread *thread;
    struct connection *next;
    struct connection **link; /* What points to us. */
    uv_poll_t poll;
    int fd;
    unsigned door; /* Of the address that it came to. */
    struct peer_key peer;
    bool is_too_many; /* Until it has found room. */
    int events;       /* Those polled for. */
    enum phase phase;
    bool is_peer_done;       /* It sends no more. */
    bool is_sealed;          /* It speaks TLS. */
    bool is_shut;            /* TLS: we said that we send no more. */
    void *state;             /* The protocol's; NULL before it is open, and once closed. */
    struct tls_session *tls; /* NULL: plain, or nothing has come yet. */
    struct buf left;         /* Output that the socket did not take. */
    struct mono_time begun;
    struct mono_time moved;    /* When output last moved, or the lingering began. */
    struct mono_time measured; /* Since when what the peer takes is measured; */
    uint64_t taken;            /* so much was, while there was more to take. */
};

static inline const struct server_protocol *connection_protocol(const struct connection *connection)
{
    return connection->thread->server->options.protocol;
}

/* Returns: 0; as the protocol's open(). */
MUST_USE int connection_open(struct connection *connection, struct mono_time now);

/* --------------------------------------------------------------- connection_tls.c */

/* Whether what comes to its door has to speak TLS. */
bool connection_is_to_be_sealed(const struct connection *connection);

/* Goes on with the handshake; at its end the protocol is open, and thread->plain has what came
 * behind it. Returns: 0; as tls_session_receive() and the protocol's open(). */
MUST_USE int connection_greet(struct connection *connection, struct view bytes,
                              struct mono_time now);

/* Whether this handshake has to wait for the loop's next turn; counted. */
bool connection_is_deferred(const struct connection *connection);

void connection_count_greeting(const struct connection *connection, enum tls_outcome outcome);

#endif
