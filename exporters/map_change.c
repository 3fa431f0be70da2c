/* map_change.c: nodes of both maps in one order, then edges, then a judgement on each pair.
 *
 * Ids name nodes across the two snapshots, whose numbers have nothing to do with each other. Hostile
 * nodes that share an id are matched in their order.
 */
#include "exporters/map_change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "exporters/map_text.h"
#include "topology/span.h"

const struct change_style map_change_styles[CHANGE_COUNT + 1] = {
    {CHANGE_NEW, "new", "new", "#2458e6"},
    {CHANGE_GONE, "gone", "gone", "#4b4550"},
    {CHANGE_FAILING, "failing", "failing more", "#8a1000"},
    {CHANGE_SLOWER, "slower", "slower", "#d96c14"},
    {0, "same", "as before", "#7e9190"},
};

const struct change_style *map_change_style(unsigned change)
{
    size_t i = 0;

    while (map_change_styles[i].change != 0 && (change & map_change_styles[i].change) == 0)
        i++;
    return &map_change_styles[i];
}

/* ------------------------------------------------------------------ judgement */

static double requests_of(uint64_t weight)
{
    return (double)weight / (double)WEIGHT_ONE;
}

/* Whether the share of failures rose by a point or more, and by three standard errors: once in a
 * thousand edges by chance. */
static bool fails_more(const struct snapshot_edge *now, const struct snapshot_edge *before)
{
    double n1 = requests_of(before->requests);
    double n2 = requests_of(now->requests);
    double p1;
    double p2;
    double pooled;
    double error;

    if (n1 <= 0 || n2 <= 0)
        return false;
    p1 = requests_of(before->failed) / n1;
    p2 = requests_of(now->failed) / n2;
    pooled = (requests_of(before->failed) + requests_of(now->failed)) / (n1 + n2);
    error = sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
    return p2 - p1 >= 0.01 && p2 - p1 > 3 * error;
}

struct change_seconds map_change_seconds(const struct map_edge *edge)
{
    const struct snapshot_edge *now = edge->from;
    const struct snapshot_edge *before = edge->before != NULL ? edge->before->from : NULL;

    if (before != NULL && before->client_seconds != NULL && now->client_seconds != NULL)
        return (struct change_seconds){before->client_seconds, now->client_seconds};
    if (before != NULL && before->server_seconds != NULL && now->server_seconds != NULL)
        return (struct change_seconds){before->server_seconds, now->server_seconds};
    return (struct change_seconds){NULL, NULL};
}

static bool is_slower(const struct map_edge *edge)
{
    struct change_seconds seconds = map_change_seconds(edge);

    return seconds.now != NULL && histogram_count_value(seconds.before) >= CHANGE_SECONDS_MIN &&
           histogram_count_value(seconds.now) >= CHANGE_SECONDS_MIN &&
           histogram_quantile(seconds.now, 0.95) > 1.25 * histogram_quantile(seconds.before, 0.95);
}

void map_change_judge(struct map_edge *edge)
{
    edge->change = edge->before == NULL               ? CHANGE_NEW
                   : edge->from == edge->before->from ? CHANGE_GONE
                                                      : 0;
    if (edge->change != 0)
        return;
    if (fails_more(edge->from, edge->before->from))
        edge->change |= CHANGE_FAILING;
    if (is_slower(edge))
        edge->change |= CHANGE_SLOWER;
}

/* ------------------------------------------------------------------ joining */

/* Where the nodes of either map go. */
struct joining {
    struct map_graph *graph;
    struct map_graph *past;
    struct map_node *nodes;
    size_t nodes_count;
    uint32_t *now;    /* By the number in graph, */
    uint32_t *before; /* and in past. */
};

