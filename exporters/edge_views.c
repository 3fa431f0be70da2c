/* edge_views.c: the two pictures of an edge stand side by side in a snapshot. */
#include "exporters/edge_views.h"

static bool has_direct(const struct snapshot *snapshot, size_t i)
{
    const struct snapshot_edge *edge = &snapshot->edges[i];
    const struct snapshot_edge *before = i != 0 ? &snapshot->edges[i - 1] : NULL;

    return before != NULL && before->client == edge->client && before->server == edge->server &&
           before->connection_type == edge->connection_type &&
           before->values_overflow == edge->values_overflow &&
           view_equal(before->client_dimensions, edge->client_dimensions) &&
           view_equal(before->server_dimensions, edge->server_dimensions) &&
           before->view == VIEW_DIRECT;
}

static bool is_service(const struct snapshot *snapshot, uint32_t node)
{
    return snapshot->nodes[node].node.type == NODE_SERVICE;
}

static bool touches_destination(const struct snapshot *snapshot, const struct snapshot_edge *edge)
{
    return snapshot->nodes[edge->client].node.type == NODE_MESSAGING ||
           snapshot->nodes[edge->server].node.type == NODE_MESSAGING;
}

/* A message that is no message in the direct picture, where nobody took it (E10). */
static bool is_elsewhere(const struct snapshot_edge *edge)
{
    return edge->connection_type != CONNECTION_MESSAGING && !edge->overflow;
}

bool edge_is_shown(const struct snapshot *snapshot, size_t i, enum export_messaging messaging)
{
    const struct snapshot_edge *edge = &snapshot->edges[i];

    if (edge->view == VIEW_BOTH)
        return true;
    switch (messaging) {
    case MESSAGES_DIRECT:
        return edge->view == VIEW_DIRECT;
    case MESSAGES_BROKER:
        return edge->view == VIEW_BROKER;
    case MESSAGES_BOTH:
        break;
    }
    if (touches_destination(snapshot, edge) || is_elsewhere(edge))
        return edge->view == VIEW_BROKER;
    return edge->view == VIEW_DIRECT || !has_direct(snapshot, i);
}

bool edge_is_figure(const struct snapshot *snapshot, size_t i, enum export_messaging messaging)
{
    const struct snapshot_edge *edge = &snapshot->edges[i];

    if (messaging == MESSAGES_BOTH && is_service(snapshot, edge->server) && !edge->overflow)
        return edge->view != VIEW_BROKER;
    return edge_is_shown(snapshot, i, messaging);
}
