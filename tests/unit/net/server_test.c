/* server_test.c: connections of a protocol that sends back what it gets. */
#include "net/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/peer.h"
#include "tests/lib/test.h"

enum {
    OPEN,
    ACCEPTED,
    REFUSED,
    CROWDED,
    DISPLACED,
    FAILURES,
    TIMEOUTS,
    BYTES,
    COUNTER_COUNT,
};

static const struct counter_row rows[COUNTER_COUNT] = {
    {"open", NULL, "", true},      {"accepted", NULL, "", false},  {"refused", NULL, "", false},
    {"crowded", NULL, "", false},  {"displaced", NULL, "", false}, {"failures", NULL, "", false},
    {"timeouts", NULL, "", false}, {"bytes", NULL, "", false},
};

enum { THREADS_MAX = 4 };

struct fixture {
    struct counters counters;
    struct server_options options;
    struct server *server;
    struct buf bound;
    atomic_uint opened[THREADS_MAX]; /* By thread. */
    atomic_uint closed;
    atomic_uint ticks;
};

/* What came goes back; "end" ends, "many" is answered by a megabyte, "hold" stays when drained,
 * "spare" and "quiet" can be missed. */
struct echo {
    struct fixture *on;
    struct buf out;
    bool holds;
    enum server_need need;
};

static int echo_open(void *context, unsigned thread, struct connection *connection,
                     struct mono_time now, void **out_state)
{
    struct fixture *on = context;
    struct echo *echo = mem_calloc(1, sizeof(*echo));

    assert_non_null(connection);
    assert_true(now.ns != 0);
    assert_non_null(echo);
    echo->on = on;
    atomic_fetch_add(&on->opened[thread], 1);
    *out_state = echo;
    return 0;
}

static int echo_receive(void *state, struct view bytes, struct mono_time now)
{
    struct echo *echo = state;

    (void)now;
    echo->holds = memmem(bytes.data, bytes.size, "hold", 4) != NULL;
    if (memmem(bytes.data, bytes.size, "spare", 5) != NULL)
        echo->need = SERVER_SPARABLE;
    if (memmem(bytes.data, bytes.size, "quiet", 5) != NULL)
        echo->need = SERVER_SILENT;
    if (memmem(bytes.data, bytes.size, "many", 4) != NULL) {
        for (int i = 0; i < 1 << 20; i++)
            assert_int_equal(buf_append_byte(&echo->out, 'm'), 0);
    }
    assert_int_equal(buf_append_view(&echo->out, bytes), 0);
    return memmem(bytes.data, bytes.size, "end", 3) != NULL ? STATUS_CLOSED : 0;
}

static int echo_tick(void *state, struct mono_time now)
{
    struct echo *echo = state;

    (void)now;
    atomic_fetch_add(&echo->on->ticks, 1);
    return 0;
}

static int echo_drain(void *state, struct mono_time now)
{
    struct echo *echo = state;

    (void)now;
    if (echo->holds)
        return 0;
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

static enum server_need echo_need(const void *state)
{
    return ((const struct echo *)state)->need;
}

static const struct server_protocol echo_protocol = {
    .open = echo_open,
    .receive = echo_receive,
    .tick = echo_tick,
    .drain = echo_drain,
    .produce = echo_produce,
    .need = echo_need,
    .close = echo_close,
};

static void prepare(struct fixture *on)
{
    memset(on, 0, sizeof(*on));
    assert_int_equal(counters_init(&on->counters, rows, COUNTER_COUNT), 0);
    on->options = (struct server_options){
        .protocol = &echo_protocol,
        .context = on,
        .name = "echo",
        .threads = 2,
        .connections_max = 100,
        .write_timeout_ns = 60 * NS_PER_S,
        .meter = {&on->counters, OPEN, ACCEPTED, REFUSED, CROWDED, DISPLACED, FAILURES, TIMEOUTS,
                  BYTES},
    };
}

static void start(struct fixture *on, const char *text)
{
    struct address address = peer_address(text);
    char error[256] = "";

    assert_int_equal(server_new(&on->options, &on->server), 0);
    if (server_listen(on->server, &address, 0, error, &on->bound) != 0)
        fail_msg("%s", error);
    assert_int_equal(server_start(on->server), 0);
}

static void stop(struct fixture *on)
{
    server_free(on->server);
    assert_int_equal(counters_read(&on->counters, OPEN), 0);
    counters_release(&on->counters);
    buf_release(&on->bound);
}

static void expect_echo(int fd, const char *text)
{
    struct buf got;

    buf_init(&got, 0);
    peer_send(fd, view_of(text));
    assert_true(peer_read_until(fd, text, &got));
    buf_release(&got);
}

static void server__serves_every_kind_of_address(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", "localhost:0",
                                            "unix:@spanmap-server-test"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture on;
        struct buf got;
        int fd;

        prepare(&on);
        start(&on, addresses[i]);
        fd = peer_connect(buf_view(&on.bound));
        expect_echo(fd, "hello");
        assert_int_equal(counters_read(&on.counters, BYTES), 5);
        peer_send(fd, VIEW("the end"));
        buf_init(&got, 0);
        peer_read_all(fd, &got);
        assert_view_equal(buf_view(&got), "the end");
        (void)close(fd);
        buf_release(&got);
        stop(&on);
    }
}

