/* courier.c: one queue in the order of age; what is to be repeated goes back to its place in it. */
#include "exporters/courier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/thread.h"
#include "exporters/courier_counters.h"

#define LOG_INTERVAL_NS (10 * NS_PER_S)
#define CANCEL_INTERVAL_NS (100 * NS_PER_MS)
#define SILENCE_MIN_NS (100 * NS_PER_MS)
#define SILENCE_MAX_NS (20 * NS_PER_S)

enum { HEAP_BYTES = 32 }; /* What an allocation takes beside what was asked for. */

/* In the order of the counters. */
enum courier_outcome {
    OUTCOME_SENT,
    OUTCOME_FULL,
    OUTCOME_NO_MEMORY,
    OUTCOME_REFUSED,
    OUTCOME_GAVE_UP,
    OUTCOME_SUPERSEDED,
    OUTCOME_SHUTDOWN,
};

/* A message: held by the courier until it is counted, and by the port as long as it is there. */
struct parcel {
    _Atomic unsigned holders;
    struct parcel *next;
    struct parcel *previous;
    struct mono_time taken;
    uint64_t number; /* In the order of offers. */
    uint64_t items;
    unsigned generation;
    unsigned round; /* Of the courier, as the try began. */
    size_t size;
    char bytes[];
};

struct courier {
    struct courier_options options;
    struct grpc_peer *peer;
    _Atomic size_t held_bytes;
    pthread_mutex_t lock; /* Over all below; the log, the port and memory are asked without it. */
    pthread_cond_t changed;
    bool is_started;
    bool is_draining;
    bool is_cut;     /* Nothing is sent any more. */
    bool is_over;    /* The thread is to end. */
    bool is_waiting; /* It waits for something to send. */
    bool is_failing;
    bool is_failing_told; /* In the log. */
    struct parcel *first;
    struct parcel *last;
    size_t waiting;
    size_t in_flight;
    size_t in_flight_bytes;
    uint64_t numbers;
    unsigned generation; /* Grows with courier_supersede(). */
    unsigned round;      /* Counts failures, so that one of several calls at once counts as one. */
    unsigned failures;   /* In a row. */
    struct mono_time held_until;
    struct log_gate failure_logged;
    struct log_gate drop_logged;
    uint64_t drops_unlogged;
    pthread_t thread;
};

static void lock(struct courier *courier)
{
    CHECK(pthread_mutex_lock(&courier->lock) == 0);
}

static void unlock(struct courier *courier)
{
    CHECK(pthread_mutex_unlock(&courier->lock) == 0);
}

static size_t cost_of(size_t size)
{
    return sizeof(struct parcel) + HEAP_BYTES + size;
}

static void let_go(void *call)
{
    struct parcel *parcel = call;

    if (atomic_fetch_sub_explicit(&parcel->holders, 1, memory_order_acq_rel) == 1)
        mem_free(parcel);
}

/* -------------------------------------------------------------------- counting */

static void count(struct courier *courier, enum courier_outcome outcome, uint64_t items)
{
    counters_add(courier->options.counters, COURIER_REQUESTS_SENT + (size_t)outcome, 1);
    if (courier->options.counts_items)
        counters_add(courier->options.counters, COURIER_ITEMS_SENT + (size_t)outcome, items);
}

