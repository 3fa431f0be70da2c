/* tools.h: what tools ask of the receiver beside telemetry: whether it serves, and what.
 * Is:         gRPC's health and reflection, as the options say, in tables behind those of telemetry.
 * Threads:    init before the receiver is made; health as health.h says.
 * Memory:     plain data; what the tables point into is borrowed.
 */
#ifndef SPANMAP_ENGINE_TOOLS_H
#define SPANMAP_ENGINE_TOOLS_H

#include <stddef.h>

#include "base/view.h"
#include "engine/options.h"
#include "receiver/grpc_reply.h"
#include "receiver/grpc_stream.h"
#include "receiver/health.h"
#include "receiver/reflection.h"

enum { TOOLS_METHODS_MAX = 8, TOOLS_STREAM_METHODS_MAX = 3 };

/* Is not moved once it is initialized. */
struct tools {
    struct grpc_method methods[TOOLS_METHODS_MAX];
    size_t methods_count;
    struct grpc_stream_method stream_methods[TOOLS_STREAM_METHODS_MAX];
    size_t stream_methods_count;
    struct view names[TOOLS_METHODS_MAX + TOOLS_STREAM_METHODS_MAX]; /* Of the services. */
    size_t names_count;
    struct health health;
    struct reflection reflection;
};

/* `telemetry` are the methods of telemetry; those that are refused are no services to tools. */
void tools_init(struct tools *tools, const struct options *options,
                const struct grpc_method *telemetry, size_t telemetry_count);

#endif
