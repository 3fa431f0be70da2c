/* watch.c: a look at the files, now and then, and soon after something happened beside them.
 *
 * Kubernetes exchanges a symbolic link in the files' folder, others rename over a file: both are
 * events of the folder, which is why folders are watched and not files. Events only say that it is
 * worth while to look; what changed is found by comparing what was read. So an event too many or
 * too few does no harm: at the next interval, everything is looked at anyway.
 */
#include "net/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/loop.h"

enum { FILE_BYTES_MAX = 1 << 20, GROWTH_BYTES = 4096, PATH_BYTES = 4096 };

/* Writers who take two steps (the certificate, then its key) should have taken both. */
enum { SETTLE_MS = 200 };

static const uint64_t interval_default_ns = 10 * NS_PER_S;

struct group {
    struct watch *watch;
    struct watch_group is;
    struct hash128 seen; /* Of what was found last. */
    uv_fs_event_t folders[WATCH_FILES_MAX];
};

struct watch {
    struct loop loop;
    struct loop_task stop;
    struct loop_task begin;
    uint64_t interval_ns;
    uint64_t seed;
    uv_timer_t interval;
    uv_timer_t settle;
    struct group groups[WATCH_GROUPS_MAX];
    size_t count;
};

/* ----------------------------------------------------------------------- reading */

static bool is_there(const char *path)
{
    return path != NULL && path[0] != '\0';
}

static int complain(char out_error[256], const char *path, const char *reason)
{
    (void)snprintf(out_error, 256, "cannot read %.160s: %s", path, reason);
    return STATUS_SYSTEM;
}

static int complain_errno(char out_error[256], const char *path)
{
    char text[80];

    return complain(out_error, path, strerror_r(errno, text, sizeof(text)));
}

/* Returns: 0; STATUS_SYSTEM; STATUS_TOO_LARGE; STATUS_NOMEM. */
static int read_descriptor(int fd, const char *path, char out_error[256], struct buf *out)
{
    struct stat file;
    ssize_t size;
    size_t room;

    if (fstat(fd, &file) != 0)
        return complain_errno(out_error, path);
    if (!S_ISREG(file.st_mode))
        return complain(out_error, path, "it is not a regular file");
    if (file.st_size > FILE_BYTES_MAX) {
        (void)complain(out_error, path, "it is larger than 1 MiB");
        return STATUS_TOO_LARGE;
    }
    /* At once, so that no copy of a secret is left behind by growing. */
    room = (size_t)file.st_size + GROWTH_BYTES;
    if (buf_reserve(out, room) != 0) {
        (void)complain(out_error, path, "out of memory");
        return STATUS_NOMEM;
    }
    do {
        size = read(fd, out->data + out->size, room - out->size);
        if (size > 0)
            out->size += (size_t)size;
    } while ((size > 0 && out->size < room) || (size < 0 && errno == EINTR));
    if (size < 0)
        return complain_errno(out_error, path);
    return out->size < room ? 0 : complain(out_error, path, "it grows while it is read");
}

static int read_file(const char *path, char out_error[256], struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int status;

    if (fd < 0)
        return complain_errno(out_error, path);
    status = read_descriptor(fd, path, out_error, out);
    (void)close(fd);
    return status;
}

/* ------------------------------------------------------------------------ looking */

struct contents {
    struct buf files[WATCH_FILES_MAX];
};

static void release_contents(struct contents *contents)
{
    for (size_t i = 0; i < WATCH_FILES_MAX; i++) {
        if (contents->files[i].data != NULL)
            explicit_bzero(contents->files[i].data, contents->files[i].capacity);
        buf_release(&contents->files[i]);
    }
}

/* What is found is contents or an error; `out_found` tells states apart.
 * Returns: as read_descriptor(). */
static int find(const struct group *group, struct contents *contents, char out_error[256],
                struct hash128 *out_found)
{
    struct hash128 found = {0, 0};
    int status = 0;

    for (size_t i = 0; i < WATCH_FILES_MAX; i++)
        buf_init(&contents->files[i], 0);
    for (size_t i = 0; i < WATCH_FILES_MAX && status == 0; i++) {
        struct hash128 of_file;

        if (is_there(group->is.paths[i]))
            status = read_file(group->is.paths[i], out_error, &contents->files[i]);
        of_file = status == 0 ? hash128(contents->files[i].data, contents->files[i].size,
                                        group->watch->seed)
                              : hash128(out_error, strlen(out_error), ~group->watch->seed);
        found.low = found.low * 31 + of_file.low;
        found.high = found.high * 31 + of_file.high;
    }
    *out_found = found;
    return status;
}

static int load(const struct group *group, const struct contents *contents, char out_error[256])
{
    struct view views[WATCH_FILES_MAX];

    for (size_t i = 0; i < WATCH_FILES_MAX; i++)
        views[i] = buf_view(&contents->files[i]);
    return group->is.load(group->is.context, views, out_error);
}

static void follow_folders(struct group *group);

static void look_soon(struct watch *watch);

/* Something else than last time was found. If it does not stay so for a moment, files were being
 * exchanged while they were read, and what was read may be half of each. */
