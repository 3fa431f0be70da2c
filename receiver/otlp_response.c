/* otlp_response.c: a response has two fields in one message; it is written by hand.
 *
 *   ExportTraceServiceResponse   1: partial_success
 *   ExportTracePartialSuccess    1: rejected_spans (int64)   2: error_message (string)
 */
#include "receiver/otlp_response.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/proto_write.h"
#include "receiver/otlp_trace.h"
#include "receiver/otlp_wire.h"
#include "receiver/rpc_status.h"

enum {
    TAG_PARTIAL_SUCCESS = WIRE_TAG(1, WIRE_BYTES),
    TAG_REJECTED = WIRE_TAG(1, WIRE_VARINT),
    TAG_ERROR_MESSAGE = WIRE_TAG(2, WIRE_BYTES),
    HEADER_SIZE_MAX = 40, /* Three tags, two lengths, one number. */
};

static uint64_t rejected_spans(const struct otlp_stage *stage)
{
    uint64_t rejected = 0;

    for (size_t i = 0; i < REJECTED_REASON_COUNT; i++)
        rejected += stage->rejected[i];
    return rejected;
}

static int append_protobuf(uint64_t rejected, struct view text, struct buf *out)
{
    uint8_t inner[HEADER_SIZE_MAX];
    uint8_t header[HEADER_SIZE_MAX];
    size_t inner_size = 0;
    size_t header_size = 0;
    int status;

    if (rejected != 0) {
        inner[inner_size++] = TAG_REJECTED;
        inner_size += proto_put_varint(inner + inner_size, rejected);
    }
    inner[inner_size++] = TAG_ERROR_MESSAGE;
    inner_size += proto_put_varint(inner + inner_size, text.size);
    header[header_size++] = TAG_PARTIAL_SUCCESS;
    header_size += proto_put_varint(header + header_size, inner_size + text.size);
    status = buf_reserve(out, header_size + inner_size + text.size);
    if (status != 0)
        return status;
    (void)buf_append(out, header, header_size); /* There is room. */
    (void)buf_append(out, inner, inner_size);
    return buf_append_view(out, text);
}

static int append_json(enum otlp_signal signal, uint64_t rejected, struct view text,
                       struct buf *out)
{
    static const char *const names[OTLP_SIGNAL_COUNT] = {
        [OTLP_TRACES] = "rejectedSpans",
        [OTLP_METRICS] = "rejectedDataPoints",
        [OTLP_LOGS] = "rejectedLogRecords",
    };

    (void)buf_append_text(out, "{\"partialSuccess\":{");
    if (rejected != 0)
        (void)buf_printf(out, "\"%s\":\"%" PRIu64 "\",", names[signal], rejected);
    (void)buf_append_text(out, "\"errorMessage\":\"");
    (void)rpc_json_escape(text, out);
    (void)buf_append_text(out, "\"}}");
    return out->failed; /* Which remembers each of the appends. */
}

int otlp_partial(enum otlp_signal signal, enum message_format format, uint64_t rejected,
                 struct view text, struct buf *out)
{
    bool is_whole = rejected == 0 && text.size == 0;

    if (format == MESSAGE_JSON)
        return is_whole ? buf_append_text(out, "{}") : append_json(signal, rejected, text, out);
    return is_whole ? 0 : append_protobuf(rejected, text, out);
}

int otlp_response(const struct otlp_stage *stage, enum message_format format, struct buf *out)
{
    uint64_t rejected = rejected_spans(stage);
    char text[256] = "";

    if (rejected != 0)
        (void)snprintf(text, sizeof(text), /* A cut message is still a message. */
                       "%llu spans were rejected: a trace id must be 16 bytes and a span id 8 "
                       "bytes long, and neither all zero%s%s",
                       (unsigned long long)rejected, stage->warning != NULL ? "; " : "",
                       stage->warning != NULL ? stage->warning : "");
    else if (stage->warning != NULL)
        (void)snprintf(text, sizeof(text), "%s", stage->warning);
    return otlp_partial(OTLP_TRACES, format, rejected, view_of(text), out);
}
