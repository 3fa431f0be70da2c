/* prom_series.c: open addressing over the hash of the labels' bytes, never more than half full. */
#include "exporters/prom_series.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "exporters/escape.h"

/* Of exemplars, several parts together. */
enum { MERGED_MAX = 4 * EXEMPLARS_OF_EDGE_MAX };

int prom_table_init(struct prom_table *table, size_t count_max)
{
    size_t slots = 16;

    *table = (struct prom_table){.count_max = count_max};
    buf_init(&table->labels, 0);
    while (slots < count_max * 2)
        slots *= 2;
    table->slots_mask = slots - 1;
    table->slots = mem_calloc(slots, sizeof(*table->slots));
    table->series = mem_calloc(count_max, sizeof(*table->series));
    if (table->slots != NULL && table->series != NULL)
        return 0;
    prom_table_release(table);
    return STATUS_NOMEM;
}

static void end_histograms(struct prom_series *series, size_t which)
{
    histogram_free(series->merged[which]);
    histogram_free(series->merged_past[which]);
}

void prom_table_release(struct prom_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        for (size_t j = 0; j < PROM_HISTOGRAMS; j++)
            end_histograms(&table->series[i], j);
    for (size_t i = 0; i < table->count; i++)
        mem_free(table->series[i].merged_exemplars);
    mem_free(table->series);
    mem_free(table->slots);
    buf_release(&table->labels);
    *table = (struct prom_table){.count = 0};
}

int prom_table_take(struct prom_table *table, size_t begin, struct prom_series **out_series)
{
    struct view labels = {table->labels.data + begin, table->labels.size - begin};
    size_t slot;

    if (table->labels.failed != 0)
        return table->labels.failed;
    /* Any seed will do: the order of series does not depend on it. */
    slot = (size_t)hash64(labels.data, labels.size, 0) & table->slots_mask;
    for (; table->slots[slot] != 0; slot = (slot + 1) & table->slots_mask) {
        struct prom_series *series = &table->series[table->slots[slot] - 1];
        if (!view_equal(prom_series_labels(table, series), labels))
            continue;
        table->labels.size = begin;
        *out_series = series;
        return 0;
    }
    CHECK(table->count < table->count_max);
    table->series[table->count] = (struct prom_series){.labels_at = begin,
                                                       .labels_size = labels.size};
    *out_series = &table->series[table->count++];
    table->slots[slot] = (uint32_t)table->count;
    return 0;
}

/* Of parts that began anew at different times the sum would fall: they count from the start. */
static void merge_lives(struct snapshot_life *into, const struct snapshot_life *from)
{
    struct snapshot_life life = {.born = from->born < into->born ? from->born : into->born};

    if (into->endless && from->endless) {
        life = *into;
        life.born = from->born < into->born ? from->born : into->born;
        life.past_count += from->past_count;
        life.past_failed += from->past_failed;
    }
    for (size_t i = 0; i < SNAPSHOT_SECONDS; i++) {
        uint64_t one = into->seconds_born[i], other = from->seconds_born[i];
        life.seconds_born[i] = one == 0 || (other != 0 && other < one) ? other : one;
    }
    *into = life;
}

void prom_series_touch(struct prom_series *series, struct wall_time created,
                       struct wall_time updated, const struct snapshot_life *life)
{
    if (series->parts++ == 0)
        series->life = *life;
    else
        merge_lives(&series->life, life);
    if (series->created.ns == 0 || created.ns < series->created.ns)
        series->created = created;
    if (updated.ns > series->updated.ns)
        series->updated = updated;
}

int prom_series_add(struct prom_series *series, size_t which, const struct histogram *histogram)
{
    CHECK(which < PROM_HISTOGRAMS);
    if (histogram == NULL || histogram->count == 0)
        return 0;
    if (series->histograms[which] == NULL) {
        series->histograms[which] = histogram;
        return 0;
    }
    if (series->merged[which] == NULL) {
        int status = histogram_copy(series->histograms[which], &series->merged[which]);
        if (status != 0)
            return status;
        series->histograms[which] = series->merged[which];
    }
    return histogram_merge(series->merged[which], histogram);
}

int prom_series_add_past(struct prom_series *series, size_t which, const struct histogram *past)
{
    const struct histogram **all = &series->life.past_seconds[which];

    if (series->parts == 1 || !series->life.endless || past == NULL)
        return 0;
    if (*all == NULL) {
        *all = past;
        return 0;
    }
    if (series->merged_past[which] == NULL) {
        int status = histogram_copy(*all, &series->merged_past[which]);
        if (status != 0)
            return status;
        *all = series->merged_past[which];
    }
    return histogram_merge(series->merged_past[which], past);
}

static void add_all(struct exemplars **set, const struct exemplars *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct exemplar *item = &from->items[i];
        const struct exemplar *known = exemplars_find(*set, item->which, item->bucket);
        if (item->of_failure || known == NULL || known->ns <= item->ns)
            exemplars_put(set, item, MERGED_MAX);
    }
}

void prom_series_add_exemplars(struct prom_series *series, const struct exemplars *exemplars)
{
    if (exemplars == NULL)
        return;
    if (series->exemplars == NULL) {
        series->exemplars = exemplars;
        return;
    }
    if (series->merged_exemplars == NULL)
        add_all(&series->merged_exemplars, series->exemplars);
    add_all(&series->merged_exemplars, exemplars);
    if (series->merged_exemplars != NULL)
        series->exemplars = series->merged_exemplars;
}

void prom_label(struct buf *labels, size_t begin, const char *name, struct view value)
{
    if (labels->size != begin)
        (void)buf_append_byte(labels, ','); /* Failures stick; the table looks at them. */
    (void)buf_append_text(labels, name);
    (void)buf_append_text(labels, "=\"");
    (void)escape_label(labels, value);
    (void)buf_append_byte(labels, '"');
}
