/* mail.h: what a shard keeps of messages: producers, link halves, requests, consumers' inboxes.
 * Is:         four bounded tables with their look-ups. Producers wait here for messaging.wait, also
 *             when their span has left the slab.
 * Is not:     the rules (judge_message.c) nor their time (shard_mail.c).
 * Invariants: what leaves a table because it is full leaves oldest first. A request leaves with its
 *             producer, an answer with its inbox.
 * Threads:    one owner at a time.
 * Memory:     bytes_max, filled as messages come: a half of it for producers, a fifth for halves,
 *             a tenth for inboxes, the rest for what hangs on these.
 * Source:     TOPOLOGY E8, E9, "Links across traces and shards".
 */
#ifndef SPANMAP_TOPOLOGY_MAIL_H
#define SPANMAP_TOPOLOGY_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/dimensions.h"
#include "topology/exchange.h"
#include "topology/fifo.h"
#include "topology/span.h"

enum { MAIL_BYTES_MIN = 64 * 1024 };

struct producer {
    uint64_t trace[2];
    uint64_t id;
    uint64_t end_ns; /* 0: unknown */
    uint64_t duration_ns : 54;
    uint64_t status : 2;
    uint64_t no_duration : 1;
    uint64_t is_gone : 1;   /* Its span was dropped: nothing pairs with it. */
    uint64_t has_left : 1;  /* The slab forgot its span, which waits here to be judged. */
    uint64_t is_orphan : 1; /* Of one that left, as are the next two: it names a parent unknown. */
    uint64_t is_callee : 1; /* A side of a call that came to it. */
    uint64_t is_nested : 1; /* In a CLIENT that was answered. */
    uint64_t came_late : 1; /* A consumer linked to it whose wait was over. */
    uint64_t inside_answered : 1; /* One in it was answered (E4). */
    uint64_t weight : 37;
    uint64_t answered : 1; /* As in struct remembered. */
    uint64_t drawn : 1;
    uint64_t sent : 1;    /* In the broker's view the way to its destination was counted. */
    uint64_t judged : 1;  /* One that left. */
    uint64_t edges : 7;   /* On which its duration was observed. */
    uint64_t walked : 16; /* Low bits of the pass in which its children were gone through. */
    uint32_t site;
    uint32_t at; /* In the slab, as long as it is there. */
    uint32_t arrival;
    uint32_t next;  /* Older, of one hash. */
    uint32_t cells; /* Its requests; 0: none. */
    uint32_t open;  /* Halves that wait for their turn with it. */
    uint32_t outer; /* Of one that left: the PRODUCER around it; 0: none. */
    bool has_inner; /* That is the outer of another one. */
    bool is_hooked; /* It has so many cells that they are found by their hash, ... */
    uint8_t plain;  /* ... or that many, which are looked through. */
};

enum half_state { HALF_WAITS, HALF_SETTLED };

struct half {
    uint64_t target[2];
    uint64_t target_id;
    uint64_t trace[2]; /* The consumer's. */
    uint64_t id;
    uint64_t start_ns; /* 0: unknown */
    uint64_t weight : 37;
    uint64_t failed : 1;
    uint64_t state : 1;     /* enum half_state */
    uint64_t answer : 2;    /* enum answer_state, once it is settled. */
    uint64_t pair_set : 21; /* As pair_service: the producer's values. */
    uint64_t spare : 2;
    uint64_t pair_weight : 37; /* What its answer says. */
    uint64_t word : 2;         /* enum word, the last one of the consumer's shard. */
    uint64_t asked : 1;        /* A word is on its way. */
    uint64_t hoped : 1;        /* It counts among the hopes of its request. */
    uint64_t refused : 1;      /* Settled as that of no consumer. */
    uint64_t spare_too : 22;
    uint32_t pair_service;
    uint32_t pair_destination;
    uint32_t site;
    uint32_t mark; /* Tells copies of the consumer apart. */
    uint32_t arrival;
    uint32_t next_target;
    uint32_t next_pair;
    uint32_t producer; /* That it leads to, while it waits; 0: none is known. */
};

enum cell_what {
    CELL_REQUEST,     /* One request: service, group, destination (E8). */
    CELL_TOLD_DIRECT, /* The producer's duration was observed on the edge to a service. */
    CELL_TOLD_BROKER,
    CELL_SENT, /* A producer without a destination was counted on its way to a consumer's. */
    CELL_ANSWER,
};

struct cell {
    uint32_t next;      /* Of the same owner; or free. */
    uint32_t next_hash; /* Not of answers. */
    uint32_t owner;     /* A producer. */
    uint32_t service;
    uint32_t group; /* Text; CATALOG_NONE. */
    uint32_t destination;
    uint64_t weight : 37;
    uint64_t what : 3;       /* enum cell_what */
    uint64_t failed : 1;     /* Counted as failed in the direct view, */
    uint64_t failed_far : 1; /* and from its destination on. */
    uint64_t process : 1;    /* It is a `process` span's. */
    uint64_t set : 21;       /* Values of dimensions (catalog.h): those that a request was counted
                              * with; of its consumers, that the producer was told with; of an
                              * answer, its producer's. */
    uint32_t hopes;          /* Halves of `process` spans that wait, and may be refused. */
    uint32_t spare;
};

