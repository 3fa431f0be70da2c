/* h2_guard.h: limits on what an HTTP/2 peer sends that costs work and carries nothing.
 * Is:         a reader of frame headers that stands before the HTTP/2 library and says from which
 *             byte on a connection has gone too far.
 * Is not:     a check of the protocol, which is the library's, but for what the library lets pass:
 *             streams out of order or ended already, and PRIORITY, which it ignores unseen.
 * Threads:    plain data.
 * Memory:     none but itself.
 * Source:     spec OTLP C2 (CONTINUATION), C3 (resets), C4 (PING, gRFC A8); CVE-2019-9512 to 9518,
 *             CVE-2023-44487, CVE-2024-27316, CVE-2025-8671.
 */
#ifndef SPANMAP_NET_H2_GUARD_H
#define SPANMAP_NET_H2_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/view.h"

enum h2_verdict {
    H2_FINE,
    H2_PINGS,         /* More than two PINGs too soon after another. */
    H2_RESETS,        /* Streams opened only to be reset. */
    H2_IDLE_FRAMES,   /* Frames of other types that carry nothing. */
    H2_CONTINUATIONS, /* A header block in too many pieces. */
    H2_OWN_RESETS,    /* The peer has us reset stream after stream. */
    H2_REFUSALS,      /* Streams opened beyond their number, over and over. */
    H2_OUT_OF_ORDER,  /* HEADERS on a stream that was passed over. */
    H2_BAD_PRIORITY,  /* On no stream, or of a stream on itself. */
    H2_ENDED_STREAM,  /* HEADERS or DATA on a stream which the peer itself had ended. */
};

struct h2_guard_options {
    uint32_t resets_max;       /* Streams that the peer may reset at once, and a tenth a second. */
    uint64_t ping_interval_ns; /* PINGs are welcome so far apart; 0: always. */
};

/* 1,000 resets, and PINGs 10 seconds apart, the least that gRPC's clients can be told. */
#define H2_GUARD_DEFAULTS                                                                          \
    {                                                                                              \
        .resets_max = 1000, .ping_interval_ns = 10 * NS_PER_S                                      \
    }

extern const struct h2_guard_options h2_guard_defaults;

/* So many at once, so many a second. */
struct h2_allowance {
    uint64_t per_s;
    uint64_t max;
    uint64_t left_ns; /* In units of 1 / NS_PER_S of one frame. */
    struct mono_time filled;
};

enum { H2_OPEN_MAX = 128 };

struct h2_guard {
    uint8_t header[13]; /* Of the frame that is being read; PRIORITY's with its first field. */
    uint8_t header_size;
    uint8_t preface_left;
    uint8_t continuations;
    uint8_t strikes;
    bool has_ping; /* One came since the last progress. */
    uint32_t payload_left;
    uint32_t newest;        /* The highest stream of any HEADERS. */
    uint32_t skipped_first; /* The streams that were last passed over; 0: none. */
    uint32_t skipped_last;
    uint32_t open[H2_OPEN_MAX]; /* Streams that the peer has not ended, */
    uint32_t open_count;
    uint32_t forgotten; /* but for some up to this one, for which there was no room. */
    struct mono_time ping;
    uint64_t ping_interval_ns;
    struct h2_allowance resets;
    struct h2_allowance own_resets;
    struct h2_allowance refusals;
    struct h2_allowance idle_frames;
};

void h2_guard_init(struct h2_guard *guard, const struct h2_guard_options *options,
                   struct mono_time now);

/* Looks at bytes as they come in. `out_passed` bytes may be given on: all of them, or those before
 * the frame that goes too far. */
enum h2_verdict h2_guard_read(struct h2_guard *guard, struct view bytes, struct mono_time now,
                              size_t *out_passed);

/* We sent HEADERS or DATA: a PING is welcome again. */
void h2_guard_sent(struct h2_guard *guard);

/* A request was served in full: its peer may send some more of the rest. */
void h2_guard_served(struct h2_guard *guard);

/* We reset a stream for the peer's fault. */
enum h2_verdict h2_guard_reset(struct h2_guard *guard, struct mono_time now);

/* We refused a stream, since there were too many. */
enum h2_verdict h2_guard_refused(struct h2_guard *guard, struct mono_time now);

/* What a GOAWAY says: the error's number, and a text for people. */
uint32_t h2_verdict_error(enum h2_verdict verdict);
const char *h2_verdict_text(enum h2_verdict verdict);

#endif
