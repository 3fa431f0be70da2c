/* receiver.c: sessions behind sockets. */
#include "receiver/receiver.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

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
    STREAMING_MAX = 256,
    WRITE_RATE_MIN = 1024,
    CONNECTIONS_MAX = 4096,
};

static const uint64_t request_timeout_ns = 60 * NS_PER_S;

/* The same line at most so often a thread: a flood must not become one of lines. */
static const uint64_t log_interval_ns = 10 * NS_PER_S;

struct receiver_thread {
    struct session_worker worker;
    struct log_gate fault_logged;
    struct log_gate refusal_logged;
};

struct receiver {
    struct session_shared shared;
    const struct log *log;
    uint32_t connections_max;
    struct receiver_thread *threads; /* threads_count of them */
    unsigned threads_count;
    _Atomic uint64_t trouble_logged_ns[SERVER_TROUBLE_COUNT]; /* 0: never. */
    struct server *server;
    char addresses[2][128]; /* As bound: gRPC's, HTTP's. */
};

/* One socket. */
struct peer {
    struct receiver *receiver;
    struct receiver_thread *thread;
    struct connection *connection;
    struct session *session;
    struct mono_time now; /* Of the last event. */
};

/* ---------------------------------------------------------------------------- log */

/* From any thread. */
static bool may_log_trouble(struct receiver *receiver, enum server_trouble trouble)
{
    uint64_t now_ns = clock_mono().ns;
    uint64_t last_ns = atomic_load(&receiver->trouble_logged_ns[trouble]);

    return (last_ns == 0 || now_ns - last_ns >= log_interval_ns) &&
           atomic_compare_exchange_strong(&receiver->trouble_logged_ns[trouble], &last_ns, now_ns);
}

static void on_trouble(void *context, enum server_trouble trouble)
{
    static const char *const reasons[SERVER_TROUBLE_COUNT] = {
        [SERVER_FULL] = "receiver.connections_max is reached",
        [SERVER_CROWDED] = "receiver.connections_per_address is reached",
        [SERVER_ACCEPT_FAILED] = "file descriptors or memory are out",
    };
    struct receiver *receiver = context;

    if (may_log_trouble(receiver, trouble))
        LOG(receiver->log, LOG_WARN,
            trouble == SERVER_ACCEPT_FAILED ? "connection not accepted" : "connection refused",
            LOG_TEXT("reason", reasons[trouble]), LOG_END);
}

static void log_fault(struct peer *peer)
{
    const char *fault = session_fault(peer->session);
    char name[64];

    if (fault == NULL || !log_gate_opens(&peer->thread->fault_logged, peer->now, log_interval_ns))
        return;
    connection_peer(peer->connection, name);
    LOG(peer->receiver->log, LOG_WARN, "connection ended for its peer's fault",
        LOG_TEXT("peer", name), LOG_TEXT("reason", fault), LOG_END);
}

/* What is told to the sender is told to who runs the server too, who may be the one to mend it. Behind
 * each of a session's events: the refusal lies with the thread, whose next event is another peer's. */
static void log_refusal(struct peer *peer)
{
    struct session_refusal *refusal = &peer->thread->worker.refusal;
    char name[64];

    if (!refusal->is_there)
        return;
    refusal->is_there = false;
    if (!log_gate_opens(&peer->thread->refusal_logged, peer->now, log_interval_ns))
        return;
    connection_peer(peer->connection, name);
    LOG(peer->receiver->log, LOG_WARN, "request refused", LOG_TEXT("peer", name),
        LOG_TEXT("transport", refusal->is_http ? "OTLP/HTTP" : "OTLP/gRPC"),
        LOG_NUM("status", refusal->status), LOG_TEXT("reason", refusal->reason), LOG_END);
}

/* ------------------------------------------------------------------- the protocol */

static int open_session(void *context, unsigned thread, struct connection *connection,
                        struct mono_time now, void **out_state)
{
    struct receiver *receiver = context;
    struct peer *peer = mem_calloc(1, sizeof(*peer));
    struct session_opening opening = {.serves = connection_door(connection),
                                      .connection = connection};
    int status;

    if (peer == NULL)
        return STATUS_NOMEM;
    peer->receiver = receiver;
    peer->thread = &receiver->threads[thread];
    peer->connection = connection;
    peer->now = now;
    status = session_new(&receiver->shared, &peer->thread->worker, opening, now, &peer->session);
    if (status != 0)
        mem_free(peer);
    else
        *out_state = peer;
    return status;
}

static int receive(void *state, struct view bytes, struct mono_time now)
{
    struct peer *peer = state;
    int status;

    peer->now = now;
    status = session_receive(peer->session, bytes, now);
    log_refusal(peer);
    return status;
}

static int tick(void *state, struct mono_time now)
{
    struct peer *peer = state;
    int status;

    peer->now = now;
    status = session_tick(peer->session, now);
    log_refusal(peer);
    return status;
}

static int drain(void *state, struct mono_time now)
{
    struct peer *peer = state;
    int status;

    peer->now = now;
    status = session_drain(peer->session, now);
    log_refusal(peer);
    return status;
}

