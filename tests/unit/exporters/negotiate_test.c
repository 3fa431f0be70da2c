/* negotiate_test.c: what Prometheus and browsers send, and what they get. */
#include "exporters/negotiate.h"

#include "exporters/prometheus.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"

#define TEXT_0_0_4 "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_1_0 "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="

#define PROTOBUF                                                                                   \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

static void check(const char *accept, const char *expected)
{
    struct metrics_format format = negotiate_metrics(view_of(accept));
    const struct exporter *exporter = &exporter_prometheus;

    if (strncmp(expected, PROTOBUF, strlen(PROTOBUF)) == 0)
        exporter = &exporter_prometheus_protobuf;
    else if (strncmp(expected, "application/", 12) == 0)
        exporter = &exporter_openmetrics;
    assert_string_equal(format.content_type, expected);
    assert_ptr_equal(format.exporter, exporter);
}

static void negotiate__without_accept_is_plain(void **state)
{
    (void)state;
    check("", TEXT_0_0_4);
    check("*/*", TEXT_0_0_4);
    check("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", TEXT_0_0_4);
    check("image/png", TEXT_0_0_4);
    check("text/plain", TEXT_0_0_4);
    check("text/*", TEXT_0_0_4);
    check(";;;,,,=\"", TEXT_0_0_4);
}

static void negotiate__gives_prometheus_what_it_likes_best(void **state)
{
    (void)state;
    /* 3.10 */
    check("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
          "application/openmetrics-text;version=0.0.1;q=0.5,"
          "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
          "*/*;q=0.2",
          OPENMETRICS_1_0 "allow-utf-8");
    /* With native histograms protobuf comes first. */
    check("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited;q=0.6,"
          "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
          "application/openmetrics-text;version=0.0.1;q=0.4,"
          "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,"
          "*/*;q=0.1",
          PROTOBUF);
    check("application/vnd.google.protobuf; proto=\"io.prometheus.client.MetricFamily\"; "
          "encoding=delimited; escaping=allow-utf-8, text/plain;q=0.9",
          PROTOBUF "; escaping=allow-utf-8");
    /* Of other messages, and of other ways to write them, there is none. */
    check("application/vnd.google.protobuf;proto=other;encoding=delimited,text/plain;q=0.2",
          TEXT_0_0_4);
    check("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
          TEXT_0_0_4);
    check("application/vnd.google.protobuf", TEXT_0_0_4);
    /* 2.42 */
    check("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
          "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
          OPENMETRICS_1_0 "underscores");
}

static void negotiate__weighs_quality_and_exactness(void **state)
{
    (void)state;
    check("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5",
          "application/openmetrics-text; version=0.0.1; charset=utf-8");
    check("application/openmetrics-text", OPENMETRICS_1_0 "underscores");
    check("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", TEXT_0_0_4);
    check("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; "
                                      "escaping=underscores");
    check("Text/Plain; Version=\"1.0.0\"; Escaping=Dots",
          "text/plain; version=1.0.0; charset=utf-8; escaping=dots");
    check("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.3",
          TEXT_0_0_4);
    check("application/openmetrics-text;version=1.0.0;q=0,*/*;q=0.1", TEXT_0_0_4);
    check("application/*", OPENMETRICS_1_0 "underscores");
    /* Quotes hold commas and semicolons. */
    check("a/b;c=\"d,application/openmetrics-text;version=1.0.0,e\"", TEXT_0_0_4);
    check("text/plain;a=\"b;q=0\",application/openmetrics-text;q=0.5", TEXT_0_0_4);
    /* Equal qualities: the richer one. */
    check("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5",
          OPENMETRICS_1_0 "underscores");
    check("application/openmetrics-text;version=1.0.0;q=abc,text/plain;q=0.001", TEXT_0_0_4);
}

static void negotiate__knows_gzip(void **state)
{
    (void)state;
    assert_false(negotiate_gzip(VIEW("")));
    assert_true(negotiate_gzip(VIEW("gzip")));
    assert_true(negotiate_gzip(VIEW("deflate, GZIP;q=1.0, *;q=0.5")));
    assert_true(negotiate_gzip(VIEW("*")));
    assert_true(negotiate_gzip(VIEW("gzip;q=0.1")));
    assert_false(negotiate_gzip(VIEW("gzip;q=0")));
    assert_false(negotiate_gzip(VIEW("gzip;q=0, *")));
    assert_false(negotiate_gzip(VIEW("*;q=0")));
    assert_false(negotiate_gzip(VIEW("br, deflate")));
    assert_false(negotiate_gzip(VIEW("identity, gzip;q=0.5")));
}

/* Any bytes have an answer (the sanitizers look for reads out of bounds). */
static void negotiate__takes_any_bytes(void **state)
{
    static const char letters[] = "/*;=,q.01\" textplainversion";
    struct random random = random_of(9);
    char bytes[48];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct view header = {bytes, random_below(&random, sizeof(bytes))};
        for (size_t j = 0; j < header.size; j++)
            bytes[j] = letters[random_below(&random, sizeof(letters) - 1)];
        assert_non_null(negotiate_metrics(header).exporter);
        (void)negotiate_gzip(header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negotiate__without_accept_is_plain),
        cmocka_unit_test(negotiate__gives_prometheus_what_it_likes_best),
        cmocka_unit_test(negotiate__weighs_quality_and_exactness),
        cmocka_unit_test(negotiate__knows_gzip),
        cmocka_unit_test(negotiate__takes_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
