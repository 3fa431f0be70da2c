/* tally.h: what one shard counted since it was last asked.
 * Is:         edges, operations, losses, the accounting and the counts, as differences; `waiting`
 *             and the memory figures are the state at the moment of the swap.
 * Is not:     the whole since the start (publisher.h).
 * Threads:    one owner at a time; it changes hands by shard_swap().
 * Memory:     bounded by struct tally_options; past a bound the overflow entry takes the counts. An
 *             eighth of the bytes is for what rows observe that are there already; a request for whose
 *             durations nothing is left of it goes to the overflow entry as a whole.
 */
#ifndef SPANMAP_TOPOLOGY_TALLY_H
#define SPANMAP_TOPOLOGY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "topology/histogram.h"

struct tally_options {
    const struct histogram_bounds *bounds; /* Outlives the tally. */
    uint32_t edges_max;
    uint32_t operations_max;
    uint32_t losses_max;
    uint32_t exemplars_max;   /* Kept for the publisher; 0: none. */
    uint64_t edges_bytes_max; /* Of rows and what they observed; 0: no bound, but those of rows. */
    uint64_t operations_bytes_max;
};

enum { TALLY_EXEMPLAR_BYTES = 48 }; /* Of each of those. */

struct tally;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int tally_new(const struct tally_options *options, struct tally **out_tally);
void tally_free(struct tally *tally);
bool tally_is_empty(const struct tally *tally);

#endif
