/* worker.c: drain, answer, tick, rest.
 *
 * A span may lie in its ring for a while: it is judged much later. So a thread that has fed all there
 * was pauses, the longer the less there was, and nobody wakes it for a few spans more: a wake-up
 * costs as much as counting ten of them, and after each the series have left the caches. Who wants
 * all that came before a moment, as each merge does, ends the pause (worker_swap()).
 *
 *   AWAKE ──nothing left──> PAUSING (1 ms to a tick) ──nothing for a while──> ASLEEP (a tick)
 *     ^                       │ time is over, or a ring is a quarter full   │ time is over, or
 *     └───────────────────────┴─────────────────────────────────────────────┘ anything comes
 *
 * Saying so and looking once more, on this side, and publishing and asking, on the other, are all
 * sequentially consistent: one of the two sees what the other wrote, so that no span is left lying.
 * While the thread is awake its producers only read `state`.
 */
#include "engine/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/running_clock.h"
#include "topology/shard_mark.h"

enum {
    BATCH_SPANS = 64,
    MANY_SPANS = 1024, /* After a pause with more, the next one is shorter. */
    EMPTY_MAX = 16,    /* Pauses in which nothing came, before it sleeps. */
    FULL_PART = 4,     /* A ring with this part of its room taken ends a pause. */
};

static const uint64_t pause_min_ns = NS_PER_MS;
static const uint64_t tick_ns = 100 * NS_PER_MS;
/* More than passes between two looks at the clock of a thread that runs, be it with a pause. */
static const uint64_t gap_max_ns = 200 * NS_PER_MS;

enum worker_state { AWAKE, PAUSING, ASLEEP };

struct worker {
    struct shard *shard;
    struct ring *rings;
    unsigned producers;
    unsigned number;
    struct running_clock clock; /* The thread's. */
    bool running;               /* The owner's. */
    _Atomic bool started;       /* A thread ran: figures are those that were noted last. */
    pthread_t thread;
    bool lock_made, wake_made, swapped_made;
    pthread_mutex_t lock; /* A leaf: nothing else is taken while it is held. */
    pthread_cond_t wake;
    pthread_cond_t swapped;
    bool woken;         /* Under the lock: there is a reason not to wait. */
    struct tally **ask; /* Under the lock: exchange this one. */
    _Atomic bool asked; /* That `ask` is set, to be looked at without the lock. */
    _Atomic bool stopping;
    _Atomic uint32_t mark_asked;
    _Atomic uint32_t mark_done;
    uint64_t *swap_from; /* By ring: what was published when a tally was asked for. */
    bool swap_noted;     /* That this is so. */
    uint64_t *mark_from; /* Likewise for marking. */
    bool mark_noted;     /* That this is so, */
    bool mark_walks;     /* and that the walk began. */
    _Atomic uint64_t memory_bytes;
    _Atomic uint64_t message_bytes;
    _Atomic uint64_t remembered;
    alignas(64) _Atomic int state; /* enum worker_state; producers look at it with each request. */
};

/* ------------------------------------------------------------------ the loop */

static void note_figures(struct worker *worker)
{
    atomic_store_explicit(&worker->memory_bytes, shard_memory_bytes(worker->shard),
                          memory_order_relaxed);
    atomic_store_explicit(&worker->message_bytes, shard_message_bytes(worker->shard),
                          memory_order_relaxed);
    atomic_store_explicit(&worker->remembered, shard_remembered(worker->shard),
                          memory_order_relaxed);
}

/* Whether the last record is the first of a half. */
static bool is_cut(const struct span *records, size_t count)
{
    size_t i = 0;

    while (i < count)
        i += records[i].half ? 2 : 1;
    return i > count;
}

static struct mono_time now_of(struct worker *worker)
{
    return running_clock_at(&worker->clock, clock_mono());
}

