/* thread.c: the mask is inherited, so that it is there before the first instruction. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "base/check.h"

int thread_start(const char *name, void *(*run)(void *), void *context, pthread_t *out_thread)
{
    sigset_t all;
    sigset_t before;
    int error;

    (void)sigfillset(&all);
    error = pthread_sigmask(SIG_SETMASK, &all, &before);
    CHECK(error == 0);
    error = pthread_create(out_thread, NULL, run, context);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (error != 0)
        return STATUS_SYSTEM;
    (void)pthread_setname_np(*out_thread, name);
    return 0;
}

int thread_condition_init(pthread_cond_t *out_condition)
{
    pthread_condattr_t attributes;
    int error;

    if (pthread_condattr_init(&attributes) != 0)
        return STATUS_SYSTEM;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(out_condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return error == 0 ? 0 : STATUS_SYSTEM;
}

void thread_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, struct mono_time until)
{
    struct timespec time = {
        .tv_sec = (time_t)(until.ns / NS_PER_S),
        .tv_nsec = (long)(until.ns % NS_PER_S),
    };
    int error = pthread_cond_timedwait(condition, lock, &time);

    CHECK(error == 0 || error == ETIMEDOUT);
}
