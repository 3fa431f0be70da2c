/* load.c: `load`, a program that sends trace requests as fast as they are answered.
 *
 *   load --to HOST:PORT [--connections 4] [--in-flight 8] [--repeat 1] [--rate 0] [--gzip]
 *        [--http] [--tls] [--frame 16384] FILE
 *
 * FILE is what `payload` writes, or the Collector's file exporter in its binary form. With --repeat
 * each pass has trace ids of its own. --rate is in requests a second. Reports one line of JSON:
 * requests, spans, bytes, seconds, latencies from a request's start to its answer, the requests that
 * were refused for the time being and sent once more, and the processor time of this program itself.
 * Anything else but success ends it with a message and the exit code 1.
 */
#include "tests/bench/tools/load.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

enum { EVENTS = 64, READ_BYTES = 64 * 1024, AGAIN_NS = 5000000 };

void load_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "load: %s%s%s\n", what, why != NULL ? ": " : "", why != NULL ? why : "");
    exit(1);
}

/* ------------------------------------------------------------------ requests */

static const struct payload *next_payload(struct load *load)
{
    const struct payload *payload;

    /* As senders do: nothing new before what was refused. */
    if (load->again_count != 0)
        return load->now_ns >= load->again_ns ? load->again[--load->again_count] : NULL;
    if (load->begun == load->total)
        return NULL;
    if (load->options.rate != 0 &&
        (load->now_ns - load->begin_ns) * load->options.rate / NS_PER_S < load->begun)
        return NULL;
    payload = &load->payloads[load->begun++ % load->payloads_count];
    if (load->begun > load->payloads_count)
        load_renew(payload);
    return payload;
}

/* Fills the connection's free slots. */
static void begin_requests(struct connection *connection)
{
    struct load *load = connection->load;

    for (uint32_t i = 0; connection->busy < connection->slots_count && i < connection->slots_count;
         i++) {
        struct slot *slot = &connection->slots[i];
        const struct payload *payload;
        if (slot->payload != NULL)
            continue;
        payload = next_payload(load);
        if (payload == NULL)
            return;
        *slot = (struct slot){
            .payload = payload, .window = connection->stream_window, .begun_ns = load->now_ns};
        connection->busy++;
    }
}

void load_answer(struct connection *connection, struct slot *slot, bool is_accepted)
{
    struct load *load = connection->load;

    if (is_accepted) {
        load->latencies[load->answered++] = (uint32_t)((load->now_ns - slot->begun_ns) / 1000);
        load->spans += slot->payload->spans;
        load->bytes += slot->payload->size;
    } else {
        load->refused++;
        load->again[load->again_count++] = slot->payload;
        load->again_ns = load->now_ns + AGAIN_NS;
    }
    *slot = (struct slot){.id = 0};
    connection->busy--;
}

/* ------------------------------------------------------------------ sockets */

static void poll_for(struct connection *connection, bool is_writing)
{
    struct epoll_event event = {.events = EPOLLIN | (is_writing ? EPOLLOUT : 0U),
                                .data.ptr = connection};

    if (connection->is_writing == is_writing)
        return;
    connection->is_writing = is_writing;
    CHECK(epoll_ctl(connection->load->epoll, EPOLL_CTL_MOD, connection->fd, &event) == 0);
}

/* Returns whether all went out. */
static bool write_left(struct connection *connection)
{
    ssize_t written;

    if (connection->left.size == 0)
        return true;
    written = connection->tls != NULL
                  ? load_tls_send(connection, connection->left.data, connection->left.size)
                  : send(connection->fd, connection->left.data, connection->left.size,
                         MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN)
        load_die("cannot send", strerror(errno));
    if (written > 0)
        buf_consume(&connection->left, (size_t)written);
    return connection->left.size == 0;
}

/* Keeps what the socket did not take. */
static void keep(struct connection *connection, const struct turn *turn, size_t written)
{
    for (int i = 0; i < turn->count; i++) {
        struct iovec piece = turn->pieces[i];
        size_t gone = written < piece.iov_len ? written : piece.iov_len;
        written -= gone;
        if (gone < piece.iov_len)
            CHECK(buf_append(&connection->left, (char *)piece.iov_base + gone,
                             piece.iov_len - gone) == 0);
    }
}

/* Sends a turn; of what the socket does not take the rest is kept. */
static void send_turn(struct connection *connection, struct turn *turn)
{
    struct msghdr message = {.msg_iov = turn->pieces, .msg_iovlen = (size_t)turn->count};
    ssize_t written = 0;

    /* TLS has no gathered write: all goes by way of what is kept. */
    if (connection->tls == NULL)
        written = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN)
        load_die("cannot send", strerror(errno));
    if (written < (ssize_t)turn->bytes)
        keep(connection, turn, written > 0 ? (size_t)written : 0);
    buf_reset(&connection->control);
}

static void write_turns(struct connection *connection)
{
    struct load *load = connection->load;
    struct turn *turn = &load->turn;

    for (;;) {
        if (!write_left(connection)) {
            poll_for(connection, true);
            return;
        }
        turn->count = 0;
        turn->bytes = turn->heads_size = 0;
        if (load->begin_ns != 0)
            begin_requests(connection);
        load->protocol->fill(connection);
        if (turn->count == 0)
            break;
        send_turn(connection, turn);
    }
    poll_for(connection, false);
}

static void read_some(struct connection *connection)
{
    static char buffer[READ_BYTES];
    ssize_t size;

    do {
        size = connection->tls != NULL ? load_tls_receive(connection, buffer, sizeof(buffer))
                                       : recv(connection->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size < 0)
            load_die("cannot receive", strerror(errno));
        if (size == 0)
            load_die("the server closed a connection", NULL);
        connection->load->protocol->read(connection, (struct view){buffer, (size_t)size});
    } while (connection->tls != NULL); /* It may hold more than the socket shows. */
}

