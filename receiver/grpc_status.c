/* grpc_status.c: text and base64 that fit into a field. */
#include "receiver/grpc_status.h"

#include <stddef.h>

#include "base/base64.h"
#include "base/check.h"
#include "receiver/rpc_status.h"

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

int grpc_details_encode(enum grpc_code code, struct view message, uint64_t retry_delay_ns,
                        struct buf *out)
{
    struct rpc_status status = {.code = code, .message = message, .retry_delay_ns = retry_delay_ns};
    struct buf packed;
    int result;

    buf_init(&packed, 0);
    result = rpc_status_append(&status, MESSAGE_PROTOBUF, &packed);
    if (result == 0) {
        base64_append(buf_view(&packed), BASE64_BARE, out);
        result = out->failed;
    }
    buf_release(&packed);
    return result;
}
