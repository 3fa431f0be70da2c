/* http_server.c: a connection's requests, one after the other.
 *
 *   reading ──request──> a worker answers ──> writing ──> reading ...
 *      └──bad, foreign, too large, late──────────^ (and then it ends)
 *
 * While a request is answered its connection is not read from; what came behind it waits in
 * `pending`, at most one read. The answer comes back by the loop's letter box. A job whose
 * connection ended meanwhile finds no owner there, and is dropped.
 */
#include "net/http_server.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/http1.h"
#include "net/http_answer.h"
#include "net/http_counters.h"
#include "net/http_uri.h"
#include "net/server.h"
#include "net/workers.h"

enum { CONNECTIONS_MAX = 256, HANDLERS_MAX = 28, SMALL_BYTES = 64 << 10, WRITE_RATE_MIN = 1024 };

static const size_t answers_bytes_max = (size_t)256 << 20;

static const uint64_t idle_timeout_ns = 60 * NS_PER_S;
static const uint64_t header_timeout_ns = 10 * NS_PER_S;
static const uint64_t stop_patience_ns = 10 * NS_PER_S;

struct http_server {
    struct http_handler handler;
    struct view *hosts; /* hosts_count of them; their texts follow. */
    size_t hosts_count;
    uint64_t idle_timeout_ns;
    uint64_t header_timeout_ns;
    struct counters *counters;
    size_t answers_bytes_kept;
    _Atomic size_t answers_room; /* For large answers that are not taken yet; the loop thread's. */
    struct server *server;
    struct workers workers;
};

struct http_connection {
    struct http_server *server;
    struct connection *connection;
    struct http1 *http1;
    struct buf pending;
    struct http_job *job; /* The one that is under way. */
    struct http_answer answer;
    size_t answer_bytes;    /* What of answers_room is this answer's. */
    struct mono_time since; /* When the request that is read began, or the silence. */
    bool has_asked;         /* A whole request has come. */
    bool is_last;           /* Nothing is read any more. */
    bool is_peer_done;      /* Nothing more comes; what is pending is answered. */
};

/* One request on its way to a worker and back. */
struct http_job {
    struct worker_task work;
    struct loop_task done;
    struct http_server *server;
    struct loop *loop;
    struct http_connection *owner; /* The loop's thread only; NULL: gone. */
    atomic_bool is_abandoned;      /* Nobody waits for it. */
    struct http_answer_options options;
    struct http_request request;
    struct http_reply reply;
    struct buf text; /* What the request's views point into. */
};

static void count(const struct http_server *server, enum http_counter which)
{
    if (server->counters != NULL)
        counters_add(server->counters, which, 1);
}

/* --------------------------------------------------------------------------- jobs */

static void free_job(struct http_job *job)
{
    buf_release(&job->text);
    buf_release(&job->reply.headers);
    buf_release(&job->reply.body);
    mem_free(job);
}

/* Returns whether there is room for this answer among those that wait for their readers. */
static bool hold_answer(struct http_connection *connection, const struct http_reply *reply)
{
    struct http_server *server = connection->server;
    size_t bytes = reply->body.capacity + (reply->unpacked_bytes != 0 ? HTTP_UNPACK_BYTES : 0);
    size_t kept = reply->is_vital ? 0 : server->answers_bytes_kept;
    size_t room = atomic_load(&server->answers_room);

    if (bytes <= SMALL_BYTES)
        return true;
    if (bytes + kept > room)
        return false;
    connection->answer_bytes = bytes;
    atomic_store(&server->answers_room, room - bytes);
    return true;
}

static void let_go_of_answer(struct http_connection *connection)
{
    http_answer_release(&connection->answer);
    (void)atomic_fetch_add(&connection->server->answers_room, connection->answer_bytes);
    connection->answer_bytes = 0;
}

static void take_reply(struct http_connection *connection, struct http_job *job)
{
    int status;

    if (connection->is_last)
        job->options.closes = true;
    if (hold_answer(connection, &job->reply)) {
        status = http_answer_take(&connection->answer, &job->reply, job->options);
    } else {
        count(connection->server, HTTP_COUNTER_ANSWERS);
        status = http_answer_error(&connection->answer, 503, job->options);
    }
    /* Without memory even for an error the connection ends. */
    if (status != 0)
        connection->is_last = true;
}

