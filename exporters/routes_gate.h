/* routes_gate.h: one large answer at a time.
 * Is:         a gate for answers that are as large as the map, so that neither many nor large ones at once
 *             can take all memory; and a bound on who waits at it, so that they do not take all threads.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_ROUTES_GATE_H
#define SPANMAP_EXPORTERS_ROUTES_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct routes_gate {
    pthread_mutex_t lock; /* Over all below. */
    pthread_cond_t less;
    unsigned active;
    unsigned waiting;
};

void routes_gate_init(struct routes_gate *gate);
void routes_gate_release(struct routes_gate *gate); /* Nobody is in. */

/* Waits until it is free. False: too many wait already. */
bool routes_gate_enter(struct routes_gate *gate);
void routes_gate_leave(struct routes_gate *gate);

#endif
