/* peer.c: sockets with a time limit. */
#include "tests/lib/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/test.h"

enum { PATIENCE_S = 60 };

struct address peer_address(const char *text)
{
    struct address address;
    char error[256];

    if (address_parse(view_of(text), error, &address) != 0)
        fail_msg("%s", error);
    return address;
}

static int connect_tcp(const struct address *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *names = NULL;
    char port[8];
    int fd;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)address->port);
    assert_int_equal(getaddrinfo(address->host, port, &hints, &names), 0);
    fd = socket(names->ai_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, names->ai_addr, names->ai_addrlen), 0);
    freeaddrinfo(names);
    return fd;
}

static int connect_unix(const struct address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    size_t length = strlen(address->path);
    bool is_abstract = address->path[0] == '@';

    assert_true(fd >= 0);
    memcpy(name.sun_path, address->path, length);
    if (is_abstract)
        name.sun_path[0] = '\0';
    assert_int_equal(
        connect(fd, (struct sockaddr *)&name,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !is_abstract)),
        0);
    return fd;
}

int peer_connect(struct view bound)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct address address;
    char error[256];
    int fd;

    assert_int_equal(address_parse(bound, error, &address), 0);
    fd = address.type == ADDRESS_UNIX ? connect_unix(&address) : connect_tcp(&address);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    return fd;
}

void peer_send(int fd, struct view bytes)
{
    while (bytes.size != 0) {
        ssize_t size = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (size < 0 && errno == EINTR)
            continue;
        assert_true(size > 0);
        bytes = (struct view){bytes.data + size, bytes.size - (size_t)size};
    }
}

/* 0: the other side has closed. */
static size_t read_some(int fd, struct buf *out)
{
    char bytes[65536];
    ssize_t size;

    /* A call with a timeout is not restarted when the kernel needs the thread for a moment, as it
     * does on behalf of a loop that uses io_uring. */
    do
        size = recv(fd, bytes, sizeof(bytes), 0);
    while (size < 0 && errno == EINTR);
    if (size < 0 && errno == ECONNRESET)
        return 0;
    assert_true(size >= 0);
    assert_int_equal(buf_append(out, bytes, (size_t)size), 0);
    return (size_t)size;
}

bool peer_read_until(int fd, const char *until, struct buf *out)
{
    while (out->size == 0 || memmem(out->data, out->size, until, strlen(until)) == NULL) {
        if (read_some(fd, out) == 0)
            return false;
    }
    return true;
}

void peer_read_all(int fd, struct buf *out)
{
    while (read_some(fd, out) != 0)
        continue;
}
