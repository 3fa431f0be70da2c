/* server_priv.h: what server.c, acceptor.c and connection.c share. */
#ifndef SPANMAP_NET_SERVER_PRIV_H
#define SPANMAP_NET_SERVER_PRIV_H

#include <stdatomic.h>
#include <uv.h>

#include "net/acceptor.h"
#include "net/peer_counts.h"
#include "net/server.h"

enum { READ_BYTES = 256 * 1024, OUTPUT_BYTES = 256 * 1024 };

struct server_thread {
    struct server *server;
    struct loop loop;
    struct loop_task drain;
    struct loop_task cut;
    uv_timer_t tick;          /* Runs while there are connections. */
    struct connection *first; /* The newest. */
    struct connection *last;
    unsigned index;
    _Atomic uint32_t connections; /* Those on their way here included. */
    bool is_draining;
    char *read_buffer;
    struct buf output;     /* See connection.c. */
    struct buf plain;      /* TLS: what came, */
    struct buf sealed;     /* and what goes. */
    uv_prepare_t turn;     /* Before each turn of the loop. */
    uint64_t greetings_ns; /* Spent on handshakes in this turn. */
};

struct server {
    struct server_options options;
    struct acceptor acceptor;
    struct server_thread *threads; /* options.threads of them */
    _Atomic uint32_t connections;
    struct peer_counts peers; /* Only where there is a limit for each. */
    pthread_mutex_t lock;     /* Over threads_ended, for the wait of server_drain(). */
    pthread_cond_t ended;
    unsigned threads_ended;
    bool is_started;
};

void server_count(const struct server *server, size_t which, uint64_t more);

void server_tell(const struct server *server, enum server_trouble trouble);

/* A socket on its way to a thread. */
struct newcomer {
    int fd;
    unsigned door;
    struct peer_key peer;
    bool is_too_many; /* It is served only if another one can be closed for it. */
};

/* Any thread: takes the socket over and has `thread` serve it. Returns: 0; STATUS_NOMEM (it is open
 * still). */
MUST_USE int connection_send_to(struct server_thread *thread, const struct newcomer *newcomer);

/* On the thread. */
void connection_tick(struct connection *connection, struct mono_time now);
void connection_drain(struct connection *connection, struct mono_time now);
void connection_cut(struct connection *connection);
struct connection *connection_next(const struct connection *connection);
struct connection *connection_previous(const struct connection *connection);
enum server_need connection_need(const struct connection *connection);

/* On the thread: closes the connection that can be missed best. Returns: 0; STATUS_FULL. */
MUST_USE int server_thread_make_room(struct server_thread *thread);

/* Called by a connection that is in the thread's list now, and by one that is gone. */
void server_thread_joined(struct server_thread *thread);
void server_thread_left(struct server_thread *thread, const struct peer_key *peer);

#endif
