/* receiver_test.c: the server over real sockets, several threads and peers at once. */
#include "receiver/receiver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "receiver/receiver_counters.h"
#include "receiver/session.h"
#include "tests/lib/h2_peer.h"
#include "tests/lib/peer.h"
#include "tests/lib/test.h"

enum { THREADS = 3, PEERS = 12, STREAMS = 50 };

struct fixture {
    struct counters counters;
    struct grpc_method methods[1];
    struct receiver_options options;
    struct receiver *server;
    struct buf bound;
    atomic_int inside[THREADS];
    atomic_ullong bytes;
    atomic_uint calls;
    atomic_bool is_shut; /* Calls wait while it is. */
};

static void method(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply)
{
    struct fixture *on = context;

    assert_int_equal(format, MESSAGE_PROTOBUF);
    /* Calls of one thread never overlap. */
    assert_int_equal(atomic_fetch_add(&on->inside[thread], 1), 0);
    atomic_fetch_add(&on->calls, 1);
    while (atomic_load(&on->is_shut))
        (void)usleep(1000);
    atomic_fetch_add(&on->bytes, message.size);
    (void)buf_append(&reply->body, message.data, message.size < 8 ? message.size : 8);
    atomic_fetch_sub(&on->inside[thread], 1);
}

static void start(struct fixture *on)
{
    struct address address = peer_address("127.0.0.1:0");
    char error[256] = "";

    memset(on, 0, sizeof(*on));
    assert_int_equal(counters_init(&on->counters, receiver_counter_rows, RECEIVER_COUNTER_COUNT),
                     0);
    on->methods[0] = (struct grpc_method){
        .path = "/t.Service/Export", .call = method, .context = on};
    on->options = (struct receiver_options){
        .methods = on->methods,
        .methods_count = 1,
        .threads = THREADS,
        .counters = &on->counters,
    };
    assert_int_equal(receiver_new(&on->options, &on->server), 0);
    assert_int_equal(receiver_listen(on->server, &address, SESSION_GRPC, error, &on->bound), 0);
    assert_int_equal(receiver_start(on->server), 0);
}

static void stop(struct fixture *on)
{
    receiver_free(on->server);
    assert_int_equal(counters_read(&on->counters, RECEIVER_CONNECTIONS), 0);
    assert_int_equal(counters_read(&on->counters, RECEIVER_BODY_BYTES), 0);
    counters_release(&on->counters);
    buf_release(&on->bound);
}

static void send_request(struct h2_peer *peer, uint32_t stream, size_t size)
{
    static const struct h2_field fields[] = {
        {VIEW(":method"), VIEW("POST")},
        {VIEW(":scheme"), VIEW("http")},
        {VIEW(":authority"), VIEW("localhost")},
        {VIEW(":path"), VIEW("/t.Service/Export")},
        {VIEW("content-type"), VIEW("application/grpc")},
    };
    static const char message[20000];
    char head[5] = {0, 0, (char)(size >> 16), (char)(size >> 8), (char)size};

    h2_peer_headers(peer, stream, fields, 5, H2_END_HEADERS);
    h2_peer_frame(peer, H2_DATA, 0, stream, (struct view){head, 5});
    while (size != 0) {
        size_t part = size < 9999 ? size : 9999;

        size -= part;
        h2_peer_frame(peer, H2_DATA, size == 0 ? H2_END_STREAM : 0, stream,
                      (struct view){message, part});
    }
}

static bool is_over(const struct h2_seen *seen)
{
    return seen != NULL && (seen->is_ended || seen->is_reset);
}

/* Reads until `stream` has ended. */
static void await(int fd, struct h2_peer *peer, uint32_t stream)
{
    while (!is_over(h2_peer_seen(peer, stream))) {
        struct buf got;

        buf_init(&got, 0);
        assert_true(peer_read_until(fd, "", &got));
        h2_peer_read(peer, buf_view(&got));
        buf_release(&got);
    }
}

struct client {
    pthread_t thread;
    struct fixture *on;
    size_t ok;
};

static void *run_client(void *context)
{
    struct client *client = context;
    struct h2_peer *peer = test_malloc(sizeof(*peer));
    int fd = peer_connect(buf_view(&client->on->bound));

    h2_peer_init(peer);
    for (uint32_t i = 0; i < STREAMS; i++)
        send_request(peer, 1 + 2 * i, 1 + i * 20);
    peer_send(fd, buf_view(&peer->out));
    for (uint32_t i = 0; i < STREAMS; i++) {
        await(fd, peer, 1 + 2 * i);
        client->ok += h2_seen_has(h2_peer_seen(peer, 1 + 2 * i), "grpc-status: 0");
    }
    h2_peer_release(peer);
    test_free(peer);
    (void)close(fd);
    return NULL;
}

static void server__loses_nothing_of_many_peers(void **state)
{
    static struct client clients[PEERS];
    struct fixture on;
    uint64_t bytes = 0;

    (void)state;
    start(&on);
    for (size_t i = 0; i < PEERS; i++) {
        clients[i] = (struct client){.on = &on};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < PEERS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].ok, STREAMS);
    }
    for (size_t i = 0; i < STREAMS; i++)
        bytes += (1 + i * 20) * PEERS;
    assert_int_equal(atomic_load(&on.bytes), bytes);
    assert_int_equal(atomic_load(&on.calls), PEERS * STREAMS);
    assert_int_equal(counters_read(&on.counters, RECEIVER_REQUESTS_OK), PEERS * STREAMS);
    assert_int_equal(counters_read(&on.counters, RECEIVER_CONNECTIONS_TOTAL), PEERS);
    stop(&on);
}