static void server__says_why_it_cannot_listen(void **state)
{
    struct address address;
    struct fixture on;
    struct buf name;
    char error[256] = "";

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    assert_int_equal(buf_append_byte(&on.bound, '\0'), 0);
    address = peer_address(on.bound.data);
    buf_init(&name, 0);
    {
        struct server *second;

        assert_int_equal(server_new(&on.options, &second), 0);
        assert_int_equal(server_listen(second, &address, 0, error, &name), STATUS_SYSTEM);
        server_free(second);
    }
    assert_non_null(strstr(error, on.bound.data));
    assert_non_null(strstr(error, "in use"));
    buf_release(&name);
    stop(&on);
}

static void server__spreads_connections_over_its_threads(void **state)
{
    struct fixture on;
    int fds[40];

    (void)state;
    prepare(&on);
    on.options.threads = 4;
    start(&on, "127.0.0.1:0");
    for (size_t i = 0; i < 40; i++) {
        fds[i] = peer_connect(buf_view(&on.bound));
        expect_echo(fds[i], "here");
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(atomic_load(&on.opened[i]), 10);
    for (size_t i = 0; i < 40; i++)
        (void)close(fds[i]);
    stop(&on);
}

static void server__refuses_connections_beyond_their_number(void **state)
{
    struct fixture on;
    struct buf got;
    int fds[3];
    int over;

    (void)state;
    prepare(&on);
    on.options.connections_max = 3;
    start(&on, "127.0.0.1:0");
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_connect(buf_view(&on.bound));
        expect_echo(fds[i], "here");
    }
    over = peer_connect(buf_view(&on.bound));
    buf_init(&got, 0);
    peer_read_all(over, &got);
    assert_int_equal(got.size, 0);
    assert_int_equal(counters_read(&on.counters, REFUSED), 1);
    assert_int_equal(counters_read(&on.counters, OPEN), 3);
    (void)close(over);
    (void)close(fds[0]);
    while (counters_read(&on.counters, OPEN) != 2)
        (void)usleep(1000);
    fds[0] = peer_connect(buf_view(&on.bound));
    expect_echo(fds[0], "again");
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);
    buf_release(&got);
    stop(&on);
}

static void expect_end(int fd)
{
    struct buf got;

    buf_init(&got, 0);
    peer_read_all(fd, &got);
    assert_int_equal(got.size, 0);
    buf_release(&got);
    (void)close(fd);
}

/* Those that can be missed best go first, of equals the oldest; those that are needed never. */
static void server__closes_what_can_be_missed_for_a_new_one(void **state)
{
    static const char *const words[] = {"quiet", "needed", "spare 1", "spare 2", "quiet"};
    static const size_t order[] = {2, 3, 0, 4}; /* In which they go. */
    struct fixture on;
    int fds[5];
    int newer[4];

    (void)state;
    prepare(&on);
    on.options.threads = 1;
    on.options.connections_max = 5;
    start(&on, "127.0.0.1:0");
    for (size_t i = 0; i < 5; i++) {
        fds[i] = peer_connect(buf_view(&on.bound));
        expect_echo(fds[i], words[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        newer[i] = peer_connect(buf_view(&on.bound));
        expect_echo(newer[i], "needed, too");
        expect_end(fds[order[i]]);
        assert_int_equal(counters_read(&on.counters, DISPLACED), i + 1);
    }
    assert_int_equal(counters_read(&on.counters, REFUSED), 0);
    expect_end(peer_connect(buf_view(&on.bound)));
    assert_int_equal(counters_read(&on.counters, REFUSED), 1);
    assert_int_equal(counters_read(&on.counters, ACCEPTED), 9); /* Not the one that was refused. */
    expect_echo(fds[1], "still here");
    for (size_t i = 0; i < 4; i++)
        (void)close(newer[i]);
    (void)close(fds[1]);
    stop(&on);
}

static void server__bounds_the_connections_of_an_address(void **state)
{
    struct fixture on;
    int fds[3];

    (void)state;
    prepare(&on);
    on.options.connections_per_peer_max = 3;
    start(&on, "127.0.0.1:0");
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_connect(buf_view(&on.bound));
        expect_echo(fds[i], "here");
    }
    expect_end(peer_connect(buf_view(&on.bound)));
    assert_int_equal(counters_read(&on.counters, CROWDED), 1);
    assert_int_equal(counters_read(&on.counters, REFUSED), 0);
    (void)close(fds[0]);
    while (counters_read(&on.counters, OPEN) != 2)
        (void)usleep(1000);
    fds[0] = peer_connect(buf_view(&on.bound));
    expect_echo(fds[0], "again");
    expect_echo(fds[1], "still here");
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);
    stop(&on);
}

