/* dot.c: nodes by their frames, then edges, then the legend as the graph's own label.
 *
 * Literals are dot_writer.c's. Cost: linear in what is drawn.
 */
#include "exporters/dot.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exporters/dot_priv.h"
#include "exporters/escape.h"
#include "exporters/human.h"
#include "exporters/map_change.h"
#include "exporters/map_figure.h"
#include "exporters/map_graph.h"
#include "exporters/map_groups.h"
#include "exporters/map_style.h"
#include "exporters/map_text.h"
#include "exporters/map_top.h"

enum {
    NODES_MAX = 300,       /* More than that is no picture. */
    EDGES_MAX = 700,       /* dot needs a second for as many. */
    EDGE_LABELS_MAX = 150, /* Labels make dot's ranks twice as many. */
    STRETCH_NODES = 25,    /* From here on a map is taller than a screen. */
    NAME_CHARACTERS = 34,
    NAME_POINTS = 12,
    FIGURE_POINTS = 9,
    LONE_ROWS_PER_COLUMN_TENTHS = 14, /* A node is wider than it is high. */
    DOT_BYTES_MAX = 1 << 20,          /* Of one text: a tooltip or a label. */
};

/* Figures side by side, in a table that keeps its width where its cell is wider. */
static void figures(struct drawing *drawing, const struct human *texts, size_t count,
                    const bool *bold)
{
    struct writing writings[3];
    unsigned width = 0;

    for (size_t i = 0; i < count; i++) {
        writings[i] = (struct writing){FIGURE_POINTS, bold[i], bold[i] ? STYLE_INK : STYLE_FAINT};
        width += dot_cell_width(&writings[i], view_of(texts[i].text));
    }
    (void)buf_printf(drawing->out,
                     "<TD><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" "
                     "FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"><TR>",
                     width, dot_cell_height(&writings[0]));
    for (size_t i = 0; i < count; i++)
        dot_cell(drawing, &writings[i], view_of(texts[i].text));
    (void)buf_append_text(drawing->out, "</TR></TABLE></TD>");
}

/* Rate, share of errors where there are some, p95; or the one that was asked for. */
static void node_figures(struct drawing *drawing, const struct map_node *node)
{
    const struct map_graph *graph = &drawing->graph;
    struct human texts[3];
    bool bold[3] = {false, false, false};
    size_t count = 0;

    if (map_figure_of_nodes(drawing->figure)) {
        texts[count++] = map_figure_node_text(graph, node, drawing->figure);
    } else {
        texts[count++] = map_text_rate(map_change_side(graph, node->change), node->requests);
        if (node->failed != 0) {
            bold[count] = true;
            texts[count++] = human_share(node->failed, node->requests);
        }
        if (node->seconds != NULL)
            texts[count++] = map_text_quantile(node->seconds, 0.95);
    }
    figures(drawing, texts, count, bold);
}

static void edge_figures(struct drawing *drawing, const struct map_edge *edge)
{
    static const bool bold[3] = {true, true, true};
    struct human texts[3];
    size_t count = 0;

    texts[count++] = map_figure_text(&drawing->graph, edge, drawing->figure);
    if (drawing->figure == FIGURE_ALL && edge->from->failed != 0)
        texts[count++] = human_share(edge->from->failed, edge->from->requests);
    figures(drawing, texts, count, bold);
}

static void node_label(struct drawing *drawing, const struct map_node *node)
{
    static const struct writing name = {NAME_POINTS, true, STYLE_INK};
    static const struct writing stands = {FIGURE_POINTS, false, STYLE_INK};

    map_text_name(node, NAME_CHARACTERS, dot_anew(drawing, &drawing->text));
    (void)buf_append_text(drawing->out, "<" DOT_TABLE_BEGIN "<TR>");
    dot_cell(drawing, &name, buf_view(&drawing->text));
    (void)buf_append_text(drawing->out, "</TR>");
    if (node->kind != MAP_PLAIN) {
        (void)buf_append_text(drawing->out, "<TR>");
        map_text_stands(node, dot_anew(drawing, &drawing->text));
        dot_cell(drawing, &stands, buf_view(&drawing->text));
        (void)buf_append_text(drawing->out, "</TR>");
    }
    if (node->requests != 0) {
        (void)buf_append_text(drawing->out, "<TR>");
        node_figures(drawing, node);
        (void)buf_append_text(drawing->out, "</TR>");
    }
    (void)buf_append_text(drawing->out, "</TABLE>>");
}

