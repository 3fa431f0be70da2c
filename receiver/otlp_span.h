/* otlp_span.h: the bytes of one Span become a record and the names that go with it.
 * Is not:     the place where names become a site (otlp_trace.h).
 * Threads:    one decoder's.
 * Memory:     the names point into the message.
 * Source:     opentelemetry-proto trace/v1; OTLP A29, A30; TOPOLOGY E14, E16, E17.
 */
#ifndef SPANMAP_RECEIVER_OTLP_SPAN_H
#define SPANMAP_RECEIVER_OTLP_SPAN_H

#include "receiver/otlp_message.h"
#include "topology/attributes.h"
#include "topology/span.h"

/* Links with ids that can be, as they came; past the maximum they are counted and left. */
struct otlp_links {
    struct span_target *targets; /* Room for `max`. */
    size_t count;
    size_t max;
};

/* What of a span is not in its record. */
struct otlp_span {
    bool is_valid;           /* Its ids are of the right length and not zero. */
    enum span_kind kind;     /* As in the record. */
    enum span_status status; /* Likewise; nothing is derived yet. */
    struct view name;
    uint64_t end_ns;
    struct otlp_links links;      /* Reset before each span. */
    struct attributes attributes; /* Likewise. */
};

/* Fills `record` but for site and trace_hash where the span is valid. `weight_count_max` is
 * sampling.max_count. Returns: 0; STATUS_INVALID; STATUS_TRUNCATED. */
MUST_USE int otlp_read_span(struct otlp_reading *reading, struct wire wire,
                            uint32_t weight_count_max, struct otlp_span *span, struct span *record);

#endif
