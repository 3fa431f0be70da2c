/* map_options.h: what can be asked of a map, in one table.
 * Is:         the words that are both options of `spanmap map` and parameters of a query, each with
 *             its meaning; --help, the list of paths and the documentation are made of it.
 * Invariants: a hyphen in a name may be written as an underscore.
 * Threads:    constant table; pure.
 * Memory:     texts are borrowed by the options that they are set in.
 */
#ifndef SPANMAP_EXPORTERS_MAP_OPTIONS_H
#define SPANMAP_EXPORTERS_MAP_OPTIONS_H

#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"

enum { MAP_DEPTH_MAX = 1000, MAP_TOP_MAX = 1000000 };

/* X(name, what follows it or NULL, one line for people, suffix of the function that sets it) */
#define MAP_OPTIONS(X)                                                                             \
    X("focus", "NAME", "draw only what is near this node, given by id or name", focus)             \
    X("depth", "N", "how many steps around the focus [1]", depth)                                  \
    X("self-edges", NULL, "also draw the calls of a service to itself", self_edges)                \
    X("cluster", "BY", "draw frames by namespace, by none, or by a resource attribute", cluster)   \
    X("collapse", "NAMES", "draw these clusters as one node each, or all; commas between",         \
      collapse)                                                                                    \
    X("window", "TIME", "show a running spanmap's last 5m, 1h or so alone", window)                \
    X("at", "WHEN", "... that ended at a time, by RFC 3339 or Unix seconds, or -10m ago", at)      \
    X("compare", "WHEN", "... and what is different from the window that ended then", compare)     \
    X("min-rate", "RATE", "leave out edges of fewer requests a second", min_rate)                  \
    X("top", "N", "draw the N busiest edges; all others become one node", top)                     \
    X("figure", "FIGURE", "rate, errors, p50, p95, p99, network or queue, on each edge", figure)   \
    X("theme", "THEME", "auto, light or dark [auto]", theme)

struct map_option {
    const char *name;
    const char *value; /* What follows it; NULL: it is a flag. */
    const char *doc;
    /* On failure out_error has what goes on behind the name: what is allowed, and what came.
     * Returns: 0; STATUS_INVALID. */
    int (*set)(struct view text, char out_error[256], struct export_options *options);
};

#define MAP_OPTIONS_ONE(name, value, doc, suffix) +1
enum { MAP_OPTIONS_COUNT = 0 MAP_OPTIONS(MAP_OPTIONS_ONE) };
extern const struct map_option map_options[MAP_OPTIONS_COUNT];

/* All that a map depends on beside its snapshot, as bytes that differ where it does. Failures stick. */
void map_options_append_key(const struct export_options *options, struct buf *out);

#endif
