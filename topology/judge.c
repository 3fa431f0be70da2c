/* judge.c: the class of a span, and those calls that have one side only. */
#include "topology/judge.h"

#include "base/check.h"
#include "topology/judge_priv.h"

static inline ALWAYS_INLINE void count_operation(struct judge *judge, uint32_t at,
                                                 const struct remembered *span,
                                                 const struct site *site)
{
    uint64_t self_ns = 0;
    bool knows_self = false;

    if (!span->no_duration) {
        knows_self = judge_self_ns(judge, at, &self_ns);
        judge->tally->counts.self_unknown += !knows_self;
    }
    *tally_next_call(judge->tally) = (struct tally_call){
        .service = site->service,
        .name = site->operation,
        .set = site->dimensions,
        .kind = site->kind, /* As it came. */
        .status = (uint8_t)span->status,
        .weight = span->weight,
        .trace = {span->trace[0], span->trace[1]},
        .span = span->id,
        .seconds[SECONDS_LATENCY] = {span->no_duration ? 0 : span->weight, span->duration_ns},
        .seconds[SECONDS_SELF] = {knows_self ? span->weight : 0, self_ns},
    };
    tally_count_call(judge->tally);
}

/* ------------------------------------------------------------------ names (N3, N6) */

uint32_t judge_resolve(const struct judge *judge, const struct site *site, uint32_t peer,
                       bool by_name)
{
    uint32_t found;

    if (!by_name)
        return peer;
    found = catalog_find_reported(judge->catalog, peer, site->peer_has_namespace != 0);
    if (found == CATALOG_NONE)
        return peer;
    return found != site->service ? found : CATALOG_NONE;
}

uint32_t judge_peer(const struct judge *judge, const struct site *site)
{
    uint32_t peer = CATALOG_NONE;

    if (site->peer != CATALOG_NONE)
        peer = judge_resolve(judge, site, site->peer, site->peer_by_name != 0);
    if (peer == CATALOG_NONE && site->peer_else != CATALOG_NONE)
        peer = judge_resolve(judge, site, site->peer_else, site->peer_else_by_name != 0);
    return peer != CATALOG_NONE ? peer : catalog_unknown(judge->catalog);
}

uint32_t judge_consumer_caller(const struct judge *judge, const struct site *site)
{
    uint32_t peer = CATALOG_NONE;

    if (site->destination != CATALOG_NONE)
        return site->destination;
    if (site->peer != CATALOG_NONE && site->peer_by_name)
        peer = judge_resolve(judge, site, site->peer, true);
    if (peer == CATALOG_NONE && site->peer_else != CATALOG_NONE && site->peer_else_by_name)
        peer = judge_resolve(judge, site, site->peer_else, true);
    return peer;
}

/* ------------------------------------------------------------------ one-sided calls */

/* N6: a call from a node that reports nothing. */
static void count_root(struct judge *judge, const struct remembered *span, uint32_t caller,
                       enum connection_type type)
{
    struct tally_request request = {
        .client = caller,
        .server = kin_service(&judge->kin, span),
        .type = type,
        .server_set = kin_set(&judge->kin, span),
        .server_failed = span->status == SPAN_STATUS_ERROR,
        .weight = span->weight,
        .failed = span->status == SPAN_STATUS_ERROR ? span->weight : 0,
        .trace = {span->trace[0], span->trace[1]},
        .server_span = span->id,
    };

    judge_observe(&request, SECONDS_SERVER, span, span->weight);
    judge_add(judge, &request);
}

/* N5, E10, E12: the call goes to a service that answered others there, else to a node that is named
 * after what the caller says; a producer that names its destination is counted on its way there by
 * itself (judge_send()). Whether it was learned. */
