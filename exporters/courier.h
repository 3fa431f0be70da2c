/* courier.h: carries messages to another endpoint, and counts what became of each.
 * Is:         a queue with a bound in bytes before a port that tries once (grpc_port.h): several calls
 *             in flight, repeated with growing delays where the other side says that it may be.
 * Is not:     a protocol: what an answer means is read by its owner (struct courier_options.read).
 * Invariants: courier_offer() never waits: without room, what is offered is dropped and counted. Each
 *             offer is counted once, in the end (courier_counters.h). Messages leave unchanged, and
 *             in their order but for those in flight at once and those that are repeated.
 * Threads:    offer from any; all else from the owner's. A thread of its own sends, and answers come
 *             on one of the port's; one lock inside.
 * Memory:     bytes_max, a copy of each message among it, one more message in flight for gRPC's own
 *             copies where it compresses.
 *
 *   offer ──no room──> dropped (queue_full)
 *     v
 *   waits ──> in flight ──> sent
 *     ^          │ ├──────> dropped (refused): the same request would be refused again
 *     └── held ──┘ └──────> dropped (gave_up): it is older than retry_max
 *
 * A try that failed holds all others back: the other side is down or full for them, too. After the
 * delay one request goes alone; when it is taken, the others follow.
 */
#ifndef SPANMAP_EXPORTERS_COURIER_H
#define SPANMAP_EXPORTERS_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/grpc_port.h"

enum { COURIER_TEXT_SIZE = 200 };

/* What an answer says. */
struct courier_verdict {
    bool is_ok;
    bool may_retry;
    uint64_t retry_delay_ns; /* The other side asks for it; 0: it does not. */
    uint64_t rejected;       /* What it did not take of a request that is_ok. */
    const char *code;        /* "UNAVAILABLE"; constant. */
    char text[COURIER_TEXT_SIZE];
};

struct courier_options {
    const struct grpc_port *port;  /* Borrowed, as all below. */
    struct grpc_port_options peer; /* But for its callbacks. */
    const char *what;              /* "forward", for the log and as the thread's name. */
    void (*read)(const struct grpc_port_reply *reply, struct courier_verdict *out_verdict);
    size_t bytes_max;           /* Of all that it holds. */
    size_t in_flight_max;       /* Calls at once, at least 1. */
    size_t in_flight_bytes_max; /* Likewise, unless there is but one. */
    bool counts_items;          /* The counters have rows for them. */
    uint64_t timeout_ns;        /* Of one try. */
    uint64_t retry_initial_ns;  /* The first delay, doubled with each failure that follows, */
    uint64_t retry_interval_ns; /* up to this; each a half less or more. */
    uint64_t retry_max_ns;      /* How old a message may be that is tried again; 0: any age. */
    const struct log *log;      /* NULL: silent. */
    struct counters *counters;  /* Over a table of courier_counters.h. */
};

struct courier;

/* Opens the port. On failure out_error has one sentence; at most 255 bytes.
 * Returns: 0; as grpc_port.open(); STATUS_NOMEM. */
MUST_USE int courier_new(const struct courier_options *options, char out_error[256],
                         struct courier **out_courier);

/* Returns: 0; STATUS_SYSTEM. */
MUST_USE int courier_start(struct courier *courier);

/* Takes a copy of `body`, which holds so many items, or drops it. */
void courier_offer(struct courier *courier, struct view body, uint64_t items);

/* What was offered up to here is of no use once it has to wait: it is dropped (superseded) unless the
 * try that is under way succeeds. */
void courier_supersede(struct courier *courier);

/* Goes on until all is sent or `until`, then drops the rest, and ends the thread. Offers that come
 * later are dropped. */
void courier_drain(struct courier *courier, struct mono_time until);

void courier_free(struct courier *courier); /* Drains without patience if need be. */

#endif
