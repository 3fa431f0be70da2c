/* session_priv.h: one request, and what those of a connection share; for the files that serve them.
 *
 *   session.c ── HTTP/2 events ──────┐                         ┌─> grpc_call.c
 *       └─ session_http1.c ──────────┴─> request.c ── by its ──┴─> http_call.c
 *                                       (request_credit.c)  content type
 */
#ifndef SPANMAP_RECEIVER_SESSION_PRIV_H
#define SPANMAP_RECEIVER_SESSION_PRIV_H

#include <stdbool.h>

#include "net/h2.h"
#include "receiver/grpc_fields.h"
#include "receiver/grpc_frame.h"
#include "receiver/http_head.h"
#include "receiver/inflate.h"
#include "receiver/receiver_counters.h"
#include "receiver/session.h"

enum {
    FRAME_SIZE_MAX = 64 * 1024,
    HEADER_LIST_MAX = 16 * 1024,
    /* So much of a body is read and dropped before a request that is refused is told so, and so much
     * where its length is known: many clients read no answer before they have sent everything. */
    DROPPED_BODY_MAX = 64 * 1024,
    DROPPED_KNOWN_MAX = 1024 * 1024,
    GREETING_SIZE = 3,
};

enum session_protocol { SESSION_UNKNOWN, SESSION_HTTP1, SESSION_HTTP2 };

struct http1_session;

struct session {
    struct session_shared *shared;
    struct session_worker *worker;
    struct session_opening opening;
    enum session_protocol protocol;
    char greeting[GREETING_SIZE]; /* The first bytes, until they tell the protocol. */
    size_t greeting_size;
    struct h2 *h2;               /* Of SESSION_HTTP2. */
    struct http1_session *http1; /* Of SESSION_HTTP1. */
    struct h2_mem mem;           /* Of the requests, which come and go as often as streams. */
    struct request *requests;    /* Newest first. */
    struct request *borrowed; /* Those whose message lies in the bytes that are being received. */
    struct body_account account;
    struct request *favourite; /* The one whose turn it is; NULL: it is another connection's. */
    size_t waiting;            /* Requests that wait for the budget, */
    size_t withheld;           /* and the connection's credit that they keep back. */
    size_t streaming;          /* Calls of streaming methods that are under way. */
    struct view ending; /* Why the connection is to end once all is sent; empty: it is not. */
    struct mono_time opened;
    uint64_t age_max_ns;  /* UINT64_MAX: none. */
    struct mono_time cut; /* When what is left at that age is cut off; 0: not yet. */
    bool has_asked;       /* The fields of a request came. */
    bool is_idle;         /* It has been for too long, and is told to go. */
    struct mono_time idle_since;
    struct mono_time now;      /* Of the call that is under way. */
    struct mono_time earliest; /* No deadline is before it. */
};

/* What stands at /healthz and /readyz. */
enum http_probe { PROBE_NONE, PROBE_ALIVE, PROBE_READY };

/* Why an OTLP/HTTP request is not served; said once its body has ended or was large. */
enum http_refusal {
    HTTP_SERVED,
    HTTP_WRONG_DOOR,
    HTTP_HEAD_TOO_LARGE,
    HTTP_PROBE,              /* Somebody asks whether we live, or are ready, */
    HTTP_PROBE_WRONG_METHOD, /* or tries to do something else to it. */
    HTTP_PREFLIGHT, /* A browser's question, or anybody's OPTIONS: answered without a body. */
    HTTP_WRONG_METHOD,
    HTTP_NOT_FOUND,
    HTTP_SIGNAL_OFF,
    HTTP_AMBIGUOUS, /* By its credentials. */
    HTTP_UNKNOWN,
    HTTP_FORBIDDEN,
    HTTP_GATE_BUSY,
    HTTP_WRONG_TYPE,
    HTTP_WRONG_CODING,
    HTTP_WRONG_EXPECTATION,
    HTTP_TOO_LARGE,
    HTTP_INFLATED_TOO_LARGE,
    HTTP_TREE_TOO_LARGE, /* What its JSON becomes. */
    HTTP_BAD_CODING,
    HTTP_BUSY,
    HTTP_NO_MEMORY,
    HTTP_TOO_SLOW,
    HTTP_HEAD_TOO_SLOW,
    HTTP_BROKEN, /* No HTTP/1 at all; http1_error() is its status. */
};

