/* inflate_stream.c: pieces by zlib and libzstd, which keep their state between calls.
 */
#include "receiver/inflate_stream.h"

#include <string.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/check.h"
#include "base/mem.h"

/* Bits of zlib's window, and what stands for the two wrappers. */
enum { WINDOW_BITS = 15, WRAPPER_GZIP = 16 };

enum { MAGIC_SIZE = 4 };

struct inflate_stream {
    enum inflate_format format;
    bool is_between; /* At the end of a member or frame, and one was there. */
    uint64_t total_in;
    uint64_t total_out;
    z_stream zlib;
    ZSTD_DCtx *zstd;
    char magic[MAGIC_SIZE]; /* Of the frame that begins. */
    size_t magic_size;
    size_t magic_used; /* Of it, what libzstd has taken. */
};

int inflate_stream_new(enum inflate_format format, struct inflate_stream **out_stream)
{
    struct inflate_stream *stream = mem_calloc(1, sizeof(*stream));
    int code = Z_OK;

    CHECK(format != INFLATE_PLAIN);
    if (stream == NULL)
        return STATUS_NOMEM;
    stream->format = format;
    if (format == INFLATE_ZSTD) {
        stream->zstd = ZSTD_createDCtx();
        if (stream->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                        stream->zstd, ZSTD_d_windowLogMax, INFLATE_WINDOW_LOG)))
            code = Z_MEM_ERROR;
    } else {
        stream->zlib.zalloc = mem_zlib_alloc;
        stream->zlib.zfree = mem_zlib_free;
        code = inflateInit2(&stream->zlib,
                            WINDOW_BITS + (format == INFLATE_GZIP ? WRAPPER_GZIP : 0));
    }
    if (code != Z_OK) {
        inflate_stream_free(stream);
        return STATUS_NOMEM;
    }
    *out_stream = stream;
    return 0;
}

void inflate_stream_free(struct inflate_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->format != INFLATE_ZSTD)
        (void)inflateEnd(&stream->zlib); /* Only says that there was no stream. */
    (void)ZSTD_freeDCtx(stream->zstd);   /* Takes NULL. */
    mem_free(stream);
}

static void advance(struct view *in, size_t used)
{
    *in = (struct view){in->data + used, in->size - used};
}

/* Begins the next member where one has ended and there are bytes. */
static int begin_member(struct inflate_stream *stream, const struct view *in)
{
    if (!stream->is_between || in->size == 0)
        return 0;
    if (stream->format != INFLATE_GZIP || inflateReset(&stream->zlib) != Z_OK)
        return STATUS_INVALID;
    stream->is_between = false;
    return 0;
}

static int read_zlib(struct inflate_stream *stream, struct view *in, char *out, size_t room,
                     size_t *out_size)
{
    z_stream *zlib = &stream->zlib;
    size_t most = UINT32_MAX / 2;
    size_t in_size;
    size_t out_room = room < most ? room : most;
    int status = begin_member(stream, in);
    int code;

    if (status != 0)
        return status;
    if (stream->is_between) {
        *out_size = 0;
        return 0;
    }
    in_size = in->size < most ? in->size : most;
    zlib->next_in = (const Bytef *)in->data;
    zlib->avail_in = (unsigned)in_size;
    zlib->next_out = (Bytef *)out;
    zlib->avail_out = (unsigned)out_room;
    code = inflate(zlib, Z_NO_FLUSH);
    advance(in, in_size - zlib->avail_in);
    *out_size = out_room - zlib->avail_out;
    stream->is_between = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR)
        return STATUS_NOMEM;
    /* Z_BUF_ERROR: there was nothing to do. */
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR ? 0 : STATUS_INVALID;
}

static int explain_zstd(size_t code)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return STATUS_NOMEM;
    case ZSTD_error_frameParameter_windowTooLarge:
        return STATUS_TOO_LARGE;
    default:
        return STATUS_INVALID;
    }
}

/* libzstd would read the formats from before its first version too, with code that nobody needs or
 * tests any more. So a frame's first bytes are held back until they show what it is. */
