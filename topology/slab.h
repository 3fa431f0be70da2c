/* slab.h: remembered spans in the order of their arrival.
 * Is:         blocks of 256 spans; a span is known by its position, which counts up for ever and
 *             wraps after 2^32. The oldest block leaves whole.
 * Invariants: a position is live if it lies between tail and head; 0 never is. What points at a
 *             position that is no longer live points at nothing: nobody has to be told.
 * Threads:    one owner at a time.
 * Memory:     a block is 20.8 KiB and the owner's; the slab owns the directory alone (store.h).
 * Source:     TOPOLOGY E1.
 */
#ifndef SPANMAP_TOPOLOGY_SLAB_H
#define SPANMAP_TOPOLOGY_SLAB_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/status.h"
#include "topology/span.h"

/* For functions that do nothing but prefetch: GCC takes a call of such a one for a call of nothing and
 * leaves it out. */
#define ALWAYS_INLINE __attribute__((always_inline))

enum { BLOCK_SPANS = 256, BLOCK_WORDS = BLOCK_SPANS / 64 };

/* One cache line a span. */
struct remembered {
    uint64_t trace[2];
    uint64_t id;
    uint64_t parent_id; /* As it was named; 0: none. */
    union {
        struct {
            uint64_t duration_ns : 54;
            uint64_t kind : 3;   /* enum span_kind */
            uint64_t status : 2; /* enum span_status */
            uint64_t parent_bad : 1;
            uint64_t no_duration : 1;
            uint64_t skewed : 1;
            uint64_t handed_over : 1; /* A CLIENT around a PRODUCER that left, which is the call. */
            uint64_t spare : 1;
        };
        struct remembered_facts { /* The same, to be written as a whole: */
            uint64_t duration_ns_too : 54;
            uint64_t facts : 8; /* kind to skewed, as in struct span. */
            uint64_t rest : 2;
        } first;
    };
    union {
        struct {
            uint64_t weight : 37;
            uint64_t judged : 1;
            uint64_t halves : 1; /* Others in its trace have its id (E7). */
            uint64_t moved : 1;  /* A SERVER whose client has its id: not a child of parent_at. */
            uint64_t kin_waits : 1;    /* Some child waits to be judged together with it. */
            uint64_t answered : 1;     /* A counted call has it as its side. */
            uint64_t served : 2;       /* How many counted SERVER calls; 2: more than one. */
            uint64_t drawn : 1;        /* Counted as an unanswered call. */
            uint64_t leads : 1;        /* A group was counted by it; its first note says how. */
            uint64_t told : 1;         /* Its duration was observed on the edge to aside.edge ... */
            uint64_t told_message : 1; /* ... as a message ... */
            uint64_t told_more : 1;    /* ... or on those that its notes name. */
            uint64_t has_links : 1;    /* A CONSUMER with links: an inbox has what they lead to. */
            uint64_t links_open : 1;   /* Some of them is not answered yet. */
            uint64_t has_producer : 1; /* Some of them led to a producer. */
            uint64_t is_receive : 1;   /* A CONSUMER that only fetches: no call but a producer's. */
            uint64_t expected : 1;     /* A PRODUCER: halves that lead to it wait. */
            uint64_t start_top : 8;    /* Of slab_start(). */
            uint64_t bereft : 1; /* A CLIENT: what it, or one inside it, called was dropped. */
        };
        struct remembered_marks {
            uint64_t weight_too : 37;
            uint64_t marks : 17; /* judged to expected */
            uint64_t start_top_too : 8;
            uint64_t rest : 2;
        } second;
    };
    uint32_t site;
    uint32_t parent_at; /* The oldest span of its parent's id; 0: not known. */
    uint32_t child;     /* The newest span that named this id, while it was the oldest of it. */
    uint32_t sibling;   /* The next older one that named the same parent. */
};

_Static_assert(sizeof(struct remembered) == 64, "a remembered span is one cache line");

/* What only callers need; of a CONSUMER both hold its start instead (aside_start()). */
struct aside {
    uint32_t edge; /* A service (told) or the first note (told_more); see judge_client.c. */
    uint32_t memo; /* What a walk downwards found (kin_down.c). */
};

static inline uint64_t aside_start(const struct aside *aside)
{
    return (uint64_t)aside->memo << 32 | aside->edge;
}

static inline struct aside aside_of_start(uint64_t start)
{
    return (struct aside){(uint32_t)start, (uint32_t)(start >> 32)};
}

struct block {
    uint64_t pending[BLOCK_WORDS]; /* Bit i: span i is not judged yet. */
    bool has_notes;
    bool has_gone;                 /* Spans left before the last of these came: */
    uint32_t gone_until;           /* the newest of them arrived then. */
    uint32_t arrival[BLOCK_SPANS]; /* In ticks of 2^20 ns, rounded up. */
    uint32_t start_low[BLOCK_SPANS];
    uint8_t start_high[BLOCK_SPANS];
    struct aside aside[BLOCK_SPANS];
    alignas(64) struct remembered spans[BLOCK_SPANS];
};