static void on_done(struct loop_task *task)
{
    struct http_job *job = (struct http_job *)(void *)((char *)task -
                                                       offsetof(struct http_job, done));
    struct http_connection *owner = job->owner;

    if (owner != NULL) {
        owner->job = NULL;
        take_reply(owner, job);
    }
    free_job(job);
    if (owner != NULL)
        connection_wake(owner->connection);
}

static void run_job(struct worker_task *task)
{
    struct http_job *job = (struct http_job *)(void *)((char *)task -
                                                       offsetof(struct http_job, work));
    const struct http_handler *handler = &job->server->handler;

    if (!atomic_load_explicit(&job->is_abandoned, memory_order_relaxed))
        handler->handle(handler->context, &job->request, &job->reply);
    loop_post(job->loop, &job->done);
}

/* Appends to the job's text, which has room for it. */
static struct view keep(struct http_job *job, struct view text)
{
    size_t begin = job->text.size;

    CHECK(buf_append_view(&job->text, text) == 0);
    return (struct view){job->text.data + begin, text.size};
}

/* Returns: 0; STATUS_INVALID (bad escapes, or a zero byte); STATUS_NOMEM. */
static int copy_request(struct http_job *job, const struct http1_request *from)
{
    struct view path = from->target;
    struct view query = {NULL, 0};
    const char *mark = memchr(path.data, '?', path.size);
    const char *fragment = memchr(path.data, '#', path.size);
    size_t begin;

    if (fragment != NULL)
        return STATUS_INVALID;
    if (mark != NULL) {
        query = (struct view){mark + 1, path.size - (size_t)(mark - path.data) - 1};
        path.size = (size_t)(mark - path.data);
    }
    if (buf_reserve(&job->text, from->target.size + from->accept.size + from->accept_encoding.size +
                                    from->if_none_match.size) != 0)
        return STATUS_NOMEM;
    job->request.query = keep(job, query);
    job->request.accept = keep(job, from->accept);
    job->request.accept_encoding = keep(job, from->accept_encoding);
    job->request.if_none_match = keep(job, from->if_none_match);
    job->request.is_head = from->is_head;
    job->request.answers_room = &job->server->answers_room;
    begin = job->text.size;
    if (http_uri_decode(path, false, &job->text) != 0)
        return STATUS_INVALID;
    job->request.path = (struct view){job->text.data + begin, job->text.size - begin};
    return memchr(job->request.path.data, '\0', job->request.path.size) != NULL ? STATUS_INVALID
                                                                                : 0;
}

/* Returns: 0; STATUS_INVALID; STATUS_NOMEM; STATUS_SYSTEM (no thread). */
static int start_job(struct http_connection *connection, const struct http1_request *request,
                     struct http_answer_options options)
{
    struct http_job *job = mem_calloc(1, sizeof(*job));
    int status;

    if (job == NULL)
        return STATUS_NOMEM;
    job->server = connection->server;
    job->loop = connection_loop(connection->connection);
    job->owner = connection;
    job->options = options;
    job->work.run = run_job;
    job->done.run = on_done;
    status = copy_request(job, request);
    if (status == 0)
        status = workers_post(&connection->server->workers, &job->work);
    if (status == 0)
        connection->job = job;
    else
        free_job(job);
    return status;
}

/* ----------------------------------------------------------------------- requests */

/* Ends the connection behind the answer. */
static void answer_error(struct http_connection *connection, unsigned status, bool is_head)
{
    struct http_answer_options options = {.is_head = is_head, .closes = true};

    connection->is_last = true;
    /* Without memory for it the connection just ends. */
    if (http_answer_error(&connection->answer, status, options) != 0)
        http_answer_release(&connection->answer);
}

static void answer_request(struct http_connection *connection, struct mono_time now)
{
    const struct http_server *server = connection->server;
    const struct http1_request *request = http1_request(connection->http1);
    struct http_answer_options options = {
        .is_head = request->is_head,
        .closes = !request->keeps_alive || connection->is_last,
    };
    unsigned error = 0;

    if (options.closes)
        connection->is_last = true;
    if (!request->is_get && !request->is_head)
        error = 405;
    else if (request->has_body)
        error = 413;
    else if (request->hosts != 0 &&
             !http_host_is_ours(request->host, server->hosts, server->hosts_count))
        error = 421;
    else
        switch (start_job(connection, request, options)) {
        case 0:
            break;
        case STATUS_INVALID:
            error = 400;
            break;
        default:
            error = 503;
            break;
        }
    if (error != 0)
        answer_error(connection, error, request->is_head);
    http1_next(connection->http1);
    connection->has_asked = true;
    connection->since = now;
}

