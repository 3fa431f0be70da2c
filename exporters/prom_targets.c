/* prom_targets.c: names made plain, sorted, written. A few dozen labels each, so sorting them at each
 * scrape costs little beside the samples.
 */
#include "exporters/prom_targets.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "exporters/escape.h"
#include "exporters/prom_series.h"
#include "topology/targets.h"

enum { LABELS_MAX = TARGET_ATTRIBUTES_MAX + 2 };

struct label {
    size_t name_at; /* Into the names. */
    struct view name;
    struct view key; /* As it came; decides the order among equal names. */
    struct view value;
};

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* P8; never empty. Failures stick to the buffer, here and below. */
static void write_name(struct buf *names, struct view key)
{
    size_t begin = names->size;

    if (key.size != 0 && key.data[0] >= '0' && key.data[0] <= '9')
        (void)buf_append_byte(names, '_');
    for (size_t i = 0; i < key.size; i++) {
        char c = is_plain(key.data[i]) ? key.data[i] : '_';
        if (c != '_' || names->size == begin || names->data[names->size - 1] != '_')
            (void)buf_append_byte(names, c);
    }
}

static void add_label(struct buf *names, struct label *labels, size_t *count,
                      const struct target_attribute *attribute)
{
    struct label *label = &labels[*count];
    size_t begin = names->size;
    struct view name;

    CHECK(*count < LABELS_MAX);
    write_name(names, attribute->key);
    if (names->failed != 0)
        return;
    name = (struct view){names->data + begin, names->size - begin};
    if (view_equal(name, VIEW("job")) || view_equal(name, VIEW("instance"))) {
        names->size = begin;
        (void)buf_append_text(names, "exported_");
        write_name(names, attribute->key);
    }
    *label = (struct label){.name_at = begin, .key = attribute->key, .value = attribute->value};
    label->name.size = names->size - begin;
    ++*count;
}

static int compare(const void *a, const void *b)
{
    const struct label *one = a;
    const struct label *other = b;
    int order = view_compare(one->name, other->name);

    return order != 0 ? order : view_compare(one->key, other->key);
}

/* job="a",k8s_pod_name="b;c" */
static void write_labels(struct buf *out, const struct label *labels, size_t count)
{
    size_t begin = out->size;

    for (size_t i = 0; i < count; i++) {
        if (i != 0 && view_equal(labels[i].name, labels[i - 1].name)) {
            (void)buf_append_byte(out, ';');
        } else {
            if (out->size != begin)
                (void)buf_append_text(out, "\",");
            (void)buf_append_view(out, labels[i].name);
            (void)buf_append_text(out, "=\"");
        }
        (void)escape_label(out, labels[i].value);
    }
    if (count != 0)
        (void)buf_append_byte(out, '"');
}

/* What the resource of OTLP says is no label there. */
static int target_labels(struct buf *out, struct buf *names, const struct target *target,
                         bool with_identity)
{
    struct label labels[LABELS_MAX];
    size_t count = 0;

    buf_reset(names);
    for (size_t i = 0; i < target->count; i++)
        add_label(names, labels, &count, &target->attributes[i]);
    if (names->failed != 0)
        return names->failed;
    for (size_t i = 0; i < count; i++)
        labels[i].name.data = names->data + labels[i].name_at; /* They no longer move. */
    if (with_identity)
        labels[count++] = (struct label){.name = VIEW("job"), .value = target->job};
    if (with_identity && target->instance.size != 0)
        labels[count++] = (struct label){.name = VIEW("instance"), .value = target->instance};
    qsort(labels, count, sizeof(*labels), compare);
    write_labels(out, labels, count);
    return out->failed;
}

static int gather(struct prom_table *table, struct target *const *list, size_t count)
{
    struct prom_series *series;
    struct buf names;
    int status = 0;

    buf_init(&names, 0);
    for (size_t i = 0; i < count && status == 0; i++) {
        size_t begin = table->labels.size;
        status = target_labels(&table->labels, &names, list[i], true);
        if (status == 0) /* Names that are no UTF-8 may be equal once they are repaired. */
            status = prom_table_take(table, begin, &series);
    }
    buf_release(&names);
    return status;
}

static const struct prom_family family = {PROM_INFO, "traces_target",
                                          "What the resources that send spans say of themselves."};

/* Labels of their own for each, in a table, for no two may be equal. */
static int write_labelled(struct prom_writer *writer, struct target *const *list, size_t count)
{
    struct prom_table table;
    int status = prom_table_init(&table, count);

    if (status != 0)
        return status;
    status = gather(&table, list, count);
    if (status == 0) {
        prom_writer_family(writer, &family);
        for (size_t i = 0; i < table.count; i++)
            prom_writer_u64(writer, prom_series_labels(&table, &table.series[i]), 1);
    }
    prom_table_release(&table);
    return status;
}

/* In OTLP each target is a resource, from which whoever turns it into Prometheus' format makes job and
 * instance; given as attributes, they would stand there twice. */
static int write_resources(struct otlp_metrics *metrics, struct target *const *list, size_t count)
{
    struct buf names;
    struct buf labels;
    int status = 0;

    buf_init(&names, 0);
    buf_init(&labels, 0);
    for (size_t i = 0; i < count && status == 0; i++) {
        buf_reset(&labels);
        status = target_labels(&labels, &names, list[i], false);
        if (status != 0)
            break;
        otlp_metrics_target(metrics, list[i]);
        otlp_metrics_family(metrics, &family);
        otlp_metrics_u64(metrics, buf_view(&labels), 1);
    }
    otlp_metrics_target(metrics, NULL);
    buf_release(&names);
    buf_release(&labels);
    return status;
}

int prom_targets(const struct export_input *input, struct prom_writer *writer)
{
    struct target **list;
    size_t count;
    int status;

    if (input->targets == NULL)
        return 0;
    status = targets_list(input->targets, input->snapshot->end, &list, &count);
    if (status != 0)
        return status;
    status = writer->format == PROM_OTLP ? write_resources(&writer->otlp, list, count)
                                         : write_labelled(writer, list, count);
    targets_release_list(list, count);
    return status;
}
