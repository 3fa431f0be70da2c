/* session.c: a connection's protocol, its requests, and when it ends. */
#include "receiver/session.h"

#include <string.h>

#include "base/mem.h"
#include "receiver/session_priv.h"

const struct session_limits session_limits_default = {
    .header_timeout_ns = 10 * NS_PER_S,
    .write_timeout_ns = 20 * NS_PER_S,
    .body_rate_min = 1024,
    .age_grace_ns = 60 * NS_PER_S,
    .keepalive_ns = 7200 * NS_PER_S,
    .keepalive_timeout_ns = 20 * NS_PER_S,
    .guard = H2_GUARD_DEFAULTS,
};

/* Windows of a megabyte gain all that there is to gain; where there is less memory for all
 * connections together, they follow it. */
enum { WINDOW_MIN = 64 * 1024, WINDOW_MAX = 1024 * 1024, WINDOWS_IN_BUDGET = 256 };

/* What workers keep is a part of what bodies may hold, and no more than gains anything. */
enum { KEPT_PART = 8, SPARES_MOST = 8 << 20, INFLATED_KEPT_MOST = 1 << 20 };

void session_shared_bound(struct session_shared *shared, size_t body_bytes_max)
{
    size_t window = body_bytes_max / WINDOWS_IN_BUDGET;
    size_t kept = 0;

    if (window < WINDOW_MIN)
        window = WINDOW_MIN;
    if (window > WINDOW_MAX)
        window = WINDOW_MAX;
    if (shared->workers != 0)
        kept = body_bytes_max / KEPT_PART / shared->workers;
    if (kept > SPARES_MOST + INFLATED_KEPT_MOST)
        kept = SPARES_MOST + INFLATED_KEPT_MOST;
    shared->kept_bytes_max = kept;
    body_bytes_max -= shared->workers * kept;
    /* What would never fit must be told so, and not to come again. */
    if (shared->message_bytes_max > body_bytes_max)
        shared->message_bytes_max = body_bytes_max;
    body_budget_init(&shared->budget, body_bytes_max, shared->message_bytes_max);
    shared->stream_window = (uint32_t)window;
    shared->connection_window = (uint32_t)(2 * window);
}

void session_shared_release(struct session_shared *shared)
{
    body_budget_release(&shared->budget);
}

/* Small memory that a worker keeps: that of a hundred requests. */
enum { POOL_BYTES_MAX = 256 * 1024 };

/* Of what is kept: for an inflated message; the rest are spares. */
enum { INFLATED_PART = 8 };

void session_worker_init(struct session_worker *worker, unsigned thread,
                         const struct session_shared *shared)
{
    size_t kept = shared->kept_bytes_max;

    *worker = (struct session_worker){.thread = thread, .inflated_kept_max = kept / INFLATED_PART};
    if (worker->inflated_kept_max > INFLATED_KEPT_MOST)
        worker->inflated_kept_max = INFLATED_KEPT_MOST;
    buf_spares_init(&worker->spares, kept - worker->inflated_kept_max);
    h2_pool_init(&worker->pool, POOL_BYTES_MAX);
    buf_init(&worker->inflated, shared->message_bytes_max);
    buf_init(&worker->text, 0);
    buf_init(&worker->reply.message, 0);
    buf_init(&worker->reply.body, 0);
}

void session_worker_release(struct session_worker *worker)
{
    buf_spares_release(&worker->spares);
    h2_pool_release(&worker->pool);
    buf_release(&worker->inflated);
    buf_release(&worker->text);
    buf_release(&worker->reply.message);
    buf_release(&worker->reply.body);
}

/* --------------------------------------------------------------------------- life */

/* A tenth more or less, so that those who came together do not leave together. */
static uint64_t age_of(const struct session *session)
{
    uint64_t max_ns = session->shared->limits.age_max_ns;

    if (max_ns == 0)
        return UINT64_MAX;
    return max_ns - max_ns / 10 + clock_jitter_ns(session->now, session, max_ns / 5 + 1);
}

int session_new(struct session_shared *shared, struct session_worker *worker,
                struct session_opening opening, struct mono_time now, struct session **out_session)
{
    struct session *session = mem_calloc(1, sizeof(*session));

    if (session == NULL)
        return STATUS_NOMEM;
    session->shared = shared;
    session->worker = worker;
    session->opening = opening;
    session->mem.pool = &worker->pool;
    session->opened = now;
    session->idle_since = now;
    session->now = now;
    session->earliest.ns = UINT64_MAX;
    body_account_init(&session->account, &shared->budget);
    session->age_max_ns = age_of(session);
    *out_session = session;
    return 0;
}

