/* otlp_metrics.h: metrics as OTLP's own messages.
 * Is:         one opentelemetry.proto.metrics.v1.MetricsData, which is an ExportMetricsServiceRequest
 *             as well: cumulative sums and histograms with the times their series began, gauges;
 *             every name as Prometheus has it, with a unit where the name ends in it, so that it
 *             comes out the same by whichever translation.
 * Is not:     a knowledge of what is measured (prometheus.h).
 * Invariants: a metric without a point is left out. Each ResourceMetrics is a request by itself, and
 *             ends once it has OTLP_METRICS_PIECE_BYTES: a sender may cut between any two. Every
 *             bucket and count only grows: of weights that are fractions (odd sampling) a bucket of a
 *             histogram is rounded down, and its count is the sum of its buckets.
 * Threads:    one owner at a time.
 * Memory:     writes to a buffer that is the caller's; failures stick to it.
 * Source:     opentelemetry.proto.metrics.v1 metrics.proto; OpenTelemetry metrics data model.
 */
#ifndef SPANMAP_EXPORTERS_OTLP_METRICS_H
#define SPANMAP_EXPORTERS_OTLP_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/view.h"
#include "exporters/prom_text.h"
#include "topology/histogram.h"
#include "topology/targets.h"

/* Far below the 4 MiB that a gRPC server takes by default; one series more may follow. */
enum { OTLP_METRICS_PIECE_BYTES = 1024 * 1024 };

struct otlp_metrics_options {
    const struct histogram_bounds *bounds; /* Borrowed. */
    bool exponential;                      /* Histograms are exponential ones; else explicit. */
    struct view instance;                  /* Of the resource; empty: it has none. Borrowed. */
    struct wall_time start;                /* Of what does not say when it began. */
    struct wall_time now;
};

struct otlp_metrics {
    struct buf *out;
    struct otlp_metrics_options options;
    const struct prom_family *family; /* While its samples are told; it may be gone afterwards. */
    enum prom_type open_type;         /* Of the metric that is open. */
    const struct target *target;      /* Whose resource is open; NULL: our own. */
    bool is_open;                     /* The four messages below have begun. */
    size_t resource_at;
    size_t scope_at;
    size_t metric_at;
    size_t data_at;
    /* Of a histogram that is told by counts: */
    uint32_t buckets_count;
    double upper[HISTOGRAM_BOUNDS_MAX + 1];
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
};

void otlp_metrics_init(struct otlp_metrics *metrics, struct buf *out,
                       const struct otlp_metrics_options *options);

/* What follows is of this resource, without the labels `job` and `instance`; NULL: of spanmap again. */
void otlp_metrics_target(struct otlp_metrics *metrics, const struct target *target);

/* As prom_writer.h says. */
void otlp_metrics_family(struct otlp_metrics *metrics, const struct prom_family *family);
void otlp_metrics_u64(struct otlp_metrics *metrics, struct view labels, uint64_t value);
void otlp_metrics_double(struct otlp_metrics *metrics, struct view labels, double value,
                         struct wall_time created, const struct exemplar *exemplar);
void otlp_metrics_histogram(struct otlp_metrics *metrics, struct view labels,
                            const struct prom_histogram *histogram);
void otlp_metrics_bucket(struct otlp_metrics *metrics, struct view le, uint64_t count);
void otlp_metrics_sum(struct otlp_metrics *metrics, double sum, uint64_t count);
void otlp_metrics_end(struct otlp_metrics *metrics);

#endif
