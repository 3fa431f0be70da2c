/* deflate_pack.c: zlib's fastest level; text of metrics becomes a twentieth all the same. */
#include "exporters/deflate_pack.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { LEVEL = 1, WINDOW_BITS = 15, WRAPPER_GZIP = 16, MEMORY_LEVEL = 8, ROOM_MIN = 64 << 10 };

void deflate_pack_init(struct deflate_pack *pack, size_t due_bytes, size_t packed_bytes_max)
{
    *pack = (struct deflate_pack){.first_bytes = due_bytes, .due_bytes = due_bytes};
    buf_init(&pack->packed, packed_bytes_max);
}

void deflate_pack_put_off(struct deflate_pack *pack, size_t first_bytes)
{
    CHECK(!deflate_pack_has_begun(pack));
    if (first_bytes > pack->due_bytes)
        pack->first_bytes = first_bytes;
}

static void end_stream(struct deflate_pack *pack)
{
    if (pack->zlib != NULL)
        (void)deflateEnd(pack->zlib); /* Only says that there was more to come. */
    mem_free(pack->zlib);
    pack->zlib = NULL;
}

void deflate_pack_release(struct deflate_pack *pack)
{
    end_stream(pack);
    buf_release(&pack->packed);
}

static int begin_stream(struct deflate_pack *pack)
{
    z_stream *zlib = mem_calloc(1, sizeof(*zlib));

    if (zlib == NULL)
        return STATUS_NOMEM;
    zlib->zalloc = mem_zlib_alloc;
    zlib->zfree = mem_zlib_free;
    if (deflateInit2(zlib, LEVEL, Z_DEFLATED, WINDOW_BITS + WRAPPER_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        mem_free(zlib);
        return STATUS_NOMEM;
    }
    pack->zlib = zlib;
    return 0;
}

static int pack_all(struct deflate_pack *pack, struct view text, int flush)
{
    z_stream *zlib = pack->zlib;
    struct buf *packed = &pack->packed;
    int code = Z_OK;

    CHECK(text.size <= UINT32_MAX / 2);
    zlib->next_in = (const Bytef *)text.data;
    zlib->avail_in = (unsigned)text.size;
    do {
        size_t room = packed->capacity - packed->size;
        int status = room != 0 ? 0 : buf_reserve(packed, ROOM_MIN);
        if (status != 0)
            return status;
        room = packed->capacity - packed->size;
        room = room < UINT32_MAX / 2 ? room : UINT32_MAX / 2;
        zlib->next_out = (Bytef *)packed->data + packed->size;
        zlib->avail_out = (unsigned)room;
        code = deflate(zlib, flush);
        CHECK(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR);
        packed->size += room - zlib->avail_out;
    } while (zlib->avail_in != 0 || (flush == Z_FINISH && code != Z_STREAM_END));
    return 0;
}

static int take(struct deflate_pack *pack, struct buf *text, int flush)
{
    int status = pack->failed;

    if (status == 0 && pack->zlib == NULL)
        status = begin_stream(pack);
    if (status == 0)
        status = pack_all(pack, buf_view(text), flush);
    if (status != 0) {
        pack->failed = text->failed = status;
        return status;
    }
    pack->text_bytes += text->size;
    text->size = 0;
    return 0;
}

void deflate_pack_take(struct deflate_pack *pack, struct buf *text)
{
    int status = take(pack, text, Z_NO_FLUSH); /* It sticks. */

    text->size = 0;
    if (status == 0 && pack->first_bytes > pack->due_bytes && text->capacity / 2 > pack->due_bytes)
        buf_release(text); /* The first piece was larger than the others will be. */
}

int deflate_pack_end(struct deflate_pack *pack, struct buf *text)
{
    int status = take(pack, text, Z_FINISH);

    if (status != 0)
        return status;
    end_stream(pack);
    buf_release(text);
    *text = pack->packed;
    buf_init(&pack->packed, text->size_max);
    return 0;
}
