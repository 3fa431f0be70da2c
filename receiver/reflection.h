/* reflection.h: gRPC server reflection: what services there are, and of what messages.
 * Is:         ServerReflectionInfo of grpc.reflection.v1 and v1alpha, which are the same on the wire;
 *             a request in, a response out.
 * Is not:     an index: descriptors are some 20 KiB and are looked through for each request.
 * Invariants: a descriptor goes out with all that it imports, each file once. What is not there is
 *             an error in the response, and the call goes on.
 * Threads:    plain data; the method from any thread.
 * Memory:     the services' names and the descriptors are borrowed.
 * Source:     gRPC Server Reflection Protocol; proto/grpc/reflection; spec OTLP C19.
 */
#ifndef SPANMAP_RECEIVER_REFLECTION_H
#define SPANMAP_RECEIVER_REFLECTION_H

#include <stddef.h>

#include "base/view.h"
#include "receiver/grpc_stream.h"

#define REFLECTION_PATH "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define REFLECTION_ALPHA_PATH "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

/* Of a set; more are not looked at. */
enum { REFLECTION_FILES_MAX = 64 };

struct reflection {
    const struct view *services; /* "package.Service" each. */
    size_t services_count;
    struct view descriptors; /* A FileDescriptorSet: descriptors.h */
};

/* The method under the name of either version. */
struct grpc_stream_method reflection_method(struct reflection *reflection, const char *path);

#endif
