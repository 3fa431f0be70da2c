/* text.c: depth first, with a stack of its own, since a chain of calls can be as long as the map.
 *
 *   user                                   RATE   ERRORS      P50      P95  VIA
 *   └─ frontend                           100/s     0.5%  40.1 ms   699 ms
 *      ├─ checkout                         20/s     2.1%   101 ms   101 ms
 *      │  └─ ...
 *      └─ inventory                       150/s       0%   4.5 ms   4.5 ms
 *
 * Roots are the nodes that nobody calls; what only a circle reaches starts at its first node.
 */
#include "exporters/text.h"

#include <string.h>

#include "base/mem.h"
#include "exporters/escape.h"
#include "exporters/human.h"
#include "exporters/map_change.h"
#include "exporters/map_figure.h"
#include "exporters/map_graph.h"
#include "exporters/map_text.h"

enum {
    NAME_CHARACTERS = 40,
    NAME_WIDTH = 46, /* Of the first column, tree included. */
    TREE_DEPTH_SHOWN = 24,
    FIGURE_WIDTH = 10,
};

/* One node on the way from a root: which of its edges comes next. */
struct step {
    uint32_t node;
    size_t edge; /* Of the graph's. */
};

struct tree {
    const struct map_graph *graph;
    struct buf *out;
    struct buf line;
    enum map_figure figure;
    bool tells_groups; /* Other than the namespaces, which names have. */
    size_t *first;     /* A node's first edge out; edges are sorted by client. */
    bool *shown;
    struct step *stack;
    size_t depth;
};

