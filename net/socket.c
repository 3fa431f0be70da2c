/* socket.c: opens listening sockets.
 *
 * `localhost` with port 0 wants one free port on two addresses: the first bind picks it, and where
 * the second finds it taken, both start again.
 */
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"

enum { BACKLOG = 1024, PORT_TRIES = 32 };

/* What was tried, for the message. */
struct attempt {
    const struct address *address;
    char *error; /* 256 bytes */
};

static int report(struct attempt attempt, const char *reason)
{
    if (attempt.address->type != ADDRESS_TCP)
        (void)snprintf(attempt.error, 256, "cannot listen on %s:%s: %s",
                       attempt.address->type == ADDRESS_UNIX ? "unix" : "fd", attempt.address->path,
                       reason);
    else
        (void)snprintf(attempt.error, 256, "cannot listen on %s%.100s%s:%u: %s",
                       strchr(attempt.address->host, ':') != NULL ? "[" : "", attempt.address->host,
                       strchr(attempt.address->host, ':') != NULL ? "]" : "",
                       (unsigned)attempt.address->port, reason);
    return STATUS_SYSTEM;
}

static int report_errno(struct attempt attempt, int error)
{
    char text[96];

    return report(attempt, strerror_r(error, text, sizeof(text)));
}

static bool is_wildcard6(const struct sockaddr *name)
{
    struct sockaddr_in6 name6;

    if (name->sa_family != AF_INET6)
        return false;
    memcpy(&name6, name, sizeof(name6));
    return IN6_IS_ADDR_UNSPECIFIED(&name6.sin6_addr);
}

/* By way of /proc, since fchmod() refuses a descriptor that only names its file. */
static int change_mode(int fd, mode_t mode)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return chmod(name, mode);
}

/* Before it listens nobody can connect: there is no moment in which others may. Whoever may write to
 * the folder could have put something else there since; no link is followed, and nothing but a socket
 * is changed. Returns: 0; -1 with errno. */
static int give_rights(const char *path, const struct address_rights *rights)
{
    uid_t owner = rights->has_owner ? rights->owner : (uid_t)-1;
    gid_t group = rights->has_group ? rights->group : (gid_t)-1;
    struct stat file;
    int status = -1;
    int error;
    int fd;

    if (!rights->has_owner && !rights->has_group && !rights->has_mode)
        return 0;
    fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) != 0)
        goto out;
    if (!S_ISSOCK(file.st_mode)) {
        errno = ENOTSOCK;
        goto out;
    }
    if ((rights->has_owner || rights->has_group) &&
        fchownat(fd, "", owner, group, AT_EMPTY_PATH) != 0)
        goto out;
    status = rights->has_mode ? change_mode(fd, rights->mode) : 0;
out:
    error = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return status;
}

