/* otlp_signal_fuzz.c: any bytes as requests of metrics and logs. What protobuf-c reads is read here too,
 * with at least as many items (of a oneof that was sent twice protobuf-c keeps the last).
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "receiver/otlp_signal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* protobuf-c recurses as deep as its input nests, and knows no limit of 64. */
enum { ORACLE_SIZE_MAX = 4096, DEPTH_MAX = 64 };

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest MetricsRequest;
typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest LogsRequest;
typedef Opentelemetry__Proto__Metrics__V1__Metric Metric;

static size_t points_of(const Metric *metric)
{
    switch (metric->data_case) {
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_GAUGE:
        return metric->gauge->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUM:
        return metric->sum->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_HISTOGRAM:
        return metric->histogram->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
        return metric->exponential_histogram->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUMMARY:
        return metric->summary->n_data_points;
    default:
        return 0;
    }
}

static size_t count_points(const MetricsRequest *request)
{
    size_t count = 0;

    for (size_t i = 0; i < request->n_resource_metrics; i++)
        for (size_t j = 0; j < request->resource_metrics[i]->n_scope_metrics; j++)
            for (size_t k = 0; k < request->resource_metrics[i]->scope_metrics[j]->n_metrics; k++)
                count += points_of(request->resource_metrics[i]->scope_metrics[j]->metrics[k]);
    return count;
}

static size_t count_records(const LogsRequest *request)
{
    size_t count = 0;

    for (size_t i = 0; i < request->n_resource_logs; i++)
        for (size_t j = 0; j < request->resource_logs[i]->n_scope_logs; j++)
            count += request->resource_logs[i]->scope_logs[j]->n_log_records;
    return count;
}

static void compare(enum otlp_signal signal, struct view bytes, size_t wanted, bool is_read)
{
    struct otlp_signal_counts counts;
    int status = otlp_signal_read(signal, bytes, DEPTH_MAX, &counts);

    CHECK(status == 0 || (counts.error != NULL && counts.error_offset <= bytes.size));
    CHECK(counts.rejected <= counts.items && (counts.rejected != 0) == (counts.reason != NULL));
    if (is_read && status != 0)
        CHECK(strstr(counts.error, "nested") != NULL || strstr(counts.error, "wire") != NULL);
    if (is_read && status == 0)
        CHECK(counts.items >= wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes = {(const char *)data, size};
    MetricsRequest *metrics = NULL;
    LogsRequest *logs = NULL;

    if (size <= ORACLE_SIZE_MAX) {
        metrics =
            opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
                NULL, size, data);
        logs = opentelemetry__proto__collector__logs__v1__export_logs_service_request__unpack(
            NULL, size, data);
    }
    compare(OTLP_METRICS, bytes, metrics != NULL ? count_points(metrics) : 0, metrics != NULL);
    compare(OTLP_LOGS, bytes, logs != NULL ? count_records(logs) : 0, logs != NULL);
    if (metrics != NULL)
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(
            metrics, NULL);
    if (logs != NULL)
        opentelemetry__proto__collector__logs__v1__export_logs_service_request__free_unpacked(logs,
                                                                                              NULL);
    return 0;
}