static char zeros[1 << 16];

static void server__does_not_read_from_those_who_do_not_read(void **state)
{
    struct fixture on;
    uint64_t before;
    uint64_t bytes;
    int other;
    int fd;

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("many")); /* A megabyte, and nobody takes it. */
    do {
        before = counters_read(&on.counters, BYTES);
        while (send(fd, zeros, sizeof(zeros), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            continue;
        (void)usleep(300000);
        bytes = counters_read(&on.counters, BYTES);
    } while (bytes != before);
    other = peer_connect(buf_view(&on.bound));
    expect_echo(other, "others are served");
    (void)close(other);
    (void)close(fd);
    stop(&on);
}

static void server__writes_all_before_it_ends(void **state)
{
    struct fixture on;
    struct buf got;
    int fd;

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("many end"));
    /* Bytes behind the end must not have the last words reset. */
    (void)send(fd, "late", 4, MSG_NOSIGNAL);
    buf_init(&got, 0);
    peer_read_all(fd, &got);
    assert_in_range(got.size, (1 << 20) + 8, (1 << 20) + 12);
    (void)close(fd);
    buf_release(&got);
    stop(&on);
}

static void server__drops_those_who_never_read(void **state)
{
    struct fixture on;
    int fd;

    (void)state;
    prepare(&on);
    on.options.write_timeout_ns = NS_PER_S / 5;
    start(&on, "127.0.0.1:0");
    fd = peer_connect(buf_view(&on.bound));
    while (atomic_load(&on.closed) == 0) {
        if (send(fd, zeros, sizeof(zeros), MSG_DONTWAIT | MSG_NOSIGNAL) <= 0)
            (void)usleep(1000);
    }
    assert_int_equal(counters_read(&on.counters, TIMEOUTS), 1);
    (void)close(fd);
    stop(&on);
}

/* All was said, but the peer neither closes nor says more. */
/* Who takes a little now and then never stands still, and would have an answer held for hours. */
static void server__drops_those_who_hardly_read(void **state)
{
    char some[4096];
    struct fixture on;
    int fd;

    (void)state;
    prepare(&on);
    on.options.write_timeout_ns = NS_PER_S;
    on.options.write_rate_min = 1 << 30;
    start(&on, "127.0.0.1:0");
    fd = peer_connect(buf_view(&on.bound));
    while (atomic_load(&on.closed) == 0) {
        (void)send(fd, zeros, sizeof(zeros), MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)recv(fd, some, sizeof(some), MSG_DONTWAIT);
        (void)usleep(1000);
    }
    assert_int_equal(counters_read(&on.counters, TIMEOUTS), 1);
    (void)close(fd);
    stop(&on);
}

static void server__does_not_wait_for_ever_for_a_close(void **state)
{
    struct fixture on;
    struct buf got;
    int fd;

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    buf_init(&got, 0);
    fd = peer_connect(buf_view(&on.bound));
    peer_send(fd, VIEW("the end"));
    peer_read_all(fd, &got);
    assert_view_equal(buf_view(&got), "the end");
    while (counters_read(&on.counters, OPEN) != 0)
        (void)usleep(1000);
    assert_int_equal(counters_read(&on.counters, TIMEOUTS), 0);
    assert_int_equal(close(fd), 0);
    buf_release(&got);
    stop(&on);
}