/* A second class, where two maps are compared. */
static const char *change_class(const struct drawing *drawing, unsigned change)
{
    static const char *const classes[CHANGE_COUNT + 1] = {" new", " gone", " failing", " slower",
                                                          " same"};

    return drawing->graph.past != NULL ? classes[map_change_style(change) - map_change_styles] : "";
}

/* What is gone is dashed; a type's own dashes are as good. */
static const char *node_style(const struct type_style *style, unsigned change)
{
    if ((change & CHANGE_GONE) == 0)
        return style->style;
    return strstr(style->style, "rounded") != NULL ? "rounded,filled,dashed" : "filled,dashed";
}

static void node(struct drawing *drawing, uint32_t index)
{
    const struct map_node *map_node = &drawing->graph.nodes[index];
    const struct type_style *style = map_node_style(map_node);
    struct buf *out = drawing->out;

    (void)buf_append_text(out, "    ");
    dot_node_name(drawing, index);
    (void)buf_append_text(out, " [label=");
    node_label(drawing, map_node);
    (void)buf_printf(out, ", shape=%s, style=\"%s\", fillcolor=\"", style->shape,
                     node_style(style, map_node->change));
    map_theme_append(drawing->theme, style->fillcolor, out);
    (void)buf_printf(out, "\", color=\"%s\", class=\"%s%s\"",
                     dot_colour(drawing, map_node->change != 0
                                             ? map_change_style(map_node->change)->colour
                                             : style->stroke),
                     map_node_type(map_node), change_class(drawing, map_node->change));
    if (map_node->change != 0)
        (void)buf_append_text(out, ", penwidth=3");
    if (style->margin != NULL)
        (void)buf_printf(out, ", margin=\"%s\"", style->margin);
    (void)buf_append_text(out, ", id=\"node:");
    dot_encoded(out, map_node->id);
    (void)buf_append_text(out, "\", tooltip=");
    map_text_node(&drawing->graph, map_node, dot_anew(drawing, &drawing->text));
    dot_tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(out, "];\n");
}

/* Two lines: rate and error share, p95; or one, with what was asked for. And some air above the line. */
static void edge_label(struct drawing *drawing, const struct map_edge *edge)
{
    static const struct writing last = {FIGURE_POINTS, false, STYLE_FAINT};
    static const struct writing change = {FIGURE_POINTS, true, STYLE_INK};

    (void)buf_append_text(drawing->out, ", label=<" DOT_TABLE_BEGIN "<TR>");
    edge_figures(drawing, edge);
    if (drawing->figure == FIGURE_ALL) {
        (void)buf_append_text(drawing->out, "</TR><TR>");
        dot_cell(drawing, &last, view_of(map_text_quantile(map_text_seconds(edge), 0.95).text));
    }
    if (edge->change != 0) {
        (void)buf_append_text(drawing->out, "</TR><TR>");
        map_text_change(edge, dot_anew(drawing, &drawing->text));
        dot_cell(drawing, &change, buf_view(&drawing->text));
    }
    (void)buf_append_text(drawing->out,
                          "</TR><TR><TD FIXEDSIZE=\"TRUE\" WIDTH=\"4\" HEIGHT=\"4\"></TD></TR>"
                          "</TABLE>>");
}

/* Colour, width and dashes; and its classes. */
static void edge_line(struct drawing *drawing, const struct map_edge *edge)
{
    const struct map_graph *graph = &drawing->graph;
    const struct snapshot_edge *from = edge->from;
    unsigned width = map_figure_width(graph, edge, drawing->figure, drawing->requests_max);

    if (!drawing->labels)
        width = (width + 10) / 2; /* So many edges would be a carpet. */
    (void)buf_printf(drawing->out, " [color=\"%s\", penwidth=%u.%u, class=\"%s%s\"",
                     dot_colour(drawing, map_figure_colour(graph, edge, drawing->figure)),
                     width / 10, width % 10,
                     map_alarm_style(map_alarm_of(from->failed, from->requests))->name,
                     change_class(drawing, edge->change));
    if ((edge->change & CHANGE_GONE) != 0)
        (void)buf_append_text(drawing->out, ", style=dotted");
    else if (from->connection_type == CONNECTION_MESSAGING)
        (void)buf_append_text(drawing->out, ", style=dashed");
}