static bool count_unanswered(struct judge *judge, const struct remembered *span)
{
    static const enum connection_type types[] = {
        [CALL_OTHER] = CONNECTION_VIRTUAL,
        [CALL_RPC] = CONNECTION_VIRTUAL,
        [CALL_DATABASE] = CONNECTION_DATABASE,
        [CALL_MESSAGING] = CONNECTION_MESSAGING,
    };
    const struct site *site = kin_site(&judge->kin, span);
    uint32_t learned = span->kind == SPAN_KIND_CLIENT ? judge_learned(judge, site) : CATALOG_NONE;
    bool is_learned = learned != CATALOG_NONE;
    struct tally_request request = {
        .client = site->service,
        .server = is_learned ? learned : judge_peer(judge, site),
        .type = is_learned ? CONNECTION_DIRECT : types[site->call],
        .client_set = site->dimensions,
        .client_failed = span->status == SPAN_STATUS_ERROR,
        .weight = span->weight,
        .failed = span->status == SPAN_STATUS_ERROR ? span->weight : 0,
        .trace = {span->trace[0], span->trace[1]},
        .client_span = span->id,
    };

    if (span->kind == SPAN_KIND_PRODUCER && site->destination != CATALOG_NONE)
        request.view = VIEW_DIRECT;
    judge_observe(&request, SECONDS_CLIENT, span, span->weight);
    judge_add(judge, &request);
    return is_learned;
}

/* ------------------------------------------------------------------ classes */

enum { USUAL_CHILDREN = 16 }; /* That are looked at. */

/* What is known of a span while it is judged. */
struct judged {
    uint32_t at;
    struct remembered *span;
    const struct site *site;
    bool is_within; /* No call of its parent, whatever else there is (judge_is_within()). */
    bool is_usual;  /* As below; then */
    bool has_call;  /* a SERVER in another service, not judged yet, names it as its parent. */
    bool is_root;
    bool is_orphan; /* It names a parent that is not here. */
    bool is_paired; /* A side of a counted call. */
    bool is_late;
    bool has_producer; /* E8: of a CONSUMER. */
};

enum class_group { CLASS_INTERNAL, CLASS_PAIRED, CLASS_UNPAIRED, CLASS_DROPPED };

struct span_class {
    enum class_group group;
    enum unpaired_reason reason;
};

static struct span_class unpaired(enum unpaired_reason reason)
{
    return (struct span_class){CLASS_UNPAIRED, reason};
}

static const struct span_class class_paired = {CLASS_PAIRED, 0};
static const struct span_class class_internal = {CLASS_INTERNAL, 0};
static const struct span_class class_dropped = {CLASS_DROPPED, 0};

/* What has to be looked for, unless the span is a usual one. */
static inline bool is_answered(struct judge *judge, const struct judged *judged)
{
    if (judged->is_usual)
        return judged->span->answered || judged->has_call;
    return kin_answers(&judge->kin, judged->at).answered;
}

static inline bool is_call(struct judge *judge, const struct judged *judged)
{
    return judged->is_usual || judge_is_call(judge, judged->at);
}

static inline bool is_plain_side(struct judge *judge, const struct judged *judged)
{
    if (judged->is_usual)
        return judged->span->answered ||
               (judged->has_call && kin_client_side(&judge->kin, judged->at) == 0);
    return kin_is_plain_side(&judge->kin, judged->at);
}

/* What of an unanswered or answered PRODUCER is not in its span; NULL: there was no room. */
static struct producer *producer_of(struct judge *judge, const struct judged *judged)
{
    uint32_t producer = judged->span->kind == SPAN_KIND_PRODUCER
                            ? judge_producer_of(judge, judged->at)
                            : 0;

    return producer != 0 ? mail_producer(judge->mail, producer) : NULL;
}

