/* workers.h: threads that do what would hold up a loop.
 * Is:         a queue and up to threads_max threads, each started when there is work and nobody to
 *             do it.
 * Invariants: what was posted runs exactly once, also when the workers are stopped.
 * Threads:    workers_post() from any thread; all else from the owner's.
 * Memory:     tasks are part of what posts them, so the queue needs none.
 */
#ifndef SPANMAP_NET_WORKERS_H
#define SPANMAP_NET_WORKERS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/status.h"

enum { WORKERS_MAX = 32 };

struct worker_task {
    void (*run)(struct worker_task *task);
    struct worker_task *next;
};

struct workers {
    pthread_mutex_t lock; /* Over all below; nothing is called with it held. */
    pthread_cond_t posted;
    struct worker_task *first;
    struct worker_task **last;
    pthread_t threads[WORKERS_MAX];
    unsigned threads_max;
    unsigned threads_count;
    unsigned idle;
    unsigned queued;
    bool is_stopping;
    const char *name;
};

/* `threads_max` is 1 to WORKERS_MAX; `name`, a literal, is that of the threads. */
void workers_init(struct workers *workers, const char *name, unsigned threads_max);

/* Returns: 0; STATUS_SYSTEM, where not even one thread can be had: the task is the caller's. */
MUST_USE int workers_post(struct workers *workers, struct worker_task *task);

/* Runs what is queued and ends the threads. Nothing may be posted afterwards. */
void workers_stop(struct workers *workers);
void workers_release(struct workers *workers);

#endif
