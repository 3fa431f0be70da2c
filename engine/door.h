/* door.h: where one receiver thread hands its requests in.
 * Is:         decoding, staging and admission: a request is taken on whole or not at all, and is
 *             counted once either way.
 * Is not:     transport (receiver/receiver.h).
 * Invariants: a request is admitted only if every ring that it touches has room for its spans; the
 *             spans that the decoder rejected are counted with it, or not at all.
 * Threads:    one owner at a time; doors share the workers, the publisher and the counters.
 * Memory:     the decoder's memo and stage.
 */
#ifndef SPANMAP_ENGINE_DOOR_H
#define SPANMAP_ENGINE_DOOR_H

#include <stddef.h>

#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "engine/worker.h"
#include "receiver/grpc_reply.h"
#include "receiver/otlp_trace.h"
#include "topology/publisher.h"

enum door_format { DOOR_PROTOBUF, DOOR_JSON };

/* Who gets each request that was taken on, in protobuf, before it is answered; must not wait. */
struct door_onward {
    void (*pass)(void *context, struct view message, uint64_t spans);
    void *context;
};

struct door_options {
    struct otlp_decoder_options decoder;
    unsigned number;         /* Of this producer among those of each worker. */
    struct worker **workers; /* Borrowed, as are the following. */
    unsigned workers_count;
    struct publisher *publisher;
    struct counters *counters; /* Over engine_counter_rows. */
};

struct door;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int door_new(const struct door_options *options, struct door **out_door);
void door_free(struct door *door);

/* Before the first request; borrowed. */
void door_set_onward(struct door *door, const struct door_onward *onward);

/* Only decodes, and counts a failure. The stage is as otlp_decode_protobuf() says; door_rest() says
 * that its spans were fed. */
MUST_USE int door_decode(struct door *door, enum door_format format, struct view request,
                         const struct otlp_stage **out_stage);

void door_rest(struct door *door);

/* What the senders of the request just decoded say of themselves; needs options' targets. */
void door_note_targets(struct door *door, struct wall_time now);

/* Counts a decoded request as admitted; for who feeds the shards himself. */
void door_count_admitted(struct door *door, const struct otlp_stage *stage);

/* Decodes a request and hands its spans to the workers. The stage is set in any case.
 * Returns: 0; as the decoder; STATUS_BUSY (no room in a ring; nothing was taken on). */
MUST_USE int door_admit(struct door *door, enum door_format format, struct view request,
                        const struct otlp_stage **out_stage);

/* The method Export of either transport: door_admit() and its answer. */
void door_export(struct door *door, enum door_format format, struct view message,
                 struct grpc_reply *reply);

#endif
