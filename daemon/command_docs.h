/* command_docs.h: what is made from the table of commands, beside --help: the man page, and completion
 * for shells.
 */
#ifndef SPANMAP_DAEMON_COMMAND_DOCS_H
#define SPANMAP_DAEMON_COMMAND_DOCS_H

#include "base/buf.h"
#include "base/status.h"

/* spanmap(1), for man(7). Returns: 0; STATUS_NOMEM. */
MUST_USE int command_docs_man(struct buf *out);

/* For `shell`: bash, zsh or fish. Returns: 0; STATUS_UNSUPPORTED (another shell); STATUS_NOMEM. */
MUST_USE int command_docs_completion(const char *shell, struct buf *out);

#endif
