/* server.c: doors are built after the engine and closed before it. */
#include "engine/server.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "exporters/routes.h"
#include "net/address.h"
#include "net/http_server.h"
#include "receiver/grpc_server.h"
#include "receiver/receiver_counters.h"

enum { BOUND_BYTES_MAX = 512 };

struct server {
    const struct options *options;
    struct engine *engine;
    bool receiver_counters_made;
    struct counters receiver_counters;
    const struct counters *health[2];
    struct grpc_method method;
    struct grpc_server *grpc;
    struct routes *routes;
    struct http_server *web;
    struct buf bound[SERVER_DOOR_COUNT];
    _Atomic bool ready;
};

/* ------------------------------------------------------ what the routes show */

static struct snapshot *take_snapshot(void *context)
{
    struct server *server = context;
    struct snapshot *snapshot;

    return engine_snapshot(server->engine, &snapshot) == 0 ? snapshot : NULL;
}

static bool is_ready(void *context)
{
    struct server *server = context;

    return atomic_load(&server->ready);
}

static int show_config(void *context, struct buf *out)
{
    struct server *server = context;

    return options_print(server->options, out);
}

static int show_cardinality(void *context, struct buf *out)
{
    struct server *server = context;

    return engine_cardinality(server->engine, out);
}

/* ----------------------------------------------------------------- building */

static int make_grpc(struct server *server, const struct log *log)
{
    const struct options *options = server->options;
    const struct budget *budget = engine_budget(server->engine);
    struct grpc_server_options grpc = {
        .methods = &server->method,
        .methods_count = 1,
        .threads = budget->threads,
        .message_bytes_max = budget->request_bytes_max,
        .body_bytes_max = (size_t)budget->share_bytes[BUDGET_REQUESTS],
        .streams_max = (uint32_t)options->receiver_streams_max,
        .connections_max = (uint32_t)options->receiver_connections_max,
        .idle_timeout_ns = options->receiver_idle_timeout_ns,
        .request_timeout_ns = options->receiver_request_timeout_ns,
        .log = log,
        .counters = &server->receiver_counters,
    };

    server->method = (struct grpc_method){
        .path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        .call = engine_export,
        .context = server->engine,
    };
    return grpc_server_new(&grpc, &server->grpc);
}

static int make_web(struct server *server, struct view draw_helper)
{
    const struct options *options = server->options;
    struct routes_options routes = {
        .source =
            {
                .context = server,
                .snapshot = take_snapshot,
                .is_ready = is_ready,
                .config = show_config,
                .cardinality = show_cardinality,
            },
        .defaults =
            {
                .self_edges = options->map_self_edges,
                .expiration_ns = options->metrics_expiration_ns,
                .draw_helper = draw_helper,
                .draw_timeout_ns = options->draw_timeout_ns,
                .draw_memory_bytes_max = options->draw_memory_bytes_max,
            },
        .health = server->health,
        .health_count = 2,
    };
    struct http_server_options web = {
        .handler = {.handle = routes_handle},
        .connections_max = (uint32_t)options->web_connections_max,
        .hosts = options->web_hosts.items,
        .hosts_count = options->web_hosts.count,
    };
    int status = routes_new(&routes, &server->routes);

    if (status != 0)
        return status;
    web.handler.context = server->routes;
    return http_server_new(&web, &server->web);
}

static int make_counters(struct server *server)
{
    int status = counters_init(&server->receiver_counters, receiver_counter_rows,
                               RECEIVER_COUNTER_COUNT);

    if (status != 0)
        return status;
    server->receiver_counters_made = true;
    server->health[0] = engine_counters(server->engine);
    server->health[1] = &server->receiver_counters;
    return 0;
}

int server_new(const struct options *options, const struct server_setup *setup, char out_error[256],
               struct server **out_server)
{
    struct engine_setup engine = {.threaded = true, .machine = setup->machine};
    struct server *server = mem_calloc(1, sizeof(*server));
    int status = STATUS_NOMEM;

    out_error[0] = '\0';
    if (server == NULL)
        goto out;
    server->options = options;
    for (size_t i = 0; i < SERVER_DOOR_COUNT; i++)
        buf_init(&server->bound[i], BOUND_BYTES_MAX);
    status = engine_new(options, &engine, out_error, &server->engine);
    if (status == 0)
        status = make_counters(server);
    if (status == 0)
        status = make_grpc(server, setup->log);
    if (status == 0)
        status = make_web(server, setup->draw_helper);
out:
    if (status != 0) {
        if (out_error[0] == '\0')
            snprintf(out_error, 256, "%s", status_text(status));
        server_free(server);
        return status;
    }
    *out_server = server;
    return 0;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    grpc_server_free(server->grpc);
    http_server_free(server->web);
    routes_free(server->routes);
    engine_free(server->engine);
    if (server->receiver_counters_made)
        counters_release(&server->receiver_counters);
    for (size_t i = 0; i < SERVER_DOOR_COUNT; i++)
        buf_release(&server->bound[i]);
    mem_free(server);
}

/* ------------------------------------------------------------------ running */

int server_listen(struct server *server, char out_error[256])
{
    struct address address;
    int status = address_parse(server->options->listen_grpc, out_error, &address);

    if (status == 0 && address.type != ADDRESS_OFF)
        status = grpc_server_listen(server->grpc, &address, out_error, &server->bound[SERVER_GRPC]);
    if (status == 0)
        status = address_parse(server->options->listen_web, out_error, &address);
    if (status == 0 && address.type != ADDRESS_OFF)
        status = http_server_listen(server->web, &address, out_error, &server->bound[SERVER_WEB]);
    return status;
}

int server_start(struct server *server)
{
    int status = engine_start(server->engine);

    if (status == 0)
        status = grpc_server_start(server->grpc);
    if (status == 0)
        status = http_server_start(server->web);
    if (status == 0)
        atomic_store(&server->ready, true);
    return status;
}

struct view server_bound(const struct server *server, enum server_door door)
{
    return buf_view(&server->bound[door]);
}

void server_drain(struct server *server, uint64_t patience_ns)
{
    atomic_store(&server->ready, false);
    grpc_server_drain(server->grpc, patience_ns);
    engine_stop(server->engine);
    http_server_stop(server->web);
}

struct engine *server_engine(struct server *server)
{
    return server->engine;
}
