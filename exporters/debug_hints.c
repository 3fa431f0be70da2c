/* debug_hints.c: why an edge may be missing though no span is unpaired: what hides it, or keeps it
 * waiting.
 */
#include "exporters/debug.h"
#include "exporters/edge_views.h"

/* Appends below drop their status: a failure sticks to the buffer. */

struct hints {
    struct buf *out;
    unsigned count;
};

/* A row where there is anything to say. The texts are plain. */
static void hint(struct hints *hints, const char *what, uint64_t count, const char *help)
{
    if (count == 0)
        return;
    (void)buf_printf(hints->out,
                     "%s\n  {\"what\": \"%s\", \"count\": ", hints->count++ != 0 ? "," : "", what);
    (void)buf_append_u64(hints->out, count);
    (void)buf_printf(hints->out, ", \"help\": \"%s\"}", help);
}

/* Edges that the snapshot has and the map does not draw. */
static void hidden_edges(const struct export_input *input, uint64_t *out_self,
                         uint64_t *out_messages)
{
    const struct snapshot *snapshot = input->snapshot;

    *out_self = *out_messages = 0;
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        if (!input->options.self_edges && edge->client == edge->server && !edge->overflow)
            ++*out_self;
        else if (!edge_is_shown(snapshot, i, input->options.map_messaging))
            ++*out_messages;
    }
}

static uint64_t nodes_overflowed(const struct snapshot *snapshot)
{
    uint64_t count = 0;

    for (size_t i = 0; i < snapshot->nodes_count; i++)
        count += snapshot->nodes[i].overflow;
    return count;
}

void debug_write_hints(const struct export_input *input, struct buf *out)
{
    const struct snapshot *snapshot = input->snapshot;
    const struct accounting *spans = &snapshot->accounting;
    struct hints hints = {out, 0};
    uint64_t self_edges, messages;

    hidden_edges(input, &self_edges, &messages);
    (void)buf_append_text(out, "\"also\": [");
    hint(&hints, "no spans", spans->received == 0,
         "No span has come: look at spanmap_receiver_* in /metrics, and at what senders log.");
    hint(&hints, "waiting spans", spans->waiting,
         "Their calls show once pairing.wait is over; those whose parent is missing wait for "
         "pairing.parent_wait, messages for messaging.wait.");
    hint(&hints, "edges of a service to itself", self_edges,
         "They are in the metrics; map.self_edges: true draws them.");
    hint(
        &hints, "edges of messages in another picture", messages,
        "map.messaging says whether messages go by way of their destinations (broker), from service "
        "to service (direct), or both.");
    hint(&hints, "rejected spans without valid ids", spans->rejected[REJECTED_INVALID_ID],
         "Their trace or span id is of a wrong length or zero.");
    hint(&hints, "rejected spans of a reused id", spans->rejected[REJECTED_ID_REUSED],
         "More than 8 spans of one trace have one id.");
    hint(&hints, "duplicate spans", spans->duplicate,
         "The same span came again, as it may where a sender tries again; it counts once.");
    hint(&hints, "requests past map.edges_max", snapshot->counts.edges_overflowed,
         "They are on the edge otel_metric_overflow; /debug/budgets says how full the table is.");
    hint(
        &hints, "nodes past a quota of names", nodes_overflowed(snapshot),
        "Services or peers that found no room are the node otel_metric_overflow; /debug/cardinality "
        "says which table is full.");
    (void)buf_append_text(out, "],\n ");
}
