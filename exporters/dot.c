/* dot.c: nodes by namespace, then edges, then the legend as the graph's own label.
 *
 * Two kinds of literal stand in the text. In quotes, a name is made plain, its quotes and
 * backslashes escaped and its `&` written as an entity, since Graphviz reads \N and &entities; in
 * all texts it shows. In HTML labels it is made plain, escaped as XML, and its backslashes doubled.
 * Cost: linear in what is picked.
 */
#include "exporters/dot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "exporters/escape.h"
#include "exporters/human.h"
#include "exporters/map_change.h"
#include "exporters/map_graph.h"
#include "exporters/map_groups.h"
#include "exporters/map_style.h"
#include "exporters/map_text.h"
#include "exporters/map_top.h"
#include "exporters/text_width.h"

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

struct drawing {
    struct map_graph graph;
    struct buf text;  /* What is being said, before it is escaped. */
    struct buf plain; /* Half escaped. */
    struct buf *out;
    uint64_t requests_max; /* Of a line. */
    size_t lines_count;
    unsigned legend_points; /* More where the picture is large. */
    bool labels;            /* Edges have theirs. */
    bool others_lines;      /* Those of the others are drawn. */
    int status;             /* The first failure of `text` or `plain`. */
};

/* Empties one of the two, so that its next text can be said. */
static struct buf *anew(struct drawing *drawing, struct buf *text)
{
    if (drawing->status == 0)
        drawing->status = text->failed;
    buf_reset(text);
    return text;
}

/* "...", newlines kept as Graphviz writes them. `backslash` is what stands for one. */
static void quoted_as(struct drawing *drawing, struct view text, const char *backslash)
{
    struct view rest = text;
    struct buf *out = drawing->out;

    (void)buf_append_byte(out, '"');
    while (rest.size != 0) {
        bool valid;
        struct view before = rest;
        uint32_t character = utf8_take(&rest, &valid);
        if (character == '"')
            (void)buf_append_text(out, "\\\"");
        else if (character == '\\')
            (void)buf_append_text(out, backslash);
        else if (character == '&')
            (void)buf_append_text(out, "&amp;");
        else if (character == '\n')
            (void)buf_append_text(out, "\\n");
        else
            (void)escape_plain(out, (struct view){before.data, before.size - rest.size});
    }
    (void)buf_append_byte(out, '"');
}

/* A name is taken as it is; a tooltip's escapes are read twice (Graphviz 2.42). */
static void quoted(struct drawing *drawing, struct view name)
{
    quoted_as(drawing, name, "\\\\");
}

static void tooltip(struct drawing *drawing, struct view text)
{
    quoted_as(drawing, text, "\\\\\\\\");
}

/* A plain text inside of <...>. A lone `]` is a syntax error to Graphviz. */
static void html(struct drawing *drawing, struct view text)
{
    const struct buf *plain = anew(drawing, &drawing->plain);

    (void)escape_xml(&drawing->plain, text); /* Failures stick, and write() looks at them. */
    for (size_t i = 0; i < plain->size; i++) {
        if (plain->data[i] == '\\')
            (void)buf_append_text(drawing->out, "\\\\");
        else if (plain->data[i] == ']')
            (void)buf_append_text(drawing->out, "&#93;");
        else
            (void)buf_append_byte(drawing->out, plain->data[i]);
    }
}

/* An id, as dot.h writes it. */
static void encoded(struct buf *out, struct view id)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < id.size; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr("-._~/", byte) != NULL))
            (void)buf_append_byte(out, (char)byte);
        else
            (void)buf_append(out, escaped, sizeof(escaped));
    }
}

/* The name of a node in the text: its id, which two hostile nodes may share. */
static void name_of_node(struct drawing *drawing, uint32_t index)
{
    const struct map_node *node = &drawing->graph.nodes[index];
    struct buf *text = anew(drawing, &drawing->text);
    size_t twins = 0;

    while (index > twins && view_equal(node[-1 - (ptrdiff_t)twins].id, node->id))
        twins++;
    (void)buf_append_view(text, node->id);
    if (twins != 0)
        (void)buf_printf(text, " (%zu)", twins + 1);
    quoted(drawing, buf_view(text));
}

#define TABLE_BEGIN "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"

/* How a text is written, and how many points wide its cell is at least. */
struct writing {
    unsigned points;
    bool bold;
    const char *colour;
};

/* Wide enough for the widest of common fonts: the browser's need not be the one that was measured.
 * In steps, so that changing figures seldom move the map. */
static unsigned cell_width(const struct writing *writing, struct view text)
{
    const double slack = writing->bold ? 1.3 : 1.18;
    const unsigned step = 6;

    return ((unsigned)(text_width(text, writing->points) * slack) + 3 + step) / step * step;
}

