/* workers_test.c: every task runs once, whatever the number of threads. */
#include "net/workers.h"

#include <stdatomic.h>

#include "tests/lib/test.h"

struct job {
    struct worker_task task;
    atomic_int *runs;
    atomic_int *gate; /* Waits until it is above 0; NULL: does not. */
};

static void run(struct worker_task *task)
{
    struct job *job = (struct job *)(void *)task;

    while (job->gate != NULL && atomic_load(job->gate) == 0)
        continue;
    atomic_fetch_add(job->runs, 1);
}

static void workers__run_each_task_once(void **state)
{
    static struct job jobs[1000];

    (void)state;
    for (unsigned threads = 1; threads <= 4; threads += 3) {
        struct workers workers;
        atomic_int runs = 0;

        workers_init(&workers, "test-work", threads);
        for (size_t i = 0; i < 1000; i++) {
            jobs[i] = (struct job){.task.run = run, .runs = &runs};
            assert_int_equal(workers_post(&workers, &jobs[i].task), 0);
        }
        workers_stop(&workers);
        assert_int_equal(atomic_load(&runs), 1000);
        workers_release(&workers);
    }
}

static void workers__start_threads_for_what_would_wait(void **state)
{
    struct workers workers;
    struct job jobs[3];
    atomic_int runs = 0;
    atomic_int gate = 0;

    (void)state;
    workers_init(&workers, "test-work", 3);
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (struct job){.task.run = run, .runs = &runs, .gate = i < 2 ? &gate : NULL};
        assert_int_equal(workers_post(&workers, &jobs[i].task), 0);
    }
    while (atomic_load(&runs) == 0) /* The third overtakes those two. */
        continue;
    atomic_store(&gate, 1);
    workers_release(&workers);
    assert_int_equal(atomic_load(&runs), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers__run_each_task_once),
        cmocka_unit_test(workers__start_threads_for_what_would_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
