/* prom_series.h: what of the snapshot shares one set of labels, added together.
 * Is:         a table of series by their written labels. Two nodes of one name and different types
 *             have equal labels, and one duplicate fails a whole scrape.
 * Invariants: labels are unique; series stand in the order of their first part.
 * Threads:    one owner at a time.
 * Memory:     owns labels and merged histograms, borrows all others; made for a known number.
 * Source:     TOPOLOGY section 4.
 */
#ifndef SPANMAP_EXPORTERS_PROM_SERIES_H
#define SPANMAP_EXPORTERS_PROM_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/histogram.h"
#include "topology/snapshot.h"

enum { PROM_COUNTS = 2, PROM_HISTOGRAMS = 4 };

struct prom_series {
    size_t labels_at; /* Into the table's labels. */
    size_t labels_size;
    uint64_t counts[PROM_COUNTS];
    const struct histogram *histograms[PROM_HISTOGRAMS]; /* NULL: nothing was seen. */
    struct histogram *merged[PROM_HISTOGRAMS];           /* Those above that are our own. */
    struct histogram *merged_past[PROM_HISTOGRAMS];      /* Likewise those of `life`. */
    const struct exemplars *exemplars;                   /* NULL: none. */
    struct exemplars *merged_exemplars;                  /* If those above are our own. */
    struct wall_time created; /* Of the first part that began; 0: none yet. */
    struct wall_time updated;
    uint32_t parts;
    struct snapshot_life
        life; /* Of the only part; of several, the earliest births, and the pasts of
                                * those that are all endless. */
};

struct prom_table {
    struct buf labels;
    struct prom_series *series;
    size_t count;
    size_t count_max;
    uint32_t *slots; /* Number of a series plus one; 0: free. */
    size_t slots_mask;
};

/* Room for `count_max` series. Returns: 0; STATUS_NOMEM. */
MUST_USE int prom_table_init(struct prom_table *table, size_t count_max);
void prom_table_release(struct prom_table *table);

/* Append one set of labels to table->labels from `begin` = its size before on, then take its
 * series: a new one, or the one that has these labels already.
 * Returns: 0; STATUS_NOMEM (also where the labels found no room). */
MUST_USE int prom_table_take(struct prom_table *table, size_t begin,
                             struct prom_series **out_series);

/* Adds a part's time and life. */
void prom_series_touch(struct prom_series *series, struct wall_time created,
                       struct wall_time updated, const struct snapshot_life *life);

/* Adds a part's histogram, which is borrowed as long as the table lives; NULL: it has none.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int prom_series_add(struct prom_series *series, size_t which,
                             const struct histogram *histogram);

/* Adds a part's past, once its life is added; likewise. */
MUST_USE int prom_series_add_past(struct prom_series *series, size_t which,
                                  const struct histogram *past);

/* Adds a part's exemplars; likewise. Without memory there are those of the first part. */
void prom_series_add_exemplars(struct prom_series *series, const struct exemplars *exemplars);

static inline struct view prom_series_labels(const struct prom_table *table,
                                             const struct prom_series *series)
{
    return (struct view){table->labels.data + series->labels_at, series->labels_size};
}

/* Appends `name="value"`, with a comma where labels stand in front of it from `begin` on. */
void prom_label(struct buf *labels, size_t begin, const char *name, struct view value);

#endif
