/* debug.c: sort a list of numbers, write its front. */
#include "exporters/debug.h"

#include <stdlib.h>

#include "base/mem.h"
#include "exporters/escape.h"
#include "exporters/map_graph.h"
#include "topology/span.h"

enum { UNPAIRED_ROWS_MAX = 500, LARGEST_ROWS_MAX = 20 };

/* Appends below drop their status: a failure sticks to the buffer, which is looked at once. */

static const char *const kind_names[SPAN_KIND_COUNT] = {
    "unspecified", "internal", "server", "client", "producer", "consumer",
};

const char *debug_kind_name(uint8_t kind)
{
    return kind_names[kind % SPAN_KIND_COUNT];
}

/* What a reason means, and what can be done. */
static const char *const unpaired_help[UNPAIRED_REASON_COUNT] = {
    [UNPAIRED_PARENT_MISSING] =
        "They name a parent span that never came: its service is not instrumented, its spans are "
        "sampled away or sent elsewhere, or it ended later than pairing.parent_wait. "
        "topology.orphan_servers: user draws the servers among them as called by the user.",
    [UNPAIRED_LATE] = "Their call was counted already as one that nobody answered, because they "
                      "came later than pairing.wait; a longer pairing.wait pairs them.",
    [UNPAIRED_NO_PRODUCER] =
        "Consumers without a parent, a linked producer and a destination's name: nothing says who "
        "sent the message. Their instrumentation should set links and messaging.destination.name.",
    [UNPAIRED_SERVER_SILENT] =
        "Calls to a service that is known by its address and sends no spans of them now: it is down, "
        "or its spans are sampled away, held back or sent elsewhere. The calls are drawn to it.",
    [UNPAIRED_NO_SERVER] =
        "Calls that no server's span answered: they are drawn to a node that is named by the caller's "
        "attributes. Where the callee is instrumented, look for its spans in the traces told here: "
        "missing (sampled away, sent elsewhere), of another trace id (context was not passed on), of "
        "another parent, or later than pairing.wait (then they are unpaired as late).",
    [UNPAIRED_NO_CONSUMER] =
        "Messages that no consumer's span took within messaging.wait: nobody takes them, the consumer "
        "is not instrumented, or its spans neither link to the producer's nor are its children.",
};
static const char *const dropped_help[DROPPED_REASON_COUNT] = {
    [DROPPED_EVICTED] = "Their room was needed before their wait was over: more "
                        "topology.memory_max (or memory.limit), or a shorter pairing.wait.",
};

static void text(struct buf *out, struct view value)
{
    (void)buf_append_byte(out, '"');
    (void)escape_json(out, value);
    (void)buf_append_byte(out, '"');
}

void debug_write_node(struct buf *out, const struct node *node)
{
    (void)buf_printf(out, "\"%s/", node_type_name(node->type));
    (void)escape_json(out, node->namespace);
    (void)buf_append_byte(out, '/');
    (void)escape_json(out, node->name);
    (void)buf_append_byte(out, '"');
}

/* ------------------------------------------------------------------ unpaired */

static const char *reason_of(const struct snapshot_loss *loss)
{
    return loss->dropped ? dropped_reason_name((enum dropped_reason)loss->reason)
                         : unpaired_reason_name((enum unpaired_reason)loss->reason);
}

static int compare_losses(const void *a, const void *b)
{
    const struct snapshot_loss *one = *(const struct snapshot_loss *const *)a;
    const struct snapshot_loss *other = *(const struct snapshot_loss *const *)b;

    if (one->spans != other->spans)
        return one->spans > other->spans ? -1 : 1;
    return (one > other) - (one < other); /* In the snapshot's order. */
}

static void trace_ids(struct buf *out, const struct snapshot_loss *loss)
{
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < LOSS_TRACES && i < loss->spans; i++) {
        const unsigned char *bytes = (const unsigned char *)loss->traces[i];
        (void)buf_append_text(out, i != 0 ? ", \"" : "\"");
        for (size_t j = 0; j < sizeof(loss->traces[i]); j++)
            (void)buf_printf(out, "%02x", bytes[j]);
        (void)buf_append_byte(out, '"');
    }
    (void)buf_append_byte(out, ']');
}

static void loss_row(struct buf *out, const struct snapshot *snapshot,
                     const struct snapshot_loss *loss)
{
    (void)buf_append_text(out, "{\"service\": ");
    debug_write_node(out, &snapshot->nodes[loss->service].node);
    (void)buf_printf(out, ", \"kind\": \"%s\", \"reason\": \"%s\", \"spans\": ",
                     debug_kind_name(loss->kind), reason_of(loss));
    (void)buf_append_u64(out, loss->spans);
    (void)buf_append_text(out, ", \"traces\": ");
    trace_ids(out, loss);
    (void)buf_append_byte(out, '}');
}