static void server__ticks_while_there_is_a_connection(void **state)
{
    struct fixture on;
    int fd;

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    fd = peer_connect(buf_view(&on.bound));
    while (atomic_load(&on.ticks) < 3)
        (void)usleep(1000);
    (void)close(fd);
    stop(&on);
}

static void server__drains_and_cuts_off_what_holds_on(void **state)
{
    struct fixture on;
    struct buf got;
    int soft;
    int hard;

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    soft = peer_connect(buf_view(&on.bound));
    hard = peer_connect(buf_view(&on.bound));
    expect_echo(soft, "here");
    expect_echo(hard, "hold");
    server_drain(on.server, NS_PER_S / 2);
    assert_int_equal(atomic_load(&on.closed), 2);
    buf_init(&got, 0);
    peer_read_all(soft, &got);
    assert_view_equal(buf_view(&got), "bye");
    buf_reset(&got);
    peer_read_all(hard, &got);
    assert_int_equal(got.size, 0);
    (void)close(soft);
    (void)close(hard);
    buf_release(&got);
    server_drain(on.server, 0);
    stop(&on);
}

static void server__can_be_freed_at_any_time(void **state)
{
    struct address address = peer_address("127.0.0.1:0");
    struct fixture on;
    char error[256];
    int fd;

    (void)state;
    prepare(&on);
    assert_int_equal(server_new(&on.options, &on.server), 0);
    server_free(on.server);
    assert_int_equal(server_new(&on.options, &on.server), 0);
    assert_int_equal(server_listen(on.server, &address, 0, error, &on.bound), 0);
    server_free(on.server);
    buf_reset(&on.bound);
    start(&on, "127.0.0.1:0");
    fd = peer_connect(buf_view(&on.bound)); /* Perhaps on its way to its thread still. */
    stop(&on);
    (void)close(fd);
}

/* Runs out of descriptors, while one client comes after the other. */
static void server__outlives_a_lack_of_descriptors(void **state)
{
    struct rlimit before;
    struct rlimit few;
    struct fixture on;
    int fds[2];
    int fillers[64];
    size_t count = 0;

    (void)state;
    prepare(&on);
    start(&on, "127.0.0.1:0");
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)fds[0] + 10;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    (void)close(fds[0]);
    fds[0] = peer_connect(buf_view(&on.bound));
    expect_echo(fds[0], "one more");
    while (count < 64 && (fillers[count] = dup(fds[0])) >= 0)
        count++;
    assert_true(count > 1);
    (void)close(fillers[--count]); /* For our own end; there is none for the server's. */
    fds[1] = peer_connect(buf_view(&on.bound));
    while (counters_read(&on.counters, FAILURES) == 0)
        (void)usleep(1000);
    while (count != 0)
        (void)close(fillers[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    expect_echo(fds[0], "still here");
    (void)close(fds[1]);
    fds[1] = peer_connect(buf_view(&on.bound));
    expect_echo(fds[1], "and accepting");
    (void)close(fds[0]);
    (void)close(fds[1]);
    stop(&on);
}

static int make(void *context)
{
    struct fixture *on = context;
    struct address address = peer_address("127.0.0.1:0");
    struct server *server = NULL;
    char error[256];
    int status = server_new(&on->options, &server);

    buf_release(&on->bound);
    if (status == 0)
        status = server_listen(server, &address, 0, error, &on->bound);
    server_free(server);
    return status;
}

static void server__survives_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    test_sweep_memory(make, &on);
    on.server = NULL;
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server__serves_every_kind_of_address),
        cmocka_unit_test(server__says_why_it_cannot_listen),
        cmocka_unit_test(server__spreads_connections_over_its_threads),
        cmocka_unit_test(server__refuses_connections_beyond_their_number),
        cmocka_unit_test(server__closes_what_can_be_missed_for_a_new_one),
        cmocka_unit_test(server__bounds_the_connections_of_an_address),
        cmocka_unit_test(server__does_not_read_from_those_who_do_not_read),
        cmocka_unit_test(server__writes_all_before_it_ends),
        cmocka_unit_test(server__drops_those_who_never_read),
        cmocka_unit_test(server__drops_those_who_hardly_read),
        cmocka_unit_test(server__does_not_wait_for_ever_for_a_close),
        cmocka_unit_test(server__ticks_while_there_is_a_connection),
        cmocka_unit_test(server__drains_and_cuts_off_what_holds_on),
        cmocka_unit_test(server__can_be_freed_at_any_time),
        cmocka_unit_test(server__outlives_a_lack_of_descriptors),
        cmocka_unit_test(server__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