/* Columns that a text takes, roughly: one a character. */
static size_t columns(struct view text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static void pad(struct buf *out, struct view text, size_t width, bool right)
{
    size_t used = columns(text);

    if (!right)
        (void)buf_append_view(out, text); /* Failures stick, here and below. */
    for (; used < width; used++)
        (void)buf_append_byte(out, ' ');
    if (right)
        (void)buf_append_view(out, text);
}

static void figure(struct buf *out, struct human text)
{
    pad(out, view_of(text.text), FIGURE_WIDTH, true);
}

static void name(struct tree *tree, const struct map_node *node)
{
    const struct node *from = &node->from->node;

    if (from->namespace.size != 0) {
        (void)escape_cut(&tree->line, from->namespace, NAME_CHARACTERS / 2);
        (void)buf_append_byte(&tree->line, '/');
    }
    map_text_name(node, NAME_CHARACTERS, &tree->line);
    if (node->kind != MAP_PLAIN) {
        (void)buf_append_text(&tree->line, " (");
        map_text_stands(node, &tree->line);
        (void)buf_append_byte(&tree->line, ')');
    } else if (from->type != NODE_SERVICE && from->type != NODE_USER) {
        (void)buf_printf(&tree->line, " (%s)", node_type_name(from->type));
    }
    if (node->kind == MAP_PLAIN && tree->tells_groups && node->group.size != 0) {
        (void)buf_append_text(&tree->line, " [");
        (void)escape_cut(&tree->line, node->group, NAME_CHARACTERS / 2);
        (void)buf_append_byte(&tree->line, ']');
    }
}

static bool has_more(const struct tree *tree, const struct step *step)
{
    return step->edge < tree->graph->edges_count &&
           tree->graph->edges[step->edge].client == step->node;
}

/* The lines that lead from the root to here. */
static void branches(struct tree *tree)
{
    size_t skipped = tree->depth > TREE_DEPTH_SHOWN ? tree->depth - TREE_DEPTH_SHOWN : 0;

    if (skipped != 0)
        (void)buf_printf(&tree->line, "(%zu) ", skipped);
    for (size_t i = skipped; i + 1 < tree->depth; i++)
        (void)buf_append_text(&tree->line,
                              has_more(tree, &tree->stack[i]) ? "\xE2\x94\x82  " : "   ");
    (void)buf_append_text(&tree->line, has_more(tree, &tree->stack[tree->depth - 1])
                                           ? "\xE2\x94\x9C\xE2\x94\x80 "
                                           : "\xE2\x94\x94\xE2\x94\x80 ");
}

static void end_line(struct tree *tree)
{
    if (tree->out->failed == 0)
        tree->out->failed = tree->line.failed; /* Without memory a line may lack its end. */
    (void)buf_append_view(tree->out, buf_view(&tree->line));
    (void)buf_append_byte(tree->out, '\n');
    buf_reset(&tree->line);
}

/* The other figures have theirs always. */
static bool has_column(const struct tree *tree)
{
    return tree->figure == FIGURE_P99 || tree->figure == FIGURE_NETWORK ||
           tree->figure == FIGURE_QUEUE;
}

static void edge_line(struct tree *tree, const struct map_edge *edge, bool again)
{
    const struct snapshot_edge *from = edge->from;
    const struct histogram *seconds = map_text_seconds(edge);

    branches(tree);
    name(tree, &tree->graph->nodes[edge->server]);
    if (again)
        (void)buf_append_text(&tree->line, " \xE2\x86\x91"); /* Its calls stand further up. */
    for (size_t used = columns(buf_view(&tree->line)); used < NAME_WIDTH; used++)
        (void)buf_append_byte(&tree->line, ' ');
    figure(&tree->line, map_text_rate(map_change_side(tree->graph, edge->change), from->requests));
    figure(&tree->line, human_share(from->failed, from->requests));
    figure(&tree->line, map_text_quantile(seconds, 0.5));
    figure(&tree->line, map_text_quantile(seconds, 0.95));
    if (has_column(tree))
        figure(&tree->line, map_figure_text(tree->graph, edge, tree->figure));
    if (from->connection_type != CONNECTION_DIRECT)
        (void)buf_printf(&tree->line, "  %s", connection_type_name(from->connection_type));
    if (edge->change != 0) {
        if ((edge->change & (CHANGE_NEW | CHANGE_GONE)) == 0)
            (void)buf_printf(&tree->line, "  %s,", map_change_style(edge->change)->legend);
        (void)buf_append_byte(&tree->line, ' ');
        map_text_change(edge, &tree->line);
    }
    end_line(tree);
}

static void push(struct tree *tree, uint32_t node)
{
    tree->shown[node] = true;
    tree->stack[tree->depth++] = (struct step){node, tree->first[node]};
}

static void walk(struct tree *tree, uint32_t root)
{
    name(tree, &tree->graph->nodes[root]);
    end_line(tree);
    push(tree, root);
    while (tree->depth != 0) {
        struct step *step = &tree->stack[tree->depth - 1];
        const struct map_edge *edge;
        bool again;
        if (!has_more(tree, step)) {
            tree->depth--;
            continue;
        }
        edge = &tree->graph->edges[step->edge++];
        again = tree->shown[edge->server];
        edge_line(tree, edge,
                  again && has_more(tree, &(struct step){edge->server, tree->first[edge->server]}));
        if (!again)
            push(tree, edge->server);
    }
}

static void head(struct tree *tree)
{
    const struct map_graph *graph = tree->graph;
    double seconds = graph->end.ns > graph->start.ns
                         ? (double)(graph->end.ns - graph->start.ns) / (double)NS_PER_S
                         : -1;

    (void)buf_printf(tree->out, "%s nodes, %s edges, over %s\n\n",
                     human_count(graph->nodes_count).text, human_count(graph->edges_count).text,
                     human_seconds(seconds).text);
    if (graph->edges_count == 0)
        return;
    pad(tree->out, VIEW("CALLS"), NAME_WIDTH, false);
    pad(tree->out, seconds < 0 ? VIEW("REQUESTS") : VIEW("RATE"), FIGURE_WIDTH, true);
    pad(tree->out, VIEW("ERRORS"), FIGURE_WIDTH, true);
    pad(tree->out, VIEW("P50"), FIGURE_WIDTH, true);
    pad(tree->out, VIEW("P95"), FIGURE_WIDTH, true);
    if (has_column(tree)) {
        static const char *const titles[FIGURE_COUNT] = {
            [FIGURE_P99] = "P99", [FIGURE_NETWORK] = "NETWORK", [FIGURE_QUEUE] = "QUEUE"};
        pad(tree->out, view_of(titles[tree->figure]), FIGURE_WIDTH, true);
    }
    (void)buf_append_text(tree->out, "  VIA\n");
}

/* What is not drawn, and where it is counted. */
static void hidden(struct tree *tree)
{
    const struct map_hidden *from = &tree->graph->hidden;

    if (from->nodes + from->edges != 0)
        (void)buf_printf(tree->out,
                         "\nhidden, below the least rate asked for: %s nodes, %s edges\n",
                         human_count(from->nodes).text, human_count(from->edges).text);
}

static void class_of(struct buf *out, const char *title, const char *reason, uint64_t spans)
{
    if (spans != 0)
        (void)buf_printf(out, ", %s %s%s%s", human_count(spans).text, title,
                         reason != NULL ? " " : "", reason != NULL ? reason : "");
}

/* Every span in its class; what is zero is left out. */
static void foot(struct tree *tree)
{
    const struct accounting *spans = &tree->graph->snapshot->accounting;
    struct buf *out = tree->out;

    (void)buf_printf(out, "\n%s spans: %s paired", human_count(spans->received).text,
                     human_count(spans->paired).text);
    class_of(out, "internal", NULL, spans->internal);
    class_of(out, "waiting", NULL, spans->waiting);
    class_of(out, "duplicate", NULL, spans->duplicate);
    for (int i = 0; i < UNPAIRED_REASON_COUNT; i++)
        class_of(out, "unpaired", unpaired_reason_name((enum unpaired_reason)i),
                 spans->unpaired[i]);
    for (int i = 0; i < DROPPED_REASON_COUNT; i++)
        class_of(out, "dropped", dropped_reason_name((enum dropped_reason)i), spans->dropped[i]);
    for (int i = 0; i < REJECTED_REASON_COUNT; i++)
        class_of(out, "rejected", rejected_reason_name((enum rejected_reason)i),
                 spans->rejected[i]);
    (void)buf_append_byte(out, '\n');
}

static void write(struct tree *tree, bool *called)
{
    const struct map_graph *graph = tree->graph;

    for (size_t i = graph->edges_count; i-- > 0;) {
        tree->first[graph->edges[i].client] = i;
        if (graph->edges[i].client != graph->edges[i].server)
            called[graph->edges[i].server] = true;
    }
    head(tree);
    /* The user's calls first: they are where requests come from. */
    for (uint32_t i = 0; i < graph->nodes_count; i++)
        if (!called[i] && graph->nodes[i].from->node.type == NODE_USER)
            walk(tree, i);
    for (uint32_t i = 0; i < graph->nodes_count; i++)
        if (!called[i] && !tree->shown[i])
            walk(tree, i);
    for (uint32_t i = 0; i < graph->nodes_count; i++)
        if (!tree->shown[i])
            walk(tree, i);
    hidden(tree);
    foot(tree);
}

static int render(const struct export_input *input, char out_error[256], struct buf *out)
{
    struct map_graph graph;
    struct tree tree = {.graph = &graph, .out = out, .figure = input->options.figure};
    size_t size_before = out->size;
    bool *called;
    int status = map_graph_init(input, NULL, out_error, &graph);

    if (status != 0)
        return status;
    tree.tells_groups = input->options.cluster.size != 0 &&
                        !view_equal(input->options.cluster, VIEW("namespace"));
    buf_init(&tree.line, 0);
    tree.first = mem_calloc(graph.nodes_count, sizeof(*tree.first));
    tree.shown = mem_calloc(graph.nodes_count, sizeof(*tree.shown));
    tree.stack = mem_calloc(graph.nodes_count, sizeof(*tree.stack));
    called = mem_calloc(graph.nodes_count, sizeof(*called));
    status = STATUS_NOMEM;
    if (tree.first != NULL && tree.shown != NULL && tree.stack != NULL && called != NULL) {
        for (size_t i = 0; i < graph.nodes_count; i++)
            tree.first[i] = graph.edges_count; /* It calls nobody. */
        write(&tree, called);
        status = out->failed;
    }
    mem_free(tree.first);
    mem_free(tree.shown);
    mem_free(tree.stack);
    mem_free(called);
    buf_release(&tree.line);
    map_graph_release(&graph);
    if (status == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, status, "the text is not written: %s", status_text(status));
}

const struct exporter exporter_text = {
    .name = "text",
    .doc = "the map as a tree for a terminal",
    .content_type = "text/plain; charset=utf-8",
    .in_map = true,
    .render = render,
};
