/* map_merge.c: what new nodes stand for is counted first, then nodes move, then edges.
 *
 * Edges that come to have the same ends and the same type are neighbours once they are sorted; the
 * first of them takes in the others. Cost: O(n log n), and one merge of histograms an edge.
 */
#include "exporters/map_merge.h"

#include <stdlib.h>

#include "base/mem.h"
#include "exporters/escape.h"
#include "exporters/map_change.h"
#include "topology/span.h"

struct merging {
    struct map_graph *graph;
    const int64_t *into;
    struct map_node *nodes; /* Those that stay, then the new ones; then sorted. */
    size_t nodes_count;
    size_t first;     /* Of the new ones. */
    uint32_t *place;  /* Of each of `nodes` once they are sorted, by where it was. */
    uint32_t *number; /* Likewise of each old node. */
    bool self_edges;
};

/* Counts an edge in what a new node stands for. */
static void stand_for(struct map_stands *stands, const struct map_edge *edge, bool is_inner)
{
    uint64_t parts = edge->parts != 0 ? edge->parts : 1;
    bool is_gone = (edge->change & CHANGE_GONE) != 0;
    uint64_t requests = is_gone ? 0 : edge->from->requests;
    uint64_t failed = is_gone ? 0 : edge->from->failed;

    stands->edges += parts;
    stands->requests += requests;
    stands->failed += failed;
    if (!is_inner)
        return;
    stands->inner_edges += parts;
    stands->inner_requests += requests;
    stands->inner_failed += failed;
}

static void count_edges(struct merging *on)
{
    const struct map_graph *graph = on->graph;

    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        int64_t client = on->into[edge->client];
        int64_t server = on->into[edge->server];
        if (client != MAP_MERGE_NONE)
            stand_for(&on->nodes[on->first + (size_t)client].stands, edge,
                      client == server && !on->self_edges);
        if (client != MAP_MERGE_NONE && client == server) /* Nothing else would show it. */
            on->nodes[on->first + (size_t)client].change |= edge->change &
                                                            (CHANGE_FAILING | CHANGE_SLOWER);
        if (server != MAP_MERGE_NONE && server != client)
            stand_for(&on->nodes[on->first + (size_t)server].stands, edge, false);
    }
}

/* What a node that itself stands for several brings along: its inner edges, which no edge shows. */
static void count_node(struct map_stands *stands, const struct map_node *node)
{
    bool is_plain = node->kind == MAP_PLAIN;

    stands->nodes += is_plain ? 1 : node->stands.nodes;
    stands->services += is_plain ? node->from->node.type == NODE_SERVICE : node->stands.services;
    stands->edges += node->stands.inner_edges;
    stands->requests += node->stands.inner_requests;
    stands->failed += node->stands.inner_failed;
    stands->inner_edges += node->stands.inner_edges;
    stands->inner_requests += node->stands.inner_requests;
    stands->inner_failed += node->stands.inner_failed;
}

/* A copy from the start: nodes that go take theirs with them. */
static int add_seconds(struct map_node *sum, const struct histogram *more)
{
    int status;

    if (more == NULL || more->count == 0)
        return 0;
    if (sum->merged != NULL)
        return histogram_merge(sum->merged, more);
    status = histogram_copy(more, &sum->merged);
    sum->seconds = sum->merged;
    return status;
}

/* Adds a node's figures in the map before. */
static int add_before(struct map_node *sum, const struct map_node *before)
{
    if (sum->merged_before == NULL) {
        sum->merged_before = mem_calloc(1, sizeof(*sum->merged_before));
        if (sum->merged_before == NULL)
            return STATUS_NOMEM;
        sum->merged_before->from = sum->from;
        sum->before = sum->merged_before;
    }
    sum->merged_before->requests += before->requests;
    sum->merged_before->failed += before->failed;
    return add_seconds(sum->merged_before, before->seconds);
}

/* `change` of the sum: NEW, as long as none was there before, and GONE, as long as none is there now. */
static int add_node(struct map_node *sum, const struct map_node *node)
{
    int status = 0;

    count_node(&sum->stands, node);
    sum->is_focus = sum->is_focus || node->is_focus;
    sum->change &= node->change;
    if ((node->change & CHANGE_GONE) == 0) {
        sum->requests += node->requests;
        sum->failed += node->failed;
        sum->parent_missing += node->parent_missing;
        status = add_seconds(sum, node->seconds);
    }
    if (status == 0 && node->before != NULL)
        status = add_before(sum, node->before);
    return status;
}

