/* exporter.h: the plug that every exporter fits.
 * Is:         a const struct per format and one registry; each turns a snapshot into bytes.
 * Is not:     transport: paths and negotiation are in routes.h.
 * Invariants: the same input gives the same bytes. A refusal leaves a sentence for the user.
 * Threads:    any, at once; an exporter has no state.
 * Memory:     writes to the caller's buffer, whose bound holds.
 */
#ifndef SPANMAP_EXPORTERS_EXPORTER_H
#define SPANMAP_EXPORTERS_EXPORTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/moment.h"
#include "topology/snapshot.h"
#include "topology/targets.h"

/* E9: which edges of messages are shown. */
enum export_messaging { MESSAGES_DIRECT, MESSAGES_BROKER, MESSAGES_BOTH };

/* What the lines of a picture say, by label, colour and width. */
enum map_figure {
    FIGURE_ALL, /* Rate, errors and p95 in the label; width by rate, colour by errors. */
    FIGURE_RATE,
    FIGURE_ERRORS,
    FIGURE_P50,
    FIGURE_P95,
    FIGURE_P99,
    FIGURE_NETWORK, /* p95 of each delay. */
    FIGURE_QUEUE,
    FIGURE_COUNT,
};

/* THEME_AUTO: light, and as the reader's screen where a picture can tell. */
enum map_theme { THEME_AUTO, THEME_LIGHT, THEME_DARK, THEME_COUNT };

/* What is asked about in particular: ids of nodes, as the map has them. */
struct export_subject {
    struct view node;
    struct view client; /* Or an edge, by its ends. */
    struct view server;
    struct view connection_type; /* Without data: any. */
};

/* From just behind `after` up to `until`; until 0: at any time. */
struct export_time {
    struct wall_time after;
    struct wall_time until;
};

/* Which time is shown, where there are windows (window_query.h). */
struct export_window {
    uint64_t length_ns;      /* 0: all since the start. */
    struct moment at;        /* When it ends; none: now. */
    struct moment compare;   /* When the window ends that it is compared with; none: nothing is. */
    bool without_operations; /* Nobody will look at them. */
};

/* Zero is the default of each. What `map` and queries may say is in map_options.h. */
struct export_options {
    struct view focus; /* A node's id or name; empty: the whole map. */
    struct export_subject subject;
    unsigned depth;       /* Steps around the focus; 0: 1 */
    struct view cluster;  /* "namespace", "none", or a resource attribute; empty:
                                              * pictures have clusters by namespace. */
    struct view collapse; /* Clusters to draw as one node each, or "all". */
    double min_rate;      /* Requests a second; edges below it are hidden. */
    unsigned top;         /* Busiest edges; 0: all that make a picture. */
    enum map_figure figure;
    enum map_theme theme;
    bool self_edges; /* map.self_edges */
    struct export_window window;
    struct export_time counted;              /* Of examples: when. */
    enum export_messaging map_messaging;     /* map.messaging; its own default is broker. */
    enum export_messaging metrics_messaging; /* metrics.messaging */
    bool window_of_spans;      /* The window is that of the spans, not of the daemon (`map`). */
    uint64_t expiration_ns;    /* metrics.expiration; 0: series never leave. */
    bool otlp_exponential;     /* metrics.otlp_histograms */
    struct view otlp_instance; /* service.instance.id of OTLP's resource; empty: it has none. */
    bool new_at_zero;          /* In text: a series that no snapshot up to ... */
    uint64_t shown_number;   /* ... this one had is shown at 0, for its value to be an increase. */
    struct view draw_helper; /* Path of spanmap-draw. */
    uint64_t draw_timeout_ns;
    const atomic_bool *draw_is_over; /* True: no picture is wanted any more; or NULL. */
    size_t draw_memory_bytes_max;
};

struct deflate_pack;

struct export_input {
    const struct snapshot *snapshot;
    const struct snapshot *before; /* What a map is compared with; NULL: nothing. */
    struct export_options options;
    struct targets *targets;              /* What services say of themselves; NULL: none. */
    struct targets *targets_before;       /* Those of the snapshot before; NULL: the same. */
    const struct counters *const *health; /* Every stage's, for the spanmap_* metrics. */
    size_t health_count;
    struct deflate_pack
        *pack; /* Takes in text of metrics that would be too long; NULL: nothing does. */
};

struct exporter {
    const char *name;         /* The word of --format and of ?format=. */
    const char *doc;          /* One line. */
    const char *content_type; /* With its charset where there is one. */
    bool binary;              /* Not for a terminal. */
    bool in_map;              /* `map --format` offers it. */
    /* On failure out_error has one sentence (at most 255 bytes) and `out` is as before.
     * Returns: 0; STATUS_NOT_FOUND (no such focus); STATUS_UNSUPPORTED (what draws is missing);
     *          STATUS_TIMEOUT; STATUS_SYSTEM (it crashed); STATUS_TOO_LARGE; STATUS_NOMEM. */
    int (*render)(const struct export_input *input, char out_error[256], struct buf *out);
};

/* Ends with NULL. */
extern const struct exporter *const exporters[];

/* NULL: there is none of that name. */
const struct exporter *exporter_find(struct view name);

#endif
