/* kin_down.c: downwards.
 *
 * What a span calls is found by going down from it through INTERNAL and kind-less spans of its
 * service (for E4 through CLIENT and PRODUCER spans too). Only calls that are not judged yet are
 * looked for: a judged call left its mark on its side. So most walks end at once, and the sum of
 * both is the same whatever was judged first.
 *
 * Cost: the spans below different callers are different ones, so that all walks of a pass together
 * touch a span once (for E4 at most 64 times); a memo in the caller keeps it at that.
 */
#include <string.h>

#include "base/check.h"
#include "topology/kin.h"

/* ------------------------------------------------------------------ the walk */

/* One span on the way down. */
struct step {
    struct kin_children children;
    uint32_t caller;  /* The nearest CLIENT or PRODUCER on the way, itself included. */
    uint8_t distance; /* From that. */
};

struct walk {
    struct kin *kin;
    uint32_t top;
    uint32_t service;
    bool is_deep; /* Through callers: what is inside (E4); else what answered (E3). */
    uint32_t spans;
    bool is_cut;
    struct kin_answers answers;
    struct kin_inside inside;
    void (*visit)(void *context, uint32_t at); /* Of kin_consumers() and kin_callers(). */
    void *context;
    unsigned depth;
    struct step steps[2 * WALK_STEPS + 2];
};

static void enter(struct walk *walk, uint32_t at, uint32_t caller, uint8_t distance)
{
    struct step *step;

    CHECK(walk->depth < sizeof(walk->steps) / sizeof(walk->steps[0]));
    step = &walk->steps[walk->depth++];
    step->caller = caller;
    step->distance = distance;
    kin_children_begin(walk->kin, at, &step->children);
}

/* Whether a child in another service is a SERVER call, as E14 counts them. */
static bool is_server_call(const struct walk *walk, const struct step *step,
                           const struct remembered *child)
{
    if (child->kind == SPAN_KIND_SERVER)
        return true;
    return child->kind == SPAN_KIND_UNSPECIFIED &&
           !kin_siblings(walk->kin, step->children.parent, kin_service(walk->kin, child))
                .has_server;
}

/* A child in another service, or a call of the service to itself. */
static void found_call(struct walk *walk, const struct step *step, uint32_t at, bool by_server)
{
    const struct remembered *child = kin_span(walk->kin, at);
    unsigned caller = kin_span(walk->kin, step->caller)->kind;

    if (walk->visit != NULL) {
        if (!walk->is_deep && child->kind == SPAN_KIND_CONSUMER)
            walk->visit(walk->context, at);
        return;
    }
    if (kin_is_taken(child, caller))
        return;
    if (kin_may_be_taken(child, caller)) {
        walk->answers.open |= step->caller == walk->top;
        walk->inside.open |= step->caller != walk->top;
        return;
    }
    if (step->caller != walk->top) {
        walk->inside.answered = true;
        return;
    }
    walk->answers.answered = true;
    if (by_server && walk->answers.servers < 2)
        walk->answers.servers++;
}

/* A child in the same service: a call to itself (E5), or a span to go on through. */
static void meet_own(struct walk *walk, const struct step *step, uint32_t at)
{
    const struct remembered *child = kin_span(walk->kin, at);
    unsigned caller = kin_span(walk->kin, step->caller)->kind;

    if (kind_is_quiet(child->kind)) {
        if (step->distance < WALK_STEPS && walk->depth <= 2 * WALK_STEPS)
            enter(walk, at, step->caller, (uint8_t)(step->distance + 1));
        else
            walk->is_cut = true;
        return;
    }
    if (kind_calls(child->kind)) {
        if (!walk->is_deep || at == walk->top)
            return;
        if (walk->depth > WALK_STEPS) {
            walk->is_cut = true;
            return;
        }
        walk->inside.answered |= child->answered;
        walk->inside.expected |= child->expected;
        walk->inside.open |= child->expected;
        walk->inside.producer_waits |= child->kind == SPAN_KIND_PRODUCER && !child->judged;
        if (walk->visit != NULL)
            walk->visit(walk->context, at);
        enter(walk, at, at, 0);
        return;
    }
    if (!child->judged && ((caller == SPAN_KIND_CLIENT && child->kind == SPAN_KIND_SERVER) ||
                           (caller == SPAN_KIND_PRODUCER && child->kind == SPAN_KIND_CONSUMER)))
        found_call(walk, step, at, child->kind == SPAN_KIND_SERVER);
}

static bool is_over(const struct walk *walk)
{
    if (walk->visit != NULL)
        return false;
    if (walk->is_deep)
        return walk->inside.answered;
    return walk->answers.answered &&
           (walk->answers.servers == 2 || kin_span(walk->kin, walk->top)->kind != SPAN_KIND_CLIENT);
}

