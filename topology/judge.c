/* judge.c: the class of a span, and those calls that have one side only. */
#include "topology/judge.h"

#include "base/check.h"
#include "topology/judge_priv.h"
#include "topology/judge_usual.h"

static void count_operation(struct judge *judge, uint32_t at)
{
    const struct remembered *span = kin_span(&judge->kin, at);
    const struct site *site = kin_site(&judge->kin, span);
    struct tally_call call = {
        .service = site->service,
        .name = site->operation,
        .set = site->dimensions,
        .kind = site->kind, /* As it came. */
        .status = (uint8_t)span->status,
        .weight = span->weight,
        .trace = {span->trace[0], span->trace[1]},
        .span = span->id,
    };

    if (!span->no_duration) {
        uint64_t self_ns;
        tally_observe(judge->tally, &call.seconds[SECONDS_LATENCY], span->duration_ns,
                      span->weight);
        if (!judge_self_ns(judge, at, &self_ns))
            judge->tally->counts.self_unknown++;
        else if (self_ns == span->duration_ns) /* As of each that called nobody. */
            call.seconds[SECONDS_SELF] = call.seconds[SECONDS_LATENCY];
        else
            tally_observe(judge->tally, &call.seconds[SECONDS_SELF], self_ns, span->weight);
    }
    tally_add_call(judge->tally, &call);
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

    judge_observe(judge, &request, SECONDS_SERVER, span, span->weight);
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
    judge_observe(judge, &request, SECONDS_CLIENT, span, span->weight);
    judge_add(judge, &request);
    return is_learned;
}

/* ------------------------------------------------------------------ classes */

/* What is known of a span while it is judged. */
struct judged {
    uint32_t at;
    struct remembered *span;
    const struct judge_usual *usual; /* NULL: all has to be looked for. */
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

/* The three questions that judge_usual.h has the answers to. */
static bool is_answered(struct judge *judge, const struct judged *judged)
{
    if (judged->usual != NULL)
        return judged->span->answered || judged->usual->has_call;
    return kin_answers(&judge->kin, judged->at).answered;
}

static bool is_call(struct judge *judge, const struct judged *judged)
{
    return judged->usual != NULL || judge_is_call(judge, judged->at);
}

static bool is_plain_side(struct judge *judge, const struct judged *judged)
{
    if (judged->usual != NULL)
        return judged->span->answered ||
               (judged->usual->has_call && kin_client_side(&judge->kin, judged->at) == 0);
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
static struct span_class judge_caller(struct judge *judge, const struct judged *judged)
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
    const struct site *site = kin_site(&judge->kin, judged->span);

    if (!judged->is_root && !(judged->is_orphan && judge->orphan_servers_as_user))
        return CATALOG_NONE;
    if (judged->span->kind == SPAN_KIND_SERVER)
        return catalog_user(judge->catalog);
    if (judged->has_producer || judged->is_late || site->is_receive)
        return CATALOG_NONE;
    return judge_consumer_caller(judge, site);
}

/* A SERVER or CONSUMER span (N6). */
static struct span_class judge_server(struct judge *judge, const struct judged *judged)
{
    const struct remembered *span = judged->span;
    bool is_server = span->kind == SPAN_KIND_SERVER;
    bool is_message = judged->has_producer || kin_site(&judge->kin, span)->is_receive;
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

static struct span_class judge_quiet(struct judge *judge, const struct judged *judged)
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

static void count_class(struct judge *judge, const struct remembered *span,
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
static void judge_taken(struct judge *judge, struct judged *judged, uint32_t parent)
{
    enum verdict verdict;

    if (judged->span->kind == SPAN_KIND_CONSUMER) {
        struct consumed consumed = judge_consumer(judge, judged->at, parent);
        judged->has_producer = consumed.has_producer;
        judged->is_paired = consumed.is_paired;
        judged->is_late = consumed.is_late;
        return;
    }
    if (parent == 0)
        return;
    verdict = judge_callee(judge, judged->at, parent);
    judged->is_paired = verdict == COUNTED;
    judged->is_late = verdict == LATE;
}

void judge_span(struct judge *judge, uint32_t at, uint32_t parent, const struct judge_usual *usual)
{
    struct remembered *span = kin_span(&judge->kin, at);
    struct judged judged = {
        .at = at,
        .span = span,
        .usual = usual,
        .is_root = kin_is_root(span),
        .is_orphan = parent == 0 && !kin_is_root(span),
    };
    struct span_class span_class;

    CHECK(!span->judged);
    count_operation(judge, at);
    judge_taken(judge, &judged, parent);
    if (parent != 0 && span->kind == SPAN_KIND_SERVER)
        judge_teach(judge, at, parent);
    if (kind_calls(span->kind))
        span_class = judge_caller(judge, &judged);
    else if (kind_serves(span->kind))
        span_class = judge_server(judge, &judged);
    else
        span_class = judge_quiet(judge, &judged);
    count_class(judge, span, span_class);
    span->judged = 1;
    slab_clear_pending(&judge->kin.store->slab, at);
}

void judge_leave(struct judge *judge, uint32_t at, uint32_t parent, uint32_t number)
{
    struct remembered *span = kin_span(&judge->kin, at);
    struct producer *producer = mail_producer(judge->mail, number);
    struct judged judged = {.at = at, .span = span};
    bool is_alone;

    CHECK(!span->judged && !producer->has_left && !producer->judged);
    count_operation(judge, at);
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
