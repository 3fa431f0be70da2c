/* load.h: what the parts of `load` share: requests, connections, and the two protocols.
 * Is:         one thread and one epoll; each connection keeps `in_flight` requests under way and
 *             starts the next as soon as one is answered.
 * Threads:    one.
 */
#ifndef SPANMAP_TESTS_BENCH_TOOLS_LOAD_H
#define SPANMAP_TESTS_BENCH_TOOLS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/view.h"

enum { IN_FLIGHT_MAX = 256, IOVECS_MAX = 128, HEADS_BYTES = 32 * 1024, TURN_BYTES = 256 * 1024 };

struct payload {
    char *data;
    size_t size;
    uint32_t spans;
    uint32_t traces_count;
    uint32_t *traces; /* Where trace ids stand, those of links too; NULL: packed. */
};

enum load_protocol { LOAD_GRPC, LOAD_HTTP1 };

struct load_options {
    const char *host, *port, *file;
    uint64_t connections, in_flight, repeat;
    uint64_t rate; /* Requests a second; 0: as fast as they are answered. */
    uint64_t frame_bytes;
    enum load_protocol protocol;
    bool is_gzip;
    bool is_tls;
};

/* A request under way. */
struct slot {
    uint32_t id;                   /* Of the stream, once its head was sent. */
    const struct payload *payload; /* NULL: the slot is free. */
    size_t sent;
    bool is_head_sent;
    int64_t window;
    uint64_t begun_ns;
};

struct connection;

/* A protocol turns requests into bytes and bytes into answers. All end the program on a breach. */
struct protocol {
    void (*open)(struct connection *connection);
    /* Adds what may be sent now to the connection's turn. */
    void (*fill)(struct connection *connection);
    void (*read)(struct connection *connection, struct view bytes);
    void (*close)(struct connection *connection);
};

/* One gathered write in the making. */
struct turn {
    struct iovec pieces[IOVECS_MAX];
    int count;
    size_t bytes;
    char heads[HEADS_BYTES];
    size_t heads_size;
};

struct connection {
    struct load *load;
    int fd;
    struct ssl_st *tls; /* NULL: plain. */
    bool is_ready;      /* It may send requests. */
    bool is_writing;    /* Polled for room. */
    struct buf left;    /* What the socket did not take. */
    struct buf partly;  /* What came of a frame that is not whole. */
    struct buf control;
    struct slot slots[IN_FLIGHT_MAX];
    uint32_t slots_count, busy;
    uint32_t next_slot; /* Whose turn it is to send. */
    uint32_t next_id;
    int64_t window, stream_window;
    size_t frame_bytes;
    bool is_first_head_sent;
    struct nghttp2_hd_inflater *inflater;
};

struct load {
    struct load_options options;
    const struct protocol *protocol;
    struct payload *payloads;
    size_t payloads_count;
    struct connection *connections;
    int epoll;
    struct ssl_ctx_st *tls;
    uint64_t total, begun, answered, spans, refused, bytes;
    uint64_t begin_ns, now_ns;
    uint32_t *latencies;          /* Microseconds, one an answered request. */
    const struct payload **again; /* Refused, to be sent once more. */
    size_t again_count;
    uint64_t again_ns; /* Not before. */
    struct turn turn;
    struct view first_head, later_head; /* Field blocks of HTTP/2, or the head of HTTP/1.1. */
};

struct ssl_ctx_st *load_tls_context(const struct load_options *options);
void load_tls_open(struct connection *connection, struct ssl_ctx_st *context);
void load_tls_close(struct connection *connection);
/* As send() and recv(). */
ssize_t load_tls_send(struct connection *connection, const void *data, size_t size);
ssize_t load_tls_receive(struct connection *connection, void *data, size_t size);

extern const struct protocol load_grpc;
extern const struct protocol load_http1;

void load_payloads(struct load *load);
/* Gives the request other trace ids, as a new pass has them. */
void load_renew(const struct payload *payload);
void load_heads(struct load *load); /* Of gRPC. */
void load_report(struct load *load);

/* The answer of a slot came: accepted, or refused for now. */
void load_answer(struct connection *connection, struct slot *slot, bool is_accepted);
_Noreturn void load_die(const char *what, const char *why);

static inline void turn_add(struct turn *turn, const void *data, size_t size)
{
    turn->pieces[turn->count++] = (struct iovec){(void *)(uintptr_t)data, size};
    turn->bytes += size;
}

/* `size` bytes that live as long as the turn. */
static inline char *turn_head(struct turn *turn, size_t size)
{
    char *at = turn->heads + turn->heads_size;

    turn->heads_size += size;
    return at;
}

static inline bool turn_has_room(const struct turn *turn, size_t head)
{
    return turn->count + 4 <= IOVECS_MAX && turn->heads_size + head <= HEADS_BYTES &&
           turn->bytes < TURN_BYTES;
}

#endif
