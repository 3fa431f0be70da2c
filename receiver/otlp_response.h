/* otlp_response.h: what a sender is told of a request that was taken on.
 * Is:         an Export<signal>ServiceResponse, whose three kinds differ in one JSON name only.
 * Threads:    plain functions.
 * Source:     opentelemetry-proto collector; OTLP A10-A12.
 */
#ifndef SPANMAP_RECEIVER_OTLP_RESPONSE_H
#define SPANMAP_RECEIVER_OTLP_RESPONSE_H

#include <stdint.h>

#include "base/buf.h"
#include "receiver/grpc_reply.h"

struct otlp_stage;

enum otlp_signal { OTLP_TRACES, OTLP_METRICS, OTLP_LOGS, OTLP_SIGNAL_COUNT };

/* Appends it: where nothing was rejected and `text` is empty, without partial_success, which is no
 * byte at all or "{}". Returns: as buf_append(). */
int otlp_partial(enum otlp_signal signal, enum message_format format, uint64_t rejected,
                 struct view text, struct buf *out);

/* The same of a decoded trace request. */
int otlp_response(const struct otlp_stage *stage, enum message_format format, struct buf *out);

#endif