/* A listening socket, or -1 with errno. `path` is that of a Unix socket's file, or NULL. */
static int listen_on(const struct sockaddr *name, socklen_t size, const char *path,
                     const struct address_rights *rights)
{
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    /* [::] takes IPv4 as well, as users of it expect; any other address only what it says. */
    int only6 = !is_wildcard6(name);
    int error;

    if (fd < 0)
        return -1;
    /* Lets a restart bind beside connections in TIME_WAIT; a second listener still fails. */
    if (name->sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (name->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6));
    if (bind(fd, name, size) != 0)
        path = NULL; /* It is another's. */
    else if ((path == NULL || give_rights(path, rights) == 0) && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    if (path != NULL)
        (void)unlink(path);
    (void)close(fd);
    errno = error;
    return -1;
}

static uint16_t *port_of(struct sockaddr *name)
{
    if (name->sa_family == AF_INET6)
        return &((struct sockaddr_in6 *)(void *)name)->sin6_port;
    return &((struct sockaddr_in *)(void *)name)->sin_port;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(name);

    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        return 0;
    return *port_of((struct sockaddr *)&name);
}

static void close_all(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        (void)close(sockets->fds[i]);
    sockets->count = 0;
}

/* Binds one name after the other to the port of the first. `may_miss`: an address that this
 * machine does not have is passed over, as long as one is left. Returns 0 or an errno. */
static int listen_all(const struct addrinfo *names, bool may_miss, struct sockets *sockets)
{
    int missing = 0;

    for (const struct addrinfo *at = names; at != NULL && sockets->count < SOCKETS_MAX;
         at = at->ai_next) {
        struct sockaddr_storage name;
        int fd;

        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        memcpy(&name, at->ai_addr, at->ai_addrlen);
        if (sockets->count != 0)
            *port_of((struct sockaddr *)&name) = bound_port(sockets->fds[0]);
        fd = listen_on((struct sockaddr *)&name, at->ai_addrlen, NULL, NULL);
        if (fd >= 0) {
            sockets->fds[sockets->count++] = fd;
            continue;
        }
        if (!may_miss || (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT))
            return errno;
        missing = errno;
    }
    return sockets->count != 0 ? 0 : (missing != 0 ? missing : EADDRNOTAVAIL);
}

static int open_names(struct attempt attempt, const struct addrinfo *names, bool may_miss,
                      struct sockets *sockets)
{
    int error = 0;

    for (int i = 0; i < PORT_TRIES; i++) {
        error = listen_all(names, may_miss, sockets);
        if (error == 0)
            return 0;
        close_all(sockets);
        if (error != EADDRINUSE || attempt.address->port != 0)
            break;
    }
    return report_errno(attempt, error);
}

static int open_tcp(struct attempt attempt, struct sockets *sockets)
{
    const struct address *address = attempt.address;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    bool both = strcmp(address->host, "localhost") == 0;
    struct addrinfo *names = NULL;
    struct addrinfo *names6 = NULL;
    char port[8];
    int status;
    int error;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)address->port);
    /* Not what a hosts file makes of it: localhost is always these two. */
    if (both)
        hints.ai_flags |= AI_NUMERICHOST;
    error = getaddrinfo(both ? "127.0.0.1" : address->host, port, &hints, &names);
    if (error == 0 && both)
        error = getaddrinfo("::1", port, &hints, &names6);
    if (error != 0) {
        status = report(attempt, gai_strerror(error));
        goto out;
    }
    if (both) {
        names->ai_next = names6;
        status = open_names(attempt, names, true, sockets);
        names->ai_next = NULL;
    } else {
        status = open_names(attempt, names, false, sockets);
    }
out:
    if (names != NULL)
        freeaddrinfo(names);
    if (names6 != NULL)
        freeaddrinfo(names6);
    return status;
}

/* Whether somebody accepts on that socket; a full backlog counts. */
static bool is_answered(const struct sockaddr_un *name, socklen_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool answered;

    if (fd < 0)
        return true;
    answered = connect(fd, (const struct sockaddr *)name, size) == 0 ||
               (errno != ECONNREFUSED && errno != ENOENT);
    (void)close(fd);
    return answered;
}

static int open_unix(struct attempt attempt, struct sockets *sockets)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const struct address_rights *rights = &attempt.address->rights;
    const char *path = attempt.address->path;
    size_t length = strlen(path);
    bool is_abstract = path[0] == '@';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !is_abstract);
    struct stat old;
    int fd;

    CHECK(length < sizeof(name.sun_path));
    memcpy(name.sun_path, path, length);
    if (is_abstract)
        name.sun_path[0] = '\0';
    fd = listen_on((const struct sockaddr *)&name, size, is_abstract ? NULL : path, rights);
    if (fd < 0 && errno == EADDRINUSE && !is_abstract) {
        if (lstat(path, &old) == 0 && !S_ISSOCK(old.st_mode))
            return report(attempt, "there is a file of that name that is not a socket");
        if (is_answered(&name, size))
            return report_errno(attempt, EADDRINUSE);
        (void)unlink(path);
        fd = listen_on((const struct sockaddr *)&name, size, path, rights);
    }
    if (fd < 0)
        return report_errno(attempt, errno);
    sockets->fds[sockets->count++] = fd;
    memcpy(sockets->path, path, length);
    if (!is_abstract && lstat(path, &old) == 0) {
        sockets->device = old.st_dev;
        sockets->inode = old.st_ino;
    }
    return 0;
}