/* The message of an OTLP/HTTP request, which is its whole body. */
struct http_body {
    struct buf held;
    struct view piece; /* Not copied yet; it lies in the bytes that are being received. */
};

/* Which limit a message is beyond: receiver.message_bytes_max, or receiver.memory_max. */
enum request_excess { EXCESS_MESSAGE, EXCESS_MEMORY };

struct request {
    struct session *session;
    struct h2_stream *stream; /* NULL: the one of an HTTP/1 session. */
    struct request *next;
    struct request **link;
    struct request *next_borrowed;
    struct mono_time begun;
    struct mono_time deadline;
    struct mono_time measured;        /* Since when its body's rate is watched, */
    uint64_t received;                /* and what has come since. */
    struct mono_time favoured;        /* When it became its session's favourite. */
    size_t charged;                   /* To the budget. */
    size_t inflated;                  /* What it has of it for its inflated message. */
    enum request_excess excess;       /* After STATUS_TOO_LARGE. */
    size_t withheld;                  /* See struct session. */
    size_t dropped;                   /* Bytes of a refused request's body. */
    const struct grpc_method *method; /* NULL: no such path; */
    const struct grpc_stream_method *stream_method; /* or one of these. */
    enum gate_verdict verdict;
    bool is_judged;
    bool has_credentials; /* An Authorization field came, */
    bool is_ambiguous;    /* and another. */
    bool is_http;         /* OTLP/HTTP, once has_fields is set; else gRPC. */
    enum http_probe probe;
    bool is_http_path; /* The method was found by its http_path. */
    bool has_fields;   /* All of them came. */
    bool is_waiting;   /* For the budget; gets no credit meanwhile. */
    bool is_on_borrowed_list;
    bool is_answered; /* HTTP/1's; a stream knows it itself. */
    /* gRPC */
    bool is_grpc; /* By its content type. */
    bool is_post;
    bool is_timeout_bad;
    enum grpc_encoding encoding;
    struct grpc_frame frame;
    uint64_t client_deadline_ns;      /* As its caller said; UINT64_MAX: there is none. */
    struct grpc_streaming *streaming; /* NULL: a unary call. */
    /* OTLP/HTTP */
    enum http_refusal refusal;
    struct http_head head;
    struct http_body body;
};

/* -------------------------------------------------------------------- request.c */

/* The events of h2.h; `context` is the session. */
extern const struct h2_events request_events;

/* Returns NULL for want of memory. */
MUST_USE struct request *request_new(struct session *session, struct h2_stream *stream);
void request_free(struct request *request);

/* A field of its head, in lower case; HTTP/1's have :method and :path as well. */
void request_field(struct request *request, struct view name, struct view value);
void request_fields_end(struct request *request);

/* Who sends it is asked, and it says so twice: a proxy may have judged it by the other. */
bool request_is_ambiguous(const struct request *request);
void request_data(struct request *request, struct view piece);
void request_end(struct request *request);

/* The method is called, and the worker's reply says what came of it. Returns: 0; STATUS_FULL (no
 * memory to do so now; counted), STATUS_TOO_LARGE (nor later; `excess` is set): it was not called. */
MUST_USE int request_call(struct request *request, enum message_format format, struct view message);

bool request_is_answered(const struct request *request);
void request_count(struct request *request, enum receiver_counter which, uint64_t more);

/* For the log: its sender does something wrong that it will do again. */
void request_note_refusal(struct request *request, unsigned status, struct view reason);

/* Between one and two seconds, so that those who were refused together do not return together. */
uint64_t request_retry_delay_ns(const struct request *request);

/* Inflates into the worker's memory and the budget, and calls the method. Returns: as request_call();
 * STATUS_TOO_LARGE also for what is larger than a message may be; STATUS_NOMEM; STATUS_INVALID. */
MUST_USE int request_inflate_and_call(struct request *request, enum inflate_format format,
                                      enum message_format message_format, struct view packed);

