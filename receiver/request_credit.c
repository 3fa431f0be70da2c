/* request_credit.c: what a request holds, and how much more its sender may send.
 *
 * Credit goes back for what was taken, as long as bodies hold less than half of the budget's pool.
 * From there on a request waits: it holds what came and gets no credit, so that its sender stops (over
 * HTTP/1 its connection is not read from). One request of all, the favourite (body_budget.h), goes on
 * regardless; where it ends, another does. Requests that wait keep their share of the connection's window back as well; they may keep half of it, so
 * that the other half is there for those that go on. What comes beyond all that is refused, to be
 * sent again later.
 */
#include "receiver/session_priv.h"

enum { PIECE = 1024 * 1024 };

/* How long the favourite may hold up all others: some seconds, and one for each megabyte. */
static const uint64_t favour_ns = 5 * NS_PER_S;
static const uint64_t favour_piece_ns = NS_PER_S;

size_t request_held(const struct request *request)
{
    return grpc_frame_held(&request->frame) + request->body.held.capacity;
}

static void stop_waiting(struct request *request)
{
    if (!request->is_waiting)
        return;
    request->is_waiting = false;
    request->session->waiting--;
    request->session->withheld -= request->withheld;
    request->withheld = 0;
}

static void return_credit(struct request *request)
{
    if (request->stream != NULL)
        h2_return(request->stream);
}

/* Whether the request need not wait. */
static bool may_go_on(struct request *request)
{
    struct body_budget *budget = &request->session->shared->budget;

    if (!body_budget_is_tight(budget) || body_budget_favours(budget, request))
        return true;
    if (!body_budget_favour(budget, request))
        return false;
    request->favoured = request->session->now;
    request->session->earliest = request->session->now; /* The tick looks after it. */
    return true;
}

static struct request *oldest_waiting(const struct session *session)
{
    struct request *oldest = NULL;

    for (struct request *request = session->requests; request != NULL; request = request->next) {
        if (request->is_waiting)
            oldest = request;
    }
    return oldest;
}

void session_resume(struct session *session)
{
    struct request *request = session->waiting != 0 ? oldest_waiting(session) : NULL;

    if (request == NULL || !may_go_on(request))
        return;
    stop_waiting(request);
    return_credit(request);
}

int request_charge(struct request *request)
{
    struct session_shared *shared = request->session->shared;
    struct body_budget *budget = &shared->budget;
    size_t held = request_held(request);
    size_t more = held - request->charged;

    if (held <= request->charged)
        return 0;
    if (body_budget_take_below(budget, more, budget->pool) != 0) {
        if (!may_go_on(request) || !body_budget_favours(budget, request))
            return STATUS_FULL;
        if (body_budget_take_below(budget, more, budget->max) != 0)
            return STATUS_FULL;
    }
    counters_add(shared->counters, RECEIVER_BODY_BYTES, more);
    request->charged = held;
    return 0;
}

int request_credit(struct request *request)
{
    struct session *session = request->session;

    if (may_go_on(request)) {
        stop_waiting(request);
        return_credit(request);
        return 0;
    }
    if (!request->is_waiting)
        session->waiting++;
    request->is_waiting = true;
    if (request->stream == NULL)
        return 0; /* Not reading on holds it back. */
    session->withheld += request->stream->owed_connection - request->withheld;
    request->withheld = request->stream->owed_connection;
    return session->withheld > session->shared->connection_window / 2 ? STATUS_FULL : 0;
}

void request_let_go(struct request *request)
{
    struct session *session = request->session;
    struct session_shared *shared = session->shared;

    stop_waiting(request);
    grpc_frame_release(&request->frame);
    buf_release(&request->body.held);
    request->body.piece = (struct view){NULL, 0};
    body_budget_give(&shared->budget, request->charged);
    counters_subtract(shared->counters, RECEIVER_BODY_BYTES, request->charged);
    request->charged = 0;
    body_budget_disfavour(&shared->budget, request);
    session_resume(session);
}

/* What it is said to become, or is so far. */
static uint64_t message_size(const struct request *request)
{
    if (!request->is_http)
        return request->frame.length;
    return request->head.has_length ? request->head.length : request->body.held.size;
}

bool request_is_tiresome(struct request *request)
{
    struct session *session = request->session;
    struct body_budget *budget = &session->shared->budget;
    uint64_t patience_ns = favour_ns + message_size(request) / PIECE * favour_piece_ns;

    if (!body_budget_favours(budget, request))
        return false;
    if (body_budget_is_tight(budget))
        return session->now.ns - request->favoured.ns >= patience_ns;
    body_budget_disfavour(budget, request); /* It needs no favour any more. */
    return false;
}
