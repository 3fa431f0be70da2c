/* prometheus_test.c: samples to the byte, one series for one set of labels, and what hides. A strict
 * parser of others reads the same in tests/interop. */
#include "exporters/prometheus.h"

#include <stdio.h>

#include "tests/lib/snapshot_build.h"
#include "tests/lib/snapshot_samples.h"
#include "tests/lib/test.h"

struct fixture {
    struct snapshot_build build;
    struct export_input input;
    struct buf out;
};

static void begin(struct fixture *fixture, void (*sample)(struct snapshot_build *build))
{
    *fixture = (struct fixture){0};
    snapshot_build_init(&fixture->build);
    if (sample != NULL)
        sample(&fixture->build);
    buf_init(&fixture->out, 0);
}

static void end(struct fixture *fixture)
{
    buf_release(&fixture->out);
    snapshot_build_release(&fixture->build);
}

static const char *scrape(struct fixture *fixture, const struct exporter *exporter)
{
    char error[256];

    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    buf_reset(&fixture->out);
    assert_int_equal(exporter->render(&fixture->input, error, &fixture->out), 0);
    assert_int_equal(buf_append_byte(&fixture->out, '\0'), 0);
    assert_int_equal(strlen(fixture->out.data) + 1, fixture->out.size); /* No zero in it. */
    return fixture->out.data;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is missing in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in:\n%s", part, text);
}

static void sample_edge(struct snapshot_build *build)
{
    uint32_t shop = snapshot_build_node(build, NODE_SERVICE, VIEW("eu"), VIEW("shop"));
    uint32_t orders = snapshot_build_node(build, NODE_DATABASE, VIEW(""), VIEW("orders"));
    struct snapshot_edge *edge = snapshot_build_edge(build, shop, orders, CONNECTION_DATABASE, 5,
                                                     1);

    edge->created.ns += 250000000;
    snapshot_build_observe(build, &edge->client_seconds, 2 * NS_PER_MS, 3);
    snapshot_build_observe(build, &edge->client_seconds, 2000001, 1);
    snapshot_build_observe(build, &edge->client_seconds, 60 * NS_PER_S, 1);
    snapshot_build_operation(build, shop, "GET /{id}", SPAN_KIND_SERVER, SPAN_STATUS_ERROR, 7);
    snapshot_build_observe(build, &build->operations[0].latency, NS_PER_S, 7);
    (void)snapshot_build_loss(build, shop, SPAN_KIND_CLIENT, false, UNPAIRED_NO_SERVER, 9);
    (void)snapshot_build_loss(build, shop, SPAN_KIND_INTERNAL, true, DROPPED_EVICTED, 2);
}

static void prometheus__writes_text(void **state)
{
    struct fixture fixture;
    const char *text;

    (void)state;
    begin(&fixture, sample_edge);
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "# TYPE traces_service_graph_request_total counter\n"
                     "# HELP traces_service_graph_request_total Requests from one node of the map "
                     "to another.\n"
                     "traces_service_graph_request_total{client=\"shop\","
                     "client_service_namespace=\"eu\",connection_type=\"database\","
                     "server=\"orders\"} 5\n"
                     "# TYPE traces_service_graph_request_failed_total counter\n");
