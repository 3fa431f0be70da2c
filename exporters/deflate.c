/* deflate.c: room for the worst case, then one call. */
#include "exporters/deflate.h"

#include <libdeflate.h>

int deflate_gzip(struct view text, enum deflate_effort effort, struct buf *out)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor((int)effort);
    size_t room;
    size_t size;
    int status;

    if (compressor == NULL)
        return STATUS_NOMEM;
    room = libdeflate_gzip_compress_bound(compressor, text.size);
    status = buf_reserve(out, room);
    if (status == 0) {
        size = libdeflate_gzip_compress(compressor, text.data, text.size, out->data + out->size,
                                        room);
        out->size += size;
        status = size != 0 ? 0 : STATUS_TOO_LARGE;
    }
    libdeflate_free_compressor(compressor);
    return status;
}
