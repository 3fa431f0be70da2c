/* tally_priv.h: what a tally holds, for the shard that fills it and the publisher that empties it.
 * Invariants: entry 0 of operations is the overflow entry, as are the first ones of edges, one a
 *             view; they exist from the start and are worth something only if they counted. What is
 *             counted goes through a short queue first: before anybody else looks at a tally, it is
 *             flushed.
 */
#ifndef SPANMAP_TOPOLOGY_TALLY_PRIV_H
#define SPANMAP_TOPOLOGY_TALLY_PRIV_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "topology/bins.h"
#include "topology/exemplar.h"
#include "topology/histogram.h"
#include "topology/key_map.h"
#include "topology/snapshot.h"
#include "topology/tally.h"

enum operation_seconds { SECONDS_LATENCY, SECONDS_SELF, OPERATION_SECONDS_COUNT };
enum edge_seconds {
    SECONDS_CLIENT,
    SECONDS_SERVER,
    SECONDS_NETWORK,
    SECONDS_MESSAGING,
    EDGE_SECONDS_COUNT,
};

struct tally_seconds {
    uint64_t weight; /* 0: nothing to observe. */
    uint64_t duration_ns;
};

/* A request between two nodes, or what is to be added to one that was counted. */
struct tally_request {
    uint32_t client; /* Nodes of the catalog. */
    uint32_t server;
    enum connection_type type;
    enum edge_view view;
    uint32_t client_set; /* Values of dimensions (catalog.h), each side's from its own span. */
    uint32_t server_set;
    bool is_counted;    /* The request was counted before, on an edge of other values. */
    bool client_failed; /* Of the spans below. */
    bool server_failed;
    uint64_t weight;
    uint64_t failed;      /* Of the edge's requests, as a weight. */
    uint64_t trace[2];    /* Whose exemplars it gives: of both spans. */
    uint64_t client_span; /* 0: none */
    uint64_t server_span;
    struct tally_seconds seconds[EDGE_SECONDS_COUNT];
};

/* A span of an operation. */
struct tally_call {
    uint32_t service;
    uint32_t name; /* Text of the catalog. */
    uint32_t set;  /* Values of dimensions. */
    uint8_t kind;
    uint8_t status;
    uint64_t weight;
    uint64_t trace[2];
    uint64_t span; /* 0: it gives no exemplar. */
    struct tally_seconds seconds[OPERATION_SECONDS_COUNT];
};

struct tally_edge {
    alignas(64) uint32_t client;
    uint32_t server;
    uint64_t type : 8; /* enum connection_type */
    uint64_t view : 8; /* enum edge_view */
    uint64_t overflow : 1;
    uint64_t is_counted : 1; /* As in struct tally_request. */
    uint64_t client_set : DIMENSION_SET_BITS;
    uint64_t server_set : DIMENSION_SET_BITS;
    uint64_t requests; /* Sums of weights. */
    uint64_t failed;
    uint32_t seconds[EDGE_SECONDS_COUNT]; /* Bins of the tally's pool; 0: none. */
};

struct tally_operation {
    uint32_t service;
    uint32_t name;
    uint32_t set;
    uint8_t kind;
    uint8_t status;
    bool overflow;
    uint64_t calls;
    uint32_t seconds[OPERATION_SECONDS_COUNT]; /* As above. */
};

struct tally_loss {
    uint32_t service;
    uint8_t kind;
    bool dropped;
    uint8_t reason;
    uint64_t spans;
    uint64_t traces[LOSS_TRACES][2]; /* Of the newest; of a loss that is told, the first is it. */
};

/* In the order in which they were counted. */
struct tally_exemplar {
    uint32_t row;
    bool is_operation;
    struct exemplar exemplar; /* Its time is the publisher's to say. */
};

_Static_assert(sizeof(struct tally_exemplar) == TALLY_EXEMPLAR_BYTES, "the budget knows");

