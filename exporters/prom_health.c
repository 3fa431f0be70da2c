/* prom_health.c: small tables; rows that several stages share are added together. */
#include "exporters/prom_health.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "version.h"

/* The accounting: each class but `waiting` only grows, since nothing judged is withdrawn. */
static void accounting(struct prom_writer *writer, const struct accounting *spans)
{
    static const struct prom_family received = {
        PROM_COUNTER, "spanmap_spans_received",
        "Spans that came in; the sum of spanmap_spans_judged_total and spanmap_spans_waiting."};
    static const struct prom_family judged = {PROM_COUNTER, "spanmap_spans_judged",
                                              "Spans by what became of them, each in one class."};
    static const struct prom_family waiting = {
        PROM_GAUGE, "spanmap_spans_waiting",
        "Spans whose wait for their other side has not ended."};
    char labels[96];

    prom_writer_family(writer, &received);
    prom_writer_u64(writer, VIEW(""), spans->received);
    prom_writer_family(writer, &judged);
    prom_writer_u64(writer, VIEW("class=\"internal\""), spans->internal);
    prom_writer_u64(writer, VIEW("class=\"paired\""), spans->paired);
    prom_writer_u64(writer, VIEW("class=\"duplicate\""), spans->duplicate);
    for (int i = 0; i < UNPAIRED_REASON_COUNT; i++) {
        (void)snprintf(labels, sizeof(labels), "class=\"unpaired\",reason=\"%s\"",
                       unpaired_reason_name((enum unpaired_reason)i));
        prom_writer_u64(writer, view_of(labels), spans->unpaired[i]);
    }
    for (int i = 0; i < DROPPED_REASON_COUNT; i++) {
        (void)snprintf(labels, sizeof(labels), "class=\"dropped\",reason=\"%s\"",
                       dropped_reason_name((enum dropped_reason)i));
        prom_writer_u64(writer, view_of(labels), spans->dropped[i]);
    }
    for (int i = 0; i < REJECTED_REASON_COUNT; i++) {
        (void)snprintf(labels, sizeof(labels), "class=\"rejected\",reason=\"%s\"",
                       rejected_reason_name((enum rejected_reason)i));
        prom_writer_u64(writer, view_of(labels), spans->rejected[i]);
    }
    prom_writer_family(writer, &waiting);
    prom_writer_u64(writer, VIEW(""), spans->waiting);
}

/* The same of links: of consumers' spans, each linked span once. */
static void link_accounting(struct prom_writer *writer, const struct link_accounting *links)
{
    static const struct prom_family received = {
        PROM_COUNTER, "spanmap_links_received",
        "Links from consumers to producers; the sum of spanmap_links_judged_total and "
        "spanmap_links_waiting."};
    static const struct prom_family judged = {PROM_COUNTER, "spanmap_links_judged",
                                              "Such links by what became of them."};
    static const struct prom_family waiting = {PROM_GAUGE, "spanmap_links_waiting",
                                               "Such links whose wait has not ended."};

    prom_writer_family(writer, &received);
    prom_writer_u64(writer, VIEW(""), links->links);
    prom_writer_family(writer, &judged);
    prom_writer_u64(writer, VIEW("class=\"paired\""), links->paired);
    prom_writer_u64(writer, VIEW("class=\"missing\""), links->missing);
    prom_writer_u64(writer, VIEW("class=\"dropped\""), links->dropped);
    prom_writer_family(writer, &waiting);
    prom_writer_u64(writer, VIEW(""), links->waiting);
}

