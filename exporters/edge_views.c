/* edge_views.c: the two pictures of an edge stand side by side in a snapshot. */
#include "exporters/edge_views.h"

static bool is_service(const struct snapshot *snapshot, uint32_t node)
{
    return snapshot->nodes[node].node.type == NODE_SERVICE;
}

bool edge_is_shown(const struct snapshot *snapshot, size_t i, enum export_messaging messaging)
{
    enum edge_view view = snapshot->edges[i].view;

    switch (messaging) {
    case MESSAGES_DIRECT:
        return !edge_view_is_broker(view);
    case MESSAGES_BROKER:
        return !edge_view_is_direct(view);
    case MESSAGES_BOTH:
        break;
    }
    return view == VIEW_BOTH || view == VIEW_DIRECT || view == VIEW_BROKER;
}

bool edge_is_figure(const struct snapshot *snapshot, size_t i, enum export_messaging messaging)
{
    const struct snapshot_edge *edge = &snapshot->edges[i];

    if (messaging == MESSAGES_BOTH && is_service(snapshot, edge->server) && !edge->overflow)
        return !edge_view_is_broker(edge->view);
    return edge_is_shown(snapshot, i, messaging);
}