static int produce(void *state, struct mono_time now, size_t enough, struct buf *out)
{
    struct peer *peer = state;
    int status;

    peer->now = now;
    status = session_produce(peer->session, now, enough, out);
    log_refusal(peer);
    return status;
}

static bool wants_input(const void *state)
{
    const struct peer *peer = state;

    return session_wants_input(peer->session);
}

static void close_session(void *state)
{
    struct peer *peer = state;

    log_fault(peer);
    session_free(peer->session);
    mem_free(peer);
}

/* A peer that has closed its side is done: what came whole was answered on the spot. */
static enum server_need need(const void *state)
{
    const struct peer *peer = state;

    return session_is_sparable(peer->session) ? SERVER_SPARABLE : SERVER_NEEDED;
}

static const struct server_protocol protocol = {
    .open = open_session,
    .receive = receive,
    .tick = tick,
    .drain = drain,
    .produce = produce,
    .produces_all = true,
    .wants_input = wants_input,
    .need = need,
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
    shared->stream_methods = options->stream_methods;
    shared->stream_methods_count = options->stream_methods_count;
    shared->health = options->health;
    shared->streaming_max = or_default(options->streaming_max, STREAMING_MAX);
    shared->message_bytes_max = or_default(options->message_bytes_max, MESSAGE_BYTES_MAX);
    shared->response_bytes_max = RESPONSE_BYTES_MAX;
    shared->streams_max = options->streams_max != 0 ? options->streams_max : STREAMS_MAX;
    shared->idle_timeout_ns = options->idle_timeout_ns;
    shared->request_timeout_ns = options->request_timeout_ns != 0 ? options->request_timeout_ns
                                                                  : request_timeout_ns;
    shared->limits = options->limits != NULL ? *options->limits : session_limits_default;
    shared->counters = options->counters;
    shared->gate = options->gate;
    shared->cors = options->cors;
    shared->workers = options->threads;
    session_shared_bound(shared, or_default(options->body_bytes_max, BODY_BYTES_MAX));
}

static int open_server(const struct receiver_options *options, struct receiver *receiver)
{
    struct server_options net = {
        .protocol = &protocol,
        .context = receiver,
        .name = "receive",
        .threads = options->threads,
        .connections_max = receiver->connections_max,
        .connections_per_peer_max = options->connections_per_address,
        .on_trouble = on_trouble,
        .tls = options->tls,
        .write_timeout_ns = receiver->shared.limits.write_timeout_ns,
        .write_rate_min = WRITE_RATE_MIN,
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

    if (net.tls.handshake_timeout_ns == 0)
        net.tls.handshake_timeout_ns = receiver->shared.limits.header_timeout_ns;
    return server_new(&net, &receiver->server);
}

int receiver_new(const struct receiver_options *options, struct receiver **out_receiver)
{
    struct receiver *receiver = mem_calloc(1, sizeof(*receiver));
    int status = STATUS_NOMEM;

    CHECK(options->threads != 0 && options->counters != NULL);
    if (receiver == NULL)
        return STATUS_NOMEM;
    init_shared(options, &receiver->shared);
    receiver->log = options->log;
    receiver->connections_max = options->connections_max != 0 ? options->connections_max
                                                              : CONNECTIONS_MAX;
    receiver->threads = mem_calloc(options->threads, sizeof(*receiver->threads));
    if (receiver->threads == NULL)
        goto out;
    receiver->threads_count = options->threads;
    for (unsigned i = 0; i < options->threads; i++)
        session_worker_init(&receiver->threads[i].worker, i, &receiver->shared);
    status = open_server(options, receiver);
out:
    if (status != 0)
        receiver_free(receiver);
    else
        *out_receiver = receiver;
    return status;
}

/* Who comes to the wrong door is told of the other. */
static void note_address(struct receiver *receiver, unsigned serves, struct view bound)
{
    struct view *addresses[] = {&receiver->shared.grpc_address, &receiver->shared.http_address};

    for (unsigned i = 0; i < 2; i++) {
        if ((serves & (i == 0 ? SESSION_GRPC : SESSION_HTTP)) == 0 || addresses[i]->size != 0)
            continue;
        (void)snprintf(receiver->addresses[i], sizeof(receiver->addresses[i]), "%.*s",
                       (int)bound.size, bound.data);
        *addresses[i] = view_of(receiver->addresses[i]);
    }
}

int receiver_listen(struct receiver *receiver, const struct address *address, unsigned serves,
                    char out_error[256], struct buf *out_bound)
{
    size_t begin = out_bound->size;
    int status = server_listen(receiver->server, address, serves, out_error, out_bound);

    if (status == 0)
        note_address(receiver, serves,
                     (struct view){out_bound->data + begin, out_bound->size - begin});
    return status;
}

int receiver_start(struct receiver *receiver)
{
    return server_start(receiver->server);
}

void receiver_drain(struct receiver *receiver, uint64_t patience_ns)
{
    server_drain(receiver->server, patience_ns);
}

void receiver_free(struct receiver *receiver)
{
    if (receiver == NULL)
        return;
    server_free(receiver->server);
    for (unsigned i = 0; i < receiver->threads_count; i++)
        session_worker_release(&receiver->threads[i].worker);
    mem_free(receiver->threads);
    session_shared_release(&receiver->shared);
    mem_free(receiver);
}
