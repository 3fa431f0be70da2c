/* draw.h: runs the drawing helper for one picture.
 * Is:         a child process with a deadline, limits and bounded output, started, fed, read and
 *             reaped within one call. Killed, hung, crashed or not installed, it costs one picture
 *             and leaves one sentence.
 * Is not:     a child watcher: it waits for its own child only. Neither its thread's signals nor its
 *             host's handlers are touched, and SIGPIPE cannot come of it.
 * Invariants: no child, no zombie and no descriptor is left behind, whatever happened.
 * Threads:    any, at once; the calling thread blocks for at most about timeout_ns.
 * Memory:     the picture, up to picture_bytes_max.
 */
#ifndef SPANMAP_EXPORTERS_DRAW_H
#define SPANMAP_EXPORTERS_DRAW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

struct draw_job {
    struct view helper;         /* Path of spanmap-draw. */
    const char *format;         /* "svg", "png", "pdf" */
    struct view description;    /* What dot_render() wrote. */
    uint64_t timeout_ns;        /* 0: 10 s, also of CPU time. */
    size_t memory_bytes_max;    /* Of addresses; 0: 512 MiB. */
    size_t picture_bytes_max;   /* 0: 32 MiB */
    const atomic_bool *is_over; /* Once it is true nobody wants the picture; NULL: somebody does. */
};

/* Appends the picture. On failure out_error has one sentence and `out` is as before.
 * Returns: 0; STATUS_UNSUPPORTED (no helper, or no Graphviz); STATUS_TIMEOUT; STATUS_SYSTEM (it
 *          could not be started, crashed or refused); STATUS_TOO_LARGE; STATUS_NOMEM; STATUS_BUSY
 *          (job->is_over became true, at most a moment ago). */
MUST_USE int draw_run(const struct draw_job *job, char out_error[256], struct buf *out);

#endif