/* A CLIENT or PRODUCER span, whose call may still be its own to count. */
static inline ALWAYS_INLINE struct span_class judge_caller(struct judge *judge,
                                                           const struct judged *judged)
{
    struct remembered *span = judged->span;
    struct producer *producer = producer_of(judge, judged);
    bool is_side = is_answered(judge, judged);
    bool is_drawn = !is_side && is_call(judge, judged);
    bool is_learned = is_drawn && !span->bereft && count_unanswered(judge, span);

    span->drawn |= is_drawn && !span->bereft;
    if (producer != NULL) {
        producer->drawn |= is_drawn;
        producer->judged = 1;
        if (is_drawn)
            judge_send(judge, producer);
    }
    if (is_side || judged->is_paired)
        return class_paired;
    if (judged->is_orphan)
        return unpaired(UNPAIRED_PARENT_MISSING);
    if (judged->is_late || (is_drawn && producer != NULL && producer->came_late))
        return unpaired(UNPAIRED_LATE);
    if (!is_drawn)
        return class_internal;
    if (span->bereft)
        return class_dropped;
    if (is_learned)
        return unpaired(UNPAIRED_SERVER_SILENT);
    return unpaired(span->kind == SPAN_KIND_CLIENT ? UNPAIRED_NO_SERVER : UNPAIRED_NO_CONSUMER);
}

/* N6: who calls a span that has no caller of its own; CATALOG_NONE: nobody. */
static uint32_t caller_of_root(struct judge *judge, const struct judged *judged)
{
    const struct site *site = judged->site;

    if (!judged->is_root && !(judged->is_orphan && judge->orphan_servers_as_user))
        return CATALOG_NONE;
    if (judged->span->kind == SPAN_KIND_SERVER)
        return catalog_user(judge->catalog);
    if (judged->has_producer || judged->is_late || site->is_receive)
        return CATALOG_NONE;
    return judge_consumer_caller(judge, site);
}

/* A SERVER or CONSUMER span (N6). */
static inline ALWAYS_INLINE struct span_class judge_server(struct judge *judge,
                                                           const struct judged *judged)
{
    const struct remembered *span = judged->span;
    bool is_server = span->kind == SPAN_KIND_SERVER;
    bool is_message = judged->has_producer || judged->site->is_receive;
    uint32_t caller = caller_of_root(judge, judged);

    if (caller != CATALOG_NONE)
        count_root(judge, span, caller, is_server ? CONNECTION_VIRTUAL : CONNECTION_MESSAGING);
    if (judged->is_orphan && !judged->is_paired)
        return unpaired(UNPAIRED_PARENT_MISSING);
    if (judged->is_late)
        return unpaired(UNPAIRED_LATE);
    if (caller != CATALOG_NONE || judged->is_paired || is_plain_side(judge, judged))
        return class_paired;
    return judged->is_root && !is_message ? unpaired(UNPAIRED_NO_PRODUCER) : class_internal;
}

static inline ALWAYS_INLINE struct span_class judge_quiet(struct judge *judge,
                                                          const struct judged *judged)
{
    if (judged->is_paired || is_plain_side(judge, judged))
        return class_paired;
    if (judged->is_orphan)
        return unpaired(UNPAIRED_PARENT_MISSING);
    return judged->is_late ? unpaired(UNPAIRED_LATE) : class_internal;
}

static void count_dropped(struct judge *judge, const struct remembered *span)
{
    struct tally_loss loss = {
        .service = kin_service(&judge->kin, span),
        .kind = (uint8_t)span->kind,
        .dropped = true,
        .reason = DROPPED_EVICTED,
        .traces = {{span->trace[0], span->trace[1]}},
    };

    judge->tally->accounting.dropped[DROPPED_EVICTED]++;
    tally_lose(judge->tally, &loss);
}

static void count_unpaired(struct judge *judge, const struct remembered *span,
                           enum unpaired_reason reason)
{
    struct tally_loss loss = {
        .service = kin_service(&judge->kin, span),
        .kind = (uint8_t)span->kind, /* A CLIENT that sends is a PRODUCER in all (E8). */
        .reason = (uint8_t)reason,
        .traces = {{span->trace[0], span->trace[1]}},
    };

    judge->tally->accounting.unpaired[reason]++;
    tally_lose(judge->tally, &loss);
}

static inline void count_class(struct judge *judge, const struct remembered *span,
                               struct span_class span_class)
{
    struct accounting *accounting = &judge->tally->accounting;

