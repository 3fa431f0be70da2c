/* judge_usual.c: families about which nothing has to be looked for.
 *
 * Most of what is asked before and while a span is judged is about messages that may still be taken,
 * ids that several spans have, callers in each other, and groups. Where one look at the children and
 * the way up shows that there is none of that, all those questions have their answers: see below, with
 * the function of each. Whatever else there is in a family takes the long way, which gives the same.
 */
#include "topology/judge_usual.h"

#include "base/check.h"

enum { STEPS_MAX = 8, CHILDREN_MAX = 16 };

/* As kin_parent(). False: that would have to be looked for, or has not come. */
static bool find_parent(const struct kin *kin, const struct remembered *span, uint32_t *out_parent)
{
    if (slab_live(&kin->store->slab, span->parent_at)) {
        *out_parent = span->parent_at;
        return !kin_span(kin, span->parent_at)->halves;
    }
    *out_parent = 0;
    return kin_is_root(span);
}

/* Whether it is clear that no CLIENT or PRODUCER is around a span of that service (kin_around_next()),
 * and none that left (judge_is_call()): the way up ends at a root, a SERVER, or another service. */
static bool is_outermost(const struct kin *kin, uint32_t parent, uint32_t service)
{
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        const struct remembered *span;
        if (parent == 0)
            return true;
        span = kin_span(kin, parent);
        if (kind_serves(span->kind) || kin_service(kin, span) != service)
            return true;
        if (kind_calls(span->kind) || !find_parent(kin, span, &parent))
            return false;
    }
    return false;
}

bool judge_is_usual(const struct judge *judge, uint32_t at, struct judge_usual *out_usual)
{
    const struct kin *kin = &judge->kin;
    const struct slab *slab = &kin->store->slab;
    const struct remembered *span = kin_span(kin, at);
    bool is_client = span->kind == SPAN_KIND_CLIENT;
    uint32_t service = kin_service(kin, span);
    struct judge_usual usual = {.has_call = false};
    uint32_t child = span->child;

    if (span->halves || span->handed_over || span->links_open || span->kind == SPAN_KIND_PRODUCER ||
        judge->takes_the_long_way)
        return false;
    if (!find_parent(kin, span, &usual.parent) ||
        (is_client && !is_outermost(kin, usual.parent, service)))
        return false;
    for (unsigned i = 0; slab_live(slab, child); i++) {
        const struct remembered *other = slab_at(slab, child);
        bool is_own = kin_service(kin, other) == service;
        if (i == CHILDREN_MAX || other->moved ||
            (is_own ? is_client : other->kind != SPAN_KIND_SERVER))
            return false;
        usual.has_call |= !is_own && !other->judged;
        child = other->sibling;
    }
    *out_usual = usual;
    return true;
}
