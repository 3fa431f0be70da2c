/* targets.h: the resources that send spans, one for each job and instance.
 * Is:         a bounded table of what a resource says of itself, for traces_target_info. The first
 *             that came of a job and an instance stays until nothing comes of it for
 *             metrics.expiration; then it is not shown, and its place is free for another.
 * Is not:     a name of spans: those are in the catalog.
 * Invariants: job and instance are unique. A number alone is no handle: it goes with its stamp.
 * Threads:    any; one lock for what is new, an atomic for what is known.
 * Memory:     targets_max and bytes_max, whichever is reached first; more are refused and counted.
 * Source:     EXPORT P11.
 */
#ifndef SPANMAP_TOPOLOGY_TARGETS_H
#define SPANMAP_TOPOLOGY_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"

enum { TARGET_ATTRIBUTES_MAX = 64 };

struct target_attribute {
    struct view key; /* As it came. */
    struct view value;
};

/* Immutable and refcounted. */
struct target {
    _Atomic uint32_t references;
    struct view job; /* "namespace/name" or "name". */
    size_t namespace_size;
    struct view instance;
    size_t count;
    struct target_attribute attributes[];
};

struct targets_options {
    uint32_t targets_max;
    size_t bytes_max;
    size_t text_bytes_max;  /* Longer texts are cut at a character's boundary. */
    uint64_t expiration_ns; /* metrics.expiration; 0: never. */
};

struct targets;

/* A target as it was noted. */
struct target_number {
    uint32_t slot;
    uint64_t stamp; /* 0: none; never given twice. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int targets_new(const struct targets_options *options, struct targets **out_targets);
void targets_free(struct targets *targets);

/* What a resource says of itself; all is copied. */
struct target_input {
    struct view service_namespace;
    struct view service_name; /* Empty: unknown_service. */
    struct view instance;
    const struct target_attribute *attributes;
    size_t count; /* Those past TARGET_ATTRIBUTES_MAX are left out. */
};

/* Notes that a resource has sent something; `out_number` has no stamp where it is refused.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int targets_note(struct targets *targets, const struct target_input *input,
                          struct wall_time now, struct target_number *out_number);

/* Notes it again, without a lock. False: it is no longer there. */
bool targets_touch(struct targets *targets, struct target_number number, struct wall_time now);

/* Those that are not idle, by job and instance, a reference each; to be given back.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int targets_list(struct targets *targets, struct wall_time now, struct target ***out_list,
                          size_t *out_count);
void targets_release_list(struct target **list, size_t count);

struct targets_counts {
    uint64_t targets;
    uint64_t bytes;
    uint64_t refused; /* Resources that found no room. */
    uint64_t left;    /* Idle ones whose place another one took. */
};
void targets_read_counts(struct targets *targets, struct targets_counts *out_counts);

#endif
