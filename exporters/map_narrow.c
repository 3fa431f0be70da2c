/* map_narrow.c: mark the focus, hide the quiet edges, then walk from the focus; each cut is one pass.
 */
#include "exporters/map_narrow.h"

#include <string.h>

#include "base/mem.h"
#include "exporters/escape.h"
#include "exporters/map_change.h"

enum { NAME_IN_ERROR = 48 };

struct cut {
    bool *nodes; /* Which stay, */
    bool *edges; /* and which of these; both ends of those must. */
    bool *next;
    uint32_t *number;
};

static int cut_init(const struct map_graph *graph, struct cut *out_cut)
{
    *out_cut = (struct cut){
        .nodes = mem_calloc(graph->nodes_count, sizeof(bool)),
        .edges = mem_calloc(graph->edges_count, sizeof(bool)),
        .next = mem_calloc(graph->nodes_count, sizeof(bool)),
        .number = mem_calloc(graph->nodes_count, sizeof(uint32_t)),
    };
    return out_cut->nodes != NULL && out_cut->edges != NULL && out_cut->next != NULL &&
                   out_cut->number != NULL
               ? 0
               : STATUS_NOMEM;
}

static void cut_release(struct cut *cut)
{
    mem_free(cut->nodes);
    mem_free(cut->edges);
    mem_free(cut->next);
    mem_free(cut->number);
}

/* Takes out what does not stay, and renumbers. */
static void narrow(struct map_graph *graph, const struct cut *cut)
{
    size_t nodes = 0;
    size_t edges = 0;

    for (size_t i = 0; i < graph->nodes_count; i++) {
        if (!cut->nodes[i]) {
            map_node_release(&graph->nodes[i]);
            continue;
        }
        cut->number[i] = (uint32_t)nodes;
        graph->nodes[nodes++] = graph->nodes[i];
    }
    for (size_t i = 0; i < graph->edges_count; i++) {
        struct map_edge edge = graph->edges[i];
        if (!cut->edges[i] || !cut->nodes[edge.client] || !cut->nodes[edge.server]) {
            map_edge_release(&edge);
            continue;
        }
        edge.client = cut->number[edge.client];
        edge.server = cut->number[edge.server];
        graph->edges[edges++] = edge;
    }
    graph->nodes_count = nodes;
    graph->edges_count = edges;
}

/* ------------------------------------------------------------------ min-rate */

/* Of the busier of the two maps, where there are two. */
static bool is_quiet(const struct map_graph *graph, const struct map_edge *edge, double min_rate)
{
    double now = map_graph_rate(map_change_side(graph, edge->change), edge->from->requests);
    double before = edge->before != NULL ? map_graph_rate(graph->past, edge->before->from->requests)
                                         : 0;

    return now >= 0 && before >= 0 && now < min_rate && before < min_rate;
}

/* An edge that is gone counts for nothing in the map of now. */
static void hide_edge(struct map_graph *graph, const struct map_edge *edge)
{
    graph->hidden.edges += edge->parts != 0 ? edge->parts : 1;
    if ((edge->change & CHANGE_GONE) != 0)
        return;
    graph->hidden.requests += edge->from->requests;
    graph->hidden.failed += edge->from->failed;
}

/* With what it stands for, and what stands inside of it. */
static void hide_node(struct map_graph *graph, const struct map_node *node)
{
    graph->hidden.nodes += node->kind == MAP_PLAIN ? 1 : node->stands.nodes;
    graph->hidden.edges += node->stands.inner_edges;
    graph->hidden.requests += node->stands.inner_requests;
    graph->hidden.failed += node->stands.inner_failed;
}

/* Nodes go with the last of their edges; those without any have no rate. Where the window has no
 * length no rate is known, and nothing is hidden. */
static void hide_quiet(const struct export_options *options, struct map_graph *graph,
                       struct cut *cut)
{
    if (options->min_rate <= 0 || map_graph_rate(graph, 0) < 0)
        return;
    for (size_t i = 0; i < graph->nodes_count; i++)
        cut->nodes[i] = graph->nodes[i].is_focus;
    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        cut->edges[i] = !is_quiet(graph, edge, options->min_rate);
        if (cut->edges[i])
            cut->nodes[edge->client] = cut->nodes[edge->server] = true;
        else
            hide_edge(graph, edge);
    }
    for (size_t i = 0; i < graph->nodes_count; i++)
        if (!cut->nodes[i])
            hide_node(graph, &graph->nodes[i]);
    narrow(graph, cut);
}

/* -------------------------------------------------------------------- focus */

void map_narrow_mark(const struct export_options *options, struct map_graph *graph)
{
    struct view focus = options->focus;

    for (size_t i = 0; i < graph->nodes_count && focus.size != 0; i++) {
        struct map_node *node = &graph->nodes[i];
        if (view_equal(node->id, focus) || view_equal(node->from->node.name, focus))
            node->is_focus = true;
    }
}

static int check_focus(const struct map_graph *graph, struct view focus, char out_error[256])
{
    struct buf name;

    for (size_t i = 0; i < graph->nodes_count; i++)
        if (graph->nodes[i].is_focus)
            return 0;
    buf_init(&name, 0);
    (void)escape_cut(&name, focus, NAME_IN_ERROR); /* Without memory the name stays away. */
    (void)export_fail(out_error, 0, "no node on the map has the id or the name '%.*s'",
                      (int)name.size, name.size != 0 ? name.data : "");
    buf_release(&name);
    return STATUS_NOT_FOUND;
}

/* One more step away from what stays. Returns: whether anything is new. */
static bool widen(const struct map_graph *graph, struct cut *cut)
{
    bool *swap = cut->nodes;
    bool grew = false;

    memcpy(cut->next, cut->nodes, graph->nodes_count * sizeof(*cut->next));
    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        if (cut->nodes[edge->client] == cut->nodes[edge->server])
            continue;
        cut->next[edge->client] = cut->next[edge->server] = true;
        grew = true;
    }
    cut->nodes = cut->next;
    cut->next = swap;
    return grew;
}

/* What stands within `depth` steps of the focus, in either direction, and all calls among it. */
static void narrow_to_focus(const struct export_options *options, struct map_graph *graph,
                            struct cut *cut)
{
    unsigned depth = options->depth != 0 ? options->depth : 1;

    for (size_t i = 0; i < graph->nodes_count; i++)
        cut->nodes[i] = graph->nodes[i].is_focus;
    for (size_t i = 0; i < graph->edges_count; i++)
        cut->edges[i] = true;
    while (depth != 0 && widen(graph, cut))
        depth--;
    narrow(graph, cut);
}

int map_narrow(const struct export_options *options, char out_error[256], struct map_graph *graph)
{
    struct cut cut;
    int status = cut_init(graph, &cut);

    map_narrow_mark(options, graph); /* Clusters have names, too. */
    if (status == 0 && options->focus.size != 0)
        status = check_focus(graph, options->focus, out_error);
    if (status == 0)
        hide_quiet(options, graph, &cut);
    if (status == 0 && options->focus.size != 0)
        narrow_to_focus(options, graph, &cut);
    cut_release(&cut);
    return status;
}
