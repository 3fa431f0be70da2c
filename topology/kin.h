/* kin.h: who is whose parent, and what follows from it.
 * Is:         the walks over remembered spans: up to a parent, a client, what is around a span;
 *             down to answers and siblings. All are pure questions about what is known now.
 * Is not:     a decision on what counts (judge.h).
 * Invariants: answers do not depend on the order in which spans came, as long as none left.
 * Threads:    one owner at a time.
 * Memory:     none of its own; walks have 64 steps up, and down as many again with a bound on all.
 * Source:     TOPOLOGY E2, E3, E4, E7, E17.
 */
#ifndef SPANMAP_TOPOLOGY_KIN_H
#define SPANMAP_TOPOLOGY_KIN_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/catalog.h"
#include "topology/crowd.h"
#include "topology/store.h"

enum {
    WALK_STEPS = 64,           /* Up. */
    WALK_DOWN_SPANS = 1 << 16, /* All that one walk down may see. */
    WALK_SIBLINGS = 1024,      /* Children that are gone through for one of them. */
    OUTERMOST_STEPS = 8,       /* Of kin_is_outermost(). */
};

struct kin {
    struct store *store;
    const struct catalog *catalog;
    const struct site_entry *sites; /* Its sites. */
    uint32_t pass;      /* Grows whenever spans came since the last walk: memos are of one pass. */
    uint64_t walks_cut; /* Walks that ended at their bound. */
    uint64_t open;      /* Pending CONSUMERs of whose links not all are answered. */
    bool any_taken;     /* Some CONSUMER may be no call of its parent (kin_is_taken()). */
    struct crowd crowd;
};

static inline struct remembered *kin_span(const struct kin *kin, uint32_t at)
{
    return slab_at(&kin->store->slab, at);
}

static inline const struct site *kin_site_at(const struct kin *kin, uint32_t site)
{
    return &kin->sites[site].site;
}

static inline const struct site *kin_site(const struct kin *kin, const struct remembered *span)
{
    return kin_site_at(kin, span->site);
}

static inline uint32_t kin_service(const struct kin *kin, const struct remembered *span)
{
    return kin_site(kin, span)->service;
}

/* Values of dimensions. */
static inline uint32_t kin_set(const struct kin *kin, const struct remembered *span)
{
    return kin_site(kin, span)->dimensions;
}

/* Kinds that make calls, and kinds that E3 and E4 walk through. */
static inline bool kind_calls(unsigned kind)
{
    return kind == SPAN_KIND_CLIENT || kind == SPAN_KIND_PRODUCER;
}

static inline bool kind_is_quiet(unsigned kind)
{
    return kind == SPAN_KIND_INTERNAL || kind == SPAN_KIND_UNSPECIFIED;
}

static inline bool kind_serves(unsigned kind)
{
    return kind == SPAN_KIND_SERVER || kind == SPAN_KIND_CONSUMER;
}

/* E8, N6: whether a child is no call of its parent, since it is a consumer that has a producer, or
 * that only fetches. */
static inline bool kin_is_taken(const struct remembered *child, unsigned side_kind)
{
    return (child->has_producer || child->is_receive) && side_kind != SPAN_KIND_PRODUCER;
}

/* Whether that is not known yet. */
static inline bool kin_may_be_taken(const struct remembered *child, unsigned side_kind)
{
    return child->links_open && side_kind != SPAN_KIND_PRODUCER;
}

/* ------------------------------------------------------------------ up */

/* Whether the span names no parent. A SERVER whose client has its id is no root. */
static inline bool kin_is_root(const struct remembered *span)
{
    return span->parent_id == 0 && !span->parent_bad && !span->moved;
}

/* E7: which of the spans of one id is the parent of a child of that kind and service. */
uint32_t kin_parent_among(const struct kin *kin, unsigned kind, uint32_t service,
                          const struct matches *candidates);

/* The same as kin_parent() below, of any span. */
uint32_t kin_parent_by_id(const struct kin *kin, uint32_t at);

/* E7: the span's parent; 0: it has none, or none that is known. Nearly always nobody shares an id with
 * either, and the span is linked with its parent. */
static inline uint32_t kin_parent(const struct kin *kin, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);

    if (!span->moved) {
        if (slab_live(&kin->store->slab, span->parent_at) &&
            !kin_span(kin, span->parent_at)->halves)
            return span->parent_at;
        if (span->parent_id == 0)
            return 0;
    }
    return kin_parent_by_id(kin, at);
}

/* The same as kin_client_side() below, of a span that makes no calls itself. */
uint32_t kin_client_side_above(struct kin *kin, uint32_t at);

/* E3: the CLIENT or PRODUCER span that a call made under this span belongs to; 0: none. */
static inline uint32_t kin_client_side(struct kin *kin, uint32_t at)
{
    return kind_calls(kin_span(kin, at)->kind) ? at : kin_client_side_above(kin, at);
}

/* Whether kin_parent() needs no look: neither the span nor its parent shares its id, and the parent, if
 * the span names one, is here. Then it is `parent_at`. */
static inline bool kin_is_linked(const struct kin *kin, const struct remembered *span)
{
    if (span->halves)
        return false;
    return slab_live(&kin->store->slab, span->parent_at) ? !kin_span(kin, span->parent_at)->halves
                                                         : kin_is_root(span);
}