/* One batch from each ring; how many spans that were. */
static size_t drain(struct worker *worker)
{
    struct span batch[BATCH_SPANS + 1];
    size_t fed = 0;

    for (unsigned i = 0; i < worker->producers; i++) {
        size_t count = ring_pop(&worker->rings[i], batch, BATCH_SPANS);

        if (count == 0)
            continue;
        if (is_cut(batch, count)) /* The rest was published with it. */
            count += ring_pop(&worker->rings[i], batch + count, 1);
        ring_prefetch(&worker->rings[i], BATCH_SPANS);
        shard_feed(worker->shard, batch, count, now_of(worker));
        fed += count;
    }
    return fed;
}

/* Whether all was fed that the rings held when it was asked for; `noted` says whether that was noted
 * in `from` already. */
static bool was_fed(struct worker *worker, uint64_t *from, bool *noted)
{
    bool all = true;

    for (unsigned i = 0; i < worker->producers; i++) {
        if (!*noted)
            from[i] = ring_published(&worker->rings[i]);
        all &= ring_has_read(&worker->rings[i], from[i]);
    }
    *noted = true;
    return all;
}

/* A tally has all that was published before it was asked for. */
static void answer_swap(struct worker *worker)
{
    if (!atomic_load_explicit(&worker->asked, memory_order_acquire) ||
        !was_fed(worker, worker->swap_from, &worker->swap_noted))
        return;
    worker->swap_noted = false;
    pthread_mutex_lock(&worker->lock);
    CHECK(worker->ask != NULL);
    shard_swap(worker->shard, worker->ask);
    worker->ask = NULL;
    atomic_store_explicit(&worker->asked, false, memory_order_relaxed);
    pthread_cond_signal(&worker->swapped);
    pthread_mutex_unlock(&worker->lock);
}

/* Goes on with marking; whether there is more to do. */
static bool mark(struct worker *worker)
{
    uint32_t asked = atomic_load_explicit(&worker->mark_asked, memory_order_acquire);

    if (asked == atomic_load_explicit(&worker->mark_done, memory_order_relaxed))
        return false;
    if (asked % 2 == 0) {
        shard_mark_end(worker->shard);
    } else {
        if (!worker->mark_walks && !was_fed(worker, worker->mark_from, &worker->mark_noted))
            return true;
        if (!worker->mark_walks)
            shard_mark_begin(worker->shard, asked);
        worker->mark_walks = true;
        if (!shard_mark(worker->shard))
            return true;
    }
    worker->mark_noted = worker->mark_walks = false;
    atomic_store_explicit(&worker->mark_done, asked, memory_order_release);
    return false;
}

/* Waits until somebody has a reason, but no longer than `wait_ns`. */
static void wait_at_most(struct worker *worker, uint64_t wait_ns)
{
    uint64_t until_ns = clock_mono().ns + wait_ns;
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};

    pthread_mutex_lock(&worker->lock);
    while (!worker->woken &&
           pthread_cond_timedwait(&worker->wake, &worker->lock, &until) != ETIMEDOUT)
        continue;
    worker->woken = false;
    pthread_mutex_unlock(&worker->lock);
}

static bool much_waits(const struct ring *ring)
{
    return ring_fill(ring) > ring->mask / FULL_PART;
}

/* Whether there is a reason to go on at once, in this state. */
static bool is_called(const struct worker *worker, enum worker_state state)
{
    for (unsigned i = 0; i < worker->producers; i++)
        if (state == ASLEEP ? ring_fill(&worker->rings[i]) != 0 : much_waits(&worker->rings[i]))
            return true;
    return false;
}

/* What a thread knows of its pauses. */
struct pace {
    uint64_t pause_ns;
    size_t fed;     /* Since the last one. */
    unsigned empty; /* That many in a row in which nothing came. */
};

