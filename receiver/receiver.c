/* receiver.c: sessions behind sockets. */
#include "receiver/receiver.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/server.h"
#include "receiver/receiver_counters.h"
#include "receiver/session.h"

enum {
    MESSAGE_BYTES_MAX = 64 * 1024 * 1024,
    BODY_BYTES_MAX = 256 * 1024 * 1024,
    RESPONSE_BYTES_MAX = 4 * 1024 * 1024,
    STREAMS_MAX = 100,
    CONNECTIONS_MAX = 4096,
};

static const uint64_t request_timeout_ns = 60 * NS_PER_S;

/* The same line at most so often a thread: a flood must not become one of lines. */
static const uint64_t log_interval_ns = 10 * NS_PER_S;

/* Of one line. */
struct log_gate {
    bool is_used;
    struct mono_time last;
};

struct grpc_thread {
    struct session_worker worker;
    struct log_gate fault_logged;
};

struct receiver {
    struct session_shared shared;
    const struct log *log;
    uint32_t connections_max;
    struct grpc_thread *threads; /* threads_count of them */
    unsigned threads_count;
    _Atomic uint64_t trouble_logged_ns[SERVER_TROUBLE_COUNT]; /* 0: never. */
    struct server *server;
};

/* One socket. */
struct grpc_peer {
    struct receiver *server;
    struct grpc_thread *thread;
    struct connection *connection;
    struct session *session;
    struct mono_time now; /* Of the last event. */
};

/* ---------------------------------------------------------------------------- log */

static bool may_log(struct log_gate *gate, struct mono_time now)
{
    if (gate->is_used && now.ns - gate->last.ns < log_interval_ns)
        return false;
    *gate = (struct log_gate){.is_used = true, .last = now};
    return true;
}

/* From any thread. */
static bool may_log_trouble(struct receiver *server, enum server_trouble trouble)
{
    uint64_t now_ns = clock_mono().ns;
    uint64_t last_ns = atomic_load(&server->trouble_logged_ns[trouble]);

    return (last_ns == 0 || now_ns - last_ns >= log_interval_ns) &&
           atomic_compare_exchange_strong(&server->trouble_logged_ns[trouble], &last_ns, now_ns);
}

static void on_trouble(void *context, enum server_trouble trouble)
{
    static const char *const reasons[SERVER_TROUBLE_COUNT] = {
        [SERVER_FULL] = "receiver.connections_max is reached",
        [SERVER_CROWDED] = "receiver.connections_per_address is reached",
        [SERVER_ACCEPT_FAILED] = "file descriptors or memory are out",
    };
    struct receiver *server = context;

    if (may_log_trouble(server, trouble))
        LOG(server->log, LOG_WARN,
            trouble == SERVER_ACCEPT_FAILED ? "connection not accepted" : "connection refused",
            LOG_TEXT("reason", reasons[trouble]), LOG_END);
}

static void log_fault(struct grpc_peer *peer)
{
    const char *fault = session_fault(peer->session);
    char name[64];

    if (fault == NULL || !may_log(&peer->thread->fault_logged, peer->now))
        return;
    connection_peer(peer->connection, name);
    LOG(peer->server->log, LOG_WARN, "connection ended for its peer's fault",
        LOG_TEXT("peer", name), LOG_TEXT("reason", fault), LOG_END);
}

/* ------------------------------------------------------------------- the protocol */

static int open_session(void *context, unsigned thread, struct connection *connection,
                        struct mono_time now, void **out_state)
{
    struct receiver *server = context;
    struct grpc_peer *peer = mem_calloc(1, sizeof(*peer));
    int status;

    if (peer == NULL)
        return STATUS_NOMEM;
    peer->server = server;
    peer->thread = &server->threads[thread];
    peer->connection = connection;
    peer->now = now;
    status = session_new(&server->shared, &peer->thread->worker, now, &peer->session);
    if (status != 0)
        mem_free(peer);
    else
        *out_state = peer;
    return status;
}

static int receive(void *state, struct view bytes, struct mono_time now)
{
    struct grpc_peer *peer = state;

    peer->now = now;
    return session_receive(peer->session, bytes, now);
}

static int tick(void *state, struct mono_time now)
{
    struct grpc_peer *peer = state;

    peer->now = now;
    return session_tick(peer->session, now);
}

