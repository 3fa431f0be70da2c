/* grpc_credit.c: what a request holds, and how much more its sender may send.
 *
 * Credit goes back for what was taken, as long as bodies hold less than half of the budget's pool.
 * From there on a call waits: it holds what came and gets no credit, so that its sender stops. One
 * call of all, the favourite (body_budget.h), goes on regardless; where it ends, another does. Calls
 * that wait keep their share of the connection's window back as well; they may keep half of it, so
 * that the other half is there for those that go on. What comes beyond all that is refused, to be
 * sent again later.
 */
#include "receiver/grpc_session_priv.h"
#include "receiver/receiver_counters.h"

enum { PIECE = 1024 * 1024 };

/* How long the favourite may hold up all others: some seconds, and one for each megabyte. */
static const uint64_t favour_ns = 5 * NS_PER_S;
static const uint64_t favour_piece_ns = NS_PER_S;

static void stop_waiting(struct grpc_call *call)
{
    if (!call->is_waiting)
        return;
    call->is_waiting = false;
    call->session->waiting--;
    call->session->withheld -= call->withheld;
    call->withheld = 0;
}

/* Whether the call need not wait. */
static bool may_go_on(struct grpc_call *call)
{
    struct body_budget *budget = &call->session->service->budget;

    if (!body_budget_is_tight(budget) || body_budget_favours(budget, call))
        return true;
    if (!body_budget_favour(budget, call))
        return false;
    call->favoured = call->session->now;
    call->session->earliest = call->session->now; /* The tick looks after it. */
    return true;
}

static struct grpc_call *oldest_waiting(const struct grpc_session *session)
{
    struct grpc_call *oldest = NULL;

    for (struct grpc_call *call = session->calls; call != NULL; call = call->next) {
        if (call->is_waiting)
            oldest = call;
    }
    return oldest;
}

void grpc_session_resume(struct grpc_session *session)
{
    struct grpc_call *call = session->waiting != 0 ? oldest_waiting(session) : NULL;

    if (call == NULL || !may_go_on(call))
        return;
    stop_waiting(call);
    h2_return(call->stream);
}

int grpc_call_charge(struct grpc_call *call)
{
    struct grpc_service *service = call->session->service;
    struct body_budget *budget = &service->budget;
    size_t held = grpc_frame_held(&call->frame);
    size_t more = held - call->charged;

    if (held <= call->charged)
        return 0;
    if (body_budget_take_below(budget, more, budget->pool) != 0) {
        if (!may_go_on(call) || !body_budget_favours(budget, call))
            return STATUS_FULL;
        if (body_budget_take_below(budget, more, budget->max) != 0)
            return STATUS_FULL;
    }
    counters_add(service->counters, RECEIVER_BODY_BYTES, more);
    call->charged = held;
    return 0;
}

int grpc_call_credit(struct grpc_call *call)
{
    struct grpc_session *session = call->session;

    if (may_go_on(call)) {
        stop_waiting(call);
        h2_return(call->stream);
        return 0;
    }
    if (!call->is_waiting)
        session->waiting++;
    call->is_waiting = true;
    session->withheld += call->stream->owed_connection - call->withheld;
    call->withheld = call->stream->owed_connection;
    return session->withheld > session->service->connection_window / 2 ? STATUS_FULL : 0;
}

void grpc_call_let_go(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    struct grpc_service *service = session->service;

    stop_waiting(call);
    grpc_frame_release(&call->frame);
    body_budget_give(&service->budget, call->charged);
    counters_subtract(service->counters, RECEIVER_BODY_BYTES, call->charged);
    call->charged = 0;
    body_budget_disfavour(&service->budget, call);
    grpc_session_resume(session);
}

bool grpc_call_is_tiresome(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    struct body_budget *budget = &session->service->budget;
    uint64_t patience_ns = favour_ns + call->frame.length / PIECE * favour_piece_ns;

    if (!body_budget_favours(budget, call))
        return false;
    if (body_budget_is_tight(budget))
        return session->now.ns - call->favoured.ns >= patience_ns;
    body_budget_disfavour(budget, call); /* It needs no favour any more. */
    return false;
}
