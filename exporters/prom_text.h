/* prom_text.h: the grammar of Prometheus' text formats, and nothing of what is measured.
 * Is:         families (TYPE, UNIT, HELP) and samples in text 0.0.4 (which is text 1.0.0 for names
 *             like ours) and OpenMetrics 1.0.0.
 * Invariants: samples of a family stand together behind its header. Bytes are copied, not
 *             formatted, but for the value itself.
 * Threads:    plain data.
 * Memory:     writes to a buffer that is the caller's; failures stick to it.
 * Source:     EXPORT P4, P5.
 */
#ifndef SPANMAP_EXPORTERS_PROM_TEXT_H
#define SPANMAP_EXPORTERS_PROM_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/view.h"
#include "exporters/deflate_pack.h"
#include "topology/exemplar.h"
#include "topology/histogram.h"

enum prom_type { PROM_COUNTER, PROM_GAUGE, PROM_HISTOGRAM, PROM_INFO, PROM_UNKNOWN };

/* `name` is the family's as OpenMetrics has it: a counter's without "_total", an info's without
 * "_info". A name that ends in _seconds or _bytes has that unit. */
struct prom_family {
    enum prom_type type;
    const char *name;
    const char *help; /* One sentence, not escaped. */
};

enum { PROM_NAME_MAX = 120 };

/* What is shown of one series' histogram. */
struct prom_histogram {
    const struct histogram *now;
    const struct histogram *past;      /* What it was once, which is left out; NULL: nothing. */
    const struct exemplars *exemplars; /* NULL: none. */
    unsigned which;                    /* Whose of those are its own. */
    struct wall_time created;          /* 0: not known. */
};

/* What the samples of a type have behind the family's name. */
const char *prom_type_suffix(enum prom_type type);

/* The unit that a family's name ends in; NULL: none. */
const char *prom_unit(const char *name);

/* The bound that the label `le="..."` tells. */
double prom_le(struct view label);

struct prom_text {
    struct buf *out;
    struct deflate_pack *pack; /* NULL: none. */
    bool openmetrics;
    const struct prom_family *family;
    const struct histogram_bounds *bounds;
    char bucket[PROM_NAME_MAX]; /* `name_bucket{` */
    size_t bucket_size;
    char le[HISTOGRAM_BOUNDS_MAX + 1][32]; /* `le="0.002"} ` */
    uint8_t le_size[HISTOGRAM_BOUNDS_MAX + 1];
};

/* `bounds` and `pack` are borrowed; the latter, which may be NULL, takes in what has gathered in `out`
 * whenever it is due. */
void prom_text_init(struct prom_text *text, struct buf *out, struct deflate_pack *pack,
                    bool openmetrics, const struct histogram_bounds *bounds);

/* Begins a family; it is borrowed until the next one begins. */
void prom_text_family(struct prom_text *text, const struct prom_family *family);

/* One sample. `labels` is `a="x",b="y"`, escaped; may be empty. */
void prom_text_u64(struct prom_text *text, struct view labels, uint64_t value);
/* Likewise with a suffix behind the family's name, as histograms' samples have. */
void prom_text_part(struct prom_text *text, const char *suffix, struct view labels, uint64_t value);
void prom_text_part_double(struct prom_text *text, const char *suffix, double value);
void prom_text_double(struct prom_text *text, struct view labels, double value);

/* A counter in weights (2^20 is one), with the time its series began; 0: not known. `exemplar` may be
 * NULL; its value is the one call that it is. */
void prom_text_weight(struct prom_text *text, struct view labels, uint64_t weight,
                      struct wall_time created, const struct exemplar *exemplar);

/* Buckets, sum and count of a histogram. */
void prom_text_histogram(struct prom_text *text, struct view labels,
                         const struct prom_histogram *histogram);

/* What must stand behind the last sample. */
void prom_text_end(struct prom_text *text);

#endif
