/* body_budget.h: how many bytes of bodies are held, over all connections.
 * Is:         one number with a bound, and a way on when it is reached: bodies that stop each other
 *             at the bound would all stop for good, so that one of them, the favourite, may always
 *             go on, into room that is set aside for a whole message. When it is done, there is room
 *             for others, or for the next favourite.
 * Invariants: held <= max. What is not the favourite's comes to held <= pool.
 * Threads:    any.
 */
#ifndef SPANMAP_RECEIVER_BODY_BUDGET_H
#define SPANMAP_RECEIVER_BODY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct body_budget {
    _Atomic size_t held;
    _Atomic(const void *) favourite; /* Only compared; NULL: there is none. */
    size_t max;
    size_t pool; /* max less what is set aside. */
};

/* `aside` is a whole message's; at least a third of max remains for all others. */
static inline void body_budget_init(struct body_budget *budget, size_t max, size_t aside)
{
    size_t pool_min = max / 3;

    atomic_init(&budget->held, 0);
    atomic_init(&budget->favourite, NULL);
    budget->max = max;
    budget->pool = aside < max - pool_min ? max - aside : pool_min;
}

/* Up to `bound`. Returns: 0; STATUS_FULL, and nothing was taken. */
MUST_USE static inline int body_budget_take_below(struct body_budget *budget, size_t bytes,
                                                  size_t bound)
{
    size_t held = atomic_fetch_add_explicit(&budget->held, bytes, memory_order_relaxed);

    if (bytes <= bound && held <= bound - bytes)
        return 0;
    (void)atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
    return STATUS_FULL;
}

static inline void body_budget_give(struct body_budget *budget, size_t bytes)
{
    (void)atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
}

/* What can be taken now below max; a moment's view. */
static inline size_t body_budget_room(const struct body_budget *budget)
{
    size_t held = atomic_load_explicit(&budget->held, memory_order_relaxed);

    return held < budget->max ? budget->max - held : 0;
}

/* From here on flow control holds bodies back. */
static inline bool body_budget_is_tight(const struct body_budget *budget)
{
    return atomic_load_explicit(&budget->held, memory_order_relaxed) > budget->pool / 2;
}

static inline bool body_budget_favours(struct body_budget *budget, const void *who)
{
    return atomic_load_explicit(&budget->favourite, memory_order_relaxed) == who;
}

/* Makes `who` the favourite if there is none. Whether it is now, or was. */
static inline bool body_budget_favour(struct body_budget *budget, const void *who)
{
    const void *none = NULL;

    return body_budget_favours(budget, who) ||
           atomic_compare_exchange_strong_explicit(&budget->favourite, &none, who,
                                                   memory_order_relaxed, memory_order_relaxed);
}

/* If `who` is the favourite, there is none from here on. */
static inline void body_budget_disfavour(struct body_budget *budget, const void *who)
{
    (void)atomic_compare_exchange_strong_explicit(&budget->favourite, &who, NULL,
                                                  memory_order_relaxed, memory_order_relaxed);
}

#endif
