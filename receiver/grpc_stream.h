/* grpc_stream.h: gRPC methods that answer more than once.
 * Is:         plain data between such a method and the transport, beside grpc_reply.h for unary ones:
 *             a message in, at most one message out; and, for a method that speaks by itself, a
 *             question now and then whether it has something to say.
 * Is not:     a queue: a peer that does not read is not asked for, and gets the newest state only.
 * Threads:    the functions of one call run on its connection's thread, never two at once; calls of
 *             several connections run at the same time.
 * Memory:     the transport keeps `state_bytes` for each call, zeroed; a method holds nothing else.
 */
#ifndef SPANMAP_RECEIVER_GRPC_STREAM_H
#define SPANMAP_RECEIVER_GRPC_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/view.h"
#include "receiver/grpc_reply.h"

enum grpc_step {
    GRPC_STEP_QUIET, /* Nothing to say; the call goes on. */
    GRPC_STEP_SAY,   /* reply->body is a message; the call goes on. */
    GRPC_STEP_END,   /* The call ends with the reply's code and message. */
};

struct grpc_stream_method {
    const char *path;   /* "/package.Service/Method" */
    size_t state_bytes; /* Of one call. */
    bool is_open;       /* To whoever asks, without credentials. */
    bool takes_many;    /* Messages of the peer; else exactly one, as in a unary call. */
    /* A message came, whole and decompressed, valid during the call only. */
    enum grpc_step (*message)(void *context, void *state, struct view message,
                              struct grpc_reply *reply);
    /* After the first message, several times a second and when the server drains, while what was
     * said before has been sent. NULL: the method speaks only when it is spoken to. */
    enum grpc_step (*poll)(void *context, void *state, struct grpc_reply *reply);
    void *context;
};

/* "package.Service" of a path; empty where there is none. */
static inline struct view grpc_service_of(const char *path)
{
    struct view text = view_of(path);
    const char *end;

    if (text.size == 0 || text.data[0] != '/')
        return (struct view){"", 0};
    end = memchr(text.data + 1, '/', text.size - 1);
    return end != NULL ? (struct view){text.data + 1, (size_t)(end - text.data) - 1}
                       : (struct view){"", 0};
}

#endif
