/* stop.c: a handler that only uses what a handler may: write(2) and dup2(2). A flag alone would be
 * seen too late by who sleeps in poll(2) or read(2).
 */
#include "daemon/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Set before the handler is installed, and not changed any more but for `asked`. */
static volatile sig_atomic_t asked;
static int event_fd = -1;
static int empty_fd = -1;

static void on_signal(int which)
{
    static const uint64_t one = 1;
    int error = errno;
    ssize_t written;

    (void)which;
    asked = 1;
    written = write(event_fd, &one, sizeof(one)); /* Cannot fail: it is far from full. */
    (void)written;
    (void)dup2(empty_fd, STDIN_FILENO); /* Else the input's reader waits on. */
    errno = error;
}

int stop_init(void)
{
    struct sigaction action;

    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    empty_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (event_fd < 0 || empty_fd < 0)
        return STATUS_SYSTEM;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* The second one has its usual effect. */
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        return STATUS_SYSTEM;
    return 0;
}

bool stop_asked(void)
{
    return asked != 0;
}

int stop_fd(void)
{
    return event_fd;
}
