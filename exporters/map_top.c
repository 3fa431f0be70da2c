/* map_top.c: edges or nodes are ranked; as many from the front stay, with all edges between their nodes,
 * as the limits hold. More of the front never means fewer nodes or edges, so the number is found by
 * halving. What nobody asked for goes by nodes: the busiest edges of a large map are lone pairs.
 */
#include "exporters/map_top.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exporters/map_change.h"
#include "exporters/map_merge.h"

struct ranked {
    unsigned worth; /* More than its traffic tells. */
    uint64_t requests;
    size_t index;
};

struct top {
    const struct map_graph *graph;
    struct map_limits limits;
    bool by_node; /* Nodes are ranked, by the traffic on their edges; else edges. */
    struct ranked *ranked;
    size_t ranked_count;
    bool *stays; /* A node. */
};

static int by_worth(const void *a, const void *b)
{
    const struct ranked *one = a;
    const struct ranked *other = b;

    if (one->worth != other->worth)
        return one->worth > other->worth ? -1 : 1;
    if (one->requests != other->requests)
        return one->requests > other->requests ? -1 : 1;
    return (one->index > other->index) - (one->index < other->index);
}

/* The busier of the two maps, where two are compared. */
static uint64_t requests_of(const struct map_edge *edge)
{
    uint64_t before = edge->before != NULL ? edge->before->from->requests : 0;

    return edge->from->requests > before ? edge->from->requests : before;
}

/* What stands for others already goes on doing so. */
static bool is_other(const struct top *top, uint32_t node)
{
    return top->graph->nodes[node].kind == MAP_OTHERS;
}

static bool is_others_edge(const struct top *top, const struct map_edge *edge)
{
    return is_other(top, edge->client) || is_other(top, edge->server);
}

static void rank_edges(struct top *top)
{
    const struct map_graph *graph = top->graph;

    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        bool is_near = graph->nodes[edge->client].is_focus || graph->nodes[edge->server].is_focus;
        if (!is_others_edge(top, edge))
            top->ranked[top->ranked_count++] = (struct ranked){2U * is_near + (edge->change != 0),
                                                               requests_of(edge), i};
    }
}

static void rank_nodes(struct top *top)
{
    const struct map_graph *graph = top->graph;
    size_t count = 0;

    for (size_t i = 0; i < graph->nodes_count; i++)
        top->ranked[i] = (struct ranked){2U * graph->nodes[i].is_focus, 0, i};
    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        struct ranked *ends[2] = {&top->ranked[edge->client], &top->ranked[edge->server]};
        for (size_t k = 0; k < 2; k++) {
            ends[k]->worth |= edge->change != 0;
            ends[k]->requests += requests_of(edge);
        }
    }
    for (uint32_t i = 0; i < graph->nodes_count; i++)
        if (!is_other(top, i))
            top->ranked[count++] = top->ranked[i];
    top->ranked_count = count;
}

/* Marks what stays with the first `count` of the ranked. Returns: whether it is within the limits. */
static bool keep(struct top *top, size_t count)
{
    const struct map_graph *graph = top->graph;
    size_t nodes = 0;
    size_t edges = 0;

    memset(top->stays, 0, graph->nodes_count * sizeof(*top->stays));
    for (size_t i = 0; i < count; i++) {
        const struct map_edge *edge = &graph->edges[top->by_node ? 0 : top->ranked[i].index];
        if (top->by_node)
            top->stays[top->ranked[i].index] = true;
        else
            top->stays[edge->client] = top->stays[edge->server] = true;
    }
    for (size_t i = 0; i < graph->nodes_count; i++) {
        top->stays[i] = top->stays[i] || graph->nodes[i].is_focus;
        nodes += top->stays[i];
    }
    for (size_t i = 0; i < graph->edges_count; i++)
        edges += top->stays[graph->edges[i].client] && top->stays[graph->edges[i].server];
    return nodes <= top->limits.nodes_max && edges <= top->limits.edges_max;
}

/* Nodes without an edge stay where all edges do. */
static void keep_lone(struct top *top)
{
    for (uint32_t i = 0; i < top->graph->nodes_count; i++)
        top->stays[i] = !is_other(top, i);
}

static void choose(struct top *top)
{
    size_t low = 0; /* So many are within the limits, or none but the first is. */
    size_t high;

    if (top->by_node)
        rank_nodes(top);
    else
        rank_edges(top);
    if (top->ranked_count != 0)
        qsort(top->ranked, top->ranked_count, sizeof(*top->ranked), by_worth);
    for (high = top->ranked_count; low < high;) {
        size_t middle = high - (high - low) / 2;
        if (keep(top, middle))
            low = middle;
        else
            high = middle - 1;
    }
    if (low == 0 && top->ranked_count != 0)
        low = 1; /* Two nodes with more edges between them than are wanted. */
    (void)keep(top, low);
    if (!top->by_node && low == top->ranked_count)
        keep_lone(top);
}

static int merge_others(const struct export_options *options, const struct top *top,
                        struct map_graph *graph)
{
    static const struct map_merged others = {MAP_OTHERS, {"others", 6}, {NULL, 0}};
    int64_t *into = mem_calloc(graph->nodes_count, sizeof(*into));
    size_t count = 0;
    int status = 0;

    if (into == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < graph->nodes_count; i++) {
        into[i] = top->stays[i] ? MAP_MERGE_NONE : 0;
        count += !top->stays[i];
    }
    if (count != 0)
        status = map_merge(graph, into, &others, 1, options->self_edges);
    mem_free(into);
    return status;
}

static int apply(const struct export_options *options, const struct map_limits *limits,
                 bool by_node, struct map_graph *graph)
{
    struct top top = {.graph = graph, .limits = *limits, .by_node = by_node};
    size_t most = graph->nodes_count > graph->edges_count ? graph->nodes_count : graph->edges_count;
    size_t edges = graph->edges_count - map_top_to_others(graph);
    int status = STATUS_NOMEM;

    if (graph->nodes_count <= limits->nodes_max && edges <= limits->edges_max)
        return 0;
    top.ranked = mem_calloc(most, sizeof(*top.ranked));
    top.stays = mem_calloc(graph->nodes_count, sizeof(*top.stays));
    if (top.ranked != NULL && top.stays != NULL) {
        choose(&top);
        status = merge_others(options, &top, graph);
    }
    mem_free(top.ranked);
    mem_free(top.stays);
    return status;
}

size_t map_top_to_others(const struct map_graph *graph)
{
    size_t count = 0;

    for (size_t i = 0; i < graph->edges_count; i++)
        count += map_edge_has_others(graph, &graph->edges[i]);
    return count;
}

int map_top(const struct export_options *options, const struct map_limits *limits,
            struct map_graph *graph)
{
    const struct map_limits top = {.nodes_max = SIZE_MAX, .edges_max = options->top};
    int status = options->top != 0 ? apply(options, &top, false, graph) : 0;

    return status == 0 && limits != NULL ? apply(options, limits, true, graph) : status;
}