static int drain(void *state, struct mono_time now)
{
    struct grpc_peer *peer = state;

    return session_drain(peer->session, now);
}

static int produce(void *state, struct mono_time now, size_t enough, struct buf *out)
{
    struct grpc_peer *peer = state;

    return session_produce(peer->session, now, enough, out);
}

static void close_session(void *state)
{
    struct grpc_peer *peer = state;

    log_fault(peer);
    session_free(peer->session);
    mem_free(peer);
}

/* A peer that has closed its side is done: what came whole was answered on the spot. */
static const struct server_protocol protocol = {
    .open = open_session,
    .receive = receive,
    .tick = tick,
    .drain = drain,
    .produce = produce,
    .close = close_session,
};

/* --------------------------------------------------------------------------- life */

static size_t or_default(size_t value, size_t by_default)
{
    return value != 0 ? value : by_default;
}

static void init_shared(const struct receiver_options *options, struct session_shared *shared)
{
    shared->methods = options->methods;
    shared->methods_count = options->methods_count;
    shared->message_bytes_max = or_default(options->message_bytes_max, MESSAGE_BYTES_MAX);
    shared->response_bytes_max = RESPONSE_BYTES_MAX;
    shared->streams_max = options->streams_max != 0 ? options->streams_max : STREAMS_MAX;
    shared->idle_timeout_ns = options->idle_timeout_ns;
    shared->request_timeout_ns = options->request_timeout_ns != 0 ? options->request_timeout_ns
                                                                  : request_timeout_ns;
    shared->counters = options->counters;
    session_shared_bound(shared, or_default(options->body_bytes_max, BODY_BYTES_MAX));
}

static int open_server(const struct receiver_options *options, struct receiver *server)
{
    struct server_options net = {
        .protocol = &protocol,
        .context = server,
        .name = "grpc",
        .threads = options->threads,
        .connections_max = server->connections_max,
        .connections_per_peer_max = options->connections_per_address,
        .on_trouble = on_trouble,
        .write_timeout_ns = server->shared.request_timeout_ns,
        .meter =
            {
                .counters = options->counters,
                .open = RECEIVER_CONNECTIONS,
                .accepted = RECEIVER_CONNECTIONS_TOTAL,
                .refused = RECEIVER_CONNECTIONS_REFUSED,
                .crowded = RECEIVER_LIMIT_ADDRESS,
                .displaced = RECEIVER_LIMIT_DISPLACED,
                .accept_failures = RECEIVER_ACCEPT_FAILURES,
                .timeouts = RECEIVER_CONNECTIONS_TIMED_OUT,
                .bytes = RECEIVER_BYTES,
            },
    };

    return server_new(&net, &server->server);
}

int receiver_new(const struct receiver_options *options, struct receiver **out_server)
{
    struct receiver *server = mem_calloc(1, sizeof(*server));
    int status = STATUS_NOMEM;

    CHECK(options->threads != 0 && options->counters != NULL);
    if (server == NULL)
        return STATUS_NOMEM;
    init_shared(options, &server->shared);
    server->log = options->log;
    server->connections_max = options->connections_max != 0 ? options->connections_max
                                                            : CONNECTIONS_MAX;
    server->threads = mem_calloc(options->threads, sizeof(*server->threads));
    if (server->threads == NULL)
        goto out;
    server->threads_count = options->threads;
    for (unsigned i = 0; i < options->threads; i++)
        session_worker_init(&server->threads[i].worker, i, server->shared.message_bytes_max);
    status = open_server(options, server);
out:
    if (status != 0)
        receiver_free(server);
    else
        *out_server = server;
    return status;
}

int receiver_listen(struct receiver *server, const struct address *address, char out_error[256],
                    struct buf *out_bound)
{
    return server_listen(server->server, address, 0, out_error, out_bound);
}

int receiver_start(struct receiver *server)
{
    return server_start(server->server);
}

void receiver_drain(struct receiver *server, uint64_t patience_ns)
{
    server_drain(server->server, patience_ns);
}

void receiver_free(struct receiver *server)
{
    if (server == NULL)
        return;
    server_free(server->server);
    for (unsigned i = 0; i < server->threads_count; i++)
        session_worker_release(&server->threads[i].worker);
    mem_free(server->threads);
    mem_free(server);
}