struct slab {
    struct block **directory; /* By block number, masked. */
    uint32_t directory_mask;
    uint32_t tail; /* Oldest live position; the start of a block. */
    uint32_t head; /* The next one. */
    uint32_t live; /* How far it is from the tail. */
    uint32_t blocks;
    struct block *open; /* The newest block. */
    bool has_gone;      /* As in a block that is opened now. */
    uint32_t gone_until;
    uint64_t remembered;
    uint64_t pending;
};

/* For at most `blocks_max` blocks. Returns: 0; STATUS_NOMEM. */
MUST_USE int slab_init(struct slab *slab, uint32_t blocks_max);
void slab_release(struct slab *slab);

static inline bool slab_live(const struct slab *slab, uint32_t at)
{
    return at != 0 && at - slab->tail < slab->live;
}

/* Whether position `a` came before `b`; both live, or at most a slab apart. */
static inline bool slab_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline struct block *slab_block(const struct slab *slab, uint32_t at)
{
    return slab->directory[at / BLOCK_SPANS & slab->directory_mask];
}

static inline struct remembered *slab_at(const struct slab *slab, uint32_t at)
{
    return &slab_block(slab, at)->spans[at % BLOCK_SPANS];
}

static inline struct aside *slab_aside(const struct slab *slab, uint32_t at)
{
    return &slab_block(slab, at)->aside[at % BLOCK_SPANS];
}

/* Brings a span closer, which may not be live: then it is nothing, or something else. */
static inline ALWAYS_INLINE void slab_prefetch(const struct slab *slab, uint32_t at)
{
    const struct block *block = slab_block(slab, at);

    if (block != NULL)
        __builtin_prefetch(&block->spans[at % BLOCK_SPANS], 1);
}

/* When the span began, in ns, modulo 2^48 (78 hours): enough to lay a child beside its parent. */
static inline uint64_t slab_start(const struct slab *slab, uint32_t at)
{
    const struct block *block = slab_block(slab, at);
    uint32_t place = at % BLOCK_SPANS;

    return block->start_low[place] | (uint64_t)block->start_high[place] << 32 |
           (uint64_t)block->spans[place].start_top << 40;
}

static inline bool slab_pending(const struct slab *slab, uint32_t at)
{
    return (slab_block(slab, at)->pending[at % BLOCK_SPANS / 64] >> at % 64 & 1) != 0;
}

/* Whether the next span needs a block that slab_open() adds. */
static inline bool slab_is_full(const struct slab *slab)
{
    return slab->head % BLOCK_SPANS == 0 && slab_block(slab, slab->head) == NULL;
}

/* Adds an empty block, which is the slab's to write to until slab_close() gives it back. */
void slab_open(struct slab *slab, struct block *block);

/* The line of the next span, to be written whole before slab_push(); there is an open block. */
static inline struct remembered *slab_next(const struct slab *slab)
{
    return &slab->open->spans[slab->head % BLOCK_SPANS];
}

/* What of its start goes into a span's line. */
static inline uint8_t slab_start_top(uint64_t began_ns)
{
    return (uint8_t)(began_ns >> 40);
}

/* Remembers the span that slab_next() was written for, as pending. Its position. */
static inline uint32_t slab_push(struct slab *slab, uint32_t arrival, uint64_t began_ns)
{
    uint32_t at = slab->head;
    struct block *block = slab->open;
    uint32_t place = at % BLOCK_SPANS;

    block->start_low[place] = (uint32_t)began_ns;
    block->start_high[place] = (uint8_t)(began_ns >> 32);
    block->aside[place] = (struct aside){0, 0};
    block->arrival[place] = arrival;
    block->pending[place / 64] |= UINT64_C(1) << place % 64;
    slab->head = at + 1;
    slab->live++;
    slab->remembered++;
    slab->pending++;
    return at;
}

/* The line of the newest span, which was just pushed. */
static inline struct remembered *slab_newest(const struct slab *slab)
{
    return &slab->open->spans[(slab->head - 1) % BLOCK_SPANS];
}

/* Forgets that span. */
void slab_pop(struct slab *slab);

static inline void slab_clear_pending(struct slab *slab, uint32_t at)
{
    uint64_t *word = &slab_block(slab, at)->pending[at % BLOCK_SPANS / 64];
    uint64_t bit = UINT64_C(1) << at % 64;

    CHECK((*word & bit) != 0);
    *word &= ~bit;
    slab->pending--;
}

/* The first pending position from `from` on that comes before `end`, or `end`, which is at most head. */
uint32_t slab_next_pending_before(const struct slab *slab, uint32_t from, uint32_t end);

/* The first pending position from `from` on, or head. Usually it is `from` itself. */
static inline uint32_t slab_next_pending(const struct slab *slab, uint32_t from)
{
    if (from == slab->head || slab_pending(slab, from))
        return from;
    return slab_next_pending_before(slab, from, slab->head);
}

/* Takes the oldest block out, none of whose spans is pending. */
struct block *slab_close(struct slab *slab);

#endif
