/* h2_peer.h: a client's side of HTTP/2 that says exactly what a test wants said.
 * Is:         frames by hand, with nghttp2's HPACK; what the server sends is taken apart likewise.
 * Is not:     a client that keeps to the protocol: that is the test's business.
 * Memory:     running out of it ends the test.
 */
#ifndef SPANMAP_TESTS_LIB_H2_PEER_H
#define SPANMAP_TESTS_LIB_H2_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"
#include "net/h2.h"

enum h2_frame_type {
    H2_DATA = 0,
    H2_HEADERS = 1,
    H2_PRIORITY = 2,
    H2_RST_STREAM = 3,
    H2_SETTINGS = 4,
    H2_PING = 6,
    H2_GOAWAY = 7,
    H2_WINDOW_UPDATE = 8,
    H2_CONTINUATION = 9,
};

enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4, H2_PADDED = 8 };

enum { H2_SEEN_MAX = 512 };

/* What the server sent on one stream. */
struct h2_seen {
    uint32_t stream;
    struct buf fields; /* "name: value\n" each; of trailers too. */
    struct buf body;
    uint32_t blocks; /* Header blocks: 2 with trailers. */
    bool is_ended;
    bool is_reset;
    uint32_t reset_error;
    uint64_t credit; /* WINDOW_UPDATEs, summed. */
};

struct h2_peer {
    void *deflater;
    void *inflater;
    struct buf out; /* To the server; the test takes it. */
    struct buf in;  /* Less than a frame. */
    struct h2_seen seen[H2_SEEN_MAX];
    size_t seen_count;
    uint64_t credit; /* The connection's. */
    uint32_t goaways;
    uint32_t goaway_error;
    uint32_t goaway_stream;
    struct buf goaway_text;
    uint32_t settings;
    uint32_t settings_acks;
    uint32_t pings;
    uint32_t ping_acks;
    uint8_t ping[8]; /* The last one's. */
};

/* With the preface and an empty SETTINGS in `out`. */
void h2_peer_init(struct h2_peer *peer);
void h2_peer_release(struct h2_peer *peer);

/* Append to `out`. */
void h2_peer_frame(struct h2_peer *peer, enum h2_frame_type type, unsigned flags, uint32_t stream,
                   struct view payload);
void h2_peer_headers(struct h2_peer *peer, uint32_t stream, const struct h2_field *fields,
                     size_t count, unsigned flags);
void h2_peer_reset(struct h2_peer *peer, uint32_t stream, uint32_t error);
void h2_peer_window(struct h2_peer *peer, uint32_t stream, uint32_t more);

/* Takes what the server sent; its SETTINGS are acknowledged in `out`. */
void h2_peer_read(struct h2_peer *peer, struct view bytes);

/* NULL: nothing came on it. */
const struct h2_seen *h2_peer_seen(const struct h2_peer *peer, uint32_t stream);

/* Whether the fields have that line ("name: value"). */
bool h2_seen_has(const struct h2_seen *seen, const char *line);

#endif
