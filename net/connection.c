/* connection.c: one socket between its loop and its protocol.
 *
 *   GREETING ──> OPEN ──ended by protocol, peer or drain──> ENDING ──all written──> LINGERING ──> gone
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
#include "net/connection_priv.h"

/* A dead socket's receive buffer may hold some megabytes. */
enum { WRITES_A_TURN = 4, LAST_READS = 64 };
static const uint64_t linger_ns = NS_PER_S;

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

struct connection *connection_previous(const struct connection *connection)
{
    char *link = (char *)connection->link;

    if (connection->link == &connection->thread->first)
        return NULL;
    return (struct connection *)(void *)(link - offsetof(struct connection, next));
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

bool connection_uid(const struct connection *connection, uint32_t *out_uid)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(name);
    struct ucred peer;
    socklen_t peer_size = sizeof(peer);

    if (getsockname(connection->fd, (struct sockaddr *)&name, &size) != 0 ||
        name.ss_family != AF_UNIX ||
        getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) != 0)
        return false;
    *out_uid = peer.uid;
    return true;
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
        connection_protocol(connection)->close(state);
}

static void unlink_connection(struct connection *connection)
{
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    else
        connection->thread->last = connection_previous(connection);
}

int connection_open(struct connection *connection, struct mono_time now)
{
    struct server_thread *thread = connection->thread;
    int status = connection_protocol(connection)
                     ->open(thread->server->options.context, thread->index, connection, now,
                            &connection->state);

    if (status != 0)
        connection->state = NULL;
    else
        connection->phase = PHASE_OPEN;
    return status;
}

/* ------------------------------------------------------------------------- the end */

static void destroy(struct connection *connection)
{
    struct server_thread *thread = connection->thread;
    struct peer_key peer = connection->peer;

    if (connection->phase == PHASE_GREETING)
        connection_count_greeting(connection, TLS_LEFT);
    close_state(connection);
    tls_session_free(connection->tls);
    unlink_connection(connection);
    buf_release(&connection->left);
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    (void)close(connection->fd);
    server_thread_left(thread, &peer);
}

/* -------------------------------------------------------------------------- output */

