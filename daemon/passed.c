/* passed.c: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES and NOTIFY_SOCKET. */
#include "daemon/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

enum { FIRST_FD = 3 };

static int complain(const char *what, const char *text, char out_error[256])
{
    (void)snprintf(out_error, 256,
                   "%s in the environment is '%.60s', which is not what a service "
                   "manager writes",
                   what, text);
    return STATUS_INVALID;
}

static int parse(const char *text, unsigned long max, unsigned long *out_number)
{
    unsigned long number;
    char *end;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number > max)
        return STATUS_INVALID;
    *out_number = number;
    return 0;
}

/* The n-th name, cut out of the list in place. */
static const char *next_name(char **names)
{
    char *name = strsep(names, ":");

    return name != NULL && name[0] != '\0' ? name : "unknown";
}

static int take_sockets(struct passed *passed, const char *fds, const char *names,
                        char out_error[256])
{
    unsigned long count;
    char *rest;

    if (parse(fds, PASSED_MAX, &count) != 0)
        return complain("LISTEN_FDS", fds, out_error);
    passed->names = mem_dup_text(names != NULL ? names : "", names != NULL ? strlen(names) : 0);
    if (passed->names == NULL)
        return STATUS_NOMEM;
    rest = passed->names;
    for (unsigned long i = 0; i < count; i++) {
        int fd = FIRST_FD + (int)i;

        /* Not for children. */
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return complain("LISTEN_FDS", fds, out_error);
        passed->list[i] = (struct passed_socket){.name = next_name(&rest), .fd = fd};
    }
    passed->sockets = (struct passed_sockets){passed->list, count};
    return 0;
}

static void take_notify(struct passed *passed)
{
    const char *path = getenv("NOTIFY_SOCKET");

    if (path != NULL && (path[0] == '/' || path[0] == '@') && strlen(path) < sizeof(passed->notify))
        memcpy(passed->notify, path, strlen(path) + 1);
}

int passed_take(struct passed *passed, char out_error[256])
{
    const char *pid = getenv("LISTEN_PID");
    const char *fds = getenv("LISTEN_FDS");
    unsigned long number = 0;
    int status = 0;

    *passed = (struct passed){.names = NULL};
    take_notify(passed);
    if (pid != NULL && fds != NULL) {
        if (parse(pid, (unsigned long)INT32_MAX, &number) != 0)
            status = complain("LISTEN_PID", pid, out_error);
        /* Else they are another process's, which started this one. */
        else if (number == (unsigned long)getpid())
            status = take_sockets(passed, fds, getenv("LISTEN_FDNAMES"), out_error);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    (void)unsetenv("NOTIFY_SOCKET");
    return status;
}

void passed_release(struct passed *passed)
{
    mem_free(passed->names);
    passed->names = NULL;
    passed->sockets = (struct passed_sockets){NULL, 0};
}

void passed_notify(const struct passed *passed, const char *state)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(passed->notify);
    int fd;

    if (length == 0)
        return;
    memcpy(name.sun_path, passed->notify, length);
    if (name.sun_path[0] == '@')
        name.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* A manager that does not listen will find out by itself. */
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&name,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    (void)close(fd);
}
