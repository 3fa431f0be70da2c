/* otlp_outcome.h: what the other side of an Export said: which failures may be repeated, after which
 * delay, and what was not taken of a request that went well.
 * Is:         a lenient reader: what cannot be read is as if it were not there, for the status is what
 *             counts.
 * Invariants: any bytes give some answer.
 * Threads:    pure functions.
 * Source:     OTLP A10-A16, C11, C12; google/rpc/status.proto, error_details.proto.
 */
#ifndef SPANMAP_RECEIVER_OTLP_OUTCOME_H
#define SPANMAP_RECEIVER_OTLP_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

/* Those of gRPC that senders meet; what answers with them needs fewer (grpc_reply.h). */
enum otlp_code {
    OTLP_CODE_OK = 0,
    OTLP_CODE_CANCELLED = 1,
    OTLP_CODE_UNKNOWN = 2,
    OTLP_CODE_DEADLINE_EXCEEDED = 4,
    OTLP_CODE_PERMISSION_DENIED = 7,
    OTLP_CODE_RESOURCE_EXHAUSTED = 8,
    OTLP_CODE_ABORTED = 10,
    OTLP_CODE_OUT_OF_RANGE = 11,
    OTLP_CODE_UNIMPLEMENTED = 12,
    OTLP_CODE_INTERNAL = 13,
    OTLP_CODE_UNAVAILABLE = 14,
    OTLP_CODE_DATA_LOSS = 15,
    OTLP_CODE_UNAUTHENTICATED = 16,
    OTLP_CODE_MAX = 16,
};

/* "UNAVAILABLE"; of a number that is none: "UNKNOWN". */
const char *otlp_outcome_code_name(int code);

/* Whether the same request may be sent again (OTLP A15). */
bool otlp_outcome_may_retry(int code, bool has_retry_delay);

/* Whether a google.rpc.Status holds a RetryInfo; its delay is set then, to 0 where it makes no sense. */
bool otlp_outcome_retry_delay(struct view status, uint64_t *out_delay_ns);

/* Of an Export<Signal>ServiceResponse: how many items were rejected; out_text is a view into it. */
uint64_t otlp_outcome_rejected(struct view response, struct view *out_text);

#endif