static int take_magic(struct inflate_stream *stream, struct view *in)
{
    size_t missing = MAGIC_SIZE - stream->magic_size;
    size_t size = missing < in->size ? missing : in->size;

    memcpy(stream->magic + stream->magic_size, in->data, size);
    stream->magic_size += size;
    stream->is_between = false;
    advance(in, size);
    if (stream->magic_size == MAGIC_SIZE &&
        inflate_guess((struct view){stream->magic, MAGIC_SIZE}) != INFLATE_ZSTD)
        return STATUS_INVALID;
    return 0;
}

static int read_zstd(struct inflate_stream *stream, struct view *in, char *out, size_t room,
                     size_t *out_size)
{
    ZSTD_inBuffer from;
    ZSTD_outBuffer to = {out, room, 0};
    bool is_magic;
    size_t code;

    if (stream->magic_size < MAGIC_SIZE && in->size != 0) {
        int status = take_magic(stream, in);
        if (status != 0)
            return status;
    }
    if (stream->magic_size < MAGIC_SIZE)
        return 0;
    is_magic = stream->magic_used < MAGIC_SIZE;
    from = is_magic ? (ZSTD_inBuffer){stream->magic, MAGIC_SIZE, stream->magic_used}
                    : (ZSTD_inBuffer){in->data, in->size, 0};
    code = ZSTD_decompressStream(stream->zstd, &to, &from);
    if (ZSTD_isError(code))
        return explain_zstd(code);
    if (is_magic)
        stream->magic_used = from.pos;
    else
        advance(in, from.pos);
    *out_size = to.pos;
    stream->is_between = code == 0;
    if (code == 0)
        stream->magic_size = stream->magic_used = 0;
    return 0;
}

int inflate_stream_read(struct inflate_stream *stream, struct view *in, char *out, size_t room,
                        size_t *out_size)
{
    size_t before = in->size;
    size_t size = 0;
    int status = stream->format == INFLATE_ZSTD ? read_zstd(stream, in, out, room, &size)
                                                : read_zlib(stream, in, out, room, &size);

    if (status != 0)
        return status;
    stream->total_in += before - in->size;
    stream->total_out += size;
    if (stream->total_out > INFLATE_FREE_BYTES &&
        stream->total_out / INFLATE_RATIO_MAX > stream->total_in)
        return STATUS_TOO_LARGE;
    *out_size = size;
    return 0;
}

int inflate_stream_finish(const struct inflate_stream *stream)
{
    return stream->is_between ? 0 : STATUS_TRUNCATED;
}

uint64_t inflate_stream_total(const struct inflate_stream *stream)
{
    return stream->total_out;
}

/* One piece of output, at most `left` bytes of it in `out`; what comes beyond is too much. */
static int inflate_piece(struct inflate_stream *stream, struct view *in, size_t left,
                         struct buf *out, bool *out_is_full)
{
    size_t piece = ZSTD_DStreamOutSize();
    size_t room = left < piece ? left : piece;
    size_t written = 0;
    char beyond;
    int status = buf_reserve(out, room);

    if (status != 0)
        return status;
    status = room != 0 ? inflate_stream_read(stream, in, out->data + out->size, room, &written)
                       : inflate_stream_read(stream, in, &beyond, 1, &written);
    if (status != 0)
        return status;
    if (written > room)
        return STATUS_TOO_LARGE;
    out->size += written;
    *out_is_full = written == room && room != 0;
    return 0;
}

/* A stream's loop over a message that is there in whole. */
int inflate_zstd(struct view in, size_t bytes_max, struct buf *out)
{
    struct inflate_stream *stream = NULL;
    size_t begin = out->size;
    bool is_full = true;
    int status = inflate_stream_new(INFLATE_ZSTD, &stream);

    while (status == 0 && (in.size != 0 || is_full))
        status = inflate_piece(stream, &in, bytes_max - (out->size - begin), out, &is_full);
    if (status == 0 && inflate_stream_finish(stream) != 0)
        status = STATUS_INVALID;
    inflate_stream_free(stream);
    if (status != 0)
        out->size = begin;
    return status;
}
