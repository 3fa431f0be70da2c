/* mermaid.c: nodes are n1, n2 ...; names stand in quotes, every character that is not a letter, a digit
 * or plainly harmless as an entity (which Mermaid writes #35;), since its labels are Markdown and
 * HTML at once.
 */
#include "exporters/mermaid.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "exporters/escape.h"
#include "exporters/human.h"
#include "exporters/map_change.h"
#include "exporters/map_figure.h"
#include "exporters/map_graph.h"
#include "exporters/map_groups.h"
#include "exporters/map_style.h"
#include "exporters/map_text.h"
#include "exporters/map_top.h"

enum { NAME_CHARACTERS = 40 };

/* Mermaid itself refuses more than 500 edges or 50,000 characters. */
static const struct map_limits limits = {.nodes_max = 150, .edges_max = 280};

static const struct {
    const char *begin;
    const char *end;
} shapes[NODE_TYPE_COUNT] = {
    [NODE_SERVICE] = {"(\"", "\")"},     [NODE_DATABASE] = {"[(\"", "\")]"},
    [NODE_MESSAGING] = {"[[\"", "\"]]"}, [NODE_EXTERNAL] = {"[\"", "\"]"},
    [NODE_USER] = {"([\"", "\"])"},
};

struct chart {
    struct map_graph graph;
    struct buf *out;
    struct buf text; /* A name, before it is escaped. */
    enum map_figure figure;
    enum map_theme theme;
    bool others_lines; /* Those of the others are drawn. */
};

static void escaped(struct chart *chart, struct view text)
{
    uint32_t before = 0;

    for (uint32_t character; text.size != 0; before = character) {
        bool valid;
        character = utf8_take(&text, &valid);
        bool letter = (character >= 'a' && character <= 'z') ||
                      (character >= 'A' && character <= 'Z') ||
                      (character >= '0' && character <= '9');
        if (character == '%' && before == '%') /* Two begin a comment or a directive. */
            (void)buf_append_text(chart->out, "#37;");
        else if (letter ||
                 (character != 0 && character < 0x80 && strchr(" ./,:-%", (int)character)))
            (void)buf_append_byte(chart->out, (char)character); /* Failures stick, as above. */
        else
            (void)buf_printf(chart->out, "#%u;", (unsigned)character);
    }
}

/* The text that was made is put out; a failure to make it sticks. */
static void put_text(struct chart *chart)
{
    escaped(chart, buf_view(&chart->text));
    if (chart->out->failed == 0)
        chart->out->failed = chart->text.failed;
    buf_reset(&chart->text);
}

static void node(struct chart *chart, size_t index)
{
    const struct map_node *map_node = &chart->graph.nodes[index];
    enum node_type type = map_node->from->node.type;

    if (map_node->from->node.namespace.size != 0) {
        (void)escape_cut(&chart->text, map_node->from->node.namespace, NAME_CHARACTERS);
        (void)buf_append_byte(&chart->text, '/');
    }
    map_text_name(map_node, NAME_CHARACTERS, &chart->text);
    (void)buf_printf(chart->out, "  n%zu%s", index + 1, shapes[type].begin);
    if (map_node->kind != MAP_PLAIN) {
        (void)buf_append_text(&chart->text, ": ");
        map_text_stands(map_node, &chart->text);
    }
    put_text(chart);
    (void)buf_printf(chart->out, "%s:::%s\n", shapes[type].end, map_node_type(map_node));
}

/* Subgraphs where somebody asked for clusters; else a namespace stands in the name alone. */
static int all_nodes(struct chart *chart)
{
    const struct map_graph *graph = &chart->graph;
    struct view frame = {NULL, 0};
    size_t frames = 0;
    uint32_t *order;
    int status = map_groups_order(graph, &order);

    if (status != 0)
        return status;
    for (size_t i = 0; i < graph->nodes_count; i++) {
        struct view own = map_groups_frame(&graph->nodes[order[i]]);
        if (graph->tells_groups && !view_equal(own, frame)) {
            (void)buf_printf(chart->out, "%s  subgraph g%zu[\"", frames != 0 ? "  end\n" : "",
                             frames + 1);
            (void)escape_cut(&chart->text, own, NAME_CHARACTERS);
            put_text(chart);
            (void)buf_append_text(chart->out, "\"]\n");
            frame = own;
            frames++;
        }
        node(chart, order[i]);
    }
    (void)buf_append_text(chart->out, frames != 0 ? "  end\n" : "");
    mem_free(order);
    return 0;
}