static void noticed(struct prom_writer *writer, const struct topology_counts *counts)
{
    const struct {
        struct prom_family family;
        uint64_t value;
    } rows[] = {
        {{PROM_COUNTER, "spanmap_topology_skewed_durations",
          "Durations that were cut to zero or to the maximum."},
         counts->skewed_durations},
        {{PROM_COUNTER, "spanmap_topology_negative_network",
          "Network times below zero, which were not observed."},
         counts->negative_network},
        {{PROM_COUNTER, "spanmap_topology_negative_messaging",
          "Times of messages on their way below zero, which were not observed."},
         counts->negative_messaging},
        {{PROM_COUNTER, "spanmap_topology_unknown_weights",
          "Spans that say nothing of their sampling and count as one."},
         counts->weights_unknown},
        {{PROM_COUNTER, "spanmap_topology_cut_weights",
          "Spans whose adjusted count was above sampling.max_count."},
         counts->weights_cut},
        {{PROM_COUNTER, "spanmap_topology_overflowed_requests",
          "Requests that were counted on the overflow edge."},
         counts->edges_overflowed},
        {{PROM_COUNTER, "spanmap_topology_overflowed_operations",
          "Spans that were counted on the overflow operation."},
         counts->operations_overflowed},
        {{PROM_COUNTER, "spanmap_topology_overflowed_dimensions",
          "Requests and spans that were counted without their values of dimensions."},
         counts->values_overflowed},
        {{PROM_COUNTER, "spanmap_topology_overflowed_fanout",
          "Client durations that were left out past 64 edges of one span."},
         counts->fanout_overflowed},
        {{PROM_COUNTER, "spanmap_topology_cut_walks",
          "Walks to ancestors that ended at their bound."},
         counts->walks_cut},
        {{PROM_COUNTER, "spanmap_topology_unknown_self_times",
          "Spans without a self time, because some of their children were no longer remembered."},
         counts->self_unknown},
        {{PROM_COUNTER, "spanmap_topology_left_edges",
          "Edges that were idle and left to make room; the overflow edge has what they counted."},
         counts->edges_left},
        {{PROM_COUNTER, "spanmap_topology_left_operations",
          "Series of operations that were idle and left to make room."},
         counts->operations_left},
        {{PROM_COUNTER, "spanmap_topology_left_losses",
          "Series of unpaired and dropped spans that were idle and left to make room."},
         counts->losses_left},
        {{PROM_COUNTER, "spanmap_topology_cut_resolutions",
          "Times that a histogram's exponential buckets became coarser, because bytes were out."},
         counts->resolutions_cut},
        {{PROM_COUNTER, "spanmap_topology_memory_failures",
          "Observations that were lost because memory was out."},
         counts->memory_failures},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        prom_writer_family(writer, &rows[i].family);
        prom_writer_u64(writer, VIEW(""), rows[i].value);
    }
}

static void sizes(struct prom_writer *writer, const struct snapshot *snapshot)
{
    static const struct prom_family nodes = {PROM_GAUGE, "spanmap_topology_nodes",
                                             "Nodes that the map knows."};
    static const struct prom_family edges = {PROM_GAUGE, "spanmap_topology_edges",
                                             "Edges that the map knows."};
    static const struct prom_family operations = {PROM_GAUGE, "spanmap_topology_operations",
                                                  "Series of traces_spanmetrics_calls_total."};
    static const struct prom_family start = {PROM_GAUGE, "spanmap_start_time_seconds",
                                             "When counting began, in seconds since 1970."};
    static const struct prom_family build = {PROM_INFO, "spanmap_build",
                                             "The version that is running."};

    prom_writer_family(writer, &nodes);
    prom_writer_u64(writer, VIEW(""), snapshot->nodes_count);
    prom_writer_family(writer, &edges);
    prom_writer_u64(writer, VIEW(""), snapshot->edges_count);
    prom_writer_family(writer, &operations);
    prom_writer_u64(writer, VIEW(""), snapshot->operations_count);
    prom_writer_family(writer, &start);
    prom_writer_double(writer, VIEW(""), (double)snapshot->start.ns / (double)NS_PER_S);
    prom_writer_family(writer, &build);
    prom_writer_u64(writer, VIEW("version=\"" SPANMAP_VERSION "\""), 1);
}

/* One row of one stage, with what equal rows of later stages add. */
struct health_row {
    const struct counter_row *row;
    uint64_t value;
    bool written;
};

static bool same_label(const struct counter_row *a, const struct counter_row *b)
{
    if (a->label == NULL || b->label == NULL)
        return a->label == b->label;
    return strcmp(a->label, b->label) == 0;
}

