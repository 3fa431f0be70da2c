/* acceptor.h: a thread that accepts connections.
 * Is:         accept(2) on all listening sockets, and the back-off when descriptors run out.
 * Is not:     the one who decides what becomes of a socket: `take` does.
 * Threads:    init, add, start, stop and release from one thread; the events run on the acceptor's.
 * Memory:     owns its sockets and a reserve descriptor, which lets it refuse a connection when
 *             descriptors are out instead of spinning on it.
 * Source:     spec OTLP C17.
 */
#ifndef SPANMAP_NET_ACCEPTOR_H
#define SPANMAP_NET_ACCEPTOR_H

#include <stddef.h>
#include <uv.h>

#include "base/status.h"
#include "net/loop.h"
#include "net/socket.h"

enum { ACCEPTOR_ADDRESSES_MAX = 8 };

struct acceptor_events {
    /* A connection to a socket of `door`; non-blocking, the callee's from here on. */
    void (*take)(void *context, int fd, unsigned door);
    void (*failed)(void *context); /* accept() failed for want of descriptors or memory. */
    void *context;
};

struct acceptor {
    struct loop loop;
    struct loop_task stop;
    struct acceptor_events events;
    struct sockets sockets[ACCEPTOR_ADDRESSES_MAX];
    size_t count;
    unsigned doors[ACCEPTOR_ADDRESSES_MAX];
    uv_poll_t polls[ACCEPTOR_ADDRESSES_MAX * SOCKETS_MAX];
    unsigned poll_doors[ACCEPTOR_ADDRESSES_MAX * SOCKETS_MAX];
    size_t polls_count;
    uv_timer_t backoff;
    int reserve_fd; /* -1: none */
};

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int acceptor_init(struct acceptor *acceptor, const struct acceptor_events *events);

/* Takes over `sockets`, before the start; `door` is told with each connection. Returns: 0;
 * STATUS_FULL (they are still the caller's). */
MUST_USE int acceptor_add(struct acceptor *acceptor, const struct sockets *sockets, unsigned door);

/* Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int acceptor_start(struct acceptor *acceptor, const char *name);

/* Closes the sockets and ends the thread: no event comes afterwards. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_release(struct acceptor *acceptor);

#endif