static bool is_settled(const struct group *group, struct hash128 found)
{
    struct contents contents;
    struct hash128 again;
    char error[256] = "";

    (void)find(group, &contents, error, &again);
    release_contents(&contents);
    return again.low == found.low && again.high == found.high;
}

static void take(struct group *group, struct contents *contents, struct hash128 found, int status,
                 char error[256])
{
    group->seen = found;
    if (status == 0)
        status = load(group, contents, error);
    /* Memory may be there the next time. */
    if (status == STATUS_NOMEM)
        group->seen.low++;
    group->is.changed(group->is.context, status, error);
    follow_folders(group);
}

static void look(struct group *group)
{
    struct contents contents;
    struct hash128 found;
    char error[256] = "";
    int status = find(group, &contents, error, &found);

    if (found.low != group->seen.low || found.high != group->seen.high) {
        if (is_settled(group, found))
            take(group, &contents, found, status, error);
        else
            look_soon(group->watch);
    }
    release_contents(&contents);
    if (group->is.looked != NULL)
        group->is.looked(group->is.context);
}

static void look_at_all(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    for (size_t i = 0; i < watch->count; i++)
        look(&watch->groups[i]);
}

static void look_soon(struct watch *watch)
{
    if (!uv_is_active((const uv_handle_t *)&watch->settle))
        CHECK(uv_timer_start(&watch->settle, look_at_all, SETTLE_MS, 0) == 0);
}

/* ------------------------------------------------------------------------- events */

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status;
    look_soon(((struct group *)event->data)->watch);
}

/* Anew after each change, since the folder itself may be another one now. Where that fails, the
 * interval is left. */
static void follow_folders(struct group *group)
{
    char folder[PATH_BYTES];

    for (size_t i = 0; i < WATCH_FILES_MAX; i++) {
        const char *path = group->is.paths[i];
        const char *slash;

        (void)uv_fs_event_stop(&group->folders[i]);
        if (!is_there(path))
            continue;
        slash = strrchr(path, '/');
        if (slash == NULL)
            (void)snprintf(folder, sizeof(folder), ".");
        else if (snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path) >=
                 PATH_BYTES)
            continue;
        (void)uv_fs_event_start(&group->folders[i], on_event, folder, 0);
    }
}

/* --------------------------------------------------------------------------- life */

static void on_begin(struct loop_task *task)
{
    struct watch *watch = (struct watch *)(void *)((char *)task - offsetof(struct watch, begin));
    uint64_t interval_ms = watch->interval_ns / NS_PER_MS;

    for (size_t i = 0; i < watch->count; i++)
        follow_folders(&watch->groups[i]);
    if (interval_ms == 0)
        interval_ms = 1;
    /* At once too: something may have changed since the files were read. */
    CHECK(uv_timer_start(&watch->interval, look_at_all, 0, interval_ms) == 0);
}

static void on_stop(struct loop_task *task)
{
    loop_end(&((struct watch *)(void *)((char *)task - offsetof(struct watch, stop)))->loop);
}

int watch_new(uint64_t interval_ns, struct watch **out_watch)
{
    struct watch *watch = mem_calloc(1, sizeof(*watch));
    int status;

    if (watch == NULL)
        return STATUS_NOMEM;
    watch->interval_ns = interval_ns != 0 ? interval_ns : interval_default_ns;
    watch->seed = hash_seed();
    watch->begin.run = on_begin;
    watch->stop.run = on_stop;
    status = loop_init(&watch->loop);
    if (status != 0) {
        mem_free(watch);
        return status;
    }
    CHECK(uv_timer_init(&watch->loop.uv, &watch->interval) == 0);
    CHECK(uv_timer_init(&watch->loop.uv, &watch->settle) == 0);
    watch->interval.data = watch;
    watch->settle.data = watch;
    *out_watch = watch;
    return 0;
}

int watch_add(struct watch *watch, const struct watch_group *group, char out_error[256])
{
    struct group *added = &watch->groups[watch->count];
    struct contents contents;
    int status;

    CHECK(!watch->loop.is_started);
    if (watch->count == WATCH_GROUPS_MAX) {
        (void)snprintf(out_error, 256, "there are too many files to watch");
        return STATUS_FULL;
    }
    *added = (struct group){.watch = watch, .is = *group};
    status = find(added, &contents, out_error, &added->seen);
    if (status == 0)
        status = load(added, &contents, out_error);
    release_contents(&contents);
    if (status != 0)
        return status;
    for (size_t i = 0; i < WATCH_FILES_MAX; i++) {
        CHECK(uv_fs_event_init(&watch->loop.uv, &added->folders[i]) == 0);
        added->folders[i].data = added;
    }
    watch->count++;
    return 0;
}

int watch_start(struct watch *watch)
{
    loop_post(&watch->loop, &watch->begin);
    return loop_start(&watch->loop, "watch");
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->loop.is_started) {
        loop_post(&watch->loop, &watch->stop);
        loop_join(&watch->loop);
    }
    loop_release(&watch->loop);
    mem_free(watch);
}
