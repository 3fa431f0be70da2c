/* connection_tls_test.c: connections with TLS beneath a protocol that sends back what it gets. */
#include "net/server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/peer.h"
#include "tests/lib/test.h"
#include "tests/lib/tls_peer.h"

enum { DEFERRED = TLS_OUTCOME_COUNT, OPEN, COUNTER_COUNT };

static const struct counter_row rows[COUNTER_COUNT];

static struct tls_pair authority;
static struct tls_pair own;
static struct tls_pair client;

struct fixture {
    struct counters counters;
    struct tls_store store;
    struct server_options options;
    struct server *server;
    struct buf bound;
    atomic_uint opened;
    atomic_uint closed;
    atomic_int alpn; /* Of the last that was opened. */
    atomic_uint names;
    atomic_uint received; /* Bytes, by the protocol. */
};

struct echo {
    struct fixture *on;
    struct buf out;
};

static int echo_open(void *context, unsigned thread, struct connection *connection,
                     struct mono_time now, void **out_state)
{
    struct fixture *on = context;
    struct echo *echo = mem_calloc(1, sizeof(*echo));

    (void)thread;
    (void)now;
    assert_non_null(echo);
    echo->on = on;
    atomic_fetch_add(&on->opened, 1);
    atomic_store(&on->alpn, (int)connection_alpn(connection));
    atomic_store(&on->names, (unsigned)connection_names(connection)->count);
    *out_state = echo;
    return 0;
}

static int echo_receive(void *state, struct view bytes, struct mono_time now)
{
    struct echo *echo = state;

    (void)now;
    atomic_fetch_add(&echo->on->received, (unsigned)bytes.size);
    if (memmem(bytes.data, bytes.size, "many", 4) != NULL) {
        for (int i = 0; i < 1 << 20; i++)
            assert_int_equal(buf_append_byte(&echo->out, 'm'), 0);
    }
    assert_int_equal(buf_append_view(&echo->out, bytes), 0);
    return memmem(bytes.data, bytes.size, "end", 3) != NULL ? STATUS_CLOSED : 0;
}

static int echo_drain(void *state, struct mono_time now)
{
    struct echo *echo = state;

    (void)now;
    assert_int_equal(buf_append_text(&echo->out, "bye"), 0);
    return STATUS_CLOSED;
}

static int echo_produce(void *state, struct mono_time now, size_t enough, struct buf *out)
{
    struct echo *echo = state;
    size_t size = echo->out.size < enough ? echo->out.size : enough;

    (void)now;
    assert_int_equal(buf_append(out, echo->out.data, size), 0);
    buf_consume(&echo->out, size);
    return 0;
}

static void echo_close(void *state)
{
    struct echo *echo = state;

    atomic_fetch_add(&echo->on->closed, 1);
    buf_release(&echo->out);
    mem_free(echo);
}

static const struct server_protocol echo_protocol = {
    .open = echo_open,
    .receive = echo_receive,
    .drain = echo_drain,
    .produce = echo_produce,
    .close = echo_close,
};

static struct tls_context *make_context(const struct tls_pair *pair, bool asks)
{
    struct tls_options options = {.client_may_lack = true};
    struct tls_material material = {.cert = buf_view(&pair->cert_text),
                                    .key = buf_view(&pair->key_text)};
    struct tls_context *context;
    char error[256];

    if (asks)
        material.client_ca = buf_view(&authority.cert_text);
    if (tls_context_new(&options, &material, error, &context) != 0)
        fail_msg("%s", error);
    return context;
}

static void prepare(struct fixture *on)
{
    memset(on, 0, sizeof(*on));
    assert_int_equal(counters_init(&on->counters, rows, COUNTER_COUNT), 0);
    tls_store_init(&on->store, make_context(&own, true));
    buf_init(&on->bound, 0);
    on->options = (struct server_options){
        .protocol = &echo_protocol,
        .context = on,
        .name = "test",
        .threads = 1,
        .connections_max = 100,
        .write_timeout_ns = 10 * NS_PER_S,
        .tls =
            {
                .store = &on->store,
                .protocols = ALPN_H2 | ALPN_HTTP_1_1,
                .counters = &on->counters,
                .outcomes = 0,
                .deferred = DEFERRED,
            },
    };
}

