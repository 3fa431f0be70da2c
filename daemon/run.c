/* run.c: `spanmap run`: the daemon from its options to its last line of log.
 *
 * All signals that matter are blocked before the first thread is made, so that every thread
 * inherits the mask, and the main thread alone waits for them. While it drains, another thread
 * waits for a second one, to end the process at once.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/commands.h"
#include "daemon/load.h"
#include "daemon/output.h"
#include "daemon/passed.h"
#include "engine/reload.h"
#include "engine/service.h"
#include "net/address.h"
#include "version.h"

enum { READY_BYTES_MAX = 4096 };

/* timeout(1) and others signal the process and then its whole group: that is one wish told twice,
 * and no wish for an end at once. Nobody types as fast. */
#define SIGNAL_ECHO_NS (25 * NS_PER_MS)

static void ending_signals(sigset_t *out_set)
{
    sigemptyset(out_set);
    sigaddset(out_set, SIGTERM);
    sigaddset(out_set, SIGINT);
}

/* To be called before any thread is started. */
static void prepare_signals(void)
{
    sigset_t set;

    ending_signals(&set);
    sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int wait_for_signal(void)
{
    sigset_t set;
    int which = 0;

    ending_signals(&set);
    while (sigwait(&set, &which) != 0)
        continue;
    return which;
}

/* What waits for the second signal. */
struct second {
    const struct log *log;
    struct mono_time first;
    _Atomic bool over;
    bool running;
    pthread_t thread;
};

static void *wait_for_second(void *context)
{
    struct second *second = context;
    int which;

    do {
        which = wait_for_signal();
        if (atomic_load(&second->over))
            return NULL;
    } while (clock_mono().ns - second->first.ns < SIGNAL_ECHO_NS);
    LOG(second->log, LOG_WARN, "ended at once",
        LOG_TEXT("signal", which == SIGINT ? "INT" : "TERM"), LOG_END);
    _exit(COMMAND_FAILED);
}

static void second_start(struct second *second, const struct log *log)
{
    second->log = log;
    second->first = clock_mono();
    /* Without the thread a second signal has no effect, which is no reason not to drain. */
    second->running = pthread_create(&second->thread, NULL, wait_for_second, second) == 0;
}

static void second_stop(struct second *second)
{
    if (!second->running)
        return;
    atomic_store(&second->over, true);
    (void)pthread_kill(second->thread, SIGTERM);
    (void)pthread_join(second->thread, NULL);
}

/* -------------------------------------------------------------- ready file */

static void put_text(struct buf *out, const char *key, struct view text)
{
    buf_printf(out, "\"%s\":", key);
    if (text.size == 0) {
        buf_append_text(out, "null,");
        return;
    }
    buf_append_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        /* The path of a Unix socket may hold anything. */
        if (c < ' ' || c == '"' || c == '\\')
            buf_printf(out, "\\u%04x", c);
        else
            buf_append_byte(out, (char)c);
    }
    buf_append_text(out, "\",");
}

static int write_ready_file(const char *path, const struct service *service, char out_error[256])
{
    struct buf text;
    int status;

    buf_init(&text, READY_BYTES_MAX);
    buf_append_byte(&text, '{');
    put_text(&text, "grpc", service_bound(service, SERVICE_GRPC));
    put_text(&text, "http", service_bound(service, SERVICE_HTTP));
    put_text(&text, "web", service_bound(service, SERVICE_WEB));
    buf_printf(&text, "\"pid\":%ld}\n", (long)getpid());
    status = text.failed;
    if (status == 0)
        status = output_write(path, buf_view(&text), out_error);
    else
        snprintf(out_error, 256, "%s", status_text(status));
    buf_release(&text);
    return status;
}

/* One that an earlier run left, or that is no longer true, must not mislead who waits for it. */
static void remove_ready_file(const char *path)
{
    struct stat file;

    if (path != NULL && lstat(path, &file) == 0 && S_ISREG(file.st_mode))
        (void)unlink(path); /* Where that fails, writing it will, and says so. */
}

/* ---------------------------------------------------------------------- log */

static void log_listening(const struct log *log, const char *what, struct view bound)
{
    if (bound.size != 0)
        LOG(log, LOG_INFO, "listening", LOG_TEXT("for", what), LOG_VIEW("address", bound), LOG_END);
    else
        LOG(log, LOG_INFO, "not listening", LOG_TEXT("for", what), LOG_TEXT("reason", "off"),
            LOG_END);
}