static void open_connection(struct load *load, struct connection *connection,
                            const struct addrinfo *address)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    int one = 1;

    connection->load = load;
    connection->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, address->ai_addr, address->ai_addrlen) != 0)
        load_die("cannot connect", strerror(errno));
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    buf_init(&connection->left, 0);
    buf_init(&connection->partly, 0);
    buf_init(&connection->control, 0);
    connection->slots_count = (uint32_t)load->options.in_flight;
    connection->next_id = 1;
    if (load->options.is_tls)
        load_tls_open(connection, load->tls);
    CHECK(fcntl(connection->fd, F_SETFL, O_NONBLOCK) == 0);
    load->protocol->open(connection);
    CHECK(epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0);
}

static void close_connection(struct connection *connection)
{
    connection->load->protocol->close(connection);
    buf_release(&connection->left);
    buf_release(&connection->partly);
    buf_release(&connection->control);
    if (connection->tls != NULL)
        load_tls_close(connection);
    (void)close(connection->fd);
}

/* ------------------------------------------------------------------ the loop */

static bool all_ready(const struct load *load)
{
    for (uint64_t i = 0; i < load->options.connections; i++)
        if (!load->connections[i].is_ready)
            return false;
    return true;
}

static void turn_round(struct load *load, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(load->epoll, events, EVENTS, timeout_ms);

    load->now_ns = clock_mono().ns;
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
            read_some(connection);
        write_turns(connection);
    }
}

static void run(struct load *load)
{
    for (uint64_t i = 0; i < load->options.connections; i++)
        write_turns(&load->connections[i]);
    while (!all_ready(load))
        turn_round(load, -1);
    load->begin_ns = load->now_ns = clock_mono().ns;
    for (uint64_t i = 0; i < load->options.connections; i++)
        write_turns(&load->connections[i]);
    while (load->answered < load->total) {
        bool is_paced = load->options.rate != 0 || load->again_count != 0;
        turn_round(load, is_paced ? 1 : -1);
        for (uint64_t i = 0; is_paced && i < load->options.connections; i++)
            write_turns(&load->connections[i]);
    }
    load->now_ns = clock_mono().ns;
}

/* ------------------------------------------------------------------ the program */

static uint64_t number_of(const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0')
        load_die("not a number", text);
    return number;
}

static void read_options(int count, char **words, struct load_options *options)
{
    static const struct option table[] = {
        {"to", required_argument, NULL, 't'},
        {"connections", required_argument, NULL, 'c'},
        {"in-flight", required_argument, NULL, 'i'},
        {"repeat", required_argument, NULL, 'r'},
        {"rate", required_argument, NULL, 'a'},
        {"frame", required_argument, NULL, 'f'},
        {"gzip", no_argument, NULL, 'g'},
        {"http", no_argument, NULL, 'h'},
        {"tls", no_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(count, words, "", table, NULL)) != -1) {
        uint64_t *into = option == 'c'   ? &options->connections
                         : option == 'i' ? &options->in_flight
                         : option == 'r' ? &options->repeat
                         : option == 'a' ? &options->rate
                         : option == 'f' ? &options->frame_bytes
                                         : NULL;
        if (into != NULL)
            *into = number_of(optarg);
        else if (option == 't')
            options->host = optarg;
        else if (option == 'g')
            options->is_gzip = true;
        else if (option == 's')
            options->is_tls = true;
        else if (option == 'h')
            options->protocol = LOAD_HTTP1;
        else
            exit(2);
    }
    if (options->host == NULL || optind + 1 != count || options->connections == 0 ||
        options->in_flight == 0 || options->in_flight > IN_FLIGHT_MAX)
        load_die("usage: load --to HOST:PORT [--connections N] [--in-flight N] FILE", NULL);
    options->file = words[optind];
}

static struct addrinfo *find_address(struct load_options *options)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char *host = strdup(options->host);
    char *colon = host != NULL ? strrchr(host, ':') : NULL;
    int error;

    if (colon == NULL)
        load_die("--to needs HOST:PORT", NULL);
    *colon = '\0';
    error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0)
        load_die(options->host, gai_strerror(error));
    free(host);
    return found;
}

int main(int count, char **words)
{
    static struct load load = {
        .options = {.connections = 4, .in_flight = 8, .repeat = 1, .frame_bytes = 16384}};
    struct addrinfo *address;

    read_options(count, words, &load.options);
    load.protocol = load.options.protocol == LOAD_GRPC ? &load_grpc : &load_http1;
    if (load.options.is_tls)
        load.tls = load_tls_context(&load.options); /* As long as the program runs. */
    load_payloads(&load);
    load_heads(&load);
    load.total = load.payloads_count * load.options.repeat;
    load.latencies = calloc(load.total, sizeof(*load.latencies));
    load.again = calloc(load.options.connections * load.options.in_flight, sizeof(*load.again));
    load.connections = calloc(load.options.connections, sizeof(*load.connections));
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(load.latencies != NULL && load.again != NULL && load.connections != NULL &&
          load.epoll >= 0);
    address = find_address(&load.options);
    for (uint64_t i = 0; i < load.options.connections; i++)
        open_connection(&load, &load.connections[i], address);
    freeaddrinfo(address);
    run(&load);
    for (uint64_t i = 0; i < load.options.connections; i++)
        close_connection(&load.connections[i]);
    load_report(&load);
    return 0;
}
