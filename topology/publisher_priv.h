/* publisher_priv.h: the cumulative series, for absorbing (publisher.c), for snapshots of them
 * (publisher_snapshot.c) and of windows (window_snapshot.c), and for their end (publisher_sweep.c).
 */
#ifndef SPANMAP_TOPOLOGY_PUBLISHER_PRIV_H
#define SPANMAP_TOPOLOGY_PUBLISHER_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/key_map.h"
#include "topology/publisher.h"
#include "topology/snapshot_priv.h"
#include "topology/tally_priv.h"

/* The first series of a table take what is past the bound: of edges one a view, else one. */
enum { SERIES_OVERFLOW = 0 };

struct series {
    struct key key; /* As edge_key(), operation_key() or loss_key() made it. */
    uint64_t count; /* Requests or calls as weights; spans of a loss. */
    uint64_t failed;
    struct histogram *seconds[SERIES_SECONDS_MAX];
    struct exemplars *exemplars; /* Since it began, or began anew; NULL: none. */
    struct series_value *value;  /* What the newest snapshot shows of `seconds`; NULL: nothing. */
    struct series_value *past;   /* Of `seconds`, what was before it began anew; NULL. */
    struct series_value *next_past; /* Made ready for that. */
    uint64_t past_count;
    uint64_t past_failed;
    uint64_t born; /* Number of the snapshot that shows it first. */
    uint64_t seconds_born[SERIES_SECONDS_MAX];
    struct wall_time created;
    struct wall_time updated;
    uint64_t bytes; /* Of its table's. */
    bool listed;    /* It counted; one that was made for a tally that failed did not. */
    bool changed;   /* Since `value` was made. */
    bool endless;   /* As in struct snapshot_life. */
    bool stays;     /* A tally is about to count on it. */
    bool leaves;    /* It is to leave, ... */
    bool gone;      /* ... and what it counted is another's. */
};

struct series_table {
    struct key_map map;
    struct series *series;
    uint32_t count;
    uint32_t room;
    uint32_t series_max;
    uint32_t overflows;   /* Series that take what is past it. */
    uint32_t with_values; /* Of dimensions. */
    uint64_t bytes;       /* What the series take, all copies together. */
    uint64_t bytes_max;   /* 0: no bound. */
    uint64_t first_bytes; /* Of a new one. */
    uint32_t listed;
    uint32_t *changed; /* Those whose `changed` is set; as much room as for series. */
    uint32_t changed_count;
    uint32_t *order; /* The listed ones as a snapshot sorts them. */
    uint32_t order_count;
    bool order_stale;
    bool stale;                 /* Some element is not what `list` shows. */
    struct snapshot_list *list; /* NULL: none made yet. */
};

/* Of a loss, by its series' number. */
struct publisher_traces {
    uint64_t newest[LOSS_TRACES][2];
};

struct publisher_node {
    uint32_t index; /* Among a snapshot's nodes. */
    bool listed;
    bool reported; /* As the newest snapshot shows it. */
};

struct publisher_shard {
    uint64_t waiting;
    uint64_t links_waiting;
    struct wall_time absorbed;
};

struct publisher {
    struct publisher_options options;
    uint64_t number;              /* Of the newest snapshot. */
    struct accounting accounting; /* Without `waiting` and what the receiver rejected. */
    struct link_accounting links; /* Likewise. */
    struct topology_counts counts;
    struct wall_time span_first;
    struct wall_time span_last;
    struct publisher_shard *shards;
    struct histogram *unpacked[SERIES_SECONDS_MAX]; /* Of a tally's row, while it is added. */
    struct series_table edges;
    struct series_table operations;
    struct series_table losses;
    struct publisher_traces *traces;
    uint32_t traces_room;
    struct publisher_node *nodes; /* By the catalog's number. */
    uint32_t nodes_room;
    uint32_t nodes_listed;
    bool nodes_stale;
    struct snapshot_list *node_list;
    bool of_window; /* Only what counted in it is shown, and services that have an operation. */
    unsigned window_hold; /* Of the look that it is made of. */
    _Atomic uint64_t rejected[REJECTED_REASON_COUNT];
};

/* Past `series_max` series there is room for the `overflows` ones, whose histograms never fail.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int series_table_init(struct series_table *table, uint32_t series_max, uint32_t overflows);
void series_table_release(struct series_table *table);

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int series_table_add(struct series_table *table, struct key key, uint32_t *out_number);

/* Whether there are bytes for so many more series; the last eighth is for those that are there. */
bool series_table_has_bytes(const struct series_table *table, uint64_t series);

/* Whether a series that grows finds so many. */
static inline bool series_table_has_left(const struct series_table *table, uint64_t bytes)
{
    return bytes == 0 || table->bytes_max == 0 || table->bytes + bytes <= table->bytes_max;
}

/* Charges a series that grew with bytes that were left. */
void series_table_use(struct series_table *table, struct series *series, uint64_t bytes);

enum {
    /* How often a histogram may exist at once, beside tallies: cumulated, as it was when it expired, in
     * the newest snapshot and in an old one that is still being read. */
    SERIES_COPIES = 4,
    EXEMPLAR_COPIES = 3, /* Not as they were. */
    /* Buckets that a histogram has for certain: an octave in eight where durations spread over four. */
    SERIES_BUCKETS_MIN = 32,
};

/* What a set of so many exemplars takes, all copies together. */
static inline uint64_t exemplars_bytes(uint32_t count)
{
    return count == 0 ? 0
                      : EXEMPLAR_COPIES *
                            (sizeof(struct exemplars) + count * sizeof(struct exemplar) + 16);
}

/* Notes that the histograms of a series are not those that the newest snapshot shows. */
void series_table_touch(struct series_table *table, uint32_t number);

/* Takes out those that are gone, with their traces if there are any; how many. Others get numbers
 * anew. */
uint32_t series_table_remove(struct series_table *table, struct publisher_traces *traces);

/* Lists the nodes that reported, or that some series has (N7), and no others. */
void publisher_list_nodes(struct publisher *publisher);

/* Room to note that a node is in use, for all that there are. Returns: 0; STATUS_NOMEM. */
MUST_USE int publisher_prepare_nodes(struct publisher *publisher);

/* The accounting, with what waits and what the receiver rejected. */
struct accounting publisher_accounting(const struct publisher *publisher);
struct link_accounting publisher_links(const struct publisher *publisher);

/* Whether nothing came to a series for metrics.expiration, be it listed or not. */
bool publisher_is_idle(const struct publisher *publisher, const struct series *series,
                       struct wall_time now);

/* P14: whether a series has ended in /metrics, so that it begins anew. */
bool publisher_is_expired(const struct publisher *publisher, const struct series *series,
                          struct wall_time now);

/* As many traces as there is room for series of losses. Returns: 0; STATUS_NOMEM. */
MUST_USE int publisher_prepare_traces(struct publisher *publisher);

/* Where a tally brings more series than there is room for, lets some leave that ended. */
void publisher_make_room(struct publisher *publisher, const struct tally *tally,
                         struct wall_time now);

#endif