_Static_assert(DIMENSION_SET_BITS == 21, "as many as halves and cells have");

/* What the links of one consumer that was taken on led to. */
struct inbox {
    uint64_t trace[2];
    uint64_t id;
    uint32_t service;
    uint32_t mark;
    uint32_t at; /* In the slab. */
    uint32_t next;
    uint32_t cells;
    uint16_t expected;
    uint16_t received;
    bool is_late;
    bool has_producer;
};

struct chains {
    uint32_t *heads; /* NULL until something is put in. */
    uint32_t mask;
};

struct cells {
    struct cell **chunks;
    uint32_t chunks_max;
    uint32_t made;
    uint32_t free;
};

struct mail {
    uint64_t seed;
    struct fifo producers;
    struct fifo halves;
    struct fifo inboxes;
    struct cells cells;
    struct chains producers_by_id;
    struct chains halves_by_target;
    struct chains halves_by_pair;
    struct chains inboxes_by_id;
    struct chains cells_by_key;
    uint32_t ask_at;          /* Halves before it were asked for, */
    uint32_t settle_at;       /* those before this one are settled, */
    uint32_t send_at;         /* and those before this one answered. */
    uint32_t left_at;         /* Of producers before it that left, all are judged. */
    uint64_t left_waiting;    /* Producers that left and are not judged. */
    uint64_t halves_waiting;  /* Halves that are not settled; */
    uint64_t halves_wordless; /* those of them for which a word is wanted or on its way, */
    uint64_t halves_hanging;  /* and those that hang on a producer. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int mail_init(struct mail *mail, size_t bytes_max, uint64_t seed);
void mail_release(struct mail *mail);
size_t mail_bytes(const struct mail *mail);

static inline struct producer *mail_producer(const struct mail *mail, uint32_t at)
{
    return fifo_at(&mail->producers, at);
}

static inline struct half *mail_half(const struct mail *mail, uint32_t at)
{
    return fifo_at(&mail->halves, at);
}

static inline struct inbox *mail_inbox(const struct mail *mail, uint32_t at)
{
    return fifo_at(&mail->inboxes, at);
}

struct cell *mail_cell(const struct mail *mail, uint32_t number);

/* Add one, zeroed but for its keys, which `like` has, and links.
 * Returns: 0; STATUS_FULL (let the oldest chunk of the table go); STATUS_NOMEM. */
MUST_USE int mail_add_producer(struct mail *mail, const struct producer *like, uint32_t *out_at);
MUST_USE int mail_add_half(struct mail *mail, const struct half *like, uint32_t *out_at);
MUST_USE int mail_add_inbox(struct mail *mail, const struct inbox *like, uint32_t *out_at);

/* The newest producer of an id, and the next older one; 0: there is none. */
uint32_t mail_find_producer(const struct mail *mail, const uint64_t trace[2], uint64_t id);
uint32_t mail_next_producer(const struct mail *mail, uint32_t at);

/* The newest half that links to an id, and the next older one; 0. */
uint32_t mail_find_target(const struct mail *mail, const uint64_t trace[2], uint64_t id);
uint32_t mail_next_target(const struct mail *mail, uint32_t at);

/* The newest half from one consumer (its ids and site) to one target, and the next older one, that of
 * a copy; 0. */
uint32_t mail_find_half(const struct mail *mail, const struct half *like);
uint32_t mail_next_half(const struct mail *mail, uint32_t at);

uint32_t mail_find_inbox(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                         uint32_t service);

/* Look-ups go to lines that nobody has read for long. These bring closer, for those that come soon, what
 * they read first, and then, in a second step, what that names. */
enum mail_step { MAIL_HEADS, MAIL_ELEMENTS };
void mail_prefetch_producer(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                            enum mail_step step);
void mail_prefetch_half(const struct mail *mail, const struct half *like, enum mail_step step);
void mail_prefetch_inbox(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                         uint32_t service, enum mail_step step);

/* A cell of a producer with these what, service, group and destination, and but for requests this set;
 * 0: there is none. */
uint32_t mail_find_cell(const struct mail *mail, const struct cell *like);

/* The same, made if need be; NULL without room. */
struct cell *mail_take_cell(struct mail *mail, const struct cell *like);

/* An answer for an inbox. Returns: 0; STATUS_FULL (no room). */
MUST_USE int mail_add_answer(struct mail *mail, uint32_t inbox, const struct letter *answer);

/* Gives back what hangs on a producer or an inbox. */
void mail_free_requests(struct mail *mail, struct producer *producer);
void mail_free_answers(struct mail *mail, struct inbox *inbox);

/* Looks at every invariant; for tests. */
void mail_check(const struct mail *mail);

#endif
