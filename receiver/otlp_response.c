/* otlp_response.c: an ExportTraceServiceResponse has two fields in one message; it is written by hand.
 *
 *   ExportTraceServiceResponse   1: partial_success
 *   ExportTracePartialSuccess    1: rejected_spans (int64)   2: error_message (string)
 */
#include <stdio.h>
#include <string.h>

#include "receiver/otlp_trace.h"
#include "receiver/otlp_wire.h"

enum {
    TAG_PARTIAL_SUCCESS = WIRE_TAG(1, WIRE_BYTES),
    TAG_REJECTED_SPANS = WIRE_TAG(1, WIRE_VARINT),
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

static size_t put_text(uint8_t *out, struct view text)
{
    size_t size = 0;

    out[size++] = TAG_ERROR_MESSAGE;
    size += wire_put_varint(out + size, text.size);
    memcpy(out + size, text.data, text.size);
    return size + text.size;
}

int otlp_response(const struct otlp_stage *stage, struct buf *out)
{
    uint64_t rejected = rejected_spans(stage);
    char text[256] = "";
    uint8_t inner[sizeof(text) + HEADER_SIZE_MAX];
    uint8_t header[HEADER_SIZE_MAX];
    size_t inner_size = 0;
    size_t header_size = 0;
    int status;

    if (rejected == 0 && stage->warning == NULL)
        return 0;
    if (rejected != 0) {
        (void)snprintf(text, sizeof(text), /* A cut message is still a message. */
                       "%llu spans were rejected: a trace id must be 16 bytes and a span id 8 "
                       "bytes long, and neither all zero%s%s",
                       (unsigned long long)rejected, stage->warning != NULL ? "; " : "",
                       stage->warning != NULL ? stage->warning : "");
        inner[inner_size++] = TAG_REJECTED_SPANS;
        inner_size += wire_put_varint(inner + inner_size, rejected);
    } else {
        (void)snprintf(text, sizeof(text), "%s", stage->warning);
    }
    inner_size += put_text(inner + inner_size, view_of(text));
    header[header_size++] = TAG_PARTIAL_SUCCESS;
    header_size += wire_put_varint(header + header_size, inner_size);
    status = buf_reserve(out, header_size + inner_size);
    if (status != 0)
        return status;
    (void)buf_append(out, header, header_size); /* There is room. */
    return buf_append(out, inner, inner_size);
}