const char *session_fault(const struct session *session)
{
    if (session->h2 != NULL)
        return h2_fault(session->h2);
    return session->http1 != NULL ? http1_session_fault(session) : NULL;
}

static void count(const struct session *session, enum receiver_counter which)
{
    counters_add(session->shared->counters, which, 1);
}

static void count_limit_met(const struct session *session)
{
    switch (session->h2 != NULL ? h2_limit_met(session->h2) : H2_FINE) {
    case H2_PINGS:
        count(session, RECEIVER_LIMIT_PINGS);
        break;
    case H2_RESETS:
        count(session, RECEIVER_LIMIT_RESETS);
        break;
    case H2_OWN_RESETS:
        count(session, RECEIVER_LIMIT_OWN_RESETS);
        break;
    case H2_REFUSALS:
        count(session, RECEIVER_LIMIT_REFUSALS);
        break;
    case H2_IDLE_FRAMES:
        count(session, RECEIVER_LIMIT_EMPTY_FRAMES);
        break;
    case H2_CONTINUATIONS:
        count(session, RECEIVER_LIMIT_CONTINUATIONS);
        break;
    default: /* No limit, but a breach of the protocol. */
        break;
    }
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    if (session_fault(session) != NULL)
        count(session, RECEIVER_PROTOCOL_ERRORS);
    count_limit_met(session);
    h2_free(session->h2);
    while (session->requests != NULL)
        request_free(session->requests);
    http1_session_free(session->http1);
    body_account_release(&session->account);
    mem_free(session);
}

/* ----------------------------------------------------------------------- protocol */

static int start_http2(struct session *session)
{
    const struct session_shared *shared = session->shared;
    struct h2_options options = {
        .events = &request_events,
        .context = session,
        .streams_max = shared->streams_max,
        .stream_window = shared->stream_window,
        .connection_window = shared->connection_window,
        .frame_size_max = FRAME_SIZE_MAX,
        .header_list_max = HEADER_LIST_MAX,
        .guard = shared->limits.guard,
        .pool = &session->worker->pool,
        .keepalive_ns = shared->limits.keepalive_ns,
        .keepalive_timeout_ns = shared->limits.keepalive_timeout_ns,
    };
    int status = h2_new(&options, session->now, &session->h2);

    if (status == 0)
        session->protocol = SESSION_HTTP2;
    return status;
}

static int start_http1(struct session *session)
{
    int status = http1_session_new(session);

    if (status == 0)
        session->protocol = SESSION_HTTP1;
    return status;
}

static int read_known(struct session *session, struct view bytes)
{
    int status;

    if (session->protocol == SESSION_HTTP1)
        return http1_session_receive(session, bytes);
    status = h2_receive(session->h2, bytes, session->now);
    requests_keep(session);
    return status;
}

/* HTTP/2's preface is the request that nobody sends over HTTP/1: three letters tell them apart. */
static int read_unknown(struct session *session, struct view bytes)
{
    static const char preface[GREETING_SIZE] = {'P', 'R', 'I'};
    size_t held = session->greeting_size;
    size_t room = GREETING_SIZE - held;
    size_t more = bytes.size < room ? bytes.size : room;
    int status;

    memcpy(session->greeting + held, bytes.data, more);
    session->greeting_size += more;
    if (memcmp(session->greeting, preface, session->greeting_size) != 0)
        status = start_http1(session);
    else if (session->greeting_size < GREETING_SIZE)
        return 0;
    else
        status = start_http2(session);
    if (status == 0 && held != 0)
        status = read_known(session, (struct view){session->greeting, held});
    return status == 0 ? read_known(session, bytes) : status;
}

int session_receive(struct session *session, struct view bytes, struct mono_time now)
{
    session->now = now;
    if (session->protocol != SESSION_UNKNOWN)
        return read_known(session, bytes);
    return bytes.size != 0 ? read_unknown(session, bytes) : 0;
}

/* --------------------------------------------------------------------------- time */

static bool is_greeted(const struct session *session)
{
    if (session->protocol == SESSION_HTTP1) /* Empty lines are no word yet. */
        return session->has_asked || session->requests != NULL;
    return session->h2 != NULL && h2_is_greeted(session->h2);
}

/* Watchers hear the last state before they hear that the connection ends: nghttp2 would send GOAWAY
 * first, so that it is submitted only when all else is sent. */
static void end_http2(struct session *session, struct view why)
{
    if (session->streaming == 0)
        h2_shut_down(session->h2, why, session->now);
    else if (session->ending.size == 0)
        session->ending = why;
}

