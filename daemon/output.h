/* output.h: bytes to a file or to standard output.
 * Invariants: a regular file is replaced whole or left as it was: whoever reads it sees the old
 *             content or the new one. What is no regular file (a pipe, a device) is written to.
 */
#ifndef SPANMAP_DAEMON_OUTPUT_H
#define SPANMAP_DAEMON_OUTPUT_H

#include "base/status.h"
#include "base/view.h"

/* `path` of NULL or "-": standard output. On failure out_error has one sentence with the path and
 * the reason; at most 255 bytes. Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int output_write(const char *path, struct view bytes, char out_error[256]);

#endif
