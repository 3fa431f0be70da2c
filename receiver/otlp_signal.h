/* otlp_signal.h: metrics and logs, checked and counted.
 * Is:         one walk over the bytes of an ExportMetricsServiceRequest or ExportLogsServiceRequest:
 *             every byte is proved to be well-formed, every data point to be one that can be.
 * Is not:     a decoder: nothing of them is kept.
 * Threads:    a pure function.
 * Memory:     none; recursion is bounded by depth_max.
 * Source:     opentelemetry-proto metrics/v1, logs/v1; OTLP A9, A11, A28, A31-A33, C14.
 */
#ifndef SPANMAP_RECEIVER_OTLP_SIGNAL_H
#define SPANMAP_RECEIVER_OTLP_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"
#include "receiver/otlp_response.h"

struct otlp_signal_counts {
    uint64_t items;      /* Data points or log records, the rejected ones too. */
    uint64_t rejected;   /* Data points that cannot be. */
    const char *reason;  /* Why the first of them was rejected; NULL: none was. */
    const char *warning; /* For the sender though all went well; NULL: none. */
    const char *error;   /* What is wrong where reading failed; NULL: nothing. */
    size_t error_offset; /* Where, in bytes from the request's start. */
};

/* Not OTLP_TRACES. The counts are set in any case. Returns: 0; STATUS_INVALID, STATUS_TRUNCATED (not
 * such a message). */
MUST_USE int otlp_signal_read(enum otlp_signal signal, struct view message, unsigned depth_max,
                              struct otlp_signal_counts *out_counts);

#endif
