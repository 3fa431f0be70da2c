/* judge_call.c: calls with both sides seen. */
#include "base/check.h"
#include "topology/judge_priv.h"

enum connection_type judge_type(const struct judge *judge, const struct remembered *side,
                                unsigned callee_kind)
{
    if (side->kind == SPAN_KIND_PRODUCER || callee_kind == SPAN_KIND_CONSUMER)
        return CONNECTION_MESSAGING;
    if (side->kind == SPAN_KIND_CLIENT && kin_site(&judge->kin, side)->call == CALL_DATABASE)
        return CONNECTION_DATABASE;
    return CONNECTION_DIRECT;
}

static inline bool find_call(struct judge *judge, uint32_t at, uint32_t parent,
                             struct call *out_call)
{
    struct kin *kin = &judge->kin;
    const struct remembered *span = kin_span(kin, at);
    uint32_t service = kin_service(kin, span);
    bool is_own = kin_service(kin, kin_span(kin, parent)) == service;
    bool is_group = false;
    unsigned side_kind;
    uint32_t side;

    if (judge_is_within(judge, span, parent))
        return false;
    if (!is_own && !kind_serves(span->kind)) {
        struct kin_siblings siblings = kin_siblings(kin, parent, service);
        bool is_kindless = span->kind == SPAN_KIND_UNSPECIFIED;
        /* Of a family that is too large to look through, no call is better than one too many. */
        if (siblings.is_cut || siblings.has_server || (siblings.has_kindless && !is_kindless))
            return false;
        is_group = !is_kindless;
        out_call->siblings = siblings;
    }
    side = kin_client_side(kin, parent);
    if (side == 0)
        side = parent;
    side_kind = kin_span(kin, side)->kind;
    if (is_own && !(side_kind == SPAN_KIND_CLIENT && span->kind == SPAN_KIND_SERVER) &&
        !(side_kind == SPAN_KIND_PRODUCER && span->kind == SPAN_KIND_CONSUMER))
        return false;
    out_call->at = at;
    out_call->side = side;
    out_call->parent = parent;
    out_call->is_group = is_group;
    return true;
}

bool judge_find_call(struct judge *judge, uint32_t at, uint32_t parent, struct call *out_call)
{
    return find_call(judge, at, parent, out_call);
}

bool judge_is_late(struct judge *judge, uint32_t side)
{
    const struct remembered *span = kin_span(&judge->kin, side);
    struct kin_around around = kin_around_begin(side);
    uint32_t outer;

    if (!kind_calls(span->kind) || span->answered)
        return false;
    if (span->drawn)
        return true;
    if (kin_is_outermost(&judge->kin, side))
        return false;
    while ((outer = kin_around_next(&judge->kin, &around)) != 0)
        if (kin_span(&judge->kin, outer)->drawn)
            return true;
    return false;
}

/* E14: client's duration - server's, where exactly one SERVER answered. */
static void observe_network(struct judge *judge, const struct remembered *client,
                            const struct remembered *server, struct tally_request *request)
{
    if (request->weight == 0 || client->no_duration || server->no_duration || client->skewed ||
        server->skewed)
        return;
    if (client->duration_ns < server->duration_ns) {
        judge->tally->counts.negative_network++;
        return;
    }
    tally_observe(&request->seconds[SECONDS_NETWORK], client->duration_ns - server->duration_ns,
                  request->weight);
}

static void count_single(struct judge *judge, const struct call *call)
{
    struct remembered *side = kin_span(&judge->kin, call->side);
    const struct remembered *span = kin_span(&judge->kin, call->at);
    bool by_server = span->kind != SPAN_KIND_CONSUMER;
    struct tally_request request = {
        .client = kin_service(&judge->kin, side),
        .server = kin_service(&judge->kin, span),
        .type = judge_type(judge, side, span->kind),
        .client_set = kin_set(&judge->kin, side),
        .server_set = kin_set(&judge->kin, span),
        .client_failed = kind_calls(side->kind) && side->status == SPAN_STATUS_ERROR,
        .server_failed = span->status == SPAN_STATUS_ERROR,
        .weight = side->weight > span->weight ? side->weight : span->weight,
        .trace = {span->trace[0], span->trace[1]},
        .client_span = side->id,
        .server_span = span->id,
    };

    if (request.client_failed || request.server_failed)
        request.failed = request.weight;
    judge_observe(&request, SECONDS_SERVER, span, request.weight);
    /* Before it is noted that this call answered: it is among those still to be judged. */
    if (side->kind == SPAN_KIND_CLIENT && by_server && side->served == 0 &&
        kin_answers_roughly(&judge->kin, call->side).servers == 1)
        observe_network(judge, side, span, &request);
    judge_add_call(judge, call->side, request.weight, &request);
    side->answered = 1;
    if (by_server && side->served < 2)
        side->served++;
}

void judge_count_call(struct judge *judge, const struct call *call)
{
    if (call->is_group)
        judge_group(judge, call);
    else
        count_single(judge, call);
}

enum verdict judge_callee(struct judge *judge, uint32_t at, uint32_t parent)
{
    struct call call;

    if (!find_call(judge, at, parent, &call))
        return NO_CALL;
    if (judge_is_late(judge, call.side))
        return LATE;
    judge_count_call(judge, &call);
    return COUNTED;
}

void judge_bereave(struct judge *judge, uint32_t at, uint32_t parent)
{
    struct kin *kin = &judge->kin;
    struct kin_around around;
    struct call call;
    uint32_t outer;

    if (!judge_find_call(judge, at, parent, &call) ||
        kin_span(kin, call.side)->kind != SPAN_KIND_CLIENT)
        return; /* A PRODUCER's message was sent, whoever took it. */
    kin_span(kin, call.side)->bereft = 1;
    around = kin_around_begin(call.side);
    while ((outer = kin_around_next(kin, &around)) != 0)
        kin_span(kin, outer)->bereft |= kin_span(kin, outer)->kind == SPAN_KIND_CLIENT;
}
