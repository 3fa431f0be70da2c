/* body_budget_test.c: shares, turns, and that nothing goes beyond its bound. */
#include "receiver/body_budget.h"

#include <pthread.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { MAX = 1200, ASIDE = 200, POOL = MAX - ASIDE, ACCOUNTS = 8 };

struct world {
    struct body_budget budget;
    struct body_account accounts[ACCOUNTS];
};

static void start(struct world *world)
{
    body_budget_init(&world->budget, MAX, ASIDE);
    for (size_t i = 0; i < ACCOUNTS; i++)
        body_account_init(&world->accounts[i], &world->budget);
}

static void stop(struct world *world)
{
    for (size_t i = 0; i < ACCOUNTS; i++)
        body_account_release(&world->accounts[i]);
    assert_int_equal(body_budget_room(&world->budget), MAX);
    assert_int_equal(world->budget.accounts, 0);
    body_budget_release(&world->budget);
}

static void budget__lets_one_alone_take_the_pool(void **state)
{
    struct world world;

    (void)state;
    start(&world);
    assert_int_equal(body_account_take(&world.accounts[0], POOL / 2), 0);
    assert_false(body_account_is_tight(&world.accounts[0]));
    assert_int_equal(body_account_take(&world.accounts[0], POOL / 2), 0);
    assert_true(body_account_is_tight(&world.accounts[0]));
    assert_int_equal(body_account_take(&world.accounts[0], 1), STATUS_FULL);
    assert_int_equal(body_account_take(&world.accounts[0], SIZE_MAX), STATUS_FULL);
    assert_int_equal(world.accounts[0].held, POOL);
    assert_int_equal(body_account_excess(&world.accounts[0]), 0); /* Nobody waits. */
    stop(&world);
}

static void budget__keeps_room_for_newcomers(void **state)
{
    struct world world;

    (void)state;
    start(&world);
    assert_int_equal(body_account_take(&world.accounts[0], 600), 0);
    assert_int_equal(body_account_take(&world.accounts[1], 1), 0); /* From here on it is half. */
    assert_int_equal(body_account_take(&world.accounts[0], 149), 0);
    assert_int_equal(body_account_take(&world.accounts[0], 1), STATUS_FULL);
    assert_true(body_account_is_tight(&world.accounts[0]));
    assert_false(body_account_is_tight(&world.accounts[1]));
    assert_int_equal(body_account_take(&world.accounts[1], 249), 0);
    assert_false(body_account_is_tight(&world.accounts[1]));
    assert_int_equal(body_account_take(&world.accounts[1], 1), 0);
    assert_true(body_account_is_tight(&world.accounts[1]));
    assert_int_equal(body_account_take(&world.accounts[1], 1), STATUS_FULL); /* The pool's end. */
    body_account_give(&world.accounts[0], 300);
    assert_int_equal(body_account_take(&world.accounts[1], 249), 0);
    assert_int_equal(body_account_take(&world.accounts[1], 1), STATUS_FULL); /* Beyond its share. */
    stop(&world);
}

static void budget__gives_turns_in_order(void **state)
{
    struct world world;
    struct body_account *at = world.accounts;

    (void)state;
    start(&world);
    assert_int_equal(body_account_take(&at[0], POOL), 0);
    assert_true(body_account_favour(&at[0]));
    assert_true(body_account_favour(&at[0]));
    assert_false(body_account_favour(&at[1]));
    assert_false(body_account_favour(&at[2]));
    assert_false(body_account_favour(&at[3]));
    assert_int_equal(body_account_take(&at[1], 1), STATUS_FULL);
    assert_int_equal(body_account_take(&at[0], 1), STATUS_FULL);
    assert_int_equal(body_account_take_aside(&at[0], ASIDE), 0);
    assert_int_equal(body_account_take_aside(&at[0], 1), STATUS_FULL);
    body_account_give(&at[0], ASIDE);
    body_account_yield(&at[0]);
    assert_false(body_account_favour(&at[0])); /* Behind the others. */
    assert_false(body_account_favour(&at[2]));
    body_account_yield(&at[1]); /* Waits no more. */
    assert_false(body_account_favour(&at[3]));
    assert_true(body_account_favour(&at[2]));
    body_account_release(&at[3]); /* Its connection is gone. */
    body_account_release(&at[2]);
    assert_true(body_account_favour(&at[0]));
    stop(&world);
}

