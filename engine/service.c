/* service.c: doors are built after the engine and closed before it. */
#include "engine/service.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/departures.h"
#include "engine/front.h"
#include "engine/secure.h"
#include "engine/signals.h"
#include "engine/tools.h"
#include "net/address.h"
#include "net/http_counters.h"
#include "net/http_server.h"
#include "receiver/receiver.h"
#include "receiver/receiver_counters.h"
#include "receiver/session.h"

enum { BOUND_BYTES_MAX = 512, OWN_STAGES = 4 };

#define DEPARTURES_LEAST_NS (2 * NS_PER_S)

struct service {
    struct options *options;
    struct view draw_helper;
    struct engine *engine;
    bool receiver_counters_made;
    struct counters receiver_counters;
    bool web_counters_made;
    struct counters web_counters;
    const struct counters *stages[OWN_STAGES + DEPARTURES_STAGES_MAX];
    size_t stages_count;
    struct departures departures;
    struct secure *secure;
    struct passed_sockets passed;
    struct signals signals;
    struct tools tools;
    struct receiver *receiver;
    struct front *front;
    struct http_server *web;
    struct buf bound[SERVICE_DOOR_COUNT];
};

/* ----------------------------------------------------------------- building */

static struct session_limits limits_of(const struct options *options)
{
    return (struct session_limits){
        .header_timeout_ns = options->receiver_header_timeout_ns,
        .write_timeout_ns = options->receiver_write_timeout_ns,
        .body_rate_min = options->receiver_body_rate_min,
        .age_max_ns = options->receiver_age_max_ns,
        .age_grace_ns = options->receiver_age_grace_ns,
        .keepalive_ns = options->receiver_keepalive_interval_ns,
        .keepalive_timeout_ns = options->receiver_keepalive_timeout_ns,
        .guard =
            {
                .resets_max = (uint32_t)options->receiver_resets_max,
                .ping_interval_ns = options->receiver_ping_interval_min_ns,
            },
    };
}

/* One that serves both is encrypted in any case. */
static struct server_tls receiver_tls(const struct service *service)
{
    struct server_tls tls = secure_tls(service->secure, SECURE_DOOR_RECEIVER,
                                       ALPN_H2 | ALPN_HTTP_1_1);

    if (service->options->tls_doors == TLS_DOORS_GRPC)
        tls.plain_doors = 1U << SESSION_HTTP;
    else if (service->options->tls_doors == TLS_DOORS_HTTP)
        tls.plain_doors = 1U << SESSION_GRPC;
    return tls;
}

static int make_receiver(struct service *service, const struct log *log)
{
    const struct options *options = service->options;
    const struct budget *budget = engine_budget(service->engine);
    struct session_limits limits = limits_of(options);
    struct receiver_options receiver = {
        .methods = service->tools.methods,
        .stream_methods = service->tools.stream_methods,
        .threads = budget->threads,
        .message_bytes_max = budget->request_bytes_max,
        .body_bytes_max = (size_t)budget->share_bytes[BUDGET_REQUESTS],
        .streams_max = (uint32_t)options->receiver_streams_max,
        .streaming_max = (size_t)options->receiver_streaming_max,
        .connections_max = (uint32_t)options->receiver_connections_max,
        .connections_per_address = (uint32_t)options->receiver_connections_per_address,
        .idle_timeout_ns = options->receiver_idle_timeout_ns,
        .request_timeout_ns = options->receiver_request_timeout_ns,
        .limits = &limits,
        .tls = receiver_tls(service),
        .gate = secure_gate(service->secure),
        .cors = signals_cors(&service->signals),
        .log = log,
        .counters = &service->receiver_counters,
    };

    tools_init(&service->tools, options, service->signals.methods, SIGNALS_METHODS);
    receiver.health = options->receiver_health ? &service->tools.health : NULL;
    receiver.methods_count = service->tools.methods_count;
    receiver.stream_methods_count = service->tools.stream_methods_count;
    return receiver_new(&receiver, &service->receiver);
}

