/* connection.c: one socket between its loop and its protocol.
 *
 *   OPEN ──ended by protocol, peer or drain──> ENDING ──all written──> LINGERING ──> gone
 *
 * Output is produced into a buffer that all connections of a thread share; only what the socket
 * does not take at once is kept by the connection. Lingering waits for the peer to close first, for
 * a moment: closing with unread bytes would reset the connection and take our last words with it.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/server_priv.h"

/* A dead socket's receive buffer may hold some megabytes. */
enum { WRITES_A_TURN = 4, LAST_READS = 64 };
static const uint64_t linger_ns = NS_PER_S;

enum phase { PHASE_OPEN, PHASE_ENDING, PHASE_LINGERING };

struct connection {
    struct loop_task adopt;
    struct server_thread *thread;
    struct connection *next;
    struct connection **link; /* What points to us. */
    uv_poll_t poll;
    int fd;
    unsigned door; /* Of the address that it came to. */
    int events;    /* Those polled for. */
    enum phase phase;
    bool is_peer_done;      /* It sends no more. */
    void *state;            /* The protocol's; NULL once closed. */
    struct buf left;        /* Output that the socket did not take. */
    struct mono_time moved; /* When output last moved, or the lingering began. */
};

struct loop *connection_loop(struct connection *connection)
{
    return &connection->thread->loop;
}

unsigned connection_door(const struct connection *connection)
{
    return connection->door;
}

struct connection *connection_next(const struct connection *connection)
{
    return connection->next;
}

