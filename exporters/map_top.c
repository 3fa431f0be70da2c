/* map_top.c: edges are ranked; as many from the front stay, with all edges between their nodes, as the
 * limits hold. More of the front never means fewer nodes or edges, so the number is found by halving.
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
    struct ranked *ranked;
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

static void rank(struct top *top)
{
    const struct map_graph *graph = top->graph;

    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        bool is_near = graph->nodes[edge->client].is_focus || graph->nodes[edge->server].is_focus;
        top->ranked[i] = (struct ranked){2U * is_near + (edge->change != 0), edge->from->requests,
                                         i};
        if (edge->before != NULL && edge->before->from->requests > edge->from->requests)
            top->ranked[i].requests = edge->before->from->requests;
    }
    if (graph->edges_count != 0)
        qsort(top->ranked, graph->edges_count, sizeof(*top->ranked), by_worth);
}

/* Marks what stays with the first `count` edges. Returns: whether it is within the limits. */
static bool keep(struct top *top, size_t count)
{
    const struct map_graph *graph = top->graph;
    size_t nodes = 0;
    size_t edges = 0;

    memset(top->stays, 0, graph->nodes_count * sizeof(*top->stays));
    for (size_t i = 0; i < count; i++) {
        const struct map_edge *edge = &graph->edges[top->ranked[i].index];
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

/* Nodes without an edge stay where all edges do, as far as there is room. */
static void keep_lone(struct top *top)
{
    size_t nodes = 0;

    for (size_t i = 0; i < top->graph->nodes_count; i++)
        nodes += top->stays[i];
    for (size_t i = 0; i < top->graph->nodes_count && nodes < top->limits.nodes_max; i++)
        if (!top->stays[i]) {
            top->stays[i] = true;
            nodes++;
        }
}

static void choose(struct top *top)
{
    size_t low = 0; /* So many are within the limits, or none but the first is. */
    size_t high = top->graph->edges_count;

    rank(top);
    while (low < high) {
        size_t middle = high - (high - low) / 2;
        if (keep(top, middle))
            low = middle;
        else
            high = middle - 1;
    }
    if (low == 0 && top->graph->edges_count != 0)
        low = 1; /* Two nodes with more edges between them than are wanted. */
    (void)keep(top, low);
    if (low == top->graph->edges_count)
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
    struct top top = {.graph = graph, .limits = {SIZE_MAX, SIZE_MAX}};
    int status = STATUS_NOMEM;

    if (limits != NULL)
        top.limits = *limits;
    if (options->top != 0 && options->top < top.limits.edges_max)
        top.limits.edges_max = options->top;
    if (graph->nodes_count <= top.limits.nodes_max && graph->edges_count <= top.limits.edges_max)
        return 0;
    top.ranked = mem_calloc(graph->edges_count, sizeof(*top.ranked));
    top.stays = mem_calloc(graph->nodes_count, sizeof(*top.stays));
    if (top.ranked != NULL && top.stays != NULL) {
        choose(&top);
        status = merge_others(options, &top, graph);
    }
    mem_free(top.ranked);
    mem_free(top.stays);
    return status;
}