static void log_doors(const struct log *log, const struct service *service)
{
    log_listening(log, "OTLP/gRPC", service_bound(service, SERVICE_GRPC));
    log_listening(log, "OTLP/HTTP", service_bound(service, SERVICE_HTTP));
    log_listening(log, "web", service_bound(service, SERVICE_WEB));
}

static void log_done(const struct log *log, struct engine *engine)
{
    struct snapshot *snapshot;

    if (engine_snapshot(engine, &snapshot) != 0) {
        LOG(log, LOG_ERROR, "done, without memory for the last snapshot", LOG_END);
        return;
    }
    LOG(log, LOG_INFO, "done", LOG_NUM("received", snapshot->accounting.received),
        LOG_NUM("paired", snapshot->accounting.paired),
        LOG_NUM("waiting", snapshot->accounting.waiting), LOG_NUM("edges", snapshot->edges_count),
        LOG_END);
    snapshot_release(snapshot);
}

/* ------------------------------------------------------------------ running */

static int fail(const struct log *log, const char *what, const char *error)
{
    LOG(log, LOG_ERROR, what, LOG_TEXT("error", error), LOG_END);
    return COMMAND_FAILED;
}

static int drain(const struct log *log, const struct options *options, struct service *service)
{
    struct second second = {0};

    second_start(&second, log);
    service_drain(service, options->shutdown_patience_ns);
    log_done(log, service_engine(service));
    second_stop(&second);
    return COMMAND_DONE;
}

static void warn_of_unused(const struct log *log, const struct passed *passed)
{
    for (size_t i = 0; i < passed->sockets.count; i++) {
        if (!passed->list[i].is_used)
            LOG(log, LOG_WARN, "a socket that was passed is not used",
                LOG_TEXT("name", passed->list[i].name), LOG_NUM("fd", passed->list[i].fd), LOG_END);
    }
}

/* ---------------------------------------------------------------- reloading */

/* What is run, for those who change it. */
struct running {
    struct log *log;
    struct options *options;
    const struct command_line *line;
    struct service *service;
};

static void log_keys(const struct log *log, enum log_level level, const char *message,
                     const struct buf *keys)
{
    if (keys->size != 0)
        LOG(log, level, message, LOG_VIEW("options", buf_view(keys)), LOG_END);
}

static void take_over(struct running *running, const struct options *fresh)
{
    struct log *log = running->log;
    struct buf taken;
    struct buf left;

    buf_init(&taken, 0);
    buf_init(&left, 0);
    if (reload_compare(running->options, fresh, &taken, &left) != 0) {
        LOG(log, LOG_ERROR, "the configuration is kept", LOG_TEXT("reason", "memory is out"),
            LOG_END);
    } else {
        service_reload(running->service, fresh);
        atomic_store(&log->level, fresh->log_level);
        LOG(log, LOG_INFO, "the configuration was read anew", LOG_END);
        log_keys(log, LOG_INFO, "changed", &taken);
        log_keys(log, LOG_WARN, "these change at the next start only", &left);
    }
    buf_release(&taken);
    buf_release(&left);
}

/* SIGHUP. Whoever sends it does not want an end, whatever the file is like by now. */
static void reload(struct running *running)
{
    struct options fresh;

    /* What is wrong has been told on standard error. */
    if (load_options(running->line, &fresh) != COMMAND_DONE) {
        LOG(running->log, LOG_ERROR, "the configuration is kept",
            LOG_TEXT("reason", "the new one is wrong"), LOG_END);
        return;
    }
    take_over(running, &fresh);
    options_release(&fresh);
}

static int wait_for_ending_signal(struct running *running)
{
    sigset_t set;
    int which = SIGHUP;

    ending_signals(&set);
    sigaddset(&set, SIGHUP);
    for (;;) {
        if (sigwait(&set, &which) != 0)
            continue;
        if (which != SIGHUP)
            return which;
        reload(running);
    }
}

/* ------------------------------------------------------------------ serving */

