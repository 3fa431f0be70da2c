/* grpc_frame.h: the one message of a unary request, out of pieces of any size.
 * Is:         a reader of gRPC's length-prefixed messages.
 * Is not:     decompression; `compressed` says that it is due.
 * Invariants: the length is checked before a byte of the message is held, and trusted for an
 *             allocation only as far as its sender may send ahead anyway: beyond that memory follows
 *             what came. A message that lies in one piece is not copied.
 * Threads:    plain data.
 * Memory:     owns `held`; at most the message's size (and what spares round that up to), and at most
 *             64 KiB or what was kept in a spare; once 64 KiB came, reserve_max; once that came,
 *             twice what came.
 * Source:     gRPC over HTTP/2, "Length-Prefixed-Message"; spec OTLP C8, C9.
 */
#ifndef SPANMAP_RECEIVER_GRPC_FRAME_H
#define SPANMAP_RECEIVER_GRPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

struct grpc_frame {
    uint8_t prefix[5];
    uint8_t prefix_size;
    bool is_compressed;  /* The first message. */
    bool is_borrowed;    /* `message` lies in the piece that was read last. */
    uint32_t length;     /* Of the message that is being read. */
    uint32_t left;       /* What is to come of it. */
    uint32_t whole;      /* Messages that came to their end. */
    struct view message; /* The first, once whole is not 0. */
    struct buf held;
    size_t reserve_max;
};

/* reserve_max: what may be reserved for a message before that much of it has come. */
void grpc_frame_init(struct grpc_frame *frame, size_t reserve_max);
void grpc_frame_release(struct grpc_frame *frame);

/* Takes a piece in; of a second message only the length is kept. Returns: 0; STATUS_INVALID (a
 * flag byte that is neither 0 nor 1); STATUS_TOO_LARGE (a message longer than message_max);
 * STATUS_NOMEM. After a failure the frame is only good for its release. */
MUST_USE int grpc_frame_read(struct grpc_frame *frame, struct view piece, size_t message_max);

/* Before the piece that was read last goes away: a borrowed message is copied. Returns: 0;
 * STATUS_NOMEM. */
MUST_USE int grpc_frame_keep(struct grpc_frame *frame);

/* Whether the bytes end where a message does. */
bool grpc_frame_is_at_end(const struct grpc_frame *frame);

/* The bytes of memory that are held. */
size_t grpc_frame_held(const struct grpc_frame *frame);

#endif
