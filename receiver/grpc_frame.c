/* grpc_frame.c: five bytes of prefix, then the message. */
#include "receiver/grpc_frame.h"

#include <string.h>

/* What is reserved at once for a message, however little of it has come. Once more than that has come,
 * it is all of it up to reserve_max: doubling would copy most of it once more. Where memory for all
 * of it was kept, none has to be asked for. */
enum { RESERVE_FIRST = 64 * 1024 };

void grpc_frame_init(struct grpc_frame *frame, size_t reserve_max)
{
    *frame = (struct grpc_frame){.reserve_max = reserve_max};
    buf_init(&frame->held, 0);
}

void grpc_frame_release(struct grpc_frame *frame)
{
    buf_release(&frame->held);
    frame->message = (struct view){NULL, 0};
    frame->is_borrowed = false;
}

static struct view take(struct view *piece, size_t size)
{
    struct view taken = {piece->data, size < piece->size ? size : piece->size};

    piece->data += taken.size;
    piece->size -= taken.size;
    return taken;
}

/* Returns: 0; STATUS_INVALID; STATUS_TOO_LARGE. */
static int read_prefix(struct grpc_frame *frame, struct view *piece, size_t message_max)
{
    struct view bytes = take(piece, sizeof(frame->prefix) - frame->prefix_size);

    memcpy(frame->prefix + frame->prefix_size, bytes.data, bytes.size);
    frame->prefix_size = (uint8_t)(frame->prefix_size + bytes.size);
    if (frame->prefix[0] > 1)
        return STATUS_INVALID;
    if (frame->prefix_size < sizeof(frame->prefix))
        return 0;
    frame->length = (uint32_t)frame->prefix[1] << 24 | (uint32_t)frame->prefix[2] << 16 |
                    (uint32_t)frame->prefix[3] << 8 | frame->prefix[4];
    if (frame->length > message_max)
        return STATUS_TOO_LARGE;
    frame->left = frame->length;
    if (frame->whole == 0) {
        frame->is_compressed = frame->prefix[0] == 1;
        frame->held.size_max = frame->length; /* Caps what doubling may reserve. */
    }
    return 0;
}

/* Returns: 0; STATUS_NOMEM. */
static int reserve(struct grpc_frame *frame, size_t at_once)
{
    size_t wanted = frame->length < at_once ? frame->length : at_once;

    return buf_reserve(&frame->held, wanted - frame->held.size) != 0 ? STATUS_NOMEM : 0;
}

/* Returns: 0; STATUS_NOMEM. */
static int hold(struct grpc_frame *frame, struct view bytes)
{
    size_t size = frame->held.size + bytes.size;
    int status = 0;

    if (frame->held.size == 0 &&
        (frame->length > frame->reserve_max || !buf_take_spare(&frame->held, frame->length)))
        status = reserve(frame, RESERVE_FIRST);
    if (status == 0 && size > frame->held.capacity && size <= frame->reserve_max)
        status = reserve(frame, frame->reserve_max);
    return status != 0 || buf_append_view(&frame->held, bytes) != 0 ? STATUS_NOMEM : 0;
}

/* Returns: 0; STATUS_NOMEM. */
static int read_message(struct grpc_frame *frame, struct view *piece)
{
    struct view bytes = take(piece, frame->left);
    bool is_first = frame->whole == 0;

    frame->left -= (uint32_t)bytes.size;
    if (is_first && bytes.size == frame->length) {
        frame->message = bytes;
        frame->is_borrowed = bytes.size != 0;
    } else if (is_first) {
        if (bytes.size != 0 && hold(frame, bytes) != 0)
            return STATUS_NOMEM;
        frame->message = buf_view(&frame->held);
    }
    if (frame->left == 0) {
        frame->whole++;
        frame->prefix_size = 0;
    }
    return 0;
}

int grpc_frame_read(struct grpc_frame *frame, struct view piece, size_t message_max)
{
    while (piece.size != 0) {
        int status = 0;

        if (frame->prefix_size < sizeof(frame->prefix))
            status = read_prefix(frame, &piece, message_max);
        if (status == 0 && frame->prefix_size == sizeof(frame->prefix))
            status = read_message(frame, &piece);
        if (status != 0)
            return status;
    }
    return 0;
}

int grpc_frame_keep(struct grpc_frame *frame)
{
    if (!frame->is_borrowed)
        return 0;
    if (buf_append_view(&frame->held, frame->message) != 0)
        return STATUS_NOMEM;
    frame->message = buf_view(&frame->held);
    frame->is_borrowed = false;
    return 0;
}

bool grpc_frame_is_at_end(const struct grpc_frame *frame)
{
    return frame->prefix_size == 0;
}

size_t grpc_frame_held(const struct grpc_frame *frame)
{
    return frame->held.capacity;
}
