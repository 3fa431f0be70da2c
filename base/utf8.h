/* utf8.h: where a character of UTF-8 ends.
 * Threads:    pure functions.
 * Source:     RFC 3629: no surrogates, no longer forms, nothing above U+10FFFF.
 */
#ifndef SPANMAP_BASE_UTF8_H
#define SPANMAP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/view.h"

/* Bytes of the character that `text` starts with, 1 to 4; 0: there is none, or it is broken. */
size_t utf8_size(struct view text);

bool utf8_is_valid(struct view text);

/* Whether `text` starts with what a terminal may take for an order, or cannot show: C0, DEL, C1, and
 * broken bytes. */
bool utf8_is_control(struct view text);

/* `text` as one line of a terminal may show it, zero-terminated: '?' for control characters and
 * what is broken, "..." behind what has no room. `size` is at least 4. Returns: `out`. */
const char *utf8_show(struct view text, char *out, size_t size);

#endif
