/* engine_debug.c: tables of figures, written row by row. */
#include "engine/engine_debug.h"

#include <inttypes.h>

#include "base/quantity.h"
#include "engine/engine_counters.h"
#include "engine/lateness.h"
#include "engine/machine.h"
#include "exporters/debug.h"

/* Appends below drop their status: a failure sticks to the buffer, which is looked at once. */

/* ------------------------------------------------------------------ cardinality */

struct quota {
    const char *name;
    uint64_t used, max, refused, given_back;
};

static void write_quotas(struct buf *out, const struct quota *rows, size_t count)
{
    (void)buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++)
        (void)buf_printf(out,
                         "%s\n  \"%s\": {\"used\": %" PRIu64 ", \"max\": %" PRIu64
                         ", \"refused\": %" PRIu64 ", \"given_back\": %" PRIu64 "}",
                         i != 0 ? "," : "", rows[i].name, rows[i].used, rows[i].max,
                         rows[i].refused, rows[i].given_back);
}

int engine_debug_cardinality(const struct engine_debug *debug, struct buf *out)
{
    const struct budget *budget = debug->budget;
    const struct snapshot *snapshot = debug->snapshot;
    const struct topology_counts *counts = &snapshot->counts;
    struct catalog_counts names;
    struct lessons_counts lessons;
    struct targets_counts targets = {0};
    int status;

    catalog_read_counts(debug->catalog, &names);
    lessons_read_counts(debug->lessons, &lessons);
    if (debug->targets != NULL)
        targets_read_counts(debug->targets, &targets);
    const struct quota rows[] = {
        {"services", names.services, budget->services_max, names.services_refused,
         names.given.services},
        {"peers", names.peers, budget->peers_max, names.peers_refused, names.given.peers},
        {"operations", names.operations, budget->operations_max, names.operations_refused,
         names.given.operations},
        {"service_operations", names.service_operations, budget->service_operations_max,
         names.service_operations_refused, 0},
        {"dimension_sets", names.sets, budget->sets_max, names.sets_refused, names.given.sets},
        {"service_dimension_sets", names.service_sets, budget->service_sets_max,
         names.service_sets_refused, 0},
        {"sites", names.sites, budget->sites_max, names.sites_refused, names.given.sites},
        {"lessons", lessons.taught, budget->lessons_max, lessons.refused, 0},
        {"edges", snapshot->edges_count, budget->edges_max, counts->edges_overflowed,
         counts->edges_left},
        {"operation_series", snapshot->operations_count, budget->operation_series_max,
         counts->operations_overflowed, counts->operations_left},
        {"losses", snapshot->losses_count, budget->losses_max, 0, counts->losses_left},
        {"targets", targets.targets, budget->targets_max, targets.refused, targets.left},
    };
    write_quotas(out, rows, sizeof(rows) / sizeof(rows[0]));
    (void)buf_append_text(out, ",\n  ");
    status = debug_write_largest(snapshot, out);
    (void)buf_append_text(out, ",\n  ");
    if (status == 0)
        status = debug_write_values(snapshot, out);
    return status == 0 ? buf_append_text(out, "\n}\n") : status;
}

/* ------------------------------------------------------------------ budgets */

/* How full one share is; `max` 0: it is not known. */
struct fill {
    const char *unit;
    uint64_t used, max;
    uint64_t past; /* What found no room, since the start. */
};

/* What series take; most_bytes 0: the share is not of series. */
struct series_fill {
    uint64_t used_bytes, most_bytes;
};

static struct series_fill fill_of_series(const struct engine_debug *debug, size_t share)
{
    const struct snapshot *snapshot = debug->snapshot;

    switch (share) {
    case BUDGET_EDGES:
        return (struct series_fill){snapshot->edges_bytes, debug->budget->edges_bytes};
    case BUDGET_OPERATIONS:
        return (struct series_fill){snapshot->operations_bytes, debug->budget->operations_bytes};
    default:
        return (struct series_fill){0, 0};
    }
}

/* By what is scarcer. */
static uint64_t percent(const struct fill *fill, const struct series_fill *series)
{
    uint64_t by_bytes = series->most_bytes != 0 ? series->used_bytes * 100 / series->most_bytes : 0;
    uint64_t by_count = fill->used * 100 / fill->max;

    return by_bytes > by_count ? by_bytes : by_count;
}

