/* otlp_times.h: the times of a trace request, found and moved where they stand.
 * Is:         start and end of spans, and the times of their events, all moved by one amount.
 * Is not:     a decoder: what bears no time is passed over, and nothing is allocated.
 * Invariants: a request that is refused is as it was. A time of 0 says that there is none, and
 *             stays so.
 * Threads:    pure functions.
 * Source:     opentelemetry-proto trace/v1.
 */
#ifndef SPANMAP_RECEIVER_OTLP_TIMES_H
#define SPANMAP_RECEIVER_OTLP_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

struct otlp_times {
    uint64_t spans;
    uint64_t latest_end_ns; /* Of all spans; 0: none has an end. */
    size_t error_offset;    /* Where the request is wrong. */
};

/* One walk over an ExportTraceServiceRequest. `out_times` is set in any case.
 * Returns: 0; STATUS_INVALID, STATUS_TRUNCATED (not such a message). */
MUST_USE int otlp_times_read(struct view request, struct otlp_times *out_times);

/* Adds `shift_ns` to every time; one that would leave 64 bits stays at their end. The request was
 * read before with success. */
void otlp_times_shift(char *request, size_t size, int64_t shift_ns);

#endif
