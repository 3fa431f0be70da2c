/* otlp_client.c: one socket, never blocking; all waiting is in wait_for(). */
#include "daemon/otlp_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/h2_client.h"

enum { PEERS_MAX = 8, CHUNK = 64 << 10, PREFIX_SIZE = 5, ERROR_SIZE = 256 };

static const uint64_t connect_ns = 10 * NS_PER_S;
static const uint64_t last_answer_ns = 5 * NS_PER_S; /* After stop was asked. */

struct peer {
    struct sockaddr_storage address;
    socklen_t size;
};

struct otlp_client {
    struct otlp_client_options options;
    struct peer peers[PEERS_MAX];
    size_t peers_count;
    int fd; /* -1: not connected. */
    struct h2_client *h2;
    struct buf output;          /* Bytes that the socket did not take yet. */
    char *input;                /* CHUNK bytes. */
    struct otlp_answer *answer; /* Of the request under way; NULL: none is. */
    bool is_answered;
    bool is_stopping;
};

/* --------------------------------------------------------------------- waiting */

static uint64_t now_ns(void)
{
    return clock_mono().ns;
}

/* What is left until then, in milliseconds, rounded up. */
static int left_ms(uint64_t until_ns)
{
    uint64_t now = now_ns();
    uint64_t ms = until_ns > now ? (until_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0;

    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Waits for the socket (where `events` are), a request to stop, or that time. Returns: the events
 * that are there; 0: none. */
static short wait_for(struct otlp_client *client, short events, uint64_t until_ns)
{
    struct pollfd fds[2] = {
        {.fd = events != 0 ? client->fd : -1, .events = events},
        {.fd = client->is_stopping ? -1 : client->options.stop_fd, .events = POLLIN},
    };

    /* An interrupted call found nothing, which its caller takes for a short sleep. */
    if (poll(fds, 2, left_ms(until_ns)) <= 0)
        return 0;
    if (fds[1].revents != 0)
        client->is_stopping = true;
    return fds[0].revents;
}

/* ------------------------------------------------------------------ connecting */

static void disconnect(struct otlp_client *client)
{
    client->answer = NULL;
    h2_client_free(client->h2);
    client->h2 = NULL;
    buf_reset(&client->output);
    if (client->fd >= 0)
        (void)close(client->fd); /* Nothing on it matters any more. */
    client->fd = -1;
}

static void explain(char out_error[ERROR_SIZE], int error)
{
    char reason[128];

    (void)snprintf(out_error, ERROR_SIZE, "%s", strerror_r(error, reason, sizeof(reason)));
}

static int connect_to(struct otlp_client *client, const struct peer *peer,
                      char out_error[ERROR_SIZE])
{
    uint64_t until = now_ns() + connect_ns;
    int error = 0;
    int on = 1;
    socklen_t size = sizeof(error);

    client->fd = socket(peer->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        error = errno;
    else if (connect(client->fd, (const struct sockaddr *)&peer->address, peer->size) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        while (!client->is_stopping && now_ns() < until && wait_for(client, POLLOUT, until) == 0)
            continue;
        if (client->is_stopping)
            return STATUS_CLOSED;
        error = ETIMEDOUT;
        if (now_ns() < until && getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
    }
    if (error != 0) {
        explain(out_error, error);
        return STATUS_SYSTEM;
    }
    /* Not for Unix sockets, which have no delay to switch off. */
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
}

static void on_field(void *context, int32_t stream, struct h2_field field)
{
    struct otlp_client *client = context;

    (void)stream;
    if (client->answer != NULL)
        otlp_answer_field(client->answer, field);
}

static void on_data(void *context, int32_t stream, struct view data)
{
    struct otlp_client *client = context;

    (void)stream;
    if (client->answer != NULL)
        otlp_answer_data(client->answer, data);
}

static void on_close(void *context, int32_t stream, uint32_t error)
{
    struct otlp_client *client = context;

    (void)stream;
    if (client->answer != NULL)
        otlp_answer_finish(client->answer, error);
    client->is_answered = client->answer != NULL;
}

static const struct h2_client_events events = {on_field, on_data, on_close};

int otlp_client_connect(struct otlp_client *client, char out_error[ERROR_SIZE])
{
    int status = STATUS_SYSTEM;

    if (client->h2 != NULL && h2_client_is_open(client->h2))
        return 0;
    disconnect(client);
    for (size_t i = 0; status == STATUS_SYSTEM && i < client->peers_count; i++) {
        disconnect(client);
        status = connect_to(client, &client->peers[i], out_error);
    }
    if (status == 0)
        status = h2_client_new(&events, client, &client->h2);
    if (status != 0)
        disconnect(client);
    return status;
}

/* ---------------------------------------------------------------------- moving */

/* Sends what the socket takes. Returns: 0; STATUS_CLOSED (the connection is lost); STATUS_NOMEM. */
static int send_some(struct otlp_client *client, bool *moved)
{
    for (;;) {
        ssize_t sent;
        if (client->output.size == 0 && h2_client_send(client->h2, CHUNK, &client->output) != 0)
            return STATUS_NOMEM;
        if (client->output.size == 0)
            return 0;
        sent = send(client->fd, client->output.data, client->output.size, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : STATUS_CLOSED;
        buf_consume(&client->output, (size_t)sent);
        *moved = true;
    }
}

/* Takes in what has come. Returns: as send_some(). */
static int receive_some(struct otlp_client *client, bool *moved)
{
    ssize_t got = recv(client->fd, client->input, CHUNK, 0);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : STATUS_CLOSED;
    if (got == 0)
        return STATUS_CLOSED;
    *moved = true;
    return h2_client_receive(client->h2, (struct view){client->input, (size_t)got});
}

/* One turn: sends, waits, receives. Returns: 0; STATUS_CLOSED; STATUS_NOMEM. */
static int turn(struct otlp_client *client, uint64_t until_ns, bool *moved)
{
    int status = send_some(client, moved);
    short ready;

    if (status != 0)
        return status;
    if (h2_client_is_over(client->h2))
        return STATUS_CLOSED;
    ready = wait_for(client, (short)(POLLIN | (client->output.size != 0 ? POLLOUT : 0)), until_ns);
    if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0)
        status = receive_some(client, moved);
    return status;
}

/* --------------------------------------------------------------------- requests */

static int start_request(struct otlp_client *client, struct view request,
                         const uint8_t prefix[PREFIX_SIZE])
{
    const struct h2_field fields[] = {
        {VIEW(":method"), VIEW("POST")},
        {VIEW(":scheme"), VIEW("http")},
        {VIEW(":path"), VIEW("/opentelemetry.proto.collector.trace.v1.TraceService/Export")},
        {VIEW(":authority"), client->options.authority},
        {VIEW("te"), VIEW("trailers")},
        {VIEW("content-type"), VIEW("application/grpc")},
        {VIEW("user-agent"), VIEW("spanmap-replay")},
    };
    struct h2_request h2_request = {
        .fields = fields,
        .fields_count = sizeof(fields) / sizeof(fields[0]),
        .head = {(const char *)prefix, PREFIX_SIZE},
        .body = request,
    };
    int32_t stream;

    return h2_client_request(client->h2, &h2_request, &stream);
}

/* Goes on until the answer is there. Returns: 0, with an answer of whatever kind; STATUS_CLOSED
 * (stop); STATUS_NOMEM. */
static int await_answer(struct otlp_client *client, struct otlp_answer *answer)
{
    uint64_t silent_at = now_ns() + client->options.silence_ns;
    uint64_t stop_at = UINT64_MAX;
    int status = 0;

    while (status == 0 && !client->is_answered) {
        bool moved = false;
        status = turn(client, silent_at < stop_at ? silent_at : stop_at, &moved);
        if (client->is_stopping && stop_at == UINT64_MAX)
            stop_at = now_ns() + last_answer_ns;
        if (moved)
            silent_at = now_ns() + client->options.silence_ns;
        if (!client->is_answered && now_ns() >= stop_at)
            return STATUS_CLOSED;
        if (!client->is_answered && status == 0 && now_ns() >= silent_at) {
            otlp_answer_lose(answer, "no answer came in time");
            return 0;
        }
    }
    if (client->is_answered || status == STATUS_NOMEM)
        return client->is_answered ? 0 : status;
    if (h2_client_is_faulty(client->h2))
        otlp_answer_break(answer, "what listens there does not speak HTTP/2");
    else
        otlp_answer_lose(answer, "the connection was lost");
    return 0;
}

int otlp_client_export(struct otlp_client *client, struct view request,
                       struct otlp_answer *out_answer)
{
    uint8_t prefix[PREFIX_SIZE] = {0, (uint8_t)(request.size >> 24), (uint8_t)(request.size >> 16),
                                   (uint8_t)(request.size >> 8), (uint8_t)request.size};
    char error[ERROR_SIZE] = "";
    int status;

    CHECK(request.size <= UINT32_MAX);
    status = otlp_client_connect(client, error);
    if (status == STATUS_SYSTEM) {
        otlp_answer_lose(out_answer, error);
        return 0;
    }
    if (status != 0)
        return status;
    status = start_request(client, request, prefix);
    if (status == STATUS_CLOSED) {
        otlp_answer_lose(out_answer, "the connection takes no more requests");
        return 0;
    }
    if (status != 0)
        return status;
    client->answer = out_answer;
    client->is_answered = false;
    status = await_answer(client, out_answer);
    client->answer = NULL;
    if (status != 0 || !client->is_answered)
        disconnect(client); /* The request is borrowed no longer. */
    return status;
}

int otlp_client_wait(struct otlp_client *client, struct mono_time until)
{
    while (now_ns() < until.ns && !client->is_stopping) {
        bool moved = false;
        if (client->h2 == NULL)
            (void)wait_for(client, 0, until.ns);
        else if (turn(client, until.ns, &moved) != 0)
            disconnect(client);
    }
    return client->is_stopping ? STATUS_CLOSED : 0;
}

/* ------------------------------------------------------------------------- life */

static int find_peers(struct otlp_client *client, char out_error[ERROR_SIZE])
{
    const struct address *address = &client->options.address;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    int code;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)address->port);
    code = getaddrinfo(address->host, port, &hints, &found);
    if (code != 0) {
        (void)snprintf(out_error, ERROR_SIZE, "the host %.100s is not found: %s", address->host,
                       gai_strerror(code));
        return STATUS_NOT_FOUND;
    }
    for (struct addrinfo *at = found; at != NULL && client->peers_count < PEERS_MAX;
         at = at->ai_next) {
        struct peer *peer = &client->peers[client->peers_count++];
        memcpy(&peer->address, at->ai_addr, at->ai_addrlen);
        peer->size = at->ai_addrlen;
    }
    freeaddrinfo(found);
    return 0;
}

static void use_path(struct otlp_client *client)
{
    const char *path = client->options.address.path;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t size = strlen(path);

    memcpy(name.sun_path, path, size);
    if (path[0] == '@')
        name.sun_path[0] = '\0'; /* An abstract name is all that the length holds. */
    memcpy(&client->peers[0].address, &name, sizeof(name));
    client->peers[0].size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size +
                                        (path[0] == '@' ? 0 : 1));
    client->peers_count = 1;
}

int otlp_client_new(const struct otlp_client_options *options, char out_error[ERROR_SIZE],
                    struct otlp_client **out_client)
{
    struct otlp_client *client = mem_calloc(1, sizeof(*client));
    int status = 0;

    if (client == NULL)
        return STATUS_NOMEM;
    client->options = *options;
    client->fd = -1;
    buf_init(&client->output, 0);
    client->input = mem_alloc(CHUNK);
    if (client->input == NULL)
        status = STATUS_NOMEM;
    else if (options->address.type == ADDRESS_UNIX)
        use_path(client);
    else
        status = find_peers(client, out_error);
    if (status != 0)
        otlp_client_free(client);
    else
        *out_client = client;
    return status;
}

void otlp_client_free(struct otlp_client *client)
{
    if (client == NULL)
        return;
    disconnect(client);
    buf_release(&client->output);
    mem_free(client->input);
    mem_free(client);
}
