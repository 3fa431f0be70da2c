/* grpc_frame_fuzz.c: any bytes as length-prefixed messages, all at once and in pieces, against a
 * reader that looks at all of them together.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "receiver/grpc_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 1000 };

struct outcome {
    int status;
    uint32_t whole;
    bool is_at_end;
    bool is_compressed;
    struct view message;
};

/* What is to come out, by the simplest means. */
static struct outcome expect(struct view bytes)
{
    struct outcome outcome = {.is_at_end = true};

    for (size_t at = 0; at < bytes.size;) {
        const uint8_t *prefix = (const uint8_t *)bytes.data + at;
        size_t left = bytes.size - at;
        size_t length;

        outcome.is_at_end = false;
        if (prefix[0] > 1) {
            outcome.status = STATUS_INVALID;
            break;
        }
        if (left < 5)
            break;
        length = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 |
                 prefix[4];
        if (length > MESSAGE_MAX) {
            outcome.status = STATUS_TOO_LARGE;
            break;
        }
        if (outcome.whole == 0)
            outcome.is_compressed = prefix[0] == 1;
        if (left - 5 < length)
            break;
        if (outcome.whole == 0)
            outcome.message = (struct view){bytes.data + at + 5, length};
        outcome.whole++;
        outcome.is_at_end = true;
        at += 5 + length;
    }
    return outcome;
}

static void compare(struct view bytes, size_t piece)
{
    struct outcome wanted = expect(bytes);
    struct grpc_frame frame;
    int status = 0;

    grpc_frame_init(&frame, 1024 * 1024);
    for (size_t at = 0; at < bytes.size && status == 0; at += piece) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;

        status = grpc_frame_read(&frame, (struct view){bytes.data + at, size}, MESSAGE_MAX);
        if (status == 0)
            CHECK(grpc_frame_keep(&frame) == 0);
        CHECK(grpc_frame_held(&frame) <= MESSAGE_MAX);
    }
    CHECK(status == wanted.status);
    if (status == 0) {
        CHECK(frame.whole == wanted.whole);
        CHECK(grpc_frame_is_at_end(&frame) == wanted.is_at_end);
        CHECK(frame.is_compressed == wanted.is_compressed);
        CHECK(frame.whole == 0 || view_equal(frame.message, wanted.message));
    }
    grpc_frame_release(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes;

    if (size == 0)
        return 0;
    bytes = (struct view){(const char *)data + 1, size - 1};
    compare(bytes, size);
    compare(bytes, 1 + data[0] % 32);
    return 0;
}
