/* spanmap_snapshot.c: a snapshot, and what it holds as plain structs.
 *
 * The map is laid out at the first look at a node or an edge: who only renders does without.
 */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "exporters/escape.h"
#include "library/spanmap_priv.h"
#include "topology/span.h"

enum { TEXTS = 3, TEXT_ID = 0, TEXT_NAMESPACE, TEXT_NAME }; /* Of a node. */

/* ----------------------------------------------------------------- the ends */

int spanmap_take(struct spanmap *map, struct spanmap_error *error,
                 struct spanmap_snapshot **out_snapshot)
{
    struct spanmap_snapshot *made = mem_calloc(1, sizeof(*made));
    int status = STATUS_NOMEM;

    if (made != NULL)
        status = engine_snapshot(map->engine, &made->snapshot);
    if (status != 0) {
        mem_free(made);
        return spanmap_fail_code(error, status);
    }
    CHECK(pthread_mutex_init(&made->layout, NULL) == 0);
    atomic_init(&made->references, 1);
    made->map = map;
    (void)atomic_fetch_add(&map->references, 1);
    *out_snapshot = made;
    return 0;
}

struct spanmap_snapshot *spanmap_retain(struct spanmap_snapshot *snapshot)
{
    (void)atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

void spanmap_release(struct spanmap_snapshot *snapshot)
{
    struct spanmap *map;

    if (snapshot == NULL || atomic_fetch_sub(&snapshot->references, 1) != 1)
        return;
    map = snapshot->map;
    if (snapshot->is_made)
        map_graph_release(&snapshot->graph);
    mem_free(snapshot->texts);
    mem_free(snapshot->text_at);
    snapshot_release(snapshot->snapshot);
    CHECK(pthread_mutex_destroy(&snapshot->layout) == 0);
    mem_free(snapshot);
    spanmap_core_release(map);
}

void spanmap_get_moment(const struct spanmap_snapshot *snapshot, struct spanmap_moment *out_moment)
{
    const struct snapshot *from = snapshot->snapshot;
    struct spanmap_moment moment = {
        .number = from->number,
        .start_unix_nano = from->start.ns,
        .end_unix_nano = from->end.ns,
        .first_span_unix_nano = from->span_first.ns,
        .last_span_unix_nano = from->span_last.ns,
    };

    spanmap_give(out_moment, &moment, sizeof(moment));
}

/* ------------------------------------------------------------------ the map */

/* As a C string, which a zero inside would end. */
static void append_text(struct buf *out, struct view text)
{
    for (;;) {
        const char *zero = text.size != 0 ? memchr(text.data, '\0', text.size) : NULL;
        size_t size = zero != NULL ? (size_t)(zero - text.data) : text.size;

        (void)escape_none(out, (struct view){text.data, size}); /* Failures stick. */
        if (zero == NULL)
            break;
        (void)buf_append_text(out, "\xef\xbf\xbd");
        text = (struct view){zero + 1, text.size - size - 1};
    }
    (void)buf_append_byte(out, '\0');
}

static int make_texts(struct spanmap_snapshot *snapshot)
{
    const struct map_graph *graph = &snapshot->graph;
    struct buf texts;

    buf_init(&texts, 0);
    snapshot->text_at = mem_calloc(graph->nodes_count + 1, TEXTS * sizeof(*snapshot->text_at));
    if (snapshot->text_at == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < graph->nodes_count; i++) {
        const struct map_node *node = &graph->nodes[i];
        struct view parts[TEXTS] = {node->id, node->from->node.namespace, node->from->node.name};

        for (size_t j = 0; j < TEXTS; j++) {
            snapshot->text_at[TEXTS * i + j] = texts.size;
            append_text(&texts, parts[j]);
        }
    }
    snapshot->texts = texts.data;
    return texts.failed;
}

static int make(struct spanmap_snapshot *snapshot)
{
    struct export_input input = front_input(snapshot->map->front, snapshot->snapshot);
    char error[256];
    int status = map_graph_init(&input, NULL, error, &snapshot->graph);

    if (status != 0)
        return status;
    status = make_texts(snapshot);
    if (status != 0) {
        map_graph_release(&snapshot->graph);
        mem_free(snapshot->text_at);
        mem_free(snapshot->texts);
        snapshot->text_at = NULL;
        snapshot->texts = NULL;
    }
    return status;
}

/* Lays the map out, unless that was done. Returns: 0; STATUS_NOMEM. */
static int look(struct spanmap_snapshot *snapshot)
{
    int status = 0;

    CHECK(pthread_mutex_lock(&snapshot->layout) == 0);
    if (!snapshot->is_made) {
        status = make(snapshot);
        snapshot->is_made = status == 0;
    }
    CHECK(pthread_mutex_unlock(&snapshot->layout) == 0);
    return status;
}

static const char *text_of(const struct spanmap_snapshot *snapshot, size_t node, size_t which)
{
    return snapshot->texts + snapshot->text_at[TEXTS * node + which];
}

/* A sum of weights in requests. */
static double requests_of(uint64_t weight)
{
    return (double)weight / (double)WEIGHT_ONE;
}

static struct spanmap_seconds seconds_of(const struct histogram *histogram)
{
    if (histogram == NULL || histogram->count == 0)
        return (struct spanmap_seconds){0};
    return (struct spanmap_seconds){
        .count = histogram_count_value(histogram),
        .sum = histogram_sum_seconds(histogram),
        .p50 = histogram_quantile(histogram, 0.5),
        .p95 = histogram_quantile(histogram, 0.95),
        .p99 = histogram_quantile(histogram, 0.99),
        .max = (double)histogram->max_ns / (double)NS_PER_S,
    };
}

int spanmap_get_node(struct spanmap_snapshot *snapshot, size_t index, struct spanmap_node *out_node)
{
    const struct map_node *from;
    struct spanmap_node node;
    int status = look(snapshot);

    if (status != 0)
        return status;
    if (index >= snapshot->graph.nodes_count)
        return SPANMAP_NOT_FOUND;
    from = &snapshot->graph.nodes[index];
    node = (struct spanmap_node){
        .id = text_of(snapshot, index, TEXT_ID),
        .type = map_node_type(from),
        .name_space = text_of(snapshot, index, TEXT_NAMESPACE),
        .name = text_of(snapshot, index, TEXT_NAME),
        .requests = requests_of(from->requests),
        .failed = requests_of(from->failed),
        .seconds = seconds_of(from->seconds),
    };
    spanmap_give(out_node, &node, sizeof(node));
    return 0;
}

int spanmap_get_edge(struct spanmap_snapshot *snapshot, size_t index, struct spanmap_edge *out_edge)
{
    const struct map_edge *from;
    struct spanmap_edge edge;
    int status = look(snapshot);

    if (status != 0)
        return status;
    if (index >= snapshot->graph.edges_count)
        return SPANMAP_NOT_FOUND;
    from = &snapshot->graph.edges[index];
    edge = (struct spanmap_edge){
        .client = text_of(snapshot, from->client, TEXT_ID),
        .server = text_of(snapshot, from->server, TEXT_ID),
        .connection_type = connection_type_name(from->from->connection_type),
        .requests = requests_of(from->from->requests),
        .failed = requests_of(from->from->failed),
        .client_seconds = seconds_of(from->from->client_seconds),
        .server_seconds = seconds_of(from->from->server_seconds),
        .network_seconds = seconds_of(from->from->network_seconds),
        .messaging_seconds = seconds_of(from->from->messaging_seconds),
    };
    spanmap_give(out_edge, &edge, sizeof(edge));
    return 0;
}

/* --------------------------------------------------------------- accounting */

/* The row of a list of reasons, if it is there; else `index` is counted down past them. */
static bool find_reason(const uint64_t *spans, size_t count, size_t *index, uint64_t *out_spans)
{
    if (*index >= count) {
        *index -= count;
        return false;
    }
    *out_spans = spans[*index];
    return true;
}

int spanmap_get_account(const struct spanmap_snapshot *snapshot, size_t index,
                        struct spanmap_account *out_account)
{
    const struct accounting *from = &snapshot->snapshot->accounting;
    const struct spanmap_account plain[] = {
        {.name = "received", .reason = "", .spans = from->received},
        {.name = "internal", .reason = "", .spans = from->internal},
        {.name = "paired", .reason = "", .spans = from->paired},
        {.name = "waiting", .reason = "", .spans = from->waiting},
        {.name = "duplicate", .reason = "", .spans = from->duplicate},
    };
    const size_t plain_count = sizeof(plain) / sizeof(plain[0]);
    struct spanmap_account account = {.name = ""};

    if (index < plain_count) {
        spanmap_give(out_account, &plain[index], sizeof(plain[index]));
        return 0;
    }
    index -= plain_count;
    if (find_reason(from->unpaired, UNPAIRED_REASON_COUNT, &index, &account.spans)) {
        account.name = "unpaired";
        account.reason = unpaired_reason_name((enum unpaired_reason)index);
    } else if (find_reason(from->dropped, DROPPED_REASON_COUNT, &index, &account.spans)) {
        account.name = "dropped";
        account.reason = dropped_reason_name((enum dropped_reason)index);
    } else if (find_reason(from->rejected, REJECTED_REASON_COUNT, &index, &account.spans)) {
        account.name = "rejected";
        account.reason = rejected_reason_name((enum rejected_reason)index);
    } else {
        return SPANMAP_NOT_FOUND;
    }
    spanmap_give(out_account, &account, sizeof(account));
    return 0;
}