static unsigned cell_height(const struct writing *writing)
{
    return writing->points * 5 / 4 + 1; /* Lines are 1.2 times their letters. */
}

/* A cell with a text in its middle. */
static void cell(struct drawing *drawing, const struct writing *writing, struct view text)
{
    struct buf *out = drawing->out;

    (void)buf_printf(out,
                     "<TD FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"><FONT POINT-SIZE=\"%u\" "
                     "COLOR=\"%s\">%s",
                     cell_width(writing, text), cell_height(writing), writing->points,
                     writing->colour, writing->bold ? "<B>" : "");
    html(drawing, text);
    (void)buf_append_text(out, writing->bold ? "</B></FONT></TD>" : "</FONT></TD>");
}

/* Figures side by side, in a table that keeps its width where its cell is wider. */
static void figures(struct drawing *drawing, bool bold, struct human rate, uint64_t failed,
                    uint64_t requests, const struct histogram *seconds)
{
    enum map_alarm alarm = map_alarm_of(failed, requests);
    const struct writing first = {FIGURE_POINTS, bold, bold ? STYLE_INK : STYLE_FAINT};
    const struct writing middle = {FIGURE_POINTS, true, map_alarm_style(alarm)->colour};
    const struct writing last = {FIGURE_POINTS, false, STYLE_FAINT};
    struct human share = human_share(failed, requests);
    struct human p95 = map_text_quantile(seconds, 0.95);
    unsigned width = cell_width(&first, view_of(rate.text));

    if (alarm != ALARM_NONE)
        width += cell_width(&middle, view_of(share.text));
    if (seconds != NULL)
        width += cell_width(&last, view_of(p95.text));
    (void)buf_printf(drawing->out,
                     "<TD><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" "
                     "FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"><TR>",
                     width, cell_height(&first));
    cell(drawing, &first, view_of(rate.text));
    if (alarm != ALARM_NONE)
        cell(drawing, &middle, view_of(share.text));
    if (seconds != NULL)
        cell(drawing, &last, view_of(p95.text));
    (void)buf_append_text(drawing->out, "</TR></TABLE></TD>");
}

