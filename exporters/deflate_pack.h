/* deflate_pack.h: a text too long to be held is packed while it is written.
 * Is:         a gzip member that grows piece by piece (zlib); whoever writes hands over what has gathered
 *             whenever deflate_pack_is_due(). A text that stays below first_bytes is left as it is.
 * Invariants: what was taken in is in the gzip, in its order, and nothing else.
 * Threads:    one owner at a time.
 * Memory:     owns the gzip, which is of at most packed_bytes_max, and zlib's state of some 260 KiB once
 *             it has begun.
 */
#ifndef SPANMAP_EXPORTERS_DEFLATE_PACK_H
#define SPANMAP_EXPORTERS_DEFLATE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct deflate_pack {
    size_t first_bytes; /* Of the first piece, */
    size_t due_bytes;   /* and of each after it. */
    struct buf packed;
    uint64_t text_bytes; /* What was taken in. */
    void *zlib;          /* NULL: nothing was. */
    int failed;          /* The status of the first piece that was not. */
};

/* A piece is due from due_bytes on. */
void deflate_pack_init(struct deflate_pack *pack, size_t due_bytes, size_t packed_bytes_max);

/* The first only from first_bytes on, which is more. */
void deflate_pack_put_off(struct deflate_pack *pack, size_t first_bytes);
void deflate_pack_release(struct deflate_pack *pack);

static inline bool deflate_pack_has_begun(const struct deflate_pack *pack)
{
    return pack->text_bytes != 0;
}

static inline bool deflate_pack_is_due(const struct deflate_pack *pack, const struct buf *text)
{
    return pack != NULL &&
           text->size >= (deflate_pack_has_begun(pack) ? pack->due_bytes : pack->first_bytes);
}

/* Takes in all of the text, whose buffer is empty then, and no larger than a piece needs; a failure sticks
 * to both. */
void deflate_pack_take(struct deflate_pack *pack, struct buf *text);

/* Takes in the rest and puts the gzip in its place; nothing may be taken in afterwards.
 * Returns: 0; STATUS_NOMEM; STATUS_TOO_LARGE. */
MUST_USE int deflate_pack_end(struct deflate_pack *pack, struct buf *text);

#endif
