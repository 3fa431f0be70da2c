/* otlp_metrics_test.c: what is written is read by protobuf-c from the protocol's own files. */
#include "exporters/otlp_metrics.h"

#include <math.h>
#include <stdio.h>

#include "exporters/prometheus.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "tests/lib/exporter_fixture.h"
#include "topology/targets.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest Request;
typedef Opentelemetry__Proto__Metrics__V1__ResourceMetrics ResourceMetrics;
typedef Opentelemetry__Proto__Metrics__V1__ScopeMetrics ScopeMetrics;
typedef Opentelemetry__Proto__Metrics__V1__Metric Metric;
typedef Opentelemetry__Proto__Metrics__V1__NumberDataPoint NumberPoint;
typedef Opentelemetry__Proto__Metrics__V1__HistogramDataPoint HistogramPoint;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint ExponentialPoint;
typedef Opentelemetry__Proto__Common__V1__KeyValue KeyValue;

#define CUMULATIVE                                                                                 \
    OPENTELEMETRY__PROTO__METRICS__V1__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE

struct reading {
    struct exporter_fixture fixture;
    Request *request;
};

static Request *unpack(struct view bytes)
{
    Request *request =
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
            NULL, bytes.size, (const uint8_t *)bytes.data);

    assert_non_null(request);
    return request;
}

static void release_request(Request *request)
{
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(
        request, NULL);
}

static void begin(struct reading *reading, void (*sample)(struct snapshot_build *build))
{
    *reading = (struct reading){.request = NULL};
    fixture_begin(&reading->fixture, &exporter_otlp, sample);
}

static void read_all(struct reading *reading)
{
    if (reading->request != NULL)
        release_request(reading->request);
    assert_int_equal(fixture_render(&reading->fixture), 0);
    reading->request = unpack(buf_view(&reading->fixture.out));
}

static void end(struct reading *reading)
{
    release_request(reading->request);
    targets_free(reading->fixture.input.targets);
    fixture_end(&reading->fixture);
}

/* The value of an attribute; NULL: there is none. */
static const char *value_of(KeyValue *const *attributes, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(attributes[i]->key, key) == 0)
            return attributes[i]->value->string_value;
    return NULL;
}

static void assert_value(KeyValue *const *attributes, size_t count, const char *key,
                         const char *value)
{
    const char *found = value_of(attributes, count, key);

    if (found == NULL)
        fail_msg("there is no '%s'", key);
    assert_string_equal(found, value);
}

static Metric *metric_of(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->request->n_resource_metrics; i++) {
        const ResourceMetrics *resource = reading->request->resource_metrics[i];
        assert_int_equal(resource->n_scope_metrics, 1);
        for (size_t j = 0; j < resource->scope_metrics[0]->n_metrics; j++)
            if (strcmp(resource->scope_metrics[0]->metrics[j]->name, name) == 0)
                return resource->scope_metrics[0]->metrics[j];
    }
    fail_msg("there is no '%s'", name);
    return NULL;
}

static void sample_edge(struct snapshot_build *build)
{
    uint32_t shop = snapshot_build_node(build, NODE_SERVICE, VIEW("eu"), VIEW("sh\"o\\p\n"));
    uint32_t orders = snapshot_build_node(build, NODE_DATABASE, VIEW(""), VIEW("orders"));
    struct snapshot_edge *edge = snapshot_build_edge(build, shop, orders, CONNECTION_DATABASE, 5,
                                                     1);

    edge->created.ns += 250000000;
    snapshot_build_observe(build, &edge->client_seconds, 0, 2);
    snapshot_build_observe(build, &edge->client_seconds, 2 * NS_PER_MS, 3);
    snapshot_build_observe(build, &edge->client_seconds, 2000001, 1);
    snapshot_build_observe(build, &edge->client_seconds, 60 * NS_PER_S, 1);
    snapshot_build_operation(build, shop, "GET /{id}", SPAN_KIND_SERVER, SPAN_STATUS_ERROR, 7);
    snapshot_build_observe(build, &build->operations[0].latency, NS_PER_S, 7);
}