static int make_web(struct service *service)
{
    const struct options *options = service->options;
    struct front_setup front = {
        .options = service->options,
        .engine = service->engine,
        .draw_helper = service->draw_helper,
        .health = service->stages,
        .health_count = service->stages_count,
        .receiver = &service->receiver_counters,
        .forward = departures_forward_counters(&service->departures),
    };
    struct http_server_options web = {
        .handler = {.handle = front_handle},
        .connections_max = (uint32_t)options->web_connections_max,
        .header_timeout_ns = options->web_header_timeout_ns,
        .counters = &service->web_counters,
        .tls = secure_tls(service->secure, SECURE_DOOR_WEB, ALPN_HTTP_1_1),
        .hosts = options->web_hosts.items,
        .hosts_count = options->web_hosts.count,
        .answers_bytes_max = engine_budget(service->engine)->answers_bytes_max,
        .answers_bytes_kept = engine_budget(service->engine)->answers_bytes_kept,
    };
    int status = front_new(&front, &service->front);

    if (status != 0)
        return status;
    web.handler.context = service->front;
    return http_server_new(&web, &service->web);
}

static int make_counters(struct service *service)
{
    int status = counters_init(&service->receiver_counters, receiver_counter_rows,
                               RECEIVER_COUNTER_COUNT);

    if (status != 0)
        return status;
    service->receiver_counters_made = true;
    status = counters_init(&service->web_counters, http_counter_rows, HTTP_COUNTER_COUNT);
    if (status != 0)
        return status;
    service->web_counters_made = true;
    service->stages[0] = engine_counters(service->engine);
    service->stages[1] = &service->receiver_counters;
    service->stages[2] = &service->web_counters;
    service->stages[3] = secure_counters(service->secure);
    service->stages_count = OWN_STAGES;
    return 0;
}

static int make_departures(struct service *service, const struct service_setup *setup,
                           char out_error[256])
{
    struct push_otlp_setup departures = {
        .options = service->options,
        .module = setup->grpc_module,
        .engine = service->engine,
        .log = setup->log,
    };
    int status = departures_init(&service->departures, &departures, out_error);

    if (status == 0)
        service->stages_count += departures_stages(&service->departures,
                                                   service->stages + OWN_STAGES);
    return status;
}

int service_new(struct options *options, const struct service_setup *setup, char out_error[256],
                struct service **out_service)
{
    struct engine_setup engine = {.threaded = true, .machine = setup->machine};
    struct service *service = mem_calloc(1, sizeof(*service));
    int status = STATUS_NOMEM;

    out_error[0] = '\0';
    if (service == NULL)
        goto out;
    service->options = options;
    service->draw_helper = setup->draw_helper;
    service->passed = setup->passed;
    for (size_t i = 0; i < SERVICE_DOOR_COUNT; i++)
        buf_init(&service->bound[i], BOUND_BYTES_MAX);
    status = engine_new(options, &engine, out_error, &service->engine);
    if (status == 0)
        status = secure_new(options, setup->log, out_error, &service->secure);
    if (status == 0)
        status = make_counters(service);
    if (status == 0)
        status = make_departures(service, setup, out_error);
    if (status == 0)
        status = signals_init(options, service->engine, &service->receiver_counters,
                              &service->signals);
    if (status == 0)
        status = make_receiver(service, setup->log);
    if (status == 0)
        status = make_web(service);
out:
    if (status != 0) {
        if (out_error[0] == '\0')
            snprintf(out_error, 256, "%s", status_text(status));
        service_free(service);
        return status;
    }
    *out_service = service;
    return 0;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    receiver_free(service->receiver);
    http_server_free(service->web);
    departures_release(&service->departures);
    front_free(service->front);
    secure_free(service->secure);
    signals_release(&service->signals);
    engine_free(service->engine);
    if (service->receiver_counters_made)
        counters_release(&service->receiver_counters);
    if (service->web_counters_made)
        counters_release(&service->web_counters);
    for (size_t i = 0; i < SERVICE_DOOR_COUNT; i++)
        buf_release(&service->bound[i]);
    mem_free(service);
}

/* ------------------------------------------------------------------ running */

void service_reload(struct service *service, const struct options *fresh)
{
    front_reload(service->front, fresh);
}

static bool is_same(const struct address *a, const struct address *b)
{
    if (a->type != b->type || a->type == ADDRESS_OFF)
        return false;
    if (a->type != ADDRESS_TCP)
        return strcmp(a->path, b->path) == 0;
    /* Of port 0 each gets one of its own. */
    return a->port == b->port && a->port != 0 && strcmp(a->host, b->host) == 0;
}

