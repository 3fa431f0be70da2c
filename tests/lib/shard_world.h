/* shard_world.h: shards, a publisher and names, for tests of the topology as a whole.
 * Is:         what the engine does without threads: spans go to the shard of their trace; a
 *             snapshot swaps, absorbs and looks at every invariant on the way.
 */
#ifndef SPANMAP_TESTS_LIB_SHARD_WORLD_H
#define SPANMAP_TESTS_LIB_SHARD_WORLD_H

#include "base/buf.h"
#include "topology/catalog.h"
#include "topology/lessons.h"
#include "topology/publisher.h"
#include "topology/shard.h"
#include "topology/snapshot.h"

enum { WORLD_SHARDS_MAX = 8 };

/* Zeros stand for: one shard, 64 MiB, 10 s, 5 min, 1 h, 10,000 of each series. */
struct world_options {
    unsigned shards;
    size_t memory_bytes_max;
    size_t message_bytes_max;
    size_t answers; /* Room between two shards; 0: 64 */
    uint64_t pairing_wait_ns;
    uint64_t parent_wait_ns;
    uint64_t messaging_wait_ns;
    uint32_t edges_max;
    uint32_t operations_max;
    uint32_t losses_max;
    uint64_t expiration_ns; /* Of series; 0: never. They count at 2 ns. */
    bool orphan_servers_as_user;
};

struct world {
    struct catalog *catalog;
    struct lessons *lessons;
    struct publisher *publisher;
    struct tally *spare;
    struct exchange *exchange;
    unsigned shards_count;
    struct shard *shards[WORLD_SHARDS_MAX];
    unsigned sweep_step; /* Of the sweep that goes on; 0: none. */
    uint32_t sweep_stamp;
    uint64_t last_requests; /* To see that sums never fall. */
    uint64_t last_judged;
};

void world_init(struct world *world, const struct world_options *options);
void world_release(struct world *world);

/* The site of a span of that service ("ns/name" or "name") and kind; `peer` is NULL or the node it
 * names ("external//x"). */
struct world_site {
    const char *service;
    enum span_kind kind;
    enum call_kind call;
    const char *operation; /* NULL: "op" */
    const char *peer;
    bool peer_by_name;
    const char *destination;
    uint64_t address_key;
    uint64_t rpc_key;
    uint8_t lesson_place;
    const char *group;
    bool is_receive;
    const char *value; /* Of the one dimension; NULL: none. */
};
uint32_t world_site(struct world *world, const struct world_site *site);

/* A span of trace 1 by default; the caller changes what it likes. Its shard is found from its
 * trace. */
struct span world_span(uint32_t site, enum span_kind kind, uint64_t id, uint64_t parent);

/* Feeds a consumer's links to the shards of what it links to; the consumer's own record says how
 * many there are. */
struct world_link {
    uint64_t trace;
    uint64_t id;
};
void world_link(struct world *world, const struct span *consumer, const struct world_link *links,
                size_t count, uint64_t now_ns);

void world_feed(struct world *world, const struct span *spans, size_t count, uint64_t now_ns);
/* All shards tick, as often as letters between them need to be answered. */
void world_tick(struct world *world, uint64_t now_ns);
void world_finish(struct world *world, uint64_t now_ns);

/* Goes on with a sweep of names (topology/catalog_sweep.h), a piece at a time; whether it is over. */
bool world_sweep_step(struct world *world);

/* The rest of it, or a whole one. No snapshot is held. */
void world_sweep(struct world *world);

/* Swaps, absorbs and takes a snapshot; the accounting, the invariants and that sums do not fall
 * are asserted. */
struct snapshot *world_snapshot(struct world *world);

/* All of a snapshot but its times, as text with one line an element. How many walks were cut is left
 * out too: that depends on which of them found sooner what they looked for. */
void world_print(const struct snapshot *snapshot, struct buf *out);

/* The edge "service//a -> service//b" (with " [type]" if it has one), of a message as in the direct
 * picture; NULL. */
const struct snapshot_edge *world_edge(const struct snapshot *snapshot, const char *name);

/* The same in the broker's picture. */
const struct snapshot_edge *world_broker_edge(const struct snapshot *snapshot, const char *name);

#endif
