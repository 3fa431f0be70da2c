/* tally_priv.h: what a tally holds, for the shard that fills it and the publisher that empties it.
 * Invariants: entry 0 of edges and operations is the overflow entry; it exists from the start and
 *             is worth something only if it counted.
 */
#ifndef SPANMAP_TOPOLOGY_TALLY_PRIV_H
#define SPANMAP_TOPOLOGY_TALLY_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/histogram.h"
#include "topology/key_map.h"
#include "topology/snapshot.h"
#include "topology/tally.h"

enum edge_seconds { SECONDS_CLIENT, SECONDS_SERVER, SECONDS_NETWORK, EDGE_SECONDS_COUNT };

struct tally_edge {
    uint32_t client; /* Nodes of the catalog. */
    uint32_t server;
    uint32_t type; /* enum connection_type */
    bool overflow;
    uint64_t requests; /* Sums of weights. */
    uint64_t failed;
    struct histogram *seconds[EDGE_SECONDS_COUNT]; /* NULL: never used. Kept over a reset. */
};

struct tally_operation {
    uint32_t service;
    uint32_t name; /* Text of the catalog. */
    uint8_t kind;
    uint8_t status;
    bool overflow;
    uint64_t calls;
    struct histogram *latency; /* As above. */
};

struct tally_loss {
    uint32_t service;
    uint8_t kind;
    bool dropped;
    uint8_t reason;
    uint64_t spans;
};

struct tally {
    struct tally_options options;
    struct accounting accounting; /* `waiting` is set at the swap. */
    struct topology_counts counts;
    uint64_t span_first_ns; /* 0: none. */
    uint64_t span_last_ns;
    struct key_map edge_map;
    struct tally_edge *edges;
    uint32_t edges_count; /* In use; those behind keep their histograms. */
    uint32_t edges_made;  /* Slots that were ever in use. */
    uint32_t edges_room;
    struct key_map operation_map;
    struct tally_operation *operations;
    uint32_t operations_count;
    uint32_t operations_made;
    uint32_t operations_room;
    struct key_map loss_map;
    struct tally_loss *losses;
    uint32_t losses_count;
    uint32_t losses_room;
};

/* The edge, made if need be; the overflow edge past the bound; NULL without memory. The pointer
 * lives until the next call. */
struct tally_edge *tally_edge(struct tally *tally, uint32_t client, uint32_t server,
                              enum connection_type type);

struct tally_operation *tally_operation(struct tally *tally, uint32_t service, uint32_t name,
                                        uint8_t kind, uint8_t status);

/* Counts one span. Past the bound it goes under the overflow node. */
void tally_lose(struct tally *tally, const struct tally_loss *loss);

/* Observes into a histogram that is made if need be; without memory it is counted. */
void tally_observe(struct tally *tally, struct histogram **histogram, uint64_t duration_ns,
                   uint64_t weight);

/* Empty again, memory kept. */
void tally_reset(struct tally *tally);

struct key edge_key(uint32_t client, uint32_t server, uint32_t type);
struct key operation_key(uint32_t service, uint32_t name, uint8_t kind, uint8_t status);
struct key loss_key(const struct tally_loss *loss);

#endif