static void otlp__says_whose_metrics_these_are(void **state)
{
    struct reading reading;
    ResourceMetrics *resource;

    (void)state;
    begin(&reading, sample_edge);
    reading.fixture.input.options.otlp_instance = VIEW("host-\xff");
    read_all(&reading);
    assert_int_equal(reading.request->n_resource_metrics, 1);
    resource = reading.request->resource_metrics[0];
    assert_int_equal(resource->resource->n_attributes, 3);
    assert_value(resource->resource->attributes, 3, "service.name", "spanmap");
    assert_true(strlen(value_of(resource->resource->attributes, 3, "service.version")) > 0);
    assert_value(resource->resource->attributes, 3, "service.instance.id", "host-\xef\xbf\xbd");
    assert_string_equal(resource->scope_metrics[0]->scope->name, "spanmap");
    assert_string_equal(resource->scope_metrics[0]->scope->version,
                        value_of(resource->resource->attributes, 3, "service.version"));
    end(&reading);
}

static void otlp__writes_sums_that_never_fall(void **state)
{
    struct reading reading;
    const struct snapshot *snapshot;
    const NumberPoint *point;
    const Metric *metric;

    (void)state;
    begin(&reading, sample_edge);
    read_all(&reading);
    snapshot = reading.fixture.input.snapshot;
    metric = metric_of(&reading, "traces_service_graph_request_total");
    assert_true(strlen(metric->description) > 0);
    assert_string_equal(metric->unit, "");
    assert_int_equal(metric->data_case, OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUM);
    assert_int_equal(metric->sum->aggregation_temporality, CUMULATIVE);
    assert_true(metric->sum->is_monotonic);
    assert_int_equal(metric->sum->n_data_points, 1);
    point = metric->sum->data_points[0];
    assert_true(point->as_double == 5.0);
    assert_int_equal(point->start_time_unix_nano, snapshot->edges[0].created.ns);
    assert_int_equal(point->time_unix_nano, snapshot->end.ns);
    assert_int_equal(point->n_attributes, 4);
    assert_value(point->attributes, 4, "client", "sh\"o\\p\n");
    assert_value(point->attributes, 4, "client_service_namespace", "eu");
    assert_value(point->attributes, 4, "connection_type", "database");
    assert_value(point->attributes, 4, "server", "orders");
    metric = metric_of(&reading, "spanmap_spans_judged_total");
    point = metric->sum->data_points[0];
    assert_int_equal(point->value_case,
                     OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT);
    assert_int_equal(point->start_time_unix_nano, snapshot->start.ns);
    end(&reading);
}

static void otlp__writes_gauges(void **state)
{
    struct reading reading;
    const Metric *metric;

    (void)state;
    begin(&reading, sample_edge);
    read_all(&reading);
    metric = metric_of(&reading, "spanmap_topology_nodes");
    assert_int_equal(metric->data_case, OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_GAUGE);
    assert_int_equal(metric->gauge->data_points[0]->as_int, 2);
    assert_int_equal(metric->gauge->data_points[0]->start_time_unix_nano, 0);
    metric = metric_of(&reading, "spanmap_start_time_seconds");
    assert_string_equal(metric->unit, "s");
    metric = metric_of(&reading, "spanmap_build_info");
    assert_int_equal(metric->gauge->data_points[0]->as_int, 1);
    end(&reading);
}

