/* series_memory.h: what a series costs in memory.
 * Is:         heap bytes a series in each place that keeps it, for durations that spread fourfold and
 *             for the widest there can be. An edge has three histograms, an operation two.
 */
#ifndef SPANMAP_TESTS_LIB_SERIES_MEMORY_H
#define SPANMAP_TESTS_LIB_SERIES_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct series_memory {
    size_t tally; /* Of one shard. */
    size_t cumulated;
    size_t snapshot;
};

void series_measure(bool of_edges, bool is_wide, struct series_memory *out_memory);

/* What the heap holds; 0: the allocator does not say. */
size_t series_heap_bytes(void);

#endif