static void losses(struct buf *out, const struct snapshot *snapshot, bool dropped,
                   const struct snapshot_loss **sorted)
{
    size_t count = 0;

    for (size_t i = 0; i < snapshot->losses_count; i++)
        if (snapshot->losses[i].dropped == dropped)
            sorted[count++] = &snapshot->losses[i];
    if (count != 0)
        qsort(sorted, count, sizeof(struct snapshot_loss *), compare_losses);
    (void)buf_printf(out, "\"%s\": [", dropped ? "dropped" : "unpaired");
    for (size_t i = 0; i < count && i < UNPAIRED_ROWS_MAX; i++) {
        (void)buf_append_text(out, i != 0 ? ",\n  " : "\n  ");
        loss_row(out, snapshot, sorted[i]);
    }
    (void)buf_printf(out, "],\n \"%s_left_out\": %zu,\n ", dropped ? "dropped" : "unpaired",
                     count > UNPAIRED_ROWS_MAX ? count - UNPAIRED_ROWS_MAX : (size_t)0);
}

static void reasons(struct buf *out)
{
    (void)buf_append_text(out, "\"reasons\": {");
    for (int i = 0; i < UNPAIRED_REASON_COUNT; i++) {
        (void)buf_printf(out, "\n  \"%s\": ", unpaired_reason_name((enum unpaired_reason)i));
        text(out, view_of(unpaired_help[i]));
        (void)buf_append_byte(out, ',');
    }
    for (int i = 0; i < DROPPED_REASON_COUNT; i++) {
        (void)buf_printf(out, "\n  \"%s\": ", dropped_reason_name((enum dropped_reason)i));
        text(out, view_of(dropped_help[i]));
        (void)buf_append_text(out, i + 1 < DROPPED_REASON_COUNT ? "," : "}");
    }
}

int debug_render_unpaired(const struct export_input *input, char out_error[256], struct buf *out)
{
    const struct snapshot *snapshot = input->snapshot;
    size_t size_before = out->size;
    const struct snapshot_loss **sorted = mem_calloc(snapshot->losses_count, sizeof(*sorted));
    int status = STATUS_NOMEM;

    if (sorted != NULL || snapshot->losses_count == 0) {
        (void)buf_append_byte(out, '{');
        losses(out, snapshot, false, sorted);
        losses(out, snapshot, true, sorted);
        debug_write_hints(input, out);
        reasons(out);
        (void)buf_append_text(out, "}\n");
        status = out->failed;
    }
    mem_free(sorted);
    if (status == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, status, "the list is not written: %s", status_text(status));
}

/* ------------------------------------------------------------------ largest */

/* What one node has of something. */
struct amount {
    uint32_t node;
    uint32_t count;
    uint32_t names; /* Of operations, those whose names differ. */
};

static int compare_amounts(const void *a, const void *b)
{
    const struct amount *one = a;
    const struct amount *other = b;

    if (one->count != other->count)
        return one->count > other->count ? -1 : 1;
    return (one->node > other->node) - (one->node < other->node);
}

/* Sorts, and writes those that have any. */
static void amounts(struct buf *out, const struct snapshot *snapshot, const char *key,
                    bool has_names, struct amount *sorted)
{
    if (snapshot->nodes_count != 0)
        qsort(sorted, snapshot->nodes_count, sizeof(*sorted), compare_amounts);
    (void)buf_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < snapshot->nodes_count && i < LARGEST_ROWS_MAX && sorted[i].count != 0;
         i++) {
        (void)buf_append_text(out, i != 0 ? ",\n    {\"node\": " : "\n    {\"node\": ");
        debug_write_node(out, &snapshot->nodes[sorted[i].node].node);
        if (has_names)
            (void)buf_printf(out, ", \"names\": %u", sorted[i].names);
        (void)buf_printf(out, ", \"series\": %u}", sorted[i].count);
    }
    (void)buf_append_byte(out, ']');
}

static void begin(const struct snapshot *snapshot, struct amount *sorted)
{
    for (size_t i = 0; i < snapshot->nodes_count; i++)
        sorted[i] = (struct amount){.node = (uint32_t)i};
}

int debug_write_largest(const struct snapshot *snapshot, struct buf *out)
{
    struct amount *sorted = mem_calloc(snapshot->nodes_count, sizeof(*sorted));

    if (sorted == NULL && snapshot->nodes_count != 0)
        return STATUS_NOMEM;
    begin(snapshot, sorted);
    for (size_t i = 0; i < snapshot->operations_count; i++) {
        const struct snapshot_operation *operation = &snapshot->operations[i];
        /* They are sorted by service and name. */
        bool is_same = i != 0 && operation[-1].service == operation->service &&
                       view_equal(operation[-1].name, operation->name);
        sorted[operation->service].count++;
        sorted[operation->service].names += is_same ? 0 : 1;
    }
    amounts(out, snapshot, "operations_by_service", true, sorted);
    (void)buf_append_text(out, ",\n  ");
    begin(snapshot, sorted);
    for (size_t i = 0; i < snapshot->edges_count; i++)
        sorted[snapshot->edges[i].client].count++;
    amounts(out, snapshot, "edges_by_client", false, sorted);
    (void)buf_append_text(out, ",\n  ");
    begin(snapshot, sorted);
    for (size_t i = 0; i < snapshot->edges_count; i++)
        sorted[snapshot->edges[i].server].count++;
    amounts(out, snapshot, "edges_by_server", false, sorted);
    mem_free(sorted);
    return out->failed;
}
