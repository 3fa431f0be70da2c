/* input_source.c: read(2), then a stream of receiver/inflate_stream.h where the first bytes say so.
 */
#include "engine/input_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Fills the chunk, as far as the file goes. */
static int refill(struct input_source *source)
{
    size_t size = 0;

    while (size < INPUT_CHUNK && !source->at_end) {
        ssize_t more = read(source->fd, source->chunk + size, INPUT_CHUNK - size);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0) {
            source->system_error = errno;
            return STATUS_SYSTEM;
        }
        source->at_end = more == 0;
        size += (size_t)more;
    }
    source->taken += size;
    source->left = (struct view){source->chunk, size};
    return 0;
}

int input_source_open(struct input_source *source, const char *path)
{
    int status;

    *source = (struct input_source){.fd = -1};
    source->chunk = mem_alloc(INPUT_CHUNK);
    if (source->chunk == NULL)
        return STATUS_NOMEM;
    source->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0) {
        source->system_error = errno;
        return STATUS_SYSTEM;
    }
    status = refill(source);
    if (status != 0)
        return status;
    source->format = inflate_guess(source->left);
    return source->format != INFLATE_PLAIN ? inflate_stream_new(source->format, &source->stream)
                                           : 0;
}

void input_source_release(struct input_source *source)
{
    inflate_stream_free(source->stream);
    mem_free(source->chunk);
    if (source->fd > STDIN_FILENO)
        (void)close(source->fd); /* It was only read from. */
    *source = (struct input_source){.fd = -1};
}

static int read_plain(struct input_source *source, char *out, size_t *out_size)
{
    int status = source->left.size == 0 ? refill(source) : 0;

    if (status != 0)
        return status;
    memcpy(out, source->left.data, source->left.size);
    *out_size = source->left.size;
    source->left.size = 0;
    return 0;
}

static int read_packed(struct input_source *source, char *out, size_t *out_size)
{
    size_t size = 0;

    while (size == 0) {
        int status = source->left.size == 0 ? refill(source) : 0;
        bool is_last = source->left.size == 0;
        if (status == 0)
            status = inflate_stream_read(source->stream, &source->left, out, INPUT_CHUNK, &size);
        if (status == 0 && is_last && size == 0)
            return inflate_stream_finish(source->stream);
        if (status != 0)
            return status;
    }
    *out_size = size;
    return 0;
}

int input_source_read(struct input_source *source, struct buf *out, size_t *out_size)
{
    size_t size = 0;
    int status = buf_reserve(out, INPUT_CHUNK);

    if (status != 0)
        return status;
    status = source->stream != NULL ? read_packed(source, out->data + out->size, &size)
                                    : read_plain(source, out->data + out->size, &size);
    if (status != 0)
        return status;
    out->size += size;
    *out_size = size;
    return 0;
}
