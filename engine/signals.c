/* signals.c: one row a signal. */
#include "engine/signals.h"

#include <inttypes.h>
#include <stdio.h>

#include "receiver/otlp_sink.h"

#define COLLECTOR "/opentelemetry.proto.collector."

/* What pages send of themselves. */
#define CORS_FIELDS "content-type, content-encoding"

static void refuse(struct grpc_method *method, const char *why)
{
    method->call = NULL;
    method->refusal = why;
}

static void make_methods(const struct options *options, struct engine *engine,
                         struct signals *signals)
{
    struct grpc_method *methods = signals->methods;

    methods[0] = (struct grpc_method){.path = COLLECTOR "trace.v1.TraceService/Export",
                                      .http_path = "/v1/traces",
                                      .call = engine_export,
                                      .memory_of = engine_export_memory,
                                      .context = engine};
    methods[1] = (struct grpc_method){.path = COLLECTOR "metrics.v1.MetricsService/Export",
                                      .http_path = "/v1/metrics",
                                      .call = otlp_sink_metrics,
                                      .memory_of = otlp_sink_memory,
                                      .context = signals->sink};
    methods[2] = (struct grpc_method){.path = COLLECTOR "logs.v1.LogsService/Export",
                                      .http_path = "/v1/logs",
                                      .call = otlp_sink_logs,
                                      .memory_of = otlp_sink_memory,
                                      .context = signals->sink};
    methods[3] = (struct grpc_method){
        .path = COLLECTOR "profiles.v1development.ProfilesService/Export",
        .http_path = "/v1development/profiles",
        .refusal = "spanmap does not take profiles: do not send them"};
    if (options->signals_metrics == SIGNAL_REFUSE)
        refuse(&methods[1],
               "spanmap keeps no metrics: do not send them, or have them checked, counted "
               "and discarded by its setting signals.metrics: discard");
    if (options->signals_logs == SIGNAL_REFUSE)
        refuse(&methods[2],
               "spanmap keeps no logs: do not send them, or have them checked, counted and "
               "discarded by its setting signals.logs: discard");
}

static int make_cors(const struct options *options, struct signals *signals)
{
    struct buf *fields = &signals->cors_fields;
    bool takes_any = false;

    (void)buf_append_text(fields, CORS_FIELDS);
    for (size_t i = 0; i < options->cors_headers.count; i++) {
        struct view name = options->cors_headers.items[i];
        takes_any |= view_equal(name, VIEW("*"));
        (void)buf_append_text(fields, ", ");
        (void)buf_append_view(fields, name);
    }
    (void)snprintf(signals->cors_max_age, sizeof(signals->cors_max_age), "%" PRIu64,
                   options->cors_max_age_ns / NS_PER_S);
    signals->cors = (struct http_cors){
        .origins = options->cors_origins.items,
        .origins_count = options->cors_origins.count,
        .fields = takes_any ? VIEW("*") : buf_view(fields),
        .max_age = view_of(signals->cors_max_age),
    };
    return fields->failed; /* Which remembers each of the appends. */
}

int signals_init(const struct options *options, struct engine *engine, struct counters *counters,
                 struct signals *signals)
{
    const struct budget *budget = engine_budget(engine);
    int status = 0;

    *signals = (struct signals){.sink = NULL};
    buf_init(&signals->cors_fields, 0);
    if (options->signals_metrics != SIGNAL_REFUSE || options->signals_logs != SIGNAL_REFUSE)
        status = otlp_sink_new(budget->threads, budget->json_tree_bytes_max, counters,
                               &signals->sink);
    if (status != 0)
        return status;
    make_methods(options, engine, signals);
    return make_cors(options, signals);
}

void signals_release(struct signals *signals)
{
    otlp_sink_free(signals->sink);
    buf_release(&signals->cors_fields);
    signals->sink = NULL;
}

const struct http_cors *signals_cors(const struct signals *signals)
{
    return signals->cors.origins_count != 0 ? &signals->cors : NULL;
}
