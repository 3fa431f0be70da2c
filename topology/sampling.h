/* sampling.h: how many spans a sampled one stands for.
 * Is:         the adjusted count, from the first of these that is there and well-formed: tracestate
 *             `ot=th:` (consistent probability), legacy `ot=p:`, the span's attribute `sampling.ratio`
 *             (the share r that was kept, 0 < r <= 1: 1/r), its attribute `SampleRate` (one of n was
 *             kept, n >= 1: n). They tell of one sampling, so that they are not multiplied.
 * Source:     TOPOLOGY E16; spec SEMCONV; OpenTelemetry trace/tracestate-probability-sampling.md.
 */
#ifndef SPANMAP_TOPOLOGY_SAMPLING_H
#define SPANMAP_TOPOLOGY_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "topology/attributes.h"
#include "topology/span.h"

struct sampling {
    uint64_t weight; /* Fixed point, span.h; WEIGHT_ONE if unknown. */
    bool unknown;    /* The tracestate says nothing, or nothing well-formed. */
    bool cut;        /* The count was above the maximum. */
};

/* `count_max` is sampling.max_count, 1 to 65,536. Any bytes are allowed. */
struct sampling sampling_parse(struct view tracestate, uint32_t count_max);

/* The same, and the span's attributes where the tracestate says nothing. */
struct sampling sampling_of_any(struct view tracestate, const struct attributes *span,
                                uint32_t count_max);

/* The same, quick where nothing says anything. */
static inline struct sampling sampling_of(struct view tracestate, const struct attributes *span,
                                          uint32_t count_max)
{
    const uint32_t said = 1U << ATTRIBUTE_SAMPLING_RATIO | 1U << ATTRIBUTE_SAMPLE_RATE;

    return tracestate.size == 0 && (span->present & said) == 0
               ? (struct sampling){.weight = WEIGHT_ONE, .unknown = true}
               : sampling_of_any(tracestate, span, count_max);
}

/* The weight behind an attribute's value, which may be above WEIGHT_MAX; 0: it has none. Any number is
 * allowed, infinite ones and none at all too. */
uint64_t sampling_ratio_weight(double ratio);
uint64_t sampling_rate_weight(double rate);

#endif
