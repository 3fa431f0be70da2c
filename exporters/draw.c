/* draw.c: posix_spawn, one poll loop over three pipes and a timer, and a wait that reaps.
 *
 *   description --socket--> helper --pipe--> picture
 *                                  --pipe--> reason
 *
 * The helper leads a process group of its own, so that whatever it started dies with it. Its input
 * is a socket because MSG_NOSIGNAL exists for sockets only. A timerfd is the deadline, since code
 * here reads no clock.
 */
#include "exporters/draw.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "exporters/escape.h"
#include "exporters/map_graph.h"

enum {
    TIMEOUT_S_DEFAULT = 10,
    MEMORY_DEFAULT = 512 << 20,
    PICTURE_DEFAULT = 32 << 20,
    REASON_MAX = 400,
    PATH_IN_ERROR = 80,
    CHUNK = 64 << 10,
    REAP_POLL_MS = 2,
    IS_OVER_POLL_MS = 50,
    EXIT_NO_GRAPHVIZ = 3,   /* exporters/draw_helper/main.c */
    EXIT_NOT_STARTED = 127, /* The dynamic loader's, and a shell's. */
    FD_NONE = -1,
};

enum { END_IN, END_OUT, END_REASON, END_TIMER, END_COUNT };

struct run {
    struct draw_job job;
    int ends[END_COUNT]; /* Ours. */
    int theirs[3];       /* The helper's standard input, output and error. */
    pid_t pid;           /* 0: not started. */
    struct view left;    /* Of the description. */
    struct buf *out;
    size_t size_before;
    struct buf reason; /* What the helper wrote to standard error; it may be cut. */
    bool timed_out;
    int status; /* The first failure. */
};

static void close_end(int *fd)
{
    if (*fd != FD_NONE)
        (void)close(*fd); /* Nothing is written that could be lost. */
    *fd = FD_NONE;
}

static int open_timer(uint64_t timeout_ns)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                                           .tv_nsec = (long)(timeout_ns % NS_PER_S)}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0 && timerfd_settime(fd, 0, &when, NULL) != 0)
        close_end(&fd);
    return fd;
}

static bool is_over(const struct draw_job *job)
{
    return job->is_over != NULL && atomic_load(job->is_over);
}

static bool open_ends(struct run *run)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    run->theirs[STDIN_FILENO] = pair[0];
    run->ends[END_IN] = pair[1];
    if (pipe2(pair, O_CLOEXEC) != 0)
        return false;
    run->ends[END_OUT] = pair[0];
    run->theirs[STDOUT_FILENO] = pair[1];
    if (pipe2(pair, O_CLOEXEC) != 0)
        return false;
    run->ends[END_REASON] = pair[0];
    run->theirs[STDERR_FILENO] = pair[1];
    run->ends[END_TIMER] = open_timer(run->job.timeout_ns);
    /* Each end is its own description: the helper's stay blocking. */
    return run->ends[END_TIMER] >= 0 && fcntl(run->ends[END_OUT], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(run->ends[END_REASON], F_SETFL, O_NONBLOCK) == 0;
}

/* The host may hold descriptors 0 to 2 closed, and ours may have come to lie there: then one dup2
 * could overwrite what the next one needs. Moves those up. */