static void go_down(struct walk *walk)
{
    enter(walk, walk->top, walk->top, 0);
    while (walk->depth != 0 && !is_over(walk)) {
        struct step *step = &walk->steps[walk->depth - 1];
        uint32_t at = kin_children_next(walk->kin, &step->children);
        const struct remembered *child;
        if (at == 0) {
            walk->depth--;
            continue;
        }
        if (walk->spans++ == WALK_DOWN_SPANS) {
            walk->is_cut = true;
            break;
        }
        child = kin_span(walk->kin, at);
        if (kin_service(walk->kin, child) == walk->service)
            meet_own(walk, step, at);
        else if (!child->judged && kin_takes_call(walk->kin, step->children.parent, child))
            found_call(walk, step, at,
                       !walk->is_deep && walk->visit == NULL && is_server_call(walk, step, child));
    }
    walk->kin->walks_cut += walk->is_cut;
}

static void walk_init(struct walk *walk, struct kin *kin, uint32_t at, bool is_deep)
{
    const struct remembered *span = kin_span(kin, at);

    CHECK(kind_calls(span->kind));
    walk->kin = kin;
    walk->top = at;
    walk->service = kin_service(kin, span);
    walk->is_deep = is_deep;
    walk->spans = 0;
    walk->is_cut = false;
    walk->answers = (struct kin_answers){span->answered, span->expected, span->served};
    walk->inside = (struct kin_inside){false, false, false, false};
    walk->visit = NULL;
    walk->depth = 0;
}

/* Most spans have nothing below them, and nothing is to be walked. */
static bool has_children(const struct kin *kin, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);

    return span->halves || slab_live(&kin->store->slab, span->child);
}

/* ------------------------------------------------------------------ memos */

/* A memo is 21 bits of the pass and what was found in it. */
enum {
    MEMO_ANSWERED = 1,
    MEMO_SERVERS = 6,
    MEMO_SERVERS_SHIFT = 1,
    MEMO_HAS_INSIDE = 8,
    MEMO_INSIDE = 16,
    MEMO_PRODUCER_WAITS = 32,
    MEMO_TOOK_LONG = 64,
    MEMO_FOUND = 128, /* There is a memo at all. */
    MEMO_OPEN = 256,
    MEMO_OPEN_INSIDE = 512,
    MEMO_EXPECTED_INSIDE = 1024,
    MEMO_BITS = 11,
};

/* A walk past this many spans took long; what it found may be used for so many passes. */
enum { LONG_SPANS = 4096, LONG_PASSES = 64 };

enum { FEW_ANSWERS = 16 };

static uint32_t memo_of_pass(const struct kin *kin)
{
    return kin->pass << MEMO_BITS;
}

static bool memo_holds(const struct kin *kin, uint32_t memo, bool roughly)
{
    uint32_t age = (kin->pass - (memo >> MEMO_BITS)) & (UINT32_MAX >> MEMO_BITS);

    if ((memo & MEMO_FOUND) == 0)
        return false;
    return age == 0 || (roughly && (memo & MEMO_TOOK_LONG) != 0 && age < LONG_PASSES);
}

static struct kin_answers answers(struct kin *kin, uint32_t at, bool roughly)
{
    uint32_t *memo = &slab_aside(&kin->store->slab, at)->memo;
    struct walk walk;

    if (memo_holds(kin, *memo, roughly))
        return (struct kin_answers){(*memo & MEMO_ANSWERED) != 0, (*memo & MEMO_OPEN) != 0,
                                    (*memo & MEMO_SERVERS) >> MEMO_SERVERS_SHIFT};
    walk_init(&walk, kin, at, false);
    if (has_children(kin, at) && !is_over(&walk))
        go_down(&walk);
    *memo = memo_of_pass(kin) | (walk.answers.answered ? MEMO_ANSWERED : 0) |
            (walk.answers.open ? MEMO_OPEN : 0) | walk.answers.servers << MEMO_SERVERS_SHIFT |
            MEMO_FOUND | (walk.spans > LONG_SPANS ? MEMO_TOOK_LONG : 0);
    return walk.answers;
}

static struct kin_inside inside(struct kin *kin, uint32_t at, bool roughly)
{
    uint32_t *memo = &slab_aside(&kin->store->slab, at)->memo;
    struct walk walk;

    (void)answers(kin, at, roughly); /* So that there is a memo to add to. */
    if ((*memo & MEMO_HAS_INSIDE) != 0)
        return (struct kin_inside){(*memo & MEMO_INSIDE) != 0, (*memo & MEMO_PRODUCER_WAITS) != 0,
                                   (*memo & MEMO_EXPECTED_INSIDE) != 0,
                                   (*memo & MEMO_OPEN_INSIDE) != 0};
    walk_init(&walk, kin, at, true);
    if (has_children(kin, at))
        go_down(&walk);
    *memo |= MEMO_HAS_INSIDE | (walk.inside.answered ? MEMO_INSIDE : 0) |
             (walk.inside.producer_waits ? MEMO_PRODUCER_WAITS : 0) |
             (walk.inside.open ? MEMO_OPEN_INSIDE : 0) |
             (walk.inside.expected ? MEMO_EXPECTED_INSIDE : 0) |
             (walk.spans > LONG_SPANS ? MEMO_TOOK_LONG : 0);
    return walk.inside;
}

