/* exchange.h: the letters that shards write to each other about links.
 * Is:         one bounded ring for each pair of shards. Whoever finds no room keeps what he has to say
 *             and tries again later: nobody ever waits for another shard.
 * Invariants: a reply always finds room: half of each ring is kept for words, and no more questions
 *             than that are on their way. So whoever takes a letter can deal with it at once.
 * Threads:    `from` belongs to the thread of shard `from`, `to` to that of shard `to`.
 * Memory:     64 bytes a letter, shards^2 rings, all at the start; none for one shard.
 * Source:     TOPOLOGY "Links across traces and shards".
 */
#ifndef SPANMAP_TOPOLOGY_EXCHANGE_H
#define SPANMAP_TOPOLOGY_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum letter_what {
    LETTER_QUESTION, /* Whether the consumer of a half was taken on; to the consumer's shard. */
    LETTER_WORD,     /* That shard's reply. */
    LETTER_ANSWER,   /* Where the half led; to the consumer's shard. */
};

enum word {
    WORD_NONE,
    WORD_TAKEN,   /* The consumer waits for its links. */
    WORD_UNKNOWN, /* Nothing is known of it: it was rejected, a copy, or has not come yet. */
    WORD_GONE,    /* It was taken on, and waits no longer. */
};

enum answer_state {
    ANSWER_FOUND,    /* The link leads to a producer, and this is a pair. */
    ANSWER_RECEIVED, /* It does, but the request is that of a `process` span. */
    ANSWER_LATE,     /* It does, but the call was counted as one that nobody answered. */
    ANSWER_MISSING,
};

struct letter {
    uint64_t trace[2]; /* The consumer's, as are id, site and mark. */
    uint64_t id;
    uint64_t weight; /* Of the pair. */
    uint32_t site;
    uint32_t mark;        /* Tells copies of the consumer apart. */
    uint32_t producer;    /* Service. */
    uint32_t destination; /* Node; CATALOG_NONE. */
    uint32_t set;         /* Values of dimensions of the producer. */
    uint32_t half;        /* Whom the word is for. */
    uint16_t from;        /* Shard. */
    uint8_t what;         /* enum letter_what */
    uint8_t state;        /* enum answer_state of an answer, enum word of a word. */
    uint32_t spare;
};

_Static_assert(sizeof(struct letter) == 64, "a letter is one cache line");

struct exchange;

/* For `shards` shards and `letters` in each ring. Returns: 0; STATUS_NOMEM. */
MUST_USE int exchange_new(unsigned shards, size_t letters, struct exchange **out_exchange);
void exchange_free(struct exchange *exchange);

/* Sends a question or an answer from letter->from. Returns: 0; STATUS_BUSY (no room). */
MUST_USE int exchange_send(struct exchange *exchange, unsigned to, const struct letter *letter);

/* Sends a word from letter->from, to one whose question was taken; at most one each. */
void exchange_reply(struct exchange *exchange, unsigned to, const struct letter *letter);

/* Takes up to `count` letters for a shard; how many. */
size_t exchange_take(struct exchange *exchange, unsigned to, struct letter *out_letters,
                     size_t count);

#endif
