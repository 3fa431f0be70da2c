/* loop.h: one thread with a libuv loop, and a way for others to hand it work.
 * Is:         start, post, stop. The thread takes no signals: those are its host's.
 * Invariants: a task that was posted runs exactly once, on the loop's thread or, where it was
 *             posted too late for that, in loop_release(); tasks of one poster run in order.
 * Threads:    loop_post() from any; all else from the owner's, or as said.
 * Memory:     tasks are part of what posts them; the loop owns its handles only.
 */
#ifndef SPANMAP_NET_LOOP_H
#define SPANMAP_NET_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

#include "base/status.h"

struct loop_task {
    void (*run)(struct loop_task *task);
    struct loop_task *next;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    pthread_mutex_t lock; /* Over the list of tasks; nothing is called with it held. */
    struct loop_task *first;
    struct loop_task **last;
    pthread_t thread;
    bool is_started;
    bool is_ready; /* init went through. */
};

/* Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int loop_init(struct loop *loop);

/* Starts the thread, known by `name` (15 bytes at most). Returns: 0; STATUS_SYSTEM. */
MUST_USE int loop_start(struct loop *loop, const char *name);

/* Has `task` run on the loop's thread. */
void loop_post(struct loop *loop, struct loop_task *task);

/* On the loop's own thread: end when this turn is over. Its owner has closed its handles, or
 * will leave them to loop_release(). */
void loop_end(struct loop *loop);

/* Waits for the thread, which loop_end() ends. */
void loop_join(struct loop *loop);

/* After the thread has ended, or was never started: runs what is still posted and frees. Closes
 * handles that nobody closed, without a callback. */
void loop_release(struct loop *loop);

#endif
