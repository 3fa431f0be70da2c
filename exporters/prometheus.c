/* prometheus.c: labels are written once for each series, then every family copies them.
 *
 * Cost: one sample is about two memcpy and a number; 10,000 edges with three histograms are
 * 600,000 samples.
 */
#include "exporters/prometheus.h"

#include "exporters/edge_views.h"
#include "exporters/map_graph.h"
#include "exporters/prom_health.h"
#include "exporters/prom_labels.h"
#include "exporters/prom_series.h"
#include "exporters/prom_targets.h"
#include "exporters/prom_writer.h"
#include "topology/span.h"

#define OVERFLOW_LABEL "otel_metric_overflow"

static const char *const kind_names[SPAN_KIND_COUNT] = {
    "unspecified", "internal", "server", "client", "producer", "consumer",
};
static const char *const kind_labels[SPAN_KIND_COUNT] = {
    "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
};
static const char *const status_labels[SPAN_STATUS_COUNT] = {
    "STATUS_CODE_UNSET",
    "STATUS_CODE_OK",
    "STATUS_CODE_ERROR",
};

/* What is being written. */
struct scrape {
    const struct export_input *input;
    const struct snapshot *snapshot;
    struct prom_writer writer;
    struct prom_table table;
};

static void edge_labels(struct scrape *scrape, const struct snapshot_edge *edge)
{
    const struct snapshot *snapshot = scrape->snapshot;
    const struct snapshot_node *client = &snapshot->nodes[edge->client];
    const struct snapshot_node *server = &snapshot->nodes[edge->server];
    struct prom_labels labels;

    prom_labels_begin(&labels);
    if (!edge->overflow) {
        prom_labels_add(&labels, VIEW("client"), client->node.name);
        prom_labels_add_values(&labels, snapshot->dimensions, DIMENSION_CLIENT,
                               edge->client_dimensions);
        prom_labels_add(&labels, VIEW("client_service_namespace"), client->node.namespace);
        prom_labels_add(&labels, VIEW("connection_type"),
                        view_of(connection_type_name(edge->connection_type)));
    }
    if (edge->overflow || edge->values_overflow || client->overflow || server->overflow)
        prom_labels_add(&labels, VIEW(OVERFLOW_LABEL), VIEW("true"));
    if (!edge->overflow) {
        prom_labels_add(&labels, VIEW("server"), server->node.name);
        prom_labels_add_values(&labels, snapshot->dimensions, DIMENSION_SERVER,
                               edge->server_dimensions);
        prom_labels_add(&labels, VIEW("server_service_namespace"), server->node.namespace);
    }
    prom_labels_write(&labels, &scrape->table.labels);
}

static int gather_edges(struct scrape *scrape)
{
    for (size_t i = 0; i < scrape->snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &scrape->snapshot->edges[i];
        size_t begin = scrape->table.labels.size;
        struct prom_series *series;
        int status;
        if (!edge_is_shown(scrape->snapshot, i, scrape->input->options.metrics_messaging))
            continue;
        edge_labels(scrape, edge);
        status = prom_table_take(&scrape->table, begin, &series);
        if (status != 0)
            return status;
        series->counts[0] += edge->requests;
        series->counts[1] += edge->failed;
        prom_series_touch(series, edge->created, edge->updated, &edge->life);
        status = prom_series_add(series, SNAPSHOT_CLIENT, edge->client_seconds);
        if (status == 0)
            status = prom_series_add(series, SNAPSHOT_SERVER, edge->server_seconds);
        if (status == 0)
            status = prom_series_add(series, SNAPSHOT_MESSAGING, edge->messaging_seconds);
        if (status == 0)
            status = prom_series_add(series, SNAPSHOT_NETWORK, edge->network_seconds);
        prom_series_add_exemplars(series, edge->exemplars);
        for (size_t j = 0; j < SNAPSHOT_SECONDS && status == 0; j++)
            status = prom_series_add_past(series, j, edge->life.past_seconds[j]);
        if (status != 0)
            return status;
    }
    return 0;
}

