/* mermaid.c: nodes are n1, n2 ...; names stand in quotes, every character that is not a letter, a digit
 * or plainly harmless as an entity (which Mermaid writes #35;), since its labels are Markdown and
 * HTML at once.
 */
#include "exporters/mermaid.h"

#include <string.h>

#include "base/utf8.h"
#include "exporters/escape.h"
#include "exporters/human.h"
#include "exporters/map_change.h"
#include "exporters/map_graph.h"
#include "exporters/map_pick.h"
#include "exporters/map_style.h"
#include "exporters/map_text.h"

enum { NAME_CHARACTERS = 40 };

/* Mermaid itself refuses more than 500 edges or 50,000 characters. */
static const struct map_pick_limits limits = {.nodes_max = 150, .edges_max = 280};

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
    struct map_pick pick;
    struct buf *out;
    struct buf text; /* A name, before it is escaped. */
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

static void node(struct chart *chart, size_t index)
{
    const struct map_node *map_node = &chart->graph.nodes[index];
    enum node_type type = map_node->from->node.type;

    buf_reset(&chart->text);
    if (map_node->from->node.namespace.size != 0) {
        (void)escape_cut(&chart->text, map_node->from->node.namespace, NAME_CHARACTERS);
        (void)buf_append_byte(&chart->text, '/');
    }
    map_text_name(map_node, NAME_CHARACTERS, &chart->text);
    (void)buf_printf(chart->out, "  n%zu%s", index + 1, shapes[type].begin);
    escaped(chart, buf_view(&chart->text));
    (void)buf_printf(chart->out, "%s:::%s\n", shapes[type].end, node_type_name(type));
    if (chart->out->failed == 0)
        chart->out->failed = chart->text.failed;
}

static void edge(struct chart *chart, const struct map_edge *map_edge)
{
    const struct snapshot_edge *from = map_edge->from;
    bool messaging = from->connection_type == CONNECTION_MESSAGING;

    (void)buf_printf(chart->out, "  n%u %s|\"", map_edge->client + 1, messaging ? "-.->" : "-->");
    escaped(
        chart,
        view_of(
            map_text_rate(map_change_side(&chart->graph, map_edge->change), from->requests).text));
    if (from->failed != 0) {
        (void)buf_append_byte(chart->out, ' ');
        escaped(chart, view_of(human_share(from->failed, from->requests).text));
    }
    (void)buf_append_byte(chart->out, ' ');
    escaped(chart, view_of(map_text_quantile(map_text_seconds(map_edge), 0.95).text));
    if (map_edge->change != 0) {
        buf_reset(&chart->text);
        map_text_change(map_edge, &chart->text);
        (void)buf_append_text(chart->out, ", ");
        escaped(chart, buf_view(&chart->text));
    }
    (void)buf_printf(chart->out, "\"| n%u\n", map_edge->server + 1);
}

static const char *colour_of(const struct chart *chart, const struct map_edge *edge)
{
    if (chart->graph.past != NULL)
        return map_change_style(edge->change)->colour;
    return map_alarm_style(map_alarm_of(edge->from->failed, edge->from->requests))->colour;
}

static void styles(struct chart *chart)
{
    uint64_t requests_max = 0;
    size_t number = 0;

    for (int i = 0; i < NODE_TYPE_COUNT; i++) {
        const struct type_style *style = map_type_style((enum node_type)i);
        (void)buf_printf(chart->out, "  classDef %s fill:%s,stroke:%s,color:" STYLE_INK "%s\n",
                         node_type_name((enum node_type)i), style->fill, style->stroke,
                         i == NODE_EXTERNAL ? ",stroke-dasharray:5 2" : "");
    }
    for (size_t i = 0; i < chart->graph.edges_count; i++)
        if (chart->graph.edges[i].from->requests > requests_max)
            requests_max = chart->graph.edges[i].from->requests;
    for (size_t i = 0; i < chart->graph.edges_count; i++) {
        const struct snapshot_edge *from = chart->graph.edges[i].from;
        unsigned width = map_width_tenths(&chart->graph, from->requests, requests_max);
        if (chart->pick.edges[i])
            (void)buf_printf(chart->out, "  linkStyle %zu stroke:%s,stroke-width:%u.%upx\n",
                             number++, colour_of(chart, &chart->graph.edges[i]), width / 10,
                             width % 10);
    }
}

static void write(struct chart *chart)
{
    size_t nodes_left = chart->graph.nodes_count - chart->pick.nodes_count;
    size_t edges_left = chart->graph.edges_count - chart->pick.edges_count;

    (void)buf_append_text(chart->out, "flowchart LR\n");
    if (nodes_left + edges_left != 0)
        (void)buf_printf(chart->out, "  %%%% not drawn, the least busy: %zu nodes, %zu edges\n",
                         nodes_left, edges_left);
    for (size_t i = 0; i < chart->graph.nodes_count; i++)
        if (chart->pick.nodes[i])
            node(chart, i);
    for (size_t i = 0; i < chart->graph.edges_count; i++)
        if (chart->pick.edges[i])
            edge(chart, &chart->graph.edges[i]);
    styles(chart);
}

static int render(const struct export_input *input, char out_error[256], struct buf *out)
{
    struct chart chart = {.out = out};
    size_t size_before = out->size;
    int status = map_graph_init(input, out_error, &chart.graph);

    if (status != 0)
        return status;
    buf_init(&chart.text, 0);
    status = map_pick_init(&chart.graph, &limits, &chart.pick);
    if (status == 0) {
        write(&chart);
        status = out->failed;
    }
    map_pick_release(&chart.pick);
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
