/* request_credit.c: what a request holds, and how much more its sender may send.
 *
 * Credit goes back for what was taken, as long as there is room (body_budget.h). Where the budget is
 * tight for a connection, its requests wait: each holds what came and gets no credit, so that its
 * sender stops (over HTTP/1 the connection is not read from). When it is the connection's turn, the
 * oldest of them goes on regardless; where it ends, another connection's does. Requests that wait keep
 * their part of the connection's window back as well; they may keep half of it, so that the other half
 * is there for those that go on. What comes beyond all that is refused, to be sent again later; so are
 * the newest requests of a connection that holds far more than its share while others wait.
 */
#include "receiver/session_priv.h"

enum { PIECE = 1024 * 1024 };

/* How long the favourite may hold up all others: some seconds, and one for each megabyte. */
static const uint64_t favour_ns = 5 * NS_PER_S;
static const uint64_t favour_piece_ns = NS_PER_S;

size_t request_held(const struct request *request)
{
    return grpc_frame_held(&request->frame) + request->body.held.capacity +
           grpc_streaming_held(request);
}

/* A connection whose turn comes and that has nothing to go on with would hold up all others. */
static void leave_queue(struct session *session)
{
    if (session->waiting == 0 && session->favourite == NULL)
        body_account_yield(&session->account);
}

static void stop_waiting(struct request *request)
{
    struct session *session = request->session;

    if (!request->is_waiting)
        return;
    request->is_waiting = false;
    session->waiting--;
    session->withheld -= request->withheld;
    request->withheld = 0;
    leave_queue(session);
}

static void return_credit(struct request *request)
{
    if (request->stream != NULL)
        h2_return(request->stream);
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

/* Whether it is this request's turn, now or still. */
static bool take_turn(struct request *request)
{
    struct session *session = request->session;

    if (session->favourite == request)
        return true;
    if (session->favourite != NULL ||
        (session->waiting != 0 && oldest_waiting(session) != request) ||
        !body_account_favour(&session->account))
        return false;
    session->favourite = request;
    request->favoured = session->now;
    session->earliest = session->now; /* The tick looks after it. */
    return true;
}

/* Whether the request need not wait. */
static bool may_go_on(struct request *request)
{
    return !body_account_is_tight(&request->session->account) || take_turn(request);
}

static void end_turn(struct session *session)
{
    session->favourite = NULL;
    body_account_yield(&session->account);
}

void session_resume(struct session *session)
{
    struct request *request = session->waiting != 0 ? oldest_waiting(session) : NULL;

    if (request == NULL || !may_go_on(request))
        return;
    stop_waiting(request);
    return_credit(request);
}

static void give_back(struct request *request, size_t bytes)
{
    if (bytes == 0)
        return; /* Most messages lie in the bytes that were read. */
    body_account_give(&request->session->account, bytes);
    counters_subtract(request->session->shared->counters, RECEIVER_BODY_BYTES, bytes);
    request->charged -= bytes;
}

int request_charge(struct request *request)
{
    struct session *session = request->session;
    size_t held = request_held(request);
    size_t more = held - request->charged;
    int status;

    if (held <= request->charged) {
        give_back(request, request->charged - held);
        return 0;
    }
    status = body_account_take(&session->account, more);
    if (status != 0 && take_turn(request))
        status = body_account_take_aside(&session->account, more);
    if (status != 0) {
        request_count(request, RECEIVER_LIMIT_MEMORY, 1);
        return status;
    }
    request_count(request, RECEIVER_BODY_BYTES, more);
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
    if (session->withheld <= session->shared->connection_window / 2)
        return 0;
    request_count(request, RECEIVER_LIMIT_MEMORY, 1);
    return STATUS_FULL;
}

void request_let_go(struct request *request)
{
    struct session *session = request->session;

    stop_waiting(request);
    grpc_frame_release(&request->frame);
    buf_release(&request->body.held);
    request->body.piece = (struct view){NULL, 0};
    grpc_streaming_free(request);
    request_expect_reader(request);
    give_back(request, request->charged);
    if (session->favourite == request)
        end_turn(session);
    leave_queue(session);
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
    uint64_t patience_ns = favour_ns + message_size(request) / PIECE * favour_piece_ns;

    if (session->favourite != request)
        return false;
    if (body_account_is_tight(&session->account))
        return session->now.ns - request->favoured.ns >= patience_ns;
    end_turn(session); /* It needs no favour any more. */
    return false;
}

struct request *session_greediest(const struct session *session)
{
    struct request *newest = NULL;
    struct request *request = session->requests;

    if (body_account_excess(&session->account) == 0)
        return NULL;
    while (request != NULL && (request->charged == 0 || request == session->favourite))
        request = request->next;
    newest = request;
    /* The oldest that holds anything is left to go on. */
    while (request != NULL && (request == newest || request->charged == 0))
        request = request->next;
    return request != NULL ? newest : NULL;
}
