/* json.c: written straight into the buffer; the shape is fixed, so no tree is built. */
#include "exporters/json.h"

#include <inttypes.h>

#include "base/clock.h"
#include "exporters/escape.h"
#include "exporters/map_change.h"
#include "exporters/map_figure.h"
#include "exporters/map_graph.h"
#include "exporters/number.h"
#include "version.h"

/* Appends below drop their status: a failure sticks to the buffer, and render() looks once. */

void json_append_text(struct buf *out, struct view value)
{
    (void)buf_append_byte(out, '"');
    (void)escape_json(out, value);
    (void)buf_append_byte(out, '"');
}

static void key(struct buf *out, const char *name)
{
    (void)buf_append_byte(out, '"');
    (void)buf_append_text(out, name);
    (void)buf_append_text(out, "\": ");
}

static void count(struct buf *out, const char *name, uint64_t value, const char *after)
{
    key(out, name);
    (void)buf_append_u64(out, value);
    (void)buf_append_text(out, after);
}

static void figures(struct buf *out, uint64_t requests, uint64_t failed)
{
    (void)buf_append_text(out, "\"requests\": ");
    (void)number_append_weight(out, requests);
    (void)buf_append_text(out, ", \"failed\": ");
    (void)number_append_weight(out, failed);
}

/* `before` is all that stands in front, as it is written. */
static inline void number(struct buf *out, const char *before, double value)
{
    (void)buf_append_text(out, before);
    (void)number_append_double(out, value);
}

void json_append_seconds(struct buf *out, const char *name, const struct histogram *histogram)
{
    (void)buf_append_text(out, ", ");
    key(out, name);
    if (histogram == NULL || histogram->count == 0) {
        (void)buf_append_text(out, "null");
        return;
    }
    (void)buf_append_text(out, "{\"count\": ");
    (void)number_append_weight(out, histogram->count);
    number(out, ", \"sum\": ", histogram_sum_seconds(histogram));
    number(out, ", \"p50\": ", histogram_quantile(histogram, 0.5));
    number(out, ", \"p95\": ", histogram_quantile(histogram, 0.95));
    number(out, ", \"p99\": ", histogram_quantile(histogram, 0.99));
    number(out, ", \"max\": ", (double)histogram->max_ns / (double)NS_PER_S);
    (void)buf_append_byte(out, '}');
}

/* How many a second, in a window. */
static void rate(struct buf *out, const struct map_graph *graph, uint64_t requests)
{
    if (graph->snapshot->is_window)
        number(out, ", \"requests_per_second\": ", map_graph_rate(graph, requests));
}

/* What is different from the map before, as a list of words. */
static void change(struct buf *out, unsigned bits)
{
    bool is_first = true;

    (void)buf_append_text(out, ", ");
    key(out, "change");
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < CHANGE_COUNT; i++) {
        if ((bits & map_change_styles[i].change) == 0)
            continue;
        (void)buf_printf(out, "%s\"%s\"", is_first ? "" : ", ", map_change_styles[i].word);
        is_first = false;
    }
    (void)buf_append_byte(out, ']');
}

/* What a node that is no single one hides, and what no edge shows. */
static void stands_for(struct buf *out, const struct map_stands *stands)
{
    (void)buf_append_text(out, ", \"stands_for\": {");
    count(out, "nodes", stands->nodes, ", ");
    count(out, "services", stands->services, ", ");
    count(out, "edges", stands->edges, ", ");
    figures(out, stands->requests, stands->failed);
    (void)buf_append_text(out, ", \"inner\": {");
    count(out, "edges", stands->inner_edges, ", ");
    figures(out, stands->inner_requests, stands->inner_failed);
    (void)buf_append_text(out, "}}");
}

