/* pusher.h: metrics by Prometheus' remote write, again and again.
 * Is:         a thread of its own that looks at a snapshot every push.remote_write.interval, packs it
 *             into requests, and sends them in their order; sends again what may be taken later, and
 *             drops what will not.
 * Is not:     the format (exporters/remote_write.h).
 * Invariants: it holds up nobody: a receiver that does not answer costs this thread alone. Requests wait in
 *             a queue of at most push.remote_write.queue_max bytes, of which the oldest is dropped and
 *             counted. What was looked at is sent, dropped or queued.
 * Threads:    new, start, stop and free from one thread.
 * Memory:     the queue, one request as it is packed, and what remote_write.h keeps.
 * Source:     EXPORT P18.
 */
#ifndef SPANMAP_ENGINE_PUSHER_H
#define SPANMAP_ENGINE_PUSHER_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/front.h"

struct pusher;

struct pusher_setup {
    const struct options *options; /* Borrowed until pusher_new() returns. */
    struct engine *engine;         /* Borrowed, as is the log, which may be NULL. */
    const struct log *log;
};

/* Whether the options have it push. */
bool pusher_is_on(const struct options *options);

/* On failure out_error has one sentence that names the option; at most 255 bytes.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int pusher_new(const struct pusher_setup *setup, char out_error[256],
                        struct pusher **out_pusher);
void pusher_free(struct pusher *pusher);

const struct counters *pusher_counters(const struct pusher *pusher);

/* `front` says what is in the metrics. Returns: 0; STATUS_SYSTEM. */
MUST_USE int pusher_start(struct pusher *pusher, struct front *front);

/* Looks a last time, marks all series as ended, and sends what there is until then. */
void pusher_stop(struct pusher *pusher, struct mono_time until);

#endif
