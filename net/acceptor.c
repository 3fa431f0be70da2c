/* acceptor.c: accepts until there is nothing to accept, or nothing to accept with. */
#include "net/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

/* Connections that one turn accepts, so that a stop is not held up. */
enum { ACCEPTS_A_TURN = 64, BACKOFF_MS = 100 };

static void poll_all(struct acceptor *acceptor);

int acceptor_init(struct acceptor *acceptor, const struct acceptor_events *events)
{
    int status;

    *acceptor = (struct acceptor){.events = *events, .reserve_fd = -1};
    status = loop_init(&acceptor->loop);
    if (status != 0)
        return status;
    CHECK(uv_timer_init(&acceptor->loop.uv, &acceptor->backoff) == 0);
    acceptor->backoff.data = acceptor;
    return 0;
}

int acceptor_add(struct acceptor *acceptor, const struct sockets *sockets, unsigned door)
{
    CHECK(!acceptor->loop.is_started);
    if (acceptor->count == ACCEPTOR_ADDRESSES_MAX)
        return STATUS_FULL;
    acceptor->doors[acceptor->count] = door;
    acceptor->sockets[acceptor->count++] = *sockets;
    return 0;
}

static void on_backoff_over(uv_timer_t *timer)
{
    poll_all(timer->data);
}

/* Level-triggered polling would spin on a connection that cannot be accepted. */
static void pause_accepting(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->polls_count; i++)
        CHECK(uv_poll_stop(&acceptor->polls[i]) == 0);
    CHECK(uv_timer_start(&acceptor->backoff, on_backoff_over, BACKOFF_MS, 0) == 0);
}

static void reserve(struct acceptor *acceptor)
{
    if (acceptor->reserve_fd < 0)
        acceptor->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Descriptors are out: the reserve one takes the connection only to close it, so that its peer
 * learns at once rather than by a timeout. */
static void shed(struct acceptor *acceptor, int listener)
{
    int fd;

    if (acceptor->reserve_fd >= 0) {
        (void)close(acceptor->reserve_fd);
        acceptor->reserve_fd = -1;
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            (void)close(fd);
    }
    reserve(acceptor);
}

static void tune(int fd)
{
    int on = 1;
    int idle_s = 120;
    int interval_s = 30;
    int probes = 4;

    /* A Unix socket refuses these, which does no harm. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* So that a peer whose machine vanished does not hold a connection for good. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static void on_acceptable(uv_poll_t *poll, int error, int events)
{
    struct acceptor *acceptor = poll->data;
    uv_os_fd_t listener = -1;

    (void)error;
    (void)events;
    CHECK(uv_fileno((const uv_handle_t *)poll, &listener) == 0);
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            tune(fd);
            acceptor->events.take(acceptor->events.context, fd,
                                  acceptor->poll_doors[poll - acceptor->polls]);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            acceptor->events.failed(acceptor->events.context);
            shed(acceptor, listener);
            pause_accepting(acceptor);
            return;
        }
        /* Any other error is that of one connection, which is gone. */
    }
}

static void poll_all(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->polls_count; i++)
        CHECK(uv_poll_start(&acceptor->polls[i], UV_READABLE, on_acceptable) == 0);
}

int acceptor_start(struct acceptor *acceptor, const char *name)
{
    for (size_t i = 0; i < acceptor->count; i++) {
        for (size_t j = 0; j < acceptor->sockets[i].count; j++) {
            uv_poll_t *poll = &acceptor->polls[acceptor->polls_count];
            int error = uv_poll_init(&acceptor->loop.uv, poll, acceptor->sockets[i].fds[j]);

            if (error != 0)
                return error == UV_ENOMEM ? STATUS_NOMEM : STATUS_SYSTEM;
            poll->data = acceptor;
            acceptor->poll_doors[acceptor->polls_count++] = acceptor->doors[i];
        }
    }
    reserve(acceptor);
    poll_all(acceptor);
    return loop_start(&acceptor->loop, name);
}

static void on_stop(struct loop_task *task)
{
    loop_end(&((struct acceptor *)((char *)task - offsetof(struct acceptor, stop)))->loop);
}

static void close_sockets(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->polls_count; i++)
        uv_close((uv_handle_t *)&acceptor->polls[i], NULL);
    acceptor->polls_count = 0;
    for (size_t i = 0; i < acceptor->count; i++)
        sockets_close(&acceptor->sockets[i]);
    acceptor->count = 0;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (!acceptor->loop.is_ready)
        return;
    if (acceptor->loop.is_started) {
        acceptor->stop.run = on_stop;
        loop_post(&acceptor->loop, &acceptor->stop);
        loop_join(&acceptor->loop);
    }
    close_sockets(acceptor);
}

void acceptor_release(struct acceptor *acceptor)
{
    if (!acceptor->loop.is_ready)
        return;
    acceptor_stop(acceptor);
    loop_release(&acceptor->loop);
    if (acceptor->reserve_fd >= 0)
        (void)close(acceptor->reserve_fd);
    acceptor->reserve_fd = -1;
}