/* What a user would set, and what happens where a share is full. */
static const struct {
    const char *option;
    const char *past;
} words[BUDGET_SHARE_COUNT] = {
    [BUDGET_FIXED] = {"memory.limit", "program, stacks, memos of names and what resources say"},
    [BUDGET_SPANS] =
        {"topology.memory_max",
         "the oldest spans leave; those that were not judged yet are dropped as evicted"},
    [BUDGET_MESSAGES] =
        {"messaging.memory_max",
         "the oldest producers and links leave, those that still waited are dropped"},
    [BUDGET_EDGES] = {"map.edges_max", "edges that are idle longest leave; else requests of new "
                                       "edges are counted together as otel_metric_overflow"},
    [BUDGET_OPERATIONS] = {"metrics.operations_max",
                           "spans of new operations are counted together as otel_metric_overflow"},
    [BUDGET_LOSSES] = {"metrics.losses_max",
                       "further unpaired and dropped spans are counted under one service"},
    [BUDGET_NAMES] = {"names.*_max",
                      "new names become otel_metric_overflow; /debug/cardinality has "
                      "each table"},
    [BUDGET_REQUESTS] = {"receiver.memory_max",
                         "senders are held back, or told UNAVAILABLE with a delay"},
    [BUDGET_WINDOWS] = {"windows.memory_max",
                        "the oldest slots leave; an answer says what its window covers"},
    [BUDGET_RINGS] = {"memory.limit",
                      "requests get UNAVAILABLE with a delay until the shards have caught up"},
    [BUDGET_ANSWERS] = {"memory.limit", "large answers wait for each other, or get 503"},
    [BUDGET_FORWARD] = {"forward.queue", "what comes is counted here, and not passed on"},
    [BUDGET_PUSH] = {"memory.limit", "metrics are not pushed until they fit"},
};

static void fill_shares(const struct engine_debug *debug, struct fill out_fills[BUDGET_SHARE_COUNT])
{
    const struct budget *budget = debug->budget;
    const struct snapshot *snapshot = debug->snapshot;
    uint64_t spans = 0, messages = 0, waiting = 0;

    for (unsigned i = 0; i < debug->workers_count; i++) {
        spans += worker_memory_bytes(debug->workers[i]);
        messages += worker_message_bytes(debug->workers[i]);
        waiting += worker_waiting(debug->workers[i]);
    }
    out_fills[BUDGET_SPANS] = (struct fill){"bytes", spans, budget->share_bytes[BUDGET_SPANS],
                                            snapshot->accounting.dropped[DROPPED_EVICTED]};
    out_fills[BUDGET_MESSAGES] = (struct fill){
        "bytes", messages, (uint64_t)budget->shard_message_bytes * budget->shards,
        snapshot->links.dropped};
    out_fills[BUDGET_EDGES] = (struct fill){"series", snapshot->edges_count, budget->edges_max,
                                            snapshot->counts.edges_overflowed};
    out_fills[BUDGET_OPERATIONS] = (struct fill){"series", snapshot->operations_count,
                                                 budget->operation_series_max,
                                                 snapshot->counts.operations_overflowed};
    out_fills[BUDGET_LOSSES] = (struct fill){"series", snapshot->losses_count, budget->losses_max,
                                             0};
    out_fills[BUDGET_REQUESTS] = (struct fill){
        "bytes", debug->bodies.bytes, budget->share_bytes[BUDGET_REQUESTS], debug->bodies.refused};
    if (debug->windows != NULL)
        out_fills[BUDGET_WINDOWS] = (struct fill){
            "bytes", debug->windows->bytes, debug->windows->bytes_max, debug->windows->pushed_out};
    out_fills[BUDGET_FORWARD] = (struct fill){"bytes", debug->bodies.forward_bytes,
                                              budget->share_bytes[BUDGET_FORWARD],
                                              debug->bodies.forward_dropped};
    out_fills[BUDGET_RINGS] = (struct fill){
        "spans", waiting, (uint64_t)budget->threads * budget->shards * budget->ring_spans,
        counters_read(debug->counters, ENGINE_REQUESTS_BUSY)};
}

