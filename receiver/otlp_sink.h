/* otlp_sink.h: metrics and logs that are taken, checked, counted and let go.
 * Is:         the methods behind `signals.metrics` and `signals.logs` where they say discard.
 * Threads:    as struct grpc_method; one buffer a thread.
 * Memory:     what the JSON of one request becomes, a thread.
 */
#ifndef SPANMAP_RECEIVER_OTLP_SINK_H
#define SPANMAP_RECEIVER_OTLP_SINK_H

#include <stddef.h>

#include "base/counters.h"
#include "base/status.h"
#include "receiver/grpc_reply.h"

struct otlp_sink;

/* `counters` over receiver_counter_rows, borrowed. Returns: 0; STATUS_NOMEM. */
MUST_USE int otlp_sink_new(unsigned threads, size_t json_tree_bytes_max, struct counters *counters,
                           struct otlp_sink **out_sink);
void otlp_sink_free(struct otlp_sink *sink);

/* `context` is the sink; also for memory_of. */
size_t otlp_sink_memory(void *context, enum message_format format, struct view message);
void otlp_sink_metrics(void *context, unsigned thread, enum message_format format,
                       struct view message, struct grpc_reply *reply);
void otlp_sink_logs(void *context, unsigned thread, enum message_format format, struct view message,
                    struct grpc_reply *reply);

#endif