enum { TALLY_QUEUE = 32 };

struct tally {
    struct tally_options options;
    uint32_t requests_waiting;
    uint32_t calls_waiting;
    struct tally_request requests[TALLY_QUEUE];
    struct tally_call calls[TALLY_QUEUE];
    struct accounting accounting; /* `waiting` is set at the swap. */
    struct link_accounting links; /* Likewise. */
    struct topology_counts counts;
    uint64_t span_first_ns; /* 0: none. */
    uint64_t span_last_ns;
    struct bins_pool pool;
    uint64_t edge_bytes; /* Of the pool. */
    uint64_t operation_bytes;
    bool is_tight; /* What waits may find no bytes left. */
    struct key_map edge_map;
    struct tally_edge *edges;
    uint32_t edges_count;
    uint32_t edges_room;
    uint32_t edges_with_values; /* Of dimensions. */
    struct key_map operation_map;
    struct tally_operation *operations;
    uint32_t operations_count;
    uint32_t operations_room;
    uint32_t operations_with_values;
    struct key_map loss_map;
    struct tally_loss *losses;
    uint32_t losses_count;
    uint32_t losses_room;
    struct tally_exemplar *exemplars;
    uint32_t exemplars_count;
    uint32_t exemplars_room;
};

/* Whether there is anything on the edge, be it durations alone. */
bool tally_edge_is_counted(const struct tally *tally, const struct tally_edge *edge);

/* Sets what is to be observed. */
static inline void tally_observe(struct tally_seconds *seconds, uint64_t duration_ns,
                                 uint64_t weight)
{
    *seconds = (struct tally_seconds){.weight = weight, .duration_ns = duration_ns};
}

/* Counts all that waits. */
void tally_flush(struct tally *tally);
void tally_flush_requests(struct tally *tally);
void tally_flush_calls(struct tally *tally);

/* A call or request is filled in where it waits: what is there has no meaning before it is set whole,
 * and what is there once tally_count_*() is called is counted, sooner or later, unless it is nothing.
 * What memory is out for is counted as that. */
static inline struct tally_call *tally_next_call(struct tally *tally)
{
    CHECK(tally->calls_waiting < TALLY_QUEUE);
    return &tally->calls[tally->calls_waiting];
}

static inline void tally_count_call(struct tally *tally)
{
    tally->calls_waiting += tally->calls[tally->calls_waiting].weight != 0;
    if (tally->calls_waiting == TALLY_QUEUE)
        tally_flush_calls(tally);
}

static inline struct tally_request *tally_next_request(struct tally *tally)
{
    CHECK(tally->requests_waiting < TALLY_QUEUE);
    return &tally->requests[tally->requests_waiting];
}

static inline void tally_count_request(struct tally *tally)
{
    const struct tally_request *request = &tally->requests[tally->requests_waiting];
    uint64_t all = request->weight | request->failed | request->is_counted;

    /* Durations alone may be of a request that another shard counts. */
    for (size_t i = 0; i < EDGE_SECONDS_COUNT; i++)
        all |= request->seconds[i].weight;
    tally->requests_waiting += all != 0;
    if (tally->requests_waiting == TALLY_QUEUE)
        tally_flush_requests(tally);
}

static inline void tally_add_call(struct tally *tally, const struct tally_call *call)
{
    *tally_next_call(tally) = *call;
    tally_count_call(tally);
}

static inline void tally_add_request(struct tally *tally, const struct tally_request *request)
{
    *tally_next_request(tally) = *request;
    tally_count_request(tally);
}

/* Counts one span. Past the bound it goes under the overflow node. */
void tally_lose(struct tally *tally, const struct tally_loss *loss);

/* Before what waits is counted: looks whether it is sure to find bytes. Returns: what bins have. */
uint64_t tally_measure(struct tally *tally);

