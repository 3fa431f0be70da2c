/* snapshot.h: the topology at one moment, for exporters.
 * Is:         topology's port out: nodes, edges, operations, losses and the accounting; of all since
 *             the start, or of a window (window_snapshot.h).
 * Invariants: immutable from the moment it is handed out. accounting_holds(). Nodes are sorted by
 *             node_compare(), edges by client, server, connection_type, values of dimensions, view,
 *             operations by service, name, kind, status, values. Everything is what was counted from
 *             start to end.
 * Threads:    any number may read one; the reference count is atomic.
 * Memory:     refcounted; texts belong to the catalog, which outlives every snapshot and keeps them as
 *             long as it is there.
 */
#ifndef SPANMAP_TOPOLOGY_SNAPSHOT_H
#define SPANMAP_TOPOLOGY_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/catalog.h"
#include "topology/exemplar.h"
#include "topology/histogram.h"

/* E10, E11. The text is the label's value; CONNECTION_DIRECT has none. */
enum connection_type {
    CONNECTION_DIRECT,
    CONNECTION_DATABASE,
    CONNECTION_MESSAGING,
    CONNECTION_VIRTUAL,
    CONNECTION_TYPE_COUNT,
};

/* "", "database", "messaging_system", "virtual_node" */
const char *connection_type_name(enum connection_type type);

/* E9: in which picture of messages an edge stands. Edges of type CONNECTION_MESSAGING are counted
 * for each picture by itself, all others once; but a producer that names a destination, which nobody
 * answered, goes to the database that it has attributes of in the direct picture only. Where both
 * pictures are shown at once, a call stands there once: by its direct edge, or by those that touch a
 * destination; its other one is aside. It is told by the edge, so that the overflow edges know, too. */
enum edge_view {
    VIEW_BOTH,
    VIEW_DIRECT,
    VIEW_BROKER,
    VIEW_DIRECT_ASIDE,
    VIEW_BROKER_ASIDE,
    EDGE_VIEW_COUNT
};

/* Whether an edge is missing in the broker picture, and in the direct one. */
static inline bool edge_view_is_direct(enum edge_view view)
{
    return view == VIEW_DIRECT || view == VIEW_DIRECT_ASIDE;
}

static inline bool edge_view_is_broker(enum edge_view view)
{
    return view == VIEW_BROKER || view == VIEW_BROKER_ASIDE;
}

/* Why a span is unpaired, in the order in which the first that applies is taken. */
enum unpaired_reason {
    UNPAIRED_PARENT_MISSING,
    UNPAIRED_LATE,
    UNPAIRED_NO_PRODUCER,
    UNPAIRED_SERVER_SILENT,
    UNPAIRED_NO_SERVER,
    UNPAIRED_NO_CONSUMER,
    UNPAIRED_REASON_COUNT,
};
enum dropped_reason { DROPPED_EVICTED, DROPPED_REASON_COUNT };
enum rejected_reason { REJECTED_INVALID_ID, REJECTED_ID_REUSED, REJECTED_REASON_COUNT };

const char *unpaired_reason_name(enum unpaired_reason reason); /* "parent_missing", ... */
const char *dropped_reason_name(enum dropped_reason reason);   /* "evicted" */
const char *rejected_reason_name(enum rejected_reason reason); /* "invalid_id", "id_reused" */

/* Every span is in exactly one class; all counts are in spans. */
struct accounting {
    uint64_t received;
    uint64_t waited; /* Of a window: those that came before it, and waited when it began; else 0. */
    uint64_t internal;
    uint64_t paired;
    uint64_t waiting;
    uint64_t duplicate;
    uint64_t unpaired[UNPAIRED_REASON_COUNT];
    uint64_t dropped[DROPPED_REASON_COUNT];
    uint64_t rejected[REJECTED_REASON_COUNT];
};

/* received + waited = internal + paired + waiting + duplicate + unpaired + dropped + rejected. */
bool accounting_holds(const struct accounting *accounting);
void accounting_add(struct accounting *into, const struct accounting *from);

/* What became of span links of consumers, each span that one links to counted once:
 * links + waited = paired + waiting + missing + dropped. */
struct link_accounting {
    uint64_t links;
    uint64_t waited;  /* As of spans. */
    uint64_t paired;  /* They led to a producer. */
    uint64_t waiting; /* For the producer, or for the end of the wait. */
    uint64_t missing; /* No producer came in time. */
    uint64_t dropped; /* Memory was out before it could be known. */
};

bool link_accounting_holds(const struct link_accounting *links);
void link_accounting_add(struct link_accounting *into, const struct link_accounting *from);

