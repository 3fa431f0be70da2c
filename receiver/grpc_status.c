/* grpc_status.c: text and base64 that fit into a field. */
#include "receiver/grpc_status.h"

#include <stddef.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

/* Clients bound what they take as fields, most at 8 KiB. */
enum { MESSAGE_MAX = 1024 };

struct view grpc_code_digits(enum grpc_code code)
{
    static const char digits[] = "0123456789";

    CHECK((unsigned)code <= 16);
    if ((unsigned)code < 10)
        return (struct view){digits + code, 1};
    return (struct view){&"10111213141516"[((unsigned)code - 10) * 2], 2};
}

int grpc_message_encode(struct view message, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t begin = out->size;

    for (size_t i = 0; i < message.size && out->size - begin <= MESSAGE_MAX - 3; i++) {
        unsigned char byte = (unsigned char)message.data[i];
        char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        bool is_plain = byte >= 0x20 && byte <= 0x7e && byte != '%';

        if (is_plain)
            (void)buf_append_byte(out, (char)byte);
        else
            (void)buf_append(out, escape, sizeof(escape));
    }
    return out->failed; /* Which remembers each of the appends. */
}

static int append_base64(const uint8_t *data, size_t size, struct buf *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned group = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                         (left > 2 ? data[i + 2] : 0);
        char text[4] = {letters[group >> 18], letters[group >> 12 & 63], letters[group >> 6 & 63],
                        letters[group & 63]};

        (void)buf_append(out, text, left > 2 ? 4 : left + 1); /* Not padded. */
    }
    return out->failed;
}

/* Packs into a buffer of its own. Returns: 0; STATUS_NOMEM. */
static int pack(const ProtobufCMessage *message, uint8_t **out_data, size_t *out_size)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = mem_alloc(size);

    if (data == NULL)
        return STATUS_NOMEM;
    CHECK(protobuf_c_message_pack(message, data) == size);
    *out_data = data;
    *out_size = size;
    return 0;
}

int grpc_details_encode(enum grpc_code code, struct view message, uint64_t retry_delay_ns,
                        struct buf *out)
{
    char type_url[] = "type.googleapis.com/google.rpc.RetryInfo";
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    Google__Protobuf__Any *details[] = {&any};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    char *text = mem_dup_text(message.data,
                              message.size < MESSAGE_MAX ? message.size : MESSAGE_MAX);
    uint8_t *packed = NULL;
    size_t packed_size = 0;
    int result = STATUS_NOMEM;

    if (text == NULL)
        goto out;
    delay.seconds = (int64_t)(retry_delay_ns / NS_PER_S);
    delay.nanos = (int32_t)(retry_delay_ns % NS_PER_S);
    retry.retry_delay = &delay;
    if (pack(&retry.base, &any.value.data, &any.value.len) != 0)
        goto out;
    any.type_url = type_url;
    status.code = (int32_t)code;
    status.message = text;
    status.details = details;
    status.n_details = retry_delay_ns != 0 ? 1 : 0;
    if (pack(&status.base, &packed, &packed_size) != 0)
        goto out;
    result = append_base64(packed, packed_size, out);
out:
    mem_free(packed);
    mem_free(any.value.data);
    mem_free(text);
    return result;
}
