/* inflate.c: whole messages by libdeflate, which is more than twice as fast as zlib but wants its
 * output in one piece. The size is guessed and doubled until it suffices or the bound is reached.
 */
#include "receiver/inflate.h"

#include <libdeflate.h>
#include <string.h>

#include "base/check.h"

enum { ROOM_FIRST = 4096, TRAILER_SIZE = 4, LIKELY_LEAST = 64 << 10, LIKELY_RATIO = 8 };

enum inflate_format inflate_guess(struct view first)
{
    if (view_starts(first, VIEW("\x1F\x8B")))
        return INFLATE_GZIP;
    /* A zstd frame, or one of the sixteen numbers of a frame to be skipped. */
    if (view_starts(first, VIEW("\x28\xB5\x2F\xFD")) ||
        (first.size >= 4 && (first.data[0] & 0xF0) == 0x50 &&
         memcmp(first.data + 1, "\x2A\x4D\x18", 3) == 0))
        return INFLATE_ZSTD;
    return INFLATE_PLAIN;
}

size_t inflate_most(size_t in_size, size_t bytes_max)
{
    size_t most = INFLATE_FREE_BYTES;

    if (in_size > most / INFLATE_RATIO_MAX)
        most = in_size > SIZE_MAX / INFLATE_RATIO_MAX ? SIZE_MAX : in_size * INFLATE_RATIO_MAX;
    return most < bytes_max ? most : bytes_max;
}

/* The size that the last member tells, which is all of it in the usual case of one member. */
static size_t told_size(struct view in)
{
    const uint8_t *at;

    if (in.size < TRAILER_SIZE)
        return 0;
    at = (const uint8_t *)in.data + in.size - TRAILER_SIZE;
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

size_t inflate_likely(enum inflate_format format, struct view in)
{
    size_t likely = format == INFLATE_GZIP ? told_size(in) : in.size;

    if (format != INFLATE_GZIP)
        likely = likely > SIZE_MAX / LIKELY_RATIO ? SIZE_MAX : likely * LIKELY_RATIO;
    return likely > LIKELY_LEAST ? likely : LIKELY_LEAST;
}

static enum libdeflate_result decompress(struct libdeflate_decompressor *decompressor,
                                         enum inflate_format format, struct view in,
                                         const struct buf *out, size_t room, size_t *used,
                                         size_t *written)
{
    char *to = out->data + out->size;

    if (format == INFLATE_GZIP)
        return libdeflate_gzip_decompress_ex(decompressor, in.data, in.size, to, room, used,
                                             written);
    return libdeflate_zlib_decompress_ex(decompressor, in.data, in.size, to, room, used, written);
}

/* One member, with at most `left` bytes of output. */
static int inflate_member(struct libdeflate_decompressor *decompressor, enum inflate_format format,
                          struct view *in, size_t *left, struct buf *out)
{
    size_t room = format == INFLATE_GZIP ? told_size(*in) : 0;
    size_t used = 0;
    size_t written = 0;

    if (room < ROOM_FIRST)
        room = ROOM_FIRST;
    for (;;) {
        enum libdeflate_result result;
        int status;
        if (room > *left)
            room = *left;
        status = buf_reserve(out, room != 0 ? room : 1);
        if (status != 0)
            return status;
        result = decompress(decompressor, format, *in, out, room, &used, &written);
        if (result == LIBDEFLATE_SUCCESS)
            break;
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return STATUS_INVALID;
        if (room == *left)
            return STATUS_TOO_LARGE;
        room = room > SIZE_MAX / 2 ? SIZE_MAX : room * 2;
    }
    out->size += written;
    *left -= written;
    *in = (struct view){in->data + used, in->size - used};
    return 0;
}

static int inflate_whole(enum inflate_format format, struct view in, size_t bytes_max,
                         struct buf *out)
{
    struct libdeflate_decompressor *decompressor;
    size_t begin = out->size;
    size_t left = inflate_most(in.size, bytes_max);
    int status;

    if (in.size == 0)
        return STATUS_INVALID; /* Nothing is not even an empty stream. */
    decompressor = libdeflate_alloc_decompressor();
    if (decompressor == NULL)
        return STATUS_NOMEM;
    do
        status = inflate_member(decompressor, format, &in, &left, out);
    while (status == 0 && in.size != 0 && format == INFLATE_GZIP);
    if (status == 0 && in.size != 0)
        status = STATUS_INVALID; /* A zlib stream has an end, and something follows it. */
    libdeflate_free_decompressor(decompressor);
    if (status != 0)
        out->size = begin;
    return status;
}

int inflate_gzip(struct view in, size_t bytes_max, struct buf *out)
{
    return inflate_whole(INFLATE_GZIP, in, bytes_max, out);
}

int inflate_zlib(struct view in, size_t bytes_max, struct buf *out)
{
    return inflate_whole(INFLATE_ZLIB, in, bytes_max, out);
}

int inflate_any(enum inflate_format format, struct view in, size_t bytes_max, struct buf *out)
{
    CHECK(format != INFLATE_PLAIN);
    if (format == INFLATE_GZIP)
        return inflate_gzip(in, bytes_max, out);
    return format == INFLATE_ZLIB ? inflate_zlib(in, bytes_max, out)
                                  : inflate_zstd(in, bytes_max, out);
}
