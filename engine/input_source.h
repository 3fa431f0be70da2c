/* input_source.h: the plain bytes of a file, packed or not.
 * Is:         a path, or standard input, opened once and read to its end.
 * Threads:    one owner.
 * Memory:     two chunks of INPUT_CHUNK bytes, and what unpacking takes (receiver/inflate_stream.h).
 */
#ifndef SPANMAP_ENGINE_INPUT_SOURCE_H
#define SPANMAP_ENGINE_INPUT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "receiver/inflate_stream.h"

enum { INPUT_CHUNK = 64 << 10 };

struct input_source {
    int fd;
    enum inflate_format format;
    struct inflate_stream *stream; /* NULL: not packed. */
    char *chunk;                   /* Bytes as they stand in the file. */
    struct view left;              /* Of them, those that were not used yet. */
    bool at_end;                   /* Of the file. */
    uint64_t taken;                /* Bytes that were read from it. */
    int system_error;              /* errno, where STATUS_SYSTEM was returned. */
};

/* Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. Release in any case. */
MUST_USE int input_source_open(struct input_source *source, const char *path);
void input_source_release(struct input_source *source);

/* Appends up to INPUT_CHUNK bytes; none: the end.
 * Returns: 0; STATUS_SYSTEM; STATUS_INVALID, STATUS_TRUNCATED (packed data is damaged);
 *          STATUS_TOO_LARGE (inflate_stream_read(), or the bound of `out`); STATUS_NOMEM. */
MUST_USE int input_source_read(struct input_source *source, struct buf *out, size_t *out_size);

#endif