/* Its message lies in the bytes that are being received: requests_keep() copies what is still needed. */
void request_borrow(struct request *request);

/* What came is copied. Returns: 0; STATUS_NOMEM. */
MUST_USE int request_keep(struct request *request);

/* It is answered, and its peer has so long to read that. */
void request_expect_reader(struct request *request);

/* Before the received bytes go away: what is still in use of them is copied. */
void requests_keep(struct session *session);

/* Ends those that are late, and lets one go on that waits, if there is room again. */
void requests_tick(struct session *session);

/* --------------------------------------------------- grpc_call.c and http_call.c */

/* Why a request ends before its answer could be made. */
enum request_trouble { REQUEST_BUSY, REQUEST_NO_MEMORY, REQUEST_LATE };

void grpc_call_begin(struct request *request); /* Its fields are there. */
void grpc_call_data(struct request *request, struct view piece);
void grpc_call_end(struct request *request);
void grpc_call_fail(struct request *request, enum request_trouble trouble);

/* Ends a call with that status, whatever was said before. */
void grpc_call_answer(struct request *request, enum grpc_code code, struct view message,
                      uint64_t retry_delay_ns);

/* -------------------------------------------------------------- grpc_streaming.c */

void grpc_streaming_begin(struct request *request);
void grpc_streaming_data(struct request *request, struct view piece);
void grpc_streaming_end(struct request *request); /* Its peer says no more. */
void grpc_streaming_free(struct request *request);
size_t grpc_streaming_held(const struct request *request);
bool grpc_streaming_has_begun(const struct request *request); /* Something was said. */

/* Asks the methods that speak by themselves; ends all calls where the connection is closing. */
void grpc_streaming_poll(struct session *session);

/* Output has gone: what waits for that may go on. */
void grpc_streaming_go_on(struct session *session);

/* ------------------------------------------------------------------ http_call.c */

void http_call_begin(struct request *request);
void http_call_data(struct request *request, struct view piece);
void http_call_end(struct request *request);
void http_call_fail(struct request *request, enum request_trouble trouble);

/* Answers at once. */
void http_call_refuse(struct request *request, enum http_refusal refusal);

/* ------------------------------------------------------------ request_credit.c */

/* The bytes of memory that its message takes. */
size_t request_held(const struct request *request);

/* The budget follows what is held. Returns: 0; STATUS_FULL. */
MUST_USE int request_charge(struct request *request);

/* What came is held: its sender may send as much again, or the request waits. Returns: 0;
 * STATUS_FULL, where too much waits on this connection already. */
MUST_USE int request_credit(struct request *request);

/* Gives back what the request holds: it is answered, or gone. */
void request_let_go(struct request *request);

/* Whether it is the favourite, for so long that it is another's turn. */
bool request_is_tiresome(struct request *request);

/* The next to be refused for the connection's holding far more than its share, while others wait;
 * NULL: it need give nothing up. */
struct request *session_greediest(const struct session *session);

/* Lets the oldest request that waits go on, if it may. */
void session_resume(struct session *session);

/* ------------------------------------------------------------- session_http1.c */

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int http1_session_new(struct session *session);
void http1_session_free(struct http1_session *http1);
MUST_USE int http1_session_receive(struct session *session, struct view bytes);
MUST_USE int http1_session_tick(struct session *session);
MUST_USE int http1_session_drain(struct session *session);
MUST_USE int http1_session_produce(struct session *session, size_t enough, struct buf *out);
bool http1_session_wants_input(const struct session *session);
const char *http1_session_fault(const struct session *session);

/* 400, 431 ...: what was wrong with the bytes. */
unsigned http1_session_error(const struct session *session);

/* Ends the connection once what was said is written; or after the next answer. */
void http1_session_close(struct session *session);
void http1_session_end(struct session *session);

/* Says that the body may come, to who waits for that. */
void http1_session_continue(struct session *session);

/* The answer to the session's request: `fields` begin with :status. */
void http1_session_answer(struct session *session, const struct h2_field *fields, size_t count,
                          struct view body);

#endif