static int find(const struct service *service, struct view text, char out_error[256],
                struct address *out_address)
{
    return listen_address(service->options, service->passed, text, out_error, out_address);
}

/* One address may serve both. */
static int listen_receiver(struct service *service, char out_error[256])
{
    struct address grpc;
    struct address http;
    struct buf *bound = service->bound;
    unsigned serves = SESSION_GRPC;
    bool is_one = view_equal(service->options->listen_grpc, service->options->listen_http);
    int status = find(service, service->options->listen_grpc, out_error, &grpc);

    if (status == 0 && is_one)
        http = grpc;
    else if (status == 0)
        status = find(service, service->options->listen_http, out_error, &http);
    if (status != 0)
        return status;
    if (is_same(&grpc, &http))
        serves |= SESSION_HTTP;
    if (grpc.type != ADDRESS_OFF)
        status = receiver_listen(service->receiver, &grpc, serves, out_error, &bound[SERVICE_GRPC]);
    if (status != 0 || http.type == ADDRESS_OFF)
        return status;
    if (is_same(&grpc, &http))
        return buf_append_view(&bound[SERVICE_HTTP], buf_view(&bound[SERVICE_GRPC]));
    return receiver_listen(service->receiver, &http, SESSION_HTTP, out_error, &bound[SERVICE_HTTP]);
}

/* Requests that are passed on to where they come in would go round for ever. */
static int check_circle(const struct service *service, enum service_door door, struct view listen,
                        char out_error[256])
{
    struct address own;
    struct address bound;
    int status;

    if (service->bound[door].size == 0)
        return 0;
    status = address_parse(listen, out_error, &own); /* Sockets passed in are taken once only. */
    if (status == 0)
        status = address_parse(buf_view(&service->bound[door]), out_error, &bound);
    if (status != 0)
        return status;
    if (own.type == ADDRESS_PASSED)
        own = bound;
    own.port = bound.port;
    if (!departures_lead_to(&service->departures, &own))
        return 0;
    (void)snprintf(out_error, 256, "forward.endpoint is this spanmap's own door, %.*s",
                   (int)service->bound[door].size, service->bound[door].data);
    return STATUS_INVALID;
}

int service_listen(struct service *service, char out_error[256])
{
    struct address address;
    int status = listen_receiver(service, out_error);

    if (status == 0)
        status = check_circle(service, SERVICE_GRPC, service->options->listen_grpc, out_error);
    if (status == 0)
        status = check_circle(service, SERVICE_HTTP, service->options->listen_http, out_error);
    if (status == 0)
        status = find(service, service->options->listen_web, out_error, &address);
    if (status == 0 && address.type != ADDRESS_OFF)
        status = http_server_listen(service->web, &address, out_error,
                                    &service->bound[SERVICE_WEB]);
    return status;
}

static void set_ready(struct service *service, bool is_ready_now)
{
    front_set_ready(service->front, is_ready_now);
    health_set(&service->tools.health, is_ready_now);
}

int service_start(struct service *service)
{
    int status = engine_start(service->engine);

    if (status == 0)
        status = departures_start(&service->departures, service->front);
    if (status == 0)
        status = secure_start(service->secure);
    if (status == 0)
        status = receiver_start(service->receiver);
    if (status == 0)
        status = http_server_start(service->web);
    if (status == 0)
        set_ready(service, true);
    return status;
}

struct view service_bound(const struct service *service, enum service_door door)
{
    return buf_view(&service->bound[door]);
}

/* Senders who do not come to an end take all the patience; what leaves has some of its own then. */
static struct mono_time end_of_departures(struct mono_time until, uint64_t patience_ns)
{
    uint64_t least_ns = clock_mono().ns +
                        (patience_ns < DEPARTURES_LEAST_NS ? patience_ns : DEPARTURES_LEAST_NS);

    return until.ns > least_ns ? until : (struct mono_time){least_ns};
}

void service_drain(struct service *service, uint64_t patience_ns)
{
    struct mono_time until = {clock_mono().ns + patience_ns};

    set_ready(service, false);
    receiver_drain(service->receiver, patience_ns);
    engine_stop(service->engine);
    departures_drain(&service->departures, end_of_departures(until, patience_ns));
    front_stop_drawing(service->front); /* Each may take as long as draw.timeout. */
    http_server_stop(service->web);
}

struct engine *service_engine(struct service *service)
{
    return service->engine;
}
