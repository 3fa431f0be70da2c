/* thread.h: threads that leave signals to their host, and waits by the clock that never leaps.
 * Threads:    any may start one.
 */
#ifndef SPANMAP_BASE_THREAD_H
#define SPANMAP_BASE_THREAD_H

#include <pthread.h>

#include "base/clock.h"
#include "base/status.h"

/* Starts a thread that blocks all signals, known by `name` (15 bytes at most). To be joined.
 * Returns: 0; STATUS_SYSTEM. */
MUST_USE int thread_start(const char *name, void *(*run)(void *), void *context,
                          pthread_t *out_thread);

/* A condition whose waits end by clock_mono(). Returns: 0; STATUS_SYSTEM. */
MUST_USE int thread_condition_init(pthread_cond_t *out_condition);

/* Waits until the condition is signalled, or until then; now and then for neither. */
void thread_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                           struct mono_time until);

#endif
