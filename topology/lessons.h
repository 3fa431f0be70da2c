/* lessons.h: which service answers at an address, and which one serves an RPC service.
 * Is:         one small table for all shards, from the hash of a key to the service that answered
 *             there. A pair teaches it; a call that nobody answered asks it.
 * Is not:     the judgement who may teach and who asks (judge_lesson.c).
 * Invariants: what is taught in any order gives the same: nothing, then one service, then, for good,
 *             shared between several. A key that was taught stays until the end.
 * Threads:    any, without locks: an entry is claimed and changed by compare-and-swap, and asking
 *             only loads.
 * Memory:     allocated at once, for `entries_max` keys; further ones are turned away and counted.
 *             Keys are kept as hashes of 64 bits, so that no text is kept: two of a million taught keys
 *             are mistaken for each other with a probability of 3e-8.
 * Source:     TOPOLOGY N5.
 */
#ifndef SPANMAP_TOPOLOGY_LESSONS_H
#define SPANMAP_TOPOLOGY_LESSONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"
#include "topology/catalog.h"

/* What an entry costs at its worst: its slot, and three that are free. */
enum { LESSON_BYTES = 64 };

/* The keys that a span brings, hashed; 0: it has none. `port` 0: none. */
uint64_t lesson_address_key(struct view address, int64_t port, uint64_t seed);
uint64_t lesson_rpc_key(struct view service, uint64_t seed);

struct lessons;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int lessons_new(uint32_t entries_max, struct lessons **out_lessons);
void lessons_free(struct lessons *lessons);

/* Notes that a service answered. Key 0 is nobody's. CATALOG_OVERFLOW stands for any of several
 * services, so that its keys are shared. */
void lessons_teach(struct lessons *lessons, uint64_t key, uint32_t service);

/* The one service that answered; CATALOG_NONE: none did, or several. */
uint32_t lessons_ask(const struct lessons *lessons, uint64_t key);

/* Marks the services that were taught, for a sweep of the catalog (catalog_sweep.h); one thread. Those
 * of keys that became shared since the last sweep as well. */
void lessons_mark(struct lessons *lessons, struct catalog *catalog, uint32_t stamp);

struct lessons_counts {
    uint64_t taught;  /* Keys in use. */
    uint64_t refused; /* Lessons that found the table full. */
};
void lessons_read_counts(const struct lessons *lessons, struct lessons_counts *out_counts);

#endif
