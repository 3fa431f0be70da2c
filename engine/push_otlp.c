/* push_otlp.c: a clock, an exporter and an outlet. */
#include "engine/push_otlp.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/outlet.h"
#include "exporters/courier_counters.h"
#include "exporters/prometheus.h"
#include "receiver/otlp_wire.h"

#define LOG_INTERVAL_NS (60 * NS_PER_S)

enum {
    REQUEST_BYTES_MAX = 2 << 20, /* A gRPC server takes 4 MiB by default. */
    IN_FLIGHT_MAX = 4,
    HOST_SIZE = 256,
    GROUPS_DEEP = 8,
};

struct push_otlp {
    struct outlet outlet;
    struct engine *engine;
    struct front *front;
    const struct log *log;
    uint64_t interval_ns;
    size_t bytes_max;
    char host[HOST_SIZE];
    struct log_gate failure_logged;
    pthread_mutex_t lock; /* Over what follows. */
    pthread_cond_t changed;
    bool is_over;
    bool is_started;
    pthread_t thread;
};

/* --------------------------------------------------------------------- writing */

size_t push_otlp_cut(struct view metrics, size_t bytes_max)
{
    struct wire rest;
    size_t size = 0;

    if (metrics.size == 0)
        return 0;
    rest = wire_of(metrics);
    while (wire_left(&rest) != 0) {
        struct wire_field field;
        size_t end;
        if (wire_field(&rest, GROUPS_DEEP, &field) != 0)
            break;
        end = metrics.size - wire_left(&rest);
        if (size != 0 && end > bytes_max)
            break;
        size = end;
    }
    return size;
}

static void offer(struct push_otlp *push, struct view metrics)
{
    courier_supersede(push->outlet.courier);
    while (metrics.size != 0) {
        size_t size = push_otlp_cut(metrics, REQUEST_BYTES_MAX);
        CHECK(size != 0 && size <= metrics.size);
        courier_offer(push->outlet.courier, (struct view){metrics.data, size}, 0);
        metrics = (struct view){metrics.data + size, metrics.size - size};
    }
}

/* Nothing was written: it is counted as if it had found no room in the queue. */
static void tell_failure(struct push_otlp *push, int status, const char *error)
{
    size_t which = status == STATUS_NOMEM ? COURIER_REQUESTS_NO_MEMORY : COURIER_REQUESTS_FULL;

    counters_add(&push->outlet.counters, which, 1);
    if (!log_gate_opens(&push->failure_logged, clock_mono(), LOG_INTERVAL_NS))
        return;
    LOG(push->log, LOG_ERROR, "metrics cannot be written, and are not pushed",
        LOG_TEXT("error", error[0] != '\0' ? error : status_text(status)),
        LOG_NUM("bytes_max", push->bytes_max), LOG_END);
}

static int write_metrics(struct push_otlp *push, char out_error[256], struct buf *out)
{
    struct snapshot *snapshot;
    struct export_input input;
    int status = engine_snapshot(push->engine, &snapshot);

    if (status != 0)
        return status;
    input = front_input(push->front, snapshot);
    input.options.otlp_instance = view_of(push->host);
    status = exporter_otlp.render(&input, out_error, out);
    snapshot_release(snapshot);
    return status;
}

static void push_once(struct push_otlp *push)
{
    char error[256] = "";
    struct buf metrics;
    int status;

    buf_init(&metrics, push->bytes_max);
    status = write_metrics(push, error, &metrics);
    if (status == 0)
        offer(push, buf_view(&metrics));
    else
        tell_failure(push, status, error);
    buf_release(&metrics);
}

static bool wait_until(struct push_otlp *push, uint64_t until_ns)
{
    bool is_over;

    CHECK(pthread_mutex_lock(&push->lock) == 0);
    while (!push->is_over && clock_mono().ns < until_ns)
        thread_condition_wait(&push->changed, &push->lock, (struct mono_time){until_ns});
    is_over = push->is_over;
    CHECK(pthread_mutex_unlock(&push->lock) == 0);
    return !is_over;
}

static void *run(void *context)
{
    struct push_otlp *push = context;
    uint64_t next = clock_mono().ns + push->interval_ns;

    while (wait_until(push, next)) {
        uint64_t now;
        push_once(push);
        now = clock_mono().ns;
        /* What took longer than an interval is not made up for. */
        next = next + push->interval_ns > now ? next + push->interval_ns : now + push->interval_ns;
    }
    return NULL;
}

/* -------------------------------------------------------------------- its life */

int push_otlp_new(const struct push_otlp_setup *setup, char out_error[256],
                  struct push_otlp **out_push)
{
    size_t share = (size_t)engine_budget(setup->engine)->share_bytes[BUDGET_PUSH];
    struct outlet_setup outlet = {
        .options = &setup->options->push_otlp,
        .section = "push.otlp",
        .what = "push-otlp",
        .method = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        .module = setup->module,
        .reload_ns = setup->options->tls_reload_interval_ns,
        .bytes_max = share / 2,
        .in_flight_max = IN_FLIGHT_MAX,
        .rows = push_otlp_counter_rows,
        .rows_count = COURIER_COUNTER_COUNT,
        .log = setup->log,
    };
    struct push_otlp *push = mem_calloc(1, sizeof(*push));
    int status;

    if (push == NULL)
        return STATUS_NOMEM;
    push->engine = setup->engine;
    push->log = setup->log;
    push->interval_ns = setup->options->push_otlp_interval_ns;
    push->bytes_max = share / 2;
    if (gethostname(push->host, sizeof(push->host) - 1) != 0)
        push->host[0] = '\0';
    CHECK(pthread_mutex_init(&push->lock, NULL) == 0);
    CHECK(thread_condition_init(&push->changed) == 0);
    status = outlet_init(&push->outlet, &outlet, out_error);
    if (status != 0) {
        push_otlp_free(push);
        return status;
    }
    *out_push = push;
    return 0;
}

int push_otlp_start(struct push_otlp *push, struct front *front)
{
    int status = courier_start(push->outlet.courier);

    push->front = front;
    if (status == 0)
        status = thread_start("push-otlp-clock", run, push, &push->thread);
    push->is_started = status == 0;
    return status;
}

static void end_thread(struct push_otlp *push)
{
    if (!push->is_started)
        return;
    CHECK(pthread_mutex_lock(&push->lock) == 0);
    push->is_over = true;
    CHECK(pthread_cond_signal(&push->changed) == 0);
    CHECK(pthread_mutex_unlock(&push->lock) == 0);
    CHECK(pthread_join(push->thread, NULL) == 0);
    push->is_started = false;
}

void push_otlp_flush(struct push_otlp *push)
{
    if (!push->is_started)
        return;
    end_thread(push);
    push_once(push);
}

void push_otlp_drain(struct push_otlp *push, struct mono_time until)
{
    courier_drain(push->outlet.courier, until);
}

void push_otlp_free(struct push_otlp *push)
{
    if (push == NULL)
        return;
    end_thread(push);
    outlet_release(&push->outlet);
    CHECK(pthread_cond_destroy(&push->changed) == 0);
    CHECK(pthread_mutex_destroy(&push->lock) == 0);
    mem_free(push);
}

const struct counters *push_otlp_counters(const struct push_otlp *push)
{
    return &push->outlet.counters;
}
