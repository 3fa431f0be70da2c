/* routes_gate.c: who leaves lets the next one in, so that nobody slips in between. */
#include "exporters/routes_gate.h"

#include "base/check.h"

/* Who may wait: with the one that is in and four of drawings.h, all of the server's 28 threads. */
static const unsigned waiting_max[ROUTES_LINES] = {
    [ROUTES_VIEWS] = 12,
    [ROUTES_VITAL] = 11,
};

void routes_gate_init(struct routes_gate *gate)
{
    *gate = (struct routes_gate){.taken = false};
    CHECK(pthread_mutex_init(&gate->lock, NULL) == 0);
    for (size_t i = 0; i < ROUTES_LINES; i++)
        CHECK(pthread_cond_init(&gate->lines[i].less, NULL) == 0);
}

void routes_gate_release(struct routes_gate *gate)
{
    CHECK(!gate->taken);
    for (size_t i = 0; i < ROUTES_LINES; i++)
        CHECK(pthread_cond_destroy(&gate->lines[i].less) == 0);
    CHECK(pthread_mutex_destroy(&gate->lock) == 0);
}

static uint64_t waiting(const struct routes_gate *gate, enum routes_line whose)
{
    return gate->lines[whose].came - gate->lines[whose].let_in;
}

static void let_in(struct routes_gate *gate, enum routes_line whose)
{
    gate->taken = true;
    gate->last = whose;
    gate->lines[whose].let_in++;
    CHECK(pthread_cond_broadcast(&gate->lines[whose].less) == 0);
}

bool routes_gate_enter(struct routes_gate *gate, enum routes_line whose)
{
    bool entered = true;

    CHECK(pthread_mutex_lock(&gate->lock) == 0);
    if (waiting(gate, whose) == waiting_max[whose]) {
        entered = false;
    } else {
        uint64_t place = gate->lines[whose].came++;
        if (!gate->taken)
            let_in(gate, whose);
        while (gate->lines[whose].let_in <= place)
            CHECK(pthread_cond_wait(&gate->lines[whose].less, &gate->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&gate->lock) == 0);
    return entered;
}

void routes_gate_leave(struct routes_gate *gate)
{
    enum routes_line other;

    CHECK(pthread_mutex_lock(&gate->lock) == 0);
    other = gate->last == ROUTES_VIEWS ? ROUTES_VITAL : ROUTES_VIEWS;
    if (waiting(gate, other) != 0)
        let_in(gate, other);
    else if (waiting(gate, gate->last) != 0)
        let_in(gate, gate->last);
    else
        gate->taken = false;
    CHECK(pthread_mutex_unlock(&gate->lock) == 0);
}
