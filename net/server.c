/* server.c: the threads, who gets which connection, and the end of it all. */
#include "net/server.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/thread.h"
#include "net/server_priv.h"
#include "net/socket.h"

/* Beyond connections_max so many may be on their way to threads that look for room for them. Of a
 * thread's connections at most so many are looked at. */
enum { TICK_MS = 100, TOO_MANY_MAX = 64, LOOKED_AT_MAX = 4096 };

static const uint64_t handshake_timeout_ns = 10 * NS_PER_S;
static const uint64_t handshakes_turn_ns = 5 * NS_PER_MS;

void server_count(const struct server *server, size_t which, uint64_t more)
{
    if (server->options.meter.counters != NULL)
        counters_add(server->options.meter.counters, which, more);
}

/* ------------------------------------------------------------ the acceptor's thread */

static struct server_thread *least_busy(struct server *server)
{
    struct server_thread *best = &server->threads[0];

    for (unsigned i = 1; i < server->options.threads; i++) {
        if (atomic_load_explicit(&server->threads[i].connections, memory_order_relaxed) <
            atomic_load_explicit(&best->connections, memory_order_relaxed))
            best = &server->threads[i];
    }
    return best;
}

/* Counts it in, or not at all. Returns: 0; STATUS_FULL. */
static int count_in(struct server_thread *thread, const struct peer_key *peer)
{
    struct server *server = thread->server;

    if (server->options.connections_per_peer_max != 0 && peer_counts_add(&server->peers, peer) != 0)
        return STATUS_FULL;
    (void)atomic_fetch_add_explicit(&thread->connections, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&server->connections, 1, memory_order_relaxed);
    server_count(server, server->options.meter.open, 1);
    return 0;
}

static void count_out(struct server_thread *thread, const struct peer_key *peer)
{
    struct server *server = thread->server;

    if (server->options.connections_per_peer_max != 0)
        peer_counts_remove(&server->peers, peer);
    (void)atomic_fetch_sub_explicit(&thread->connections, 1, memory_order_relaxed);
    (void)atomic_fetch_sub_explicit(&server->connections, 1, memory_order_relaxed);
    if (server->options.meter.counters != NULL)
        counters_subtract(server->options.meter.counters, server->options.meter.open, 1);
}

void server_tell(const struct server *server, enum server_trouble trouble)
{
    if (server->options.on_trouble != NULL)
        server->options.on_trouble(server->options.context, trouble);
}

static void refuse(struct server *server, int fd, enum server_trouble trouble)
{
    const struct server_meter *meter = &server->options.meter;

    server_count(server, trouble == SERVER_FULL ? meter->refused : meter->crowded, 1);
    server_tell(server, trouble);
    (void)close(fd);
}

static void take_connection(void *context, int fd, unsigned door)
{
    struct server *server = context;
    struct server_thread *thread = least_busy(server);
    uint32_t count = atomic_load_explicit(&server->connections, memory_order_relaxed);
    struct newcomer newcomer = {
        .fd = fd,
        .door = door,
        .is_too_many = count >= server->options.connections_max,
    };

    if (newcomer.is_too_many && (server->options.protocol->need == NULL ||
                                 count >= server->options.connections_max + TOO_MANY_MAX)) {
        refuse(server, fd, SERVER_FULL);
        return;
    }
    if (server->options.connections_per_peer_max != 0)
        newcomer.peer = peer_key_of(fd);
    if (count_in(thread, &newcomer.peer) != 0) {
        refuse(server, fd, SERVER_CROWDED);
        return;
    }
    if (connection_send_to(thread, &newcomer) != 0) {
        count_out(thread, &newcomer.peer);
        server_count(server, server->options.meter.accept_failures, 1);
        (void)close(fd);
    }
}

static void accept_failed(void *context)
{
    struct server *server = context;

    server_count(server, server->options.meter.accept_failures, 1);
    server_tell(server, SERVER_ACCEPT_FAILED);
}

/* ---------------------------------------------------------- a connection's thread */

static void on_tick(uv_timer_t *timer)
{
    struct server_thread *thread = timer->data;
    struct mono_time now = clock_mono();
    struct connection *next;

    for (struct connection *at = thread->first; at != NULL; at = next) {
        next = connection_next(at);
        connection_tick(at, now);
    }
}

static void on_turn(uv_prepare_t *turn)
{
    ((struct server_thread *)turn->data)->greetings_ns = 0;
}