/* E4: goes through the CLIENT and PRODUCER spans that a span is nested in. */
struct kin_around {
    uint32_t span;
    uint32_t walked;
    uint32_t steps;
};

static inline struct kin_around kin_around_begin(uint32_t at)
{
    return (struct kin_around){at, at, 0};
}

/* The next one; 0: there are no more. */
uint32_t kin_around_next(struct kin *kin, struct kin_around *around);

/* Whether it is clear at first sight that there is none, and that none left: the way up goes by links
 * alone (kin_is_linked()) and ends soon, at a root, a SERVER or CONSUMER, or another service. */
static inline bool kin_is_outermost(const struct kin *kin, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);
    uint32_t service = kin_service(kin, span);

    for (unsigned i = 0; i < OUTERMOST_STEPS && kin_is_linked(kin, span); i++) {
        if (span->parent_id == 0)
            return true;
        span = kin_span(kin, span->parent_at);
        if (kind_serves(span->kind) || kin_service(kin, span) != service)
            return true;
        if (kind_calls(span->kind))
            return false;
    }
    return false;
}

/* ------------------------------------------------------------------ down */

/* Goes through the children of a span, newest first. */
struct kin_children {
    uint32_t parent;
    uint32_t next;
    uint32_t own_left; /* Spans of the parent's own id that are still to be looked at. */
    bool has_halves;
    struct matches own; /* If it has. */
};

/* The same of an id that several spans have (E7). */
void kin_children_begin_shared(const struct kin *kin, struct kin_children *children);
uint32_t kin_children_next_shared(const struct kin *kin, struct kin_children *children);

static inline void kin_children_begin(const struct kin *kin, uint32_t parent,
                                      struct kin_children *children)
{
    const struct remembered *span = kin_span(kin, parent);

    children->parent = parent;
    children->next = span->child;
    children->has_halves = span->halves;
    if (span->halves)
        kin_children_begin_shared(kin, children);
}

/* The next one; 0: there are no more. */
static inline uint32_t kin_children_next(const struct kin *kin, struct kin_children *children)
{
    if (children->has_halves)
        return kin_children_next_shared(kin, children);
    while (slab_live(&kin->store->slab, children->next)) {
        uint32_t at = children->next;
        const struct remembered *span = kin_span(kin, at);
        children->next = span->sibling;
        if (!span->moved)
            return at;
    }
    return 0;
}

/* E2: what there is among a parent's children in one service. */
struct kin_siblings {
    bool has_server; /* SERVER or CONSUMER */
    bool has_kindless;
    bool failed;     /* Any of those that do not serve. */
    bool is_cut;     /* There are too many to say; nothing here is whole. */
    uint32_t leader; /* By which they were counted as a group; 0: they were not. */
    uint64_t weight; /* The largest of those that do not serve. */
    bool has_set;
    uint32_t set; /* Their values of dimensions, if all have the same. */
};
struct kin_siblings kin_siblings(struct kin *kin, uint32_t parent, uint32_t service);

/* Whether a child in another service takes a call of its parent, alone or with its siblings. */
bool kin_takes_call(struct kin *kin, uint32_t parent, const struct remembered *child);

/* Notes that a span leads its siblings now; sets its mark. */
void kin_lead(struct kin *kin, uint32_t parent, uint32_t at);

/* Notes that a SERVER leaves the parent that it named for the CLIENT that has its id. */
void kin_move(struct kin *kin, uint32_t at);

/* What answered a CLIENT or PRODUCER span, judged or still to be judged. */
struct kin_answers {
    bool answered;
    bool open;        /* A CONSUMER may turn out to be its answer, or that of another. */
    unsigned servers; /* SERVER (or kind-less) calls; 2: more than one. */
};
struct kin_answers kin_answers(struct kin *kin, uint32_t at);

/* The same of a span that is not the one to be judged: where finding out took long, what was found
 * holds for some passes. Else a sender could have a large family gone through for each of its spans. */
struct kin_answers kin_answers_roughly(struct kin *kin, uint32_t at);

/* E4: what is nested in a CLIENT or PRODUCER span. */
struct kin_inside {
    bool answered;       /* A CLIENT or PRODUCER in it has an answer. */
    bool producer_waits; /* A PRODUCER in it is not judged yet. */
    bool expected;       /* A message of one in it may be taken by consumers that linked to it. */
    bool open;           /* As above, of one in it. */
};
struct kin_inside kin_inside(struct kin *kin, uint32_t at);
struct kin_inside kin_inside_roughly(struct kin *kin, uint32_t at); /* As above. */

/* E2: whether a span that makes no calls by its kind is the side of one all the same. */
bool kin_is_plain_side(struct kin *kin, uint32_t at);

/* Whether an answer that is still open decides about the span. */
bool kin_is_open(struct kin *kin, uint32_t at);

/* Calls `visit` for the CONSUMERs that take from a PRODUCER by parents and are not judged. */
void kin_consumers(struct kin *kin, uint32_t at, void (*visit)(void *context, uint32_t at),
                   void *context);

/* E4: the same for the CLIENT and PRODUCER spans that are nested in one. */
void kin_callers(struct kin *kin, uint32_t at, void (*visit)(void *context, uint32_t at),
                 void *context);

#endif