static void edge(struct drawing *drawing, const struct map_edge *map_edge)
{
    struct buf *out = drawing->out;

    (void)buf_append_text(out, "  ");
    dot_node_name(drawing, map_edge->client);
    (void)buf_append_text(out, " -> ");
    dot_node_name(drawing, map_edge->server);
    edge_line(drawing, map_edge);
    if (drawing->labels)
        edge_label(drawing, map_edge);
    (void)buf_append_text(out, ", id=\"edge:");
    dot_encoded(out, drawing->graph.nodes[map_edge->client].id);
    (void)buf_append_byte(out, '|');
    dot_encoded(out, drawing->graph.nodes[map_edge->server].id);
    (void)buf_printf(out, "|%s\", tooltip=", connection_type_name(map_edge->from->connection_type));
    map_text_edge(&drawing->graph, map_edge, dot_anew(drawing, &drawing->text));
    dot_tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(out, drawing->labels ? ", labeltooltip=" : "];\n");
    if (!drawing->labels)
        return;
    dot_tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(out, "];\n");
}

static void begin_cluster(struct drawing *drawing, struct view frame, size_t number)
{
    (void)buf_printf(drawing->out, "  subgraph cluster_%zu {\n    label=<", number);
    (void)escape_cut(dot_anew(drawing, &drawing->text), frame, NAME_CHARACTERS);
    dot_html(drawing, buf_view(&drawing->text));
    (void)buf_append_text(drawing->out, ">; tooltip=");
    dot_tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(drawing->out, "; labelloc=t; fontsize=11;\n");
}

/* Nodes without a frame first, then a cluster for each. */
static int all_nodes(struct drawing *drawing)
{
    const struct map_graph *graph = &drawing->graph;
    struct view frame = {NULL, 0};
    size_t clusters = 0;
    uint32_t *order;
    int status = map_groups_order(graph, &order);

    if (status != 0)
        return status;
    for (size_t i = 0; i < graph->nodes_count; i++) {
        struct view own = map_groups_frame(&graph->nodes[order[i]]);
        if (!view_equal(own, frame)) {
            (void)buf_append_text(drawing->out, clusters != 0 ? "  }\n" : "");
            begin_cluster(drawing, own, ++clusters);
            frame = own;
        }
        node(drawing, order[i]);
    }
    (void)buf_append_text(drawing->out, clusters != 0 ? "  }\n" : "");
    mem_free(order);
    return 0;
}

static bool is_line(const struct drawing *drawing, const struct map_edge *edge)
{
    return drawing->others_lines || !map_edge_has_others(&drawing->graph, edge);
}

static void all_edges(struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->graph.edges_count; i++)
        if (is_line(drawing, &drawing->graph.edges[i]))
            edge(drawing, &drawing->graph.edges[i]);
}

/* dot would stack the nodes without edges in one column; unseen edges make rows of them, about as wide
 * as a screen is. */
static int lone_nodes(struct drawing *drawing)
{
    const struct map_graph *graph = &drawing->graph;
    uint32_t *lone = mem_calloc(graph->nodes_count, sizeof(*lone));
    size_t count = 0;
    size_t row = 1;

    if (lone == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < graph->edges_count; i++)
        if (is_line(drawing, &graph->edges[i]))
            lone[graph->edges[i].client] = lone[graph->edges[i].server] = 1;
    for (uint32_t i = 0; i < graph->nodes_count; i++)
        if (lone[i] == 0)
            lone[count++] = i; /* `count` is never above i. */
    while (row * row * LONE_ROWS_PER_COLUMN_TENTHS / 10 < count)
        row++;
    for (size_t i = 1; i < count; i++) {
        if (i % row == 0)
            continue;
        (void)buf_append_text(drawing->out, "  ");
        dot_node_name(drawing, lone[i - 1]);
        (void)buf_append_text(drawing->out, " -> ");
        dot_node_name(drawing, lone[i]);
        (void)buf_append_text(drawing->out, " [style=invis];\n");
    }
    mem_free(lone);
    return 0;
}

