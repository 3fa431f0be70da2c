/* dot_legend.c: what colours mean, how much is on the map, and what is not. */
#include "exporters/dot_priv.h"

#include "exporters/human.h"
#include "exporters/map_change.h"
#include "exporters/map_figure.h"
#include "exporters/map_style.h"

enum { LEGEND_CELLS_MAX = NODE_TYPE_COUNT + MAP_OTHERS + ALARM_COUNT + CHANGE_COUNT + 2 };

/* One colour, or one kind of line, and its word. */
struct legend_cell {
    const char *fill; /* NULL: a line. */
    const char *stroke;
    const char *word;
    const char *line; /* How it is drawn. */
};

static size_t type_cells(const struct map_graph *graph, struct legend_cell *cells)
{
    bool seen[NODE_TYPE_COUNT] = {false};
    bool seen_kinds[MAP_OTHERS + 1] = {false};
    size_t count = 0;

    for (size_t i = 0; i < graph->nodes_count; i++) {
        seen_kinds[graph->nodes[i].kind] = true;
        if (graph->nodes[i].kind == MAP_PLAIN)
            seen[graph->nodes[i].from->node.type] = true;
    }
    for (int i = 0; i < NODE_TYPE_COUNT; i++) {
        const struct type_style *style = map_type_style((enum node_type)i);
        if (seen[i])
            cells[count++] = (struct legend_cell){style->fill, style->stroke, style->legend, ""};
    }
    for (enum map_kind kind = MAP_GROUP; kind <= MAP_OTHERS; kind++) {
        const struct type_style *style = map_node_style(&(struct map_node){.kind = kind});
        if (seen_kinds[kind])
            cells[count++] = (struct legend_cell){style->fill, style->stroke, style->legend, ""};
    }
    return count;
}

static size_t legend_cells(const struct drawing *drawing,
                           struct legend_cell cells[LEGEND_CELLS_MAX])
{
    const struct map_graph *graph = &drawing->graph;
    size_t count = type_cells(graph, cells);
    bool has_messages = false;

    for (size_t i = 0; graph->past != NULL && i <= CHANGE_COUNT; i++) {
        const struct change_style *style = &map_change_styles[i];
        bool is_gone = style->change == CHANGE_GONE;
        cells[count++] = (struct legend_cell){is_gone ? NULL : style->colour, style->colour,
                                              style->legend, "DOTTED"};
    }
    for (unsigned i = 0; graph->past == NULL && i < FIGURE_LEVELS; i++) {
        struct figure_level level = map_figure_level(drawing->figure, i);
        cells[count++] = (struct legend_cell){level.colour, level.colour, level.legend, ""};
    }
    for (size_t i = 0; i < graph->edges_count; i++)
        has_messages = has_messages ||
                       graph->edges[i].from->connection_type == CONNECTION_MESSAGING;
    if (has_messages)
        cells[count++] = (struct legend_cell){NULL, STYLE_FAINT, "messages", "DASHED"};
    return count;
}

/* A colour in a box, or a line. */
static void legend_swatch(struct drawing *drawing, const struct legend_cell *cell, unsigned width,
                          unsigned height)
{
    const char *stroke = dot_colour(drawing, cell->stroke);

    if (cell->fill != NULL)
        (void)buf_printf(drawing->out,
                         "<TD BGCOLOR=\"%s\" BORDER=\"1\" COLOR=\"%s\" FIXEDSIZE=\"TRUE\" "
                         "WIDTH=\"%u\" HEIGHT=\"%u\"></TD>",
                         dot_colour(drawing, cell->fill), stroke, width, height);
    else
        (void)buf_printf(drawing->out,
                         "<TD BORDER=\"2\" SIDES=\"B\" STYLE=\"%s\" COLOR=\"%s\" "
                         "FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"></TD>",
                         cell->line, stroke, 2 * width, height / 2);
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
        width += (cells[i].fill != NULL ? 1 : 2) * swatch + 2 * gap +
                 dot_cell_width(&writing, view_of(cells[i].word));
    (void)buf_printf(
        drawing->out,
        "<TR><TD ALIGN=\"LEFT\"><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"%u\" "
        "CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"><TR>",
        gap, width, dot_cell_height(&writing) + 2 * gap);
    for (size_t i = 0; i < count; i++) {
        legend_swatch(drawing, &cells[i], swatch, writing.points);
        (void)buf_printf(drawing->out,
                         "<TD FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\" ALIGN=\"LEFT\">%s</TD>",
                         dot_cell_width(&writing, view_of(cells[i].word)),
                         dot_cell_height(&writing), cells[i].word);
    }
    (void)buf_append_text(drawing->out, "</TR></TABLE></TD></TR>");
}

/* Nodes and edges as the map has them, whatever stands for several. */
static void legend_counts(struct drawing *drawing)
{
    const struct map_graph *graph = &drawing->graph;
    const struct map_node *others = NULL;
    unsigned height = drawing->legend_points * 3 / 2;
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
        "<TR><TD ALIGN=\"LEFT\" HEIGHT=\"%u\">  %s nodes, %s edges, wider where %s. Figures: "
        "%s.</TD></TR>",
        height, human_count(nodes).text, human_count(edges).text,
        drawing->figure == FIGURE_ALL || drawing->figure == FIGURE_RATE ? "busier" : "it is more",
        map_figure_legend(drawing->figure));
    if (others != NULL)
        (void)buf_printf(
            drawing->out,
            "<TR><TD ALIGN=\"LEFT\" HEIGHT=\"%u\">  <B>Of these, the least busy are the node "
            "\xE2\x80\x9Cothers\xE2\x80\x9D: %s nodes, %s edges. A focus shows "
            "them.</B></TD></TR>",
            height, human_count(others->stands.nodes).text, human_count(others->stands.edges).text);
    if (graph->hidden.edges != 0)
        (void)buf_printf(
            drawing->out,
            "<TR><TD ALIGN=\"LEFT\" HEIGHT=\"%u\">  <B>Hidden, below the least rate asked for: %s "
            "nodes, %s edges.</B></TD></TR>",
            height, human_count(graph->hidden.nodes).text, human_count(graph->hidden.edges).text);
}

/* Colours, and below them what is on the map and what is not. */
void dot_legend(struct drawing *drawing)
{
    (void)buf_printf(drawing->out, "  fontsize=%u; label=<" DOT_TABLE_BEGIN,
                     drawing->legend_points);
    legend_colours(drawing);
    legend_counts(drawing);
    (void)buf_append_text(drawing->out, "</TABLE>>;\n");
}