static bool is_line(const struct chart *chart, const struct map_edge *edge)
{
    return chart->others_lines || !map_edge_has_others(&chart->graph, edge);
}

static void edge(struct chart *chart, const struct map_edge *map_edge)
{
    const struct snapshot_edge *from = map_edge->from;
    bool messaging = from->connection_type == CONNECTION_MESSAGING;

    (void)buf_printf(chart->out, "  n%u %s|\"", map_edge->client + 1, messaging ? "-.->" : "-->");
    escaped(chart, view_of(map_figure_text(&chart->graph, map_edge, chart->figure).text));
    if (chart->figure == FIGURE_ALL && from->failed != 0) {
        (void)buf_append_byte(chart->out, ' ');
        escaped(chart, view_of(human_share(from->failed, from->requests).text));
    }
    if (chart->figure == FIGURE_ALL) {
        (void)buf_append_byte(chart->out, ' ');
        escaped(chart, view_of(map_text_quantile(map_text_seconds(map_edge), 0.95).text));
    }
    if (map_edge->change != 0) {
        map_text_change(map_edge, &chart->text);
        (void)buf_append_text(chart->out, ", ");
        put_text(chart);
    }
    (void)buf_printf(chart->out, "\"| n%u\n", map_edge->server + 1);
}

static void class_of(struct chart *chart, const char *name, const struct type_style *style,
                     const char *more)
{
    (void)buf_printf(chart->out, "  classDef %s fill:%s,stroke:%s,color:%s%s\n", name,
                     map_theme_colour(chart->theme, style->fill),
                     map_theme_colour(chart->theme, style->stroke),
                     map_theme_colour(chart->theme, STYLE_INK), more);
}

static void styles(struct chart *chart)
{
    const struct map_graph *graph = &chart->graph;
    uint64_t requests_max = 0;
    size_t number = 0;

    for (int i = 0; i < NODE_TYPE_COUNT; i++)
        class_of(chart, node_type_name((enum node_type)i), map_type_style((enum node_type)i),
                 i == NODE_EXTERNAL ? ",stroke-dasharray:5 2" : "");
    for (enum map_kind kind = MAP_GROUP; kind <= MAP_OTHERS; kind++) {
        const struct map_node like = {.kind = kind};
        class_of(chart, map_node_type(&like), map_node_style(&like),
                 kind == MAP_OTHERS ? ",stroke-dasharray:2 3" : ",stroke-width:3px");
    }
    for (size_t i = 0; i < graph->edges_count; i++)
        if (is_line(chart, &graph->edges[i]) && graph->edges[i].from->requests > requests_max)
            requests_max = graph->edges[i].from->requests;
    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        unsigned width = map_figure_width(graph, edge, chart->figure, requests_max);
        if (is_line(chart, edge))
            (void)buf_printf(
                chart->out, "  linkStyle %zu stroke:%s,stroke-width:%u.%upx\n", number++,
                map_theme_colour(chart->theme, map_figure_colour(graph, edge, chart->figure)),
                width / 10, width % 10);
    }
}

static int write(struct chart *chart)
{
    int status;

    if (chart->theme == THEME_DARK)
        (void)buf_append_text(chart->out, "%%{init: {'theme': 'dark'}}%%\n");
    (void)buf_append_text(chart->out, "flowchart LR\n");
    status = all_nodes(chart);
    if (status != 0)
        return status;
    for (size_t i = 0; i < chart->graph.edges_count; i++)
        if (is_line(chart, &chart->graph.edges[i]))
            edge(chart, &chart->graph.edges[i]);
    styles(chart);
    return chart->out->failed;
}

static int render(const struct export_input *input, char out_error[256], struct buf *out)
{
    struct chart chart = {
        .out = out, .figure = input->options.figure, .theme = input->options.theme};
    size_t size_before = out->size;
    int status = map_graph_init(input, &limits, out_error, &chart.graph);

    if (status != 0)
        return status;
    buf_init(&chart.text, 0);
    chart.others_lines = map_top_to_others(&chart.graph) <= MAP_OTHERS_LINES_MAX;
    status = write(&chart);
    map_graph_release(&chart.graph);
    buf_release(&chart.text);
    if (status == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, status, "the chart is not written: %s", status_text(status));
}

const struct exporter exporter_mermaid = {
    .name = "mermaid",
    .doc = "the map as a flowchart for Markdown",
    .content_type = "text/plain; charset=utf-8",
    .in_map = true,
    .render = render,
};