    switch (span_class.group) {
    case CLASS_INTERNAL:
        accounting->internal++;
        break;
    case CLASS_PAIRED:
        accounting->paired++;
        break;
    case CLASS_UNPAIRED:
        count_unpaired(judge, span, span_class.reason);
        break;
    case CLASS_DROPPED:
        count_dropped(judge, span);
        break;
    }
}

/* The call that comes to a span. */
static inline ALWAYS_INLINE void judge_taken(struct judge *judge, struct judged *judged,
                                             uint32_t parent)
{
    enum verdict verdict;

    if (judged->span->kind == SPAN_KIND_CONSUMER) {
        struct consumed consumed = judge_consumer(judge, judged->at, parent);
        judged->has_producer = consumed.has_producer;
        judged->is_paired = consumed.is_paired;
        judged->is_late = consumed.is_late;
        return;
    }
    if (parent == 0 || judged->is_within)
        return;
    verdict = judge_callee(judge, judged->at, parent);
    judged->is_paired = verdict == COUNTED;
    judged->is_late = verdict == LATE;
}

static inline ALWAYS_INLINE void judge_it(struct judge *judge, struct judged *judged,
                                          uint32_t parent)
{
    struct remembered *span = judged->span;
    struct span_class span_class;

    CHECK(!span->judged);
    judged->is_root = kin_is_root(span);
    judged->is_orphan = parent == 0 && !judged->is_root;
    count_operation(judge, judged->at, span, judged->site);
    judge_taken(judge, judged, parent);
    if (parent != 0 && span->kind == SPAN_KIND_SERVER)
        judge_teach(judge, judged->at, parent);
    if (kind_calls(span->kind))
        span_class = judge_caller(judge, judged);
    else if (kind_serves(span->kind))
        span_class = judge_server(judge, judged);
    else
        span_class = judge_quiet(judge, judged);
    count_class(judge, span, span_class);
    span->judged = 1;
    slab_clear_pending(&judge->kin.store->slab, judged->at);
}

void judge_span(struct judge *judge, uint32_t at, uint32_t parent)
{
    struct remembered *span = kin_span(&judge->kin, at);
    struct judged judged = {
        .at = at,
        .span = span,
        .site = kin_site(&judge->kin, span),
        .is_within = parent != 0 && judge_is_within(judge, span, parent),
    };

    judge_it(judge, &judged, parent);
}

/* Whether all that would have to be looked for is known at sight: nearly all of it is about messages
 * that may still be taken, ids that several spans have, callers in each other, and groups. Of a span
 *   - whose id nobody shares, nor its parent's, and whose parent is here or which is a root,
 *   - which is no PRODUCER, has no open links, and no call that one which left took over,
 *   - whose children that are here are at most 16, SERVERs where they are of another service (no
 *     message, no group), and none of which left it for another half of its id,
 *   - and if it is a CLIENT, with no child in its service, and no CLIENT or PRODUCER around it:
 *
 *   kin_parent()          is parent_at, or 0
 *   kin_answers()         of a CLIENT: answered if it is noted so, or has_call; not open
 *   kin_inside()          of a CLIENT: nothing
 *   judge_is_call()       of a CLIENT without an answer: it is
 *   kin_is_plain_side()   of another one: if it is noted so, or has_call, and it is no CLIENT's
 *   kin_is_open()         not: there is nothing to wait for but a parent that came late. */
static inline ALWAYS_INLINE bool is_usual(const struct judge *judge, struct judged *judged,
                                          uint32_t parent)
{
    const struct kin *kin = &judge->kin;
    const struct slab *slab = &kin->store->slab;
    const struct remembered *span = judged->span;
    bool is_client = span->kind == SPAN_KIND_CLIENT;
    uint32_t service = judged->site->service;
    uint32_t child = span->child;

    if (span->handed_over || span->links_open || span->kind == SPAN_KIND_PRODUCER || span->halves)
        return false;
    if (parent != 0) {
        const struct remembered *above = slab_at(slab, parent);
        bool is_own = kin_service(kin, above) == service;
        if (above->halves)
            return false;
        judged->is_within = is_own && !kind_serves(span->kind);
        if (is_client && is_own && !kind_serves(above->kind) &&
            (kind_calls(above->kind) || !kin_is_outermost(kin, parent)))
            return false;
    } else if (!kin_is_root(span)) {
        return false;
    }
    for (unsigned i = 0; slab_live(slab, child); i++) {
        const struct remembered *other = slab_at(slab, child);
        bool is_own = kin_service(kin, other) == service;
        if (i == USUAL_CHILDREN || other->moved ||
            (is_own ? is_client : other->kind != SPAN_KIND_SERVER))
            return false;
        judged->has_call |= !is_own && !other->judged;
        child = other->sibling;
    }
    return true;
}