/* Returns: 0 (all of it went, or as much as the socket took); STATUS_CLOSED. */
static int write_some(struct connection *connection, struct view output, struct mono_time now,
                      size_t *out_written)
{
    ssize_t written = send(connection->fd, output.data, output.size, MSG_NOSIGNAL);

    if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return STATUS_CLOSED;
    *out_written = written > 0 ? (size_t)written : 0;
    if (written > 0) {
        connection->moved = now;
        connection->taken += (uint64_t)written;
    }
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

/* What is to be written next. Returns: 0; STATUS_NOT_FOUND (nothing); STATUS_NOMEM. */
static int gather(struct connection *connection, struct mono_time now, struct view *out_output)
{
    struct server_thread *thread = connection->thread;
    struct buf *output = &thread->output;
    int status = 0;

    buf_reset(output);
    if (connection->state != NULL && !connection->is_shut &&
        connection_protocol(connection)->produce(connection->state, now, OUTPUT_BYTES, output) !=
            0 &&
        connection->phase == PHASE_OPEN)
        connection->phase = PHASE_ENDING;
    if (connection->tls != NULL) {
        buf_reset(&thread->sealed);
        status = tls_session_send(connection->tls, buf_view(output), &thread->sealed);
        output = &thread->sealed;
        if (status == 0 && output->size == 0 && connection->phase == PHASE_ENDING) {
            connection->is_shut = true;
            status = tls_session_end(connection->tls, output);
        }
    }
    if (status == STATUS_NOMEM)
        return status;
    *out_output = buf_view(output);
    /* Where TLS has failed, what the protocol had to say cannot be said. */
    return status != 0 || output->size == 0 ? STATUS_NOT_FOUND : 0;
}

/* One round of output. Returns: 0; STATUS_BUSY (the socket takes no more); STATUS_NOT_FOUND (there
 * is no more); STATUS_CLOSED; STATUS_NOMEM. */
static int write_round(struct connection *connection, struct mono_time now)
{
    struct view output = {NULL, 0};
    size_t written = 0;
    int status = write_left(connection, now);

    if (status == 0)
        status = gather(connection, now, &output);
    if (status == 0)
        status = write_some(connection, output, now, &written);
    if (status != 0)
        return status;
    if (written == output.size) {
        bool is_all = connection_protocol(connection)->produces_all && output.size < OUTPUT_BYTES;

        return is_all && connection->phase == PHASE_OPEN ? STATUS_NOT_FOUND : 0;
    }
    connection->moved = now;
    status = buf_append(&connection->left, output.data + written, output.size - written);
    return status != 0 ? status : STATUS_BUSY;
}

/* --------------------------------------------------------------------------- turns */

static void on_event(uv_poll_t *poll, int error, int events);
static void hear_out(struct connection *connection, struct mono_time now);

static bool wants_input(const struct connection *connection)
{
    const struct server_protocol *protocol = connection_protocol(connection);

    if (connection->phase == PHASE_LINGERING)
        return true;
    if (connection->is_peer_done || connection->left.size != 0)
        return false;
    if (connection->phase == PHASE_GREETING)
        return true;
    return connection->phase == PHASE_OPEN &&
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

/* What there is to write is written still. */
static void end(struct connection *connection)
{
    if (connection->phase == PHASE_GREETING)
        connection_count_greeting(connection, TLS_LEFT);
    if (connection->phase != PHASE_LINGERING)
        connection->phase = PHASE_ENDING;
}

/* The peer sends no more. Returns: as the protocol's finish(). */
static int finish(struct connection *connection, struct mono_time now)
{
    const struct server_protocol *protocol = connection_protocol(connection);

    connection->is_peer_done = true;
    if (connection->state == NULL || protocol->finish == NULL)
        return STATUS_CLOSED;
    return protocol->finish(connection->state, now);
}

/* Bytes off the wire, to the protocol by way of TLS. Returns: 0; or that the connection ends. */
static int take_sealed(struct connection *connection, struct view bytes, struct mono_time now)
{
    struct buf *plain = &connection->thread->plain;
    int received = 0;
    int status;

    buf_reset(plain);
    connection->moved = now; /* For what there may be left to write then. */
    if (connection->phase == PHASE_GREETING)
        status = connection_greet(connection, bytes, now);
    else
        status = tls_session_receive(connection->tls, bytes, plain, &connection->left);
    /* What came whole before the end, or before the damage, counts. */
    if (connection->phase == PHASE_OPEN && plain->size != 0)
        received = connection_protocol(connection)
                       ->receive(connection->state, buf_view(plain), now);
    if (received != 0)
        return received;
    return status == STATUS_CLOSED ? finish(connection, now) : status;
}

/* Returns: 0; STATUS_CLOSED where the socket is dead. */
static int read_some(struct connection *connection, struct mono_time now)
{
    struct server_thread *thread = connection->thread;
    const struct server_options *options = &thread->server->options;
    ssize_t size = recv(connection->fd, thread->read_buffer, options->read_bytes_max, 0);
    struct view bytes = {thread->read_buffer, size > 0 ? (size_t)size : 0};
    int status;

    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : STATUS_CLOSED;
    if (connection->phase == PHASE_LINGERING)
        return size == 0 ? STATUS_CLOSED : 0;
    server_count(thread->server, options->meter.bytes, bytes.size);
    if (size == 0)
        status = finish(connection, now);
    else if (connection->is_sealed)
        status = take_sealed(connection, bytes, now);
    else
        status = connection_protocol(connection)->receive(connection->state, bytes, now);
    if (status != 0)
        end(connection);
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
        buf_reset(&connection->left);
        if (connection->state == NULL)
            continue;
        if (connection_protocol(connection)
                ->produce(connection->state, now, OUTPUT_BYTES, shared) != 0)
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
    /* The loop asks again in its next turn. */
    if (connection_is_deferred(connection))
        return;
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

/* Whether the peer takes nothing, or hardly anything, of what waits for it. */
static bool reads_too_slowly(struct connection *connection, struct mono_time now)
{
    const struct server_options *options = &connection->thread->server->options;
    uint64_t passed_ns = now.ns - connection->measured.ns;
    bool is_slow = now.ns - connection->moved.ns >= options->write_timeout_ns;

    if (connection->left.size != 0 && passed_ns < options->write_timeout_ns)
        return is_slow;
    is_slow = is_slow ||
              connection->taken < options->write_rate_min * (passed_ns / NS_PER_MS) / 1000;
    connection->measured = now;
    connection->taken = 0;
    return connection->left.size != 0 && is_slow;
}

void connection_tick(struct connection *connection, struct mono_time now)
{
    const struct server_protocol *protocol = connection_protocol(connection);
    const struct server_options *options = &connection->thread->server->options;

    if (connection->phase == PHASE_LINGERING && now.ns - connection->moved.ns >= linger_ns) {
        destroy(connection);
        return;
    }
    if (reads_too_slowly(connection, now)) {
        server_count(connection->thread->server, options->meter.timeouts, 1);
        destroy(connection);
        return;
    }
    if (connection->phase == PHASE_GREETING &&
        now.ns - connection->begun.ns >= options->tls.handshake_timeout_ns) {
        connection_count_greeting(connection, TLS_TIMEOUT);
        connection->phase = PHASE_ENDING;
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
    const struct server_protocol *protocol = connection_protocol(connection);

    if (connection->phase == PHASE_GREETING ||
        (connection->phase == PHASE_OPEN &&
         (protocol->drain == NULL || protocol->drain(connection->state, now) != 0)))
        end(connection);
    settle(connection, now);
}

/* Without a protocol behind it, it waits for its peer to say or to close something. */
enum server_need connection_need(const struct connection *connection)
{
    const struct server_protocol *protocol = connection_protocol(connection);

    if (connection->state == NULL)
        return SERVER_SPARABLE;
    return connection->phase == PHASE_OPEN && connection->left.size == 0
               ? protocol->need(connection->state)
               : SERVER_NEEDED;
}

void connection_cut(struct connection *connection)
{
    destroy(connection);
}

/* Counts it as what it is: refused, failed or accepted. Returns: 0; STATUS_FULL; STATUS_SYSTEM. */
static int settle_in(struct connection *connection)
{
    struct server_thread *thread = connection->thread;
    const struct server_meter *meter = &thread->server->options.meter;

    if (connection->is_too_many && server_thread_make_room(thread) != 0)
        return STATUS_FULL;
    if (uv_poll_init(&thread->loop.uv, &connection->poll, connection->fd) != 0) {
        server_count(thread->server, meter->accept_failures, 1);
        return STATUS_SYSTEM;
    }
    server_count(thread->server, meter->accepted, 1);
    return 0;
}

static void on_adopted(struct loop_task *task)
{
    struct connection *connection = (struct connection *)(void *)task;
    struct server_thread *thread = connection->thread;
    struct mono_time now = clock_mono();

    if (settle_in(connection) != 0) {
        struct peer_key peer = connection->peer;
        int fd = connection->fd;

        mem_free(connection);
        server_thread_left(thread, &peer); /* It is counted out before its peer hears of it. */
        (void)close(fd);
        return;
    }
    connection->poll.data = connection;
    connection->next = thread->first;
    connection->link = &thread->first;
    if (thread->first != NULL)
        thread->first->link = &connection->next;
    else
        thread->last = connection;
    thread->first = connection;
    connection->moved = now;
    connection->begun = now;
    connection->measured = now;
    connection->phase = PHASE_OPEN;
    server_thread_joined(thread);
    connection->is_sealed = connection_is_to_be_sealed(connection);
    if (connection->is_sealed) {
        connection->phase = PHASE_GREETING;
    } else if (connection_open(connection, now) != 0) {
        destroy(connection);
        return;
    }
    if (thread->is_draining)
        connection_drain(connection, now);
    else
        settle(connection, now);
}

int connection_send_to(struct server_thread *thread, const struct newcomer *newcomer)
{
    struct connection *connection = mem_calloc(1, sizeof(*connection));

    if (connection == NULL)
        return STATUS_NOMEM;
    connection->thread = thread;
    connection->fd = newcomer->fd;
    connection->door = newcomer->door;
    connection->peer = newcomer->peer;
    connection->is_too_many = newcomer->is_too_many;
    connection->adopt.run = on_adopted;
    loop_post(&thread->loop, &connection->adopt);
    return 0;
}