/* Of a span whose id nobody shares and whose children are a few SERVERs in other services, the answers
 * are those. */
static bool answers_at_sight(const struct kin *kin, uint32_t at, struct kin_answers *out_answers)
{
    const struct slab *slab = &kin->store->slab;
    const struct remembered *span = kin_span(kin, at);
    uint32_t service = kin_service(kin, span);
    unsigned servers = span->served;
    uint32_t child = span->child;

    if (span->halves || span->kind != SPAN_KIND_CLIENT)
        return false;
    for (unsigned i = 0; slab_live(slab, child); i++) {
        const struct remembered *other = slab_at(slab, child);
        if (i == FEW_ANSWERS || other->kind != SPAN_KIND_SERVER || other->moved ||
            kin_service(kin, other) == service)
            return false;
        servers += !other->judged;
        child = other->sibling;
    }
    *out_answers = (struct kin_answers){span->answered || servers != span->served, span->expected,
                                        servers < 2 ? servers : 2};
    return true;
}

struct kin_answers kin_answers(struct kin *kin, uint32_t at)
{
    return answers(kin, at, false);
}

struct kin_answers kin_answers_roughly(struct kin *kin, uint32_t at)
{
    struct kin_answers found;

    return answers_at_sight(kin, at, &found) ? found : answers(kin, at, true);
}

struct kin_inside kin_inside(struct kin *kin, uint32_t at)
{
    return inside(kin, at, false);
}

struct kin_inside kin_inside_roughly(struct kin *kin, uint32_t at)
{
    return inside(kin, at, true);
}

static void go_to_each(struct kin *kin, uint32_t at, bool is_deep,
                       void (*visit)(void *context, uint32_t at), void *context)
{
    struct walk walk;

    if (!has_children(kin, at))
        return;
    walk_init(&walk, kin, at, is_deep);
    walk.visit = visit;
    walk.context = context;
    go_down(&walk);
}

void kin_consumers(struct kin *kin, uint32_t at, void (*visit)(void *context, uint32_t at),
                   void *context)
{
    go_to_each(kin, at, false, visit, context);
}

void kin_callers(struct kin *kin, uint32_t at, void (*visit)(void *context, uint32_t at),
                 void *context)
{
    go_to_each(kin, at, true, visit, context);
}

/* What a child in another service makes of a span that makes no calls by its kind. */
enum plain { PLAIN_NONE, PLAIN_OPEN, PLAIN_SIDE };

static enum plain plain_side(struct kin *kin, uint32_t at)
{
    uint32_t service = kin_service(kin, kin_span(kin, at));
    unsigned kind = kin_span(kin, at)->kind;
    struct kin_children children;
    enum plain found = PLAIN_NONE;
    uint32_t child;

    if (!has_children(kin, at))
        return PLAIN_NONE;
    kin_children_begin(kin, at, &children);
    while (found != PLAIN_SIDE && (child = kin_children_next(kin, &children)) != 0) {
        const struct remembered *other = kin_span(kin, child);
        if (other->judged || kin_service(kin, other) == service || kin_is_taken(other, kind) ||
            !kin_takes_call(kin, at, other))
            continue;
        found = kin_may_be_taken(other, kind) ? PLAIN_OPEN : PLAIN_SIDE;
    }
    return found != PLAIN_NONE && kin_client_side(kin, at) == 0 ? found : PLAIN_NONE;
}

bool kin_is_plain_side(struct kin *kin, uint32_t at)
{
    CHECK(!kind_calls(kin_span(kin, at)->kind));
    return kin_span(kin, at)->answered || plain_side(kin, at) == PLAIN_SIDE;
}

bool kin_is_open(struct kin *kin, uint32_t at)
{
    const struct remembered *span = kin_span(kin, at);
    struct kin_around around = kin_around_begin(at);
    struct kin_answers answers;
    struct kin_inside inside;
    uint32_t outer;

    if (span->answered)
        return false;
    if (!kind_calls(span->kind))
        return plain_side(kin, at) == PLAIN_OPEN;
    answers = kin_answers(kin, at);
    if (answers.answered || answers.open)
        return !answers.answered;
    inside = kin_inside(kin, at);
    if (inside.answered || inside.open)
        return !inside.answered;
    while ((outer = kin_around_next(kin, &around)) != 0)
        if (kin_answers_roughly(kin, outer).open || kin_inside_roughly(kin, outer).open)
            return true;
    return false;
}