/* What is gone has its figures of before, as a plain node has that is gone. */
static void finish_node(struct map_node *node)
{
    if ((node->change & CHANGE_GONE) == 0 || node->before == NULL)
        return;
    node->requests = node->before->requests;
    node->failed = node->before->failed;
    node->seconds = node->before->seconds;
}

static int new_nodes(struct merging *on, const struct map_merged *merged, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct map_node *node = &on->nodes[on->nodes_count];
        struct snapshot_node *from;
        struct buf id;
        int status = map_graph_keep_node(on->graph, merged[i].name, &from);
        if (status != 0)
            return status;
        *node = (struct map_node){.from = from,
                                  .kind = merged[i].kind,
                                  .change = on->graph->past != NULL ? CHANGE_NEW | CHANGE_GONE : 0};
        buf_init(&id, 0);
        (void)buf_printf(&id, "%s//", map_node_type(node));
        (void)escape_none(&id, merged[i].name);
        status = id.failed != 0 ? id.failed : map_graph_keep(on->graph, buf_view(&id), &node->id);
        buf_release(&id);
        if (status == 0)
            status = map_graph_keep(on->graph, merged[i].group, &node->group);
        if (status != 0)
            return status;
        on->nodes_count++;
    }
    return 0;
}

/* Nodes that stay are moved, those that do not are added to where they go. */
static int all_nodes(struct merging *on, const struct map_merged *merged, size_t count)
{
    struct map_graph *graph = on->graph;
    int status;

    for (size_t i = 0; i < graph->nodes_count; i++)
        if (on->into[i] == MAP_MERGE_NONE)
            on->nodes[on->nodes_count++] = graph->nodes[i];
    on->first = on->nodes_count;
    status = new_nodes(on, merged, count);
    for (size_t i = 0; i < graph->nodes_count && status == 0; i++)
        if (on->into[i] != MAP_MERGE_NONE)
            status = add_node(&on->nodes[on->first + (size_t)on->into[i]], &graph->nodes[i]);
    if (status != 0) { /* Those that stay are still the graph's. */
        for (size_t i = on->first; i < on->nodes_count; i++)
            map_node_release(&on->nodes[i]);
        return status;
    }
    for (size_t i = on->first; i < on->nodes_count; i++)
        finish_node(&on->nodes[i]);
    count_edges(on);
    return 0;
}

static void number_nodes(struct merging *on)
{
    const struct map_graph *graph = on->graph;
    size_t kept = 0;

    for (size_t i = 0; i < on->nodes_count; i++)
        on->nodes[i].mark = (uint32_t)i;
    qsort(on->nodes, on->nodes_count, sizeof(*on->nodes), map_node_compare);
    for (size_t i = 0; i < on->nodes_count; i++)
        on->place[on->nodes[i].mark] = (uint32_t)i;
    for (size_t i = 0; i < graph->nodes_count; i++)
        on->number[i] =
            on->place[on->into[i] == MAP_MERGE_NONE ? kept++ : on->first + (size_t)on->into[i]];
}

/* -------------------------------------------------------------------- edges */

static int sum_new(const struct snapshot_edge *like, struct snapshot_edge **out_sum)
{
    struct snapshot_edge *sum = mem_calloc(1, sizeof(*sum));

    if (sum == NULL)
        return STATUS_NOMEM;
    sum->client = like->client;
    sum->server = like->server;
    sum->connection_type = like->connection_type;
    sum->view = like->view;
    *out_sum = sum;
    return 0;
}

/* Adds to the sum of the map of now, or of the one before. */
static int add_side(struct snapshot_edge **sum, const struct snapshot_edge *more)
{
    int status = *sum == NULL ? sum_new(more, sum) : 0;

    return status == 0 ? map_edge_add(*sum, more) : status;
}