static void listen_only(struct fixture *on)
{
    struct address address = peer_address("127.0.0.1:0");
    char error[256] = "";

    assert_int_equal(server_new(&on->options, &on->server), 0);
    if (server_listen(on->server, &address, 0, error, &on->bound) != 0)
        fail_msg("%s", error);
}

static void start(struct fixture *on)
{
    prepare(on);
    listen_only(on);
    assert_int_equal(server_start(on->server), 0);
}

static void stop(struct fixture *on)
{
    server_free(on->server);
    assert_int_equal(atomic_load(&on->opened), atomic_load(&on->closed));
    tls_store_release(&on->store);
    counters_release(&on->counters);
    buf_release(&on->bound);
}

static void wait_for(const struct fixture *on, size_t which, uint64_t least)
{
    while (counters_read(&on->counters, which) < least)
        (void)usleep(1000);
}

/* A client on a socket. */
struct caller {
    struct tls_peer peer;
    int fd;
};

static void call(struct caller *caller, const struct fixture *on, const struct tls_pair *shown,
                 const char *alpn)
{
    tls_peer_init(&caller->peer, &authority, shown, alpn);
    caller->fd = peer_connect(buf_view(&on->bound));
    assert_int_equal(SSL_set_fd(caller->peer.ssl, caller->fd), 1);
}

static void hang_up(struct caller *caller)
{
    tls_peer_release(&caller->peer);
    (void)close(caller->fd);
}

static void tell(struct caller *caller, const char *text)
{
    assert_int_equal(SSL_write(caller->peer.ssl, text, (int)strlen(text)), (int)strlen(text));
}

/* Until the other side says that it ends: so many bytes. */
static size_t hear_all(struct caller *caller)
{
    size_t heard = 0;
    char piece[16384];
    int size;

    while ((size = SSL_read(caller->peer.ssl, piece, sizeof(piece))) > 0)
        heard += (size_t)size;
    assert_int_equal(SSL_get_error(caller->peer.ssl, size), SSL_ERROR_ZERO_RETURN);
    return heard;
}

static void expect_echo(struct caller *caller, const char *text)
{
    char got[64] = "";
    size_t size = 0;

    tell(caller, text);
    while (size < strlen(text)) {
        int more = SSL_read(caller->peer.ssl, got + size, (int)(sizeof(got) - 1 - size));

        assert_true(more > 0);
        size += (size_t)more;
    }
    assert_string_equal(got, text);
}

static void connection_tls__serves_plain_bytes(void **state)
{
    struct fixture on;
    struct caller caller;

    (void)state;
    start(&on);
    call(&caller, &on, NULL, NULL);
    expect_echo(&caller, "hello");
    assert_int_equal(counters_read(&on.counters, TLS_OK), 1);
    assert_int_equal(atomic_load(&on.alpn), ALPN_NONE);
    assert_int_equal(atomic_load(&on.names), 0);
    expect_echo(&caller, "more");
    tell(&caller, "many and the end");
    assert_int_equal(hear_all(&caller), (1 << 20) + 16);
    hang_up(&caller);
    stop(&on);
}

static void connection_tls__tells_what_was_agreed(void **state)
{
    struct fixture on;
    struct caller caller;

    (void)state;
    start(&on);
    call(&caller, &on, &client, "\2h2");
    expect_echo(&caller, "hello");
    assert_int_equal(atomic_load(&on.alpn), ALPN_H2);
    assert_int_equal(atomic_load(&on.names), 2);
    hang_up(&caller);
    stop(&on);
}

static void connection_tls__ends_when_the_peer_says_so(void **state)
{
    struct fixture on;
    struct caller caller;

    (void)state;
    start(&on);
    call(&caller, &on, NULL, NULL);
    expect_echo(&caller, "hello");
    (void)SSL_shutdown(caller.peer.ssl);
    assert_int_equal(hear_all(&caller), 0);
    while (atomic_load(&on.closed) == 0)
        (void)usleep(1000);
    hang_up(&caller);
    stop(&on);
}

