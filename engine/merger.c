/* merger.c: one spare tally goes from shard to shard.
 *
 * Whoever asks for a snapshot and finds that a merge has begun since takes that merge's snapshot, so
 * that many who look at once cost one merge.
 */
#include "engine/merger.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/engine_counters.h"
#include "engine/latency.h"
#include "engine/sweeper.h"

struct merger {
    struct merger_options options;
    struct tally *spare; /* Empty, unless... */
    bool is_owed;        /* ... it could not be added yet: what shard `owed_by` counted. */
    unsigned owed_by;
    struct snapshot *newest; /* May be NULL. */
    uint64_t newest_number;  /* Of the merge that it shows. */
    _Atomic uint64_t begun;  /* Merges so far. */
    struct sweeper sweeper;
    bool lock_made, pace_made, pace_over_made;
    pthread_mutex_t lock; /* Guards all above and the publisher; a worker's lock comes after it. */
    pthread_mutex_t pace; /* Guards `over` alone; a leaf. */
    pthread_cond_t pace_over;
    bool over;
    bool running;
    pthread_t thread;
};

static struct wall_time wall_now(const struct merger *merger)
{
    return merger->options.given_ns != NULL
               ? (struct wall_time){atomic_load(merger->options.given_ns)}
               : clock_wall();
}

/* The pace of sweeps is that of the clock which is given. */
static struct mono_time mono_now(const struct merger *merger)
{
    return merger->options.given_ns != NULL
               ? (struct mono_time){atomic_load(merger->options.given_ns)}
               : clock_mono();
}

/* Adds what is owed. Returns: 0; STATUS_NOMEM (still owed). */
static int pay(struct merger *merger, struct wall_time now)
{
    int status;

    if (!merger->is_owed)
        return 0;
    status = publisher_absorb(merger->options.publisher, merger->owed_by, merger->spare, now);
    if (status == 0)
        merger->is_owed = false;
    return status;
}

/* Goes on with giving names back. The newest snapshot may show some that nothing else uses. */
static void sweep(struct merger *merger, struct wall_time now)
{
    while (sweeper_step(&merger->sweeper, mono_now(merger), now)) {
        snapshot_release(merger->newest);
        merger->newest = NULL;
    }
}

/* Under the lock. Returns: 0; STATUS_NOMEM (the shards that are left go on counting). */
static int merge(struct merger *merger)
{
    struct wall_time now = wall_now(merger);
    struct mono_time begin = clock_mono();
    int status;

    (void)atomic_fetch_add(&merger->begun, 1);
    status = pay(merger, now);
    for (unsigned i = 0; i < merger->options.workers_count && status == 0; i++) {
        worker_swap(merger->options.workers[i], &merger->spare);
        merger->is_owed = true;
        merger->owed_by = i;
        status = pay(merger, now);
    }
    publisher_close(merger->options.publisher, now); /* Also what a failure left off at. */
    if (status == 0)
        sweep(merger, now);
    latency_count(merger->options.counters, ENGINE_MERGE_SECONDS, begin, clock_mono());
    counters_add(merger->options.counters, status == 0 ? ENGINE_MERGES : ENGINE_MERGE_FAILURES, 1);
    if (merger->options.note != NULL)
        merger->options.note(merger->options.context);
    return status;
}

static int renew(struct merger *merger)
{
    struct snapshot *snapshot;
    int status = merge(merger);

    if (status != 0)
        return status;
    status = publisher_snapshot(merger->options.publisher, wall_now(merger), &snapshot);
    if (status != 0) {
        counters_add(merger->options.counters, ENGINE_MERGE_FAILURES, 1);
        return status;
    }
    snapshot_release(merger->newest);
    merger->newest = snapshot;
    merger->newest_number = atomic_load(&merger->begun);
    counters_add(merger->options.counters, ENGINE_SNAPSHOTS, 1);
    return 0;
}

int merger_snapshot(struct merger *merger, struct snapshot **out_snapshot)
{
    uint64_t before = atomic_load(&merger->begun);
    int status = 0;

    pthread_mutex_lock(&merger->lock);
    if (merger->newest == NULL || merger->newest_number <= before)
        status = renew(merger);
    if (status == 0)
        *out_snapshot = snapshot_retain(merger->newest);
    pthread_mutex_unlock(&merger->lock);
    return status;
}

