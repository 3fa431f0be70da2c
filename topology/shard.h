/* shard.h: pairs the spans of its traces, judges each once, and counts.
 * Is:         passive: it has no thread and no clock. It remembers spans until its bytes are used
 *             up (oldest leave first), judges a span when its wait is over, and counts into a
 *             tally that its owner swaps out.
 * Invariants: the accounting's law holds between any two calls: received = internal + paired +
 *             waiting + duplicate + unpaired + dropped + rejected. What was counted is never taken
 *             back. The order of spans does not show, as long as nothing was evicted and all came
 *             within the waits.
 * Threads:    one owner at a time; shards share only the catalog, the lessons and the exchange.
 * Memory:     remembered spans with their index in memory_bytes_max, producers and links in
 *             message_bytes_max, both allocated as they fill; the tally in its own bounds (tally.h).
 * Source:     TOPOLOGY N5-N7, E1-E17, "When is what counted?", "Links across traces and shards".
 */
#ifndef SPANMAP_TOPOLOGY_SHARD_H
#define SPANMAP_TOPOLOGY_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "topology/catalog.h"
#include "topology/exchange.h"
#include "topology/histogram.h"
#include "topology/span.h"
#include "topology/tally.h"

struct shard_options {
    struct catalog *catalog;    /* Outlives the shard. */
    struct lessons *lessons;    /* Likewise; one for all shards of the catalog. */
    struct tally_options tally; /* For the tallies that it makes. */
    uint64_t hash_seed;         /* The engine's, of span_trace_hash(). */
    uint64_t pairing_wait_ns;   /* pairing.wait [10 s] */
    uint64_t parent_wait_ns;    /* pairing.parent_wait [5 min] */
    uint64_t messaging_wait_ns; /* messaging.wait [1 h] */
    size_t memory_bytes_max;    /* At least 1 MiB. */
    size_t message_bytes_max;   /* At least MAIL_BYTES_MIN. */
    struct exchange *exchange;  /* Of all shards, outlives them; NULL where there is one shard. */
    unsigned number;            /* Of this shard among them. */
    unsigned shards;
    bool orphan_servers_as_user; /* topology.orphan_servers: user */
};

struct shard;

MUST_USE int shard_new(const struct shard_options *options, struct shard **out_shard);
void shard_free(struct shard *shard);

/* Takes spans and link halves (span.h) on, none of which is cut, and judges those whose wait is over at
 * `now`, which never goes back. Spans and links whose trace belongs to another shard are a bug. Where
 * memory is out, older spans leave; where there is none at all, the span is counted as dropped. */
void shard_feed(struct shard *shard, const struct span *spans, size_t count, struct mono_time now);

/* Judges what has waited long enough. Call at least every 100 ms of `now`. */
void shard_tick(struct shard *shard, struct mono_time now);

/* Lets all that still waits teach what it can (N5): each shard does, before the first one finishes. */
void shard_teach(struct shard *shard, struct mono_time now);

/* Settles all links as if their wait had run out, and exchanges answers. Returns whether there was
 * nothing to do: once all shards say so in one round, nothing is on its way. */
bool shard_settle(struct shard *shard);

/* Judges all that still waits, as if every wait had run out. All shards settled before. */
void shard_finish(struct shard *shard, struct mono_time now);

/* All shards of an engine settle, until nothing is on its way, then they finish. */
void shards_finish(struct shard *const shards[], size_t count, struct mono_time now);

/* Gives what was counted since the last swap and goes on counting into `*tally`, which must be
 * empty; O(1). NULL is not allowed. */
void shard_swap(struct shard *shard, struct tally **tally);

/* Bytes that remembered spans and their index use now, and how many spans that is. */
size_t shard_memory_bytes(const struct shard *shard);
size_t shard_message_bytes(const struct shard *shard); /* Of producers and links. */
uint64_t shard_remembered(const struct shard *shard);

#endif