static bool lift_ends(struct run *run)
{
    for (size_t i = 0; i < 3; i++) {
        int lifted;
        if (run->theirs[i] > STDERR_FILENO)
            continue;
        lifted = fcntl(run->theirs[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (lifted < 0)
            return false;
        (void)close(run->theirs[i]);
        run->theirs[i] = lifted;
    }
    return true;
}

/* Signals as a fresh process has them, a group of its own, and nothing of ours open. */
static int prepare(const struct run *run, posix_spawn_file_actions_t *actions,
                   posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    int error = 0;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    for (int i = 0; i < 3 && error == 0; i++)
        error = posix_spawn_file_actions_adddup2(actions, run->theirs[i], i);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setpgroup(attributes, 0);
    if (error == 0)
        error = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return error;
}

/* Returns: 0 or an errno. */
static int spawn(struct run *run, char *path)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char format[16];
    char cpu[24];
    char memory[24];
    char locale[] = "LC_ALL=C.UTF-8";
    char *arguments[] = {path, format, cpu, memory, NULL};
    char *environment[] = {locale, NULL};
    pid_t pid = 0;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    (void)snprintf(format, sizeof(format), "%s", run->job.format);
    (void)snprintf(cpu, sizeof(cpu), "%llu",
                   (unsigned long long)(run->job.timeout_ns / NS_PER_S + 1));
    (void)snprintf(memory, sizeof(memory), "%zu", run->job.memory_bytes_max);
    error = prepare(run, &actions, &attributes);
    if (error == 0)
        error = posix_spawn(&pid, path, &actions, &attributes, arguments, environment);
    if (error == 0)
        run->pid = pid;
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void send_some(struct run *run)
{
    ssize_t sent = send(run->ends[END_IN], run->left.data, run->left.size,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent > 0) {
        run->left.data += sent;
        run->left.size -= (size_t)sent;
    }
    /* One that does not read on may still have drawn: its exit code decides. */
    if (sent < 0 || run->left.size == 0)
        close_end(&run->ends[END_IN]);
}

static void read_picture(struct run *run)
{
    struct buf *out = run->out;
    size_t most = run->size_before + run->job.picture_bytes_max;
    ssize_t got;

    if (run->status == 0)
        run->status = buf_reserve(out, CHUNK);
    if (run->status != 0)
        return;
    got = read(run->ends[END_OUT], out->data + out->size, CHUNK);
    if (got > 0)
        out->size += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_end(&run->ends[END_OUT]);
    if (out->size > most)
        run->status = STATUS_TOO_LARGE;
}

static void read_reason(struct run *run)
{
    char bytes[256];
    ssize_t got = read(run->ends[END_REASON], bytes, sizeof(bytes));

    if (got > 0)
        (void)buf_append(&run->reason, bytes, (size_t)got); /* What finds no room is not needed. */
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_end(&run->ends[END_REASON]);
}

/* Until both outputs have ended, the time is over, or something failed. */
static void converse(struct run *run)
{
    while (run->status == 0 && (run->ends[END_OUT] >= 0 || run->ends[END_REASON] >= 0)) {
        struct pollfd polled[END_COUNT];
        for (size_t i = 0; i < END_COUNT; i++) /* poll() passes over those below zero. */
            polled[i] = (struct pollfd){run->ends[i], i == END_IN ? POLLOUT : POLLIN, 0};
        if (poll(polled, END_COUNT, run->job.is_over != NULL ? IS_OVER_POLL_MS : -1) < 0 &&
            errno != EINTR)
            run->status = STATUS_SYSTEM;
        if (is_over(&run->job))
            run->status = STATUS_BUSY;
        if (polled[END_TIMER].revents != 0) {
            run->timed_out = true;
            return;
        }
        if (polled[END_IN].revents != 0)
            send_some(run);
        if (polled[END_OUT].revents != 0)
            read_picture(run);
        if (polled[END_REASON].revents != 0)
            read_reason(run);
    }
}

/* Whether the child has ended (or is nobody's child any more), without reaping it. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return errno != EINTR;
    return info.si_pid != 0;
}

/* Waits out the deadline, then kills; whatever it started goes with it. A zombie keeps its group's
 * number from being given to others, so the kill comes before the reaping.
 * Returns: as waitpid()'s status; 0 where the host reaped it (SIGCHLD ignored). */
static int reap(struct run *run)
{
    struct pollfd timer = {run->ends[END_TIMER], POLLIN, 0};
    int exit_status = 0;

    while (run->status == 0 && !run->timed_out && !has_ended(run->pid)) {
        if (poll(&timer, 1, REAP_POLL_MS) > 0)
            run->timed_out = true;
        if (is_over(&run->job))
            run->status = STATUS_BUSY;
    }
    (void)kill(-run->pid, SIGKILL); /* Fails if nobody is left. */
    while (waitpid(run->pid, &exit_status, 0) < 0)
        if (errno != EINTR) {
            exit_status = 0;
            break;
        }
    return exit_status;
}

/* The first line of what the helper said, plain. */
static const char *first_line(struct run *run, struct buf *line)
{
    size_t size = 0;

    while (size < run->reason.size && run->reason.data[size] != '\n')
        size++;
    buf_init(line, 0);
    (void)escape_cut(line, (struct view){run->reason.data, size}, REASON_MAX / 4);
    (void)buf_append_byte(line, '\0');
    return line->failed == 0 && size != 0 ? line->data : "it gave no reason";
}

static int given_up(char out_error[256])
{
    return export_fail(out_error, STATUS_BUSY, "nothing is drawn any more: spanmap ends");
}

/* What became of a helper that ran. */
static int judge(struct run *run, int exit_status, char out_error[256])
{
    int code = WIFEXITED(exit_status) ? WEXITSTATUS(exit_status) : -1;
    unsigned long long timeout_ms = run->job.timeout_ns / NS_PER_MS;
    struct buf line;
    int status;

    if (run->status == STATUS_TOO_LARGE)
        return export_fail(out_error, STATUS_TOO_LARGE,
                           "the picture is larger than %zu bytes: focus on a part of the map",
                           run->job.picture_bytes_max);
    if (run->status == STATUS_BUSY)
        return given_up(out_error);
    if (run->status != 0)
        return export_fail(out_error, run->status, "the map is not drawn: %s",
                           status_text(run->status));
    if (run->timed_out || (WIFSIGNALED(exit_status) && WTERMSIG(exit_status) == SIGXCPU))
        return export_fail(out_error, STATUS_TIMEOUT,
                           "drawing took longer than %llu ms: focus on a part of the map, or raise "
                           "draw.timeout",
                           timeout_ms);
    if (WIFSIGNALED(exit_status))
        return export_fail(out_error, STATUS_SYSTEM,
                           "the drawing helper was ended by signal %d (it may use %zu bytes)",
                           WTERMSIG(exit_status), run->job.memory_bytes_max);
    if (code == 0 && run->out->size != run->size_before)
        return 0;
    if (code == EXIT_NO_GRAPHVIZ || code == EXIT_NOT_STARTED)
        status = export_fail(out_error, STATUS_UNSUPPORTED,
                             "Graphviz is missing or incomplete (Debian: graphviz): %s",
                             first_line(run, &line));
    else
        status = export_fail(out_error, STATUS_SYSTEM, "the drawing helper failed (code %d): %s",
                             code, first_line(run, &line));
    buf_release(&line);
    return status;
}

static int not_started(const struct run *run, int error, char out_error[256])
{
    struct buf path;
    int status = STATUS_SYSTEM;

    buf_init(&path, 0);
    (void)escape_cut(&path, run->job.helper, PATH_IN_ERROR);
    if (run->job.helper.size == 0)
        status = export_fail(out_error, STATUS_UNSUPPORTED,
                             "pictures need the drawing helper, spanmap-draw: set draw.helper to "
                             "its path");
    else if (error == ENOENT || error == EACCES || error == ENOEXEC)
        status = export_fail(
            out_error, STATUS_UNSUPPORTED,
            "pictures need the drawing helper, which is not at '%.*s': install "
            "Graphviz (Debian: libgraphviz-dev) and build again, or set draw.helper",
            (int)path.size, path.size != 0 ? path.data : "");
    else
        (void)export_fail(out_error, 0, "the drawing helper could not be started (errno %d)",
                          error);
    buf_release(&path);
    return status;
}

static void begin(struct run *run, const struct draw_job *job, struct buf *out)
{
    *run = (struct run){.job = *job,
                        .left = job->description,
                        .out = out,
                        .size_before = out->size,
                        .ends = {FD_NONE, FD_NONE, FD_NONE, FD_NONE},
                        .theirs = {FD_NONE, FD_NONE, FD_NONE}};
    if (run->job.timeout_ns == 0)
        run->job.timeout_ns = TIMEOUT_S_DEFAULT * NS_PER_S;
    if (run->job.memory_bytes_max == 0)
        run->job.memory_bytes_max = MEMORY_DEFAULT;
    if (run->job.picture_bytes_max == 0)
        run->job.picture_bytes_max = PICTURE_DEFAULT;
    buf_init(&run->reason, REASON_MAX);
}

int draw_run(const struct draw_job *job, char out_error[256], struct buf *out)
{
    struct run run;
    char *path;
    int error = 0;
    int status;

    if (is_over(job))
        return given_up(out_error);
    path = mem_dup_text(job->helper.data, job->helper.size);
    begin(&run, job, out);
    if (path == NULL)
        return export_fail(out_error, STATUS_NOMEM, "the map is not drawn: %s",
                           status_text(STATUS_NOMEM));
    if (!open_ends(&run) || !lift_ends(&run))
        error = errno;
    if (error == 0)
        error = spawn(&run, path);
    for (size_t i = 0; i < 3; i++)
        close_end(&run.theirs[i]);
    if (error == 0) {
        converse(&run);
        close_end(&run.ends[END_IN]);
        status = judge(&run, reap(&run), out_error);
    } else {
        status = not_started(&run, error, out_error);
    }
    for (size_t i = 0; i < END_COUNT; i++)
        close_end(&run.ends[i]);
    buf_release(&run.reason);
    mem_free(path);
    if (status != 0)
        out->size = run.size_before;
    return status;
}