int engine_debug_budgets(const struct engine_debug *debug, struct buf *out)
{
    struct fill fills[BUDGET_SHARE_COUNT] = {{0}};

    fill_shares(debug, fills);
    (void)buf_printf(
        out, "{\"limit_bytes\": %" PRIu64 ", \"resident_bytes\": %" PRIu64 ",\n \"shares\": [",
        debug->budget->limit_bytes, machine_resident_bytes());
    for (size_t i = 0; i < BUDGET_SHARE_COUNT; i++) {
        const struct fill *fill = &fills[i];
        struct series_fill series = fill_of_series(debug, i);
        (void)buf_printf(out, "%s\n  {\"share\": \"%s\", \"bytes\": %" PRIu64, i != 0 ? "," : "",
                         budget_share_name((enum budget_share)i), debug->budget->share_bytes[i]);
        if (fill->max != 0)
            (void)buf_printf(out,
                             ", \"used\": %" PRIu64 ", \"max\": %" PRIu64 ", \"unit\": \"%s\""
                             ", \"percent\": %" PRIu64 ", \"found_no_room\": %" PRIu64,
                             fill->used, fill->max, fill->unit, percent(fill, &series), fill->past);
        if (series.most_bytes != 0)
            (void)buf_printf(out, ", \"used_bytes\": %" PRIu64 ", \"bytes_max\": %" PRIu64,
                             series.used_bytes, series.most_bytes);
        (void)buf_printf(out, ", \"option\": \"%s\", \"past_it\": \"%s\"}", words[i].option,
                         words[i].past);
    }
    return buf_append_text(out, "]}\n");
}

/* ------------------------------------------------------------------ lateness */

static void write_wait(struct buf *out, const char *name, uint64_t ns)
{
    (void)buf_printf(out, "\"%s\": \"", name);
    (void)quantity_print_duration(ns, out);
    (void)buf_append_text(out, "\"");
}

int engine_debug_lateness(const struct engine_debug *debug, struct buf *out)
{
    const struct accounting *spans = &debug->snapshot->accounting;
    uint64_t later = 0, all = 0;

    (void)buf_append_byte(out, '{');
    write_wait(out, "pairing.wait", debug->pairing_wait_ns);
    (void)buf_append_text(out, ", ");
    write_wait(out, "pairing.parent_wait", debug->parent_wait_ns);
    (void)buf_append_text(out, ",\n \"spans\": [");
    for (unsigned i = 0; i < LATENESS_BUCKETS; i++) {
        uint64_t count = counters_read(debug->counters, ENGINE_LATENESS_0 + i);
        uint64_t above_ns = i != 0 ? lateness_upper_ns(i - 1) : 0;
        all += count;
        later += i != 0 && above_ns >= debug->pairing_wait_ns ? count : 0;
        (void)buf_printf(out, "%s\n  {", i != 0 ? "," : "");
        if (i != 0) {
            write_wait(out, "later_than", above_ns);
            (void)buf_append_text(out, ", ");
        }
        if (i + 1 < LATENESS_BUCKETS) {
            write_wait(out, "at_most", lateness_upper_ns(i));
            (void)buf_append_text(out, ", ");
        }
        (void)buf_printf(out, "\"spans\": %" PRIu64 "}", count);
    }
    (void)buf_printf(out,
                     "],\n \"all\": %" PRIu64 ", \"surely_later_than_pairing_wait\": %" PRIu64 ",\n"
                     " \"unpaired_late\": %" PRIu64 ", \"unpaired_parent_missing\": %" PRIu64
                     ", \"waiting\": %" PRIu64 ",\n",
                     all, later, spans->unpaired[UNPAIRED_LATE],
                     spans->unpaired[UNPAIRED_PARENT_MISSING], spans->waiting);
    return buf_append_text(
        out,
        " \"help\": \"From the end of a span, by its sender's clock, to its arrival. Spans at most 0s "
        "late come from clocks that run ahead. A call waits pairing.wait from its arrival for its "
        "other side: where many spans are later than that, senders hold them back or queue them, "
        "and a longer pairing.wait pairs what is unpaired as late. A span waits "
        "pairing.parent_wait for the parent that it names.\"}\n");
}
