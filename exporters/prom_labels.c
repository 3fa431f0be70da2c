/* prom_labels.c: labels mostly come in order, so putting one in its place is cheap. */
#include "exporters/prom_labels.h"

#include "base/check.h"
#include "exporters/escape.h"

void prom_labels_add(struct prom_labels *labels, struct view name, struct view value)
{
    if (value.size == 0)
        return;
    CHECK(labels->count < PROM_LABELS_MAX);
    if (labels->count != 0 && view_compare(labels->labels[labels->count - 1].name, name) > 0)
        labels->is_sorted = false;
    labels->labels[labels->count++] = (struct prom_named){name, value};
}

void prom_labels_add_values(struct prom_labels *labels, const struct dimensions *dimensions,
                            enum dimension_side side, struct view packed)
{
    struct view value;
    unsigned which;

    while (dimension_next(&packed, &which, &value)) {
        CHECK(dimensions != NULL && which < dimensions->count);
        prom_labels_add(labels, dimensions->items[which].label[side], value);
    }
}

static void sort(struct prom_labels *labels)
{
    for (size_t i = 1; i < labels->count; i++) {
        struct prom_named label = labels->labels[i];
        size_t at = i;
        for (; at != 0 && view_compare(label.name, labels->labels[at - 1].name) < 0; at--)
            labels->labels[at] = labels->labels[at - 1];
        labels->labels[at] = label;
    }
    labels->is_sorted = true;
}

void prom_labels_write(struct prom_labels *labels, struct buf *out)
{
    if (!labels->is_sorted)
        sort(labels);
    for (size_t i = 0; i < labels->count; i++) {
        (void)buf_append_text(out, i != 0 ? "\"," : ""); /* Failures stick, here and below. */
        (void)buf_append_view(out, labels->labels[i].name);
        (void)buf_append_text(out, "=\"");
        (void)escape_label(out, labels->labels[i].value);
    }
    (void)buf_append_text(out, labels->count != 0 ? "\"" : "");
}