/* P14: idle for longer than metrics.expiration. */
static bool is_idle(const struct scrape *scrape, const struct prom_series *series)
{
    uint64_t expiration_ns = scrape->input->options.expiration_ns;
    uint64_t end_ns = scrape->snapshot->end.ns;

    return expiration_ns != 0 && end_ns > expiration_ns &&
           series->updated.ns < end_ns - expiration_ns;
}

/* Whether something that snapshot `born` shows first was never scraped: in text, which has no
 * created timestamps, it is shown at 0 first. */
static bool is_new(const struct scrape *scrape, uint64_t born)
{
    const struct export_options *options = &scrape->input->options;

    return !prom_writer_tells_created(&scrape->writer) && options->new_at_zero &&
           born > options->shown_number;
}

/* A counter of all series that live. */
static void write_counts(struct scrape *scrape, const struct prom_family *family, size_t which)
{
    const struct prom_table *table = &scrape->table;

    prom_writer_family(&scrape->writer, family);
    for (size_t i = 0; i < table->count; i++) {
        const struct prom_series *series = &table->series[i];
        uint64_t past = which == 0 ? series->life.past_count : series->life.past_failed;
        if (!is_idle(scrape, series))
            prom_writer_weight(&scrape->writer, prom_series_labels(table, series),
                               is_new(scrape, series->life.born) ? 0 : series->counts[which] - past,
                               series->created,
                               which == 0 ? exemplars_newest(series->exemplars)
                                          : exemplars_newest_failed(series->exemplars));
    }
}

static void write_histogram(struct scrape *scrape, const struct prom_series *series, size_t which)
{
    const struct histogram *now = series->histograms[which];
    const struct histogram *past = series->life.past_seconds[which];

    /* One that has seen nothing since its series began anew is not there yet. */
    if (now == NULL || (past != NULL && past->count == now->count))
        return;
    prom_writer_histogram(&scrape->writer, prom_series_labels(&scrape->table, series),
                          &(struct prom_histogram){
                              .now = now,
                              .past = is_new(scrape, series->life.seconds_born[which]) ? now : past,
                              .exemplars = series->exemplars,
                              .which = (unsigned)which,
                              .created = series->created,
                          });
}

static void write_histograms(struct scrape *scrape, const struct prom_family *family, size_t which)
{
    const struct prom_table *table = &scrape->table;

    prom_writer_family(&scrape->writer, family);
    for (size_t i = 0; i < table->count; i++) {
        if (!is_idle(scrape, &table->series[i]))
            write_histogram(scrape, &table->series[i], which);
    }
}

static int write_edges(struct scrape *scrape)
{
    static const struct prom_family requests = {PROM_COUNTER, "traces_service_graph_request",
                                                "Requests from one node of the map to another."};
    static const struct prom_family failed = {PROM_COUNTER, "traces_service_graph_request_failed",
                                              "Requests that failed, on either side."};
    static const struct prom_family seconds[PROM_HISTOGRAMS] = {
        [SNAPSHOT_CLIENT] = {PROM_HISTOGRAM, "traces_service_graph_request_client_seconds",
                             "Time that requests took, as their client saw it."},
        [SNAPSHOT_SERVER] = {PROM_HISTOGRAM, "traces_service_graph_request_server_seconds",
                             "Time that requests took, as their server saw it."},
        [SNAPSHOT_MESSAGING] =
            {PROM_HISTOGRAM, "traces_service_graph_request_messaging_system_seconds",
             "Time from the end of a message's sending to the start of its taking."},
        [SNAPSHOT_NETWORK] = {PROM_HISTOGRAM, "traces_service_graph_request_network_seconds",
                              "What a client waited beyond its server's own time."},
    };
    int status = prom_table_init(&scrape->table, scrape->snapshot->edges_count);

    if (status == 0)
        status = gather_edges(scrape);
    if (status == 0) {
        write_counts(scrape, &requests, 0);
        write_counts(scrape, &failed, 1);
        for (size_t i = 0; i < SNAPSHOT_SECONDS; i++)
            write_histograms(scrape, &seconds[i], i);
    }
    prom_table_release(&scrape->table);
    return status;
}

