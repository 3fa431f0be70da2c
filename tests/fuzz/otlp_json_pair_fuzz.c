/* otlp_json_pair_fuzz.c: any request of protobuf, written as OTLP/JSON and read again, says the same. The first byte
 * picks its signal, and whether blanks make the text so large that it is read in another way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receiver/otlp_json.h"
#include "tests/lib/otlp_json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_BYTES_MAX ((size_t)64 << 20)

enum {
    SIZE_MAX_READ = 4096, /* protobuf-c recurses as deep as its input nests. */
    BLANKS = 20000,
    IS_LARGE = 0x80,
};

static const ProtobufCMessageDescriptor *const requests[OTLP_SIGNAL_COUNT] = {
    [OTLP_TRACES] =
        &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
    [OTLP_METRICS] =
        &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
    [OTLP_LOGS] =
        &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
};

/* Whether protobuf-c can read it; then its JSON. */
static bool write_json(enum otlp_signal signal, struct view message, struct buf *out)
{
    ProtobufCMessage *unpacked = protobuf_c_message_unpack(requests[signal], NULL, message.size,
                                                           (const uint8_t *)message.data);

    if (unpacked == NULL)
        return false;
    otlp_json_write(unpacked, out);
    protobuf_c_message_free_unpacked(unpacked, NULL);
    return true;
}

static void die(const char *what, const struct buf *text)
{
    fprintf(stderr, "%s: %.*s\n", what, (int)text->size, text->data);
    abort();
}

/* `said` is `text`, or the same with blanks. */
static void compare(enum otlp_signal signal, const struct buf *said, const struct buf *text)
{
    struct otlp_json_error error;
    struct buf message;
    struct buf again;
    int status;

    buf_init(&message, 0);
    buf_init(&again, 0);
    status = otlp_json_to_protobuf(signal, buf_view(said), TREE_BYTES_MAX, &message, &error);
    if (!utf8_is_valid(buf_view(text))) {
        if (status == 0)
            die("not UTF-8, but taken", text);
    } else if (status == STATUS_INVALID) {
        if (strstr(error.text, "nest") == NULL)
            die(error.text, text);
    } else if (status == 0) {
        if (!write_json(signal, buf_view(&message), &again))
            die("what it became cannot be read", text);
        if (!view_equal(buf_view(text), buf_view(&again)))
            die("became something else", &again);
    }
    buf_release(&again);
    buf_release(&message);
}

static void compare_large(enum otlp_signal signal, const struct buf *text)
{
    struct buf said;

    buf_init(&said, 0);
    if (buf_append(&said, text->data, 1) != 0)
        abort();
    for (size_t i = 0; i < BLANKS; i++)
        if (buf_append_byte(&said, ' ') != 0)
            abort();
    if (buf_append(&said, text->data + 1, text->size - 1) != 0)
        abort();
    compare(signal, &said, text);
    buf_release(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum otlp_signal signal;
    struct buf text;

    if (size < 1 || size > SIZE_MAX_READ)
        return 0;
    signal = (enum otlp_signal)((data[0] & ~IS_LARGE) % OTLP_SIGNAL_COUNT);
    buf_init(&text, 0);
    if (write_json(signal, (struct view){(const char *)data + 1, size - 1}, &text)) {
        if ((data[0] & IS_LARGE) != 0)
            compare_large(signal, &text);
        else
            compare(signal, &text, &text);
    }
    buf_release(&text);
    return 0;
}
