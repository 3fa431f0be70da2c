/* dimensions.h: the attributes whose values become labels.
 * Is:         the list of metrics.dimensions, compiled: keys, a look-up for the hot path,
 *             the names of labels; and how the values of one span are packed into one text.
 * Is not:     the place where values are kept (catalog.h), nor where they are read (attributes.h).
 * Invariants: no label is equal to another one of the same metric, built-in ones included.
 * Threads:    immutable after dimensions_new(); any number may read it.
 * Memory:     owns its texts; at most DIMENSIONS_MAX keys.
 * Source:     TOPOLOGY section 4; spec SEMCONV (what is never a label); EXPORT P8, P10.
 */
#ifndef SPANMAP_TOPOLOGY_DIMENSIONS_H
#define SPANMAP_TOPOLOGY_DIMENSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/view.h"

enum {
    DIMENSIONS_MAX = 16,
    DIMENSION_KEY_MAX = 255,    /* Bytes of a key. */
    DIMENSION_SIZES = 64,       /* Longer keys stand with those of 63. */
    DIMENSION_HEAD_BYTES = 3,   /* Of a packed value. */
    DIMENSION_VALUE_MAX = 4096, /* Bytes of one. */
};

/* Numbers of sets of values (catalog.h). They stand in 21 bits of keys and cells. */
enum {
    DIMENSIONS_NONE = 0,     /* No value at all; also where there are no dimensions. */
    DIMENSIONS_OVERFLOW = 1, /* Past a bound. */
    DIMENSION_SET_BITS = 21,
    DIMENSION_SETS_MAX = (1 << DIMENSION_SET_BITS) - 1,
};

/* A dimension stands under the first name among operations, under the others on edges. */
enum dimension_side { DIMENSION_PLAIN, DIMENSION_CLIENT, DIMENSION_SERVER, DIMENSION_SIDES };

struct dimension {
    struct view key;
    struct view label[DIMENSION_SIDES];
};

struct dimensions {
    uint32_t count;
    struct dimension items[DIMENSIONS_MAX];
    uint8_t order[DIMENSION_SIDES][DIMENSIONS_MAX]; /* Sorted by label. */
    uint16_t of_size[DIMENSION_SIZES];              /* Bit i: item i has a key of this size. */
};

/* On failure out_error has one sentence, without the option's key, that says which name and why; at
 * most 255 bytes. Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int dimensions_new(const struct view *keys, size_t count, char out_error[256],
                            struct dimensions **out_dimensions);
void dimensions_free(struct dimensions *dimensions);

/* The number of a key; DIMENSIONS_MAX: it is none. */
static inline unsigned dimensions_find(const struct dimensions *dimensions, struct view key)
{
    size_t size = key.size < DIMENSION_SIZES ? key.size : DIMENSION_SIZES - 1;

    for (unsigned left = dimensions->of_size[size]; left != 0; left &= left - 1) {
        unsigned which = (unsigned)__builtin_ctz(left);
        if (view_equal(dimensions->items[which].key, key))
            return which;
    }
    return DIMENSIONS_MAX;
}

/* ------------------------------------------------------------------ packed values */

/* Writes the head of a value, which follows it; in the order of numbers. */
static inline void dimension_head(char out_head[DIMENSION_HEAD_BYTES], unsigned which, size_t size)
{
    out_head[0] = (char)which;
    out_head[1] = (char)(size & 0xFF);
    out_head[2] = (char)(size >> 8);
}

/* Takes the first value off a packed text. False: there is none left. */
static inline bool dimension_next(struct view *packed, unsigned *out_which, struct view *out_value)
{
    const unsigned char *head = (const unsigned char *)packed->data;
    size_t size;

    if (packed->size < DIMENSION_HEAD_BYTES)
        return false;
    size = head[1] | (size_t)head[2] << 8;
    *out_which = head[0];
    *out_value = (struct view){packed->data + DIMENSION_HEAD_BYTES, size};
    *packed = (struct view){out_value->data + size, packed->size - DIMENSION_HEAD_BYTES - size};
    return true;
}

/* The value of one dimension; empty: it has none. */
struct view dimension_value(struct view packed, unsigned which);

#endif
