/* routes_gate.h: one large answer at a time, and scrapes do not queue behind views.
 * Is:         a gate for answers that are as large as the map, so that neither many nor large ones at once
 *             can take all memory; and a bound on who waits at it, so that they do not take all threads.
 * Invariants: there are two lines, each in the order of coming. While somebody waits in both they take
 *             turns: however many views are asked for, a scrape waits for two answers at most, its own
 *             line aside.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_ROUTES_GATE_H
#define SPANMAP_EXPORTERS_ROUTES_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum routes_line {
    ROUTES_VIEWS,
    ROUTES_VITAL, /* Scrapes, and what tells how the process fares. */
    ROUTES_LINES,
};

struct routes_gate {
    pthread_mutex_t lock; /* Over all below. */
    bool taken;
    enum routes_line last; /* Whose turn it was. */
    struct {
        pthread_cond_t less;
        uint64_t came;
        uint64_t let_in;
    } lines[ROUTES_LINES];
};

void routes_gate_init(struct routes_gate *gate);
void routes_gate_release(struct routes_gate *gate); /* Nobody is in. */

/* Waits until it is free. False: too many wait in that line already. */
bool routes_gate_enter(struct routes_gate *gate, enum routes_line whose);
void routes_gate_leave(struct routes_gate *gate);

#endif
