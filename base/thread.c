/* thread.c: the mask is inherited, so that it is there before the first instruction. */
#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

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
