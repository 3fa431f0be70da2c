/* health.h: grpc.health.v1.Health: whether the server takes requests.
 * Is:         one state for the server ("") and all its services, asked for (Check) or followed
 *             (Watch); messages in, messages out.
 * Is not:     a judgement on how the services fare: whoever owns it sets the state.
 * Invariants: a watcher hears each state that lasts until it is polled, and the last one for sure.
 *             A service that is not served is NOT_FOUND to Check, SERVICE_UNKNOWN to Watch.
 * Threads:    health_set() and the methods from any.
 * Memory:     plain data; the names are borrowed.
 * Source:     gRPC Health Checking Protocol; proto/grpc/health/v1/health.proto; spec OTLP C19.
 */
#ifndef SPANMAP_RECEIVER_HEALTH_H
#define SPANMAP_RECEIVER_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/view.h"
#include "receiver/grpc_reply.h"
#include "receiver/grpc_stream.h"

#define HEALTH_CHECK_PATH "/grpc.health.v1.Health/Check"
#define HEALTH_WATCH_PATH "/grpc.health.v1.Health/Watch"

struct health {
    const struct view *services; /* Borrowed; "package.Service" each. */
    size_t services_count;
    atomic_bool is_serving;
};

/* Not serving yet. */
void health_init(struct health *health, const struct view *services, size_t services_count);

void health_set(struct health *health, bool is_serving);
bool health_is_serving(const struct health *health);

/* Check as a method of `health`, and Watch. */
struct grpc_method health_check_method(struct health *health);
struct grpc_stream_method health_watch_method(struct health *health);

#endif