static void node(struct buf *out, const struct map_graph *graph, const struct map_node *map_node)
{
    const struct node *from = &map_node->from->node;
    bool is_gone = (map_node->change & CHANGE_GONE) != 0;

    (void)buf_append_text(out, "{\"id\": ");
    json_append_text(out, map_node->id);
    (void)buf_append_text(out, ", \"type\": ");
    json_append_text(out, view_of(map_node_type(map_node)));
    (void)buf_append_text(out, ", \"namespace\": ");
    json_append_text(out, from->namespace);
    (void)buf_append_text(out, ", \"name\": ");
    json_append_text(out, from->name);
    if (graph->tells_groups) {
        (void)buf_append_text(out, ", \"group\": ");
        json_append_text(out, map_node->group);
    }
    if (map_node->kind != MAP_PLAIN)
        stands_for(out, &map_node->stands);
    (void)buf_append_text(out, ", ");
    figures(out, is_gone ? 0 : map_node->requests, is_gone ? 0 : map_node->failed);
    json_append_seconds(out, "seconds", is_gone ? NULL : map_node->seconds);
    (void)buf_append_text(out, ", ");
    count(out, "parent_missing", is_gone ? 0 : map_node->parent_missing, "");
    rate(out, graph, is_gone ? 0 : map_node->requests);
    if (graph->past != NULL) {
        const struct map_node *before = map_node->before;
        change(out, map_node->change);
        (void)buf_append_text(out, ", \"before\": ");
        (void)buf_append_text(out, before != NULL ? "{" : "null");
        if (before != NULL) {
            figures(out, before->requests, before->failed);
            json_append_seconds(out, "seconds", before->seconds);
            rate(out, graph->past, before->requests);
            (void)buf_append_byte(out, '}');
        }
    }
    (void)buf_append_byte(out, '}');
}

static void edge_figures(struct buf *out, const struct snapshot_edge *from)
{
    figures(out, from->requests, from->failed);
    json_append_seconds(out, "client_seconds", from->client_seconds);
    json_append_seconds(out, "server_seconds", from->server_seconds);
    json_append_seconds(out, "network_seconds", from->network_seconds);
    json_append_seconds(out, "messaging_seconds", from->messaging_seconds);
}

static void figure(struct buf *out, double value)
{
    key(out, "figure");
    if (value < 0)
        (void)buf_append_text(out, "null");
    else
        (void)number_append_double(out, value);
    (void)buf_append_text(out, ", ");
}

static void edge(struct buf *out, const struct map_graph *graph, const struct map_edge *map_edge)
{
    static const struct snapshot_edge nothing;
    const struct snapshot_edge *from = map_edge->from;
    bool is_gone = (map_edge->change & CHANGE_GONE) != 0;

    (void)buf_append_text(out, "{\"client\": ");
    json_append_text(out, graph->nodes[map_edge->client].id);
    (void)buf_append_text(out, ", \"server\": ");
    json_append_text(out, graph->nodes[map_edge->server].id);
    (void)buf_append_text(out, ", \"connection_type\": ");
    json_append_text(out, view_of(connection_type_name(from->connection_type)));
    (void)buf_append_text(out, ", ");
    if (map_edge->parts != 0)
        count(out, "stands_for", map_edge->parts, ", ");
    if (graph->figure != FIGURE_ALL)
        figure(out, map_figure_value(graph, map_edge, graph->figure));
    edge_figures(out, is_gone ? &nothing : from);
    rate(out, graph, is_gone ? 0 : from->requests);
    if (graph->past != NULL) {
        const struct map_edge *before = map_edge->before;
        change(out, map_edge->change);
        (void)buf_append_text(out, ", \"before\": ");
        (void)buf_append_text(out, before != NULL ? "{" : "null");
        if (before != NULL) {
            edge_figures(out, before->from);
            rate(out, graph->past, before->from->requests);
            (void)buf_append_byte(out, '}');
        }
    }
    (void)buf_append_byte(out, '}');
}

/* An element on a line of its own, whatever the list. */
static void next_line(struct buf *out, size_t index)
{
    (void)buf_append_text(out, index == 0 ? "\n  " : ",\n  ");
}

static void nodes(struct buf *out, const struct map_graph *graph)
{
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < graph->nodes_count; i++) {
        next_line(out, i);
        node(out, graph, &graph->nodes[i]);
    }
    (void)buf_append_byte(out, ']');
}

static void edges(struct buf *out, const struct map_graph *graph)
{
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < graph->edges_count; i++) {
        next_line(out, i);
        edge(out, graph, &graph->edges[i]);
    }
    (void)buf_append_byte(out, ']');
}

/* Nanoseconds are a text: a double of JavaScript's would not hold them. */
static void moment(struct buf *out, const char *name, struct wall_time time, bool seen)
{
    key(out, name);
    if (seen)
        (void)buf_printf(out, "\"%" PRIu64 "\"", time.ns);
    else
        (void)buf_append_text(out, "null");
}

static void window(struct buf *out, const struct map_graph *graph)
{
    bool seen = graph->end.ns != 0;

    (void)buf_append_byte(out, '{');
    moment(out, "start_unix_nano", graph->start, seen);
    (void)buf_append_text(out, ", ");
    moment(out, "end_unix_nano", graph->end, seen);
    (void)buf_append_byte(out, '}');
}

