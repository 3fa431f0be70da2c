/* pusher.c: one thread looks, and sends when it does not look; so requests go one after the other, and those
 * of one look before those of the next.
 */
#include "engine/pusher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/pusher_counters.h"
#include "exporters/prometheus.h"
#include "exporters/remote_write.h"
#include "exporters/snappy.h"
#include "net/http_post.h"

#define LOG_INTERVAL_NS (60 * NS_PER_S)

enum { PIECE_BYTES_MAX = 512 * 1024 };
enum { HOST_SIZE = 256, LABELS_OWN = 2, LABELS_MAX = 32, BACK_OFFS_MAX = 20, LAST_TRIES = 3 };

/* One that waits to be sent. */
struct request {
    struct request *next;
    struct remote_counts counts;
    size_t size;
    char bytes[];
};

struct pusher {
    struct engine *engine;
    struct front *front;
    const struct log *log;
    struct counters counters;
    bool counters_made, remote_made, lock_made, is_started;
    uint64_t interval_ns;
    uint64_t retry_initial_ns;
    uint64_t retry_wait_max_ns;
    size_t queue_bytes_max;
    char host[HOST_SIZE];
    char *label_texts; /* That the labels point into. */
    struct remote_label labels[LABELS_MAX];
    size_t labels_count;
    struct remote_write remote;
    struct http_post *post;
    struct buf packed;
    struct request *first;
    struct request **last;
    size_t queued_bytes;
    unsigned failures; /* One after the other. */
    uint64_t send_at_ns;
    bool is_told_when; /* That is the receiver's word. */
    struct log_gate logged;
    _Atomic uint64_t until_ns; /* 0 while it is not to end. */
    pthread_mutex_t lock;      /* Over what follows. */
    pthread_cond_t changed;
    bool is_over;
    pthread_t thread;
};

/* ---------------------------------------------------------------------- queue */

static void drop_first(struct pusher *pusher)
{
    struct request *request = pusher->first;

    pusher->first = request->next;
    if (pusher->first == NULL)
        pusher->last = &pusher->first;
    pusher->queued_bytes -= sizeof(*request) + request->size;
    counters_set(&pusher->counters, PUSHER_QUEUED_BYTES, pusher->queued_bytes);
    mem_free(request);
}

static void drop_all(struct pusher *pusher, enum pusher_counter why)
{
    while (pusher->first != NULL) {
        drop_first(pusher);
        counters_add(&pusher->counters, why, 1);
    }
}

/* Packs a piece, and puts it behind the others; the oldest give way. */
static int take_piece(void *context, struct view message, const struct remote_counts *counts)
{
    struct pusher *pusher = context;
    struct request *request;
    size_t bytes;
    int status;

    buf_reset(&pusher->packed);
    status = snappy_pack(message, &pusher->packed);
    if (status != 0)
        return status;
    bytes = sizeof(*request) + pusher->packed.size;
    if (bytes > pusher->queue_bytes_max) { /* One series of a great many labels. */
        counters_add(&pusher->counters, PUSHER_QUEUE_FULL, 1);
        return 0;
    }
    while (pusher->first != NULL && pusher->queued_bytes + bytes > pusher->queue_bytes_max) {
        drop_first(pusher);
        counters_add(&pusher->counters, PUSHER_QUEUE_FULL, 1);
    }
    request = mem_alloc(bytes);
    if (request == NULL)
        return STATUS_NOMEM;
    request->next = NULL;
    request->counts = *counts;
    request->size = pusher->packed.size;
    memcpy(request->bytes, pusher->packed.data, pusher->packed.size);
    *pusher->last = request;
    pusher->last = &request->next;
    pusher->queued_bytes += bytes;
    counters_set(&pusher->counters, PUSHER_QUEUED_BYTES, pusher->queued_bytes);
    return 0;
}

/* ---------------------------------------------------------------------- looks */

/* A line a minute, whatever is wrong. */
static bool may_log(struct pusher *pusher)
{
    return log_gate_opens(&pusher->logged, clock_mono(), LOG_INTERVAL_NS);
}

static void look(struct pusher *pusher)
{
    char error[256] = "";
    struct snapshot *snapshot;
    int status = engine_snapshot(pusher->engine, &snapshot);

    if (status == 0) {
        struct export_input input = front_input(pusher->front, snapshot);
        status = prometheus_write(&input, &pusher->remote, error);
        snapshot_release(snapshot);
    }
    if (status == 0)
        return;
    counters_add(&pusher->counters, PUSHER_LOOKS_FAILED, 1);
    if (may_log(pusher))
        LOG(pusher->log, LOG_WARN, "metrics cannot be pushed",
            LOG_TEXT("error", error[0] != '\0' ? error : status_text(status)), LOG_END);
}

