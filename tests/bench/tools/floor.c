/* floor.c: `floor`, a server that does nothing but what no OTLP/gRPC server can do without.
 *
 *   floor [--sum]
 *
 * Is:         the kernel's part, and the heads of HTTP/2's frames: one thread, one epoll, reads of 256
 *             KiB, one write a turn with all answers, which are fixed bytes. Bodies are thrown away;
 *             with --sum each eight bytes of them are looked at and added up, which is the least that
 *             whoever reads a span does. Prints the port that it listens on.
 * Is not:     a server for anybody but `load`: it believes every frame, reads no field of a request
 *             and takes whatever ends a stream for a call that succeeded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

enum { EVENTS = 64, READ_BYTES = 256 * 1024, FRAME_HEAD = 9, PREFACE = 24 };
enum { FRAME_DATA = 0, FRAME_SETTINGS = 4 };
enum { FLAG_END_STREAM = 1, FLAG_ACK = 1 };
enum { WINDOW_AGAIN = 1 << 24 };

/* Windows as large as they get, so that only the connection's is ever to be opened again: SETTINGS with
 * MAX_CONCURRENT_STREAMS and INITIAL_WINDOW_SIZE, and WINDOW_UPDATE. */
static const char greeting[] = "\0\0\014\4\0\0\0\0\0\0\3\0\0\4\0\0\4\77\377\0\0"
                               "\0\0\4\10\0\0\0\0\0\77\0\0\0";
static const char acknowledged[] = "\0\0\0\4\1\0\0\0\0";

/* HEADERS (:status 200, content-type), DATA (an empty message), HEADERS (grpc-status 0). */
static const char answer[] = "\0\0\24\1\4\0\0\0\0\210\17\20\20"
                             "application/grpc"
                             "\0\0\5\0\0\0\0\0\0\0\0\0\0\0"
                             "\0\0\17\1\5\0\0\0\0\0\13"
                             "grpc-status"
                             "\1"
                             "0";
enum { ANSWER_STREAM = 5, MESSAGE_STREAM = 34, TRAILERS_STREAM = 48 };

struct peer {
    int fd;
    size_t skip;     /* Bytes of the preface, or of a frame, that are still to come. */
    size_t head_got; /* Of the next frame. */
    unsigned char head[FRAME_HEAD];
    bool is_data;
    bool ends_stream; /* With the last of the bytes to skip. */
    uint64_t taken;   /* Since the connection's window was opened. */
    struct buf out;
};

static uint64_t sum;
static bool is_summing;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ------------------------------------------------------------------ frames */

static void add_up(const char *data, size_t size)
{
    uint64_t word;
    size_t at = 0;

    for (; at + sizeof(word) <= size; at += sizeof(word)) {
        memcpy(&word, data + at, sizeof(word));
        sum += word;
    }
    for (; at < size; at++)
        sum += (unsigned char)data[at];
}

static void put(struct peer *peer, const char *data, size_t size)
{
    CHECK(buf_append(&peer->out, data, size) == 0);
}

static void put_answer(struct peer *peer)
{
    size_t at = peer->out.size;

    put(peer, answer, sizeof(answer) - 1);
    memcpy(peer->out.data + at + ANSWER_STREAM, peer->head + 5, 4);
    memcpy(peer->out.data + at + MESSAGE_STREAM, peer->head + 5, 4);
    memcpy(peer->out.data + at + TRAILERS_STREAM, peer->head + 5, 4);
}

static void open_window(struct peer *peer)
{
    char update[] = {0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    uint32_t more = htonl((uint32_t)peer->taken);

    memcpy(update + FRAME_HEAD, &more, sizeof(more));
    put(peer, update, sizeof(update));
    peer->taken = 0;
}

static void begin_frame(struct peer *peer)
{
    unsigned type = peer->head[3];

    peer->head_got = 0;
    peer->skip = (size_t)peer->head[0] << 16 | (size_t)peer->head[1] << 8 | peer->head[2];
    peer->is_data = type == FRAME_DATA;
    peer->ends_stream = peer->is_data && (peer->head[4] & FLAG_END_STREAM) != 0;
    if (type == FRAME_SETTINGS && (peer->head[4] & FLAG_ACK) == 0)
        put(peer, acknowledged, sizeof(acknowledged) - 1);
}

static void take(struct peer *peer, const char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t more = size - at;
        if (peer->skip != 0) {
            more = more < peer->skip ? more : peer->skip;
            if (is_summing && peer->is_data)
                add_up(data + at, more);
            peer->taken += peer->is_data ? more : 0;
            peer->skip -= more;
        } else {
            more = more < FRAME_HEAD - peer->head_got ? more : FRAME_HEAD - peer->head_got;
            memcpy(peer->head + peer->head_got, data + at, more);
            peer->head_got += more;
            if (peer->head_got == FRAME_HEAD)
                begin_frame(peer);
        }
        at += more;
        if (peer->skip == 0 && peer->ends_stream) {
            put_answer(peer);
            peer->ends_stream = false;
        }
    }
    if (peer->taken >= WINDOW_AGAIN)
        open_window(peer);
}

/* ------------------------------------------------------------------ connections */

static void welcome(int epoll, int listener)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    int on = 1;

    CHECK(peer != NULL);
    peer->fd = accept(listener, NULL, NULL);
    if (peer->fd < 0 || setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
        die("accept");
    peer->skip = PREFACE;
    buf_init(&peer->out, 0);
    put(peer, greeting, sizeof(greeting) - 1);
}

/* Writes all: answers are small, and `load` reads them. */
static void answer_all(struct peer *peer)
{
    for (size_t at = 0; at < peer->out.size;) {
        ssize_t sent = write(peer->fd, peer->out.data + at, peer->out.size - at);
        if (sent < 0 && errno != EINTR)
            die("write");
        at += sent > 0 ? (size_t)sent : 0;
    }
    buf_reset(&peer->out);
}

static void serve(struct peer *peer)
{
    static char bytes[READ_BYTES];
    ssize_t got = read(peer->fd, bytes, sizeof(bytes));

    if (got <= 0) {
        close(peer->fd); /* Which takes it out of the epoll, too. */
        buf_release(&peer->out);
        free(peer);
        return;
    }
    take(peer, bytes, (size_t)got);
    answer_all(peer);
}

static int make_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, EVENTS) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    printf("%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return listener;
}

int main(int count, char **words)
{
    struct epoll_event events[EVENTS] = {{.events = EPOLLIN, .data.ptr = NULL}};
    int epoll = epoll_create1(0);
    int listener = make_listener();

    is_summing = count > 1 && strcmp(words[1], "--sum") == 0;
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]) != 0)
        die("epoll");
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL)
                welcome(epoll, listener);
            else
                serve(events[i].data.ptr);
        }
    }
}
