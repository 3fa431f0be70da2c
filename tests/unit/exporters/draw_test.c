/* draw_test.c: whatever a helper does, it costs one picture and leaves nothing behind. The helpers
 * here are shell scripts that misbehave; the real one is in graphviz_test.c. */
#include "exporters/draw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/lib/exporter_fixture.h"

struct script {
    char folder[32];
    char path[64];
    atomic_bool is_over;
};

static void script_begin(struct script *script, const char *lines)
{
    FILE *file;

    atomic_init(&script->is_over, false);
    (void)snprintf(script->folder, sizeof(script->folder), "/tmp/spanmap-draw-XXXXXX");
    assert_non_null(mkdtemp(script->folder));
    (void)snprintf(script->path, sizeof(script->path), "%s/helper", script->folder);
    file = fopen(script->path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", lines) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(script->path, 0700), 0);
}

static void script_end(struct script *script)
{
    assert_int_equal(unlink(script->path), 0);
    assert_int_equal(rmdir(script->folder), 0);
}

static size_t open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}

static int run_job(const struct draw_job *job, char error[256], struct buf *out)
{
    size_t before = open_files();
    int status = draw_run(job, error, out);

    assert_int_equal(open_files(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD); /* No child, dead or alive. */
    return status;
}

/* Runs a script as the helper; `expected` is a part of the sentence. */
static void check(const char *lines, const struct draw_job *like, int status, const char *expected)
{
    struct draw_job job = *like;
    struct script script;
    struct buf out;
    char error[256] = "";

    script_begin(&script, lines);
    buf_init(&out, 0);
    assert_int_equal(buf_append_text(&out, "before "), 0);
    job.helper = view_of(script.path);
    job.format = "svg";
    assert_int_equal(run_job(&job, error, &out), status);
    if (status != 0) {
        assert_view_equal(buf_view(&out), "before ");
        assert_has(error, expected);
    } else {
        assert_view_equal(buf_view(&out), expected);
    }
    buf_release(&out);
    script_end(&script);
}

static const struct draw_job plain = {.description = {"digraph {}", 10},
                                      .timeout_ns = 20 * NS_PER_S};
static const struct draw_job hasty = {.description = {"digraph {}", 10},
                                      .timeout_ns = 300 * NS_PER_MS};

static void draw__gives_back_what_was_drawn(void **state)
{
    (void)state;
    check("printf '%s|%s|%s|' \"$1\" \"$2\" \"$3\"; cat", &plain, 0,
          "before svg|21|536870912|digraph {}");
    check("env | grep -v '^PWD=\\|^_=\\|^SHLVL=' ; ls /proc/self/fd | tr '\\n' ' '", &plain, 0,
          "before LC_ALL=C.UTF-8\n0 1 2 3 "); /* 3 is the folder that ls lists. */
}

static void draw__says_that_no_helper_is_there(void **state)
{
    struct draw_job job = plain;
    struct buf out;
    char error[256];

    (void)state;
    buf_init(&out, 0);
    job.helper = VIEW("/nowhere/spanmap-draw");
    assert_int_equal(run_job(&job, error, &out), STATUS_UNSUPPORTED);
    assert_has(error, "not at '/nowhere/spanmap-draw'");
    assert_has(error, "Graphviz");
    job.helper = VIEW("/tmp"); /* A folder. */
    assert_int_equal(run_job(&job, error, &out), STATUS_UNSUPPORTED);
    job.helper = (struct view){NULL, 0};
    assert_int_equal(run_job(&job, error, &out), STATUS_UNSUPPORTED);
    assert_has(error, "set draw.helper to its path");
    buf_release(&out);
    check("echo 'error while loading shared libraries: libgvc.so.6: no' >&2; exit 127", &plain,
          STATUS_UNSUPPORTED, "Graphviz is missing or incomplete (Debian: graphviz): error while");
    check("echo 'no pango' >&2; exit 3", &plain, STATUS_UNSUPPORTED, "no pango");
}

static void draw__ends_a_helper_that_hangs(void **state)
{
    (void)state;
    check("sleep 1000", &hasty, STATUS_TIMEOUT, "longer than 300 ms");
    check("echo part; exec sleep 1000", &hasty, STATUS_TIMEOUT, "draw.timeout");
    check("exec >&- 2>&-; sleep 1000", &hasty, STATUS_TIMEOUT, "longer than");
    check("trap '' TERM INT; while :; do :; done", &hasty, STATUS_TIMEOUT, "longer than");
    /* It ends, but what it started holds the pipe. */
    check("sleep 1000 & echo part", &hasty, STATUS_TIMEOUT, "longer than");
    /* What it started holds nothing: it is ended all the same, and the picture is there. */
    check("sleep 1000 <&- >&- 2>&- & echo whole", &plain, 0, "before whole\n");
}

/* The write end of a FIFO is held by what the helper started, and by nobody else. */
static void draw__ends_what_the_helper_started(void **state)
{
    char folder[] = "/tmp/spanmap-draw-XXXXXX";
    char path[64];
    char lines[256];
    struct pollfd ends = {.events = POLLIN};

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    ends.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(ends.fd >= 0);
    (void)snprintf(lines, sizeof(lines),
                   "exec 9>%s; sleep 1000 <&- >&- 2>&- & exec 9>&-; echo whole", path);
    check(lines, &plain, 0, "before whole\n");
    assert_int_equal(poll(&ends, 1, 20000), 1);
    assert_int_equal(ends.revents & (POLLIN | POLLHUP), POLLHUP);
    assert_int_equal(close(ends.fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void draw__tells_of_a_crash(void **state)
{
    (void)state;
    check("kill -SEGV $$", &plain, STATUS_SYSTEM, "ended by signal 11");
    check("echo half; kill -KILL $$", &plain, STATUS_SYSTEM, "ended by signal 9");
    check("kill -XCPU $$", &plain, STATUS_TIMEOUT, "longer than 20000 ms");
    check("echo 'bad\033[31m map' >&2; exit 1", &plain, STATUS_SYSTEM,
          "failed (code 1): bad\xEF\xBF\xBD[31m map");
    check("exit 1", &plain, STATUS_SYSTEM, "it gave no reason");
    check("exit 0", &plain, STATUS_SYSTEM, "failed (code 0)"); /* No picture at all. */
}

static void draw__bounds_what_it_takes(void **state)
{
    struct draw_job job = plain;

    (void)state;
    job.picture_bytes_max = 100000;
    check("cat /dev/zero", &job, STATUS_TOO_LARGE, "larger than 100000 bytes");
    check("head -c 100001 /dev/zero", &job, STATUS_TOO_LARGE, "larger than");
    job.picture_bytes_max = 8;
    check("printf 12345678", &job, 0, "before 12345678");
    check("printf 123456789", &job, STATUS_TOO_LARGE, "larger than 8 bytes");
    job.picture_bytes_max = 100000;
    check("head -c 1000000 /dev/zero >&2; echo fine", &job, 0, "before fine\n");
}

/* A helper that does not read must neither stop us nor, by SIGPIPE, end us. */
static void draw__feeds_whoever_reads(void **state)
{
    size_t size = 4 << 20;
    char *text = calloc(1, size);
    struct draw_job job = {.description = {text, size}, .timeout_ns = 20 * NS_PER_S};

    (void)state;
    assert_non_null(text);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    check("wc -c", &job, 0, "before 4194304\n");
    check("exec <&-; echo unread", &job, 0, "before unread\n");
    check("head -c 10 >/dev/null; echo little", &job, 0, "before little\n");
    job.timeout_ns = 300 * NS_PER_MS;
    check("sleep 1000", &job, STATUS_TIMEOUT, "longer than");
    free(text);
}

/* A host that ignores SIGCHLD has its children reaped by the system. */
static void draw__works_where_children_reap_themselves(void **state)
{
    (void)state;
    assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    check("echo whole", &plain, 0, "before whole\n");
    check("sleep 1000", &hasty, STATUS_TIMEOUT, "longer than");
    assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
}

/* With 0 to 2 closed, pipes come to lie on those numbers. */
static void draw__works_without_standard_streams(void **state)
{
    struct script script;
    struct draw_job job = plain;
    struct buf out;
    char error[256] = "";
    int saved[3];
    int status;

    (void)state;
    script_begin(&script, "cat; echo done");
    buf_init(&out, 0);
    job.helper = view_of(script.path);
    job.format = "svg";
    for (int i = 0; i < 3; i++) {
        saved[i] = dup(i);
        assert_true(saved[i] > 2);
    }
    for (int i = 0; i < 3; i++)
        (void)close(i);
    status = draw_run(&job, error, &out);
    for (int i = 0; i < 3; i++) {
        (void)dup2(saved[i], i);
        (void)close(saved[i]);
    }
    assert_int_equal(status, 0);
    assert_view_equal(buf_view(&out), "digraph {}done\n");
    buf_release(&out);
    script_end(&script);
}

struct worker {
    pthread_t thread;
    struct draw_job job;
    int status;
    size_t size;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct buf out;
    char error[256];

    buf_init(&out, 0);
    worker->status = draw_run(&worker->job, error, &out);
    worker->size = out.size;
    buf_release(&out);
    return NULL;
}

/* Each gets its own; a hung one beside holds nobody up, since no pipe leaks into its neighbours. */
static void draw__draws_on_many_threads(void **state)
{
    struct worker workers[8];
    struct script good;
    struct script hung;

    (void)state;
    script_begin(&good, "cat");
    script_begin(&hung, "sleep 1000");
    for (size_t i = 0; i < 8; i++) {
        workers[i] = (struct worker){.job = i % 4 == 3 ? hasty : plain};
        workers[i].job.format = "svg";
        workers[i].job.helper = view_of(i % 4 == 3 ? hung.path : good.path);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].status, i % 4 == 3 ? STATUS_TIMEOUT : 0);
        assert_int_equal(workers[i].size, i % 4 == 3 ? 0 : 10);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    script_end(&good);
    script_end(&hung);
}

/* Says so once the helper runs. */
static void *end_once_it_runs(void *context)
{
    struct script *script = context;
    char started[80];

    (void)snprintf(started, sizeof(started), "%s/started", script->folder);
    while (access(started, F_OK) != 0)
        (void)poll(NULL, 0, 1);
    assert_int_equal(unlink(started), 0);
    atomic_store(&script->is_over, true);
    return NULL;
}

static void check_end(const char *lines)
{
    struct draw_job job = {.description = {"digraph {}", 10}, .timeout_ns = 3600 * NS_PER_S};
    struct script script;
    pthread_t thread;
    struct buf out;
    char error[256];

    script_begin(&script, lines);
    job.helper = view_of(script.path);
    job.format = "svg";
    job.is_over = &script.is_over;
    buf_init(&out, 0);
    assert_int_equal(pthread_create(&thread, NULL, end_once_it_runs, &script), 0);
    assert_int_equal(run_job(&job, error, &out), STATUS_BUSY);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_has(error, "spanmap ends");
    assert_int_equal(out.size, 0);
    assert_int_equal(run_job(&job, error, &out), STATUS_BUSY); /* Nor is one started. */
    buf_release(&out);
    script_end(&script);
}

static void draw__is_given_up_at_the_end(void **state)
{
    (void)state;
    check_end("echo part; touch \"${0%/*}/started\"; exec sleep 1000");
    check_end("echo whole; touch \"${0%/*}/started\"; exec >&- 2>&-; sleep 1000");
}

static int step(void *context)
{
    const struct draw_job *job = context;
    struct buf out;
    char error[256];
    int status;

    buf_init(&out, 0);
    status = draw_run(job, error, &out);
    buf_release(&out);
    return status;
}

static void draw__survives_failing_memory(void **state)
{
    struct script script;
    struct draw_job job = plain;

    (void)state;
    script_begin(&script, "echo whole");
    job.helper = view_of(script.path);
    job.format = "svg";
    test_sweep_memory(step, &job);
    script_end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draw__gives_back_what_was_drawn),
        cmocka_unit_test(draw__says_that_no_helper_is_there),
        cmocka_unit_test(draw__ends_a_helper_that_hangs),
        cmocka_unit_test(draw__ends_what_the_helper_started),
        cmocka_unit_test(draw__tells_of_a_crash),
        cmocka_unit_test(draw__bounds_what_it_takes),
        cmocka_unit_test(draw__feeds_whoever_reads),
        cmocka_unit_test(draw__works_where_children_reap_themselves),
        cmocka_unit_test(draw__works_without_standard_streams),
        cmocka_unit_test(draw__draws_on_many_threads),
        cmocka_unit_test(draw__is_given_up_at_the_end),
        cmocka_unit_test(draw__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
