/* grpc_session_priv.h: what grpc_session.c and grpc_call.c share: one request. */
#ifndef SPANMAP_RECEIVER_GRPC_SESSION_PRIV_H
#define SPANMAP_RECEIVER_GRPC_SESSION_PRIV_H

#include <stdbool.h>

#include "net/h2.h"
#include "receiver/grpc_fields.h"
#include "receiver/grpc_frame.h"
#include "receiver/grpc_session.h"

enum {
    FRAME_SIZE_MAX = 64 * 1024,
    HEADER_LIST_MAX = 16 * 1024,
};

struct grpc_session {
    struct grpc_service *service;
    struct grpc_worker *worker;
    struct h2 *h2;
    struct grpc_call *calls;    /* Newest first. */
    struct grpc_call *borrowed; /* Those whose message lies in the bytes that are being received. */
    size_t waiting;             /* Calls that wait for the budget, */
    size_t withheld;            /* and the connection's credit that they keep back. */
    struct mono_time opened;
    struct mono_time idle_since;
    struct mono_time now;      /* Of the call that is under way. */
    struct mono_time earliest; /* No deadline is before it. */
    bool is_counted_faulty;
};

struct grpc_call {
    struct grpc_session *session;
    struct h2_stream *stream;
    const struct grpc_method *method; /* NULL: no such path. */
    struct grpc_frame frame;
    struct grpc_call *next;
    struct grpc_call **link;
    struct grpc_call *next_borrowed;
    struct mono_time deadline;
    struct mono_time favoured; /* When it became the budget's favourite. */
    enum grpc_encoding encoding;
    size_t dropped;  /* Bytes of a foreign request's body. */
    size_t charged;  /* To the budget. */
    size_t withheld; /* See struct grpc_session. */
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
void grpc_calls_keep(struct grpc_session *session);

/* Ends those that are late, and lets one go on that waits, if there is room again. */
void grpc_calls_tick(struct grpc_session *session);

/* ---------------------------------------------------------------- grpc_credit.c */

/* The budget follows what the frame holds. Returns: 0; STATUS_FULL. */
MUST_USE int grpc_call_charge(struct grpc_call *call);

/* What came is held: its sender may send as much again, or the call waits. Returns: 0; STATUS_FULL,
 * where too much waits on this connection already. */
MUST_USE int grpc_call_credit(struct grpc_call *call);

/* Gives back what the request holds: it is answered, or gone. */
void grpc_call_let_go(struct grpc_call *call);

/* Whether it is the favourite, for so long that it is another's turn. */
bool grpc_call_is_tiresome(struct grpc_call *call);

/* Lets the oldest call that waits go on, if it may. */
void grpc_session_resume(struct grpc_session *session);

#endif
