/* departures.h: all that leaves: requests that are passed on, and metrics that are pushed.
 * Is:         both outlets as the options say, each of which may be off.
 * Invariants: where both are off nothing is loaded, started or counted.
 * Threads:    all calls from the owner's.
 * Memory:     the shares BUDGET_FORWARD and BUDGET_PUSH.
 */
#ifndef SPANMAP_ENGINE_DEPARTURES_H
#define SPANMAP_ENGINE_DEPARTURES_H

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/engine.h"
#include "engine/front.h"
#include "engine/outlet.h"
#include "engine/push_otlp.h"
#include "engine/pusher.h"

struct departures {
    bool forwards;
    struct outlet forward;
    struct door_onward onward;
    struct push_otlp *push; /* NULL: off. */
    struct pusher *pusher;  /* Likewise. */
};

/* Whether options can be what they say, without the module. On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID. */
MUST_USE int departures_check(const struct options *options, char out_error[256]);

/* Has the engine pass its requests on. Released by departures_release() in any case.
 * Returns: 0; as outlet_init(). */
MUST_USE int departures_init(struct departures *departures, const struct push_otlp_setup *setup,
                             char out_error[256]);
void departures_release(struct departures *departures);

/* Of forward; NULL: it is off. */
const struct counters *departures_forward_counters(const struct departures *departures);

/* Puts what each of them counts into `stages`; how many. */
enum { DEPARTURES_STAGES_MAX = 3 };
size_t departures_stages(const struct departures *departures,
                         const struct counters *stages[DEPARTURES_STAGES_MAX]);

/* Whether requests would be passed on to who listens at `own`. */
bool departures_lead_to(const struct departures *departures, const struct address *own);

/* Returns: 0; STATUS_SYSTEM. */
MUST_USE int departures_start(struct departures *departures, struct front *front);

/* Once nothing comes in any more: pushes the last figures, and sends what waits, until then. */
void departures_drain(struct departures *departures, struct mono_time until);

#endif
