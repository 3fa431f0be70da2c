/* prom_labels.h: the labels of one series, in the order of their names.
 * Is:         a row of labels that is gathered in any order and written sorted, those of dimensions
 *             among the others.
 * Threads:    one owner at a time.
 * Memory:     plain data; borrows names and values.
 * Source:     TOPOLOGY section 4.
 */
#ifndef SPANMAP_EXPORTERS_PROM_LABELS_H
#define SPANMAP_EXPORTERS_PROM_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"
#include "topology/dimensions.h"

enum { PROM_LABELS_OWN_MAX = 8, PROM_LABELS_MAX = PROM_LABELS_OWN_MAX + 2 * DIMENSIONS_MAX };

struct prom_labels {
    size_t count;
    bool is_sorted; /* As far as it goes. */
    struct prom_named {
        struct view name;
        struct view value;
    } labels[PROM_LABELS_MAX];
};

static inline void prom_labels_begin(struct prom_labels *labels)
{
    labels->count = 0;
    labels->is_sorted = true;
}

/* Adds a label, unless its value is empty. Names are added at most once. */
void prom_labels_add(struct prom_labels *labels, struct view name, struct view value);

/* Adds those of packed values; `dimensions` may be NULL where there are none. */
void prom_labels_add_values(struct prom_labels *labels, const struct dimensions *dimensions,
                            enum dimension_side side, struct view packed);

/* Appends `a="1",b="2"`, values escaped. A failure sticks to the buffer. */
void prom_labels_write(struct prom_labels *labels, struct buf *out);

#endif
