/* session.c: a connection's requests, and when it ends. */
#include "receiver/session.h"

#include "base/mem.h"
#include "receiver/receiver_counters.h"
#include "receiver/session_priv.h"

/* A peer that has not even said what it speaks is given less time than a request. */
static const uint64_t greeting_ns = 10 * NS_PER_S;

/* Windows of a megabyte gain all that there is to gain; where there is less memory for all
 * connections together, they follow it. */
enum { WINDOW_MIN = 64 * 1024, WINDOW_MAX = 1024 * 1024, WINDOWS_IN_BUDGET = 256 };

void session_shared_bound(struct session_shared *shared, size_t body_bytes_max)
{
    size_t window = body_bytes_max / WINDOWS_IN_BUDGET;

    if (window < WINDOW_MIN)
        window = WINDOW_MIN;
    if (window > WINDOW_MAX)
        window = WINDOW_MAX;
    /* What would never fit must be told so, and not to come again. */
    if (shared->message_bytes_max > body_bytes_max)
        shared->message_bytes_max = body_bytes_max;
    body_budget_init(&shared->budget, body_bytes_max, shared->message_bytes_max);
    shared->stream_window = (uint32_t)window;
    shared->connection_window = (uint32_t)(2 * window);
}

void session_worker_init(struct session_worker *worker, unsigned thread, size_t message_bytes_max)
{
    *worker = (struct session_worker){.thread = thread};
    buf_init(&worker->inflated, message_bytes_max);
    buf_init(&worker->text, 0);
    buf_init(&worker->reply.message, 0);
    buf_init(&worker->reply.body, 0);
}

void session_worker_release(struct session_worker *worker)
{
    buf_release(&worker->inflated);
    buf_release(&worker->text);
    buf_release(&worker->reply.message);
    buf_release(&worker->reply.body);
}

int session_new(struct session_shared *shared, struct session_worker *worker, struct mono_time now,
                struct session **out_session)
{
    struct session *session = mem_calloc(1, sizeof(*session));
    struct h2_options options = {
        .events = &grpc_call_events,
        .context = session,
        .streams_max = shared->streams_max,
        .stream_window = shared->stream_window,
        .connection_window = shared->connection_window,
        .frame_size_max = FRAME_SIZE_MAX,
        .header_list_max = HEADER_LIST_MAX,
        .guard = h2_guard_defaults,
    };
    int status;

    if (session == NULL)
        return STATUS_NOMEM;
    session->shared = shared;
    session->worker = worker;
    session->opened = now;
    session->idle_since = now;
    session->now = now;
    session->earliest.ns = UINT64_MAX;
    status = h2_new(&options, now, &session->h2);
    if (status != 0)
        mem_free(session);
    else
        *out_session = session;
    return status;
}

const char *session_fault(const struct session *session)
{
    return h2_fault(session->h2);
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    if (h2_fault(session->h2) != NULL)
        counters_add(session->shared->counters, RECEIVER_PROTOCOL_ERRORS, 1);
    h2_free(session->h2);
    mem_free(session);
}

int session_receive(struct session *session, struct view bytes, struct mono_time now)
{
    int status;

    session->now = now;
    status = h2_receive(session->h2, bytes, now);
    requests_keep(session);
    return status;
}

int session_tick(struct session *session, struct mono_time now)
{
    const struct session_shared *shared = session->shared;
    uint64_t greeting = shared->request_timeout_ns < greeting_ns ? shared->request_timeout_ns
                                                                 : greeting_ns;

    session->now = now;
    if (!h2_is_greeted(session->h2) && now.ns - session->opened.ns >= greeting) {
        counters_add(shared->counters, RECEIVER_CONNECTIONS_TIMED_OUT, 1);
        return STATUS_TIMEOUT;
    }
    if (now.ns >= session->earliest.ns || session->waiting != 0)
        requests_tick(session);
    if (shared->idle_timeout_ns != 0 && session->requests == NULL &&
        now.ns - session->idle_since.ns >= shared->idle_timeout_ns &&
        !h2_is_shutting_down(session->h2)) {
        counters_add(shared->counters, RECEIVER_CONNECTIONS_TIMED_OUT, 1);
        h2_shut_down(session->h2, VIEW("max_idle"), now);
    }
    h2_tick(session->h2, now);
    return h2_is_done(session->h2) ? STATUS_CLOSED : 0;
}

int session_drain(struct session *session, struct mono_time now)
{
    session->now = now;
    h2_shut_down(session->h2, VIEW("draining"), now);
    return h2_is_done(session->h2) ? STATUS_CLOSED : 0;
}

int session_produce(struct session *session, struct mono_time now, size_t enough, struct buf *out)
{
    int status;

    session->now = now;
    status = h2_send(session->h2, now, enough, out);
    if (status == 0 && h2_is_done(session->h2))
        status = STATUS_CLOSED;
    return status;
}