/* --------------------------------------------------------------------- sending */

static uint64_t back_off(const struct pusher *pusher, struct mono_time now)
{
    unsigned times = pusher->failures < BACK_OFFS_MAX ? pusher->failures : BACK_OFFS_MAX;
    uint64_t wait_ns = pusher->retry_initial_ns;

    for (; times > 1 && wait_ns < pusher->retry_wait_max_ns; times--)
        wait_ns *= 2;
    if (wait_ns > pusher->retry_wait_max_ns)
        wait_ns = pusher->retry_wait_max_ns;
    return wait_ns / 2 + clock_jitter_ns(now, pusher, wait_ns + 1);
}

static void count_sent(struct pusher *pusher, const struct request *request,
                       const struct http_post_answer *answer)
{
    const uint64_t sent[] = {request->counts.samples, request->counts.histograms,
                             request->counts.exemplars};

    counters_add(&pusher->counters, PUSHER_SENT, 1);
    for (size_t i = 0; i < 3; i++) {
        counters_add(&pusher->counters, PUSHER_SAMPLES + i, sent[i]);
        if (answer->has_number[i]) /* Whatever it says: no more than there was. */
            counters_add(&pusher->counters, PUSHER_SAMPLES_WRITTEN + i,
                         answer->numbers[i] < sent[i] ? answer->numbers[i] : sent[i]);
    }
}

static void retry_later(struct pusher *pusher, const struct http_post_answer *answer)
{
    struct mono_time now = clock_mono();
    uint64_t wait_ns;

    pusher->failures++;
    wait_ns = back_off(pusher, now);
    pusher->is_told_when = wait_ns < answer->retry_after_ns;
    if (pusher->is_told_when)
        wait_ns = answer->retry_after_ns;
    pusher->send_at_ns = now.ns + wait_ns;
    counters_add(&pusher->counters,
                 answer->code != 0 ? PUSHER_RETRIED_STATUS : PUSHER_RETRIED_NO_ANSWER, 1);
    if (may_log(pusher))
        LOG(pusher->log, LOG_WARN, "a push of metrics is sent again later",
            LOG_NUM("status", answer->code), LOG_TEXT("error", answer->error),
            LOG_NUM("wait_ms", wait_ns / NS_PER_MS), LOG_END);
}

static void send_first(struct pusher *pusher)
{
    const struct request *request = pusher->first;
    struct http_post_answer answer;

    http_post_send(pusher->post, (struct view){request->bytes, request->size}, &answer);
    if (answer.is_over)
        return; /* No time is left; it is counted with the rest. */
    if (answer.code == 0 || answer.code == 429 || answer.code / 100 == 5) {
        retry_later(pusher, &answer);
        return;
    }
    pusher->failures = 0;
    pusher->send_at_ns = 0;
    if (answer.code / 100 == 2) {
        count_sent(pusher, request, &answer);
    } else {
        counters_add(&pusher->counters, PUSHER_REFUSED, 1);
        if (may_log(pusher))
            LOG(pusher->log, LOG_ERROR, "a push of metrics is refused",
                LOG_NUM("status", answer.code), LOG_TEXT("error", answer.error), LOG_END);
    }
    drop_first(pusher);
}

/* ---------------------------------------------------------------------- thread */

/* Returns whether it is over. */
static bool wait_until(struct pusher *pusher, uint64_t until_ns)
{
    bool is_over;

    CHECK(pthread_mutex_lock(&pusher->lock) == 0);
    while (!pusher->is_over && clock_mono().ns < until_ns)
        thread_condition_wait(&pusher->changed, &pusher->lock, (struct mono_time){until_ns});
    is_over = pusher->is_over;
    CHECK(pthread_mutex_unlock(&pusher->lock) == 0);
    return is_over;
}

/* The same when it is over already. */
static void rest_until(struct pusher *pusher, uint64_t until_ns)
{
    CHECK(pthread_mutex_lock(&pusher->lock) == 0);
    while (clock_mono().ns < until_ns)
        thread_condition_wait(&pusher->changed, &pusher->lock, (struct mono_time){until_ns});
    CHECK(pthread_mutex_unlock(&pusher->lock) == 0);
}

