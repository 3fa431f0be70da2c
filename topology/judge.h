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

struct judge {
    struct kin kin;
    struct catalog *catalog;
    struct tally *tally;
    struct lessons *lessons; /* Of all shards. */
    struct judge_taught taught[JUDGE_TAUGHT];
    struct judge_cover *covers; /* For one span at a time; owned. */
    uint32_t covers_room;
    bool orphan_servers_as_user;
};

/* N5: if the pair of a pending span and its parent is one that teaches, it does. */
void judge_teach(struct judge *judge, uint32_t at, uint32_t parent);

/* Judges a pending span, whose parent is kin_parent(), by what is known now. */
void judge_span(struct judge *judge, uint32_t at, uint32_t parent);

/* Counts a pending span as dropped. */
void judge_drop(struct judge *judge, uint32_t at);

#endif
