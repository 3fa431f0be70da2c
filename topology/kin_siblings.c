/* kin_siblings.c: what the children of one parent in one service are to each other (E2).
 *
 * A few children are gone through. Of many, sums are kept (crowd.h), which only have to catch up
 * with the children that came since. They are sums of all children of an id: where spans share it
 * (E7), those that serve belong to one of them and the others to one, too, so that the sums tell
 * each half's. Where none of this is possible, the answer says that it is cut.
 */
#include "base/check.h"
#include "topology/kin.h"

enum { FAMILY_SMALL = 32 };

/* Weight and status are of those that may be a group together. */
static void add(const struct kin *kin, struct kin_siblings *siblings, const struct remembered *span,
                uint32_t at)
{
    if (kind_serves(span->kind)) {
        siblings->has_server = true;
        return;
    }
    siblings->has_kindless |= span->kind == SPAN_KIND_UNSPECIFIED;
    siblings->failed |= span->status == SPAN_STATUS_ERROR;
    siblings->set = crowd_set(siblings->has_set, siblings->set, kin_set(kin, span));
    siblings->has_set = true;
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
            add(kin, &siblings, span, at);
    }
    return siblings;
}

/* Brings the sums of the children of an id up to the newest one. */
static void catch_up(struct kin *kin, uint32_t oldest)
{
    const struct slab *slab = &kin->store->slab;
    uint32_t newest = kin_span(kin, oldest)->child;
    uint32_t known = crowd_newest(&kin->crowd, oldest);

    if (known == newest)
        return;
    if (known == 0)
        crowd_begin(&kin->crowd, slab, oldest, newest);
    else
        crowd_go_on(&kin->crowd, oldest, newest);
    for (uint32_t at = newest; slab_live(slab, at) && at != known;) {
        const struct remembered *span = kin_span(kin, at);
        if (!span->moved)
            crowd_add(&kin->crowd, slab, oldest, kin_service(kin, span), kin_set(kin, span), at);
        at = span->sibling;
    }
}

/* What the sums say of the half whose children do not serve, which are the ones that ask. Those that
 * serve may be another half's. A SERVER with that very id is not among them: the others in its
 * service are its own children, not its siblings. */
static struct kin_siblings of_half(const struct kin *kin, const struct crowd_sum *sum,
                                   uint32_t parent)
{
    struct kin_siblings siblings = {
        .has_server = sum->servers != 0,
        .has_kindless = sum->kindless != 0,
        .failed = sum->failed,
        .leader = slab_live(&kin->store->slab, sum->leader) ? sum->leader : 0,
        .weight = sum->weight,
        .has_set = sum->has_set,
        .set = sum->set,
    };
    const struct remembered *span = kin_span(kin, parent);
    struct matches own;

    if (!span->halves)
        return siblings;
    store_find(kin->store, span, span->id, &own);
    if (kin_parent_among(kin, SPAN_KIND_SERVER, sum->service, &own) != parent)
        siblings.has_server = false;
    return siblings;
}

static uint32_t oldest_of_id(const struct kin *kin, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);
    struct matches own;

    if (!span->halves)
        return at;
    store_find(kin->store, span, span->id, &own);
    return own.oldest;
}

struct kin_siblings kin_siblings(struct kin *kin, uint32_t parent, uint32_t service)
{
    struct kin_siblings siblings = go_through(kin, parent, service, FAMILY_SMALL);
    const struct crowd_sum *sum;
    uint32_t oldest;

    if (!siblings.is_cut)
        return siblings;
    oldest = oldest_of_id(kin, parent);
    catch_up(kin, oldest);
    sum = crowd_find(&kin->crowd, oldest, service);
    if (sum != NULL)
        return of_half(kin, sum, parent);
    siblings = go_through(kin, parent, service, WALK_SIBLINGS);
    kin->walks_cut += siblings.is_cut;
    return siblings;
}

void kin_lead(struct kin *kin, uint32_t parent, uint32_t at)
{
    struct remembered *span = kin_span(kin, at);
    struct crowd_sum *sum = crowd_find(&kin->crowd, oldest_of_id(kin, parent),
                                       kin_service(kin, span));

    CHECK(!span->leads);
    span->leads = 1;
    if (sum != NULL)
        sum->leader = at;
}

void kin_move(struct kin *kin, uint32_t at)
{
    struct remembered *span = kin_span(kin, at);
    uint32_t oldest = span->parent_at;
    uint32_t newest;
    struct crowd_sum *sum;

    CHECK(!span->moved && span->kind == SPAN_KIND_SERVER);
    span->moved = 1;
    if (!slab_live(&kin->store->slab, oldest))
        return;
    newest = crowd_newest(&kin->crowd, oldest);
    sum = crowd_find(&kin->crowd, oldest, kin_service(kin, span));
    if (sum != NULL && newest != 0 && !slab_before(newest, at) && sum->servers != 0)
        sum->servers--;
}

/* Most families need no second look: where there is a SERVER, that is the call. */
bool kin_takes_call(struct kin *kin, uint32_t parent, const struct remembered *child)
{
    struct kin_siblings siblings;

    if (kind_serves(child->kind) || !kin->any_taken)
        return true;
    siblings = kin_siblings(kin, parent, kin_service(kin, child));
    return !siblings.is_cut && !siblings.has_server &&
           (!siblings.has_kindless || child->kind == SPAN_KIND_UNSPECIFIED);
}
