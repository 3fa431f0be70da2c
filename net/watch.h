/* watch.h: files that are read again when they change.
 * Is:         groups of small files (a certificate with its key, a list of tokens), read together
 *             and handed over together, on a thread of its own.
 * Is not:     a knowledge of what is in them.
 * Invariants: what is handed over was in the files at one moment each; what they hold now is handed
 *             over in the end, however they were changed: in place, by a rename, or by another
 *             symbolic link on the way to them. The same contents are handed over once.
 * Threads:    new, add, start and free from one thread; add calls `load` itself, afterwards the
 *             functions of a group run on the watch's thread.
 * Memory:     WATCH_GROUPS_MAX groups; contents, up to 1 MiB a file, live while `load` runs, and
 *             are wiped.
 */
#ifndef SPANMAP_NET_WATCH_H
#define SPANMAP_NET_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum { WATCH_GROUPS_MAX = 8, WATCH_FILES_MAX = 4 };

struct watch_group {
    const char *paths[WATCH_FILES_MAX]; /* Borrowed. NULL or empty: there is no such file. */
    /* Takes the contents, in the order of paths. On failure what was there before stays, and
     * out_error has one sentence. Returns: 0; any failure. */
    int (*load)(void *context, const struct view contents[WATCH_FILES_MAX], char out_error[256]);
    /* How a change was taken, or that a file cannot be read: once for each state of the files. */
    void (*changed)(void *context, int status, const char *error);
    /* After each look at the files, changed or not; NULL: nobody cares. */
    void (*looked)(void *context);
    void *context;
};

struct watch;

/* `interval_ns` is how often files are looked at where nothing tells that they changed; 0: 10 s.
 * Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int watch_new(uint64_t interval_ns, struct watch **out_watch);

/* Reads and loads. On failure out_error has one sentence with the path; nothing is watched then.
 * Returns: 0; STATUS_FULL; STATUS_SYSTEM or STATUS_TOO_LARGE (a file cannot be read); STATUS_NOMEM;
 * as `load`. */
MUST_USE int watch_add(struct watch *watch, const struct watch_group *group, char out_error[256]);

/* Returns: 0; STATUS_SYSTEM. */
MUST_USE int watch_start(struct watch *watch);
void watch_free(struct watch *watch);

#endif
