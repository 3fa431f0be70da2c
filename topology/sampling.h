/* sampling.h: how many spans a sampled one stands for.
 * Is:         the adjusted count out of a tracestate: `ot=th:` (consistent probability), legacy
 *             `ot=p:`.
 * Source:     TOPOLOGY E16; OpenTelemetry trace/tracestate-probability-sampling.md.
 */
#ifndef SPANMAP_TOPOLOGY_SAMPLING_H
#define SPANMAP_TOPOLOGY_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct sampling {
    uint64_t weight; /* Fixed point, span.h; WEIGHT_ONE if unknown. */
    bool unknown;    /* The tracestate says nothing, or nothing well-formed. */
    bool cut;        /* The count was above the maximum. */
};

/* `count_max` is sampling.max_count, 1 to 65,536. Any bytes are allowed. */
struct sampling sampling_parse(struct view tracestate, uint32_t count_max);

#endif