void connection_peer(const struct connection *connection, char out_peer[64])
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(name);
    char host[INET6_ADDRSTRLEN];
    char port[8];

    (void)snprintf(out_peer, 64, "unix");
    if (getpeername(connection->fd, (struct sockaddr *)&name, &size) == 0 &&
        name.ss_family != AF_UNIX &&
        getnameinfo((struct sockaddr *)&name, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        (void)snprintf(out_peer, 64, name.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static const struct server_protocol *protocol_of(const struct connection *connection)
{
    return connection->thread->server->options.protocol;
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void close_state(struct connection *connection)
{
    void *state = connection->state;

    connection->state = NULL;
    if (state != NULL)
        protocol_of(connection)->close(state);
}

static void unlink_connection(struct connection *connection)
{
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
}

/* The end of it. */
static void destroy(struct connection *connection)
{
    struct server_thread *thread = connection->thread;

    close_state(connection);
    unlink_connection(connection);
    buf_release(&connection->left);
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    (void)close(connection->fd);
    server_thread_left(thread);
}

/* Returns: 0 (all of it went, or as much as the socket took); STATUS_CLOSED. */
static int write_some(struct connection *connection, struct view output, struct mono_time now,
                      size_t *out_written)
{
    ssize_t written = send(connection->fd, output.data, output.size, MSG_NOSIGNAL);

    if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return STATUS_CLOSED;
    *out_written = written > 0 ? (size_t)written : 0;
    if (written > 0)
        connection->moved = now;
    return 0;
}

/* What an earlier turn left. Returns: 0; STATUS_BUSY (some is left still); STATUS_CLOSED. */
static int write_left(struct connection *connection, struct mono_time now)
{
    size_t written = 0;
    int status;

    if (connection->left.size == 0)
        return 0;
    status = write_some(connection, buf_view(&connection->left), now, &written);
    if (status != 0)
        return status;
    buf_consume(&connection->left, written);
    if (connection->left.size != 0)
        return STATUS_BUSY;
    buf_release(&connection->left);
    return 0;
}

/* One round of output. Returns: 0; STATUS_BUSY (the socket takes no more); STATUS_NOT_FOUND (there
 * is no more); STATUS_CLOSED; STATUS_NOMEM. */
static int write_round(struct connection *connection, struct mono_time now)
{
    struct buf *shared = &connection->thread->output;
    size_t written = 0;
    int status = write_left(connection, now);

    if (status != 0)
        return status;
    if (connection->state == NULL)
        return STATUS_NOT_FOUND;
    buf_reset(shared);
    if (protocol_of(connection)->produce(connection->state, now, OUTPUT_BYTES, shared) != 0 &&
        connection->phase == PHASE_OPEN)
        connection->phase = PHASE_ENDING;
    if (shared->size == 0)
        return STATUS_NOT_FOUND;
    status = write_some(connection, buf_view(shared), now, &written);
    if (status != 0 || written == shared->size)
        return status;
    connection->moved = now;
    status = buf_append(&connection->left, shared->data + written, shared->size - written);
    return status != 0 ? status : STATUS_BUSY;
}

static void on_event(uv_poll_t *poll, int error, int events);
static void hear_out(struct connection *connection, struct mono_time now);

static bool wants_input(const struct connection *connection)
{
    const struct server_protocol *protocol = protocol_of(connection);

    if (connection->phase == PHASE_LINGERING)
        return true;
    return connection->phase == PHASE_OPEN && !connection->is_peer_done &&
           connection->left.size == 0 &&
           (protocol->wants_input == NULL || protocol->wants_input(connection->state));
}

static void poll_for(struct connection *connection, int events)
{
    if (events == connection->events)
        return;
    connection->events = events;
    if (events == 0)
        CHECK(uv_poll_stop(&connection->poll) == 0);
    else
        CHECK(uv_poll_start(&connection->poll, events, on_event) == 0);
}

/* Everything was written and nothing more will come. */
static bool start_lingering(struct connection *connection, struct mono_time now)
{
    close_state(connection);
    if (connection->is_peer_done || shutdown(connection->fd, SHUT_WR) != 0) {
        destroy(connection);
        return false;
    }
    connection->phase = PHASE_LINGERING;
    connection->moved = now;
    return true;
}

/* After anything that happened: write, and poll for what is to happen next. The connection may be
 * gone afterwards. */
static void settle(struct connection *connection, struct mono_time now)
{
    int status = 0;
    int events = 0;

    for (int i = 0; i < WRITES_A_TURN && status == 0; i++)
        status = write_round(connection, now);
    if (status == STATUS_CLOSED) {
        buf_release(&connection->left);
        hear_out(connection, now);
        return;
    }
    if (status == STATUS_NOMEM) {
        destroy(connection);
        return;
    }
    if (status == STATUS_NOT_FOUND && connection->phase == PHASE_ENDING &&
        !start_lingering(connection, now))
        return;
    if (status != STATUS_NOT_FOUND)
        events |= UV_WRITABLE;
    if (wants_input(connection))
        events |= UV_READABLE;
    poll_for(connection, events);
}

/* Returns: 0; STATUS_CLOSED where the socket is dead. */
static int read_some(struct connection *connection, struct mono_time now)
{
    const struct server_protocol *protocol = protocol_of(connection);
    struct server_thread *thread = connection->thread;
    ssize_t size = recv(connection->fd, thread->read_buffer, thread->server->options.read_bytes_max,
                        0);
    int status;

    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : STATUS_CLOSED;
    if (connection->phase == PHASE_LINGERING)
        return size == 0 ? STATUS_CLOSED : 0;
    if (size == 0) {
        connection->is_peer_done = true;
        status = protocol->finish != NULL ? protocol->finish(connection->state, now)
                                          : STATUS_CLOSED;
    } else {
        server_count(thread->server, thread->server->options.meter.bytes, (uint64_t)size);
        status = protocol->receive(connection->state,
                                   (struct view){thread->read_buffer, (size_t)size}, now);
    }
    if (status != 0)
        connection->phase = PHASE_ENDING;
    return 0;
}

/* The socket is dead, but what its peer had sent before may lie in it still: senders that exit
 * without waiting for their answers leave such. Nothing that is said to it arrives. */
static void hear_out(struct connection *connection, struct mono_time now)
{
    struct buf *shared = &connection->thread->output;

    for (int i = 0; i < LAST_READS && wants_input(connection); i++) {
        if (connection->phase == PHASE_LINGERING || read_some(connection, now) != 0)
            break;
        buf_reset(shared);
        if (protocol_of(connection)->produce(connection->state, now, OUTPUT_BYTES, shared) != 0)
            break;
    }
    destroy(connection);
}

static void on_event(uv_poll_t *poll, int error, int events)
{
    struct connection *connection = poll->data;
    struct mono_time now = clock_mono();

    if (error != 0) {
        hear_out(connection, now);
        return;
    }
    if ((events & UV_READABLE) != 0 && wants_input(connection) && read_some(connection, now) != 0) {
        destroy(connection);
        return;
    }
    settle(connection, now);
}

void connection_wake(struct connection *connection)
{
    settle(connection, clock_mono());
}

void connection_tick(struct connection *connection, struct mono_time now)
{
    const struct server_protocol *protocol = protocol_of(connection);
    const struct server_options *options = &connection->thread->server->options;

    if (connection->phase == PHASE_LINGERING && now.ns - connection->moved.ns >= linger_ns) {
        destroy(connection);
        return;
    }
    if (connection->left.size != 0 && now.ns - connection->moved.ns >= options->write_timeout_ns) {
        server_count(connection->thread->server, options->meter.timeouts, 1);
        destroy(connection);
        return;
    }
    if (connection->phase == PHASE_OPEN && protocol->tick != NULL &&
        protocol->tick(connection->state, now) != 0)
        connection->phase = PHASE_ENDING;
    settle(connection, now);
}

void connection_drain(struct connection *connection, struct mono_time now)
{
    const struct server_protocol *protocol = protocol_of(connection);

    if (connection->phase == PHASE_OPEN &&
        (protocol->drain == NULL || protocol->drain(connection->state, now) != 0))
        connection->phase = PHASE_ENDING;
    settle(connection, now);
}

void connection_cut(struct connection *connection)
{
    destroy(connection);
}

static void on_adopted(struct loop_task *task)
{
    struct connection *connection = (struct connection *)(void *)task;
    struct server_thread *thread = connection->thread;
    struct mono_time now = clock_mono();

    if (uv_poll_init(&thread->loop.uv, &connection->poll, connection->fd) != 0) {
        (void)close(connection->fd);
        mem_free(connection);
        server_thread_left(thread);
        return;
    }
    connection->poll.data = connection;
    connection->next = thread->first;
    connection->link = &thread->first;
    if (thread->first != NULL)
        thread->first->link = &connection->next;
    thread->first = connection;
    connection->moved = now;
    server_thread_joined(thread);
    if (protocol_of(connection)
            ->open(thread->server->options.context, thread->index, connection, now,
                   &connection->state) != 0) {
        connection->state = NULL;
        destroy(connection);
        return;
    }
    if (thread->is_draining)
        connection_drain(connection, now);
    else
        settle(connection, now);
}

int connection_send_to(struct server_thread *thread, int fd, unsigned door)
{
    struct connection *connection = mem_calloc(1, sizeof(*connection));

    if (connection == NULL)
        return STATUS_NOMEM;
    connection->thread = thread;
    connection->fd = fd;
    connection->door = door;
    connection->adopt.run = on_adopted;
    loop_post(&thread->loop, &connection->adopt);
    return 0;
}