void server_thread_joined(struct server_thread *thread)
{
    if (!uv_is_active((const uv_handle_t *)&thread->tick))
        CHECK(uv_timer_start(&thread->tick, on_tick, TICK_MS, TICK_MS) == 0);
}

static void end_if_drained(struct server_thread *thread)
{
    struct server *server = thread->server;

    if (!thread->is_draining ||
        atomic_load_explicit(&thread->connections, memory_order_relaxed) != 0)
        return;
    loop_end(&thread->loop);
    (void)pthread_mutex_lock(&server->lock);
    server->threads_ended++;
    (void)pthread_cond_signal(&server->ended);
    (void)pthread_mutex_unlock(&server->lock);
}

/* From the oldest on. */
int server_thread_make_room(struct server_thread *thread)
{
    struct server *server = thread->server;
    enum server_need best_need = SERVER_NEEDED;
    struct connection *best = NULL;
    struct connection *at = thread->last;

    for (int i = 0; i < LOOKED_AT_MAX && at != NULL && best_need != SERVER_SPARABLE; i++) {
        enum server_need need = connection_need(at);

        if (need > best_need) {
            best_need = need;
            best = at;
        }
        at = connection_previous(at);
    }
    if (best == NULL) {
        server_count(server, server->options.meter.refused, 1);
        server_tell(server, SERVER_FULL);
        return STATUS_FULL;
    }
    server_count(server, server->options.meter.displaced, 1);
    connection_cut(best);
    return 0;
}

void server_thread_left(struct server_thread *thread, const struct peer_key *peer)
{
    count_out(thread, peer);
    if (thread->first == NULL)
        (void)uv_timer_stop(&thread->tick);
    end_if_drained(thread);
}

static void on_drain(struct loop_task *task)
{
    struct server_thread *thread = (struct server_thread *)(void *)((char *)task -
                                                                    offsetof(struct server_thread,
                                                                             drain));
    struct mono_time now = clock_mono();
    struct connection *next;

    thread->is_draining = true;
    if (thread->first == NULL) {
        end_if_drained(thread);
        return;
    }
    for (struct connection *at = thread->first; at != NULL; at = next) {
        next = connection_next(at);
        connection_drain(at, now);
    }
}

static void on_cut(struct loop_task *task)
{
    struct server_thread *thread = (struct server_thread *)(void *)((char *)task -
                                                                    offsetof(struct server_thread,
                                                                             cut));

    while (thread->first != NULL)
        connection_cut(thread->first);
}

/* ------------------------------------------------------------------ the owner's thread */

static int thread_init(struct server *server, unsigned index)
{
    struct server_thread *thread = &server->threads[index];
    int status;

    thread->server = server;
    thread->index = index;
    thread->drain.run = on_drain;
    thread->cut.run = on_cut;
    buf_init(&thread->output, 0);
    buf_init(&thread->plain, 0);
    buf_init(&thread->sealed, 0);
    thread->read_buffer = mem_alloc(server->options.read_bytes_max);
    if (thread->read_buffer == NULL)
        return STATUS_NOMEM;
    status = loop_init(&thread->loop);
    if (status != 0)
        return status;
    CHECK(uv_timer_init(&thread->loop.uv, &thread->tick) == 0);
    thread->tick.data = thread;
    CHECK(uv_prepare_init(&thread->loop.uv, &thread->turn) == 0);
    thread->turn.data = thread;
    if (server->options.tls.store != NULL)
        CHECK(uv_prepare_start(&thread->turn, on_turn) == 0);
    return 0;
}

static void init_ended(struct server *server)
{
    CHECK(pthread_mutex_init(&server->lock, NULL) == 0);
    CHECK(thread_condition_init(&server->ended) == 0);
}