#define LABELS                                                                                     \
    "client=\"shop\",client_service_namespace=\"eu\",connection_type=\"database\","                \
    "server=\"orders\""
    assert_has(text,
               "# TYPE traces_service_graph_request_client_seconds histogram\n"
               "# HELP traces_service_graph_request_client_seconds Time that requests took, as "
               "their client saw it.\n"
               "traces_service_graph_request_client_seconds_bucket{" LABELS ",le=\"0.002\"} 3\n"
               "traces_service_graph_request_client_seconds_bucket{" LABELS ",le=\"0.004\"} 4\n");
    assert_has(text, "_bucket{" LABELS ",le=\"1\"} 4\n");
    assert_has(text,
               "traces_service_graph_request_client_seconds_bucket{" LABELS ",le=\"15\"} 4\n"
               "traces_service_graph_request_client_seconds_bucket{" LABELS ",le=\"+Inf\"} 5\n"
               "traces_service_graph_request_client_seconds_sum{" LABELS "} 60.008000001\n"
               "traces_service_graph_request_client_seconds_count{" LABELS "} 5\n"
               "# TYPE traces_service_graph_request_server_seconds histogram\n"
               "# HELP");
    assert_lacks(text, "server_seconds_bucket"); /* E12: that side was never seen. */
    assert_has(text, "traces_spanmetrics_calls_total{service=\"shop\",service_namespace=\"eu\","
                     "span_kind=\"SPAN_KIND_SERVER\",span_name=\"GET /{id}\","
                     "status_code=\"STATUS_CODE_ERROR\"} 7\n");
    assert_has(text, "traces_spanmetrics_latency_sum{service=\"shop\"");
    assert_has(text, "traces_service_graph_unpaired_spans_total{kind=\"client\","
                     "reason=\"no_server\",service=\"shop\"} 9\n");
    assert_has(text, "traces_service_graph_dropped_spans_total{kind=\"internal\","
                     "reason=\"evicted\",service=\"shop\"} 2\n");
    assert_lacks(text, "# EOF");
    assert_lacks(text, "_created");
    assert_lacks(text, "# UNIT");
    end(&fixture);
}

static void openmetrics__adds_its_own(void **state)
{
    struct fixture fixture;
    const char *text;

    (void)state;
    begin(&fixture, sample_edge);
    text = scrape(&fixture, &exporter_openmetrics);
    assert_has(text, "# TYPE traces_service_graph_request counter\n"
                     "# HELP traces_service_graph_request Requests from one node of the map to "
                     "another.\n"
                     "traces_service_graph_request_total{" LABELS "} 5\n"
                     "traces_service_graph_request_created{" LABELS "} 1700000000.25\n");
    assert_has(text, "# TYPE traces_service_graph_request_client_seconds histogram\n"
                     "# UNIT traces_service_graph_request_client_seconds seconds\n"
                     "# HELP");
    assert_has(text, ",le=\"1.0\"} 4\n");
    assert_has(text, ",le=\"1.4\"} 4\n");
    assert_has(text, ",le=\"+Inf\"} 5\n");
    assert_has(text,
               "traces_service_graph_request_client_seconds_count{" LABELS "} 5\n"
               "traces_service_graph_request_client_seconds_created{" LABELS "} 1700000000.25\n");
    assert_has(text, "# TYPE traces_spanmetrics_latency histogram\n"
                     "# HELP traces_spanmetrics_latency"); /* The name has no unit. */
    assert_has(text, "# TYPE spanmap_build info\n");
    assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");
    end(&fixture);
}

/* A service and an external host of one name, and the same edge to both. */
static void prometheus__adds_series_of_equal_labels(void **state)
{
    struct fixture fixture;
    const char *text;
    uint32_t shop;
    uint32_t nodes[3];

    (void)state;
    begin(&fixture, NULL);
    shop = snapshot_build_service(&fixture.build, "shop");
    nodes[0] = snapshot_build_service(&fixture.build, "bank");
    nodes[1] = snapshot_build_node(&fixture.build, NODE_EXTERNAL, VIEW(""), VIEW("bank"));
    nodes[2] = snapshot_build_node(&fixture.build, NODE_DATABASE, VIEW(""), VIEW("bank"));
    for (unsigned i = 0; i < 3; i++) {
        struct snapshot_edge *edge = snapshot_build_edge(&fixture.build, shop, nodes[i],
                                                         CONNECTION_DIRECT, 1U << i, i);
        snapshot_build_observe(&fixture.build, &edge->client_seconds, NS_PER_S << i, 1U << i);
        (void)snapshot_build_loss(&fixture.build, nodes[i], SPAN_KIND_CLIENT, false, UNPAIRED_LATE,
                                  1U << i);
        (void)snapshot_build_operation(&fixture.build, nodes[i], "GET", SPAN_KIND_SERVER,
                                       SPAN_STATUS_OK, 1U << i);
    }
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "\ntraces_service_graph_request_total{client=\"shop\",server=\"bank\"} 7\n#");
    assert_has(text,
               "\ntraces_service_graph_request_failed_total{client=\"shop\",server=\"bank\"} 3\n#");
    assert_has(text, "_client_seconds_bucket{client=\"shop\",server=\"bank\",le=\"1.4\"} 1\n");
    assert_has(text, "_client_seconds_sum{client=\"shop\",server=\"bank\"} 21\n");
    assert_has(text, "_client_seconds_count{client=\"shop\",server=\"bank\"} 7\n#");
    assert_has(text, "\ntraces_service_graph_unpaired_spans_total{kind=\"client\",reason=\"late\","
                     "service=\"bank\"} 7\n#");
    assert_has(text, "\ntraces_spanmetrics_calls_total{service=\"bank\","
                     "span_kind=\"SPAN_KIND_SERVER\",span_name=\"GET\","
                     "status_code=\"STATUS_CODE_OK\"} 7\n#");
    end(&fixture);
}