static void join_nodes(struct joining *on)
{
    const struct map_graph *graph = on->graph;
    const struct map_graph *past = on->past;
    size_t i = 0;
    size_t k = 0;

    while (i < graph->nodes_count || k < past->nodes_count) {
        struct map_node *node = &on->nodes[on->nodes_count];
        int order = i == graph->nodes_count  ? 1
                    : k == past->nodes_count ? -1
                                             : view_compare(graph->nodes[i].id, past->nodes[k].id);
        *node = order <= 0 ? graph->nodes[i] : past->nodes[k];
        node->change = order < 0 ? CHANGE_NEW : order > 0 ? CHANGE_GONE : 0;
        if (order > 0)
            node->merged = NULL; /* Its owner is `past`. */
        if (order >= 0)
            node->before = &past->nodes[k];
        if (order <= 0)
            on->now[i++] = (uint32_t)on->nodes_count;
        if (order >= 0)
            on->before[k++] = (uint32_t)on->nodes_count;
        on->nodes_count++;
    }
}

static int compare_edges(const void *left, const void *right)
{
    const struct map_edge *a = left;
    const struct map_edge *b = right;

    if (a->client != b->client)
        return a->client < b->client ? -1 : 1;
    if (a->server != b->server)
        return a->server < b->server ? -1 : 1;
    if (a->from->connection_type != b->from->connection_type)
        return strcmp(connection_type_name(a->from->connection_type),
                      connection_type_name(b->from->connection_type));
    return (a->from->overflow > b->from->overflow) - (a->from->overflow < b->from->overflow);
}

/* Edges of both, those of now first, in edges[0 .. count); then equal neighbours become one. */
static void join_edges(struct joining *on, struct map_edge *edges, size_t *out_count)
{
    size_t count = 0;
    size_t kept = 0;

    for (size_t i = 0; i < on->graph->edges_count; i++, count++) {
        edges[count] = on->graph->edges[i];
        edges[count].client = on->now[edges[count].client];
        edges[count].server = on->now[edges[count].server];
        edges[count].change = CHANGE_NEW;
    }
    for (size_t i = 0; i < on->past->edges_count; i++, count++) {
        edges[count] = on->past->edges[i];
        edges[count].merged = NULL; /* Its owner is `past`. */
        edges[count].client = on->before[edges[count].client];
        edges[count].server = on->before[edges[count].server];
        edges[count].before = &on->past->edges[i];
        edges[count].change = CHANGE_GONE;
    }
    qsort(edges, count, sizeof(*edges), compare_edges);
    for (size_t i = 0; i < count; i++) {
        struct map_edge *last = kept != 0 ? &edges[kept - 1] : NULL;
        bool is_pair = last != NULL && compare_edges(last, &edges[i]) == 0 &&
                       (last->change | edges[i].change) == (CHANGE_NEW | CHANGE_GONE);
        if (!is_pair) {
            edges[kept++] = edges[i];
            continue;
        }
        if (last->change == CHANGE_GONE) {
            const struct map_edge *before = last->before;
            *last = edges[i];
            last->before = before;
        } else {
            last->before = edges[i].before;
        }
        map_change_judge(last);
    }
    *out_count = kept;
}

int map_change_join(struct map_graph *graph, struct map_graph *past)
{
    size_t nodes = graph->nodes_count + past->nodes_count;
    size_t edges = graph->edges_count + past->edges_count;
    struct joining on = {.graph = graph, .past = past};
    struct map_edge *joined = mem_calloc(edges, sizeof(*joined));
    int status = STATUS_NOMEM;

    graph->past = past;
    on.nodes = mem_calloc(nodes, sizeof(*on.nodes));
    on.now = mem_calloc(graph->nodes_count, sizeof(*on.now));
    on.before = mem_calloc(past->nodes_count, sizeof(*on.before));
    if (joined != NULL && on.nodes != NULL && on.now != NULL && on.before != NULL) {
        join_nodes(&on);
        join_edges(&on, joined, &graph->edges_count);
        mem_free(graph->nodes);
        mem_free(graph->edges);
        graph->nodes = on.nodes;
        graph->nodes_count = on.nodes_count;
        graph->edges = joined;
        on.nodes = NULL;
        joined = NULL;
        status = 0;
    }
    mem_free(on.nodes);
    mem_free(on.now);
    mem_free(on.before);
    mem_free(joined);
    return status;
}