static void budget__asks_for_what_is_beyond_twice_a_share(void **state)
{
    struct world world;
    struct body_account *at = world.accounts;

    (void)state;
    start(&world);
    assert_int_equal(body_account_take(&at[0], 700), 0);
    for (size_t i = 1; i < 5; i++)
        assert_int_equal(body_account_take(&at[i], 10), 0);
    assert_int_equal(body_account_excess(&at[0]), 0);
    assert_true(body_account_favour(&at[0]));
    body_account_yield(&at[0]);
    assert_int_equal(body_account_excess(&at[0]), 0);
    assert_true(body_account_favour(&at[1]));
    assert_false(body_account_favour(&at[2]));
    assert_int_equal(body_account_excess(&at[0]), 700 - 2 * POOL / 5);
    assert_int_equal(body_account_excess(&at[1]), 0);
    body_account_give(&at[0], 300);
    assert_int_equal(body_account_excess(&at[0]), 0); /* There is room again. */
    stop(&world);
}

static void budget__lends_as_far_as_its_bound(void **state)
{
    struct world world;

    (void)state;
    start(&world);
    assert_int_equal(body_account_take(&world.accounts[0], POOL), 0);
    assert_int_equal(body_budget_room(&world.budget), ASIDE);
    assert_int_equal(body_budget_borrow(&world.budget, ASIDE + 1), STATUS_FULL);
    assert_int_equal(body_budget_borrow(&world.budget, ASIDE), 0);
    assert_int_equal(body_budget_room(&world.budget), 0);
    body_budget_return(&world.budget, ASIDE);
    stop(&world);
}

/* What is set aside is bounded by what others need. */
static void budget__leaves_a_third_to_all(void **state)
{
    struct body_budget budget;

    (void)state;
    body_budget_init(&budget, 300, 290);
    assert_int_equal(budget.pool, 100);
    body_budget_release(&budget);
    body_budget_init(&budget, 300, 100);
    assert_int_equal(budget.pool, 200);
    body_budget_release(&budget);
}

/* ------------------------------------------------------------------------- threads */

struct runner {
    struct world *world;
    struct body_account *account;
    uint64_t seed;
    size_t turns;
};

static void *run(void *context)
{
    struct runner *runner = context;
    struct body_account *account = runner->account;
    struct random random = random_of(runner->seed);

    for (int i = 0; i < 20000; i++) {
        size_t bytes = (size_t)random_below(&random, 100);

        if (body_account_take(account, bytes) != 0 && body_account_favour(account)) {
            runner->turns++;
            assert_true(body_account_is_favourite(account));
            if (body_account_take_aside(account, bytes) == 0)
                body_account_give(account, bytes);
            body_account_yield(account);
        }
        assert_true(atomic_load(&runner->world->budget.held) <= MAX + ACCOUNTS * 100);
        if (body_account_excess(account) != 0 || account->held > 300)
            body_account_give(account, account->held);
    }
    body_account_release(account);
    return NULL;
}

static void budget__holds_between_threads(void **state)
{
    struct runner runners[ACCOUNTS];
    pthread_t threads[ACCOUNTS];
    struct world world;

    (void)state;
    start(&world);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        runners[i] = (struct runner){&world, &world.accounts[i], i + 1, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    for (size_t i = 0; i < ACCOUNTS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(world.budget.queued, 0);
    assert_null(world.budget.favourite);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget__lets_one_alone_take_the_pool),
        cmocka_unit_test(budget__keeps_room_for_newcomers),
        cmocka_unit_test(budget__gives_turns_in_order),
        cmocka_unit_test(budget__asks_for_what_is_beyond_twice_a_share),
        cmocka_unit_test(budget__lends_as_far_as_its_bound),
        cmocka_unit_test(budget__leaves_a_third_to_all),
        cmocka_unit_test(budget__holds_between_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
