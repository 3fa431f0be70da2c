/* otlp_target.h: what a decoded request's resources say of themselves, for traces_target_info.
 * Is:         a look at each resource's bytes, whose hash a memo knows; only one that it does not
 *             know is read.
 * Is not:     a judge of bytes: the request was decoded before, and proved to be whole.
 * Threads:    one decoder's.
 * Memory:     a memo of 512 KiB.
 */
#ifndef SPANMAP_RECEIVER_OTLP_TARGET_H
#define SPANMAP_RECEIVER_OTLP_TARGET_H

#include <stdint.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/targets.h"

enum { OTLP_TARGET_LINES = 4096, OTLP_TARGET_WAYS = 4 };

/* Resources are told apart by 64 bits of their hash and by their line. */
struct otlp_target_memo {
    struct otlp_target_entry {
        uint64_t key;
        struct target_number number; /* Without a stamp: it was refused, or the place is free. */
        uint64_t refused_ns;         /* When; 0: it was not. */
    } lines[OTLP_TARGET_LINES][OTLP_TARGET_WAYS];
    uint32_t next_way; /* That a newcomer takes. */
};

/* Notes the resource of each ResourceSpans that has spans. Without memory the rest is left for the
 * next request: nothing is counted by it. */
void otlp_note_targets(struct otlp_target_memo *memo, struct targets *targets, uint64_t seed,
                       struct view request, unsigned depth_max, struct wall_time now);

#endif
