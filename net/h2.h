/* h2.h: the server's side of one HTTP/2 connection, without I/O.
 * Is:         bytes in, events out; answers in, bytes out; the clock is an argument.
 * Is not:     a knowledge of what the streams carry (receiver/session.h).
 * Invariants: flow control credit goes back only by h2_return(), or when a stream is gone or
 *             answered. A header list past its limit is decoded to its end, but not handed on. Each
 *             stream that began ends with on_close, once; no event comes for it afterwards.
 * Threads:    one at a time.
 * Memory:     what nghttp2 keeps (h2_mem.h), and what was written and not sent yet.
 * Source:     RFC 9113; spec OTLP C1-C5.
 */
#ifndef SPANMAP_NET_H2_H
#define SPANMAP_NET_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "net/h2_guard.h"

struct h2;
struct h2_pool;

enum h2_error {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
};

struct h2_field {
    struct view name;
    struct view value;
};

/* To be read by others, but for `user`. */
struct h2_stream {
    struct h2 *h2;
    void *user; /* Theirs. */
    int32_t id;
    bool is_head_done;  /* All its fields came. */
    bool is_input_done; /* END_STREAM came. */
    bool is_answered;   /* We have said, or queued, all that we will. */
    bool is_header_list_too_large;
    size_t owed;             /* Bytes that came and whose stream credit was not returned. */
    size_t owed_connection;  /* Likewise, the connection's credit. */
    size_t header_list_size; /* From here on h2's own. */
    bool is_output_ended;
    bool is_output_deferred;
    bool is_reset; /* By us, on purpose. */
    size_t output_sent;
    struct buf output;              /* The body, */
    size_t trailers_size;           /* and behind it so many bytes of packed fields, */
    const struct h2_field *trailer; /* or this one, a literal; NULL: neither. */
    struct h2_stream *next;
    struct h2_stream **link;
};

struct h2_events {
    /* A stream began; its fields follow. On failure it is refused (REFUSED_STREAM, which says that
     * nothing was done), and on_close does not come. */
    int (*on_begin)(void *context, struct h2_stream *stream);
    void (*on_field)(void *context, struct h2_stream *stream, struct h2_field field);
    /* All fields came. */
    void (*on_fields_end)(void *context, struct h2_stream *stream);
    /* A piece of the body, in place: valid until h2_receive() returns. */
    void (*on_data)(void *context, struct h2_stream *stream, struct view data);
    /* END_STREAM, after on_fields_end or the last on_data. */
    void (*on_end)(void *context, struct h2_stream *stream);
    void (*on_close)(void *context, struct h2_stream *stream);
    /* A stream beyond streams_max was refused; no other event tells of it. NULL: not wanted. */
    void (*on_refused)(void *context);
};

struct h2_options {
    const struct h2_events *events; /* Borrowed. */
    void *context;
    uint32_t streams_max;
    uint32_t stream_window;
    uint32_t connection_window; /* At least 65,535 */
    uint32_t frame_size_max;    /* 16,384 to 16,777,215 */
    uint32_t header_list_max;
    struct h2_guard_options guard;
    struct h2_pool *pool;          /* Of the thread, for small memory; borrowed; NULL: none. */
    uint64_t keepalive_ns;         /* Silence after which the peer is asked by a PING; 0: never. */
    uint64_t keepalive_timeout_ns; /* How long it may take to say anything then. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int h2_new(const struct h2_options *options, struct mono_time now, struct h2 **out_h2);

/* Closes the streams that are left, with on_close. */
void h2_free(struct h2 *h2);

/* Takes bytes in. Returns: 0; STATUS_CLOSED, STATUS_INVALID, STATUS_NOMEM: take no more in, send
 * what h2_send() has, and close. */
MUST_USE int h2_receive(struct h2 *h2, struct view bytes, struct mono_time now);

/* Appends what is to be sent, until `enough` bytes were appended or there is no more. Returns: 0;
 * STATUS_NOMEM (the connection cannot go on). */
MUST_USE int h2_send(struct h2 *h2, struct mono_time now, size_t enough, struct buf *out);

/* Lets time pass: the second step of h2_shut_down(), and PINGs to a peer that is silent. */
void h2_tick(struct h2 *h2, struct mono_time now);

/* Whether the connection can be closed once everything was sent. */
bool h2_is_done(const struct h2 *h2);
bool h2_is_greeted(const struct h2 *h2); /* The peer's preface and SETTINGS came. */
/* What the peer did wrong or too much of, where that ended the connection; NULL: nothing. */
const char *h2_fault(const struct h2 *h2);
/* Which limit that was; H2_FINE: none of those. */
enum h2_verdict h2_limit_met(const struct h2 *h2);
/* The peer did not answer a PING in time; nothing that is said to it arrives. */
bool h2_is_dead(const struct h2 *h2);
/* Whether the GOAWAY that names the last stream was said: no stream will begin any more. */
bool h2_is_closing(const struct h2 *h2);
bool h2_is_shutting_down(const struct h2 *h2);
size_t h2_streams(const struct h2 *h2); /* Open ones. */

/* Gracefully: announces the end, gives requests under way a round trip to arrive, takes no more
 * then, and is done when all streams are. `why` is a literal. */
void h2_shut_down(struct h2 *h2, struct view why, struct mono_time now);

/* At once: GOAWAY with `error`, and done. `why` is a literal. */
void h2_go_away(struct h2 *h2, uint32_t error, struct view why);

/* ------------------------------------------------------------------ on one stream
 * Each takes a stream that is not closed. Fields and data are copied. All return 0 or STATUS_NOMEM;
 * then the stream is reset (CANCEL), so that the last of an answer's calls need not look. */

/* An answer that is all fields (trailers only). If the body has not ended, the rest is dropped and
 * the stream is reset with NO_ERROR once the answer was sent. */
int h2_answer(struct h2_stream *stream, const struct h2_field *fields, size_t count);

/* An answer with a body: fields, then any number of writes, then the end with trailers. */
MUST_USE int h2_begin_answer(struct h2_stream *stream, const struct h2_field *fields, size_t count);
MUST_USE int h2_write(struct h2_stream *stream, struct view data);
int h2_end_answer(struct h2_stream *stream, const struct h2_field *trailers, size_t count);

/* The same of fields that are literals, which live as long as the process and have their names in
 * lower case: they are not copied. */
MUST_USE int h2_begin_literal_answer(struct h2_stream *stream, const struct h2_field *fields,
                                     size_t count);
int h2_end_literal_answer(struct h2_stream *stream, const struct h2_field *trailer);

void h2_reset(struct h2_stream *stream, uint32_t error);

/* What was written and has not been sent. */
size_t h2_unsent(const struct h2_stream *stream);

/* Gives back all flow control credit that is owed; h2_return_connection() the connection's only. */
void h2_return(struct h2_stream *stream);
void h2_return_connection(struct h2_stream *stream);

/* A request was served: see h2_guard_served(). */
void h2_served(struct h2 *h2);

#endif