static void prometheus__marks_what_overflowed(void **state)
{
    struct fixture fixture;
    const char *text;
    uint32_t shop;
    uint32_t rest;

    (void)state;
    begin(&fixture, NULL);
    shop = snapshot_build_service(&fixture.build, "shop");
    rest = snapshot_build_node(&fixture.build, NODE_EXTERNAL, VIEW(""),
                               VIEW("otel_metric_overflow"));
    fixture.build.nodes[rest].overflow = true;
    (void)snapshot_build_edge(&fixture.build, shop, rest, CONNECTION_VIRTUAL, 2, 0);
    snapshot_build_edge(&fixture.build, rest, rest, CONNECTION_DIRECT, 3, 0)->overflow = true;
    snapshot_build_operation(&fixture.build, shop, "", SPAN_KIND_CLIENT, SPAN_STATUS_UNSET, 4)
        ->overflow = true;
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "traces_service_graph_request_total{otel_metric_overflow=\"true\"} 3\n");
    assert_has(text, "traces_service_graph_request_total{client=\"shop\","
                     "connection_type=\"virtual_node\",otel_metric_overflow=\"true\","
                     "server=\"otel_metric_overflow\"} 2\n");
    assert_has(text, "traces_spanmetrics_calls_total{otel_metric_overflow=\"true\","
                     "service=\"shop\",span_kind=\"SPAN_KIND_CLIENT\","
                     "status_code=\"STATUS_CODE_UNSET\"} 4\n");
    end(&fixture);
}

static void prometheus__writes_values_as_labels(void **state)
{
    static const struct view keys[] = {{"zone", 4}, {"env", 3}};
    struct dimensions *dimensions = NULL;
    struct fixture fixture;
    struct snapshot_edge *edge;
    struct snapshot_operation *operation;
    const char *text;
    char error[256];
    uint32_t shop;

    (void)state;
    assert_int_equal(dimensions_new(keys, 2, error, &dimensions), 0);
    begin(&fixture, NULL);
    fixture.build.snapshot.dimensions = dimensions;
    shop = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("eu"), VIEW("shop"));
    edge = snapshot_build_edge(&fixture.build, shop, shop, CONNECTION_DATABASE, 2, 0);
    edge->client_dimensions = snapshot_build_value(&fixture.build, 0, VIEW("a\"b"));
    edge->server_dimensions = snapshot_build_value(&fixture.build, 1, VIEW("prod"));
    snapshot_build_edge(&fixture.build, shop, shop, CONNECTION_DIRECT, 3, 0)
        ->values_overflow = true;
    operation = snapshot_build_operation(&fixture.build, shop, "op", SPAN_KIND_SERVER,
                                         SPAN_STATUS_UNSET, 4);
    operation->dimensions = snapshot_build_value(&fixture.build, 0, VIEW("z"));
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "traces_service_graph_request_total{client=\"shop\","
                     "client_service_namespace=\"eu\",client_zone=\"a\\\"b\","
                     "connection_type=\"database\",server=\"shop\",server_env=\"prod\","
                     "server_service_namespace=\"eu\"} 2\n");
    assert_has(text, "traces_service_graph_request_total{client=\"shop\","
                     "client_service_namespace=\"eu\",otel_metric_overflow=\"true\","
                     "server=\"shop\",server_service_namespace=\"eu\"} 3\n");
    assert_has(text, "traces_spanmetrics_calls_total{service=\"shop\",service_namespace=\"eu\","
                     "span_kind=\"SPAN_KIND_SERVER\",span_name=\"op\","
                     "status_code=\"STATUS_CODE_UNSET\",zone=\"z\"} 4\n");
    end(&fixture);
    dimensions_free(dimensions);
}