static bool has_no_time(void *context)
{
    const struct pusher *pusher = context;
    uint64_t until_ns = atomic_load(&pusher->until_ns);

    return until_ns != 0 && clock_mono().ns >= until_ns;
}

/* The last figures, and the end of all. */
static void finish(struct pusher *pusher)
{
    uint64_t until_ns = atomic_load(&pusher->until_ns);

    pusher->failures = 0;
    if (!pusher->is_told_when) /* Of our own, we may as well ask now. */
        pusher->send_at_ns = 0;
    look(pusher);
    if (remote_write_end(&pusher->remote, clock_wall()) != 0)
        counters_add(&pusher->counters, PUSHER_LOOKS_FAILED, 1);
    while (pusher->first != NULL && !has_no_time(pusher) && pusher->failures < LAST_TRIES) {
        if (pusher->send_at_ns >= until_ns)
            break;
        rest_until(pusher, pusher->send_at_ns);
        send_first(pusher);
    }
    drop_all(pusher, PUSHER_LEFT);
}

static void *run(void *context)
{
    struct pusher *pusher = context;
    uint64_t next_ns = clock_mono().ns + pusher->interval_ns;
    bool is_over = false;

    while (!is_over) {
        uint64_t now_ns = clock_mono().ns;
        if (now_ns >= next_ns) {
            look(pusher);
            /* What took longer than an interval is not made up for. */
            next_ns += pusher->interval_ns;
            now_ns = clock_mono().ns;
            next_ns = next_ns > now_ns ? next_ns : now_ns + pusher->interval_ns;
        }
        if (pusher->first != NULL && pusher->send_at_ns <= now_ns) {
            send_first(pusher);
            is_over = wait_until(pusher, 0);
            continue;
        }
        is_over = wait_until(pusher, pusher->first != NULL && pusher->send_at_ns < next_ns
                                         ? pusher->send_at_ns
                                         : next_ns);
    }
    finish(pusher);
    return NULL;
}

/* --------------------------------------------------------------------- its life */

bool pusher_is_on(const struct options *options)
{
    return options->push_remote.url.size != 0;
}

static int take_labels(struct pusher *pusher, const struct option_pairs *pairs)
{
    size_t size = 0;
    char *at;

    if (pairs->count == 0) {
        pusher->labels[pusher->labels_count++] = (struct remote_label){VIEW("job"),
                                                                       VIEW("spanmap")};
        if (gethostname(pusher->host, sizeof(pusher->host) - 1) == 0 && pusher->host[0] != '\0')
            pusher->labels[pusher->labels_count++] = (struct remote_label){VIEW("instance"),
                                                                           view_of(pusher->host)};
        return 0;
    }
    for (size_t i = 0; i < pairs->count; i++)
        size += pairs->items[i].key.size + pairs->items[i].value.size;
    pusher->label_texts = mem_alloc(size + 1);
    if (pusher->label_texts == NULL)
        return STATUS_NOMEM;
    at = pusher->label_texts;
    for (size_t i = 0; i < pairs->count && i < LABELS_MAX; i++) {
        const struct option_pair *pair = &pairs->items[i];
        struct remote_label *label = &pusher->labels[pusher->labels_count++];
        memcpy(at, pair->key.data, pair->key.size);
        label->name = (struct view){at, pair->key.size};
        at += pair->key.size;
        if (pair->value.size != 0)
            memcpy(at, pair->value.data, pair->value.size);
        label->value = (struct view){at, pair->value.size};
        at += pair->value.size;
    }
    return 0;
}

static const char *const headers_1[] = {
    "Content-Type: application/x-protobuf", "Content-Encoding: snappy",
    "X-Prometheus-Remote-Write-Version: 0.1.0", "User-Agent: spanmap", NULL};
static const char *const headers_2[] = {
    "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 2.0.0", "User-Agent: spanmap",
    NULL};
/* In the order of PUSHER_SAMPLES_WRITTEN and its like. */
static const char *const numbers[] = {"X-Prometheus-Remote-Write-Samples-Written",
                                      "X-Prometheus-Remote-Write-Histograms-Written",
                                      "X-Prometheus-Remote-Write-Exemplars-Written", NULL};