static void server__drains_what_it_took_on(void **state)
{
    struct fixture on;
    struct h2_peer peer;
    struct buf got;
    int fd;

    (void)state;
    start(&on);
    h2_peer_init(&peer);
    fd = peer_connect(buf_view(&on.bound));
    send_request(&peer, 1, 100);
    peer_send(fd, buf_view(&peer.out));
    buf_reset(&peer.out);
    await(fd, &peer, 1);
    send_request(&peer, 3, 100); /* Already in its socket when the server drains. */
    peer_send(fd, buf_view(&peer.out));
    receiver_drain(on.server, 10 * NS_PER_S);
    buf_init(&got, 0);
    peer_read_all(fd, &got);
    h2_peer_read(&peer, buf_view(&got));
    assert_true(h2_seen_has(h2_peer_seen(&peer, 3), "grpc-status: 0"));
    assert_int_equal(peer.goaways, 2);
    assert_int_equal(peer.goaway_error, H2_NO_ERROR);
    assert_int_equal(peer.goaway_stream, 3);
    assert_int_equal(atomic_load(&on.calls), 2);
    buf_release(&got);
    h2_peer_release(&peer);
    (void)close(fd);
    stop(&on);
}

static void server__cuts_off_what_never_ends(void **state)
{
    struct fixture on;
    struct h2_peer peer;
    int fd;

    (void)state;
    start(&on);
    h2_peer_init(&peer);
    fd = peer_connect(buf_view(&on.bound));
    send_request(&peer, 1, 100);
    peer.out.size -= 50; /* And no more. */
    peer_send(fd, buf_view(&peer.out));
    while (counters_read(&on.counters, RECEIVER_BODY_BYTES) == 0)
        (void)usleep(1000);
    receiver_drain(on.server, NS_PER_S / 10);
    assert_int_equal(counters_read(&on.counters, RECEIVER_STREAMS_LOST), 1);
    h2_peer_release(&peer);
    (void)close(fd);
    stop(&on);
}

/* As a process that exits without waiting: its last requests lie in the socket when that is reset. */
static void server__takes_what_came_before_a_reset(void **state)
{
    struct linger at_once = {.l_onoff = 1};
    struct fixture on;
    struct h2_peer peer;
    int waiting;
    int fd;

    (void)state;
    start(&on);
    atomic_store(&on.is_shut, true);
    h2_peer_init(&peer);
    fd = peer_connect(buf_view(&on.bound));
    send_request(&peer, 1, 100);
    peer_send(fd, buf_view(&peer.out));
    while (atomic_load(&on.calls) != 1)
        (void)usleep(1000);
    buf_reset(&peer.out);
    for (uint32_t stream = 3; stream <= 9; stream += 2)
        send_request(&peer, stream, 15000);
    peer_send(fd, buf_view(&peer.out));
    do {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &waiting), 0);
    } while (waiting != 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    (void)close(fd);
    atomic_store(&on.is_shut, false);
    while (counters_read(&on.counters, RECEIVER_CONNECTIONS) != 0)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&on.calls), 5);
    assert_int_equal(atomic_load(&on.bytes), 100 + 4 * 15000);
    h2_peer_release(&peer);
    stop(&on);
}

/* It lies with the thread: the next event may be that of another peer. */
static void server__logs_what_time_refuses_with_its_peer(void **state)
{
    struct address address = peer_address("127.0.0.1:0");
    struct log log = {.level = LOG_WARN};
    struct fixture on;
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    char error[256];
    char text[1000] = "";
    char expected[64];
    struct buf got;
    int ends[2];
    int fd;

    (void)state;
    start(&on);
    receiver_free(on.server);
    buf_reset(&on.bound);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    log.fd = ends[1];
    on.options.log = &log;
    on.options.threads = 1;
    on.options.request_timeout_ns = NS_PER_S / 5;
    assert_int_equal(receiver_new(&on.options, &on.server), 0);
    assert_int_equal(receiver_listen(on.server, &address, SESSION_HTTP, error, &on.bound), 0);
    assert_int_equal(receiver_start(on.server), 0);
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsome"));
    buf_init(&got, 0);
    assert_true(peer_read_until(fd, "HTTP/1.1 404", &got));
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
    (void)snprintf(expected, sizeof(expected), "peer=127.0.0.1:%u ", ntohs(name.sin_port));
    receiver_drain(on.server, 10 * NS_PER_S);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    if (strstr(text, "request refused") == NULL || strstr(text, expected) == NULL)
        fail_msg("no %sin: %s", expected, text);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(fd);
    buf_release(&got);
    stop(&on);
}

static int make(void *context)
{
    struct fixture *on = context;
    struct receiver *server;
    int status = receiver_new(&on->options, &server);

    if (status == 0)
        receiver_free(server);
    return status;
}

static void server__survives_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    test_sweep_memory(make, &on);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server__loses_nothing_of_many_peers),
        cmocka_unit_test(server__drains_what_it_took_on),
        cmocka_unit_test(server__cuts_off_what_never_ends),
        cmocka_unit_test(server__takes_what_came_before_a_reset),
        cmocka_unit_test(server__logs_what_time_refuses_with_its_peer),
        cmocka_unit_test(server__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