static bool take_bytes(struct courier *courier, size_t bytes)
{
    size_t held = atomic_load_explicit(&courier->held_bytes, memory_order_relaxed);

    do {
        if (bytes > courier->options.bytes_max || held > courier->options.bytes_max - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&courier->held_bytes, &held, held + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    counters_add(courier->options.counters, COURIER_QUEUE_BYTES, bytes);
    counters_add(courier->options.counters, COURIER_QUEUED, 1);
    return true;
}

static void give_bytes(struct courier *courier, size_t bytes)
{
    atomic_fetch_sub_explicit(&courier->held_bytes, bytes, memory_order_relaxed);
    counters_subtract(courier->options.counters, COURIER_QUEUE_BYTES, bytes);
    counters_subtract(courier->options.counters, COURIER_QUEUED, 1);
}

/* The end of a message, which is in no list any more. */
static void finish(struct courier *courier, struct parcel *parcel, enum courier_outcome outcome)
{
    count(courier, outcome, parcel->items);
    give_bytes(courier, cost_of(parcel->size));
    let_go(parcel);
}

/* ----------------------------------------------------------------------- queue */

/* By its number, from the front: what goes back is older than nearly all. */
static void put_back(struct courier *courier, struct parcel *parcel)
{
    struct parcel *next = courier->first;

    while (next != NULL && next->number < parcel->number)
        next = next->next;
    parcel->next = next;
    parcel->previous = next != NULL ? next->previous : courier->last;
    *(parcel->previous != NULL ? &parcel->previous->next : &courier->first) = parcel;
    *(next != NULL ? &next->previous : &courier->last) = parcel;
    courier->waiting++;
}

static void append(struct courier *courier, struct parcel *parcel)
{
    parcel->next = NULL;
    parcel->previous = courier->last;
    *(courier->last != NULL ? &courier->last->next : &courier->first) = parcel;
    courier->last = parcel;
    courier->waiting++;
}

static struct parcel *take_first(struct courier *courier)
{
    struct parcel *parcel = courier->first;

    courier->first = parcel->next;
    *(courier->first != NULL ? &courier->first->previous : &courier->last) = NULL;
    courier->waiting--;
    return parcel;
}

static void drop_waiting(struct courier *courier, enum courier_outcome outcome)
{
    while (courier->first != NULL)
        finish(courier, take_first(courier), outcome);
}

static bool is_too_old(const struct courier *courier, const struct parcel *parcel,
                       struct mono_time now)
{
    uint64_t most = courier->options.retry_max_ns;

    return most != 0 && now.ns - parcel->taken.ns >= most;
}

static uint64_t drop_too_old(struct courier *courier, struct mono_time now)
{
    uint64_t dropped = 0;

    for (; courier->first != NULL && is_too_old(courier, courier->first, now); dropped++)
        finish(courier, take_first(courier), OUTCOME_GAVE_UP);
    return dropped;
}

/* ------------------------------------------------------------------------- log */

/* What is to be written once the lock is free. */
struct news {
    enum { NEWS_NONE, NEWS_FAILING, NEWS_WELL, NEWS_REFUSED, NEWS_REJECTED, NEWS_GAVE_UP } kind;
    uint64_t requests;
};

static bool is_due(struct log_gate *gate, struct mono_time now)
{
    return log_gate_opens(gate, now, LOG_INTERVAL_NS);
}

static void tell(const struct courier *courier, const struct news *news,
                 const struct courier_verdict *verdict)
{
    const struct log *log = courier->options.log;
    const char *what = courier->options.what;

    switch (news->kind) {
    case NEWS_NONE:
        break;
    case NEWS_FAILING:
        LOG(log, LOG_WARN, "cannot be sent on for now", LOG_TEXT("what", what),
            LOG_TEXT("code", verdict->code), LOG_TEXT("error", verdict->text), LOG_END);
        break;
    case NEWS_WELL:
        LOG(log, LOG_INFO, "is sent on again", LOG_TEXT("what", what), LOG_END);
        break;
    case NEWS_REFUSED:
        LOG(log, LOG_ERROR, "was refused by the other side, and is dropped", LOG_TEXT("what", what),
            LOG_TEXT("code", verdict->code), LOG_TEXT("error", verdict->text),
            LOG_NUM("requests", news->requests), LOG_END);
        break;
    case NEWS_REJECTED:
        LOG(log, LOG_WARN, "was taken in part by the other side", LOG_TEXT("what", what),
            LOG_TEXT("error", verdict->text), LOG_NUM("rejected", verdict->rejected), LOG_END);
        break;
    case NEWS_GAVE_UP:
        LOG(log, LOG_ERROR, "could not be sent on for too long, and is dropped",
            LOG_TEXT("what", what), LOG_TEXT("code", verdict->code),
            LOG_TEXT("error", verdict->text), LOG_NUM("requests", news->requests), LOG_END);
        break;
    }
}

static void tell_full(struct courier *courier)
{
    struct mono_time now = clock_mono();
    uint64_t dropped = 0;

    lock(courier);
    courier->drops_unlogged++;
    if (is_due(&courier->drop_logged, now)) {
        dropped = courier->drops_unlogged;
        courier->drops_unlogged = 0;
    }
    unlock(courier);
    if (dropped != 0)
        LOG(courier->options.log, LOG_ERROR, "the queue is full, and what comes is not sent on",
            LOG_TEXT("what", courier->options.what), LOG_NUM("requests", dropped),
            LOG_NUM("queue_bytes", courier->options.bytes_max), LOG_END);
}

/* --------------------------------------------------------------------- answers */

/* The delay doubles with each failure; a RetryInfo stands above it. Both are spread, so that many
 * senders do not come together: what we choose by a half to either side, what was asked for only up. */
static uint64_t delay_of(const struct courier *courier, const struct courier_verdict *verdict,
                         struct mono_time now)
{
    uint64_t delay = courier->options.retry_initial_ns;
    uint64_t asked = verdict->retry_delay_ns;
    uint64_t most = courier->options.retry_max_ns;

    for (unsigned i = 1; i < courier->failures && delay < courier->options.retry_interval_ns; i++)
        delay *= 2;
    if (delay > courier->options.retry_interval_ns)
        delay = courier->options.retry_interval_ns;
    delay = delay / 2 + clock_jitter_ns(now, courier, delay + 1);
    if (most != 0 && asked > most)
        asked = most; /* What waits is too old then. */
    if (asked != 0)
        asked += clock_jitter_ns(now, courier, asked / 8 + 1);
    return delay > asked ? delay : asked;
}

static enum courier_counter failure_counter(int code)
{
    enum { DEADLINE_EXCEEDED = 4, RESOURCE_EXHAUSTED = 8, UNAVAILABLE = 14 };

    switch (code) {
    case DEADLINE_EXCEEDED:
        return COURIER_FAILED_LATE;
    case RESOURCE_EXHAUSTED:
        return COURIER_FAILED_EXHAUSTED;
    case UNAVAILABLE:
        return COURIER_FAILED_UNAVAILABLE;
    default:
        return COURIER_FAILED_OTHER;
    }
}

static void set_failing(struct courier *courier, bool is_failing)
{
    courier->is_failing = is_failing;
    counters_set(courier->options.counters, COURIER_IS_FAILING, is_failing);
}

static void note_failure(struct courier *courier, const struct parcel *parcel,
                         const struct courier_verdict *verdict, struct mono_time now)
{
    uint64_t until;

    if (parcel->round == courier->round) {
        courier->round++;
        courier->failures++;
    }
    until = now.ns + delay_of(courier, verdict, now);
    if (until > courier->held_until.ns)
        courier->held_until.ns = until;
    set_failing(courier, true);
}

/* Of a try that began after the last failure: what was under way then says nothing of now. */
static void note_recovery(struct courier *courier, struct news *news)
{
    if (courier->is_failing_told)
        news->kind = NEWS_WELL;
    courier->is_failing_told = false;
    courier->failures = 0;
    courier->held_until.ns = 0;
    set_failing(courier, false);
}

static void take_success(struct courier *courier, struct parcel *parcel,
                         const struct courier_verdict *verdict, struct news *news)
{
    struct counters *counters = courier->options.counters;
    uint64_t most = courier->options.counts_items ? parcel->items : parcel->size;

    if (verdict->rejected != 0) {
        /* Whatever it says: no item is without a byte. */
        counters_add(counters, COURIER_REJECTED,
                     verdict->rejected < most ? verdict->rejected : most);
        if (is_due(&courier->drop_logged, clock_mono()))
            news->kind = NEWS_REJECTED;
    }
    counters_add(counters, COURIER_BYTES_SENT, parcel->size);
    if (parcel->round == courier->round)
        note_recovery(courier, news);
    finish(courier, parcel, OUTCOME_SENT);
}

static void take_failure(struct courier *courier, struct parcel *parcel,
                         const struct courier_verdict *verdict, struct news *news)
{
    struct mono_time now = clock_mono();
    uint64_t given_up = 0;

    note_failure(courier, parcel, verdict, now);
    if (courier->is_cut) {
        finish(courier, parcel, OUTCOME_SHUTDOWN);
        return;
    }
    if (parcel->generation != courier->generation) {
        finish(courier, parcel, OUTCOME_SUPERSEDED);
    } else {
        put_back(courier, parcel);
        given_up = drop_too_old(courier, now);
    }
    courier->drops_unlogged += given_up;
    if (given_up != 0 && is_due(&courier->drop_logged, now)) {
        *news = (struct news){NEWS_GAVE_UP, courier->drops_unlogged};
        courier->drops_unlogged = 0;
    } else if (!courier->is_failing_told && is_due(&courier->failure_logged, now)) {
        news->kind = NEWS_FAILING;
        courier->is_failing_told = true;
    }
}

static void on_reply(void *context, void *call, const struct grpc_port_reply *reply)
{
    struct courier *courier = context;
    struct parcel *parcel = call;
    struct courier_verdict verdict = {.code = ""};
    struct news news = {NEWS_NONE, 0};

    courier->options.read(reply, &verdict);
    lock(courier);
    courier->in_flight--;
    courier->in_flight_bytes -= parcel->size;
    counters_set(courier->options.counters, COURIER_IN_FLIGHT, courier->in_flight);
    if (verdict.is_ok) {
        take_success(courier, parcel, &verdict, &news);
    } else if (verdict.may_retry) {
        counters_add(courier->options.counters, failure_counter(reply->code), 1);
        take_failure(courier, parcel, &verdict, &news);
    } else {
        finish(courier, parcel, courier->is_cut ? OUTCOME_SHUTDOWN : OUTCOME_REFUSED);
        courier->drops_unlogged++;
        if (is_due(&courier->drop_logged, clock_mono())) {
            news = (struct news){NEWS_REFUSED, courier->drops_unlogged};
            courier->drops_unlogged = 0;
        }
    }
    CHECK(pthread_cond_broadcast(&courier->changed) == 0);
    unlock(courier);
    tell(courier, &news, &verdict);
}

/* --------------------------------------------------------------------- sending */

static bool may_send(const struct courier *courier, struct mono_time now)
{
    const struct courier_options *options = &courier->options;

    if (courier->first == NULL || courier->is_cut || now.ns < courier->held_until.ns)
        return false;
    if (courier->in_flight == 0)
        return true;
    return !courier->is_failing && courier->in_flight < options->in_flight_max &&
           courier->in_flight_bytes + courier->first->size <= options->in_flight_bytes_max;
}

/* With the lock, which it leaves while the port is busy. */
static void send_first(struct courier *courier)
{
    struct parcel *parcel = take_first(courier);
    int status;

    parcel->round = courier->round;
    courier->in_flight++;
    courier->in_flight_bytes += parcel->size;
    counters_set(courier->options.counters, COURIER_IN_FLIGHT, courier->in_flight);
    atomic_fetch_add_explicit(&parcel->holders, 1, memory_order_relaxed);
    unlock(courier);
    status = courier->options.port->send(courier->peer, parcel,
                                         (struct view){parcel->bytes, parcel->size},
                                         courier->options.timeout_ns);
    if (status != 0) {
        /* As if the other side had no room: later there may be memory again. */
        struct grpc_port_reply reply = {.code = 14, .message = view_of(status_text(status))};
        let_go(parcel);
        on_reply(courier, parcel, &reply);
    }
    lock(courier);
}

static void wait_for_change(struct courier *courier, uint64_t until_ns)
{
    if (until_ns == UINT64_MAX)
        CHECK(pthread_cond_wait(&courier->changed, &courier->lock) == 0);
    else
        thread_condition_wait(&courier->changed, &courier->lock, (struct mono_time){until_ns});
}

static void *run(void *context)
{
    struct courier *courier = context;

    lock(courier);
    while (!courier->is_over) {
        struct mono_time now = clock_mono();
        bool is_held = courier->first != NULL && now.ns < courier->held_until.ns;

        if (may_send(courier, now)) {
            send_first(courier);
            continue;
        }
        courier->is_waiting = true;
        wait_for_change(courier, is_held ? courier->held_until.ns : UINT64_MAX);
        courier->is_waiting = false;
    }
    unlock(courier);
    return NULL;
}

/* ---------------------------------------------------------------------- offers */

static struct parcel *make_parcel(struct view body, uint64_t items)
{
    struct parcel *parcel = mem_alloc(sizeof(*parcel) + body.size);

    if (parcel == NULL)
        return NULL;
    memset(parcel, 0, sizeof(*parcel));
    atomic_init(&parcel->holders, 1);
    parcel->items = items;
    parcel->size = body.size;
    if (body.size != 0)
        memcpy(parcel->bytes, body.data, body.size);
    return parcel;
}

void courier_offer(struct courier *courier, struct view body, uint64_t items)
{
    struct parcel *parcel;

    if (!take_bytes(courier, cost_of(body.size))) {
        count(courier, OUTCOME_FULL, items);
        tell_full(courier);
        return;
    }
    parcel = make_parcel(body, items);
    if (parcel == NULL) {
        count(courier, OUTCOME_NO_MEMORY, items);
        give_bytes(courier, cost_of(body.size));
        return;
    }
    parcel->taken = clock_mono();
    lock(courier);
    if (courier->is_cut) {
        finish(courier, parcel, OUTCOME_SHUTDOWN);
    } else {
        parcel->number = courier->numbers++;
        parcel->generation = courier->generation;
        append(courier, parcel);
        /* The first one also where it is held: the thread must know until when. */
        if (courier->is_waiting && (courier->first == parcel || may_send(courier, parcel->taken)))
            CHECK(pthread_cond_broadcast(&courier->changed) == 0);
    }
    unlock(courier);
}

void courier_supersede(struct courier *courier)
{
    lock(courier);
    courier->generation++;
    drop_waiting(courier, OUTCOME_SUPERSEDED);
    unlock(courier);
}

/* -------------------------------------------------------------------- its life */

/* A connection that leads nowhere is found out within one try, before the system does in a quarter of
 * an hour: what would go to it goes over a new one then. */
static uint64_t silence_max(uint64_t timeout_ns)
{
    uint64_t silence_ns = timeout_ns / 2;

    if (silence_ns < SILENCE_MIN_NS)
        return SILENCE_MIN_NS;
    return silence_ns < SILENCE_MAX_NS ? silence_ns : SILENCE_MAX_NS;
}

int courier_new(const struct courier_options *options, char out_error[256],
                struct courier **out_courier)
{
    struct courier *courier = mem_calloc(1, sizeof(*courier));
    struct grpc_port_options peer = options->peer;
    int status;

    CHECK(options->in_flight_max > 0);
    out_error[0] = '\0';
    if (courier == NULL)
        return STATUS_NOMEM;
    courier->options = *options;
    CHECK(pthread_mutex_init(&courier->lock, NULL) == 0);
    CHECK(thread_condition_init(&courier->changed) == 0);
    counters_set(options->counters, COURIER_QUEUE_BYTES_MAX, options->bytes_max);
    peer.reconnect_min_ns = options->retry_initial_ns;
    peer.reconnect_max_ns = options->retry_interval_ns;
    peer.silence_max_ns = silence_max(options->timeout_ns);
    peer.on_reply = on_reply;
    peer.release = let_go;
    peer.context = courier;
    status = options->port->open(&peer, out_error, &courier->peer);
    if (status != 0) {
        courier_free(courier);
        return status;
    }
    *out_courier = courier;
    return 0;
}

int courier_start(struct courier *courier)
{
    int status = thread_start(courier->options.what, run, courier, &courier->thread);

    courier->is_started = status == 0;
    return status;
}

/* Nobody reads the counters any more. */
static void tell_what_is_left(const struct courier *courier)
{
    const struct counters *counters = courier->options.counters;
    uint64_t requests = counters_read(counters, COURIER_REQUESTS_SHUTDOWN);

    if (requests != 0)
        LOG(courier->options.log, LOG_ERROR, "left unsent at the end",
            LOG_TEXT("what", courier->options.what), LOG_NUM("requests", requests),
            LOG_NUM("items", courier->options.counts_items
                                 ? counters_read(counters, COURIER_ITEMS_SHUTDOWN)
                                 : 0),
            LOG_END);
}

/* Waits until nothing is held, or for `until`. Whether nothing is. */
static bool wait_until_idle(struct courier *courier, struct mono_time until)
{
    while (courier->first != NULL || courier->in_flight != 0) {
        if (clock_mono().ns >= until.ns)
            return false;
        wait_for_change(courier, until.ns);
    }
    return true;
}

void courier_drain(struct courier *courier, struct mono_time until)
{
    if (!courier->is_started)
        return;
    lock(courier);
    /* What waits to be repeated gets its try now. */
    courier->held_until.ns = 0;
    CHECK(pthread_cond_broadcast(&courier->changed) == 0);
    (void)wait_until_idle(courier, until);
    courier->is_cut = true;
    drop_waiting(courier, OUTCOME_SHUTDOWN);
    /* A call that was just being begun may miss it, and hears it the next time. */
    do {
        unlock(courier);
        courier->options.port->cancel(courier->peer);
        lock(courier);
    } while (!wait_until_idle(courier, (struct mono_time){clock_mono().ns + CANCEL_INTERVAL_NS}));
    courier->is_over = true;
    CHECK(pthread_cond_broadcast(&courier->changed) == 0);
    unlock(courier);
    CHECK(pthread_join(courier->thread, NULL) == 0);
    courier->is_started = false;
    tell_what_is_left(courier);
}

void courier_free(struct courier *courier)
{
    if (courier == NULL)
        return;
    courier_drain(courier, (struct mono_time){0});
    drop_waiting(courier, OUTCOME_SHUTDOWN);
    if (courier->peer != NULL)
        courier->options.port->close(courier->peer);
    CHECK(pthread_cond_destroy(&courier->changed) == 0);
    CHECK(pthread_mutex_destroy(&courier->lock) == 0);
    mem_free(courier);
}