/* How close nodes and lines of a rank lie; and how hard dot tries. In a large map most of what a rank
 * holds are lines on their way to others: at the distance of nodes they make it several times as high,
 * and its names as small. There half of the passes find as few crossings (within a thousandth, mostly
 * the same), a wider search takes fewer steps to the same places, and a bound on the steps ends what
 * could go on for seconds: hubs are a little less in the middle then. */
static void spaces(struct drawing *drawing)
{
    (void)buf_append_text(drawing->out,
                          drawing->labels
                              ? "  nodesep=0.35;\n"
                              : "  nodesep=0.12; mclimit=0.5; searchsize=100; nslimit=20;\n");
}

static int write(struct drawing *drawing)
{
    int status;

    map_theme_append(
        drawing->theme,
        "digraph spanmap {\n"
        "  graph [rankdir=LR, newrank=true, ranksep=0.6, pad=0.2, "
        "bgcolor=\"" STYLE_PAPER "\", fontname=\"Helvetica,Arial,sans-serif\", "
        "fontcolor=\"" STYLE_FAINT "\", labelloc=b, labeljust=l, outputorder=edgesfirst, "
        "style=\"rounded,filled\", color=\"" STYLE_FRAME "\", fillcolor=\"" STYLE_SHADE "\"];\n"
        "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=12, fontcolor=\"" STYLE_INK
        "\", margin=\"0.1,0.06\", height=0.5, width=1.2, penwidth=1.5];\n"
        "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=9, fontcolor=\"" STYLE_INK
        "\", arrowsize=0.7];\n",
        drawing->out);
    spaces(drawing);
    /* A screen is wide: ranks move apart, so that lines run flat and names beside each other have
     * room. Nothing is drawn larger by this. Graphviz' own `ratio` would also pull a map that is
     * wide already apart in height, so the helper sets it where it is needed. */
    if (drawing->graph.nodes_count >= STRETCH_NODES)
        (void)buf_append_text(drawing->out, "  spanmap_height_max=0.6;\n");
    status = all_nodes(drawing);
    if (status != 0)
        return status;
    all_edges(drawing);
    status = lone_nodes(drawing);
    if (status != 0)
        return status;
    dot_legend(drawing);
    (void)buf_append_text(drawing->out, "}\n");
    (void)dot_anew(drawing, &drawing->text);
    (void)dot_anew(drawing, &drawing->plain);
    return drawing->out->failed != 0 ? drawing->out->failed : drawing->status;
}

/* What depends on how large the map is. */
static void measure(struct drawing *drawing)
{
    const struct map_graph *graph = &drawing->graph;
    size_t to_others = map_top_to_others(graph);

    drawing->others_lines = to_others <= MAP_OTHERS_LINES_MAX;
    drawing->lines_count = graph->edges_count - (drawing->others_lines ? 0 : to_others);
    drawing->labels = drawing->lines_count <= EDGE_LABELS_MAX;
    drawing->legend_points = graph->nodes_count <= 30 ? 10 : graph->nodes_count <= 100 ? 16 : 24;
    for (size_t i = 0; i < graph->edges_count; i++)
        if (is_line(drawing, &graph->edges[i]) &&
            graph->edges[i].from->requests > drawing->requests_max)
            drawing->requests_max = graph->edges[i].from->requests;
}

int dot_render(const struct export_input *input, char out_error[256], struct buf *out)
{
    static const struct map_limits limits = {NODES_MAX, EDGES_MAX};
    struct drawing drawing = {
        .out = out, .figure = input->options.figure, .theme = input->options.theme};
    size_t size_before = out->size;
    int status = map_graph_init(input, &limits, out_error, &drawing.graph);

    if (status != 0)
        return status;
    buf_init(&drawing.text, DOT_BYTES_MAX);
    buf_init(&drawing.plain, DOT_BYTES_MAX);
    measure(&drawing);
    status = write(&drawing);
    map_graph_release(&drawing.graph);
    buf_release(&drawing.text);
    buf_release(&drawing.plain);
    if (status == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, status, "the map is not drawn: %s", status_text(status));
}

const struct exporter exporter_dot = {
    .name = "dot",
    .doc = "the map in Graphviz's language",
    .content_type = "text/vnd.graphviz; charset=utf-8",
    .in_map = true,
    .render = dot_render,
};