static void otlp__writes_explicit_histograms(void **state)
{
    static const uint64_t counts[] = {5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct reading reading;
    const HistogramPoint *point;
    const Metric *metric;

    (void)state;
    begin(&reading, sample_edge);
    read_all(&reading);
    metric = metric_of(&reading, "traces_service_graph_request_client_seconds");
    assert_string_equal(metric->unit, "s");
    assert_int_equal(metric->histogram->aggregation_temporality, CUMULATIVE);
    assert_int_equal(metric->histogram->n_data_points, 1);
    point = metric->histogram->data_points[0];
    assert_int_equal(point->count, 7);
    assert_true(fabs(point->sum - 60.008000001) < 1e-12);
    assert_int_equal(point->n_bucket_counts, 17);
    assert_memory_equal(point->bucket_counts, counts, sizeof(counts));
    assert_int_equal(point->n_explicit_bounds, 16);
    assert_true(point->explicit_bounds[0] == 0.002 && point->explicit_bounds[15] == 15.0);
    assert_true(point->min == 0 && point->max == 60.0);
    assert_int_equal(point->n_attributes, 4);
    assert_int_equal(point->start_time_unix_nano,
                     reading.fixture.input.snapshot->edges[0].created.ns);
    end(&reading);
}

static void otlp__writes_exponential_histograms(void **state)
{
    struct reading reading;
    const struct histogram *seconds;
    const ExponentialPoint *point;
    uint64_t count = 0;

    (void)state;
    begin(&reading, sample_edge);
    reading.fixture.input.options.otlp_exponential = true;
    read_all(&reading);
    seconds = reading.fixture.input.snapshot->edges[0].client_seconds;
    point = metric_of(&reading, "traces_service_graph_request_client_seconds")
                ->exponential_histogram->data_points[0];
    assert_int_equal(point->count, 7);
    assert_int_equal(point->zero_count, 2);
    assert_int_equal(point->scale, seconds->scale);
    assert_int_equal(point->positive->offset, seconds->offset);
    assert_int_equal(point->positive->n_bucket_counts, seconds->length);
    for (size_t i = 0; i < point->positive->n_bucket_counts; i++) {
        assert_int_equal(point->positive->bucket_counts[i], seconds->buckets[i] / WEIGHT_ONE);
        count += point->positive->bucket_counts[i];
    }
    assert_int_equal(count, 5);
    assert_null(point->negative);
    assert_true(point->max == 60.0);
    end(&reading);
}

/* Bucket by bucket, so that none ever falls; the count is what its buckets say. */
/* A server's duration and a failure, whose exemplars they are. */
static union {
    struct exemplars set;
    char room[sizeof(struct exemplars) + 3 * sizeof(struct exemplar)];
} examples = {
    .set = {.count = 3, .room = 3},
};

static void sample_exemplars(struct snapshot_build *build)
{
    static const char trace[] = "0123456789abcdef", span[] = "SPAN-ID!";
    uint32_t shop = snapshot_build_service(build, "shop");
    struct snapshot_edge *edge = snapshot_build_edge(build, shop, shop, CONNECTION_DIRECT, 2, 1);

    for (size_t i = 0; i < 3; i++) {
        struct exemplar *item = &examples.set.items[i];
        *item = (struct exemplar){.duration_ns = i == 0 ? 0 : 3 * NS_PER_MS,
                                  .which = SNAPSHOT_SERVER,
                                  .bucket = i == 0 ? 0 : 1,
                                  .failed = i == 2,
                                  .of_failure = i == 2,
                                  .ns = 77 + i};
        memcpy(item->trace, trace, sizeof(item->trace));
        memcpy(&item->span, span, sizeof(item->span));
    }
    snapshot_build_observe(build, &edge->server_seconds, 0, 1);
    snapshot_build_observe(build, &edge->server_seconds, 3 * NS_PER_MS, 1);
    snapshot_build_observe(build, &edge->client_seconds, 3 * NS_PER_MS, 1);
    edge->exemplars = &examples.set;
}

typedef Opentelemetry__Proto__Metrics__V1__Exemplar Exemplar;

static void check_exemplar(const Exemplar *exemplar, uint64_t ns, double value)
{
    assert_int_equal(exemplar->trace_id.len, 16);
    assert_memory_equal(exemplar->trace_id.data, "0123456789abcdef", 16);
    assert_int_equal(exemplar->span_id.len, 8);
    assert_memory_equal(exemplar->span_id.data, "SPAN-ID!", 8);
    assert_int_equal(exemplar->time_unix_nano, ns);
    assert_int_equal(exemplar->value_case,
                     OPENTELEMETRY__PROTO__METRICS__V1__EXEMPLAR__VALUE_AS_DOUBLE);
    assert_true(exemplar->as_double == value);
}

static void otlp__writes_exemplars(void **state)
{
    struct reading reading;
    HistogramPoint *point;
    NumberPoint *failed;

    (void)state;
    begin(&reading, sample_exemplars);
    read_all(&reading);
    point = metric_of(&reading, "traces_service_graph_request_server_seconds")
                ->histogram->data_points[0];
    assert_int_equal(point->n_exemplars, 2);
    check_exemplar(point->exemplars[0], 77, 0);
    check_exemplar(point->exemplars[1], 78, 0.003);
    point = metric_of(&reading, "traces_service_graph_request_client_seconds")
                ->histogram->data_points[0];
    assert_int_equal(point->n_exemplars, 0);
    failed = metric_of(&reading, "traces_service_graph_request_failed_total")->sum->data_points[0];
    assert_int_equal(failed->n_exemplars, 1);
    check_exemplar(failed->exemplars[0], 79, 1);
    reading.fixture.input.options.otlp_exponential = true;
    read_all(&reading);
    assert_int_equal(metric_of(&reading, "traces_service_graph_request_server_seconds")
                         ->exponential_histogram->data_points[0]
                         ->n_exemplars,
                     2);
    end(&reading);
}

static void otlp__rounds_fractions_down(void **state)
{
    struct reading reading;
    struct histogram *seconds;
    const HistogramPoint *point;
    const ExponentialPoint *exponential;

    (void)state;
    begin(&reading, sample_edge);
    seconds = (struct histogram *)reading.fixture.build.edges[0].client_seconds;
    for (int i = 0; i < 2; i++)
        assert_int_equal(histogram_observe(seconds, reading.fixture.build.snapshot.bounds,
                                           300 * NS_PER_MS, WEIGHT_ONE / 3 * 4),
                         0);
    read_all(&reading);
    point = metric_of(&reading, "traces_service_graph_request_client_seconds")
                ->histogram->data_points[0];
    assert_int_equal(point->bucket_counts[8], 2); /* Of 2.67 */
    assert_int_equal(point->count, 9);
    reading.fixture.input.options.otlp_exponential = true;
    read_all(&reading);
    exponential = metric_of(&reading, "traces_service_graph_request_client_seconds")
                      ->exponential_histogram->data_points[0];
    assert_int_equal(exponential->count, 9);
    end(&reading);
}

/* A series that began anew has neither the past's counts nor its extremes. */
static void otlp__leaves_out_the_past(void **state)
{
    struct reading reading;
    struct histogram *past;
    struct snapshot_edge *edge;
    const HistogramPoint *point;
    const ExponentialPoint *exponential;

    (void)state;
    begin(&reading, sample_edge);
    edge = &reading.fixture.build.edges[0];
    assert_int_equal(histogram_copy(edge->client_seconds, &past), 0);
    edge->life.past_seconds[SNAPSHOT_CLIENT] = past;
    edge->life.past_count = 4 * WEIGHT_ONE;
    snapshot_build_observe(&reading.fixture.build, &edge->client_seconds, 300 * NS_PER_MS, 1);
    read_all(&reading);
    assert_true(
        metric_of(&reading, "traces_service_graph_request_total")->sum->data_points[0]->as_double ==
        1.0);
    point = metric_of(&reading, "traces_service_graph_request_client_seconds")
                ->histogram->data_points[0];
    assert_int_equal(point->count, 1);
    assert_int_equal(point->bucket_counts[8], 1);
    assert_true(fabs(point->sum - 0.3) < 1e-9);
    assert_int_equal(point->opt_max_case,
                     OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT__OPT_MAX__NOT_SET);
    reading.fixture.input.options.otlp_exponential = true;
    read_all(&reading);
    exponential = metric_of(&reading, "traces_service_graph_request_client_seconds")
                      ->exponential_histogram->data_points[0];
    assert_int_equal(exponential->count, 1);
    assert_int_equal(exponential->positive->n_bucket_counts, 1);
    assert_int_equal(exponential->positive->offset,
                     histogram_index(300 * NS_PER_MS, exponential->scale));
    end(&reading);
    histogram_free(past);
}

static void otlp__makes_targets_resources(void **state)
{
    const struct target_attribute attribute = {VIEW("k8s.pod.name"), VIEW("po\"d")};
    struct targets_options options = {.targets_max = 9, .bytes_max = 1 << 16, .text_bytes_max = 64};
    struct target_input inputs[] = {
        {.service_name = VIEW("shop"),
         .service_namespace = VIEW("eu"),
         .instance = VIEW("i-1"),
         .attributes = &attribute,
         .count = 1},
        {.service_name = VIEW("stock")},
    };
    struct reading reading;
    struct target_number number;
    ResourceMetrics *resource;
    NumberPoint *point;

    (void)state;
    begin(&reading, sample_edge);
    assert_int_equal(targets_new(&options, &reading.fixture.input.targets), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            targets_note(reading.fixture.input.targets, &inputs[i], (struct wall_time){1}, &number),
            0);
    read_all(&reading);
    assert_int_equal(reading.request->n_resource_metrics, 3);
    resource = reading.request->resource_metrics[0];
    assert_int_equal(resource->resource->n_attributes, 3);
    assert_value(resource->resource->attributes, 3, "service.namespace", "eu");
    assert_value(resource->resource->attributes, 3, "service.name", "shop");
    assert_value(resource->resource->attributes, 3, "service.instance.id", "i-1");
    assert_int_equal(resource->scope_metrics[0]->n_metrics, 1);
    assert_string_equal(resource->scope_metrics[0]->metrics[0]->name, "traces_target_info");
    point = resource->scope_metrics[0]->metrics[0]->gauge->data_points[0];
    assert_int_equal(point->as_int, 1);
    assert_int_equal(point->n_attributes, 1);
    assert_value(point->attributes, 1, "k8s_pod_name", "po\"d");
    resource = reading.request->resource_metrics[1];
    assert_int_equal(resource->resource->n_attributes, 1);
    assert_value(resource->resource->attributes, 1, "service.name", "stock");
    point = resource->scope_metrics[0]->metrics[0]->gauge->data_points[0];
    assert_int_equal(point->n_attributes, 0);
    resource = reading.request->resource_metrics[2];
    assert_value(resource->resource->attributes, 2, "service.name", "spanmap");
    end(&reading);
}

/* Stages tell histograms by counts. */
static void otlp__writes_histograms_of_counters(void **state)
{
    static const struct counter_row rows[] = {
        {"spanmap_x_seconds_bucket", "le=\"0.5\"", "A help.", COUNTER_SUM},
        {"spanmap_x_seconds_bucket", "le=\"2\"", NULL, COUNTER_SUM},
        {"spanmap_x_seconds_bucket", "le=\"+Inf\"", NULL, COUNTER_SUM},
        {"spanmap_x_seconds_sum", NULL, NULL, COUNTER_NANOSECONDS},
    };
    struct counters counters;
    const struct counters *const health[] = {&counters};
    struct reading reading;
    const HistogramPoint *point;

    (void)state;
    assert_int_equal(counters_init(&counters, rows, 4), 0);
    counters_add(&counters, 0, 3);
    counters_add(&counters, 2, 4);
    counters_add(&counters, 3, 5 * NS_PER_S / 2);
    begin(&reading, NULL);
    reading.fixture.input.health = health;
    reading.fixture.input.health_count = 1;
    reading.fixture.input.options.otlp_exponential = true; /* These stay explicit. */
    read_all(&reading);
    point = metric_of(&reading, "spanmap_x_seconds")->histogram->data_points[0];
    assert_int_equal(point->count, 7);
    assert_true(point->sum == 2.5);
    assert_int_equal(point->n_bucket_counts, 3);
    assert_int_equal(point->bucket_counts[0], 3);
    assert_int_equal(point->bucket_counts[1], 0);
    assert_int_equal(point->bucket_counts[2], 4);
    assert_int_equal(point->n_explicit_bounds, 2);
    assert_true(point->explicit_bounds[1] == 2.0);
    end(&reading);
    counters_release(&counters);
}

/* Each metric is of its own sort, whatever comes behind it. */
static void otlp__tells_counters_from_gauges(void **state)
{
    static const struct counter_row rows[] = {
        {"spanmap_a_total", "x=\"1\"", "A help.", COUNTER_SUM},
        {"spanmap_a_total", "x=\"2\"", NULL, COUNTER_SUM},
        {"spanmap_b", NULL, "A help.", COUNTER_GAUGE},
        {"spanmap_c_total", NULL, "A help.", COUNTER_SUM},
        {"spanmap_d_seconds_bucket", "le=\"0.5\"", "A help.", COUNTER_SUM},
        {"spanmap_d_seconds_bucket", "le=\"+Inf\"", NULL, COUNTER_SUM},
        {"spanmap_e", NULL, "A help.", COUNTER_GAUGE},
        {"spanmap_f_total", NULL, "A help.", COUNTER_SUM},
    };
    static const char *const sums[] = {"spanmap_a_total", "spanmap_c_total", "spanmap_f_total",
                                       "spanmap_topology_memory_failures_total"};
    struct counters counters;
    const struct counters *const health[] = {&counters};
    struct reading reading;
    const Metric *metric;

    (void)state;
    assert_int_equal(counters_init(&counters, rows, 8), 0);
    begin(&reading, NULL);
    reading.fixture.input.health = health;
    reading.fixture.input.health_count = 1;
    read_all(&reading);
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        metric = metric_of(&reading, sums[i]);
        assert_int_equal(metric->data_case, OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUM);
        assert_int_equal(metric->sum->aggregation_temporality, CUMULATIVE);
        assert_true(metric->sum->is_monotonic);
    }
    for (const char *const *name = (const char *const[]){"spanmap_b", "spanmap_e", NULL};
         *name != NULL; name++) {
        metric = metric_of(&reading, *name);
        assert_int_equal(metric->data_case, OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_GAUGE);
        assert_int_equal(metric->gauge->base.n_unknown_fields, 0);
    }
    metric = metric_of(&reading, "spanmap_d_seconds");
    assert_int_equal(metric->histogram->aggregation_temporality, CUMULATIVE);
    end(&reading);
    counters_release(&counters);
}

