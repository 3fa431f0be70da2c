/* prom_protobuf.h: metrics as Prometheus' own messages, each behind its length.
 * Is:         MetricFamily messages with times of creation; histograms are classic and native at once.
 * Is not:     a knowledge of what is measured (prometheus.h).
 * Invariants: a family without a sample is left out. A native histogram has integer counts where no
 *             sampling made them fractions; else it is a float histogram.
 * Threads:    one owner at a time.
 * Memory:     writes to a buffer that is the caller's; failures stick to it.
 * Source:     io.prometheus.client metrics.proto; EXPORT P2, P7.
 */
#ifndef SPANMAP_EXPORTERS_PROM_PROTOBUF_H
#define SPANMAP_EXPORTERS_PROM_PROTOBUF_H

#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/view.h"
#include "exporters/prom_text.h"
#include "topology/histogram.h"

struct prom_protobuf {
    struct buf *out;
    const struct prom_family *family; /* NULL: none has begun. */
    const struct histogram_bounds *bounds;
    size_t family_at;  /* Where the family's message begins, */
    size_t metrics_at; /* and its metrics. */
    /* Of a histogram that is told by counts: */
    uint32_t buckets_count;
    double upper[HISTOGRAM_BOUNDS_MAX + 1];
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
};

/* `bounds` are borrowed. */
void prom_protobuf_init(struct prom_protobuf *protobuf, struct buf *out,
                        const struct histogram_bounds *bounds);

/* As prom_writer.h says. */
void prom_protobuf_family(struct prom_protobuf *protobuf, const struct prom_family *family);
void prom_protobuf_value(struct prom_protobuf *protobuf, struct view labels, double value,
                         struct wall_time created, const struct exemplar *exemplar);
void prom_protobuf_histogram(struct prom_protobuf *protobuf, struct view labels,
                             const struct prom_histogram *histogram);
void prom_protobuf_bucket(struct prom_protobuf *protobuf, struct view le, uint64_t count);
void prom_protobuf_sum(struct prom_protobuf *protobuf, double sum, uint64_t count);
void prom_protobuf_end(struct prom_protobuf *protobuf);

#endif
