/* http_server_test.c: requests over real sockets. */
#include "net/http_server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "exporters/deflate_pack.h"
#include "net/http_counters.h"
#include "tests/lib/peer.h"
#include "tests/lib/test.h"

struct fixture {
    struct http_server_options options;
    struct http_server *server;
    struct buf bound;
    atomic_int gate;   /* "/wait" answers once it is above 0. */
    atomic_int inside; /* Handlers that wait. */
    atomic_int calls;
    _Atomic size_t room; /* For answers, as the last handler saw it. */
};

/* As many bytes as "/big" has, held as their gzip. */
static void give_packed(struct http_reply *reply)
{
    struct deflate_pack pack;

    deflate_pack_init(&pack, 0, 0);
    for (int i = 0; i < 3000000; i++)
        (void)buf_append_byte(&reply->body, (char)('a' + i % 7));
    assert_int_equal(deflate_pack_end(&pack, &reply->body), 0);
    reply->unpacked_bytes = pack.text_bytes;
    deflate_pack_release(&pack);
}

static void handle(void *context, const struct http_request *request, struct http_reply *reply)
{
    struct fixture *on = context;

    atomic_fetch_add(&on->calls, 1);
    atomic_store(&on->room, atomic_load(request->answers_room));
    reply->status = 200;
    reply->content_type = "text/plain";
    if (view_equal(request->path, VIEW("/wait"))) {
        atomic_fetch_add(&on->inside, 1);
        while (atomic_load(&on->gate) == 0)
            (void)usleep(1000);
    } else if (view_equal(request->path, VIEW("/big")) ||
               view_equal(request->path, VIEW("/vital"))) {
        reply->is_vital = view_equal(request->path, VIEW("/vital"));
        for (int i = 0; i < 3000000; i++)
            (void)buf_append_byte(&reply->body, (char)('a' + i % 7));
        return;
    } else if (view_equal(request->path, VIEW("/unpacked"))) {
        give_packed(reply);
        return;
    } else if (view_equal(request->path, VIEW("/nothing"))) {
        reply->status = 0;
    } else if (view_equal(request->path, VIEW("/not-modified"))) {
        reply->status = 304;
        (void)buf_append_text(&reply->headers, "ETag: \"1\"\r\n");
    } else if (view_equal(request->path, VIEW("/no-memory"))) {
        reply->body.failed = STATUS_NOMEM;
    } else if (view_equal(request->path, VIEW("/packed"))) {
        reply->encoding = "gzip";
        (void)buf_append_text(&reply->headers, "Cache-Control: no-store\r\n");
    }
    (void)buf_printf(&reply->body, "%.*s|%.*s|%.*s|%.*s|%.*s", (int)request->path.size,
                     request->path.data, (int)request->query.size, request->query.data,
                     (int)request->accept.size, request->accept.data,
                     (int)request->accept_encoding.size, request->accept_encoding.data,
                     (int)request->if_none_match.size, request->if_none_match.data);
}

static void prepare(struct fixture *on)
{
    memset(on, 0, sizeof(*on));
    on->options = (struct http_server_options){.handler = {handle, on}};
}

static void start_on(struct fixture *on, const char *where)
{
    struct address address = peer_address(where);
    char error[256] = "";

    assert_int_equal(http_server_new(&on->options, &on->server), 0);
    assert_int_equal(http_server_listen(on->server, &address, error, &on->bound), 0);
    assert_int_equal(http_server_start(on->server), 0);
}

static void start(struct fixture *on)
{
    start_on(on, "127.0.0.1:0");
}

static void stop(struct fixture *on)
{
    http_server_stop(on->server);
    http_server_free(on->server);
    buf_release(&on->bound);
}

/* Sends all at once and reads until the server closes. */
static void exchange(struct fixture *on, const char *requests, struct buf *out)
{
    int fd = peer_connect(buf_view(&on->bound));

    buf_reset(out);
    peer_send(fd, view_of(requests));
    peer_read_all(fd, out);
    assert_int_equal(buf_append_byte(out, '\0'), 0);
    (void)close(fd);
}