/* Reads on until a request is to be answered, or there is nothing more to read. */
static void read_pending(struct http_connection *connection, struct mono_time now)
{
    while (connection->pending.size != 0 && connection->job == NULL &&
           !connection->answer.is_there && !connection->is_last) {
        bool was_inside = http1_is_inside(connection->http1);
        size_t taken = 0;

        switch (http1_read(connection->http1, buf_view(&connection->pending), &taken)) {
        case HTTP1_WHOLE:
            answer_request(connection, now);
            break;
        case HTTP1_BAD:
            answer_error(connection, http1_error(connection->http1), false);
            break;
        case HTTP1_END: /* Of bodies, which are not read here. */
        case HTTP1_MORE:
            if (!was_inside && http1_is_inside(connection->http1)) /* Empty lines begin nothing. */
                connection->since = now;
            break;
        }
        buf_consume(&connection->pending, taken);
    }
}

/* ------------------------------------------------------------------- the protocol */

static int open_connection(void *context, unsigned thread, struct connection *below,
                           struct mono_time now, void **out_state)
{
    struct http_connection *connection = mem_calloc(1, sizeof(*connection));

    (void)thread;
    if (connection == NULL)
        return STATUS_NOMEM;
    connection->server = context;
    connection->connection = below;
    connection->since = now;
    buf_init(&connection->pending, 0);
    if (http1_new(NULL, NULL, &connection->http1) != 0) {
        mem_free(connection);
        return STATUS_NOMEM;
    }
    *out_state = connection;
    return 0;
}

static bool is_busy(const struct http_connection *connection)
{
    return connection->job != NULL || connection->answer.is_there;
}

static int receive(void *state, struct view bytes, struct mono_time now)
{
    struct http_connection *connection = state;

    if (buf_append_view(&connection->pending, bytes) != 0)
        return STATUS_NOMEM;
    read_pending(connection, now);
    return connection->is_last && !is_busy(connection) ? STATUS_CLOSED : 0;
}

/* The peer may have closed its side only, and wait for its answer. */
static int finish(void *state, struct mono_time now)
{
    struct http_connection *connection = state;

    (void)now;
    connection->is_peer_done = true;
    return is_busy(connection) ? 0 : STATUS_CLOSED;
}

/* A head is on its way, or the first one has not even begun. */
static bool owes_head(const struct http_connection *connection)
{
    return !connection->has_asked || http1_is_inside(connection->http1);
}

static int tick(void *state, struct mono_time now)
{
    struct http_connection *connection = state;
    const struct http_server *server = connection->server;
    bool is_late = owes_head(connection);

    if (is_busy(connection) || now.ns - connection->since.ns <
                                   (is_late ? server->header_timeout_ns : server->idle_timeout_ns))
        return 0;
    count(server, is_late ? HTTP_COUNTER_HEADER_TIMEOUTS : HTTP_COUNTER_IDLE_TIMEOUTS);
    if (!http1_is_inside(connection->http1))
        return STATUS_TIMEOUT;
    answer_error(connection, 408, false);
    return is_busy(connection) ? 0 : STATUS_TIMEOUT;
}

static enum server_need need(const void *state)
{
    const struct http_connection *connection = state;

    if (is_busy(connection))
        return SERVER_NEEDED;
    return connection->has_asked ? SERVER_SILENT : SERVER_SPARABLE;
}

static int drain(void *state, struct mono_time now)
{
    struct http_connection *connection = state;

    (void)now;
    connection->is_last = true;
    return is_busy(connection) ? 0 : STATUS_CLOSED;
}

static int produce(void *state, struct mono_time now, size_t enough, struct buf *out)
{
    struct http_connection *connection = state;
    struct http_answer *answer = &connection->answer;

    while (answer->is_there && out->size < enough) {
        bool closes = answer->closes;
        int status = http_answer_send(answer, enough - out->size, out);

        if (status != 0)
            return status;
        if (!http_answer_is_sent(answer))
            break;
        let_go_of_answer(connection);
        connection->since = now;
        if (closes) {
            connection->is_last = true;
            return STATUS_CLOSED;
        }
        read_pending(connection, now);
    }
    if (is_busy(connection))
        return 0;
    return connection->is_last || connection->is_peer_done ? STATUS_CLOSED : 0;
}

