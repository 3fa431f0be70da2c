/* routes_query.h: what a request asks for, in the words of `spanmap map`.
 * Is:         focus, depth, self-edges and format out of a query; what it does not say is as
 *             configured.
 * Memory:     owns the decoded texts.
 */
#ifndef SPANMAP_EXPORTERS_ROUTES_QUERY_H
#define SPANMAP_EXPORTERS_ROUTES_QUERY_H

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"

enum { QUERY_DEPTH_MAX = 1000, QUERY_TEXT_MAX = 16 << 10 };

struct routes_query {
    struct export_options options;   /* Its focus points into the buffer below. */
    const struct exporter *exporter; /* NULL: the query names no format. */
    struct buf focus;
};

/* On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int routes_query_init(struct view query, const struct export_options *defaults,
                               char out_error[256], struct routes_query *out_query);
void routes_query_release(struct routes_query *query);

#endif