static void node_label(struct drawing *drawing, const struct map_node *node)
{
    static const struct writing name = {NAME_POINTS, true, STYLE_INK};
    static const struct writing stands = {FIGURE_POINTS, false, STYLE_INK};

    map_text_name(node, NAME_CHARACTERS, anew(drawing, &drawing->text));
    (void)buf_append_text(drawing->out, "<" TABLE_BEGIN "<TR>");
    cell(drawing, &name, buf_view(&drawing->text));
    (void)buf_append_text(drawing->out, "</TR>");
    if (node->kind != MAP_PLAIN) {
        (void)buf_append_text(drawing->out, "<TR>");
        map_text_stands(node, anew(drawing, &drawing->text));
        cell(drawing, &stands, buf_view(&drawing->text));
        (void)buf_append_text(drawing->out, "</TR>");
    }
    if (node->requests != 0) {
        (void)buf_append_text(drawing->out, "<TR>");
        figures(drawing, false,
                map_text_rate(map_change_side(&drawing->graph, node->change), node->requests),
                node->failed, node->requests, node->seconds);
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
    name_of_node(drawing, index);
    (void)buf_append_text(out, " [label=");
    node_label(drawing, map_node);
    (void)buf_printf(out,
                     ", shape=%s, style=\"%s\", fillcolor=\"%s\", color=\"%s\", "
                     "class=\"%s%s\"",
                     style->shape, node_style(style, map_node->change), style->fillcolor,
                     map_node->change != 0 ? map_change_style(map_node->change)->colour
                                           : style->stroke,
                     map_node_type(map_node), change_class(drawing, map_node->change));
    if (map_node->change != 0)
        (void)buf_append_text(out, ", penwidth=3");
    if (style->margin != NULL)
        (void)buf_printf(out, ", margin=\"%s\"", style->margin);
    (void)buf_append_text(out, ", id=\"node:");
    encoded(out, map_node->id);
    (void)buf_append_text(out, "\", tooltip=");
    map_text_node(&drawing->graph, map_node, anew(drawing, &drawing->text));
    tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(out, "];\n");
}

/* Two lines: rate and error share, p95; and some air above the line. */
static void edge_label(struct drawing *drawing, const struct map_edge *edge)
{
    static const struct writing last = {FIGURE_POINTS, false, STYLE_FAINT};
    const struct snapshot_edge *from = edge->from;

    (void)buf_append_text(drawing->out, ", label=<" TABLE_BEGIN "<TR>");
    figures(drawing, true,
            map_text_rate(map_change_side(&drawing->graph, edge->change), from->requests),
            from->failed, from->requests, NULL);
    (void)buf_append_text(drawing->out, "</TR><TR>");
    cell(drawing, &last, view_of(map_text_quantile(map_text_seconds(edge), 0.95).text));
    if (edge->change != 0) {
        const struct writing change = {FIGURE_POINTS, true, map_change_style(edge->change)->colour};
        (void)buf_append_text(drawing->out, "</TR><TR>");
        map_text_change(edge, anew(drawing, &drawing->text));
        cell(drawing, &change, buf_view(&drawing->text));
    }
    (void)buf_append_text(drawing->out,
                          "</TR><TR><TD FIXEDSIZE=\"TRUE\" WIDTH=\"4\" HEIGHT=\"4\"></TD></TR>"
                          "</TABLE>>");
}

static void edge(struct drawing *drawing, const struct map_edge *map_edge)
{
    const struct snapshot_edge *from = map_edge->from;
    const struct alarm_style *alarm = map_alarm_style(map_alarm_of(from->failed, from->requests));
    unsigned width = map_width_tenths(&drawing->graph, from->requests, drawing->requests_max);
    struct buf *out = drawing->out;

    if (!drawing->labels)
        width = (width + 10) / 2; /* So many edges would be a carpet. */
    (void)buf_append_text(out, "  ");
    name_of_node(drawing, map_edge->client);
    (void)buf_append_text(out, " -> ");
    name_of_node(drawing, map_edge->server);
    (void)buf_printf(out, " [color=\"%s\", penwidth=%u.%u, class=\"%s%s\"",
                     drawing->graph.past != NULL ? map_change_style(map_edge->change)->colour
                                                 : alarm->colour,
                     width / 10, width % 10, alarm->name, change_class(drawing, map_edge->change));
    if ((map_edge->change & CHANGE_GONE) != 0)
        (void)buf_append_text(out, ", style=dotted");
    else if (from->connection_type == CONNECTION_MESSAGING)
        (void)buf_append_text(out, ", style=dashed");
    if (drawing->labels)
        edge_label(drawing, map_edge);
    (void)buf_append_text(out, ", id=\"edge:");
    encoded(out, drawing->graph.nodes[map_edge->client].id);
    (void)buf_append_byte(out, '|');
    encoded(out, drawing->graph.nodes[map_edge->server].id);
    (void)buf_printf(out, "|%s\", tooltip=", connection_type_name(from->connection_type));
    map_text_edge(&drawing->graph, map_edge, anew(drawing, &drawing->text));
    tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(out, drawing->labels ? ", labeltooltip=" : "];\n");
    if (!drawing->labels)
        return;
    tooltip(drawing, buf_view(&drawing->text));
    (void)buf_append_text(out, "];\n");
}

static void begin_cluster(struct drawing *drawing, struct view frame, size_t number)
{
    (void)buf_printf(drawing->out, "  subgraph cluster_%zu {\n    label=<", number);
    (void)escape_cut(anew(drawing, &drawing->text), frame, NAME_CHARACTERS);
    html(drawing, buf_view(&drawing->text));
    (void)buf_append_text(drawing->out, ">; tooltip=");
    tooltip(drawing, buf_view(&drawing->text));
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
        name_of_node(drawing, lone[i - 1]);
        (void)buf_append_text(drawing->out, " -> ");
        name_of_node(drawing, lone[i]);
        (void)buf_append_text(drawing->out, " [style=invis];\n");
    }
    mem_free(lone);
    return 0;
}

enum { LEGEND_CELLS_MAX = NODE_TYPE_COUNT + ALARM_COUNT + CHANGE_COUNT + 1 };

/* One colour and its word. */
struct legend_cell {
    const char *fill;
    const char *stroke;
    const char *word;
};

static size_t legend_cells(const struct drawing *drawing,
                           struct legend_cell cells[LEGEND_CELLS_MAX])
{
    bool seen[NODE_TYPE_COUNT] = {false};
    size_t count = 0;

    for (size_t i = 0; i < drawing->graph.nodes_count; i++)
        if (drawing->graph.nodes[i].kind == MAP_PLAIN)
            seen[drawing->graph.nodes[i].from->node.type] = true;
    for (int i = 0; i < NODE_TYPE_COUNT; i++) {
        const struct type_style *style = map_type_style((enum node_type)i);
        if (seen[i])
            cells[count++] = (struct legend_cell){style->fill, style->stroke, style->legend};
    }
    for (size_t i = 0; drawing->graph.past != NULL && i <= CHANGE_COUNT; i++) {
        const struct change_style *style = &map_change_styles[i];
        cells[count++] = (struct legend_cell){style->colour, style->colour, style->legend};
    }
    for (int i = 0; drawing->graph.past == NULL && i < ALARM_COUNT; i++) {
        const struct alarm_style *style = map_alarm_style((enum map_alarm)i);
        cells[count++] = (struct legend_cell){style->colour, style->colour, style->legend};
    }
    return count;
}

