/* snappy.c: the only file that names libsnappy. */
#include "exporters/snappy.h"

#include <snappy-c.h>

int snappy_pack(struct view from, struct buf *out)
{
    size_t size = snappy_max_compressed_length(from.size);
    int status = buf_reserve(out, size);

    if (status != 0)
        return status;
    /* With that much room it cannot fail. */
    if (snappy_compress(from.data, from.size, out->data + out->size, &size) != SNAPPY_OK)
        return STATUS_NOMEM;
    out->size += size;
    return 0;
}
