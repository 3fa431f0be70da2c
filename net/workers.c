/* workers.c: one lock, one condition, one list. */
#include "net/workers.h"

#include <stddef.h>

#include "base/check.h"
#include "base/thread.h"

void workers_init(struct workers *workers, const char *name, unsigned threads_max)
{
    CHECK(threads_max >= 1 && threads_max <= WORKERS_MAX);
    *workers = (struct workers){.name = name, .threads_max = threads_max};
    workers->last = &workers->first;
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->posted, NULL);
}

static void *work(void *context)
{
    struct workers *workers = context;

    (void)pthread_mutex_lock(&workers->lock);
    for (;;) {
        struct worker_task *task = workers->first;

        if (task != NULL) {
            workers->first = task->next;
            if (workers->first == NULL)
                workers->last = &workers->first;
            workers->queued--;
            (void)pthread_mutex_unlock(&workers->lock);
            task->run(task); /* It may be gone afterwards. */
            (void)pthread_mutex_lock(&workers->lock);
        } else if (workers->is_stopping) {
            break;
        } else {
            workers->idle++;
            (void)pthread_cond_wait(&workers->posted, &workers->lock);
            workers->idle--;
        }
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return NULL;
}

int workers_post(struct workers *workers, struct worker_task *task)
{
    int status = 0;

    task->next = NULL;
    (void)pthread_mutex_lock(&workers->lock);
    CHECK(!workers->is_stopping);
    if (workers->idle <= workers->queued && workers->threads_count < workers->threads_max) {
        status = thread_start(workers->name, work, workers,
                              &workers->threads[workers->threads_count]);
        if (status == 0)
            workers->threads_count++;
    }
    /* With fewer threads than wished for the task only waits longer. */
    if (workers->threads_count != 0) {
        status = 0;
        *workers->last = task;
        workers->last = &task->next;
        workers->queued++;
        (void)pthread_cond_signal(&workers->posted);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return status;
}

void workers_stop(struct workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    workers->is_stopping = true;
    (void)pthread_cond_broadcast(&workers->posted);
    (void)pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->threads_count; i++)
        CHECK(pthread_join(workers->threads[i], NULL) == 0);
    workers->threads_count = 0;
    CHECK(workers->first == NULL);
}

void workers_release(struct workers *workers)
{
    workers_stop(workers);
    (void)pthread_cond_destroy(&workers->posted);
    (void)pthread_mutex_destroy(&workers->lock);
}
