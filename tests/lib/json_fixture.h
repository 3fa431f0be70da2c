/* json_fixture.h: what OTLP/JSON became, read by protobuf-c.
 * Is:         a conversion that is done over again by walking, more or less deeply, which must come to
 *             the same.
 * Memory:     running out of it ends the test.
 */
#ifndef SPANMAP_TESTS_LIB_JSON_FIXTURE_H
#define SPANMAP_TESTS_LIB_JSON_FIXTURE_H

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receiver/otlp_json.h"

#define TREE_MAX ((size_t)64 << 20)

#define SPANS_BEGIN "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
#define SPANS_END "]}]}]}"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;

/* What a text became, and that unpacked by protobuf-c. Starts zeroed. */
struct fixture_json {
    struct buf out;
    struct otlp_json_error error;
    Request *request;
};

int convert(struct fixture_json *on, struct view text);
int convert_text(struct fixture_json *on, const char *text);
void finish(struct fixture_json *on);

#endif