static void connection_tls__counts_those_who_speak_something_else(void **state)
{
    struct fixture on;
    struct buf got;
    int fd;

    (void)state;
    start(&on);
    buf_init(&got, 0);
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("GET / HTTP/1.1\r\n\r\n"));
    peer_read_all(fd, &got); /* At most an alert. */
    assert_int_equal(counters_read(&on.counters, TLS_NOT_TLS), 1);
    assert_in_range(got.size, 0, 16);
    (void)close(fd);
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("\x16\x03\x01"));
    (void)close(fd);
    wait_for(&on, TLS_LEFT, 1);
    assert_int_equal(atomic_load(&on.opened), 0);
    buf_release(&got);
    stop(&on);
}

static void connection_tls__does_not_wait_for_ever(void **state)
{
    struct fixture on;
    struct buf got;
    int silent;
    int slow;

    (void)state;
    prepare(&on);
    on.options.tls.handshake_timeout_ns = NS_PER_S / 5;
    listen_only(&on);
    assert_int_equal(server_start(on.server), 0);
    buf_init(&got, 0);
    silent = peer_connect(buf_view(&on.bound));
    slow = peer_connect(buf_view(&on.bound));
    peer_send(slow, VIEW("\x16\x03\x01"));
    peer_read_all(silent, &got);
    peer_read_all(slow, &got);
    assert_int_equal(got.size, 0);
    assert_int_equal(counters_read(&on.counters, TLS_TIMEOUT), 2);
    assert_int_equal(counters_read(&on.counters, TLS_LEFT), 0);
    (void)close(silent);
    (void)close(slow);
    buf_release(&got);
    stop(&on);
}

static char zeros[1 << 14];

/* Its tickets lie unread when the client goes, and reset the connection: what it had sent counts. */
static void connection_tls__hears_out_who_does_not_wait(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct fixture on;
        struct caller caller;

        start(&on);
        call(&caller, &on, NULL, NULL);
        assert_int_equal(SSL_connect(caller.peer.ssl), 1);
        tell(&caller, "last words");
        hang_up(&caller);
        while (atomic_load(&on.closed) == 0)
            (void)usleep(1000);
        assert_int_equal(atomic_load(&on.received), 10);
        stop(&on);
    }
}

static void connection_tls__holds_back_those_who_do_not_read(void **state)
{
    struct fixture on;
    struct caller caller;
    struct caller other;
    unsigned received;
    unsigned before;

    (void)state;
    start(&on);
    call(&caller, &on, NULL, NULL);
    tell(&caller, "many"); /* A megabyte, and nobody takes it. */
    while (atomic_load(&on.received) == 0)
        (void)usleep(1000);
    assert_int_equal(fcntl(caller.fd, F_SETFL, O_NONBLOCK), 0);
    do {
        before = atomic_load(&on.received);
        while (SSL_write(caller.peer.ssl, zeros, sizeof(zeros)) > 0)
            continue;
        (void)usleep(300000);
        received = atomic_load(&on.received);
    } while (received != before);
    call(&other, &on, NULL, NULL);
    expect_echo(&other, "others are served");
    hang_up(&other);
    hang_up(&caller);
    stop(&on);
}

static void connection_tls__drops_those_who_never_read(void **state)
{
    struct fixture on;
    struct caller caller;

    (void)state;
    prepare(&on);
    on.options.write_timeout_ns = NS_PER_S / 5;
    listen_only(&on);
    assert_int_equal(server_start(on.server), 0);
    call(&caller, &on, NULL, NULL);
    assert_int_equal(SSL_connect(caller.peer.ssl), 1);
    assert_int_equal(fcntl(caller.fd, F_SETFL, O_NONBLOCK), 0);
    while (atomic_load(&on.closed) == 0) {
        if (SSL_write(caller.peer.ssl, zeros, sizeof(zeros)) <= 0)
            (void)usleep(1000);
    }
    hang_up(&caller);
    stop(&on);
}