/* As waits_with_parent() of the shard. */
static inline bool may_wait_with(const struct judge *judge, uint32_t at, uint32_t parent,
                                 uint32_t due)
{
    return parent != 0 && slab_before(at, due) && !slab_before(parent, due) &&
           !kin_span(&judge->kin, parent)->judged;
}

bool judge_usual(struct judge *judge, uint32_t at, struct remembered *span, uint32_t due)
{
    const struct slab *slab = &judge->kin.store->slab;
    struct judged judged = {
        .at = at, .span = span, .site = kin_site(&judge->kin, span), .is_usual = true};
    uint32_t parent = slab_live(slab, span->parent_at) ? span->parent_at : 0;

    if (judge->takes_the_long_way || !is_usual(judge, &judged, parent) ||
        may_wait_with(judge, at, parent, due))
        return false;
    judge_it(judge, &judged, parent);
    judge->usual++;
    return true;
}

void judge_leave(struct judge *judge, uint32_t at, uint32_t parent, uint32_t number)
{
    struct remembered *span = kin_span(&judge->kin, at);
    struct producer *producer = mail_producer(judge->mail, number);
    struct judged judged = {.at = at, .span = span, .site = kin_site(&judge->kin, span)};
    bool is_alone;

    CHECK(!span->judged && !producer->has_left && !producer->judged);
    count_operation(judge, at, span, judged.site);
    judge_taken(judge, &judged, parent);
    producer->is_callee = judged.is_paired;
    producer->is_orphan = parent == 0 && !kin_is_root(span) && span->parent_at == 0;
    is_alone = judge_nest(judge, at, number);
    producer->came_late |= judged.is_late;
    producer->answered |= span->answered;
    producer->has_left = 1;
    producer->at = 0;
    if (is_alone)
        judge_send(judge, producer);
    judge->mail->left_waiting++;
    span->judged = 1;
    slab_clear_pending(&judge->kin.store->slab, at);
}

/* The class of a producer that left, as judge_caller() gives it to a span. */
static struct span_class class_of_left(const struct producer *producer, bool is_call)
{
    if (producer->answered || producer->is_callee)
        return class_paired;
    if (producer->is_orphan)
        return unpaired(UNPAIRED_PARENT_MISSING);
    if (producer->came_late)
        return unpaired(UNPAIRED_LATE);
    return is_call ? unpaired(UNPAIRED_NO_CONSUMER) : class_internal;
}

void judge_left(struct judge *judge, uint32_t number)
{
    struct producer *producer = mail_producer(judge->mail, number);
    struct remembered span = judge_remembered(producer);
    bool is_call = !producer->answered && judge_left_is_call(judge, number);

    CHECK(producer->has_left && !producer->judged && judge->mail->left_waiting != 0);
    if (is_call) {
        producer->drawn = 1;
        (void)count_unanswered(judge, &span); /* A producer's peer is never learned. */
    }
    if (producer->drawn)
        judge_send(judge, producer);
    count_class(judge, &span, class_of_left(producer, is_call));
    producer->judged = 1;
    judge->mail->left_waiting--;
}

void judge_drop(struct judge *judge, uint32_t at, uint32_t parent)
{
    struct remembered *span = kin_span(&judge->kin, at);

    CHECK(!span->judged);
    if (parent != 0)
        judge_bereave(judge, at, parent);
    count_dropped(judge, span);
    span->judged = 1;
    slab_clear_pending(&judge->kin.store->slab, at);
}
