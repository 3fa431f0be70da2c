/* thread_test.c: signals go to the host, and waits to the clock that never leaps. */
#include "base/thread.h"

#include <signal.h>

#include "tests/lib/test.h"

static void *look_at_mask(void *context)
{
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, context), 0);
    return NULL;
}

static void thread__blocks_signals_but_those_of_its_host(void **state)
{
    sigset_t before, after, inside;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    assert_int_equal(thread_start("look", look_at_mask, &inside, &thread), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(sigismember(&inside, SIGTERM), 1);
    assert_int_equal(sigismember(&inside, SIGHUP), 1);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

/* By the wall clock, of which the other one is an early time, it would spin. */
static void condition__waits_by_the_monotonic_clock(void **state)
{
    struct mono_time until = {clock_mono().ns + 20 * NS_PER_MS};
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    unsigned turns = 0;

    (void)state;
    assert_int_equal(thread_condition_init(&condition), 0);
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    for (; clock_mono().ns < until.ns; turns++)
        thread_condition_wait(&condition, &lock, until);
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    assert_in_range(turns, 0, 10);
    assert_int_equal(pthread_cond_destroy(&condition), 0);
    assert_int_equal(pthread_mutex_destroy(&lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread__blocks_signals_but_those_of_its_host),
        cmocka_unit_test(condition__waits_by_the_monotonic_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