static void expect_part(const struct buf *got, const char *part)
{
    if (strstr(got->data, part) == NULL)
        fail_msg("no '%s' in:\n%.500s", part, got->data);
}

static void server__answers_pipelined_requests_in_order(void **state)
{
    struct fixture on;
    struct buf got;

    (void)state;
    prepare(&on);
    start(&on);
    buf_init(&got, 0);
    exchange(&on,
             "GET /a%20b?c=d HTTP/1.1\r\nHost: localhost\r\nAccept: x/y\r\n"
             "Accept-Encoding: gzip\r\nIf-None-Match: \"e\"\r\n\r\n"
             "GET /second HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"
             "HEAD /third HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
             "GET /packed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
             "GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n",
             &got);
    assert_string_equal(got.data,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
                        "X-Content-Type-Options: nosniff\r\n\r\n/a b|c=d|x/y|gzip|\"e\""
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n"
                        "X-Content-Type-Options: nosniff\r\n\r\n/second||||"
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n"
                        "X-Content-Type-Options: nosniff\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n"
                        "Content-Length: 11\r\nX-Content-Type-Options: nosniff\r\n"
                        "Cache-Control: no-store\r\nConnection: close\r\n\r\n/packed||||");
    assert_int_equal(atomic_load(&on.calls), 4);
    buf_release(&got);
    stop(&on);
}

static void server__refuses_what_it_does_not_serve(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "405 Method"},
        {"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method"},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "413 Content"},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "413 Content"},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421 Misdirected"},
        {"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "421 Misdirected"},
        {"GET /%4 HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad"},
        {"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad"},
        {"GET /a#b HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad"},
        {"GET / HTTP/1.1\r\n\r\n", "400 Bad"},
        {"GET / HTTP/3.0\r\n\r\n", "505 HTTP"},
        {"hello\r\n\r\n", "501 Not"},
    };
    struct fixture on;
    struct buf got;

    (void)state;
    prepare(&on);
    start(&on);
    buf_init(&got, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];

        exchange(&on, cases[i].request, &got);
        (void)snprintf(line, sizeof(line), "HTTP/1.1 %s", cases[i].status);
        expect_part(&got, line);
        expect_part(&got, "Connection: close\r\n");
        expect_part(&got, "Content-Security-Policy: default-src 'none'\r\n");
        expect_part(&got, "Cache-Control: no-store\r\n");
        if (strncmp(cases[i].status, "405", 3) == 0)
            expect_part(&got, "Allow: GET, HEAD\r\n");
    }
    assert_int_equal(atomic_load(&on.calls), 0);
    buf_release(&got);
    stop(&on);
}

static void server__knows_further_hosts(void **state)
{
    const struct view hosts[] = {VIEW("maps.example")};
    struct fixture on;
    struct buf got;

    (void)state;
    prepare(&on);
    on.options.hosts = hosts;
    on.options.hosts_count = 1;
    start(&on);
    buf_init(&got, 0);
    exchange(&on, "GET / HTTP/1.0\r\nHost: Maps.Example:9464\r\n\r\n", &got);
    expect_part(&got, "200 OK");
    exchange(&on, "GET / HTTP/1.0\r\n\r\n", &got); /* An old client, without Host. */
    expect_part(&got, "200 OK");
    buf_release(&got);
    stop(&on);
}

