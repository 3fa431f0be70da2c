/* node_find.h: the node that somebody means by its id.
 * Is:         from `type/namespace/name`, as the map has it, to a snapshot's node.
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_NODE_FIND_H
#define SPANMAP_EXPORTERS_NODE_FIND_H

#include <stdint.h>

#include "base/status.h"
#include "base/view.h"
#include "topology/snapshot.h"

/* `parameter` is what the id was given as. On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID (no id was given); STATUS_NOT_FOUND (no such node); STATUS_NOMEM. */
MUST_USE int node_find(const struct snapshot *snapshot, const char *parameter, struct view id,
                       char out_error[256], uint32_t *out_node);

#endif
