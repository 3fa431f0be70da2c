/* map_text.c: the same words in every picture. */
#include "exporters/map_text.h"

#include "exporters/escape.h"
#include "exporters/map_change.h"

enum { NAME_IN_TOOLTIP = 200 };

void map_text_name(const struct map_node *node, size_t characters, struct buf *out)
{
    if (node->from->overflow)
        (void)buf_append_text(out, "(overflow)");
    else if (node->from->node.name.size == 0)
        (void)buf_append_text(out, "(no name)");
    else
        (void)escape_cut(out, node->from->node.name, characters);
}

struct human map_text_rate(const struct map_graph *graph, uint64_t requests)
{
    double rate = map_graph_rate(graph, requests);

    return rate >= 0 ? human_rate(rate) : human_weight(requests);
}

struct human map_text_quantile(const struct histogram *seconds, double q)
{
    return human_seconds(seconds != NULL && seconds->count != 0 ? histogram_quantile(seconds, q)
                                                                : -1);
}

const struct histogram *map_text_seconds(const struct map_edge *edge)
{
    return edge->from->client_seconds != NULL ? edge->from->client_seconds
                                              : edge->from->server_seconds;
}

static void traffic(const struct map_graph *graph, uint64_t requests, uint64_t failed,
                    struct buf *out)
{
    double rate = map_graph_rate(graph, requests);

    (void)buf_printf(out, "\n%s requests", human_weight(requests).text);
    if (rate >= 0)
        (void)buf_printf(out, ", %s", human_rate(rate).text);
    (void)buf_printf(out, "\n%s failed", human_weight(failed).text);
    if (failed != 0)
        (void)buf_printf(out, ", %s", human_share(failed, requests).text);
}

static void seconds(const char *title, const struct histogram *histogram, struct buf *out)
{
    if (histogram == NULL || histogram->count == 0)
        return;
    (void)buf_printf(
        out, "\n%s: p50 %s, p95 %s, p99 %s, max %s", title, map_text_quantile(histogram, 0.5).text,
        map_text_quantile(histogram, 0.95).text, map_text_quantile(histogram, 0.99).text,
        human_seconds((double)histogram->max_ns / (double)NS_PER_S).text);
}

static void full_name(const struct map_node *node, struct buf *out)
{
    if (node->from->node.namespace.size != 0) {
        (void)escape_cut(out, node->from->node.namespace, NAME_IN_TOOLTIP);
        (void)buf_append_byte(out, '/');
    }
    map_text_name(node, NAME_IN_TOOLTIP, out);
}

void map_text_change(const struct map_edge *edge, struct buf *out)
{
    const struct snapshot_edge *before = edge->before != NULL ? edge->before->from : NULL;
    const char *comma = "";

    if ((edge->change & (CHANGE_NEW | CHANGE_GONE)) != 0)
        (void)buf_append_text(out, map_change_style(edge->change)->word);
    if ((edge->change & CHANGE_FAILING) != 0) {
        (void)buf_printf(out, "errors were %s", human_share(before->failed, before->requests).text);
        comma = ", ";
    }
    if ((edge->change & CHANGE_SLOWER) != 0) {
        struct change_seconds seconds = map_change_seconds(edge);
        /* What stands beside it need not be of the side that both maps have seen. */
        bool is_shown = seconds.now == map_text_seconds(edge);
        (void)buf_printf(out, is_shown ? "%sp95 was %s" : "%sserver's p95 was %s", comma,
                         map_text_quantile(seconds.before, 0.95).text);
    }
}

static void counted(uint64_t count, const char *one, const char *many, struct buf *out)
{
    (void)buf_printf(out, "%s %s", human_count(count).text, count == 1 ? one : many);
}

void map_text_stands(const struct map_node *node, struct buf *out)
{
    const struct map_stands *stands = &node->stands;

    counted(stands->services, "service", "services", out);
    if (stands->nodes != stands->services) {
        (void)buf_append_text(out, ", ");
        counted(stands->nodes - stands->services, "other node", "other nodes", out);
    }
    (void)buf_append_text(out, ", ");
    counted(stands->edges, "edge", "edges", out);
}

void map_text_node(const struct map_graph *graph, const struct map_node *node, struct buf *out)
{
    graph = map_change_side(graph, node->change);
    full_name(node, out);
    (void)buf_printf(out, " (%s)", map_node_type(node));
    if (node->change != 0)
        (void)buf_printf(out, "\n%s", map_change_style(node->change)->legend);
    if (node->from->node.type == NODE_USER)
        return; /* Nobody calls the user. */
    if (node->kind == MAP_PLAIN && graph->tells_groups && node->group.size != 0) {
        (void)buf_append_text(out, "\nin ");
        (void)escape_cut(out, node->group, NAME_IN_TOOLTIP);
    }
    if (node->kind != MAP_PLAIN) {
        (void)buf_append_text(out, "\nstands for ");
        map_text_stands(node, out);
        (void)buf_printf(out, "\n%s requests on these edges, %s of them between its own",
                         human_weight(node->stands.requests).text,
                         human_weight(node->stands.inner_requests).text);
    }
    traffic(graph, node->requests, node->failed, out);
    seconds("server", node->seconds, out);
}

void map_text_edge(const struct map_graph *graph, const struct map_edge *edge, struct buf *out)
{
    const char *type = connection_type_name(edge->from->connection_type);

    full_name(&graph->nodes[edge->client], out);
    (void)buf_append_text(out, " \xE2\x86\x92 ");
    full_name(&graph->nodes[edge->server], out);
    if (type[0] != '\0')
        (void)buf_printf(out, " (%s)", type);
    if (edge->change != 0) {
        (void)buf_append_byte(out, '\n');
        map_text_change(edge, out);
    }
    traffic(map_change_side(graph, edge->change), edge->from->requests, edge->from->failed, out);
    seconds("client", edge->from->client_seconds, out);
    seconds("server", edge->from->server_seconds, out);
    seconds("network", edge->from->network_seconds, out);
    seconds("in the queue", edge->from->messaging_seconds, out);
}
