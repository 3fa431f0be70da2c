/* subject.c: a node stands before an edge, of which both ends are wanted. */
#include "exporters/subject.h"

#include "exporters/map_graph.h"
#include "exporters/node_find.h"

static int find_type(struct view name, char out_error[256], struct subject *subject)
{
    subject->any_type = name.data == NULL;
    if (subject->any_type)
        return 0;
    for (int i = 0; i < CONNECTION_TYPE_COUNT; i++)
        if (view_equal(view_of(connection_type_name((enum connection_type)i)), name)) {
            subject->type = (enum connection_type)i;
            return 0;
        }
    return export_fail(out_error, STATUS_INVALID,
                       "'connection_type' is empty, database, messaging_system or virtual_node");
}

static int find_edge(const struct snapshot *snapshot, const struct export_subject *asked,
                     char out_error[256], struct subject *subject)
{
    int status;

    if (asked->client.size == 0 && asked->server.size == 0)
        return export_fail(
            out_error, STATUS_INVALID,
            "say of what: 'node', or 'client' and 'server', each the id of a node as "
            "the map has it");
    status = node_find(snapshot, "client", asked->client, out_error, &subject->client);
    if (status == 0)
        status = node_find(snapshot, "server", asked->server, out_error, &subject->server);
    return status == 0 ? find_type(asked->connection_type, out_error, subject) : status;
}

int subject_find(const struct snapshot *snapshot, const struct export_subject *asked,
                 char out_error[256], struct subject *out_subject)
{
    struct subject subject = {.is_edge = asked->node.size == 0, .any_type = true};
    int status = subject.is_edge
                     ? find_edge(snapshot, asked, out_error, &subject)
                     : node_find(snapshot, "node", asked->node, out_error, &subject.server);

    if (status == 0)
        *out_subject = subject;
    return status;
}
