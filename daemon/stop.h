/* stop.h: the first SIGINT or SIGTERM asks a command to stop, the second one ends it.
 * Is:         for commands without threads; `run` waits for its signals itself.
 * Invariants: once asked, reading standard input comes to its end, even where it waited.
 * Threads:    the main thread.
 */
#ifndef SPANMAP_DAEMON_STOP_H
#define SPANMAP_DAEMON_STOP_H

#include <stdbool.h>

#include "base/status.h"

/* Once in a process, which it changes for good. Returns: 0; STATUS_SYSTEM. */
MUST_USE int stop_init(void);

bool stop_asked(void);

/* Readable once stop was asked; -1 before stop_init(). */
int stop_fd(void);

#endif
