/* prom_writer.h: metrics in whichever of Prometheus' formats was asked for.
 * Is:         families and samples, told once, written as text (prom_text.h) or protobuf
 *             (prom_protobuf.h).
 * Is not:     a knowledge of what is measured.
 * Invariants: samples of a family stand together behind its header.
 * Threads:    one owner at a time.
 * Memory:     writes to a buffer that is the caller's, where failures stick; owns the names of the
 *             families that were written until prom_writer_end().
 */
#ifndef SPANMAP_EXPORTERS_PROM_WRITER_H
#define SPANMAP_EXPORTERS_PROM_WRITER_H

#include "exporters/exporter.h"
#include "exporters/otlp_metrics.h"
#include "exporters/prom_protobuf.h"
#include "exporters/prom_text.h"
#include "exporters/remote_write.h"

enum prom_format { PROM_TEXT, PROM_OPENMETRICS, PROM_PROTOBUF, PROM_OTLP, PROM_REMOTE };

struct prom_writer {
    enum prom_format format;
    struct buf *out;
    struct prom_text text;
    struct prom_protobuf protobuf;
    struct otlp_metrics otlp;
    struct remote_write *remote;
    struct buf families; /* A name a line. */
};

/* The input is borrowed. */
void prom_writer_init(struct prom_writer *writer, struct buf *out, enum prom_format format,
                      const struct export_input *input);

/* The same for remote write, which is borrowed, and where a look has begun. */
void prom_writer_init_remote(struct prom_writer *writer, struct remote_write *remote);

/* Whether each series says when it began. */
static inline bool prom_writer_tells_created(const struct prom_writer *writer)
{
    return writer->format != PROM_TEXT;
}

/* Begins a family; it is borrowed until its last sample. */
void prom_writer_family(struct prom_writer *writer, const struct prom_family *family);

/* Whether a family's header was written; a second one would fail the scrape. */
bool prom_writer_has(const struct prom_writer *writer, const struct prom_family *family);

/* One sample. `labels` is `a="x",b="y"`, escaped; may be empty. */
void prom_writer_u64(struct prom_writer *writer, struct view labels, uint64_t value);
void prom_writer_double(struct prom_writer *writer, struct view labels, double value);

/* A counter in weights (2^20 is one), with the time its series began; 0: not known. `exemplar` may be
 * NULL. */
void prom_writer_weight(struct prom_writer *writer, struct view labels, uint64_t weight,
                        struct wall_time created, const struct exemplar *exemplar);

/* A histogram with its exemplars. */
void prom_writer_histogram(struct prom_writer *writer, struct view labels,
                           const struct prom_histogram *histogram);

/* A histogram without labels of its own, told by counts: the buckets, each `le="..."` with the count
 * up to it, in their order; then its sum and count. */
void prom_writer_bucket(struct prom_writer *writer, struct view le, uint64_t count);
void prom_writer_sum(struct prom_writer *writer, double sum, uint64_t count);

/* What must stand behind the last sample. */
void prom_writer_end(struct prom_writer *writer);

#endif
