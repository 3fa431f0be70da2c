/* thread.h: a thread that leaves signals to its host.
 * Threads:    any may start one.
 */
#ifndef SPANMAP_BASE_THREAD_H
#define SPANMAP_BASE_THREAD_H

#include <pthread.h>

#include "base/status.h"

/* Starts a thread that blocks all signals, known by `name` (15 bytes at most). To be joined.
 * Returns: 0; STATUS_SYSTEM. */
MUST_USE int thread_start(const char *name, void *(*run)(void *), void *context,
                          pthread_t *out_thread);

#endif
