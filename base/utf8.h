/* utf8.h: characters of UTF-8, one after the other.
 * Threads:    pure functions.
 * Source:     RFC 3629: no surrogates, no longer forms, nothing above U+10FFFF.
 */
#ifndef SPANMAP_BASE_UTF8_H
#define SPANMAP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Takes one character off the front of `rest`, which is not empty. Ill-formed bytes come out as
 * U+FFFD, one for each longest part of a character (Unicode 3.9, as browsers do it);
 * `out_valid` tells them from a U+FFFD that was sent. */
uint32_t utf8_take(struct view *rest, bool *out_valid);

/* Appends one character; U+FFFD for what is none. Returns: as buf_append(). */
int utf8_append(struct buf *out, uint32_t character);

/* Bytes of the character that `text` starts with, 1 to 4; 0: there is none, or it is broken. */
size_t utf8_size(struct view text);

bool utf8_is_valid(struct view text);

/* Whether `text` starts with what a terminal may take for an order, or cannot show: C0, DEL, C1, and
 * broken bytes. */
bool utf8_is_control(struct view text);

/* At most the first `size_max` bytes of valid UTF-8, cut between characters. */
struct view utf8_cut(struct view text, size_t size_max);

/* `text` as one line of a terminal may show it, zero-terminated: '?' for control characters and
 * what is broken, "..." behind what has no room. `size` is at least 4. Returns: `out`. */
const char *utf8_show(struct view text, char *out, size_t size);

#endif