static bool wants_input(const void *state)
{
    const struct http_connection *connection = state;

    return !is_busy(connection) && !connection->is_last;
}

static void close_connection(void *state)
{
    struct http_connection *connection = state;

    if (connection->job != NULL) {
        connection->job->owner = NULL;
        atomic_store_explicit(&connection->job->is_abandoned, true, memory_order_relaxed);
    }
    let_go_of_answer(connection);
    buf_release(&connection->pending);
    http1_free(connection->http1);
    mem_free(connection);
}

static const struct server_protocol protocol = {
    .open = open_connection,
    .receive = receive,
    .finish = finish,
    .tick = tick,
    .drain = drain,
    .produce = produce,
    .wants_input = wants_input,
    .need = need,
    .close = close_connection,
};

/* --------------------------------------------------------------------------- life */

static int copy_hosts(const struct http_server_options *options, struct http_server *server)
{
    size_t size = options->hosts_count * sizeof(struct view);
    char *text;

    for (size_t i = 0; i < options->hosts_count; i++)
        size += options->hosts[i].size;
    server->hosts = mem_alloc(size);
    if (server->hosts == NULL)
        return STATUS_NOMEM;
    text = (char *)(server->hosts + options->hosts_count);
    for (size_t i = 0; i < options->hosts_count; i++) {
        memcpy(text, options->hosts[i].data, options->hosts[i].size);
        server->hosts[i] = (struct view){text, options->hosts[i].size};
        text += options->hosts[i].size;
    }
    server->hosts_count = options->hosts_count;
    return 0;
}

int http_server_new(const struct http_server_options *options, struct http_server **out_server)
{
    struct http_server *server = mem_calloc(1, sizeof(*server));
    struct server_options net = {
        .protocol = &protocol,
        .context = server,
        .name = "http",
        .threads = 1,
        .connections_max = options->connections_max != 0 ? options->connections_max
                                                         : CONNECTIONS_MAX,
        .read_bytes_max = HTTP1_HEAD_MAX,
        .write_rate_min = WRITE_RATE_MIN,
        .tls = options->tls,
        .meter = {options->counters, HTTP_COUNTER_CONNECTIONS, HTTP_COUNTER_CONNECTIONS_TOTAL,
                  HTTP_COUNTER_FULL, HTTP_COUNTER_FULL, HTTP_COUNTER_DISPLACED,
                  HTTP_COUNTER_ACCEPT_FAILURES, HTTP_COUNTER_WRITE_TIMEOUTS, HTTP_COUNTER_BYTES},
    };
    int status;

    if (server == NULL)
        return STATUS_NOMEM;
    workers_init(&server->workers, "http-work", HANDLERS_MAX);
    server->handler = options->handler;
    server->idle_timeout_ns = options->idle_timeout_ns != 0 ? options->idle_timeout_ns
                                                            : idle_timeout_ns;
    server->header_timeout_ns = options->header_timeout_ns != 0 ? options->header_timeout_ns
                                                                : header_timeout_ns;
    server->counters = options->counters;
    server->answers_room = options->answers_bytes_max != 0 ? options->answers_bytes_max
                                                           : answers_bytes_max;
    server->answers_bytes_kept = options->answers_bytes_kept;
    net.write_timeout_ns = server->idle_timeout_ns;
    status = copy_hosts(options, server);
    if (status == 0)
        status = server_new(&net, &server->server);
    if (status != 0)
        http_server_free(server);
    else
        *out_server = server;
    return status;
}

int http_server_listen(struct http_server *server, const struct address *address,
                       char out_error[256], struct buf *out_bound)
{
    return server_listen(server->server, address, 0, out_error, out_bound);
}

int http_server_start(struct http_server *server)
{
    return server_start(server->server);
}

/* Once the connections are gone, no job has an owner: those that still run are waited for, those
 * that wait are not run. */
void http_server_stop(struct http_server *server)
{
    server_drain(server->server, stop_patience_ns);
    workers_stop(&server->workers);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->server != NULL)
        server_drain(server->server, 0);
    workers_release(&server->workers);
    server_free(server->server); /* Jobs that came back too late are freed by the loop. */
    mem_free(server->hosts);
    mem_free(server);
}
