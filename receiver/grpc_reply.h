/* grpc_reply.h: what a gRPC method answers.
 * Is:         plain data between a method (otlp_trace.h) and the transport (receiver.h).
 * Memory:     the transport owns the struct; the method fills it; `body` and `message` are copied
 *             out before the next call.
 * Source:     gRPC status codes; OTLP A10-A16.
 */
#ifndef SPANMAP_RECEIVER_GRPC_REPLY_H
#define SPANMAP_RECEIVER_GRPC_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

struct grpc_reply {
    enum grpc_code code;
    struct buf message;      /* grpc-message, UTF-8, not yet percent-encoded; empty: none. */
    uint64_t retry_delay_ns; /* Above 0: a google.rpc.RetryInfo goes with the status. */
    struct buf body;         /* The response message (may be empty) where code is GRPC_OK. */
};

/* How a message is written; an answer's body is written likewise. */
enum message_format { MESSAGE_PROTOBUF, MESSAGE_JSON };

/* A unary method. `thread` is the number of the receiver thread that calls, 0 to threads - 1; calls
 * of one thread never overlap. `message` is whole, decompressed and valid during the call only. */
struct grpc_method {
    const char *path;      /* "/package.Service/Method" */
    const char *http_path; /* Of OTLP/HTTP: "/v1/traces"; NULL: by gRPC only. */
    const char *refusal;   /* It is not served, for this reason; NULL: it is. */
    bool is_open;          /* To whoever asks, without credentials. */
    void (*call)(void *context, unsigned thread, enum message_format format, struct view message,
                 struct grpc_reply *reply);
    void *context;
    /* What the call takes of memory for a moment, beside the message; NULL: nothing of note. */
    size_t (*memory_of)(void *context, enum message_format format, struct view message);
};

#endif
