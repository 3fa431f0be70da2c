/* escape.h: texts that strangers chose, written into formats that give characters a meaning.
 * Is:         one function per format; each also turns what is not UTF-8 into U+FFFD.
 * Invariants: what is appended is valid UTF-8 and cannot end the literal it stands in.
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_ESCAPE_H
#define SPANMAP_EXPORTERS_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"

/* All below return as buf_append(), and on failure leave what was appended so far. */

/* Only the repair of what is not UTF-8. */
int escape_none(struct buf *out, struct view text);

/* Inside the quotes of a JSON string. */
int escape_json(struct buf *out, struct view text);

/* Inside the quotes of a Prometheus label value (text 0.0.4 and OpenMetrics); a zero byte becomes
 * U+FFFD. */
int escape_label(struct buf *out, struct view text);

/* Text or an attribute's value in XML and HTML; what XML does not have, and what
 * escape_plain() replaces, becomes U+FFFD. */
int escape_xml(struct buf *out, struct view text);

/* For a terminal or a line of text: control characters, separators of lines, and those that
 * turn the direction of the text around them, become U+FFFD. */
int escape_plain(struct buf *out, struct view text);

/* The front of a text, at most `characters` of them, and an ellipsis where more was cut off. The
 * result is plain (escape_plain). */
int escape_cut(struct buf *out, struct view text, size_t characters);

#endif
