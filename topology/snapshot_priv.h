/* snapshot_priv.h: what snapshots share, and how it is counted.
 * Is:         refcounted pieces: the nodes, the list of edges, of operations and of losses, and one
 *             value a series that holds its histograms. A snapshot that finds a piece unchanged
 *             takes a reference to the one before's.
 * Threads:    reference counts are atomic; a piece is immutable once it is in a snapshot.
 */
#ifndef SPANMAP_TOPOLOGY_SNAPSHOT_PRIV_H
#define SPANMAP_TOPOLOGY_SNAPSHOT_PRIV_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>

#include "topology/snapshot.h"

enum { SERIES_SECONDS_MAX = 4 };

/* The histograms and exemplars of one series, copied; one piece of memory with all their buckets. */
struct series_value {
    alignas(struct histogram) _Atomic uint32_t references;
    struct histogram *seconds[SERIES_SECONDS_MAX]; /* NULL where nothing was seen. */
    struct exemplars *exemplars;                   /* NULL: there are none. */
};

/* An array of elements and, for each, the value that it points into (or none at all); behind those
 * the past values, in the same order. */
struct snapshot_list {
    _Atomic uint32_t references;
    size_t count;
    void *elements;
    struct series_value **values;
};

struct snapshot_box {
    struct snapshot snapshot; /* First: what is handed out. */
    _Atomic uint32_t references;
    struct snapshot_list *nodes;
    struct snapshot_list *edges;
    struct snapshot_list *operations;
    struct snapshot_list *losses;
    struct catalog *catalog;  /* Whose texts it shows; NULL: nobody's. */
    unsigned hold;            /* On them (catalog_sweep.h). */
    _Atomic uint64_t *budget; /* Of a window: what its bytes are taken off; else NULL. */
    uint64_t budget_bytes;
};

/* Copies the histograms that counted, and exemplars if there are any. Returns: 0 and one reference;
 * STATUS_NOMEM. */
MUST_USE int series_value_new(struct histogram *const seconds[], size_t count,
                              const struct exemplars *exemplars, struct series_value **out_value);
struct series_value *series_value_retain(struct series_value *value);
void series_value_release(struct series_value *value);

/* `count` zeroed elements of `size` bytes. Returns: 0 and one reference; STATUS_NOMEM. */
MUST_USE int snapshot_list_new(size_t count, size_t size, struct snapshot_list **out_list);
struct snapshot_list *snapshot_list_retain(struct snapshot_list *list);
void snapshot_list_release(struct snapshot_list *list);

#endif
