/* judge.h: what becomes of one span.
 * Is:         the rules: each span gets its class once and counts what is its to count: its
 *             operation, the call that it is the callee of (a group of siblings by its first
 *             member), or the call that nobody answered.
 * Is not:     when that happens (shard.c).
 * Invariants: what was counted is never taken back. The order in which spans of one pass are judged
 *             does not show in any sum.
 * Threads:    one owner at a time.
 * Source:     TOPOLOGY N5, N6, E2-E6, E10-E16, the accounting.
 */
#ifndef SPANMAP_TOPOLOGY_JUDGE_H
#define SPANMAP_TOPOLOGY_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/catalog.h"
#include "topology/kin.h"
#include "topology/lessons.h"
#include "topology/mail.h"
#include "topology/tally_priv.h"

/* What a CLIENT's site last taught: pairs of equal sites and services teach nothing new. */
struct judge_taught {
    uint32_t site;
    uint32_t service;
};

enum { JUDGE_TAUGHT = 1024 };

/* A part of a span's time that a child takes, from the span's start. */
struct judge_cover {
    uint64_t from;
    uint64_t to;
};

/* What a consumer's own durations are observed on: once an edge, whatever came over it. */
struct judge_pair {
    uint32_t producer; /* Service. */
    uint32_t set;      /* The producer's values. */
    uint32_t destination;
    uint64_t weight;
};

struct judge {
    struct kin kin;
    struct mail *mail;
    struct catalog *catalog;
    struct tally *tally;
    struct lessons *lessons; /* Of all shards. */
    struct judge_taught taught[JUDGE_TAUGHT];
    struct judge_cover *covers; /* For one span at a time; owned. */
    uint32_t covers_room;
    bool orphan_servers_as_user;
    bool takes_the_long_way;                /* Of tests: judge_usual() judges none, */
    uint64_t usual;                         /* and how many it has judged. */
    uint32_t pairing_ticks;                 /* pairing.wait, as arrivals are counted (slab.h). */
    struct judge_pair pairs[LINKS_MAX + 1]; /* Of the consumer at hand. */
};

/* The same as judge_teach() below, of a pair that may teach something new. */
void judge_teach_anew(struct judge *judge, uint32_t at, uint32_t parent);

/* N5: if the pair of a pending span and its parent is one that teaches, it does. Nearly always one like it
 * has just done so. */
static inline void judge_teach(struct judge *judge, uint32_t at, uint32_t parent)
{
    uint32_t site = kin_span(&judge->kin, parent)->site;
    const struct judge_taught *taught = &judge->taught[site % JUDGE_TAUGHT];

    if (taught->site != site ||
        taught->service != kin_service(&judge->kin, kin_span(&judge->kin, at)))
        judge_teach_anew(judge, at, parent);
}

/* Judges a pending span, whose parent is kin_parent(), by what is known now. */
void judge_span(struct judge *judge, uint32_t at, uint32_t parent);

/* Judges a pending span at sight, as nearly all can be: where one look at its children and the way up
 * shows that nothing has to be looked for, nor waited for. `due` is the first position whose
 * pairing.wait is not over: a parent there is waited for. False: it was not judged, and nothing is said
 * of it. `span` is kin_span(). */
bool judge_usual(struct judge *judge, uint32_t at, struct remembered *span, uint32_t due);

/* E10: whether the call was counted already as one that nobody answered: its side was, or a span
 * around that. */
bool judge_is_late(struct judge *judge, uint32_t side);

/* Counts a pending span, whose parent is kin_parent(), as dropped. Who called it waits in vain then, and
 * is no caller of something unknown: it goes the same way, unless others answer. */
void judge_drop(struct judge *judge, uint32_t at, uint32_t parent);

/* ------------------------------------------------------------------ messages (E8, E9) */

/* The producer of an id, of several the lowest by name; 0: there is none. */
uint32_t judge_find_producer(const struct judge *judge, const uint64_t trace[2], uint64_t id);

/* The producer that a PRODUCER span is; 0: there was no room for it. */
uint32_t judge_producer_of(const struct judge *judge, uint32_t at);

/* Where its span is in the slab; 0: it left. */
uint32_t judge_span_of(const struct judge *judge, const struct producer *producer);

/* What a consumer takes. */
struct judge_taking {
    uint32_t site;
    uint64_t weight;
    uint64_t start_ns; /* 0: unknown */
    bool failed;
    const uint64_t *trace; /* Both words. */
    uint64_t id;
};

/* Notes that a span of that site may take from the producer, if it is a `process` span: a `receive` span
 * is no request then. Whether it was noted, and has to be taken back. */
bool judge_hope(struct judge *judge, uint32_t producer, uint32_t site);
void judge_hope_no_longer(struct judge *judge, uint32_t producer, uint32_t site);

/* Counts a pair of a producer and a consumer, or what it adds to a request that was counted.
 * `out_answer` gets weight, producer, destination and state. */
void judge_pair(struct judge *judge, uint32_t producer, const struct judge_taking *taking,
                struct letter *out_answer);

/* Whether nothing in or around a PRODUCER span may make another one the call, or none (E4). Notes what
 * in it was answered. */
bool judge_is_alone(struct judge *judge, uint32_t at);

/* E10: in the broker's view a producer is counted on its way to the destination that it names. */
void judge_send(struct judge *judge, struct producer *producer);

/* A PRODUCER span that leaves the slab waits on as a producer alone. */
void judge_leave(struct judge *judge, uint32_t at, uint32_t parent, uint32_t producer);

/* Judges a producer that left. */
void judge_left(struct judge *judge, uint32_t producer);

#endif
