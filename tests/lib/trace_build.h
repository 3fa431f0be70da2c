/* trace_build.h: ExportTraceServiceRequests for tests, written field by field.
 * Is:         what the tests of the engine need of a sender: one resource, plain spans.
 */
#ifndef SPANMAP_TESTS_LIB_TRACE_BUILD_H
#define SPANMAP_TESTS_LIB_TRACE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct trace_build_span {
    uint64_t trace; /* The low half of the trace id; the high half is 1. 0: an id of zeros. */
    uint64_t id;
    uint64_t parent; /* 0: none. */
    unsigned kind;
    const char *name;
    uint64_t start_ns;
    uint64_t end_ns;
};

/* Appends a request of one resource `service`. Memory that is out is a failed test. */
void trace_build_request(struct buf *out, const char *service, const struct trace_build_span *spans,
                         size_t count);

#endif