static int serve(struct running *running, const struct passed *passed)
{
    const struct log *log = running->log;
    struct service *service = running->service;
    const char *ready_file = command_value(running->line, "ready-file");
    char error[256];
    int status;
    int which;

    remove_ready_file(ready_file);
    status = service_listen(service, error);
    if (status != 0) {
        (void)fail(log, "cannot listen", error);
        return status == STATUS_INVALID ? COMMAND_WRONG : COMMAND_FAILED;
    }
    if (service_start(service) != 0)
        return fail(log, "cannot start", "threads cannot be made");
    log_doors(log, service);
    warn_of_unused(log, passed);
    if (ready_file != NULL && write_ready_file(ready_file, service, error) != 0)
        return fail(log, "cannot write the ready file", error);
    LOG(log, LOG_INFO, "ready", LOG_TEXT("version", SPANMAP_VERSION), LOG_NUM("pid", getpid()),
        LOG_NUM("memory_limit_bytes", engine_budget(service_engine(service))->limit_bytes),
        LOG_NUM("receiver_threads", engine_budget(service_engine(service))->threads),
        LOG_NUM("shards", engine_budget(service_engine(service))->shards), LOG_END);
    passed_notify(passed, "READY=1");
    which = wait_for_ending_signal(running);
    passed_notify(passed, "STOPPING=1");
    LOG(log, LOG_INFO, "draining", LOG_TEXT("signal", which == SIGINT ? "INT" : "TERM"), LOG_END);
    remove_ready_file(ready_file);
    return drain(log, running->options, service);
}

/* The usual soft limit of 1,024 files is below the connections that options allow. */
static void raise_file_limit(const struct log *log, const struct options *options)
{
    uint64_t wanted = options->receiver_connections_max + options->web_connections_max + 256;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        LOG(log, LOG_WARN, "fewer files can be open than connections are allowed",
            LOG_NUM("files", limit.rlim_cur), LOG_NUM("wanted", wanted), LOG_END);
}

static int run_service(struct options *options, const struct command_line *line,
                       const struct passed *passed)
{
    struct log log = {.fd = STDERR_FILENO, .level = options->log_level};
    char helper[LOAD_PATH_BYTES];
    char module[LOAD_PATH_BYTES];
    char error[256];
    struct service_setup setup = {.log = &log, .passed = passed->sockets};
    struct running running = {&log, options, line, NULL};
    int status;
    int code;

    raise_file_limit(&log, options);
    load_draw_helper(options, helper);
    setup.draw_helper = view_of(helper);
    load_grpc_module(options, module);
    setup.grpc_module = module;
    status = service_new(options, &setup, error, &running.service);
    if (status != 0) {
        (void)fail(&log, "cannot start", error);
        return status == STATUS_NOMEM || status == STATUS_SYSTEM ? COMMAND_FAILED : COMMAND_WRONG;
    }
    code = serve(&running, passed);
    service_free(running.service);
    return code;
}

/* glibc's thresholds grow with what is freed, up to 32 MiB for each of many arenas: a few large
 * scrapes would stay resident for good, and memory.limit could not be kept. */
static void keep_freed_memory_small(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
    (void)mallopt(M_ARENA_MAX, 8);
#endif
}

static int run(const struct command *command, const struct command_line *line)
{
    struct options options;
    struct passed passed;
    char error[256];
    int code;

    (void)command;
    keep_freed_memory_small();
    prepare_signals();
    code = load_options(line, &options);
    if (code != COMMAND_DONE)
        return code;
    if (passed_take(&passed, error) == 0) {
        code = run_service(&options, line, &passed);
    } else {
        command_complain("%s", error);
        code = COMMAND_WRONG;
    }
    passed_release(&passed);
    options_release(&options);
    return code;
}

static const struct command_flag flags[] = {
    COMMAND_FLAG_CONFIG,
    COMMAND_FLAG_SET,
    {"ready-file", 0, "PATH", "once all listen, write their addresses to PATH, as JSON"},
    COMMAND_FLAG_END,
};

const struct command command_run = {
    .name = "run",
    .doc = "Take spans in, and serve the map, metrics and API",
    .flags = flags,
    .lists_options = true,
    .details = "Without options it takes OTLP/gRPC on localhost:4317, OTLP/HTTP on\n"
               "localhost:4318, and shows the map on http://localhost:9464/.\n\n"
               "The first SIGTERM or SIGINT ends it in order: what was accepted is counted. The\n"
               "second ends it at once. SIGHUP has the configuration read anew.\n",
    .run = run,
};
