/* input_split.h: where one JSON value ends and the next begins, in text that comes in pieces.
 * Is:         a scan that looks at each byte once, however the pieces fall.
 * Is not:     a judgement whether it is JSON. Damaged text is cut so that a damaged line does not
 *             take those behind it along: no string holds a line end, and an object that begins a
 *             line follows '[', ',' or ':' unless it is a value of its own.
 * Threads:    plain data.
 */
#ifndef SPANMAP_ENGINE_INPUT_SPLIT_H
#define SPANMAP_ENGINE_INPUT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct input_split {
    size_t scanned; /* Bytes of the text that were looked at. */
    size_t depth;   /* Open objects and arrays of the value. */
    bool is_in_value;
    bool is_in_string;
    bool is_escaped;  /* The next character of the string. */
    bool has_newline; /* Behind `last`. */
    char last;        /* The last character of the value that is no space. */
};

/* Looks for the end of the value at the front of `text`, of which `scanned` bytes were looked at
 * before; spaces in front of it are the caller's to take off. At the end of the input `is_end`.
 * Returns whether the value is whole; its size is *out_size then, and the scan begins anew. */
bool input_split_next(struct input_split *split, struct view text, bool is_end, size_t *out_size);

#endif