static void accounting(struct buf *out, const struct accounting *spans, bool is_window)
{
    const char *comma = ", ";

    (void)buf_append_byte(out, '{');
    count(out, "received", spans->received, comma);
    if (is_window)
        count(out, "waited", spans->waited, comma);
    count(out, "internal", spans->internal, comma);
    count(out, "paired", spans->paired, comma);
    count(out, "waiting", spans->waiting, comma);
    count(out, "duplicate", spans->duplicate, ",\n  ");
    (void)buf_append_text(out, "\"unpaired\": {");
    for (int i = 0; i < UNPAIRED_REASON_COUNT; i++)
        count(out, unpaired_reason_name((enum unpaired_reason)i), spans->unpaired[i],
              i + 1 < UNPAIRED_REASON_COUNT ? comma : "},\n  ");
    (void)buf_append_text(out, "\"dropped\": {");
    for (int i = 0; i < DROPPED_REASON_COUNT; i++)
        count(out, dropped_reason_name((enum dropped_reason)i), spans->dropped[i],
              i + 1 < DROPPED_REASON_COUNT ? comma : "},\n  ");
    (void)buf_append_text(out, "\"rejected\": {");
    for (int i = 0; i < REJECTED_REASON_COUNT; i++)
        count(out, rejected_reason_name((enum rejected_reason)i), spans->rejected[i],
              i + 1 < REJECTED_REASON_COUNT ? comma : "}}");
}

/* Of span links, beside the accounting of spans. */
static void links(struct buf *out, const struct link_accounting *from, bool is_window)
{
    const char *comma = ", ";

    (void)buf_append_byte(out, '{');
    count(out, "received", from->links, comma);
    if (is_window)
        count(out, "waited", from->waited, comma);
    count(out, "paired", from->paired, comma);
    count(out, "waiting", from->waiting, comma);
    count(out, "missing", from->missing, comma);
    count(out, "dropped", from->dropped, "}");
}

/* What min-rate left out. */
static void hidden(struct buf *out, const struct map_hidden *from)
{
    (void)buf_append_text(out, ",\n \"hidden\": {");
    count(out, "nodes", from->nodes, ", ");
    count(out, "edges", from->edges, ", ");
    figures(out, from->requests, from->failed);
    (void)buf_append_byte(out, '}');
}

static void map(struct buf *out, const struct map_graph *graph)
{
    (void)buf_append_text(out, "{\"spanmap\": \"" SPANMAP_VERSION "\",\n \"window\": ");
    window(out, graph);
    if (graph->past != NULL) {
        (void)buf_append_text(out, ",\n \"before\": {\"window\": ");
        window(out, graph->past);
        (void)buf_append_byte(out, '}');
    }
    if (graph->figure != FIGURE_ALL)
        (void)buf_printf(out, ",\n \"figure\": {\"name\": \"%s\", \"unit\": \"%s\"}",
                         map_figure_name(graph->figure), map_figure_unit(graph->figure));
    (void)buf_append_text(out, ",\n \"nodes\": ");
    nodes(out, graph);
    (void)buf_append_text(out, ",\n \"edges\": ");
    edges(out, graph);
    if (graph->hidden.nodes + graph->hidden.edges != 0)
        hidden(out, &graph->hidden);
    (void)buf_append_text(out, ",\n \"accounting\": ");
    accounting(out, &graph->snapshot->accounting, graph->snapshot->is_window);
    (void)buf_append_text(out, ",\n \"links\": ");
    links(out, &graph->snapshot->links, graph->snapshot->is_window);
    (void)buf_append_byte(out, '}');
}

static int render_part(const struct export_input *input, char out_error[256],
                       void (*part)(struct buf *out, const struct map_graph *graph),
                       struct buf *out)
{
    size_t size_before = out->size;
    struct map_graph graph;
    int status = map_graph_init(input, NULL, out_error, &graph);

    if (status != 0)
        return status;
    part(out, &graph);
    (void)buf_append_byte(out, '\n');
    map_graph_release(&graph);
    status = out->failed;
    if (status != 0) {
        out->size = size_before;
        return export_fail(out_error, status, "the JSON is not written: %s", status_text(status));
    }
    return 0;
}

int json_render_services(const struct export_input *input, char out_error[256], struct buf *out)
{
    return render_part(input, out_error, nodes, out);
}

int json_render_edges(const struct export_input *input, char out_error[256], struct buf *out)
{
    return render_part(input, out_error, edges, out);
}

static int render(const struct export_input *input, char out_error[256], struct buf *out)
{
    return render_part(input, out_error, map, out);
}

const struct exporter exporter_json = {
    .name = "json",
    .doc = "the map, its figures and the accounting of all spans",
    .content_type = "application/json",
    .in_map = true,
    .render = render,
};