/* Where it is not: the row, or the overflow row, which has bytes of its own. */
uint32_t tally_edge_in_room(struct tally *tally, const struct tally_request *request, uint32_t row);
uint32_t tally_operation_in_room(struct tally *tally, const struct tally_call *call, uint32_t row);

/* Keeps an exemplar of a row, as long as there is room. */
void tally_keep(struct tally *tally, const struct tally_exemplar *kept);

/* Empty again, memory kept. */
void tally_reset(struct tally *tally);

/* The row of these, made if need be; the overflow row past the bound; KEY_NONE without memory, which
 * is counted. For the queues. */
uint32_t tally_edge_row(struct tally *tally, const struct tally_request *request);
uint32_t tally_operation_row(struct tally *tally, const struct tally_call *call);

/* An edge's key, and what of it is not a node:
 *   low: type 8 bits, view 8, client's set 21, server's set 21 */
enum { KEY_SET_SHIFT = 16, KEY_SERVER_SET_SHIFT = KEY_SET_SHIFT + DIMENSION_SET_BITS };
_Static_assert(KEY_SERVER_SET_SHIFT + DIMENSION_SET_BITS <= 64,
               "both sets fit behind type and view");
struct key edge_key(const struct tally_edge *edge);
static inline uint64_t edge_key_low(uint64_t type, uint64_t view, uint64_t client_set,
                                    uint64_t server_set)
{
    return server_set << KEY_SERVER_SET_SHIFT | client_set << KEY_SET_SHIFT | view << 8 | type;
}
/* That of the request's own edge. */
static inline struct key tally_request_key(const struct tally_request *request)
{
    return (struct key){(uint64_t)request->client << 32 | request->server,
                        edge_key_low((unsigned)request->type & 0xFF, (unsigned)request->view & 0xFF,
                                     request->client_set & DIMENSION_SETS_MAX,
                                     request->server_set & DIMENSION_SETS_MAX)};
}
static inline enum connection_type edge_key_type(struct key key)
{
    return (enum connection_type)(key.low & 0xFF);
}
static inline enum edge_view edge_key_view(struct key key)
{
    return (enum edge_view)(key.low >> 8 & 0xFF);
}
static inline uint32_t edge_key_client_set(struct key key)
{
    return (uint32_t)(key.low >> KEY_SET_SHIFT) & DIMENSION_SETS_MAX;
}
static inline uint32_t edge_key_server_set(struct key key)
{
    return (uint32_t)(key.low >> KEY_SERVER_SET_SHIFT) & DIMENSION_SETS_MAX;
}

/* An operation's: kind and status 8 bits each, and its set. */
struct key operation_key(const struct tally_operation *operation);
static inline uint64_t operation_key_low(uint64_t set, unsigned kind, unsigned status)
{
    return set << KEY_SET_SHIFT | kind << 8 | status;
}
static inline struct key tally_call_key(const struct tally_call *call)
{
    return (struct key){(uint64_t)call->service << 32 | call->name,
                        operation_key_low(call->set, call->kind, call->status)};
}
static inline uint32_t operation_key_set(struct key key)
{
    return (uint32_t)(key.low >> KEY_SET_SHIFT) & DIMENSION_SETS_MAX;
}

/* The key of the series that takes what is past the bound of those with values: the same without
 * them. False: it has none. */
bool edge_key_without_values(struct key *key);
bool operation_key_without_values(struct key *key);

/* Rows and series with values may take this much of the room, so that there is some for those without:
 * values multiply what the map is made of. */
static inline uint32_t values_room(uint32_t most)
{
    return most - most / 2;
}

/* The same of bytes, of which `count` rows or series have `bytes`, on the average alike. */
static inline bool values_fill_bytes(uint32_t with_values, uint32_t count, uint64_t bytes,
                                     uint64_t bytes_max)
{
    return bytes_max != 0 && count != 0 && with_values * (bytes / count) >= bytes_max / 2;
}

struct key loss_key(const struct tally_loss *loss);

#endif
