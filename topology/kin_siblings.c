/* kin_siblings.c: what the children of one parent in one service are to each other (E2).
 *
 * A few children are gone through. Of many, sums are kept (crowd.h), which only have to catch up
 * with the children that came since. Where neither is possible, the answer says that it is cut.
 */
#include "base/check.h"
#include "topology/kin.h"

enum { FAMILY_SMALL = 32 };

static void add(struct kin_siblings *siblings, const struct remembered *span, uint32_t at)
{
    siblings->has_server |= kind_serves(span->kind);
    siblings->has_kindless |= span->kind == SPAN_KIND_UNSPECIFIED;
    siblings->failed |= span->status == SPAN_STATUS_ERROR;
    if (span->weight > siblings->weight)
        siblings->weight = span->weight;
    if (span->leads)
        siblings->leader = at;
}

/* Goes through at most `spans_max` children; is_cut if there are more. */
static struct kin_siblings go_through(const struct kin *kin, uint32_t parent, uint32_t service,
                                      unsigned spans_max)
{
    struct kin_siblings siblings = {.leader = 0};
    struct kin_children children;
    unsigned spans = 0;
    uint32_t at;

    kin_children_begin(kin, parent, &children);
    while ((at = kin_children_next(kin, &children)) != 0) {
        const struct remembered *span = kin_span(kin, at);
        if (spans++ == spans_max) {
            siblings.is_cut = true;
            break;
        }
        if (kin_service(kin, span) == service)
            add(&siblings, span, at);
    }
    return siblings;
}

/* Brings the sums of a parent up to its newest child. */
static void catch_up(struct kin *kin, uint32_t parent)
{
    const struct slab *slab = &kin->store->slab;
    uint32_t newest = kin_span(kin, parent)->child;
    uint32_t known = crowd_newest(&kin->crowd, parent);

    if (known == newest)
        return;
    if (known == 0)
        crowd_begin(&kin->crowd, slab, parent, newest);
    else
        crowd_go_on(&kin->crowd, parent, newest);
    for (uint32_t at = newest; slab_live(slab, at) && at != known;) {
        const struct remembered *span = kin_span(kin, at);
        struct crowd_sum *sum;
        if (!span->moved) {
            crowd_add(&kin->crowd, slab, parent, kin_service(kin, span), span);
            sum = span->leads ? crowd_find(&kin->crowd, parent, kin_service(kin, span)) : NULL;
            if (sum != NULL)
                sum->leader = at;
        }
        at = span->sibling;
    }
}

struct kin_siblings kin_siblings(struct kin *kin, uint32_t parent, uint32_t service)
{
    struct kin_siblings siblings = go_through(kin, parent, service, FAMILY_SMALL);
    const struct crowd_sum *sum;

    if (!siblings.is_cut)
        return siblings;
    if (!kin_span(kin, parent)->halves) {
        catch_up(kin, parent);
        sum = crowd_find(&kin->crowd, parent, service);
        if (sum != NULL)
            return (struct kin_siblings){
                .has_server = sum->servers != 0,
                .has_kindless = sum->kindless != 0,
                .failed = sum->failed,
                .leader = slab_live(&kin->store->slab, sum->leader) ? sum->leader : 0,
                .weight = sum->weight,
            };
    }
    siblings = go_through(kin, parent, service, WALK_SIBLINGS);
    kin->walks_cut += siblings.is_cut;
    return siblings;
}

void kin_lead(struct kin *kin, uint32_t parent, uint32_t at)
{
    struct remembered *span = kin_span(kin, at);
    struct crowd_sum *sum = crowd_find(&kin->crowd, parent, kin_service(kin, span));

    CHECK(!span->leads);
    span->leads = 1;
    if (sum != NULL)
        sum->leader = at;
}

void kin_move(struct kin *kin, uint32_t at)
{
    struct remembered *span = kin_span(kin, at);
    uint32_t parent = span->parent_at;
    uint32_t newest;
    struct crowd_sum *sum;

    CHECK(!span->moved && span->kind == SPAN_KIND_SERVER);
    span->moved = 1;
    if (!slab_live(&kin->store->slab, parent))
        return;
    newest = crowd_newest(&kin->crowd, parent);
    sum = crowd_find(&kin->crowd, parent, kin_service(kin, span));
    if (sum != NULL && newest != 0 && !slab_before(newest, at) && sum->servers != 0)
        sum->servers--;
}
