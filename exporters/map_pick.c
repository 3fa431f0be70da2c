/* map_pick.c: nodes by the traffic on their edges, then edges among them by requests. An edge's nodes
 * both have at least its traffic, so the busiest come with whom they talk to.
 */
#include "exporters/map_pick.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

struct ranked {
    uint64_t requests;
    size_t index;
};

static int by_requests(const void *a, const void *b)
{
    const struct ranked *one = a;
    const struct ranked *other = b;

    if (one->requests != other->requests)
        return one->requests > other->requests ? -1 : 1;
    return (one->index > other->index) - (one->index < other->index);
}

static void rank_nodes(const struct map_graph *graph, struct ranked *ranked)
{
    for (size_t i = 0; i < graph->nodes_count; i++)
        ranked[i] = (struct ranked){0, i};
    for (size_t i = 0; i < graph->edges_count; i++) {
        ranked[graph->edges[i].client].requests += graph->edges[i].from->requests;
        ranked[graph->edges[i].server].requests += graph->edges[i].from->requests;
    }
    qsort(ranked, graph->nodes_count, sizeof(*ranked), by_requests);
}

static void rank_edges(const struct map_graph *graph, struct ranked *ranked)
{
    for (size_t i = 0; i < graph->edges_count; i++)
        ranked[i] = (struct ranked){graph->edges[i].from->requests, i};
    qsort(ranked, graph->edges_count, sizeof(*ranked), by_requests);
}

int map_pick_init(const struct map_graph *graph, const struct map_pick_limits *limits,
                  struct map_pick *out_pick)
{
    size_t most = graph->nodes_count > graph->edges_count ? graph->nodes_count : graph->edges_count;
    struct map_pick pick = {.nodes = mem_calloc(graph->nodes_count, sizeof(bool)),
                            .edges = mem_calloc(graph->edges_count, sizeof(bool))};
    struct ranked *ranked = mem_calloc(most, sizeof(*ranked));

    if (pick.nodes == NULL || pick.edges == NULL || ranked == NULL) {
        mem_free(ranked);
        map_pick_release(&pick);
        return STATUS_NOMEM;
    }
    rank_nodes(graph, ranked);
    for (; pick.nodes_count < graph->nodes_count && pick.nodes_count < limits->nodes_max;
         pick.nodes_count++)
        pick.nodes[ranked[pick.nodes_count].index] = true;
    rank_edges(graph, ranked);
    for (size_t i = 0; i < graph->edges_count && pick.edges_count < limits->edges_max; i++) {
        const struct map_edge *edge = &graph->edges[ranked[i].index];
        if (!pick.nodes[edge->client] || !pick.nodes[edge->server])
            continue;
        pick.edges[ranked[i].index] = true;
        pick.edges_count++;
    }
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
