/* grpc_load.h: finds spanmap-grpc.so, and with it gRPC core, when they are asked for.
 * Is:         dlopen() of one path, and a look at the version of what is there.
 * Threads:    any.
 * Memory:     the module stays loaded to the process's end: gRPC core cannot be taken out again while
 *             its threads may be in it.
 */
#ifndef SPANMAP_EXPORTERS_GRPC_LOAD_H
#define SPANMAP_EXPORTERS_GRPC_LOAD_H

#include "base/status.h"
#include "exporters/grpc_port.h"

/* On failure out_error has one sentence that says what is missing; at most 255 bytes.
 * Returns: 0; STATUS_NOT_FOUND; STATUS_UNSUPPORTED (of another version). */
MUST_USE int grpc_load(const char *path, char out_error[256], const struct grpc_port **out_port);

#endif