static size_t points_of(const Request *request, const char *name, size_t edges)
{
    size_t count = 0;

    for (size_t i = 0; i < request->n_resource_metrics; i++) {
        const ScopeMetrics *scope = request->resource_metrics[i]->scope_metrics[0];
        for (size_t j = 0; j < scope->n_metrics; j++)
            if (strcmp(scope->metrics[j]->name, name) == 0) {
                assert_true(scope->metrics[j]->sum->n_data_points <= edges);
                count += scope->metrics[j]->sum->n_data_points;
            }
    }
    return count;
}

static void sample_large(struct snapshot_build *build)
{
    snapshot_sample_large(build, 1500, 4);
}

/* Each piece is a request by itself, not much longer than it should be. */
static void otlp__can_be_cut_between_resources(void **state)
{
    struct reading reading;
    size_t edges;
    struct view rest;
    size_t pieces = 0;

    (void)state;
    begin(&reading, sample_large);
    read_all(&reading);
    edges = reading.fixture.input.snapshot->edges_count;
    assert_true(reading.fixture.out.size > 3 * (size_t)OTLP_METRICS_PIECE_BYTES);
    assert_int_equal(points_of(reading.request, "traces_service_graph_request_total", edges),
                     edges);
    for (rest = buf_view(&reading.fixture.out); rest.size != 0; pieces++) {
        size_t size = 0;
        size_t at = 1;
        Request *piece;
        assert_int_equal(rest.data[0], 1 << 3 | 2);
        for (unsigned shift = 0; at == 1 || ((unsigned char)rest.data[at - 1] & 0x80) != 0;
             shift += 7, at++)
            size |= (size_t)((unsigned char)rest.data[at] & 0x7f) << shift;
        assert_true(at + size <= rest.size);
        assert_true(size < OTLP_METRICS_PIECE_BYTES + 4096);
        piece = unpack((struct view){rest.data, at + size});
        assert_value(piece->resource_metrics[0]->resource->attributes, 2, "service.name",
                     "spanmap");
        release_request(piece);
        rest = (struct view){rest.data + at + size, rest.size - at - size};
    }
    assert_int_equal(pieces, reading.request->n_resource_metrics);
    end(&reading);
}

