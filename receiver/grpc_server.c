/* grpc_server.c: sessions behind sockets. */
#include "receiver/grpc_server.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/server.h"
#include "receiver/grpc_session.h"
#include "receiver/receiver_counters.h"

enum {
    MESSAGE_BYTES_MAX = 64 * 1024 * 1024,
    BODY_BYTES_MAX = 256 * 1024 * 1024,
    RESPONSE_BYTES_MAX = 4 * 1024 * 1024,
    STREAMS_MAX = 100,
    CONNECTIONS_MAX = 4096,
};

static const uint64_t request_timeout_ns = 60 * NS_PER_S;

struct grpc_server {
    struct grpc_service service;
    struct grpc_worker *workers; /* `threads` of them */
    unsigned threads;
    struct server *server;
};

/* ------------------------------------------------------------------- the protocol */

static int open_session(void *context, unsigned thread, struct connection *connection,
                        struct mono_time now, void **out_state)
{
    struct grpc_server *server = context;
    struct grpc_session *session = NULL;
    int status;

    (void)connection;
    status = grpc_session_new(&server->service, &server->workers[thread], now, &session);
    if (status == 0)
        *out_state = session;
    return status;
}

static int receive(void *state, struct view bytes, struct mono_time now)
{
    return grpc_session_receive(state, bytes, now);
}

static int tick(void *state, struct mono_time now)
{
    return grpc_session_tick(state, now);
}

static int drain(void *state, struct mono_time now)
{
    return grpc_session_drain(state, now);
}

static int produce(void *state, struct mono_time now, size_t enough, struct buf *out)
{
    return grpc_session_produce(state, now, enough, out);
}

static void close_session(void *state)
{
    grpc_session_free(state);
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

static void init_service(const struct grpc_server_options *options, struct grpc_service *service)
{
    service->methods = options->methods;
    service->methods_count = options->methods_count;
    service->message_bytes_max = or_default(options->message_bytes_max, MESSAGE_BYTES_MAX);
    service->response_bytes_max = RESPONSE_BYTES_MAX;
    service->streams_max = options->streams_max != 0 ? options->streams_max : STREAMS_MAX;
    service->idle_timeout_ns = options->idle_timeout_ns;
    service->request_timeout_ns = options->request_timeout_ns != 0 ? options->request_timeout_ns
                                                                   : request_timeout_ns;
    service->counters = options->counters;
    service->budget.max = or_default(options->body_bytes_max, BODY_BYTES_MAX);
}

static int open_server(const struct grpc_server_options *options, struct grpc_server *server)
{
    struct server_options net = {
        .protocol = &protocol,
        .context = server,
        .name = "grpc",
        .threads = options->threads,
        .connections_max = options->connections_max != 0 ? options->connections_max
                                                         : CONNECTIONS_MAX,
        .write_timeout_ns = server->service.request_timeout_ns,
        .meter =
            {
                .counters = options->counters,
                .open = RECEIVER_CONNECTIONS,
                .accepted = RECEIVER_CONNECTIONS_TOTAL,
                .refused = RECEIVER_CONNECTIONS_REFUSED,
                .accept_failures = RECEIVER_ACCEPT_FAILURES,
                .timeouts = RECEIVER_CONNECTIONS_TIMED_OUT,
                .bytes = RECEIVER_BYTES,
            },
    };

    return server_new(&net, &server->server);
}

int grpc_server_new(const struct grpc_server_options *options, struct grpc_server **out_server)
{
    struct grpc_server *server = mem_calloc(1, sizeof(*server));
    int status = STATUS_NOMEM;

    CHECK(options->threads != 0 && options->counters != NULL);
    if (server == NULL)
        return STATUS_NOMEM;
    init_service(options, &server->service);
    server->workers = mem_calloc(options->threads, sizeof(*server->workers));
    if (server->workers == NULL)
        goto out;
    server->threads = options->threads;
    for (unsigned i = 0; i < server->threads; i++)
        grpc_worker_init(&server->workers[i], i, server->service.message_bytes_max);
    status = open_server(options, server);
out:
    if (status != 0)
        grpc_server_free(server);
    else
        *out_server = server;
    return status;
}

int grpc_server_listen(struct grpc_server *server, const struct address *address,
                       char out_error[256], struct buf *out_bound)
{
    return server_listen(server->server, address, out_error, out_bound);
}

int grpc_server_start(struct grpc_server *server)
{
    return server_start(server->server);
}

void grpc_server_drain(struct grpc_server *server, uint64_t patience_ns)
{
    server_drain(server->server, patience_ns);
}

void grpc_server_free(struct grpc_server *server)
{
    if (server == NULL)
        return;
    server_free(server->server);
    for (unsigned i = 0; i < server->threads; i++)
        grpc_worker_release(&server->workers[i]);
    mem_free(server->workers);
    mem_free(server);
}
