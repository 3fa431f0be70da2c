/* output.c: a new file beside the old one, then rename(2). */
#include "daemon/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

static int fail(const char *what, const char *path, char out_error[256])
{
    char reason[128];

    /* The GNU form of strerror_r() returns the text. */
    snprintf(out_error, 256, "cannot %s %.100s: %s", what, path,
             strerror_r(errno, reason, sizeof(reason)));
    return STATUS_SYSTEM;
}

static bool write_all(int fd, struct view bytes)
{
    while (bytes.size != 0) {
        ssize_t written = write(fd, bytes.data, bytes.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes.data += written;
        bytes.size -= (size_t)written;
    }
    return true;
}

static int write_through(const char *path, struct view bytes, char out_error[256])
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done;

    if (fd < 0)
        return fail("open", path, out_error);
    done = write_all(fd, bytes);
    if (close(fd) != 0 || !done)
        return fail("write", path, out_error);
    return 0;
}

static int replace(const char *path, char *beside, mode_t mode, struct view bytes,
                   char out_error[256])
{
    int fd = mkstemp(beside);
    bool done;

    if (fd < 0)
        return fail("write beside", path, out_error);
    done = write_all(fd, bytes) && fchmod(fd, mode) == 0;
    if (close(fd) != 0 || !done || rename(beside, path) != 0) {
        int status = fail("write", path, out_error);

        (void)unlink(beside); /* Nothing more can be done where that fails too. */
        return status;
    }
    return 0;
}

/* What open(2) would give a new file. */
static mode_t new_mode(void)
{
    mode_t mask = umask(0);

    (void)umask(mask);
    return 0666 & ~mask;
}

int output_write(const char *path, struct view bytes, char out_error[256])
{
    struct stat old;
    mode_t mode;
    struct buf beside;
    int status;

    if (path == NULL || strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, bytes) ? 0 : fail("write", "standard output", out_error);
    if (stat(path, &old) != 0)
        mode = new_mode();
    else if (S_ISREG(old.st_mode))
        mode = old.st_mode & 07777;
    else
        return write_through(path, bytes, out_error);
    buf_init(&beside, 0);
    status = buf_printf(&beside, "%s.XXXXXX", path);
    if (status == 0)
        status = buf_append_byte(&beside, '\0');
    if (status == 0)
        status = replace(path, beside.data, mode, bytes, out_error);
    else
        snprintf(out_error, 256, "%s", status_text(status));
    buf_release(&beside);
    return status;
}
