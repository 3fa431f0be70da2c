/* body_budget.c: numbers without a lock, and a queue with one that only those enter who wait. */
#include "receiver/body_budget.h"

#include "base/check.h"

/* What an account may hold beyond its share before it is asked for some of it. */
enum { EXCESS_SHARES = 2 };

void body_budget_init(struct body_budget *budget, size_t max, size_t aside)
{
    size_t pool_min = max / 3;

    *budget = (struct body_budget){
        .max = max,
        .pool = aside < max - pool_min ? max - aside : pool_min,
    };
    budget->last = &budget->first;
    (void)pthread_mutex_init(&budget->lock, NULL);
}

void body_budget_release(struct body_budget *budget)
{
    CHECK(budget->first == NULL);
    (void)pthread_mutex_destroy(&budget->lock);
}

static size_t held_of(const struct body_budget *budget)
{
    return atomic_load_explicit(&budget->held, memory_order_relaxed);
}

static size_t share_of(const struct body_budget *budget)
{
    size_t accounts = atomic_load_explicit(&budget->accounts, memory_order_relaxed);

    return budget->pool / (accounts != 0 ? accounts : 1);
}

static int take_below(struct body_budget *budget, size_t bytes, size_t bound)
{
    size_t held = atomic_fetch_add_explicit(&budget->held, bytes, memory_order_relaxed);

    if (bytes <= bound && held <= bound - bytes)
        return 0;
    (void)atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
    return STATUS_FULL;
}

void body_account_init(struct body_account *account, struct body_budget *budget)
{
    *account = (struct body_account){.budget = budget};
}

void body_account_release(struct body_account *account)
{
    body_account_give(account, account->held);
    body_account_yield(account);
}

static int take(struct body_account *account, size_t bytes, size_t bound)
{
    struct body_budget *budget = account->budget;

    if (bytes == 0)
        return 0;
    if (take_below(budget, bytes, bound) != 0)
        return STATUS_FULL;
    if (account->held == 0)
        (void)atomic_fetch_add_explicit(&budget->accounts, 1, memory_order_relaxed);
    account->held += bytes;
    return 0;
}

int body_account_take(struct body_account *account, size_t bytes)
{
    const struct body_budget *budget = account->budget;
    size_t share = share_of(budget);
    bool is_fair = bytes <= share && account->held <= share - bytes;
    int status = take(account, bytes, is_fair ? budget->pool : budget->pool / 4 * 3);

    if (status != 0 && is_fair)
        atomic_store_explicit(&account->budget->is_pressed, true, memory_order_relaxed);
    return status;
}

int body_account_take_aside(struct body_account *account, size_t bytes)
{
    CHECK(body_account_is_favourite(account));
    return take(account, bytes, account->budget->max);
}

void body_account_give(struct body_account *account, size_t bytes)
{
    struct body_budget *budget = account->budget;

    CHECK(bytes <= account->held);
    if (bytes == 0)
        return;
    account->held -= bytes;
    if (atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed) - bytes <=
        budget->pool / 2)
        atomic_store_explicit(&budget->is_pressed, false, memory_order_relaxed);
    if (account->held == 0)
        (void)atomic_fetch_sub_explicit(&budget->accounts, 1, memory_order_relaxed);
}

bool body_account_is_tight(const struct body_account *account)
{
    const struct body_budget *budget = account->budget;

    return held_of(budget) > budget->pool / 2 && account->held > share_of(budget) / 2;
}

bool body_account_is_favourite(const struct body_account *account)
{
    return atomic_load_explicit(&account->budget->favourite, memory_order_relaxed) == account;
}

/* Both with the lock held. */
static void enter_queue(struct body_account *account)
{
    struct body_budget *budget = account->budget;

    if (account->is_queued)
        return;
    account->is_queued = true;
    account->link = budget->last;
    *budget->last = account;
    budget->last = &account->next;
    (void)atomic_fetch_add_explicit(&budget->queued, 1, memory_order_relaxed);
}

static void leave_queue(struct body_account *account)
{
    struct body_budget *budget = account->budget;

    if (!account->is_queued)
        return;
    *account->link = account->next;
    if (account->next != NULL)
        account->next->link = account->link;
    else
        budget->last = account->link;
    account->next = NULL;
    account->is_queued = false;
    (void)atomic_fetch_sub_explicit(&budget->queued, 1, memory_order_relaxed);
}

bool body_account_favour(struct body_account *account)
{
    struct body_budget *budget = account->budget;
    bool is_favourite = body_account_is_favourite(account);

    if (is_favourite)
        return true;
    (void)pthread_mutex_lock(&budget->lock);
    enter_queue(account);
    if (budget->first == account &&
        atomic_load_explicit(&budget->favourite, memory_order_relaxed) == NULL) {
        leave_queue(account);
        atomic_store_explicit(&budget->favourite, account, memory_order_relaxed);
        is_favourite = true;
    }
    (void)pthread_mutex_unlock(&budget->lock);
    return is_favourite;
}

void body_account_yield(struct body_account *account)
{
    struct body_budget *budget = account->budget;

    /* Both are set on this thread only. */
    if (!account->is_queued && !body_account_is_favourite(account))
        return;
    (void)pthread_mutex_lock(&budget->lock);
    leave_queue(account);
    if (body_account_is_favourite(account))
        atomic_store_explicit(&budget->favourite, NULL, memory_order_relaxed);
    (void)pthread_mutex_unlock(&budget->lock);
}

size_t body_account_excess(const struct body_account *account)
{
    const struct body_budget *budget = account->budget;
    size_t others;
    size_t fair;

    if (account->held == 0)
        return 0;
    others = atomic_load_explicit(&budget->queued, memory_order_relaxed) -
             (account->is_queued ? 1 : 0);
    fair = share_of(budget) * EXCESS_SHARES;
    if (others == 0 && !atomic_load_explicit(&budget->is_pressed, memory_order_relaxed))
        return 0;
    if (held_of(budget) <= budget->pool / 2 || account->held <= fair)
        return 0;
    return account->held - fair;
}

int body_budget_borrow(struct body_budget *budget, size_t bytes)
{
    return take_below(budget, bytes, budget->max);
}

void body_budget_return(struct body_budget *budget, size_t bytes)
{
    (void)atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
}

size_t body_budget_room(const struct body_budget *budget)
{
    size_t held = held_of(budget);

    return held < budget->max ? budget->max - held : 0;
}
