/* node_find.c: each node's id is written and compared; nobody asks often. */
#include "exporters/node_find.h"

#include "base/buf.h"
#include "exporters/escape.h"
#include "exporters/map_graph.h"

enum { ID_IN_ERROR = 64 };

static bool is_node(const struct node *node, struct view id, struct buf *scratch)
{
    buf_reset(scratch);
    (void)buf_append_text(scratch, node_type_name(node->type)); /* Failures stick. */
    (void)buf_append_byte(scratch, '/');
    (void)escape_none(scratch, node->namespace);
    (void)buf_append_byte(scratch, '/');
    (void)escape_none(scratch, node->name);
    return scratch->failed == 0 && view_equal(buf_view(scratch), id);
}

int node_find(const struct snapshot *snapshot, const char *parameter, struct view id,
              char out_error[256], uint32_t *out_node)
{
    struct buf text;
    int status = STATUS_NOT_FOUND;

    if (id.size == 0)
        return export_fail(out_error, STATUS_INVALID,
                           "'%s' is the id of a node, as the map has it: service/NAMESPACE/NAME",
                           parameter);
    buf_init(&text, 0);
    for (size_t i = 0; status != 0 && i < snapshot->nodes_count; i++) {
        if (!is_node(&snapshot->nodes[i].node, id, &text))
            continue;
        *out_node = (uint32_t)i;
        status = 0;
    }
    if (status != 0 && text.failed != 0)
        status = export_fail(out_error, text.failed, "%s", status_text(text.failed));
    if (status == STATUS_NOT_FOUND) {
        buf_reset(&text);
        (void)escape_cut(&text, id, ID_IN_ERROR); /* Without memory the id stays away. */
        (void)export_fail(out_error, 0, "no node has the id '%.*s'", (int)text.size,
                          text.size != 0 ? text.data : "");
    }
    buf_release(&text);
    return status;
}