static void rest(struct worker *worker, struct pace *pace)
{
    enum worker_state state;

    pace->empty = pace->fed != 0 ? 0 : pace->empty + (pace->empty < EMPTY_MAX);
    pace->pause_ns = pace->fed > MANY_SPANS ? pace->pause_ns / 2 : pace->pause_ns * 2;
    if (pace->pause_ns < pause_min_ns)
        pace->pause_ns = pause_min_ns;
    if (pace->pause_ns > tick_ns)
        pace->pause_ns = tick_ns;
    pace->fed = 0;
    state = pace->empty < EMPTY_MAX ? PAUSING : ASLEEP;
    atomic_store(&worker->state, state);
    if (!is_called(worker, state))
        wait_at_most(worker, state == PAUSING ? pace->pause_ns : tick_ns);
    atomic_store(&worker->state, AWAKE);
}

static void *run(void *context)
{
    struct worker *worker = context;
    struct mono_time ticked = clock_mono();
    struct pace pace = {.pause_ns = pause_min_ns};

    worker->clock = running_clock_from(ticked, gap_max_ns);
    for (;;) {
        /* Read first: what producers published before the stop is then seen by the drain. */
        bool stopping = atomic_load_explicit(&worker->stopping, memory_order_acquire);
        size_t fed = drain(worker);
        bool is_marking = mark(worker);
        struct mono_time now = now_of(worker);

        answer_swap(worker);
        if (now.ns - ticked.ns >= tick_ns) {
            shard_tick(worker->shard, now);
            note_figures(worker);
            ticked = now;
        }
        pace.fed += fed;
        if (fed != 0)
            continue;
        if (stopping)
            break;
        if (is_marking)
            continue;
        rest(worker, &pace);
    }
    note_figures(worker);
    return NULL;
}

/* ------------------------------------------------------------------ the ends */

static int make_lock(struct worker *worker)
{
    worker->lock_made = pthread_mutex_init(&worker->lock, NULL) == 0;
    worker->swapped_made = pthread_cond_init(&worker->swapped, NULL) == 0;
    worker->wake_made = thread_condition_init(&worker->wake) == 0;
    return worker->lock_made && worker->wake_made && worker->swapped_made ? 0 : STATUS_SYSTEM;
}

static int make_rings(struct worker *worker, const struct worker_options *options)
{
    if (options->producers == 0)
        return 0;
    worker->rings = mem_aligned(alignof(struct ring), options->producers * sizeof(*worker->rings));
    worker->swap_from = mem_calloc(options->producers, sizeof(*worker->swap_from));
    worker->mark_from = mem_calloc(options->producers, sizeof(*worker->mark_from));
    if (worker->rings == NULL || worker->swap_from == NULL || worker->mark_from == NULL)
        return STATUS_NOMEM;
    for (; worker->producers < options->producers; worker->producers++) {
        int status = ring_init(&worker->rings[worker->producers], options->ring_spans,
                               sizeof(struct span));
        if (status != 0)
            return status;
    }
    return 0;
}

int worker_new(const struct worker_options *options, struct worker **out_worker)
{
    struct worker *worker = mem_aligned(alignof(struct worker), sizeof(*worker));
    int status;

    if (worker == NULL)
        return STATUS_NOMEM;
    memset(worker, 0, sizeof(*worker));
    worker->number = options->number;
    status = make_lock(worker);
    if (status == 0)
        status = shard_new(&options->shard, &worker->shard);
    if (status == 0)
        status = make_rings(worker, options);
    if (status != 0) {
        worker_free(worker);
        return status;
    }
    *out_worker = worker;
    return 0;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    worker_stop(worker);
    for (unsigned i = 0; i < worker->producers; i++)
        ring_release(&worker->rings[i]);
    mem_free(worker->rings);
    mem_free(worker->swap_from);
    mem_free(worker->mark_from);
    shard_free(worker->shard);
    if (worker->wake_made)
        pthread_cond_destroy(&worker->wake);
    if (worker->swapped_made)
        pthread_cond_destroy(&worker->swapped);
    if (worker->lock_made)
        pthread_mutex_destroy(&worker->lock);
    mem_free(worker);
}

