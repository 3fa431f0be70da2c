/* config.h: the effective options, from defaults, a YAML file and --set.
 * Is:         what `run`, `check`, `map` and the library share. Later wins: defaults, then the file,
 *             then a text, then each --set in its order.
 * Is not:     a schema of its own: keys and values are judged by engine/options.h.
 * Invariants: every fault is told, each on a line of its own: where (file, line and column, or the
 *             --set), which key, what is wrong, what is allowed.
 * Memory:     a file, or a text, of at most 1 MiB, and what its options keep.
 */
#ifndef SPANMAP_ENGINE_CONFIG_H
#define SPANMAP_ENGINE_CONFIG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "engine/options.h"

struct config_sources {
    const char *file;        /* NULL: none. "-": standard input. */
    struct view text;        /* The text of a file that is held already; empty: none. */
    const char *const *sets; /* "key=value" each; lists and maps in YAML's flow form. */
    size_t sets_count;
    const char *sets_label; /* What faults call them; NULL: "--set". */
    /* The value of an environment variable, or NULL; borrowed until the next call. NULL: texts are
     * taken as they are, dollars included. */
    const char *(*environment)(void *context, const char *name);
    void *context;
};

/* The caller ends what it got with options_release(). out_errors, an initialised buffer, gets the
 * faults, each line ended by '\n', where the result is not 0.
 * Returns: 0; STATUS_INVALID (the faults are the user's); STATUS_SYSTEM (the file cannot be read);
 *          STATUS_NOMEM. All but STATUS_NOMEM mean exit code 2. */
MUST_USE int config_load(const struct config_sources *sources, struct buf *out_errors,
                         struct options *out_options);

#endif