int merger_window(struct merger *merger, const struct window_want *want,
                  struct window_look **out_look)
{
    uint64_t before = atomic_load(&merger->begun);
    int status = 0;

    if (merger->options.windows == NULL)
        return STATUS_UNSUPPORTED;
    pthread_mutex_lock(&merger->lock);
    if (want->at.ns == 0 && atomic_load(&merger->begun) == before)
        status = merge(merger);
    if (status == 0)
        status = windows_take(merger->options.windows, want, out_look);
    pthread_mutex_unlock(&merger->lock);
    return status;
}

int merger_windows(struct merger *merger, struct windows_reach *out_reach)
{
    if (merger->options.windows == NULL)
        return STATUS_UNSUPPORTED;
    pthread_mutex_lock(&merger->lock);
    windows_reach(merger->options.windows, out_reach);
    pthread_mutex_unlock(&merger->lock);
    return 0;
}

uint64_t merger_sweeps(const struct merger *merger)
{
    return merger->sweeper.sweeps;
}

/* --------------------------------------------------------------- the thread */

/* Waits a second. Returns whether it is over. */
static bool wait_a_second(struct merger *merger)
{
    uint64_t until_ns = clock_mono().ns + NS_PER_S;
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    bool over;

    pthread_mutex_lock(&merger->pace);
    while (!merger->over &&
           pthread_cond_timedwait(&merger->pace_over, &merger->pace, &until) != ETIMEDOUT)
        continue;
    over = merger->over;
    pthread_mutex_unlock(&merger->pace);
    return over;
}

static void *run(void *context)
{
    struct merger *merger = context;

    while (!wait_a_second(merger)) {
        pthread_mutex_lock(&merger->lock);
        /* A failure is counted, and what could not be added is owed to the next merge. */
        (void)merge(merger);
        pthread_mutex_unlock(&merger->lock);
    }
    return NULL;
}

int merger_start(struct merger *merger)
{
    int status;

    CHECK(!merger->running);
    status = thread_start("merger", run, merger, &merger->thread);
    merger->running = status == 0;
    return status;
}

void merger_stop(struct merger *merger)
{
    if (merger->running) {
        pthread_mutex_lock(&merger->pace);
        merger->over = true;
        pthread_cond_signal(&merger->pace_over);
        pthread_mutex_unlock(&merger->pace);
        CHECK(pthread_join(merger->thread, NULL) == 0);
        merger->running = false;
    }
    pthread_mutex_lock(&merger->lock);
    for (unsigned i = 0; i < merger->options.workers_count; i++)
        worker_stop(merger->options.workers[i]);
    workers_finish(merger->options.workers, merger->options.workers_count, clock_mono());
    pthread_mutex_unlock(&merger->lock);
}

/* ----------------------------------------------------------------- the ends */

static int make_locks(struct merger *merger)
{
    merger->lock_made = pthread_mutex_init(&merger->lock, NULL) == 0;
    merger->pace_made = pthread_mutex_init(&merger->pace, NULL) == 0;
    merger->pace_over_made = thread_condition_init(&merger->pace_over) == 0;
    return merger->lock_made && merger->pace_made && merger->pace_over_made ? 0 : STATUS_SYSTEM;
}

int merger_new(const struct merger_options *options, struct merger **out_merger)
{
    struct merger *merger = mem_calloc(1, sizeof(*merger));
    int status;

    if (merger == NULL)
        return STATUS_NOMEM;
    merger->options = *options;
    sweeper_init(&merger->sweeper, &(struct sweeper){.catalog = options->catalog,
                                                     .lessons = options->lessons,
                                                     .publisher = options->publisher,
                                                     .workers = options->workers,
                                                     .workers_count = options->workers_count});
    status = make_locks(merger);
    if (status == 0)
        status = tally_new(&options->tally, &merger->spare);
    if (status != 0) {
        merger_free(merger);
        return status;
    }
    *out_merger = merger;
    return 0;
}

void merger_free(struct merger *merger)
{
    if (merger == NULL)
        return;
    CHECK(!merger->running);
    snapshot_release(merger->newest);
    tally_free(merger->spare);
    if (merger->pace_over_made)
        pthread_cond_destroy(&merger->pace_over);
    if (merger->pace_made)
        pthread_mutex_destroy(&merger->pace);
    if (merger->lock_made)
        pthread_mutex_destroy(&merger->lock);
    mem_free(merger);
}