int server_new(const struct server_options *options, struct server **out_server)
{
    struct server *server = mem_calloc(1, sizeof(*server));
    struct acceptor_events events = {
        .take = take_connection, .failed = accept_failed, .context = server};
    int status = STATUS_NOMEM;

    CHECK(options->threads != 0);
    if (server == NULL)
        return STATUS_NOMEM;
    init_ended(server);
    server->options = *options;
    if (server->options.read_bytes_max == 0)
        server->options.read_bytes_max = READ_BYTES;
    if (server->options.tls.handshake_timeout_ns == 0)
        server->options.tls.handshake_timeout_ns = handshake_timeout_ns;
    if (server->options.tls.turn_ns == 0)
        server->options.tls.turn_ns = handshakes_turn_ns;
    server->threads = mem_calloc(options->threads, sizeof(*server->threads));
    if (server->threads == NULL)
        goto out;
    for (unsigned i = 0; i < options->threads; i++) {
        status = thread_init(server, i);
        if (status != 0)
            goto out;
    }
    if (options->connections_per_peer_max != 0)
        status = peer_counts_init(&server->peers, options->connections_max + TOO_MANY_MAX,
                                  options->connections_per_peer_max);
    if (status == 0)
        status = acceptor_init(&server->acceptor, &events);
out:
    if (status != 0)
        server_free(server);
    else
        *out_server = server;
    return status;
}

int server_listen(struct server *server, const struct address *address, unsigned door,
                  char out_error[256], struct buf *out_bound)
{
    struct sockets sockets;
    int status = sockets_open(address, out_error, &sockets);

    if (status != 0)
        return status;
    status = sockets_name(&sockets, out_bound);
    if (status == 0)
        status = acceptor_add(&server->acceptor, &sockets, door);
    if (status != 0) {
        (void)snprintf(out_error, 256, "cannot listen on one more address: %s",
                       status_text(status));
        sockets_close(&sockets);
    }
    return status;
}

int server_start(struct server *server)
{
    char name[16];
    int status = 0;

    CHECK(!server->is_started);
    server->is_started = true;
    for (unsigned i = 0; i < server->options.threads && status == 0; i++) {
        (void)snprintf(name, sizeof(name), "%.8s-%u", server->options.name, i % 1000000);
        status = loop_start(&server->threads[i].loop, name);
    }
    if (status != 0)
        return status;
    (void)snprintf(name, sizeof(name), "%.8s-accept", server->options.name);
    return acceptor_start(&server->acceptor, name);
}

static unsigned threads_running(const struct server *server)
{
    unsigned count = 0;

    for (unsigned i = 0; i < server->options.threads; i++)
        count += server->threads[i].loop.is_started;
    return count;
}

/* Returns: 0; STATUS_TIMEOUT. */
static int wait_for_threads(struct server *server, unsigned running, uint64_t patience_ns)
{
    uint64_t end_ns = clock_mono().ns;
    struct timespec end;
    int error = 0;

    end_ns = patience_ns < UINT64_MAX / 2 - end_ns ? end_ns + patience_ns : UINT64_MAX / 2;
    end.tv_sec = (time_t)(end_ns / NS_PER_S);
    end.tv_nsec = (long)(end_ns % NS_PER_S);
    (void)pthread_mutex_lock(&server->lock);
    while (server->threads_ended < running && error == 0)
        error = pthread_cond_timedwait(&server->ended, &server->lock, &end);
    (void)pthread_mutex_unlock(&server->lock);
    return error == 0 ? 0 : STATUS_TIMEOUT;
}

static void post_to_threads(struct server *server, bool cut)
{
    for (unsigned i = 0; i < server->options.threads; i++) {
        struct server_thread *thread = &server->threads[i];

        if (thread->loop.is_started)
            loop_post(&thread->loop, cut ? &thread->cut : &thread->drain);
    }
}

void server_drain(struct server *server, uint64_t patience_ns)
{
    unsigned running = threads_running(server);

    acceptor_stop(&server->acceptor);
    if (running == 0)
        return;
    /* What the acceptor handed over lies in the letter boxes before this. */
    post_to_threads(server, false);
    if (wait_for_threads(server, running, patience_ns) != 0)
        post_to_threads(server, true);
    for (unsigned i = 0; i < server->options.threads; i++)
        loop_join(&server->threads[i].loop);
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    if (server->threads != NULL) {
        server_drain(server, 0);
        for (unsigned i = 0; i < server->options.threads; i++) {
            loop_release(&server->threads[i].loop);
            mem_free(server->threads[i].read_buffer);
            buf_release(&server->threads[i].output);
            buf_release(&server->threads[i].plain);
            buf_release(&server->threads[i].sealed);
        }
        acceptor_release(&server->acceptor);
    }
    mem_free(server->threads);
    peer_counts_release(&server->peers);
    (void)pthread_cond_destroy(&server->ended);
    (void)pthread_mutex_destroy(&server->lock);
    mem_free(server);
}
