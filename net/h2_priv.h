/* h2_priv.h: what h2.c and h2_answer.c share. */
#ifndef SPANMAP_NET_H2_PRIV_H
#define SPANMAP_NET_H2_PRIV_H

#include "net/h2.h"
#include "net/h2_guard.h"
#include "net/h2_mem.h"

struct nghttp2_session;

enum h2_phase {
    H2_SERVING,
    H2_ANNOUNCED, /* GOAWAY that takes on everything, and a PING, are on their way. */
    H2_CLOSING,   /* GOAWAY that names the last stream is on its way. */
    H2_OVER,      /* GOAWAY for a fault is on its way, or nothing can be. */
};

struct h2 {
    struct h2_options options;
    struct nghttp2_session *session;
    struct h2_mem mem; /* The session's. */
    struct h2_guard guard;
    struct h2_stream *streams; /* Newest first. */
    struct h2_stream *recent;  /* The one that was looked for last; NULL: it is gone. */
    size_t streams_count;
    struct mono_time now; /* Of the call that is under way. */
    struct mono_time announced;
    struct view why;
    enum h2_phase phase;
    enum h2_verdict verdict;   /* Found while sending, to be acted on after it. */
    enum h2_verdict limit_met; /* That which ended the connection. */
    struct mono_time heard;    /* When bytes last came, */
    struct mono_time asked;    /* and when a PING was sent for want of them. */
    bool is_asked;             /* Nothing has come since. */
    bool is_dead;
    bool has_left; /* The peer said goodbye, in its way. */
    bool is_greeted;
    const char *fault; /* The peer's; NULL: none. */
    bool is_broken;    /* nghttp2 failed; it must not be called any more. */
};

#endif