/* New connections get the new certificate; old ones go on. */
static void connection_tls__goes_on_when_the_certificate_changes(void **state)
{
    struct fixture on;
    struct caller before;
    struct caller after;

    (void)state;
    start(&on);
    call(&before, &on, NULL, NULL);
    expect_echo(&before, "old");
    tls_store_set(&on.store, make_context(&client, false));
    call(&after, &on, NULL, NULL);
    expect_echo(&after, "new");
    expect_echo(&before, "still");
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(after.peer.ssl), client.certificate), 0);
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(before.peer.ssl), own.certificate), 0);
    hang_up(&before);
    hang_up(&after);
    stop(&on);
}

static void connection_tls__is_drained_at_any_time(void **state)
{
    struct fixture on;
    struct caller caller;
    int silent;

    (void)state;
    start(&on);
    silent = peer_connect(buf_view(&on.bound));
    peer_send(silent, VIEW("\x16"));
    call(&caller, &on, NULL, NULL);
    expect_echo(&caller, "hello");
    server_drain(on.server, NS_PER_S * 10);
    assert_int_equal(hear_all(&caller), 3);
    assert_int_equal(counters_read(&on.counters, TLS_LEFT), 1);
    (void)close(silent);
    hang_up(&caller);
    stop(&on);
}

enum { CROWD = 30 };

static void meet_crowd(struct fixture *on)
{
    struct caller callers[CROWD];

    prepare(on);
    on->options.tls.turn_ns = 1;
    listen_only(on);
    for (size_t i = 0; i < CROWD; i++) {
        struct buf hello;

        call(&callers[i], on, NULL, NULL);
        /* The first flight lies there before anybody reads. */
        tls_peer_release(&callers[i].peer);
        tls_peer_init(&callers[i].peer, &authority, NULL, NULL);
        buf_init(&hello, 0);
        assert_false(tls_peer_shake(&callers[i].peer, (struct view){NULL, 0}, &hello));
        peer_send(callers[i].fd, buf_view(&hello));
        buf_release(&hello);
    }
    assert_int_equal(server_start(on->server), 0);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(SSL_set_fd(callers[i].peer.ssl, callers[i].fd), 1);
        expect_echo(&callers[i], "here");
    }
    assert_int_equal(counters_read(&on->counters, TLS_OK), CROWD);
    for (size_t i = 0; i < CROWD; i++)
        hang_up(&callers[i]);
}

/* With time for one a turn, all get through. */
static void connection_tls__spreads_handshakes_over_turns(void **state)
{
    uint64_t deferred = 0;

    (void)state;
    for (int i = 0; i < 20 && deferred == 0; i++) {
        struct fixture on;

        meet_crowd(&on);
        deferred = counters_read(&on.counters, DEFERRED);
        stop(&on);
    }
    assert_true(deferred != 0);
}

static int make_pairs(void **state)
{
    struct tls_subject root = {.common_name = "root", .is_authority = true};
    struct tls_subject server = {.common_name = "server", .issuer = &authority};
    struct tls_subject named = {
        .common_name = "client", .alternatives = "DNS:a.example", .issuer = &authority};

    (void)state;
    /* OpenSSL writes to sockets by write(2). */
    (void)signal(SIGPIPE, SIG_IGN);
    tls_pair_make(&root, &authority);
    tls_pair_make(&server, &own);
    tls_pair_make(&named, &client);
    return 0;
}

static int release_pairs(void **state)
{
    (void)state;
    tls_pair_release(&authority);
    tls_pair_release(&own);
    tls_pair_release(&client);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_tls__serves_plain_bytes),
        cmocka_unit_test(connection_tls__tells_what_was_agreed),
        cmocka_unit_test(connection_tls__ends_when_the_peer_says_so),
        cmocka_unit_test(connection_tls__counts_those_who_speak_something_else),
        cmocka_unit_test(connection_tls__does_not_wait_for_ever),
        cmocka_unit_test(connection_tls__hears_out_who_does_not_wait),
        cmocka_unit_test(connection_tls__holds_back_those_who_do_not_read),
        cmocka_unit_test(connection_tls__drops_those_who_never_read),
        cmocka_unit_test(connection_tls__goes_on_when_the_certificate_changes),
        cmocka_unit_test(connection_tls__is_drained_at_any_time),
        cmocka_unit_test(connection_tls__spreads_handshakes_over_turns),
    };

    return cmocka_run_group_tests_name("connection_tls", tests, make_pairs, release_pairs);
}