static int make_post(struct pusher *pusher, const struct remote_options *options,
                     char out_error[256])
{
    char error[HTTP_POST_ERROR_SIZE] = "";
    struct http_post_options post = {
        .url = options->url.data,
        .token = options->token.data,
        .username = options->username.data,
        .password = options->password.data,
        .ca = options->tls_ca.data,
        .cert = options->tls_cert.data,
        .key = options->tls_key.data,
        .headers = options->version == REMOTE_WRITE_2 ? headers_2 : headers_1,
        .numbers = numbers,
        .timeout_ns = options->timeout_ns,
        .is_over = has_no_time,
        .context = pusher,
    };
    int status = http_post_new(&post, error, &pusher->post);

    if (status == STATUS_INVALID)
        (void)snprintf(out_error, 256, "push.remote_write.url: %.200s", error);
    return status;
}

/* So that the queue holds several, though they may not get smaller by packing. */
static size_t piece_bytes(size_t queue_bytes_max)
{
    return queue_bytes_max / 4 < PIECE_BYTES_MAX ? queue_bytes_max / 4 : PIECE_BYTES_MAX;
}

static int make_remote(struct pusher *pusher, const struct remote_options *options)
{
    struct remote_write_options remote = {
        .version = (enum remote_version)options->version,
        .histograms = (enum remote_histograms)options->histograms,
        .bounds = engine_bounds(pusher->engine),
        .labels = pusher->labels,
        .labels_count = pusher->labels_count,
        .piece_bytes_max = piece_bytes(pusher->queue_bytes_max),
        .texts_bytes_max = engine_budget(pusher->engine)->push_texts_bytes,
        .interval_ns = options->interval_ns,
        .take = take_piece,
        .context = pusher,
    };

    pusher->remote_made = true;
    return remote_write_init(&pusher->remote, &remote);
}

static int make_lock(struct pusher *pusher)
{
    CHECK(pthread_mutex_init(&pusher->lock, NULL) == 0);
    CHECK(thread_condition_init(&pusher->changed) == 0);
    pusher->lock_made = true;
    return counters_init(&pusher->counters, pusher_counter_rows, PUSHER_COUNTER_COUNT);
}

int pusher_new(const struct pusher_setup *setup, char out_error[256], struct pusher **out_pusher)
{
    const struct remote_options *options = &setup->options->push_remote;
    struct pusher *pusher = mem_calloc(1, sizeof(*pusher));
    int status;

    if (pusher == NULL)
        return STATUS_NOMEM;
    pusher->engine = setup->engine;
    pusher->log = setup->log;
    pusher->interval_ns = options->interval_ns;
    pusher->retry_initial_ns = options->retry_initial_ns;
    pusher->retry_wait_max_ns = options->retry_wait_max_ns;
    pusher->queue_bytes_max = (size_t)options->queue_bytes_max;
    pusher->last = &pusher->first;
    buf_init(&pusher->packed, 0);
    status = make_lock(pusher);
    pusher->counters_made = status == 0;
    if (status == 0)
        status = take_labels(pusher, &options->labels);
    if (status == 0)
        status = make_remote(pusher, options);
    if (status == 0)
        status = make_post(pusher, options, out_error);
    if (status != 0) {
        pusher_free(pusher);
        return status;
    }
    *out_pusher = pusher;
    return 0;
}

int pusher_start(struct pusher *pusher, struct front *front)
{
    int status;

    pusher->front = front;
    status = thread_start("push-write", run, pusher, &pusher->thread);
    pusher->is_started = status == 0;
    return status;
}

void pusher_stop(struct pusher *pusher, struct mono_time until)
{
    if (!pusher->is_started)
        return;
    atomic_store(&pusher->until_ns, until.ns != 0 ? until.ns : 1);
    CHECK(pthread_mutex_lock(&pusher->lock) == 0);
    pusher->is_over = true;
    CHECK(pthread_cond_signal(&pusher->changed) == 0);
    CHECK(pthread_mutex_unlock(&pusher->lock) == 0);
    CHECK(pthread_join(pusher->thread, NULL) == 0);
    pusher->is_started = false;
}

const struct counters *pusher_counters(const struct pusher *pusher)
{
    return &pusher->counters;
}

void pusher_free(struct pusher *pusher)
{
    if (pusher == NULL)
        return;
    pusher_stop(pusher, (struct mono_time){1});
    while (pusher->first != NULL)
        drop_first(pusher);
    http_post_free(pusher->post);
    if (pusher->remote_made)
        remote_write_release(&pusher->remote);
    if (pusher->counters_made)
        counters_release(&pusher->counters);
    if (pusher->lock_made) {
        CHECK(pthread_cond_destroy(&pusher->changed) == 0);
        CHECK(pthread_mutex_destroy(&pusher->lock) == 0);
    }
    buf_release(&pusher->packed);
    mem_free(pusher->label_texts);
    mem_free(pusher);
}
