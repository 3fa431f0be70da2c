/* grpc_fixture.h: a gRPC session without a socket, and a client that says what a test wants said.
 * Is:         one method, /t.Service/Export, which notes what it was called with and answers as the
 *             fixture says; messages of equal bytes, so that a mix-up is seen.
 * Memory:     running out of it ends the test.
 */
#ifndef SPANMAP_TESTS_LIB_GRPC_FIXTURE_H
#define SPANMAP_TESTS_LIB_GRPC_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receiver/receiver_counters.h"
#include "receiver/session.h"
#include "tests/lib/h2_peer.h"

enum {
    GRPC_MESSAGE_MAX = 100000,
    GRPC_BODY_BYTES_MAX = 1000000,
    GRPC_CALLS_KEPT = 256,
    GRPC_BASIC_COUNT = 6
};

struct grpc_fixture {
    struct grpc_fixture *host; /* Whose service it shares; NULL: its own. */
    struct grpc_method methods[1];
    struct session_shared shared;
    struct session_opening opening; /* gRPC only. */
    struct session_worker worker;
    struct counters counters;
    struct session *session;
    struct h2_peer peer;
    struct mono_time now;
    int status;   /* Of the last that came in. */
    size_t piece; /* Bytes are given in pieces of this size; 0: at once. */
    /* What the method saw, and what it answers. */
    size_t calls;
    size_t sizes[GRPC_CALLS_KEPT];
    char first[GRPC_CALLS_KEPT];
    const char *last;
    enum message_format format;
    enum grpc_code code;
    uint64_t retry_delay_ns;
    const char *message;
    size_t body_size;
};

/* The fields of a sound request. */
extern const struct h2_field grpc_basic[GRPC_BASIC_COUNT];

/* A session and a peer that have not spoken yet. */
void grpc_start_unheard(struct grpc_fixture *on);

/* Both sides know each other's SETTINGS. */
void grpc_start(struct grpc_fixture *on);
void grpc_start_with(struct grpc_fixture *on, size_t message_bytes_max, size_t body_bytes_max);

/* One more connection to the service of `host`, to be stopped before it. */
void grpc_start_beside(struct grpc_fixture *on, struct grpc_fixture *host);

/* Nothing may be held any more. */
void grpc_stop(struct grpc_fixture *on);

uint64_t grpc_counted(const struct grpc_fixture *on, enum receiver_counter which);

/* What the session has to say goes to the peer. */
void grpc_hear(struct grpc_fixture *on);

/* All that the peer has to say goes in, and what the session says comes out. */
void grpc_run(struct grpc_fixture *on);

/* Time passes. */
void grpc_tick(struct grpc_fixture *on, uint64_t passed_ns);

/* A request's fields, with the value of some replaced or some more behind them. */
void grpc_open_with(struct grpc_fixture *on, uint32_t stream, const struct h2_field *more,
                    size_t more_count, unsigned flags);

void grpc_open(struct grpc_fixture *on, uint32_t stream);

/* A message of `size` equal bytes behind its prefix. */
void grpc_put_message(struct buf *to, unsigned flag, size_t size, char byte);

/* The bytes as DATA frames of at most `frame` bytes. */
void grpc_send_body(struct grpc_fixture *on, uint32_t stream, struct view body, size_t frame,
                    bool ends);

void grpc_send_message(struct grpc_fixture *on, uint32_t stream, size_t size, char byte,
                       size_t frame);

const struct h2_seen *grpc_seen(const struct grpc_fixture *on, uint32_t stream);

/* The stream was ended by the session, and its fields have that line. */
void assert_grpc_answer(const struct grpc_fixture *on, uint32_t stream, const char *status_line);

void assert_grpc_ok(const struct grpc_fixture *on, uint32_t stream);

/* The same, compressed. */
void grpc_put_gzip(struct buf *to, size_t size, char byte);

#endif