static void prometheus__shows_a_new_series_at_zero(void **state)
{
    struct fixture fixture;
    struct snapshot_edge *edge;
    const char *text;

    (void)state;
    begin(&fixture, sample_edge);
    edge = &fixture.build.edges[0];
    edge->life = (struct snapshot_life){.born = 4, .seconds_born = {6, 6, 6, 6}};
    fixture.input.options = (struct export_options){.new_at_zero = true, .shown_number = 3};
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "traces_service_graph_request_total{client=\"shop\"");
    assert_has(text, "server=\"orders\"} 0\n");
    assert_has(text, "server=\"orders\",le=\"+Inf\"} 0\n");
    assert_lacks(text, "server=\"orders\"} 5\n");
    fixture.input.options.shown_number = 4; /* Its histograms are younger. */
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "server=\"orders\"} 5\n");
    assert_has(text, "server=\"orders\",le=\"+Inf\"} 0\n");
    fixture.input.options.shown_number = 6;
    text = scrape(&fixture, &exporter_prometheus);
    assert_lacks(text, "server=\"orders\",le=\"+Inf\"} 0\n");
    fixture.input.options.shown_number = 3;
    text = scrape(&fixture, &exporter_openmetrics); /* Which says when it began. */
    assert_has(text, "server=\"orders\"} 5\n");
    end(&fixture);
}

static void sample_past(struct snapshot_build *build)
{
    uint32_t a = snapshot_build_service(build, "a");
    uint32_t b = snapshot_build_service(build, "b");
    struct snapshot_edge *edge = snapshot_build_edge(build, a, b, CONNECTION_VIRTUAL, 9, 4);
    const struct histogram *past = NULL;

    snapshot_build_observe(build, &edge->client_seconds, 3 * NS_PER_MS, 9);
    snapshot_build_observe(build, &edge->server_seconds, 3 * NS_PER_MS, 7);
    snapshot_build_observe(build, &past, 3 * NS_PER_MS, 7);
    edge->life = (struct snapshot_life){
        .past_count = 7 * WEIGHT_ONE, .past_failed = 3 * WEIGHT_ONE, .past_seconds = {past, past}};
}

#define PAST_LABELS "{client=\"a\",connection_type=\"virtual_node\",server=\"b\"}"

static void prometheus__leaves_the_past_of_a_series_out(void **state)
{
    struct fixture fixture;
    const char *text;

    (void)state;
    begin(&fixture, sample_past);
    text = scrape(&fixture, &exporter_openmetrics);
    assert_has(text, "_request_total" PAST_LABELS " 2\n");
    assert_has(text, "_request_failed_total" PAST_LABELS " 1\n");
    assert_has(text, "_client_seconds_count" PAST_LABELS " 2\n");
    assert_has(text, "_client_seconds_sum" PAST_LABELS " 0.006\n");
    assert_lacks(text, "_server_seconds_count");
    end(&fixture);
}

/* Lest the sum fall when one of them begins anew. */
static void prometheus__keeps_the_past_of_series_of_equal_labels(void **state)
{
    struct fixture fixture;
    uint32_t b;

    (void)state;
    begin(&fixture, sample_past);
    b = snapshot_build_node(&fixture.build, NODE_EXTERNAL, VIEW(""), VIEW("b"));
    (void)snapshot_build_edge(&fixture.build, 0, b, CONNECTION_VIRTUAL, 1, 0);
    assert_has(scrape(&fixture, &exporter_openmetrics), "_request_total" PAST_LABELS " 10\n");
    end(&fixture);
}

static void prometheus__hides_idle_series(void **state)
{
    struct fixture fixture;
    const char *text;
    uint32_t a;
    uint32_t b;

    (void)state;
    begin(&fixture, NULL);
    a = snapshot_build_service(&fixture.build, "a");
    b = snapshot_build_service(&fixture.build, "b");
    snapshot_build_edge(&fixture.build, a, b, CONNECTION_DIRECT, 1, 0)->updated.ns -= 30 * NS_PER_S;
    snapshot_build_edge(&fixture.build, b, a, CONNECTION_DIRECT, 1, 0)->updated.ns -= 30 *
                                                                                          NS_PER_S +
                                                                                      1;
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "_request_total{client=\"b\"");
    fixture.input.options.expiration_ns = 30 * NS_PER_S;
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "_request_total{client=\"a\"");
    assert_lacks(text, "client=\"b\"");
    end(&fixture);
}