/* Things worth knowing that are not classes of spans. */
struct topology_counts {
    uint64_t skewed_durations;      /* E14: cut to 0 or to the maximum. */
    uint64_t negative_network;      /* network_seconds below zero, not observed. */
    uint64_t negative_messaging;    /* messaging_seconds below zero, not observed. */
    uint64_t weights_unknown;       /* Spans without sampling information. */
    uint64_t weights_cut;           /* Adjusted counts above sampling.max_count. */
    uint64_t edges_overflowed;      /* Requests counted on the overflow edge. */
    uint64_t operations_overflowed; /* Spans counted on the overflow operation. */
    uint64_t values_overflowed;     /* Requests and spans on series without their values. */
    uint64_t fanout_overflowed;     /* Client durations left out past 64 edges of one span. */
    uint64_t walks_cut;             /* Walks that ended at their bound. */
    uint64_t self_unknown;          /* Spans whose children had left before they were judged. */
    uint64_t resolutions_cut;       /* Times a histogram became coarser, since bytes were out. */
    uint64_t memory_failures;       /* Observations lost because memory was out. */
    uint64_t edges_left;            /* Series that were idle and gave way to others; what ... */
    uint64_t operations_left;       /* ... they counted is the overflow series' now. */
    uint64_t losses_left;
};

struct snapshot_node {
    struct node node;
    bool reported; /* A service that reported a span; a node even without an edge (N7). */
    bool overflow; /* Stands for all nodes past the quota. */
};

/* The histograms of a series, in the order of their arrays. */
enum { SNAPSHOT_CLIENT, SNAPSHOT_SERVER, SNAPSHOT_NETWORK, SNAPSHOT_MESSAGING, SNAPSHOT_SECONDS };

/* What /metrics needs of a series beside its totals. One that was idle for metrics.expiration ends
 * there and begins anew at 0 when it counts again; the totals go on. */
struct snapshot_life {
    bool endless; /* It never begins anew (an overflow series): its past is what others counted that
                   * left, and is never shown in /metrics. */
    uint64_t born; /* Number of the first snapshot that shows it, or shows it anew. */
    uint64_t seconds_born[SNAPSHOT_SECONDS]; /* Likewise each histogram. */
    uint64_t past_count;                     /* Part of the totals from before it began anew. */
    uint64_t past_failed;
    const struct histogram *past_seconds[SNAPSHOT_SECONDS]; /* NULL: nothing. */
};

/* Counts are sums of weights (2^20 is one request). A histogram is NULL where nothing was seen. */
struct snapshot_edge {
    uint32_t client; /* Index into nodes. */
    uint32_t server;
    enum connection_type connection_type;
    enum edge_view view;
    bool overflow; /* Stands for all edges past the bound (label otel_metric_overflow="true"). */
    bool values_overflow;          /* For values of dimensions past a bound, on either side. */
    struct view client_dimensions; /* Packed values (dimensions.h). */
    struct view server_dimensions;
    uint64_t requests;
    uint64_t failed;
    const struct histogram *client_seconds;
    const struct histogram *server_seconds;
    const struct histogram *network_seconds;
    const struct histogram *messaging_seconds;
    const struct exemplars *exemplars; /* NULL: none. */
    struct wall_time created;          /* When the series began, or began anew. */
    struct wall_time updated;
    struct snapshot_life life;
};

struct snapshot_operation {
    uint32_t service; /* Index into nodes. */
    struct view name;
    uint8_t kind;           /* enum span_kind */
    uint8_t status;         /* enum span_status */
    bool overflow;          /* Stands for all names past a bound, of one service or of all. */
    bool values_overflow;   /* For values of dimensions past a bound. */
    struct view dimensions; /* Packed values. */
    uint64_t calls;         /* Sum of weights. */
    const struct histogram *latency;
    const struct histogram *self_seconds; /* What of it no child covered. */
    const struct exemplars *exemplars;    /* NULL: none. Of which 0 is latency, 1 self time. */
    struct wall_time created;
    struct wall_time updated;
    struct snapshot_life life; /* Its latency is number 0, its self time 1. */
};

enum { LOSS_TRACES = 3 };

/* Spans that were not paired or were dropped, by who sent them. */
struct snapshot_loss {
    uint32_t service; /* Index into nodes. */
    uint8_t kind;     /* enum span_kind */
    bool dropped;     /* `reason` is a dropped_reason; else an unpaired_reason. */
    uint8_t reason;
    uint64_t spans;
    uint64_t traces[LOSS_TRACES][2]; /* Trace ids of the newest, as many as there are spans. */
    struct wall_time created;
    struct wall_time updated;
    struct snapshot_life life; /* Its spans are the count; it has no histograms. */
};

struct snapshot {
    uint64_t number;             /* Counts up from 1. */
    struct wall_time start;      /* When counting began; of a window, when it begins. */
    struct wall_time end;        /* When this snapshot was taken. */
    struct wall_time span_first; /* The earliest start of a span that was taken on; 0: none. */
    struct wall_time span_last;  /* The latest end. */
    const struct histogram_bounds *bounds;
    const struct dimensions *dimensions; /* NULL: there are none. */
    size_t nodes_count;
    const struct snapshot_node *nodes;
    size_t edges_count;
    const struct snapshot_edge *edges;
    size_t operations_count;
    const struct snapshot_operation *operations;
    size_t losses_count;
    const struct snapshot_loss *losses;
    struct accounting accounting;
    struct link_accounting links;
    struct topology_counts counts; /* Of a window: none. */
    uint64_t edges_bytes;          /* What all copies of them take; likewise. */
    uint64_t operations_bytes;
    bool is_window;
};

/* NULL is allowed for release. */
struct snapshot *snapshot_retain(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot);

#endif