/* A few hundred rows at most, so looking through all of them is cheap enough. */
static size_t gather(const struct export_input *input, struct health_row *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < input->health_count; i++) {
        const struct counters *stage = input->health[i];
        for (size_t j = 0; j < stage->count; j++) {
            const struct counter_row *row = &stage->rows[j];
            size_t at = 0;
            while (at < count &&
                   (strcmp(rows[at].row->name, row->name) != 0 || !same_label(rows[at].row, row)))
                at++;
            if (at == count)
                rows[count++] = (struct health_row){.row = row};
            rows[at].value += counters_read(stage, j);
        }
    }
    return count;
}

static bool ends_with(const char *text, size_t size, const char *end)
{
    size_t end_size = strlen(end);

    return size > end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/* A row's family, by its name: NAME_total is a counter, NAME_info an info, NAME_bucket a histogram,
 * all else a gauge. */
static struct prom_family family_of(const struct counter_row *row, char name[PROM_NAME_MAX])
{
    size_t size = strlen(row->name);
    struct prom_family family = {PROM_GAUGE, name, row->help != NULL ? row->help : ""};

    if (row->kind != COUNTER_GAUGE)
        family.type = ends_with(row->name, size, "_total")    ? PROM_COUNTER
                      : ends_with(row->name, size, "_bucket") ? PROM_HISTOGRAM
                                                              : PROM_UNKNOWN;
    else if (ends_with(row->name, size, "_info"))
        family.type = PROM_INFO;
    if (family.type == PROM_COUNTER)
        size -= strlen("_total");
    else if (family.type == PROM_INFO)
        size -= strlen("_info");
    else if (family.type == PROM_HISTOGRAM)
        size -= strlen("_bucket");
    (void)snprintf(name, PROM_NAME_MAX, "%.*s", (int)size, row->name);
    return family;
}

/* Rows NAME_bucket count what lies between their bound and the one before; NAME_sum is there too. */
static void histogram(struct prom_writer *writer, struct health_row *rows, size_t count,
                      size_t first)
{
    const char *name = rows[first].row->name;
    size_t size = strlen(name) - strlen("_bucket");
    uint64_t below = 0;
    double sum = 0;

    for (size_t i = first; i < count; i++)
        if (strcmp(rows[i].row->name, name) == 0) {
            rows[i].written = true;
            below += rows[i].value;
            prom_writer_bucket(writer, view_of(rows[i].row->label), below);
        }
    for (size_t i = first; i < count; i++)
        if (strncmp(rows[i].row->name, name, size) == 0 &&
            strcmp(rows[i].row->name + size, "_sum") == 0) {
            rows[i].written = true;
            sum += rows[i].row->kind == COUNTER_NANOSECONDS
                       ? (double)rows[i].value / (double)NS_PER_S
                       : (double)rows[i].value;
        }
    prom_writer_sum(writer, sum, below);
}

/* All rows of the metric of row `first`. What was written of it already, by us, stands. */
static void metric(struct prom_writer *writer, struct health_row *rows, size_t count, size_t first)
{
    const struct counter_row *row = rows[first].row;
    char name[PROM_NAME_MAX];
    struct prom_family family = family_of(row, name);
    bool fresh = !prom_writer_has(writer, &family);

    if (fresh)
        prom_writer_family(writer, &family);
    if (fresh && family.type == PROM_HISTOGRAM) {
        histogram(writer, rows, count, first);
        return;
    }
    for (size_t i = first; i < count; i++) {
        if (rows[i].written || strcmp(rows[i].row->name, row->name) != 0)
            continue;
        rows[i].written = true;
        if (fresh)
            prom_writer_u64(writer, view_of(rows[i].row->label != NULL ? rows[i].row->label : ""),
                            rows[i].value);
    }
}

int prom_health(const struct export_input *input, struct prom_writer *writer)
{
    struct health_row *rows;
    size_t count = 0;

    for (size_t i = 0; i < input->health_count; i++)
        count += input->health[i]->count;
    rows = mem_calloc(count, sizeof(*rows));
    if (rows == NULL)
        return STATUS_NOMEM;
    accounting(writer, &input->snapshot->accounting);
    link_accounting(writer, &input->snapshot->links);
    noticed(writer, &input->snapshot->counts);
    sizes(writer, input->snapshot);
    count = gather(input, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].written)
            metric(writer, rows, count, i);
    mem_free(rows);
    return 0;
}