static void otlp__survives_names_that_mean_harm(void **state)
{
    struct reading reading;

    (void)state;
    begin(&reading, snapshot_sample_hostile);
    read_all(&reading);
    assert_int_equal(metric_of(&reading, "traces_service_graph_request_total")->sum->n_data_points,
                     snapshot_hostile_names_count);
    end(&reading);
}

static void otlp__survives_without_memory(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_otlp, sample_edge);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(fixture_render, &fixture);
    buf_release(&fixture.out);
    buf_init(&fixture.out, 300);
    assert_int_equal(fixture_render(&fixture), STATUS_TOO_LARGE);
    assert_int_equal(fixture.out.size, 0);
    assert_true(strlen(fixture.error) > 10);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(otlp__says_whose_metrics_these_are),
        cmocka_unit_test(otlp__writes_sums_that_never_fall),
        cmocka_unit_test(otlp__writes_gauges),
        cmocka_unit_test(otlp__writes_explicit_histograms),
        cmocka_unit_test(otlp__writes_exponential_histograms),
        cmocka_unit_test(otlp__writes_exemplars),
        cmocka_unit_test(otlp__rounds_fractions_down),
        cmocka_unit_test(otlp__leaves_out_the_past),
        cmocka_unit_test(otlp__makes_targets_resources),
        cmocka_unit_test(otlp__writes_histograms_of_counters),
        cmocka_unit_test(otlp__tells_counters_from_gauges),
        cmocka_unit_test(otlp__can_be_cut_between_resources),
        cmocka_unit_test(otlp__survives_names_that_mean_harm),
        cmocka_unit_test(otlp__survives_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