static void operation_labels(struct scrape *scrape, const struct snapshot_operation *operation)
{
    const struct snapshot_node *service = &scrape->snapshot->nodes[operation->service];
    struct prom_labels labels;

    prom_labels_begin(&labels);
    if (operation->overflow || operation->values_overflow || service->overflow)
        prom_labels_add(&labels, VIEW(OVERFLOW_LABEL), VIEW("true"));
    prom_labels_add(&labels, VIEW("service"), service->node.name);
    prom_labels_add(&labels, VIEW("service_namespace"), service->node.namespace);
    prom_labels_add(&labels, VIEW("span_kind"),
                    view_of(kind_labels[operation->kind % SPAN_KIND_COUNT]));
    if (!operation->overflow)
        prom_labels_add(&labels, VIEW("span_name"), operation->name);
    prom_labels_add(&labels, VIEW("status_code"),
                    view_of(status_labels[operation->status % SPAN_STATUS_COUNT]));
    prom_labels_add_values(&labels, scrape->snapshot->dimensions, DIMENSION_PLAIN,
                           operation->dimensions);
    prom_labels_write(&labels, &scrape->table.labels);
}

static int gather_operations(struct scrape *scrape)
{
    for (size_t i = 0; i < scrape->snapshot->operations_count; i++) {
        const struct snapshot_operation *operation = &scrape->snapshot->operations[i];
        size_t begin = scrape->table.labels.size;
        struct prom_series *series;
        int status;
        operation_labels(scrape, operation);
        status = prom_table_take(&scrape->table, begin, &series);
        if (status != 0)
            return status;
        series->counts[0] += operation->calls;
        prom_series_touch(series, operation->created, operation->updated, &operation->life);
        status = prom_series_add(series, 0, operation->latency);
        if (status == 0)
            status = prom_series_add(series, 1, operation->self_seconds);
        prom_series_add_exemplars(series, operation->exemplars);
        for (size_t j = 0; j < 2 && status == 0; j++)
            status = prom_series_add_past(series, j, operation->life.past_seconds[j]);
        if (status != 0)
            return status;
    }
    return 0;
}

static int write_operations(struct scrape *scrape)
{
    static const struct prom_family calls = {PROM_COUNTER, "traces_spanmetrics_calls",
                                             "Spans by service, name, kind and status."};
    static const struct prom_family latency = {PROM_HISTOGRAM, "traces_spanmetrics_latency",
                                               "Duration of spans in seconds."};
    static const struct prom_family self = {PROM_HISTOGRAM, "traces_spanmetrics_self_seconds",
                                            "Duration of spans less what their children cover."};
    int status = prom_table_init(&scrape->table, scrape->snapshot->operations_count);

    if (status == 0)
        status = gather_operations(scrape);
    if (status == 0) {
        write_counts(scrape, &calls, 0);
        write_histograms(scrape, &latency, 0);
        write_histograms(scrape, &self, 1);
    }
    prom_table_release(&scrape->table);
    return status;
}

static const char *reason_of(const struct snapshot_loss *loss)
{
    return loss->dropped ? dropped_reason_name((enum dropped_reason)loss->reason)
                         : unpaired_reason_name((enum unpaired_reason)loss->reason);
}

/* The losses of one sort; `service` says whose they are, whatever its namespace. */
static int write_losses(struct scrape *scrape, bool dropped, const struct prom_family *family)
{
    struct prom_table *table = &scrape->table;
    int status = prom_table_init(table, scrape->snapshot->losses_count);

    for (size_t i = 0; status == 0 && i < scrape->snapshot->losses_count; i++) {
        const struct snapshot_loss *loss = &scrape->snapshot->losses[i];
        const struct snapshot_node *service = &scrape->snapshot->nodes[loss->service];
        size_t begin = table->labels.size;
        struct snapshot_life life;
        struct prom_series *series;
        if (loss->dropped != dropped)
            continue;
        prom_label(&table->labels, begin, "kind",
                   view_of(kind_names[loss->kind % SPAN_KIND_COUNT]));
        if (service->overflow)
            prom_label(&table->labels, begin, OVERFLOW_LABEL, VIEW("true"));
        prom_label(&table->labels, begin, "reason", view_of(reason_of(loss)));
        prom_label(&table->labels, begin, "service", service->node.name);
        status = prom_table_take(table, begin, &series);
        if (status != 0)
            break;
        series->counts[0] += loss->spans << WEIGHT_SHIFT;
        life = loss->life;
        life.past_count <<= WEIGHT_SHIFT;
        prom_series_touch(series, loss->created, loss->updated, &life);
    }
    if (status == 0)
        write_counts(scrape, family, 0);
    prom_table_release(table);
    return status;
}