static int tick_http2(struct session *session)
{
    if (session->streaming != 0)
        grpc_streaming_poll(session);
    h2_tick(session->h2, session->now);
    if (h2_is_dead(session->h2)) {
        count(session, RECEIVER_LIMIT_KEEPALIVE);
        return STATUS_TIMEOUT;
    }
    return h2_is_done(session->h2) ? STATUS_CLOSED : 0;
}

/* Lets the connection end once its requests have. */
static void end_gently(struct session *session, struct view why)
{
    if (session->h2 != NULL)
        end_http2(session, why);
    else if (session->requests != NULL)
        http1_session_end(session);
    else
        http1_session_close(session);
}

/* Returns: 0; STATUS_TIMEOUT. */
static int look_at_age(struct session *session)
{
    const struct session_limits *limits = &session->shared->limits;
    uint64_t now_ns = session->now.ns;

    if (session->cut.ns != 0 && now_ns >= session->cut.ns) {
        count(session, RECEIVER_LIMIT_AGE_GRACE);
        return STATUS_TIMEOUT;
    }
    if (session->cut.ns == 0 && now_ns - session->opened.ns >= session->age_max_ns) {
        count(session, RECEIVER_LIMIT_AGE);
        session->cut.ns = now_ns + limits->age_grace_ns;
        end_gently(session, VIEW("max_age"));
    }
    return 0;
}

static void look_at_idleness(struct session *session)
{
    uint64_t max_ns = session->shared->idle_timeout_ns;

    if (max_ns == 0 || session->requests != NULL || session->is_idle ||
        session->now.ns - session->idle_since.ns < max_ns)
        return;
    session->is_idle = true;
    count(session, RECEIVER_CONNECTIONS_TIMED_OUT);
    count(session, RECEIVER_LIMIT_IDLE);
    end_gently(session, VIEW("max_idle"));
}

int session_tick(struct session *session, struct mono_time now)
{
    const struct session_shared *shared = session->shared;
    uint64_t greeting_ns = shared->limits.header_timeout_ns;

    if (shared->request_timeout_ns < greeting_ns)
        greeting_ns = shared->request_timeout_ns;
    session->now = now;
    if (!is_greeted(session)) {
        if (now.ns - session->opened.ns < greeting_ns)
            return 0;
        count(session, RECEIVER_CONNECTIONS_TIMED_OUT);
        count(session, RECEIVER_LIMIT_HEADER_TIMEOUT);
        return STATUS_TIMEOUT;
    }
    if (now.ns >= session->earliest.ns || session->waiting != 0 ||
        body_account_excess(&session->account) != 0)
        requests_tick(session);
    look_at_idleness(session);
    if (look_at_age(session) != 0)
        return STATUS_TIMEOUT;
    return session->h2 != NULL ? tick_http2(session) : http1_session_tick(session);
}

bool session_is_sparable(const struct session *session)
{
    return !session->has_asked && session->requests == NULL;
}

int session_drain(struct session *session, struct mono_time now)
{
    session->now = now;
    if (session->http1 != NULL)
        return http1_session_drain(session);
    if (session->h2 == NULL)
        return STATUS_CLOSED; /* It has said nothing. */
    if (session->streaming != 0)
        grpc_streaming_poll(session);
    if (h2_is_greeted(session->h2))
        end_http2(session, VIEW("draining"));
    else
        h2_go_away(session->h2, H2_NO_ERROR, VIEW("draining")); /* Nor has it asked for anything. */
    return h2_is_done(session->h2) ? STATUS_CLOSED : 0;
}

static int produce_http2(struct session *session, size_t enough, struct buf *out)
{
    size_t begin = out->size;
    size_t before;
    int status;

    do {
        before = out->size;
        status = h2_send(session->h2, session->now, begin + enough - out->size, out);
        if (status == 0 && session->streaming != 0)
            grpc_streaming_go_on(session);
    } while (status == 0 && session->streaming != 0 && out->size != before &&
             out->size - begin < enough);
    if (status != 0 || session->ending.size == 0 || out->size - begin >= enough)
        return status;
    h2_shut_down(session->h2, session->ending, session->now);
    session->ending = (struct view){NULL, 0};
    return h2_send(session->h2, session->now, begin + enough - out->size, out);
}

int session_produce(struct session *session, struct mono_time now, size_t enough, struct buf *out)
{
    int status = 0;

    session->now = now;
    if (session->http1 != NULL)
        return http1_session_produce(session, enough, out);
    if (session->h2 == NULL)
        return 0;
    status = produce_http2(session, enough, out);
    if (status == 0 && h2_is_done(session->h2))
        status = STATUS_CLOSED;
    return status;
}

bool session_wants_input(const struct session *session)
{
    return session->http1 == NULL || http1_session_wants_input(session);
}
