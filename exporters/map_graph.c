/* map_graph.c: mark what is drawn, add up, sort by id; then join, collapse, narrow, as asked.
 *
 * Numbers of nodes are those of the snapshot until pack() gives out the graph's own. Cost:
 * O(n log n) for the ids, and one merge of histograms for each edge into a node of several.
 */
#include "exporters/map_graph.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "exporters/edge_views.h"
#include "exporters/escape.h"
#include "exporters/map_change.h"
#include "exporters/map_groups.h"
#include "exporters/map_narrow.h"
#include "exporters/map_top.h"
#include "topology/span.h"

enum { NUMBER_NONE = -1 };

int export_fail(char out_error[256], int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out_error, 256, format, args); /* Longer than that is cut. */
    va_end(args);
    return status;
}

/* What is being built: one entry for each node of the snapshot. */
struct draft {
    const struct snapshot *snapshot;
    struct export_options options;
    bool *drawn;
    int64_t *number; /* In the graph; NUMBER_NONE. */
};

/* E5. Nodes past the quota are one, though hardly ever one service that calls itself. */
static bool is_drawable(const struct draft *draft, size_t i)
{
    const struct snapshot_edge *edge = &draft->snapshot->edges[i];

    return draft->options.self_edges || edge->client != edge->server ||
           draft->snapshot->nodes[edge->client].overflow;
}

static bool draws_edge(const struct draft *draft, size_t i)
{
    return is_drawable(draft, i) && edge_is_shown(draft->snapshot, i, draft->options.map_messaging);
}

static void mark_drawn(struct draft *draft)
{
    const struct snapshot *snapshot = draft->snapshot;

    for (size_t i = 0; i < snapshot->nodes_count; i++)
        draft->drawn[i] = snapshot->nodes[i].reported;
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        CHECK(edge->client < snapshot->nodes_count && edge->server < snapshot->nodes_count);
        if (draws_edge(draft, i))
            draft->drawn[edge->client] = draft->drawn[edge->server] = true;
    }
}

int map_node_compare(const void *a, const void *b)
{
    const struct map_node *one = a;
    const struct map_node *other = b;
    int order = view_compare(one->id, other->id);

    /* Hostile names can share an id; the snapshot's order decides then. */
    return order != 0 ? order : (one->from > other->from) - (one->from < other->from);
}

int map_edge_compare(const void *a, const void *b)
{
    const struct map_edge *one = a;
    const struct map_edge *other = b;

    if (one->client != other->client)
        return one->client < other->client ? -1 : 1;
    if (one->server != other->server)
        return one->server < other->server ? -1 : 1;
    if (one->from->connection_type != other->from->connection_type)
        return strcmp(connection_type_name(one->from->connection_type),
                      connection_type_name(other->from->connection_type));
    if (one->from->overflow != other->from->overflow)
        return one->from->overflow ? 1 : -1;
    return (one->from > other->from) - (one->from < other->from);
}

/* All ids one behind the other; views are set when the text no longer moves. */
static int name_nodes(const struct draft *draft, struct map_graph *graph)
{
    struct buf ids;
    size_t at = 0;

    buf_init(&ids, 0);
    for (size_t i = 0; i < draft->snapshot->nodes_count; i++) {
        const struct node *node = &draft->snapshot->nodes[i].node;
        size_t begin = ids.size;
        if (!draft->drawn[i])
            continue;
        (void)buf_append_text(&ids, node_type_name(node->type)); /* Failures stick. */
        (void)buf_append_byte(&ids, '/');
        (void)escape_none(&ids, node->namespace);
        (void)buf_append_byte(&ids, '/');
        (void)escape_none(&ids, node->name);
        graph->nodes[graph->nodes_count].from = &draft->snapshot->nodes[i];
        graph->nodes[graph->nodes_count++].id.size = ids.size - begin;
    }
    graph->ids = ids.data;
    if (ids.failed != 0)
        return ids.failed;
    for (size_t i = 0; i < graph->nodes_count; i++) {
        graph->nodes[i].id.data = graph->ids + at;
        at += graph->nodes[i].id.size;
    }
    return 0;
}