/* A table of its own and of a fixed width, or the line below would draw it apart. */
static void legend_colours(struct drawing *drawing)
{
    const struct writing writing = {drawing->legend_points, false, STYLE_FAINT};
    struct legend_cell cells[LEGEND_CELLS_MAX];
    size_t count = legend_cells(drawing, cells);
    unsigned swatch = writing.points * 7 / 5;
    unsigned gap = writing.points / 2;
    unsigned width = gap;

    for (size_t i = 0; i < count; i++)
        width += swatch + 2 * gap + cell_width(&writing, view_of(cells[i].word));
    (void)buf_printf(
        drawing->out,
        "<TR><TD ALIGN=\"LEFT\"><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"%u\" "
        "CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"><TR>",
        gap, width, cell_height(&writing) + 2 * gap);
    for (size_t i = 0; i < count; i++) {
        (void)buf_printf(drawing->out,
                         "<TD BGCOLOR=\"%s\" BORDER=\"1\" COLOR=\"%s\" FIXEDSIZE=\"TRUE\" "
                         "WIDTH=\"%u\" HEIGHT=\"%u\"></TD><TD FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" "
                         "HEIGHT=\"%u\" ALIGN=\"LEFT\">%s</TD>",
                         cells[i].fill, cells[i].stroke, swatch, writing.points,
                         cell_width(&writing, view_of(cells[i].word)), cell_height(&writing),
                         cells[i].word);
    }
    (void)buf_append_text(drawing->out, "</TR></TABLE></TD></TR>");
}

/* Nodes and edges as the map has them, whatever stands for several. */
static void legend_counts(struct drawing *drawing)
{
    const struct map_graph *graph = &drawing->graph;
    const struct map_node *others = NULL;
    uint64_t nodes = 0;
    uint64_t edges = 0;

    for (size_t i = 0; i < graph->nodes_count; i++) {
        const struct map_node *node = &graph->nodes[i];
        nodes += node->kind == MAP_PLAIN ? 1 : node->stands.nodes;
        edges += node->stands.inner_edges;
        if (node->kind == MAP_OTHERS)
            others = node;
    }
    for (size_t i = 0; i < graph->edges_count; i++)
        edges += graph->edges[i].parts != 0 ? graph->edges[i].parts : 1;
    (void)buf_printf(
        drawing->out,
        "<TR><TD ALIGN=\"LEFT\">  %s nodes, %s edges, wider where busier. Figures: rate, "
        "share of errors, p95.</TD></TR>",
        human_count(nodes).text, human_count(edges).text);
    if (others != NULL)
        (void)buf_printf(drawing->out,
                         "<TR><TD ALIGN=\"LEFT\">  <B>Of these, the least busy are the node "
                         "\xE2\x80\x9Cothers\xE2\x80\x9D: %s nodes, %s edges. A focus shows "
                         "them.</B></TD></TR>",
                         human_count(others->stands.nodes).text,
                         human_count(others->stands.edges).text);
    if (graph->hidden.edges != 0)
        (void)buf_printf(drawing->out,
                         "<TR><TD ALIGN=\"LEFT\">  <B>Hidden, below the least rate asked for: %s "
                         "nodes, %s edges.</B></TD></TR>",
                         human_count(graph->hidden.nodes).text,
                         human_count(graph->hidden.edges).text);
}

/* Colours, and below them what is on the map and what is not. */
static void legend(struct drawing *drawing)
{
    (void)buf_printf(drawing->out, "  fontsize=%u; label=<" TABLE_BEGIN, drawing->legend_points);
    legend_colours(drawing);
    legend_counts(drawing);
    (void)buf_append_text(drawing->out, "</TABLE>>;\n");
}

static int write(struct drawing *drawing)
{
    int status;

    (void)buf_append_text(
        drawing->out,
        "digraph spanmap {\n"
        "  graph [rankdir=LR, newrank=true, nodesep=0.35, ranksep=0.6, pad=0.2, "
        "bgcolor=\"" STYLE_PAPER "\", fontname=\"Helvetica,Arial,sans-serif\", "
        "fontcolor=\"" STYLE_FAINT "\", labelloc=b, labeljust=l, outputorder=edgesfirst, "
        "style=\"rounded,filled\", color=\"" STYLE_FRAME "\", fillcolor=\"" STYLE_SHADE "\"];\n"
        "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=12, fontcolor=\"" STYLE_INK
        "\", margin=\"0.1,0.06\", height=0.5, width=1.2, penwidth=1.5];\n"
        "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=9, fontcolor=\"" STYLE_INK
        "\", arrowsize=0.7];\n");
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
    legend(drawing);
    (void)buf_append_text(drawing->out, "}\n");
    (void)anew(drawing, &drawing->text);
    (void)anew(drawing, &drawing->plain);
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
    struct drawing drawing = {.out = out};
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
