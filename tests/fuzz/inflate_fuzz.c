/* inflate_fuzz.c: packed bytes, whole and in pieces, must come out the same. The first byte picks the
 * format, the second the size of the pieces.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "receiver/inflate_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 20 };

static int whole(enum inflate_format format, struct view in, struct buf *out)
{
    switch (format) {
    case INFLATE_GZIP:
        return inflate_gzip(in, OUT_MAX, out);
    case INFLATE_ZLIB:
        return inflate_zlib(in, OUT_MAX, out);
    default:
        return inflate_zstd(in, OUT_MAX, out);
    }
}

static int in_pieces(enum inflate_format format, struct view in, size_t piece, struct buf *out)
{
    struct inflate_stream *stream;
    int status = inflate_stream_new(format, &stream);

    if (status != 0)
        abort();
    while (status == 0 && in.size != 0) {
        struct view part = {in.data, piece < in.size ? piece : in.size};
        size_t size = piece;
        in = (struct view){in.data + part.size, in.size - part.size};
        while (status == 0 && (part.size != 0 || size == piece)) {
            if (buf_reserve(out, piece) != 0)
                abort();
            status = inflate_stream_read(stream, &part, out->data + out->size, piece, &size);
            if (status == 0)
                out->size += size;
            if (status == 0 && out->size > OUT_MAX)
                status = STATUS_TOO_LARGE;
        }
    }
    if (status == 0)
        status = inflate_stream_finish(stream);
    inflate_stream_free(stream);
    return status;
}

/* libdeflate goes over a checksum of gzip's header, and reads the two lengths that deflate leaves
 * undefined; zlib does neither, whichever way it is called. */
static bool zlib_takes(enum inflate_format format, struct view in)
{
    static Bytef out[OUT_MAX];
    bool is_taken = in.size != 0;

    while (is_taken && in.size != 0) {
        z_stream stream = {.next_in = (Bytef *)(uintptr_t)in.data,
                           .avail_in = (uInt)in.size,
                           .next_out = out,
                           .avail_out = sizeof(out)};
        if (inflateInit2(&stream, format == INFLATE_GZIP ? 31 : 15) != Z_OK)
            abort();
        is_taken = inflate(&stream, Z_FINISH) == Z_STREAM_END;
        in = (struct view){(const char *)stream.next_in, stream.avail_in};
        (void)inflateEnd(&stream);
        if (format != INFLATE_GZIP)
            break;
    }
    return is_taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum inflate_format format;
    struct view in;
    struct buf all;
    struct buf pieces;
    int status_all;
    int status_pieces;

    if (size < 2)
        return 0;
    format = (enum inflate_format)(INFLATE_GZIP + data[0] % 3);
    in = (struct view){(const char *)data + 2, size - 2};
    buf_init(&all, 0);
    buf_init(&pieces, 0);
    (void)inflate_guess(in);
    status_all = whole(format, in, &all);
    status_pieces = in_pieces(format, in, (size_t)data[1] + 1, &pieces);
    if ((status_all == 0) != (status_pieces == 0) &&
        !(status_all == 0 && format != INFLATE_ZSTD && !zlib_takes(format, in)))
        abort();
    if (status_all == 0 && status_pieces == 0 && !view_equal(buf_view(&all), buf_view(&pieces)))
        abort();
    if (status_all != 0 && all.size != 0)
        abort();
    buf_release(&all);
    buf_release(&pieces);
    return 0;
}