static int write_all(struct scrape *scrape)
{
    static const struct prom_family unpaired = {
        PROM_COUNTER, "traces_service_graph_unpaired_spans",
        "Spans whose other side was not seen, by who sent them and why."};
    static const struct prom_family dropped = {
        PROM_COUNTER, "traces_service_graph_dropped_spans",
        "Spans that were dropped before they were judged, by who sent them and why."};
    int status = prom_targets(scrape->input, &scrape->writer); /* P5: first of all. */

    if (status == 0)
        status = write_edges(scrape);
    if (status == 0)
        status = write_losses(scrape, false, &unpaired);
    if (status == 0)
        status = write_losses(scrape, true, &dropped);
    if (status == 0)
        status = write_operations(scrape);
    if (status == 0)
        status = prom_health(scrape->input, &scrape->writer);
    return status;
}

static int render(const struct export_input *input, enum prom_format format, char out_error[256],
                  struct buf *out)
{
    struct scrape scrape = {.input = input, .snapshot = input->snapshot};
    size_t size_before = out->size;
    int status;

    prom_writer_init(&scrape.writer, out, format, input);
    status = write_all(&scrape);
    prom_writer_end(&scrape.writer);
    if (status == 0)
        status = out->failed;
    if (status == 0)
        return 0;
    if (out->size > size_before) /* A pack took it in. */
        out->size = size_before;
    return export_fail(out_error, status, "the metrics are not written: %s", status_text(status));
}

int prometheus_write(const struct export_input *input, struct remote_write *remote,
                     char out_error[256])
{
    struct scrape scrape = {.input = input, .snapshot = input->snapshot};
    int status;
    int finished;

    remote_write_begin(remote, input->snapshot->end);
    prom_writer_init_remote(&scrape.writer, remote);
    status = write_all(&scrape);
    prom_writer_end(&scrape.writer);
    if (status != 0)
        remote->failed = status;
    finished = remote_write_finish(remote);
    if (finished == 0)
        return 0;
    return export_fail(out_error, finished, "the metrics are not written: %s",
                       status_text(finished));
}

static int render_prometheus(const struct export_input *input, char out_error[256], struct buf *out)
{
    return render(input, PROM_TEXT, out_error, out);
}

static int render_openmetrics(const struct export_input *input, char out_error[256],
                              struct buf *out)
{
    return render(input, PROM_OPENMETRICS, out_error, out);
}

static int render_protobuf(const struct export_input *input, char out_error[256], struct buf *out)
{
    return render(input, PROM_PROTOBUF, out_error, out);
}

static int render_otlp(const struct export_input *input, char out_error[256], struct buf *out)
{
    return render(input, PROM_OTLP, out_error, out);
}

const struct exporter exporter_prometheus = {
    .name = "prometheus",
    .doc = "metrics in Prometheus' text format 0.0.4",
    .content_type = "text/plain; version=0.0.4; charset=utf-8",
    .render = render_prometheus,
};

const struct exporter exporter_openmetrics = {
    .name = "openmetrics",
    .doc = "metrics in OpenMetrics 1.0.0",
    .content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    .render = render_openmetrics,
};

const struct exporter exporter_prometheus_protobuf = {
    .name = "prometheus_protobuf",
    .doc = "metrics as Prometheus' protobuf messages, with native histograms",
    .content_type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                    "encoding=delimited",
    .binary = true,
    .render = render_protobuf,
};

const struct exporter exporter_otlp = {
    .name = "otlp",
    .doc = "metrics as one OTLP request",
    .content_type = "application/x-protobuf",
    .binary = true,
    .render = render_otlp,
};
