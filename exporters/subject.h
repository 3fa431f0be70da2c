/* subject.h: the node or the edge that is asked about in particular.
 * Is:         from ids, as the map has them, to a snapshot's nodes.
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_SUBJECT_H
#define SPANMAP_EXPORTERS_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "exporters/exporter.h"
#include "topology/snapshot.h"

struct subject {
    bool is_edge;
    bool any_type; /* Of an edge; else `type` alone. */
    enum connection_type type;
    uint32_t client; /* Among the snapshot's nodes; 0 where it is no edge. */
    uint32_t server; /* Or the node. */
};

/* On failure out_error has one sentence. Returns: 0; STATUS_INVALID (nothing was asked about, or no
 * such type); STATUS_NOT_FOUND (no such node); STATUS_NOMEM. */
MUST_USE int subject_find(const struct snapshot *snapshot, const struct export_subject *asked,
                          char out_error[256], struct subject *out_subject);

#endif