void map_edge_release(struct map_edge *edge)
{
    const struct histogram *all[4];

    if (edge->merged_before != NULL)
        map_edge_release(edge->merged_before); /* It has none of its own in turn. */
    mem_free(edge->merged_before);
    edge->merged_before = NULL;
    if (edge->merged == NULL)
        return;
    all[0] = edge->merged->client_seconds;
    all[1] = edge->merged->server_seconds;
    all[2] = edge->merged->network_seconds;
    all[3] = edge->merged->messaging_seconds;
    for (size_t i = 0; i < 4; i++)
        histogram_free((struct histogram *)(uintptr_t)all[i]); /* Our own copies. */
    mem_free(edge->merged);
    edge->merged = NULL;
}

void map_node_release(struct map_node *node)
{
    histogram_free(node->merged);
    node->merged = NULL;
    if (node->merged_before != NULL)
        histogram_free(node->merged_before->merged);
    mem_free(node->merged_before);
    node->merged_before = NULL;
}

/* Adds what one part of an edge saw to what the others did; NULL: nothing. */
static int add_seconds_of(const struct histogram *more, const struct histogram **sum)
{
    struct histogram *copy = NULL;
    int status;

    if (more == NULL)
        return 0;
    if (*sum != NULL)
        return histogram_merge((struct histogram *)(uintptr_t)*sum, more); /* Our own copy. */
    status = histogram_copy(more, &copy);
    *sum = copy;
    return status;
}

int map_edge_add(struct snapshot_edge *merged, const struct snapshot_edge *more)
{
    int status = add_seconds_of(more->client_seconds, &merged->client_seconds);

    if (status == 0)
        status = add_seconds_of(more->server_seconds, &merged->server_seconds);
    if (status == 0)
        status = add_seconds_of(more->network_seconds, &merged->network_seconds);
    if (status == 0)
        status = add_seconds_of(more->messaging_seconds, &merged->messaging_seconds);
    merged->requests += more->requests;
    merged->failed += more->failed;
    return status;
}

/* An edge of the map may be several of the snapshot: one in one picture of messages only, and one for
 * each combination of values of dimensions. */
static int merge_edge(struct map_edge *edge, const struct snapshot_edge *more)
{
    const struct snapshot_edge *from = edge->from;
    struct snapshot_edge *merged = edge->merged;
    int status = 0;

    if (merged == NULL) {
        merged = mem_calloc(1, sizeof(*merged));
        if (merged == NULL)
            return STATUS_NOMEM;
        *merged = *from;
        merged->client_seconds = merged->server_seconds = NULL;
        merged->network_seconds = merged->messaging_seconds = NULL;
        merged->requests = merged->failed = 0;
        edge->merged = merged;
        edge->from = merged;
        status = map_edge_add(merged, from);
    }
    return status == 0 ? map_edge_add(merged, more) : status;
}

static bool same_edge(const struct snapshot_edge *a, const struct snapshot_edge *b)
{
    return a->client == b->client && a->server == b->server &&
           a->connection_type == b->connection_type && a->overflow == b->overflow;
}

/* The edges that are drawn, in the snapshot's order, where those of one name stand together. */
static int pack_edges(struct draft *draft, struct map_graph *graph)
{
    const struct snapshot *snapshot = draft->snapshot;

    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        struct map_edge *last = graph->edges_count != 0 ? &graph->edges[graph->edges_count - 1]
                                                        : NULL;
        if (!draws_edge(draft, i))
            continue;
        if (last != NULL && same_edge(last->from, edge)) {
            int status = merge_edge(last, edge);
            if (status != 0)
                return status;
            continue;
        }
        graph->edges[graph->edges_count++] = (struct map_edge){
            .from = edge,
            .client = (uint32_t)draft->number[edge->client],
            .server = (uint32_t)draft->number[edge->server]};
    }
    return 0;
}

