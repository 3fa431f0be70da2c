/* routes_query.h: what a request asks for, in the words of `spanmap map`.
 * Is:         the options of a map (map_options.h) and its format out of a query; what it does not say
 *             is as configured.
 * Memory:     owns the decoded texts.
 */
#ifndef SPANMAP_EXPORTERS_ROUTES_QUERY_H
#define SPANMAP_EXPORTERS_ROUTES_QUERY_H

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"
#include "exporters/map_options.h"

enum { QUERY_TEXT_MAX = 16 << 10 };

struct routes_query {
    struct export_options options;   /* Its texts point into the buffers below. */
    const struct exporter *exporter; /* NULL: the query names no format. */
    struct buf texts[MAP_OPTIONS_COUNT];
};

/* On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int routes_query_init(struct view query, const struct export_options *defaults,
                               char out_error[256], struct routes_query *out_query);
void routes_query_release(struct routes_query *query);

/* What a request asks about: node, client, server, connection_type. */
enum { SUBJECT_NODE, SUBJECT_CLIENT, SUBJECT_SERVER, SUBJECT_TYPE, SUBJECT_PARTS };

struct routes_subject {
    struct export_subject subject; /* Points into the buffers below. */
    struct buf parts[SUBJECT_PARTS];
};

/* Likewise. */
MUST_USE int routes_subject_init(struct view query, char out_error[256],
                                 struct routes_subject *out_subject);
void routes_subject_release(struct routes_subject *subject);

#endif
