/* kin.c: upwards.
 *
 * A child is linked with the oldest span of its parent's id. Where that id is shared, the parent is
 * chosen anew at each question, so that it cannot matter which of them came first.
 */
#include "topology/kin.h"

#include "base/check.h"

/* E7: the order of kinds among candidates. */
static unsigned rank_of(unsigned kind)
{
    static const uint8_t ranks[SPAN_KIND_COUNT] = {
        [SPAN_KIND_SERVER] = 0,   [SPAN_KIND_CLIENT] = 1,   [SPAN_KIND_PRODUCER] = 2,
        [SPAN_KIND_CONSUMER] = 3, [SPAN_KIND_INTERNAL] = 4, [SPAN_KIND_UNSPECIFIED] = 5,
    };

    CHECK(kind < SPAN_KIND_COUNT);
    return ranks[kind];
}

static bool is_lower(const struct kin *kin, uint32_t a, uint32_t b)
{
    const struct remembered *one = kin_span(kin, a);
    const struct remembered *two = kin_span(kin, b);
    unsigned ranks[2] = {rank_of(one->kind), rank_of(two->kind)};

    if (ranks[0] != ranks[1])
        return ranks[0] < ranks[1];
    return node_compare(catalog_node_at(kin->catalog, kin_service(kin, one)),
                        catalog_node_at(kin->catalog, kin_service(kin, two))) < 0;
}

static uint32_t lower(const struct kin *kin, uint32_t a, uint32_t b)
{
    return a == 0 || is_lower(kin, b, a) ? b : a;
}

uint32_t kin_parent_among(const struct kin *kin, unsigned kind, uint32_t service,
                          const struct matches *candidates)
{
    uint32_t half = 0;
    uint32_t any = 0;

    for (uint32_t i = 0; i < candidates->count; i++) {
        uint32_t at = candidates->at[i];
        const struct remembered *span = kin_span(kin, at);
        bool fits = kind_serves(kind) ? span->kind == SPAN_KIND_CLIENT
                                      : kin_service(kin, span) == service;
        any = lower(kin, any, at);
        if (fits)
            half = lower(kin, half, at);
    }
    return half != 0 ? half : any;
}

/* The CLIENT that shares the id of a moved SERVER; 0: it left. */
static uint32_t client_of_same_id(const struct kin *kin, const struct matches *own)
{
    uint32_t client = 0;

    for (uint32_t i = 0; i < own->count; i++)
        if (kin_span(kin, own->at[i])->kind == SPAN_KIND_CLIENT)
            client = lower(kin, client, own->at[i]);
    return client;
}

uint32_t kin_parent_by_id(const struct kin *kin, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);
    struct matches candidates;

    if (span->moved) {
        uint32_t client;
        store_find(kin->store, span, span->id, &candidates);
        client = client_of_same_id(kin, &candidates);
        if (client != 0)
            return client;
    }
    if (span->parent_id == 0 || span->parent_bad)
        return 0;
    if (slab_live(&kin->store->slab, span->parent_at) && !kin_span(kin, span->parent_at)->halves)
        return span->parent_at;
    store_find(kin->store, span, span->parent_id, &candidates);
    return kin_parent_among(kin, span->kind, kin_service(kin, span), &candidates);
}

uint32_t kin_client_side_above(struct kin *kin, uint32_t at)
{
    uint32_t service = kin_service(kin, kin_span(kin, at));

    for (unsigned i = 0; i <= WALK_STEPS; i++) {
        const struct remembered *span = kin_span(kin, at);
        if (kind_calls(span->kind))
            return at;
        if (!kind_is_quiet(span->kind))
            return 0;
        at = kin_parent(kin, at);
        if (at == 0 || kin_service(kin, kin_span(kin, at)) != service)
            return 0;
    }
    kin->walks_cut++;
    return 0;
}

uint32_t kin_around_next(struct kin *kin, struct kin_around *around)
{
    uint32_t service = kin_service(kin, kin_span(kin, around->span));

    while (around->steps < WALK_STEPS) {
        const struct remembered *span;
        around->steps++;
        around->walked = kin_parent(kin, around->walked);
        if (around->walked == 0)
            return 0;
        span = kin_span(kin, around->walked);
        if (kin_service(kin, span) != service)
            return 0;
        if (kind_calls(span->kind)) {
            if (around->walked != around->span)
                return around->walked;
        } else if (!kind_is_quiet(span->kind)) {
            return 0;
        }
    }
    kin->walks_cut++;
    return 0;
}

/* ------------------------------------------------------------------ children */

void kin_children_begin_shared(const struct kin *kin, struct kin_children *children)
{
    const struct remembered *span = kin_span(kin, children->parent);

    store_find(kin->store, span, span->id, &children->own);
    CHECK(children->own.count != 0);
    children->next = kin_span(kin, children->own.oldest)->child;
    children->own_left = span->kind == SPAN_KIND_CLIENT ? children->own.count : 0;
}

/* Whether a child of the parent's id is a child of this half. */
static bool is_of_half(const struct kin *kin, const struct kin_children *children, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);

    return kin_parent_among(kin, span->kind, kin_service(kin, span), &children->own) ==
           children->parent;
}

uint32_t kin_children_next_shared(const struct kin *kin, struct kin_children *children)
{
    while (children->own_left != 0) {
        uint32_t at = children->own.at[--children->own_left];
        if (kin_span(kin, at)->moved && client_of_same_id(kin, &children->own) == children->parent)
            return at;
    }
    while (slab_live(&kin->store->slab, children->next)) {
        uint32_t at = children->next;
        const struct remembered *span = kin_span(kin, at);
        children->next = span->sibling;
        if (!span->moved && is_of_half(kin, children, at))
            return at;
    }
    return 0;
}