int worker_start(struct worker *worker)
{
    char name[16];
    int status;

    CHECK(!worker->running);
    note_figures(worker);
    atomic_store_explicit(&worker->started, true, memory_order_release);
    snprintf(name, sizeof(name), "shard-%u", worker->number);
    status = thread_start(name, run, worker, &worker->thread);
    worker->running = status == 0;
    return status;
}

static void wake(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->woken = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker)
{
    if (!worker->running)
        return;
    atomic_store_explicit(&worker->stopping, true, memory_order_release);
    wake(worker);
    CHECK(pthread_join(worker->thread, NULL) == 0);
    worker->running = false;
}

struct ring *worker_ring(struct worker *worker, unsigned producer)
{
    CHECK(producer < worker->producers);
    return &worker->rings[producer];
}

void worker_wake(struct worker *worker)
{
    if (atomic_load(&worker->state) != AWAKE && atomic_exchange(&worker->state, AWAKE) != AWAKE)
        wake(worker);
}

void worker_published(struct worker *worker, unsigned producer)
{
    int state = atomic_load(&worker->state);

    if (state == ASLEEP || (state == PAUSING && much_waits(&worker->rings[producer])))
        worker_wake(worker);
}

void worker_swap(struct worker *worker, struct tally **tally)
{
    if (!worker->running) {
        shard_swap(worker->shard, tally);
        return;
    }
    pthread_mutex_lock(&worker->lock);
    CHECK(worker->ask == NULL);
    worker->ask = tally;
    atomic_store_explicit(&worker->asked, true, memory_order_release);
    worker->woken = true;
    pthread_cond_signal(&worker->wake);
    while (worker->ask != NULL)
        pthread_cond_wait(&worker->swapped, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
}

void worker_mark(struct worker *worker, uint32_t what)
{
    atomic_store_explicit(&worker->mark_asked, what, memory_order_release);
}

bool worker_marked(struct worker *worker)
{
    /* Without a thread it is done here, also what the thread left undone; nothing is in the rings then
     * but of an engine that was never started. */
    while (!worker->running && worker_waiting(worker) == 0 && mark(worker))
        continue;
    return atomic_load_explicit(&worker->mark_asked, memory_order_relaxed) ==
           atomic_load_explicit(&worker->mark_done, memory_order_acquire);
}

struct shard *worker_shard(struct worker *worker)
{
    CHECK(!worker->running);
    return worker->shard;
}

/* The shard is looked at only as long as it has never been but its owner's. */
static bool has_started(const struct worker *worker)
{
    return atomic_load_explicit(&worker->started, memory_order_acquire);
}

uint64_t worker_memory_bytes(const struct worker *worker)
{
    if (!has_started(worker))
        return shard_memory_bytes(worker->shard);
    return atomic_load_explicit(&worker->memory_bytes, memory_order_relaxed);
}

uint64_t worker_message_bytes(const struct worker *worker)
{
    if (!has_started(worker))
        return shard_message_bytes(worker->shard);
    return atomic_load_explicit(&worker->message_bytes, memory_order_relaxed);
}

uint64_t worker_remembered(const struct worker *worker)
{
    if (!has_started(worker))
        return shard_remembered(worker->shard);
    return atomic_load_explicit(&worker->remembered, memory_order_relaxed);
}

void workers_finish(struct worker *const workers[], unsigned count, struct mono_time now)
{
    struct shard *shards[WORKERS_MAX] = {NULL};

    CHECK(count <= WORKERS_MAX);
    for (unsigned i = 0; i < count; i++)
        shards[i] = worker_shard(workers[i]);
    shards_finish(shards, count, now);
    for (unsigned i = 0; i < count; i++)
        note_figures(workers[i]);
}

size_t worker_waiting(const struct worker *worker)
{
    size_t spans = 0;

    for (unsigned i = 0; i < worker->producers; i++)
        spans += ring_fill(&worker->rings[i]);
    return spans;
}