/* One edge of them all; what they own stays theirs. On failure out_edge is to be released. */
static int add_up(const struct map_edge *edges, size_t count, struct map_edge *out_edge)
{
    struct map_edge sum = {.client = edges[0].client, .server = edges[0].server};
    struct map_edge *before = mem_calloc(1, sizeof(*before));
    int status = before != NULL ? 0 : STATUS_NOMEM;

    for (size_t i = 0; i < count && status == 0; i++) {
        sum.parts += edges[i].parts != 0 ? edges[i].parts : 1;
        if ((edges[i].change & CHANGE_GONE) == 0)
            status = add_side(&sum.merged, edges[i].from);
        if (status == 0 && edges[i].before != NULL)
            status = add_side(&before->merged, edges[i].before->from);
    }
    if (before != NULL && before->merged != NULL) {
        before->from = before->merged;
        sum.before = sum.merged_before = before;
    } else {
        mem_free(before);
    }
    sum.from = sum.merged != NULL ? sum.merged : sum.before != NULL ? sum.before->from : NULL;
    *out_edge = sum;
    return status;
}

/* Edges between nodes of which none is new are as they were. */
static bool is_new(const struct map_graph *graph, const struct map_edge *edge)
{
    return graph->nodes[edge->client].kind != MAP_PLAIN ||
           graph->nodes[edge->server].kind != MAP_PLAIN;
}

static bool is_inner(const struct map_graph *graph, const struct map_edge *edge)
{
    return edge->client == edge->server && graph->nodes[edge->client].kind != MAP_PLAIN;
}

/* Puts one edge in the place of `count` equal ones. */
static int replace(struct map_graph *graph, size_t at, size_t count, size_t *kept)
{
    struct map_edge sum;
    int status = add_up(&graph->edges[at], count, &sum);

    if (status != 0) {
        map_edge_release(&sum);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        map_edge_release(&graph->edges[at + i]);
    if (graph->past != NULL)
        map_change_judge(&sum);
    graph->edges[(*kept)++] = sum;
    return 0;
}

static int all_edges(struct map_graph *graph, bool self_edges)
{
    size_t count = graph->edges_count;
    size_t kept = 0;
    int status = 0;

    qsort(graph->edges, count, sizeof(*graph->edges), map_edge_compare);
    for (size_t i = 0, same; i < count; i += same) {
        struct map_edge *edge = &graph->edges[i];
        same = 1;
        if (status == 0 && is_inner(graph, edge) && !self_edges) {
            map_edge_release(edge);
            continue;
        }
        while (is_new(graph, edge) && i + same < count && edge[same].client == edge->client &&
               edge[same].server == edge->server &&
               edge[same].from->connection_type == edge->from->connection_type)
            same++;
        if (status == 0 && is_new(graph, edge)) {
            status = replace(graph, i, same, &kept);
            if (status == 0)
                continue;
        }
        for (size_t k = 0; k < same; k++) /* As they were; after a failure all others too. */
            graph->edges[kept++] = graph->edges[i + k];
    }
    graph->edges_count = kept;
    return status;
}

/* The graph has its new nodes instead of those that went. */
static void put_nodes(struct merging *on)
{
    struct map_graph *graph = on->graph;

    number_nodes(on);
    for (size_t i = 0; i < graph->edges_count; i++) {
        graph->edges[i].client = on->number[graph->edges[i].client];
        graph->edges[i].server = on->number[graph->edges[i].server];
    }
    for (size_t i = 0; i < graph->nodes_count; i++)
        if (on->into[i] != MAP_MERGE_NONE)
            map_node_release(&graph->nodes[i]);
    mem_free(graph->nodes);
    graph->nodes = on->nodes;
    graph->nodes_count = on->nodes_count;
    on->nodes = NULL;
}

int map_merge(struct map_graph *graph, const int64_t *into, const struct map_merged *merged,
              size_t merged_count, bool self_edges)
{
    struct merging on = {.graph = graph, .into = into, .self_edges = self_edges};
    size_t most = graph->nodes_count + merged_count;
    int status = STATUS_NOMEM;

    on.nodes = mem_calloc(most, sizeof(*on.nodes));
    on.place = mem_calloc(most, sizeof(*on.place));
    on.number = mem_calloc(graph->nodes_count, sizeof(*on.number));
    if (on.nodes != NULL && on.place != NULL && on.number != NULL)
        status = all_nodes(&on, merged, merged_count);
    if (status == 0) {
        put_nodes(&on);
        status = all_edges(graph, self_edges);
    }
    mem_free(on.nodes);
    mem_free(on.place);
    mem_free(on.number);
    return status;
}
