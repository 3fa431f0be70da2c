/* session_priv.h: what session.c and grpc_call.c share: one request. */
#ifndef SPANMAP_RECEIVER_SESSION_PRIV_H
#define SPANMAP_RECEIVER_SESSION_PRIV_H

#include <stdbool.h>

#include "net/h2.h"
#include "receiver/grpc_fields.h"
#include "receiver/grpc_frame.h"
#include "receiver/session.h"

enum {
    FRAME_SIZE_MAX = 64 * 1024,
    HEADER_LIST_MAX = 16 * 1024,
};

struct session {
    struct session_shared *shared;
    struct session_worker *worker;
    struct h2 *h2;
    struct request *requests; /* Newest first. */
    struct request *borrowed; /* Those whose message lies in the bytes that are being received. */
    size_t waiting;           /* Requests that wait for the budget, */
    size_t withheld;          /* and the connection's credit that they keep back. */
    struct mono_time opened;
    struct mono_time idle_since;
    struct mono_time now;      /* Of the request that is under way. */
    struct mono_time earliest; /* No deadline is before it. */
    bool is_counted_faulty;
};

struct request {
    struct session *session;
    struct h2_stream *stream;
    const struct grpc_method *method; /* NULL: no such path. */
    struct grpc_frame frame;
    struct request *next;
    struct request **link;
    struct request *next_borrowed;
    struct mono_time deadline;
    struct mono_time favoured; /* When it became the budget's favourite. */
    enum grpc_encoding encoding;
    size_t dropped;  /* Bytes of a foreign request's body. */
    size_t charged;  /* To the budget. */
    size_t withheld; /* See struct session. */
    bool is_post;
    bool is_grpc;    /* By its content type. */
    bool is_foreign; /* It is not, and is told so in the end. */
    bool is_timeout_bad;
    bool has_fields; /* All of them came. */
    bool is_waiting; /* For the budget; gets no credit meanwhile. */
    bool is_on_borrowed_list;
};

/* The events of h2.h; `context` is the session. */
extern const struct h2_events grpc_call_events;

/* After h2_receive(): what is still in use of the received bytes is copied. */
void requests_keep(struct session *session);

/* Ends those that are late, and lets one go on that waits, if there is room again. */
void requests_tick(struct session *session);

/* ---------------------------------------------------------------- request_credit.c */

/* The budget follows what the frame holds. Returns: 0; STATUS_FULL. */
MUST_USE int request_charge(struct request *request);

/* What came is held: its sender may send as much again, or the request waits. Returns: 0; STATUS_FULL,
 * where too much waits on this connection already. */
MUST_USE int request_credit(struct request *request);

/* Gives back what the request holds: it is answered, or gone. */
void request_let_go(struct request *request);

/* Whether it is the favourite, for so long that it is another's turn. */
bool request_is_tiresome(struct request *request);

/* Lets the oldest request that waits go on, if it may. */
void session_resume(struct session *session);

#endif
