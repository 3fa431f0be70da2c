/* input_protobuf.c: binary requests, alone or behind their lengths.
 */
#include "engine/input_priv.h"
#include "receiver/otlp_wire.h"

enum { PREFIX_SIZE = 4, GROUP_DEPTH_MAX = 64 };

/* Cuts bytes that are not the file's last to the whole fields at their front: none where the first is
 * longer. Damaged ones stay, for the taker to explain. */
static struct view whole_fields(struct view bytes)
{
    struct wire wire = wire_of(bytes);
    struct view whole = {bytes.data, 0};
    int status = 0;

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = wire_field(&wire, GROUP_DEPTH_MAX, &field);
        if (status == 0)
            whole.size = bytes.size - wire_left(&wire);
    }
    return status == STATUS_INVALID ? bytes : whole;
}

/* The fields of a request are requests of their own, so that a long one is taken in parts. */
int input_read_protobuf(struct input *input)
{
    size_t wanted = input->part_bytes;

    for (;;) {
        struct view part;
        int status = input_hold(input, wanted);
        if (status != 0)
            return status;
        part = input->is_at_end ? input_held(input) : whole_fields(input_held(input));
        if (part.size == 0 && !input->is_at_end) {
            if (input_held(input).size > input->request_bytes_max)
                return input_fail_size(input, 0);
            wanted *= 2;
            continue;
        }
        if (part.size > input->request_bytes_max)
            return input_fail_size(input, 0);
        if (part.size == 0)
            return 0;
        wanted = input->part_bytes;
        status = input_take(input, part, 0, INPUT_OTLP_PROTOBUF);
        if (status != 0)
            return status;
        input_advance(input, part.size);
    }
}

/* A request that the file exporter packed on its own. Its place in the file is all there is to say of
 * what is wrong in it. */
static int take_packed(struct input *input, struct view packed)
{
    int status;
    enum input_format format;

    buf_reset(&input->wrapped);
    status = inflate_zstd(packed, input->request_bytes_max, &input->wrapped);
    if (status != 0)
        return input_fail_at(input, status, input->offset, 0,
                             status == STATUS_TOO_LARGE ? "a request unpacks to too many bytes"
                                                        : "the zstd data of a request is damaged");
    format = input_form_of(buf_view(&input->wrapped)) == INPUT_FORM_JSON ? INPUT_OTLP_JSON
                                                                         : INPUT_OTLP_PROTOBUF;
    return input_take(input, buf_view(&input->wrapped), input->wrapped.size, format);
}

/* The length at the front, and whether as many bytes follow it. */
static int hold_prefixed(struct input *input, size_t *out_size)
{
    const unsigned char *at;
    size_t size;
    int status = input_hold(input, PREFIX_SIZE);

    if (status != 0)
        return status;
    if (input_held(input).size < PREFIX_SIZE)
        return input_fail_at(input, STATUS_TRUNCATED, input->offset, 0,
                             "the file ends within a request's length");
    at = (const unsigned char *)input_held(input).data;
    size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (size > input->request_bytes_max)
        return input_fail_size(input, 0);
    input_advance(input, PREFIX_SIZE);
    status = input_hold(input, size);
    if (status == 0 && input_held(input).size < size)
        return input_fail_at(input, STATUS_TRUNCATED, input->offset + input_held(input).size, 0,
                             "the file ends within a request");
    *out_size = size;
    return status;
}

int input_read_prefixed(struct input *input)
{
    for (;;) {
        struct view request;
        size_t size = 0;
        int status = input_hold(input, 1);
        if (status != 0 || input_held(input).size == 0)
            return status;
        status = hold_prefixed(input, &size);
        if (status != 0)
            return status;
        request = (struct view){input_held(input).data, size};
        status = inflate_guess(request) == INFLATE_ZSTD
                     ? take_packed(input, request)
                     : input_take(input, request, 0, INPUT_OTLP_PROTOBUF);
        if (status != 0)
            return status;
        input_advance(input, size);
    }
}
