/* passed.h: what the service manager passes: listening sockets, and where to say how it goes.
 * Is:         systemd's socket activation (sd_listen_fds) and notifications (sd_notify), both of which
 *             are a few lines of a documented protocol, so that no library is needed for them.
 * Threads:    the main thread, before others are started; passed_notify() from it at any time.
 * Memory:     names live as long as the list.
 */
#ifndef SPANMAP_DAEMON_PASSED_H
#define SPANMAP_DAEMON_PASSED_H

#include "base/status.h"
#include "engine/listen.h"

enum { PASSED_MAX = 32 };

struct passed {
    struct passed_sockets sockets;
    struct passed_socket list[PASSED_MAX];
    char *names;      /* What the list's names are in. */
    char notify[108]; /* The manager's socket; empty: nobody listens. */
};

/* Takes it from the environment, so that no child finds it there. On failure out_error has one
 * sentence. Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int passed_take(struct passed *passed, char out_error[256]);
void passed_release(struct passed *passed);

/* "READY=1", "STOPPING=1". Nothing is done where nobody listens. */
void passed_notify(const struct passed *passed, const char *state);

#endif