static void server__makes_the_best_of_odd_answers(void **state)
{
    struct fixture on;
    struct buf got;

    (void)state;
    prepare(&on);
    start(&on);
    buf_init(&got, 0);
    exchange(&on,
             "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
             "GET /not-modified HTTP/1.1\r\nHost: localhost\r\n\r\n"
             "GET /no-memory HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             &got);
    expect_part(&got, "HTTP/1.1 500 Internal Server Error\r\n");
    expect_part(&got, "HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\n"
                      "X-Content-Type-Options: nosniff\r\nETag: \"1\"\r\n\r\nHTTP/1.1 500 ");
    buf_release(&got);
    stop(&on);
}

static void check_large(const char *path)
{
    struct fixture on;
    struct buf got;
    const char *body;
    char requests[256];

    prepare(&on);
    start(&on);
    buf_init(&got, 0);
    (void)snprintf(requests, sizeof(requests),
                   "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                   "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                   path, path);
    exchange(&on, requests, &got);
    expect_part(&got, "Content-Length: 3000000\r\n");
    body = strstr(got.data, "\r\n\r\n") + 4;
    for (int i = 0; i < 3000000; i++) {
        if (body[i] != 'a' + i % 7)
            fail_msg("byte %d", i);
    }
    assert_int_equal(strlen(strstr(body, "\r\n\r\n") + 4), 3000000);
    exchange(&on, "HEAD /unpacked HTTP/1.0\r\n\r\n", &got);
    expect_part(&got, "Content-Length: 3000000\r\n");
    assert_int_equal(strlen(strstr(got.data, "\r\n\r\n")), 4);
    buf_release(&got);
    stop(&on);
}

static void server__sends_large_bodies_whole(void **state)
{
    (void)state;
    check_large("/big");
}

static void server__sends_packed_bodies_plain(void **state)
{
    (void)state;
    check_large("/unpacked");
}

/* Room for one large answer: while it waits for its reader the next one is refused; once it is read,
 * there is room again, however often. A Unix socket holds less than TCP's, which may take it whole. */
static void server__bounds_the_answers_that_wait(void **state)
{
    struct fixture on;
    struct buf got;
    char where[64];
    int slow;

    (void)state;
    prepare(&on);
    on.options.answers_bytes_max = 6000000;
    (void)snprintf(where, sizeof(where), "unix:@spanmap-http-%d", (int)getpid());
    start_on(&on, where);
    buf_init(&got, 0);
    slow = peer_connect(buf_view(&on.bound));
    peer_send(slow, VIEW("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_true(peer_read_until(slow, "abcdefg", &got));
    exchange(&on, "GET /big HTTP/1.0\r\n\r\n", &got);
    expect_part(&got, "HTTP/1.1 503 Service Unavailable\r\n");
    exchange(&on, "GET /small HTTP/1.0\r\n\r\n", &got);
    expect_part(&got, "/small||||");
    assert_true(atomic_load(&on.room) <= 3000000);
    (void)close(slow);
    do
        exchange(&on, "GET /small HTTP/1.0\r\n\r\n", &got);
    while (atomic_load(&on.room) != 6000000); /* The server sees the end a little later. */
    for (int i = 0; i < 3; i++) {
        exchange(&on, "GET /big HTTP/1.0\r\n\r\n", &got);
        expect_part(&got, "HTTP/1.1 200 OK\r\n");
    }
    buf_release(&got);
    stop(&on);
}

/* Room for three, one of which is kept: two readers that take nothing leave it to who is vital. */
static void server__keeps_room_for_vital_answers(void **state)
{
    struct fixture on;
    struct buf got;
    char where[64];
    int slow[2];

    (void)state;
    prepare(&on);
    on.options.answers_bytes_kept = 4500000; /* A buffer's capacity is up to twice its size. */
    on.options.answers_bytes_max = 3 * on.options.answers_bytes_kept;
    (void)snprintf(where, sizeof(where), "unix:@spanmap-vital-%d", (int)getpid());
    start_on(&on, where);
    buf_init(&got, 0);
    for (size_t i = 0; i < 2; i++) {
        slow[i] = peer_connect(buf_view(&on.bound));
        peer_send(slow[i], VIEW("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        buf_reset(&got);
        assert_true(peer_read_until(slow[i], "abcdefg", &got));
    }
    exchange(&on, "GET /big HTTP/1.0\r\n\r\n", &got);
    expect_part(&got, "HTTP/1.1 503 Service Unavailable\r\n");
    exchange(&on, "GET /vital HTTP/1.0\r\n\r\n", &got);
    expect_part(&got, "HTTP/1.1 200 OK\r\n");
    (void)close(slow[0]);
    (void)close(slow[1]);
    buf_release(&got);
    stop(&on);
}

static void server__is_not_held_up_by_a_slow_answer(void **state)
{
    struct fixture on;
    struct buf got;
    int slow[3];

    (void)state;
    prepare(&on);
    start(&on);
    buf_init(&got, 0);
    for (int i = 0; i < 3; i++) {
        slow[i] = peer_connect(buf_view(&on.bound));
        peer_send(slow[i], VIEW("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    while (atomic_load(&on.inside) != 3)
        (void)usleep(1000);
    exchange(&on, "GET /fast HTTP/1.0\r\n\r\n", &got);
    expect_part(&got, "/fast||||");
    (void)shutdown(slow[0], SHUT_WR); /* Says no more, but listens. */
    (void)close(slow[1]);             /* Gone before its answer. */
    (void)usleep(50000);
    atomic_store(&on.gate, 1);
    buf_reset(&got);
    assert_true(peer_read_until(slow[0], "/wait||||", &got));
    buf_reset(&got);
    assert_true(peer_read_until(slow[2], "/wait||||", &got));
    (void)close(slow[0]);
    (void)close(slow[2]);
    buf_release(&got);
    stop(&on);
}

static void server__ends_what_was_begun_when_it_stops(void **state)
{
    struct fixture on;
    struct buf got;
    int idle;
    int busy;

    (void)state;
    prepare(&on);
    start(&on);
    idle = peer_connect(buf_view(&on.bound));
    busy = peer_connect(buf_view(&on.bound));
    peer_send(busy, VIEW("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    while (atomic_load(&on.inside) != 1)
        (void)usleep(1000);
    atomic_store(&on.gate, 1);
    http_server_stop(on.server);
    buf_init(&got, 0);
    peer_read_all(busy, &got);
    assert_int_equal(buf_append_byte(&got, '\0'), 0);
    expect_part(&got, "/wait||||");
    buf_reset(&got);
    peer_read_all(idle, &got);
    assert_int_equal(got.size, 0);
    (void)close(idle);
    (void)close(busy);
    http_server_free(on.server);
    buf_release(&got);
    buf_release(&on.bound);
}

static void server__ends_those_who_are_silent_or_slow(void **state)
{
    struct fixture on;
    struct buf got;
    struct counters counters;
    int silent;
    int slow;

    (void)state;
    prepare(&on);
    on.options.header_timeout_ns = NS_PER_S / 5;
    on.options.counters = &counters;
    assert_int_equal(counters_init(&counters, http_counter_rows, HTTP_COUNTER_COUNT), 0);
    start(&on);
    silent = peer_connect(buf_view(&on.bound));
    slow = peer_connect(buf_view(&on.bound));
    peer_send(silent, VIEW("\r\n")); /* Empty lines are nothing. */
    peer_send(slow, VIEW("GET / HTTP/1.1\r\nHo"));
    buf_init(&got, 0);
    peer_read_all(silent, &got);
    assert_int_equal(got.size, 0);
    peer_read_all(slow, &got);
    assert_int_equal(buf_append_byte(&got, '\0'), 0);
    expect_part(&got, "HTTP/1.1 408 Request Timeout");
    assert_int_equal(counters_read(&counters, HTTP_COUNTER_HEADER_TIMEOUTS), 2);
    (void)close(silent);
    (void)close(slow);
    buf_release(&got);
    stop(&on);
    counters_release(&counters);
}

/* Who has asked before may be silent for longer. */
static void server__ends_those_who_idle(void **state)
{
    struct counters counters;
    struct fixture on;
    struct buf got;
    int fd;

    (void)state;
    prepare(&on);
    on.options.idle_timeout_ns = NS_PER_S / 5;
    on.options.counters = &counters;
    assert_int_equal(counters_init(&counters, http_counter_rows, HTTP_COUNTER_COUNT), 0);
    start(&on);
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n"));
    buf_init(&got, 0);
    peer_read_all(fd, &got);
    assert_int_equal(buf_append_byte(&got, '\0'), 0);
    expect_part(&got, "HTTP/1.1 200 OK");
    assert_int_equal(counters_read(&counters, HTTP_COUNTER_IDLE_TIMEOUTS), 1);
    assert_int_equal(counters_read(&counters, HTTP_COUNTER_HEADER_TIMEOUTS), 0);
    (void)close(fd);
    buf_release(&got);
    stop(&on);
    counters_release(&counters);
}

/* Half-sent heads take all places; whoever asks properly is served all the same. */
static void server__is_not_starved_by_half_sent_heads(void **state)
{
    enum { PLACES = 8 };
    struct counters counters;
    struct fixture on;
    struct buf got;
    int slow[PLACES];

    (void)state;
    prepare(&on);
    on.options.connections_max = PLACES;
    on.options.counters = &counters;
    assert_int_equal(counters_init(&counters, http_counter_rows, HTTP_COUNTER_COUNT), 0);
    start(&on);
    buf_init(&got, 0);
    for (size_t i = 0; i < PLACES; i++) {
        slow[i] = peer_connect(buf_view(&on.bound));
        peer_send(slow[i], VIEW("GET / HTTP/1.1\r\nHo"));
    }
    for (size_t i = 0; i < PLACES; i++) {
        exchange(&on, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", &got);
        expect_part(&got, "HTTP/1.1 200 OK");
    }
    assert_in_range(counters_read(&counters, HTTP_COUNTER_DISPLACED), 1, PLACES);
    assert_int_equal(counters_read(&counters, HTTP_COUNTER_FULL), 0);
    for (size_t i = 0; i < PLACES; i++)
        (void)close(slow[i]);
    buf_release(&got);
    stop(&on);
    counters_release(&counters);
}

static void server__can_be_freed_at_any_time(void **state)
{
    struct fixture on;
    int fd;

    (void)state;
    prepare(&on);
    assert_int_equal(http_server_new(&on.options, &on.server), 0);
    http_server_free(on.server);
    start(&on);
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    http_server_free(on.server);
    (void)close(fd);
    buf_release(&on.bound);
}

static int make(void *context)
{
    struct fixture *on = context;
    int status = http_server_new(&on->options, &on->server);

    if (status == 0)
        http_server_free(on->server);
    return status;
}

static void server__survives_failing_memory(void **state)
{
    const struct view hosts[] = {VIEW("maps.example")};
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.hosts = hosts;
    on.options.hosts_count = 1;
    test_sweep_memory(make, &on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server__answers_pipelined_requests_in_order),
        cmocka_unit_test(server__refuses_what_it_does_not_serve),
        cmocka_unit_test(server__knows_further_hosts),
        cmocka_unit_test(server__makes_the_best_of_odd_answers),
        cmocka_unit_test(server__sends_large_bodies_whole),
        cmocka_unit_test(server__sends_packed_bodies_plain),
        cmocka_unit_test(server__bounds_the_answers_that_wait),
        cmocka_unit_test(server__keeps_room_for_vital_answers),
        cmocka_unit_test(server__is_not_held_up_by_a_slow_answer),
        cmocka_unit_test(server__ends_what_was_begun_when_it_stops),
        cmocka_unit_test(server__ends_those_who_are_silent_or_slow),
        cmocka_unit_test(server__ends_those_who_idle),
        cmocka_unit_test(server__is_not_starved_by_half_sent_heads),
        cmocka_unit_test(server__can_be_freed_at_any_time),
        cmocka_unit_test(server__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