/* Sorted nodes, and sorted edges between them. */
static int pack(struct draft *draft, struct map_graph *graph)
{
    const struct snapshot *snapshot = draft->snapshot;
    int status;

    graph->nodes = mem_calloc(snapshot->nodes_count, sizeof(*graph->nodes));
    graph->edges = mem_calloc(snapshot->edges_count, sizeof(*graph->edges));
    if (graph->nodes == NULL || graph->edges == NULL)
        return STATUS_NOMEM;
    status = name_nodes(draft, graph);
    if (status != 0)
        return status;
    qsort(graph->nodes, graph->nodes_count, sizeof(*graph->nodes), map_node_compare);
    for (size_t i = 0; i < snapshot->nodes_count; i++)
        draft->number[i] = NUMBER_NONE;
    for (size_t i = 0; i < graph->nodes_count; i++)
        draft->number[graph->nodes[i].from - snapshot->nodes] = (int64_t)i;
    status = pack_edges(draft, graph);
    if (status != 0)
        return status;
    qsort(graph->edges, graph->edges_count, sizeof(*graph->edges), map_edge_compare);
    return 0;
}

int map_seconds_add(const struct histogram *more, const struct histogram **sum,
                    struct histogram **merged)
{
    int status;

    if (more == NULL || more->count == 0)
        return 0;
    if (*sum == NULL) {
        *sum = more;
        return 0;
    }
    if (*merged == NULL) {
        status = histogram_copy(*sum, merged);
        if (status != 0)
            return status;
        *sum = *merged;
    }
    return histogram_merge(*merged, more);
}

/* N7 */
static int add_up(const struct draft *draft, struct map_graph *graph)
{
    const struct snapshot *snapshot = draft->snapshot;

    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        struct map_node *node;
        int status;
        if (!is_drawable(draft, i) || !edge_is_figure(snapshot, i, draft->options.map_messaging) ||
            draft->number[edge->server] == NUMBER_NONE)
            continue;
        node = &graph->nodes[draft->number[edge->server]];
        status = map_seconds_add(edge->server_seconds, &node->seconds, &node->merged);
        if (status != 0)
            return status;
        node->requests += edge->requests;
        node->failed += edge->failed;
    }
    return 0;
}

/* Calls to a node that nobody drawn is known to have made. */
static void add_orphans(const struct draft *draft, struct map_graph *graph)
{
    const struct snapshot *snapshot = draft->snapshot;

    for (size_t i = 0; i < snapshot->losses_count; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[i];
        int64_t number = draft->number[loss->service];
        if (number != NUMBER_NONE && !loss->dropped && loss->reason == UNPAIRED_PARENT_MISSING &&
            (loss->kind == SPAN_KIND_SERVER || loss->kind == SPAN_KIND_CONSUMER))
            graph->nodes[number].parent_missing += loss->spans;
    }
}

/* The whole map of one snapshot. */
static int make_whole(const struct export_input *input, const struct snapshot *snapshot,
                      struct map_graph *out_graph)
{
    struct draft draft = {.snapshot = snapshot, .options = input->options};
    bool of_spans = input->options.window_of_spans;
    struct map_graph graph = {.snapshot = snapshot,
                              .start = of_spans ? snapshot->span_first : snapshot->start,
                              .end = of_spans ? snapshot->span_last : snapshot->end};
    int status = STATUS_NOMEM;

    draft.drawn = mem_calloc(snapshot->nodes_count, sizeof(*draft.drawn));
    draft.number = mem_calloc(snapshot->nodes_count, sizeof(*draft.number));
    if (draft.drawn != NULL && draft.number != NULL) {
        mark_drawn(&draft);
        status = pack(&draft, &graph);
    }
    if (status == 0)
        status = add_up(&draft, &graph);
    if (status == 0)
        add_orphans(&draft, &graph);
    mem_free(draft.drawn);
    mem_free(draft.number);
    *out_graph = graph;
    return status;
}

