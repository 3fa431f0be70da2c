/* command_docs.h: what is made from the table of commands, beside --help.
 * Is:         the man page, and completion of arguments for shells; `make install` puts them in place.
 * Is not:     --help (command.h), or the reference of options (config_docs.h).
 * Threads:    the main thread's.
 * Memory:     writes to the caller's buffer.
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
