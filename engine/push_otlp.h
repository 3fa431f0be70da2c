/* push_otlp.h: the metrics of /metrics, pushed by OTLP/gRPC.
 * Is:         a thread that writes a snapshot as OTLP now and then, and gives it to an outlet, cut into
 *             requests that any receiver takes.
 * Invariants: what is pushed is cumulative: newer figures stand for older ones that could not be sent,
 *             which are counted as superseded.
 * Threads:    all calls from the owner's; a thread of its own writes.
 * Memory:     half of its share for what is being written, half for what leaves.
 */
#ifndef SPANMAP_ENGINE_PUSH_OTLP_H
#define SPANMAP_ENGINE_PUSH_OTLP_H

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/engine.h"
#include "engine/front.h"
#include "engine/options.h"

struct push_otlp;

struct push_otlp_setup {
    const struct options *options; /* Borrowed, as all below. */
    const char *module;            /* Path of spanmap-grpc.so. */
    struct engine *engine;
    const struct log *log;
};

/* On failure out_error has one sentence; at most 255 bytes. Returns: 0; as outlet_init(). */
MUST_USE int push_otlp_new(const struct push_otlp_setup *setup, char out_error[256],
                           struct push_otlp **out_push);
void push_otlp_free(struct push_otlp *push);

/* `front` says what is in the metrics. Returns: 0; STATUS_SYSTEM. */
MUST_USE int push_otlp_start(struct push_otlp *push, struct front *front);

/* Ends the thread, and offers the metrics a last time. */
void push_otlp_flush(struct push_otlp *push);

/* As courier_drain(). */
void push_otlp_drain(struct push_otlp *push, struct mono_time until);

const struct counters *push_otlp_counters(const struct push_otlp *push);

/* The size of the first request to be cut off the front of `metrics` (otlp_metrics.h): whole
 * ResourceMetrics up to `bytes_max`, at least one. 0: it is empty, or broken. */
size_t push_otlp_cut(struct view metrics, size_t bytes_max);

#endif
