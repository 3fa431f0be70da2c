/* rpc_status.c: protobuf by protobuf-c, and the same in protobuf's JSON. */
#include "receiver/rpc_status.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

/* Clients bound what they take as fields, most at 8 KiB. */
enum { MESSAGE_MAX = 1024 };

#define TYPE_RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"
#define TYPE_BAD_REQUEST "type.googleapis.com/google.rpc.BadRequest"

/* The message as UTF-8 without zero bytes, which protobuf-c's texts cannot hold; zero-terminated. */
static int clean(struct view message, struct buf *out)
{
    while (message.size != 0 && out->size < MESSAGE_MAX - 4) {
        bool is_valid = false;
        uint32_t character = utf8_take(&message, &is_valid);

        (void)utf8_append(out, character != 0 ? character : UTF8_REPLACEMENT);
    }
    return buf_append_byte(out, '\0') != 0 ? STATUS_NOMEM : 0;
}

/* ----------------------------------------------------------------------- protobuf */

/* Packs into a buffer of its own. Returns: 0; STATUS_NOMEM. */
static int pack(const ProtobufCMessage *message, uint8_t **out_data, size_t *out_size)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = mem_alloc(size != 0 ? size : 1);

    if (data == NULL)
        return STATUS_NOMEM;
    CHECK(protobuf_c_message_pack(message, data) == size);
    *out_data = data;
    *out_size = size;
    return 0;
}

static int pack_retry(uint64_t delay_ns, Google__Protobuf__Any *any)
{
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;

    delay.seconds = (int64_t)(delay_ns / NS_PER_S);
    delay.nanos = (int32_t)(delay_ns % NS_PER_S);
    retry.retry_delay = &delay;
    return pack(&retry.base, &any->value.data, &any->value.len);
}

static int pack_bad_request(char *text, Google__Protobuf__Any *any)
{
    Google__Rpc__BadRequest__FieldViolation violation =
        GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    Google__Rpc__BadRequest__FieldViolation *violations[] = {&violation};
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;

    violation.description = text;
    bad.field_violations = violations;
    bad.n_field_violations = 1;
    return pack(&bad.base, &any->value.data, &any->value.len);
}

static int append_protobuf(const struct rpc_status *status, char *text, struct buf *out)
{
    char retry_type[] = TYPE_RETRY_INFO;
    char bad_type[] = TYPE_BAD_REQUEST;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    Google__Protobuf__Any *details[] = {&any};
    Google__Rpc__Status message = GOOGLE__RPC__STATUS__INIT;
    uint8_t *packed = NULL;
    size_t packed_size = 0;
    int result = 0;

    message.code = (int32_t)status->code;
    message.message = text;
    message.details = details;
    if (status->retry_delay_ns != 0) {
        any.type_url = retry_type;
        message.n_details = 1;
        result = pack_retry(status->retry_delay_ns, &any);
    } else if (status->is_bad_request) {
        any.type_url = bad_type;
        message.n_details = 1;
        result = pack_bad_request(text, &any);
    }
    if (result == 0)
        result = pack(&message.base, &packed, &packed_size);
    if (result == 0)
        result = buf_append(out, packed, packed_size);
    mem_free(packed);
    mem_free(any.value.data);
    return result;
}

/* --------------------------------------------------------------------------- JSON */

int rpc_json_escape(struct view text, struct buf *out)
{
    while (text.size != 0) {
        bool is_valid = false;
        uint32_t character = utf8_take(&text, &is_valid);

        if (character == '"' || character == '\\')
            (void)buf_append_byte(out, '\\');
        if (character < ' ')
            (void)buf_printf(out, "\\u%04x", (unsigned)character);
        else
            (void)utf8_append(out, character);
    }
    return out->failed; /* Which remembers each of the appends. */
}

static int append_json(const struct rpc_status *status, struct view text, struct buf *out)
{
    (void)buf_printf(out, "{\"code\":%d,\"message\":\"", (int)status->code);
    (void)rpc_json_escape(text, out);
    (void)buf_append_text(out, "\"");
    if (status->retry_delay_ns != 0) {
        (void)buf_printf(out,
                         ",\"details\":[{\"@type\":\"" TYPE_RETRY_INFO
                         "\",\"retryDelay\":\"%" PRIu64 ".%09" PRIu64 "s\"}]",
                         status->retry_delay_ns / NS_PER_S, status->retry_delay_ns % NS_PER_S);
    } else if (status->is_bad_request) {
        (void)buf_append_text(out, ",\"details\":[{\"@type\":\"" TYPE_BAD_REQUEST
                                   "\",\"fieldViolations\":[{\"description\":\"");
        (void)rpc_json_escape(text, out);
        (void)buf_append_text(out, "\"}]}]");
    }
    (void)buf_append_text(out, "}");
    return out->failed; /* Which remembers each of the appends. */
}

int rpc_status_append(const struct rpc_status *status, enum message_format format, struct buf *out)
{
    struct buf text;
    int result;

    buf_init(&text, 0);
    result = clean(status->message, &text);
    if (result == 0 && format == MESSAGE_JSON)
        result = append_json(status, (struct view){text.data, text.size - 1}, out);
    else if (result == 0)
        result = append_protobuf(status, text.data, out);
    buf_release(&text);
    return result;
}
