/* prometheus.h: the exporters of metrics.
 * Is:         `prometheus` (text 0.0.4, which for our names is also text 1.0.0), `openmetrics`
 *             (1.0.0) and `prometheus_protobuf` (with native histograms); the same samples, without
 *             timestamps. `otlp`, the same as OTLP metrics, with the snapshot's time.
 * Invariants: families and series stand in a fixed order; no two series have equal labels.
 * Threads:    any.
 * Source:     TOPOLOGY section 4; EXPORT P1-P5, P7, P14.
 */
#ifndef SPANMAP_EXPORTERS_PROMETHEUS_H
#define SPANMAP_EXPORTERS_PROMETHEUS_H

#include "exporters/exporter.h"

extern const struct exporter exporter_prometheus;
extern const struct exporter exporter_openmetrics;
extern const struct exporter exporter_prometheus_protobuf;
extern const struct exporter exporter_otlp;

struct remote_write;

/* One look for remote write, from begin to finish. On failure out_error has one sentence.
 * Returns: 0; STATUS_NOMEM; what the taker of pieces said. Some may have been taken. */
MUST_USE int prometheus_write(const struct export_input *input, struct remote_write *remote,
                              char out_error[256]);

#endif
