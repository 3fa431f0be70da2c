/* gate.h: who may send.
 * Is:         one question a request, of any transport, asked when its head is there and before any
 *             of its body is held.
 * Is not:     the answer: it is given by whoever fills the struct in.
 * Threads:    asked on the connection's thread, of several connections at once on several threads.
 */
#ifndef SPANMAP_RECEIVER_GATE_H
#define SPANMAP_RECEIVER_GATE_H

#include "base/view.h"

struct connection;

enum gate_verdict {
    GATE_PASS,
    GATE_UNKNOWN,   /* Who this is was not said, or is not believed: 401, UNAUTHENTICATED. */
    GATE_FORBIDDEN, /* That is known, and not allowed: 403, PERMISSION_DENIED. */
    GATE_BUSY,      /* It cannot be told now: 503, UNAVAILABLE, and to come again. */
};

struct receiver_gate {
    /* `authorization` is the field of that name, its data NULL where there is none; both are borrowed
     * during the call. `connection` is NULL in tests without sockets. */
    enum gate_verdict (*judge)(void *context, struct connection *connection,
                               struct view authorization);
    void *context;
    struct view challenge; /* WWW-Authenticate of a 401. */
};

#endif