static const struct counter_row receiver_rows[] = {
    {"spanmap_receiver_requests_total", "code=\"ok\"", "Requests.", false},
    {"spanmap_receiver_requests_total", "code=\"bad\"", NULL, false},
    {"spanmap_receiver_open", NULL, "Open \"now\" \\ \n.", true},
};
static const struct counter_row late_rows[] = {
    {"spanmap_late_seconds_bucket", "le=\"1.0\"", "How late.", false},
    {"spanmap_late_seconds_bucket", "le=\"+Inf\"", NULL, false},
    {"spanmap_late_seconds_sum", NULL, NULL, false},
};
static const struct counter_row other_rows[] = {
    {"spanmap_ring_bytes", NULL, "Bytes.", true},
    {"spanmap_receiver_requests_total", "code=\"ok\"", "Requests.", false},
    {"spanmap_spans_received_total", NULL, "What the exporter says itself.", false},
    {"spanmap_build_info", "version=\"9\"", "Likewise.", true},
    {"spanmap_other_info", "colour=\"blue\"", "Another.", true},
};

static void prometheus__shows_each_stages_health(void **state)
{
    struct fixture fixture;
    struct counters stages[3];
    const struct counters *const health[] = {&stages[0], &stages[1], &stages[2]};
    const char *text;

    (void)state;
    begin(&fixture, snapshot_sample_shop);
    assert_int_equal(counters_init(&stages[0], receiver_rows, 3), 0);
    assert_int_equal(counters_init(&stages[1], other_rows, 5), 0);
    assert_int_equal(counters_init(&stages[2], receiver_rows, 3), 0);
    counters_add(&stages[0], 0, 5);
    counters_add(&stages[0], 1, 1);
    counters_add(&stages[1], 1, 10);
    counters_add(&stages[2], 0, 100);
    counters_set(&stages[2], 2, 3);
    fixture.input.health = health;
    fixture.input.health_count = 3;
    text = scrape(&fixture, &exporter_prometheus);
    assert_has(text, "# TYPE spanmap_receiver_requests_total counter\n"
                     "# HELP spanmap_receiver_requests_total Requests.\n"
                     "spanmap_receiver_requests_total{code=\"ok\"} 115\n"
                     "spanmap_receiver_requests_total{code=\"bad\"} 1\n"
                     "# TYPE spanmap_receiver_open gauge\n"
                     "# HELP spanmap_receiver_open Open \"now\" \\\\ \\n.\n"
                     "spanmap_receiver_open 3\n"
                     "# TYPE spanmap_ring_bytes gauge\n");
    assert_has(text, "spanmap_spans_received_total 100\n");
    assert_has(text, "spanmap_spans_judged_total{class=\"unpaired\",reason=\"no_server\"} 9\n");
    assert_has(text, "spanmap_spans_waiting 5\n");
    assert_has(text, "spanmap_start_time_seconds 1700000000\n");
    assert_has(text, "spanmap_build_info{version=\"");
    assert_has(text, "# TYPE spanmap_other_info gauge\n");
    assert_lacks(text, "version=\"9\""); /* One metric is written once. */
    assert_lacks(text, "Likewise");
    assert_lacks(text, "says itself");
    text = scrape(&fixture, &exporter_openmetrics);
    assert_has(text, "# TYPE spanmap_receiver_requests counter\n");
    assert_has(text, "# UNIT spanmap_ring_bytes bytes\n");
    assert_has(text, "# TYPE spanmap_other info\n# HELP spanmap_other Another.\n"
                     "spanmap_other_info{colour=\"blue\"} 0\n");
    assert_lacks(text, "Likewise");
    assert_lacks(text, "says itself");
    assert_has(text, "# HELP spanmap_receiver_open Open \\\"now\\\" \\\\ \\n.\n");
    for (size_t i = 0; i < 3; i++)
        counters_release(&stages[i]);
    end(&fixture);
}

