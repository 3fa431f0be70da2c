/* http_unpack.c: zlib keeps its place between two calls. */
#include "net/http_unpack.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { WINDOW_BITS = 15, WRAPPER_GZIP = 16, PIECE_MAX = 1 << 30 };

struct http_unpack {
    z_stream zlib;
    struct view rest;
};

int http_unpack_new(struct view packed, struct http_unpack **out_unpack)
{
    struct http_unpack *unpack = mem_calloc(1, sizeof(*unpack));

    if (unpack == NULL)
        return STATUS_NOMEM;
    unpack->zlib.zalloc = mem_zlib_alloc;
    unpack->zlib.zfree = mem_zlib_free;
    unpack->rest = packed;
    if (inflateInit2(&unpack->zlib, WINDOW_BITS + WRAPPER_GZIP) != Z_OK) {
        mem_free(unpack);
        return STATUS_NOMEM;
    }
    *out_unpack = unpack;
    return 0;
}

void http_unpack_free(struct http_unpack *unpack)
{
    if (unpack == NULL)
        return;
    (void)inflateEnd(&unpack->zlib); /* Only says that there was no stream. */
    mem_free(unpack);
}

int http_unpack_next(struct http_unpack *unpack, size_t enough, struct buf *out)
{
    z_stream *zlib = &unpack->zlib;
    size_t in = unpack->rest.size < PIECE_MAX ? unpack->rest.size : PIECE_MAX;
    int status;
    int code;

    enough = enough < PIECE_MAX ? enough : PIECE_MAX;
    if (enough == 0)
        return 0;
    status = buf_reserve(out, enough);
    if (status != 0)
        return status;
    zlib->next_in = (const Bytef *)unpack->rest.data;
    zlib->avail_in = (unsigned)in;
    zlib->next_out = (Bytef *)out->data + out->size;
    zlib->avail_out = (unsigned)enough;
    code = inflate(zlib, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR)
        return STATUS_NOMEM;
    if ((code != Z_OK && code != Z_STREAM_END) || zlib->avail_out == enough)
        return STATUS_INVALID; /* Who asks knows that there is more. */
    unpack->rest.data += in - zlib->avail_in;
    unpack->rest.size -= in - zlib->avail_in;
    out->size += enough - zlib->avail_out;
    return 0;
}

int http_unpack_all(struct buf *body, size_t bytes)
{
    struct http_unpack *unpack;
    struct buf text;
    int status = http_unpack_new(buf_view(body), &unpack);

    if (status != 0)
        return status;
    buf_init(&text, bytes);
    while (status == 0 && text.size < bytes)
        status = http_unpack_next(unpack, bytes - text.size, &text);
    http_unpack_free(unpack);
    if (status != 0) {
        buf_release(&text);
        return status;
    }
    buf_release(body);
    *body = text;
    return 0;
}
