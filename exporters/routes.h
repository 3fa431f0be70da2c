/* routes.h: what stands behind each path of the web door.
 * Is:         the table of paths: `/` and its assets, /metrics, /map.svg, /map.dot, /api/v1/map,
 *             /api/v1/services, /api/v1/edges, /api/v1/operations, /api/v1/examples,
 *             /api/v1/history, /api/v1/settings, /healthz, /readyz, /debug/config, /debug/cardinality,
 *             /debug/budgets, /debug/lateness, /debug/unpaired; negotiation, gzip,
 *             ETag.
 * Is not:     the server (net/http_server.h), and not the owner of what it shows.
 * Threads:    routes_handle() on any number of threads at once.
 * Memory:     one answer at a time that is as large as the map, of at most body_bytes_max; the last
 *             drawing is kept as long as its snapshot is the newest.
 * Source:     ARCHITECTURE section 5; EXPORT P1-P4.
 */
#ifndef SPANMAP_EXPORTERS_ROUTES_H
#define SPANMAP_EXPORTERS_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "exporters/exporter.h"
#include "exporters/window_query.h"
#include "net/http_server.h"

/* Writes a text. Returns: 0; STATUS_NOMEM; STATUS_TOO_LARGE. */
typedef int (*routes_write)(void *context, struct buf *out);

/* What the routes ask of those who own it; all but `context` are called on any thread. */
struct routes_source {
    void *context;
    struct snapshot *(*snapshot)(void *context); /* A reference, or NULL without memory. */
    bool (*is_ready)(void *context);             /* Listening, and not draining. */
    routes_write config;                         /* Effective configuration, YAML. */
    routes_write cardinality;                    /* JSON: how full each quota is, */
    routes_write budgets;                        /* each share of memory, */
    routes_write lateness;                       /* and how late spans come. */
    struct window_source windows;
};

struct routes_options {
    struct routes_source source;
    struct targets *targets;              /* Borrowed; NULL: none. */
    struct export_options defaults;       /* What a query does not say. */
    const struct counters *const *health; /* Borrowed. */
    size_t health_count;
    struct view trace_url; /* Borrowed; where a trace can be looked at, or empty (web.trace_url). */
    size_t body_bytes_max; /* Of one answer; 0: 512 MiB */
    /* Text of metrics is packed when so much has gathered, for who takes no gzip later; 0: up to 1 MiB. */
    size_t pack_bytes;
};

struct routes;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int routes_new(const struct routes_options *options, struct routes **out_routes);
void routes_free(struct routes *routes);

/* What is drawn is given up, for the end. Any thread. */
void routes_stop_drawing(struct routes *routes);

/* From here on answers are by these, where their query says nothing else. Any thread. */
void routes_set_defaults(struct routes *routes, const struct export_options *defaults);

/* An http_handler's function; `context` is the struct routes. */
void routes_handle(void *context, const struct http_request *request, struct http_reply *reply);

#endif