static int socket_option(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/* What is wrong with it; NULL: nothing. */
static const char *judge_passed(int fd)
{
    int domain = socket_option(fd, SO_DOMAIN);

    if (domain < 0)
        return "it is not a socket";
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return "it is neither an Internet nor a Unix socket";
    if (socket_option(fd, SO_TYPE) != SOCK_STREAM)
        return "it is not a stream socket";
    if (socket_option(fd, SO_ACCEPTCONN) != 1)
        return "it does not listen (in systemd, Accept= has to be no)";
    return NULL;
}

static int open_passed(struct attempt attempt, struct sockets *sockets)
{
    const struct address *address = attempt.address;

    if (address->fds_count == 0)
        return report(attempt, "no socket of this name was passed to this process");
    for (size_t i = 0; i < address->fds_count; i++) {
        int fd = address->fds[i];
        const char *reason = judge_passed(fd);
        int flags = fcntl(fd, F_GETFL);

        if (reason != NULL)
            return report(attempt, reason);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return report_errno(attempt, errno);
    }
    memcpy(sockets->fds, address->fds, sizeof(sockets->fds));
    sockets->count = address->fds_count;
    return 0;
}

int sockets_open(const struct address *address, char out_error[256], struct sockets *out_sockets)
{
    struct attempt attempt = {.address = address, .error = out_error};
    struct sockets sockets = {.count = 0};
    int status;

    CHECK(address->type != ADDRESS_OFF);
    if (address->type == ADDRESS_UNIX)
        status = open_unix(attempt, &sockets);
    else if (address->type == ADDRESS_PASSED)
        status = open_passed(attempt, &sockets);
    else
        status = open_tcp(attempt, &sockets);
    if (status == 0)
        *out_sockets = sockets;
    return status;
}

/* A successor may have replaced the file; then it is not ours to remove. Its inode alone does not
 * tell, since numbers are given out again. */
static bool is_still_ours(const struct sockets *sockets)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct stat now;

    if (sockets->path[0] == '\0' || sockets->path[0] == '@' || lstat(sockets->path, &now) != 0)
        return false;
    memcpy(name.sun_path, sockets->path, sizeof(name.sun_path));
    return now.st_dev == sockets->device && now.st_ino == sockets->inode &&
           !is_answered(&name, sizeof(name));
}

void sockets_close(struct sockets *sockets)
{
    if (sockets == NULL)
        return;
    close_all(sockets);
    if (is_still_ours(sockets))
        (void)unlink(sockets->path);
    sockets->path[0] = '\0';
}

/* Of a passed socket, which may be abstract or have no name at all. */
static int name_unix(const struct sockaddr_storage *name, socklen_t size, struct buf *out)
{
    struct sockaddr_un path;
    size_t length = size - offsetof(struct sockaddr_un, sun_path);

    memcpy(&path, name, sizeof(path));
    if (length == 0 || length > sizeof(path.sun_path))
        return buf_append_text(out, "unix:");
    if (path.sun_path[0] == '\0')
        path.sun_path[0] = '@';
    else
        length = strnlen(path.sun_path, length);
    return buf_printf(out, "unix:%.*s", (int)length, path.sun_path);
}

int sockets_name(const struct sockets *sockets, struct buf *out)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(name);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    CHECK(sockets->count != 0);
    if (sockets->path[0] != '\0')
        return buf_printf(out, "unix:%s", sockets->path);
    if (getsockname(sockets->fds[0], (struct sockaddr *)&name, &size) != 0)
        return STATUS_SYSTEM;
    if (name.ss_family == AF_UNIX)
        return name_unix(&name, size, out);
    if (getnameinfo((struct sockaddr *)&name, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return STATUS_SYSTEM;
    return buf_printf(out, name.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
