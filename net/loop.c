/* loop.c: a loop's thread and its letter box. */
#include "net/loop.h"

#include <stddef.h>

#include "base/check.h"
#include "base/thread.h"

static void run_tasks(struct loop *loop)
{
    struct loop_task *task;

    (void)pthread_mutex_lock(&loop->lock);
    task = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    (void)pthread_mutex_unlock(&loop->lock);
    while (task != NULL) {
        struct loop_task *next = task->next; /* The task may be gone once it has run. */

        task->run(task);
        task = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    run_tasks(wake->data);
}

int loop_init(struct loop *loop)
{
    int error = uv_loop_init(&loop->uv);

    loop->is_ready = false;
    loop->is_started = false;
    if (error != 0)
        return error == UV_ENOMEM ? STATUS_NOMEM : STATUS_SYSTEM;
    error = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (error != 0) {
        CHECK(uv_loop_close(&loop->uv) == 0);
        return error == UV_ENOMEM ? STATUS_NOMEM : STATUS_SYSTEM;
    }
    loop->wake.data = loop;
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->first = NULL;
    loop->last = &loop->first;
    loop->is_ready = true;
    return 0;
}

static void *run_loop(void *context)
{
    struct loop *loop = context;

    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return NULL;
}

int loop_start(struct loop *loop, const char *name)
{
    int status = thread_start(name, run_loop, loop, &loop->thread);

    loop->is_started = status == 0;
    return status;
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    task->next = NULL;
    (void)pthread_mutex_lock(&loop->lock);
    *loop->last = task;
    loop->last = &task->next;
    (void)pthread_mutex_unlock(&loop->lock);
    CHECK(uv_async_send(&loop->wake) == 0);
}

void loop_end(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_join(struct loop *loop)
{
    if (!loop->is_started)
        return;
    CHECK(pthread_join(loop->thread, NULL) == 0);
    loop->is_started = false;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_release(struct loop *loop)
{
    if (!loop->is_ready)
        return;
    CHECK(!loop->is_started);
    run_tasks(loop);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop->uv) == 0);
    (void)pthread_mutex_destroy(&loop->lock);
    loop->is_ready = false;
}
