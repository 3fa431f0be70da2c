/* naming_charset.h: small sets of characters, to be looked for in texts.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_CHARSET_H
#define SPANMAP_TOPOLOGY_NAMING_CHARSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/* A set of characters below 128, a bit each. */
struct charset {
    uint64_t low, high;
};

#define BIT_OF(c, from) ((c) >= (from) && (c) < (from) + 64 ? UINT64_C(1) << ((c) % 64) : 0)
#define BITS_OF(from, a, b, c, d, e, f, g)                                                         \
    (BIT_OF(a, from) | BIT_OF(b, from) | BIT_OF(c, from) | BIT_OF(d, from) | BIT_OF(e, from) |     \
     BIT_OF(f, from) | BIT_OF(g, from))
/* Of seven; who has fewer names one of them again. */
#define CHARSET(...) ((struct charset){BITS_OF(0, __VA_ARGS__), BITS_OF(64, __VA_ARGS__)})

static inline struct charset charset_both(struct charset a, struct charset b)
{
    return (struct charset){a.low | b.low, a.high | b.high};
}

/* Where the first of the set is; the size of the text: there is none. */
static inline size_t charset_find(struct view text, struct charset set)
{
    for (size_t at = 0; at < text.size; at++) {
        uint8_t c = (uint8_t)text.data[at];
        uint64_t half = c < 64 ? set.low : set.high;
        if (c < 128 && (half >> (c & 63) & 1) != 0)
            return at;
    }
    return text.size;
}

#endif