/* The map before, joined to `graph`. */
static int join_past(const struct export_input *input, struct map_graph *graph)
{
    struct map_graph *past = mem_calloc(1, sizeof(*past));
    int status;

    if (past == NULL)
        return STATUS_NOMEM;
    status = make_whole(input, input->before, past);
    if (status == 0)
        return map_change_join(graph, past);
    map_graph_release(past);
    mem_free(past);
    return status;
}

/* What the options ask for beside the whole map. */
static int apply(const struct export_input *input, const struct map_limits *limits,
                 char out_error[256], struct map_graph *graph)
{
    int status = map_groups_find(input, out_error, graph);

    graph->figure = input->options.figure;
    graph->tells_groups = map_groups_asked(&input->options);
    map_narrow_mark(&input->options, graph);
    if (status == 0)
        status = map_groups_collapse(input, out_error, graph);
    if (status == 0)
        status = map_narrow(&input->options, out_error, graph);
    if (status == 0)
        status = map_top(&input->options, limits, graph);
    return status;
}

int map_graph_init(const struct export_input *input, const struct map_limits *limits,
                   char out_error[256], struct map_graph *out_graph)
{
    struct map_graph graph;
    int status = make_whole(input, input->snapshot, &graph);

    out_error[0] = '\0';
    if (status == 0 && input->before != NULL)
        status = join_past(input, &graph);
    if (status == 0)
        status = apply(input, limits, out_error, &graph);
    if (status == 0)
        *out_graph = graph;
    else
        map_graph_release(&graph);
    if (status != 0 && out_error[0] == '\0')
        (void)export_fail(out_error, status, "the map is not drawn: %s", status_text(status));
    return status;
}

/* One piece of memory each: a text, or a node with its name behind it. */
struct map_text {
    struct map_text *next;
    struct snapshot_node node;
    char text[];
};

static int keep(struct map_graph *graph, struct view text, struct map_text **out_kept)
{
    struct map_text *kept = mem_alloc(sizeof(*kept) + text.size);

    if (kept == NULL)
        return STATUS_NOMEM;
    kept->next = graph->texts;
    graph->texts = kept;
    kept->node = (struct snapshot_node){.node = {.name = {kept->text, text.size}}};
    if (text.size != 0)
        memcpy(kept->text, text.data, text.size);
    *out_kept = kept;
    return 0;
}

int map_graph_keep(struct map_graph *graph, struct view text, struct view *out_copy)
{
    struct map_text *kept;
    int status = keep(graph, text, &kept);

    if (status == 0)
        *out_copy = kept->node.node.name;
    return status;
}

int map_graph_keep_node(struct map_graph *graph, struct view name, struct snapshot_node **out_node)
{
    struct map_text *kept;
    int status = keep(graph, name, &kept);

    if (status == 0)
        *out_node = &kept->node;
    return status;
}

const char *map_node_type(const struct map_node *node)
{
    return node->kind == MAP_GROUP    ? "group"
           : node->kind == MAP_OTHERS ? "others"
                                      : node_type_name(node->from->node.type);
}

void map_graph_release(struct map_graph *graph)
{
    if (graph == NULL)
        return;
    for (size_t i = 0; i < graph->nodes_count; i++)
        map_node_release(&graph->nodes[i]);
    for (size_t i = 0; i < graph->edges_count; i++)
        map_edge_release(&graph->edges[i]);
    mem_free(graph->nodes);
    mem_free(graph->edges);
    mem_free(graph->ids);
    while (graph->texts != NULL) {
        struct map_text *next = graph->texts->next;
        mem_free(graph->texts);
        graph->texts = next;
    }
    if (graph->past != NULL) {
        struct map_graph *past = graph->past;
        map_graph_release(past);
        mem_free(past);
    }
    *graph = (struct map_graph){0};
}

double map_graph_rate(const struct map_graph *graph, uint64_t requests)
{
    double seconds;

    if (graph->end.ns <= graph->start.ns)
        return -1;
    seconds = (double)(graph->end.ns - graph->start.ns) / (double)NS_PER_S;
    return (double)requests / (double)WEIGHT_ONE / seconds;
}
