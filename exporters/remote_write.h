/* remote_write.h: metrics as requests of Prometheus' remote write, 1.0 or 2.0, before their compression.
 * Is:         one look at all series after the other, in pieces that are requests by themselves; what
 *             was told before and is not there any more gets a stale marker.
 * Is not:     a knowledge of what is measured (prometheus.h), nor a sender.
 * Invariants: times rise from look to look. A new series has a 0 before its first value, so that increases
 *             are right; in 2.0 samples also say when they began.
 * Threads:    one owner at a time.
 * Memory:     one piece, and names and labels of the series told last and now, each at most
 *             texts_bytes_max; what is past that gets neither a 0 nor a stale marker.
 * Source:     prometheus.io/docs/specs/prw; prometheus/prompb; EXPORT P18.
 */
#ifndef SPANMAP_EXPORTERS_REMOTE_WRITE_H
#define SPANMAP_EXPORTERS_REMOTE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/prom_text.h"
#include "exporters/remote_set.h"
#include "exporters/remote_symbols.h"

enum remote_version { REMOTE_WRITE_1, REMOTE_WRITE_2 };
enum remote_histograms { REMOTE_CLASSIC, REMOTE_NATIVE, REMOTE_BOTH };

struct remote_counts {
    uint64_t samples;
    uint64_t histograms; /* Native ones. */
    uint64_t exemplars;
};

struct remote_label {
    struct view name;
    struct view value;
};

struct remote_write_options {
    enum remote_version version;
    enum remote_histograms histograms;
    const struct histogram_bounds *bounds; /* Borrowed, as are the following. */
    const struct remote_label *labels;     /* Of every series that has none of that name. */
    size_t labels_count;
    size_t piece_bytes_max; /* 0: 512 KiB; one series more may follow. */
    size_t texts_bytes_max;
    uint64_t interval_ns; /* A 0 is at most so long before its value. */
    /* Takes a piece, which is borrowed. Returns: 0; what ends the look. */
    int (*take)(void *context, struct view message, const struct remote_counts *counts);
    void *context;
};

enum { REMOTE_LABELS_MAX = 120 };

struct remote_write {
    struct remote_write_options options;
    const struct prom_family *family;
    struct remote_meta meta; /* Of the family, also where it ends. */
    struct buf series;       /* TimeSeries, each behind its tag. */
    struct buf texts;        /* Values of labels, without their escapes. */
    struct remote_symbols symbols;
    struct remote_counts counts;
    struct remote_label labels[REMOTE_LABELS_MAX];
    size_t labels_count;
    struct remote_set before;
    struct remote_set now;
    bool before_whole; /* They have all that was told. */
    bool now_whole;
    bool is_new;      /* The series at hand was not told before. */
    bool is_stale;    /* It ends. */
    int64_t time_ms;  /* Of this look, */
    int64_t last_ms;  /* and of the one before. */
    uint64_t last_ns; /* Exemplars up to it were told. */
    uint64_t now_ns;
    struct wall_time created;
    int failed; /* What `take` said. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int remote_write_init(struct remote_write *remote,
                               const struct remote_write_options *options);
void remote_write_release(struct remote_write *remote);

/* A look begins, and ends: what is left of the piece is handed over, and stale markers for what is gone.
 * Returns: 0; what failed: some pieces may have been handed over. */
void remote_write_begin(struct remote_write *remote, struct wall_time now);
MUST_USE int remote_write_finish(struct remote_write *remote);

/* All series end. Returns: likewise. */
MUST_USE int remote_write_end(struct remote_write *remote, struct wall_time now);

/* As prom_writer.h says. */
void remote_write_family(struct remote_write *remote, const struct prom_family *family);
void remote_write_value(struct remote_write *remote, struct view labels, double value,
                        struct wall_time created, const struct exemplar *exemplar);
void remote_write_histogram(struct remote_write *remote, struct view labels,
                            const struct prom_histogram *histogram);
void remote_write_bucket(struct remote_write *remote, struct view le, uint64_t count);
void remote_write_sum(struct remote_write *remote, double sum, uint64_t count);

#endif
