/* exchange.h: what a linked producer's shard answers the consumer's shard.
 * Is:         one bounded ring for each pair of shards. Whoever finds no room keeps his answer and
 *             tries again later: nobody ever waits for another shard.
 * Threads:    `from` belongs to the thread of shard `from`, `to` to that of shard `to`.
 * Memory:     64 bytes an answer, shards^2 rings, all at the start; none for one shard.
 * Source:     TOPOLOGY "Links across traces and shards".
 */
#ifndef SPANMAP_TOPOLOGY_EXCHANGE_H
#define SPANMAP_TOPOLOGY_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum answer_state {
    ANSWER_FOUND,    /* The link leads to a producer, and this is a pair. */
    ANSWER_RECEIVED, /* It does, but the request is that of a `process` span. */
    ANSWER_LATE,     /* It does, but the call was counted as one that nobody answered. */
    ANSWER_MISSING,
};

struct answer {
    uint64_t trace[2]; /* The consumer's. */
    uint64_t id;
    uint64_t weight;      /* Of the pair. */
    uint32_t site;        /* The consumer's. */
    uint32_t producer;    /* Service. */
    uint32_t destination; /* Node; CATALOG_NONE. */
    uint32_t state;       /* enum answer_state */
    uint32_t set;         /* Values of dimensions of the producer. */
    uint32_t spare[3];
};

_Static_assert(sizeof(struct answer) == 64, "an answer is one cache line");

struct exchange;

/* For `shards` shards and `answers` in each ring. Returns: 0; STATUS_NOMEM. */
MUST_USE int exchange_new(unsigned shards, size_t answers, struct exchange **out_exchange);
void exchange_free(struct exchange *exchange);

/* Returns: 0; STATUS_BUSY (no room). */
MUST_USE int exchange_send(struct exchange *exchange, unsigned from, unsigned to,
                           const struct answer *answer);

/* Takes up to `count` answers for a shard; how many. */
size_t exchange_take(struct exchange *exchange, unsigned to, struct answer *out_answers,
                     size_t count);

#endif
