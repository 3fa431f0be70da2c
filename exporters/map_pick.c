/* map_pick.c: edges by requests, from the busiest down; then nodes that no edge brought. */
#include "exporters/map_pick.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

struct ranked {
    uint64_t requests;
    size_t edge;
};

static int by_requests(const void *a, const void *b)
{
    const struct ranked *one = a;
    const struct ranked *other = b;

    if (one->requests != other->requests)
        return one->requests > other->requests ? -1 : 1;
    return (one->edge > other->edge) - (one->edge < other->edge);
}

static void pick_node(struct map_pick *pick, size_t node)
{
    pick->nodes_count += !pick->nodes[node];
    pick->nodes[node] = true;
}

static void pick_edges(const struct map_graph *graph, const struct ranked *ranked,
                       const struct map_pick_limits *limits, struct map_pick *pick)
{
    for (size_t i = 0; i < graph->edges_count && pick->edges_count < limits->edges_max; i++) {
        const struct map_edge *edge = &graph->edges[ranked[i].edge];
        size_t more = (size_t)!pick->nodes[edge->client] + !pick->nodes[edge->server];
        if (edge->client == edge->server && more == 2)
            more = 1;
        if (pick->nodes_count + more > limits->nodes_max)
            continue;
        pick_node(pick, edge->client);
        pick_node(pick, edge->server);
        pick->edges[ranked[i].edge] = true;
        pick->edges_count++;
    }
}

int map_pick_init(const struct map_graph *graph, const struct map_pick_limits *limits,
                  struct map_pick *out_pick)
{
    struct map_pick pick = {.nodes = mem_calloc(graph->nodes_count, sizeof(bool)),
                            .edges = mem_calloc(graph->edges_count, sizeof(bool))};
    struct ranked *ranked = mem_calloc(graph->edges_count, sizeof(*ranked));

    if (pick.nodes == NULL || pick.edges == NULL || ranked == NULL) {
        mem_free(ranked);
        map_pick_release(&pick);
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < graph->edges_count; i++)
        ranked[i] = (struct ranked){graph->edges[i].from->requests, i};
    qsort(ranked, graph->edges_count, sizeof(*ranked), by_requests);
    pick_edges(graph, ranked, limits, &pick);
    for (size_t i = 0; i < graph->nodes_count && pick.nodes_count < limits->nodes_max; i++)
        pick_node(&pick, i);
    mem_free(ranked);
    *out_pick = pick;
    return 0;
}

void map_pick_release(struct map_pick *pick)
{
    mem_free(pick->nodes);
    mem_free(pick->edges);
    *pick = (struct map_pick){.nodes = NULL};
}
