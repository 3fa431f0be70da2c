/* grpc_port.h: how messages leave by gRPC: what spanmap-grpc.so offers to who loads it.
 * Is:         one table of functions with a version. The module is the only binary that links gRPC
 *             core (exporters/grpc); grpc_load.h finds it.
 * Is not:     a queue or a policy of retries (courier.h). The module tries each call once.
 * Invariants: each call that send() took is answered by on_reply() once, and release() is called once
 *             for its body; after close() nothing of that peer calls any more but release().
 * Threads:    send() and close() of a peer from one thread, cancel() from any; on_reply() runs on a
 *             thread of the module, which it must not hold up; release() on any.
 * Memory:     what options and replies point to is borrowed for the length of the call.
 */
#ifndef SPANMAP_EXPORTERS_GRPC_PORT_H
#define SPANMAP_EXPORTERS_GRPC_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "base/view.h"

/* Raised with any change of what is below. */
enum { GRPC_PORT_VERSION = 2 };

/* The module's one symbol, a const struct grpc_port. */
#define GRPC_PORT_SYMBOL "spanmap_grpc_port"

struct grpc_port_reply {
    int code;            /* gRPC's status, 0 to 16. */
    struct view message; /* grpc-message, decoded. */
    struct view details; /* grpc-status-details-bin: a google.rpc.Status; empty: none. */
    struct view body;    /* The response message. */
};

struct grpc_port_options {
    const char *target;      /* In gRPC's syntax: dns:///HOST:PORT, ipv6:[::1]:4317, unix:PATH */
    const char *method;      /* "/package.Service/Method" */
    bool has_tls;            /* What follows is for TLS only; NULL: not given. */
    const char *ca_path;     /* PEM files, which are read again while it runs. */
    const char *cert_path;   /* With key_path. */
    const char *key_path;    /* */
    uint64_t reload_ns;      /* How often; whole seconds. */
    const char *server_name; /* Which its certificate must bear; NULL: the target's host. */
    const struct option_pair *headers; /* Sent with each call; terminated texts. */
    size_t headers_count;
    bool gzip;
    uint64_t reconnect_min_ns; /* Between two tries to connect, growing from this */
    uint64_t reconnect_max_ns; /* to this. */
    uint64_t silence_max_ns;   /* While calls wait: then the other side is pinged, and as long again
                                * without an answer the connection is given up. */
    void (*on_reply)(void *context, void *call, const struct grpc_port_reply *reply);
    void (*release)(void *call); /* gRPC has let go of its body. */
    void *context;
};

struct grpc_peer;

struct grpc_port {
    uint32_t version; /* GRPC_PORT_VERSION */

    /* Connects with the first call. On failure out_error has one sentence; at most 255 bytes.
     * Returns: 0; STATUS_INVALID; STATUS_NOMEM; STATUS_SYSTEM. */
    int (*open)(const struct grpc_port_options *options, char out_error[256],
                struct grpc_peer **out_peer);

    /* Begins a call; `body` stays as it is until it is released. Returns: 0; STATUS_NOMEM;
     * STATUS_INVALID (then neither on_reply() nor release() is called). */
    int (*send)(struct grpc_peer *peer, void *call, struct view body, uint64_t timeout_ns);

    /* Ends all calls that are under way, each with its reply. */
    void (*cancel)(struct grpc_peer *peer);

    /* Likewise, waits for the replies, and frees. NULL is allowed. */
    void (*close)(struct grpc_peer *peer);
};

#endif
