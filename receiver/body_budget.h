/* body_budget.h: how many bytes of bodies are held, over all connections.
 * Is:         one number with a bound. Above half of it bodies that begin wait for flow control;
 *             at it what would hold more is refused.
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
    size_t max;
};

/* Returns: 0; STATUS_FULL, and nothing was taken. */
MUST_USE static inline int body_budget_take(struct body_budget *budget, size_t bytes)
{
    size_t held = atomic_fetch_add_explicit(&budget->held, bytes, memory_order_relaxed);

    if (bytes <= budget->max && held <= budget->max - bytes)
        return 0;
    (void)atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
    return STATUS_FULL;
}

static inline void body_budget_give(struct body_budget *budget, size_t bytes)
{
    (void)atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
}

/* What can be taken now; a moment's view. */
static inline size_t body_budget_room(const struct body_budget *budget)
{
    size_t held = atomic_load_explicit(&budget->held, memory_order_relaxed);

    return held < budget->max ? budget->max - held : 0;
}

static inline bool body_budget_is_tight(const struct body_budget *budget)
{
    return atomic_load_explicit(&budget->held, memory_order_relaxed) > budget->max / 2;
}

#endif
