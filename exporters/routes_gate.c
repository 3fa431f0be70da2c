/* routes_gate.c: whoever finds it taken waits, in no order. */
#include "exporters/routes_gate.h"

#include "base/check.h"

enum {
    LARGE_AT_ONCE = 1,
    LARGE_WAITING = 12, /* Of the server's 16 threads, the most that may wait. */
};

void routes_gate_init(struct routes_gate *gate)
{
    *gate = (struct routes_gate){.active = 0};
    CHECK(pthread_mutex_init(&gate->lock, NULL) == 0);
    CHECK(pthread_cond_init(&gate->less, NULL) == 0);
}

void routes_gate_release(struct routes_gate *gate)
{
    CHECK(gate->active == 0);
    CHECK(pthread_cond_destroy(&gate->less) == 0);
    CHECK(pthread_mutex_destroy(&gate->lock) == 0);
}

bool routes_gate_enter(struct routes_gate *gate)
{
    bool entered = true;

    CHECK(pthread_mutex_lock(&gate->lock) == 0);
    if (gate->active == LARGE_AT_ONCE && gate->waiting == LARGE_WAITING) {
        entered = false;
    } else {
        gate->waiting++;
        while (gate->active == LARGE_AT_ONCE)
            CHECK(pthread_cond_wait(&gate->less, &gate->lock) == 0);
        gate->waiting--;
        gate->active++;
    }
    CHECK(pthread_mutex_unlock(&gate->lock) == 0);
    return entered;
}

void routes_gate_leave(struct routes_gate *gate)
{
    CHECK(pthread_mutex_lock(&gate->lock) == 0);
    gate->active--;
    CHECK(pthread_cond_signal(&gate->less) == 0);
    CHECK(pthread_mutex_unlock(&gate->lock) == 0);
}