static void prometheus__adds_up_the_buckets_of_a_stage(void **state)
{
    struct fixture fixture;
    struct counters stage;
    const struct counters *const health[] = {&stage};

    (void)state;
    begin(&fixture, NULL);
    assert_int_equal(counters_init(&stage, late_rows, 3), 0);
    counters_add(&stage, 0, 5);
    counters_add(&stage, 1, 2);
    counters_add(&stage, 2, 70);
    fixture.input.health = health;
    fixture.input.health_count = 1;
    assert_has(scrape(&fixture, &exporter_prometheus),
               "# TYPE spanmap_late_seconds histogram\n"
               "# HELP spanmap_late_seconds How late.\n"
               "spanmap_late_seconds_bucket{le=\"1.0\"} 5\n"
               "spanmap_late_seconds_bucket{le=\"+Inf\"} 7\n"
               "spanmap_late_seconds_sum 70\n"
               "spanmap_late_seconds_count 7\n");
    assert_has(scrape(&fixture, &exporter_openmetrics),
               "# TYPE spanmap_late_seconds histogram\n# UNIT spanmap_late_seconds seconds\n");
    counters_release(&stage);
    end(&fixture);
}

/* Takes a line apart; whatever a name says, it must stay one sample with closed quotes. */
static void check_sample(const char *line, size_t size)
{
    const char *at = memchr(line, '{', size);
    const char *line_end = line + size;
    bool quoted = false;

    for (at = at != NULL ? at : line; at < line_end; at++) {
        if (quoted && *at == '\\')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '}')
            break;
    }
    assert_false(quoted);
    at = memrchr(line, ' ', size);
    assert_non_null(at);
    for (at++; at < line_end; at++)
        assert_non_null(strchr("0123456789.e+-", *at));
}

static void prometheus__keeps_hostile_names_in_their_quotes(void **state)
{
    struct fixture fixture;
    const char *text;
    size_t series = 0;

    (void)state;
    begin(&fixture, snapshot_sample_hostile);
    text = scrape(&fixture, &exporter_openmetrics);
    for (const char *end_of; (end_of = strchr(text, '\n')) != NULL; text = end_of + 1) {
        if (text[0] == '#')
            continue;
        assert_memory_equal(text, text[0] == 't' ? "traces_" : "spanmap", 7);
        check_sample(text, (size_t)(end_of - text));
        series += strncmp(text, "traces_service_graph_request_total", 34) == 0;
    }
    assert_int_equal(series, snapshot_hostile_names_count);
    end(&fixture);
}

static int step(void *context)
{
    struct fixture *fixture = context;
    char error[256];
    int status = exporter_openmetrics.render(&fixture->input, error, &fixture->out);

    buf_release(&fixture->out);
    buf_init(&fixture->out, 0);
    return status;
}

static void prometheus__survives_failing_memory(void **state)
{
    struct fixture fixture;
    uint32_t twin;

    (void)state;
    begin(&fixture, sample_edge);
    twin = snapshot_build_service(&fixture.build, "orders");
    snapshot_build_observe(
        &fixture.build,
        &snapshot_build_edge(&fixture.build, 0, twin, CONNECTION_DATABASE, 1, 0)->client_seconds,
        NS_PER_S, 1);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(step, &fixture);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prometheus__writes_text),
        cmocka_unit_test(openmetrics__adds_its_own),
        cmocka_unit_test(prometheus__adds_series_of_equal_labels),
        cmocka_unit_test(prometheus__marks_what_overflowed),
        cmocka_unit_test(prometheus__writes_values_as_labels),
        cmocka_unit_test(prometheus__shows_a_new_series_at_zero),
        cmocka_unit_test(prometheus__leaves_the_past_of_a_series_out),
        cmocka_unit_test(prometheus__keeps_the_past_of_series_of_equal_labels),
        cmocka_unit_test(prometheus__hides_idle_series),
        cmocka_unit_test(prometheus__shows_each_stages_health),
        cmocka_unit_test(prometheus__adds_up_the_buckets_of_a_stage),
        cmocka_unit_test(prometheus__keeps_hostile_names_in_their_quotes),
        cmocka_unit_test(prometheus__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
