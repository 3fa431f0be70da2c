/* otlp_client.h: sends trace requests to a receiver over OTLP/gRPC, one after the other.
 * Is:         a socket, net/h2_client.h and otlp_answer.h put together; it waits by poll(2).
 * Is not:     a decision about retries, nor TLS.
 * Invariants: a request is answered, lost with its connection, or given up because stop was asked;
 *             the next one finds a connection that works, or opens one.
 * Threads:    one owner.
 * Memory:     some 128 KiB; requests are borrowed during their call.
 */
#ifndef SPANMAP_DAEMON_OTLP_CLIENT_H
#define SPANMAP_DAEMON_OTLP_CLIENT_H

#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "daemon/otlp_answer.h"
#include "net/address.h"

struct otlp_client_options {
    struct address address; /* Not off. */
    struct view authority;  /* What stands in :authority; borrowed. */
    uint64_t silence_ns;    /* A connection on which nothing moves for so long is lost. */
    int stop_fd;            /* Readable: stop. -1: none. */
};

struct otlp_client;

/* Looks the host up. On failure out_error has one sentence. Returns: 0; STATUS_NOT_FOUND;
 * STATUS_NOMEM. */
MUST_USE int otlp_client_new(const struct otlp_client_options *options, char out_error[256],
                             struct otlp_client **out_client);
void otlp_client_free(struct otlp_client *client);

/* Connects, unless it is connected. On failure out_error has the reason. Returns: 0;
 * STATUS_SYSTEM; STATUS_CLOSED (stop was asked); STATUS_NOMEM. */
MUST_USE int otlp_client_connect(struct otlp_client *client, char out_error[256]);

/* One try. `out_answer` was initialised, and is to be released. Once stop is asked, an answer is
 * waited for a few seconds more. Returns: 0; STATUS_CLOSED (stop was asked, and there is no answer);
 * STATUS_NOMEM. */
MUST_USE int otlp_client_export(struct otlp_client *client, struct view request,
                                struct otlp_answer *out_answer);

/* Keeps the connection alive until then. Returns: 0; STATUS_CLOSED (stop was asked). */
MUST_USE int otlp_client_wait(struct otlp_client *client, struct mono_time until);

#endif
