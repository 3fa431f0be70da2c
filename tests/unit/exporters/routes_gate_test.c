/* routes_gate_test.c: who is let in when. */
#include "exporters/routes_gate.h"

#include <stdatomic.h>
#include <unistd.h>

#include "tests/lib/test.h"

enum { VIEWS_WAITING = 12, VITAL_WAITING = 11, ALL = VIEWS_WAITING + VITAL_WAITING };

struct visit {
    struct routes_gate *gate;
    enum routes_line whose;
    atomic_uint *order; /* Visits so far. */
    unsigned place;     /* Of this one among them. */
    pthread_t thread;
};

static void *visit(void *context)
{
    struct visit *visit = context;

    assert_true(routes_gate_enter(visit->gate, visit->whose));
    visit->place = atomic_fetch_add(visit->order, 1);
    routes_gate_leave(visit->gate);
    return NULL;
}

static uint64_t waiting(struct routes_gate *gate, enum routes_line whose)
{
    uint64_t count;

    assert_int_equal(pthread_mutex_lock(&gate->lock), 0);
    count = gate->lines[whose].came - gate->lines[whose].let_in;
    assert_int_equal(pthread_mutex_unlock(&gate->lock), 0);
    return count;
}

/* Starts it and sees it wait. */
static void line_up(struct visit *visits, size_t which, uint64_t before)
{
    assert_int_equal(pthread_create(&visits[which].thread, NULL, visit, &visits[which]), 0);
    while (waiting(visits[which].gate, visits[which].whose) == before)
        (void)usleep(1000);
}

static void gate__lets_scrapes_in_though_views_hold_all_places(void **state)
{
    struct routes_gate gate;
    struct visit visits[ALL];
    atomic_uint order = 0;

    (void)state;
    routes_gate_init(&gate);
    assert_true(routes_gate_enter(&gate, ROUTES_VIEWS));
    for (size_t i = 0; i < ALL; i++) {
        bool is_view = i < VIEWS_WAITING;
        visits[i] = (struct visit){&gate, is_view ? ROUTES_VIEWS : ROUTES_VITAL, &order, 0, 0};
        line_up(visits, i, is_view ? i : i - VIEWS_WAITING);
        if (i + 1 == VIEWS_WAITING) /* All places of views are taken, and none of the others. */
            assert_false(routes_gate_enter(&gate, ROUTES_VIEWS));
    }
    assert_false(routes_gate_enter(&gate, ROUTES_VITAL));
    routes_gate_leave(&gate);
    for (size_t i = 0; i < ALL; i++)
        assert_int_equal(pthread_join(visits[i].thread, NULL), 0);
    /* They took turns, the scrapes first, each line in the order of coming. */
    for (size_t i = 0; i < VITAL_WAITING; i++)
        assert_int_equal(visits[VIEWS_WAITING + i].place, 2 * i);
    for (size_t i = 0; i < VIEWS_WAITING; i++)
        assert_int_equal(visits[i].place, i < VITAL_WAITING ? 2 * i + 1 : i + VITAL_WAITING);
    assert_true(routes_gate_enter(&gate, ROUTES_VIEWS)); /* It is free again. */
    routes_gate_leave(&gate);
    routes_gate_release(&gate);
}

static void gate__does_not_let_scrapes_keep_views_out(void **state)
{
    struct routes_gate gate;
    struct visit visits[VITAL_WAITING + 1];
    atomic_uint order = 0;

    (void)state;
    routes_gate_init(&gate);
    assert_true(routes_gate_enter(&gate, ROUTES_VITAL));
    for (size_t i = 0; i <= VITAL_WAITING; i++) {
        bool is_view = i == VITAL_WAITING;
        visits[i] = (struct visit){&gate, is_view ? ROUTES_VIEWS : ROUTES_VITAL, &order, 0, 0};
        line_up(visits, i, is_view ? 0 : i);
    }
    routes_gate_leave(&gate);
    for (size_t i = 0; i <= VITAL_WAITING; i++)
        assert_int_equal(pthread_join(visits[i].thread, NULL), 0);
    assert_int_equal(visits[VITAL_WAITING].place, 0);
    routes_gate_release(&gate);
}

static void *visit_often(void *context)
{
    struct visit *visits = context;

    for (int i = 0; i < 2000; i++)
        if (routes_gate_enter(visits->gate, visits->whose)) {
            assert_int_equal(atomic_fetch_add(visits->order, 1), 0); /* Alone. */
            (void)atomic_fetch_sub(visits->order, 1);
            routes_gate_leave(visits->gate);
        }
    return NULL;
}

static void gate__has_one_in_at_a_time(void **state)
{
    struct routes_gate gate;
    struct visit visits[6];
    atomic_uint inside = 0;

    (void)state;
    routes_gate_init(&gate);
    for (size_t i = 0; i < 6; i++) {
        visits[i] = (struct visit){&gate, i % 3 == 0 ? ROUTES_VITAL : ROUTES_VIEWS, &inside, 0, 0};
        assert_int_equal(pthread_create(&visits[i].thread, NULL, visit_often, &visits[i]), 0);
    }
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_join(visits[i].thread, NULL), 0);
    routes_gate_release(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate__lets_scrapes_in_though_views_hold_all_places),
        cmocka_unit_test(gate__does_not_let_scrapes_keep_views_out),
        cmocka_unit_test(gate__has_one_in_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
