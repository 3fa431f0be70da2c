/* exemplar.h: spans that stand for the others of a series.
 * Is:         of each histogram of a series one span for each classic bucket, and some whose call failed.
 * Is not:     a sample to reckon with: what is kept is the newest that came first, or was slowest,
 *             between two looks of the publisher.
 * Invariants: an exemplar's span was counted in its series, and what was observed of it lies in its
 *             bucket. At most one a histogram and bucket, EXEMPLARS_FAILED of failures.
 * Threads:    plain data.
 * Memory:     40 bytes each, at most as many as is said.
 * Source:     TOPOLOGY section 4; EXPORT P5, P7.
 */
#ifndef SPANMAP_TOPOLOGY_EXEMPLAR_H
#define SPANMAP_TOPOLOGY_EXEMPLAR_H

#include <stdint.h>

#include "topology/histogram.h"

enum {
    EXEMPLARS_OF_EDGE_MAX = 24,
    EXEMPLARS_OF_OPERATION_MAX = 12,
    EXEMPLARS_FAILED = 3,
    EXEMPLAR_NO_BUCKET = 63, /* Of a failure whose duration is not known. */
};

_Static_assert((int)EXEMPLAR_NO_BUCKET > (int)HISTOGRAM_BOUNDS_MAX, "no bucket has that number");

struct exemplar {
    uint64_t trace[2]; /* As they came, like the next one. */
    uint64_t span;
    uint64_t duration_ns : 54; /* What was observed: of `which` alone the span's own duration. */
    uint64_t which : 2;        /* Of the series' histograms, in their order (snapshot.h). */
    uint64_t bucket : 6;       /* Classic. */
    uint64_t failed : 1;       /* The call, or the span. */
    uint64_t of_failure : 1;   /* It stands for the count of failures, not for its bucket. */
    uint64_t ns;               /* When it was counted, by our clock. */
};

_Static_assert(sizeof(struct exemplar) == 40, "docs/METRICS.md says what they take");

struct exemplars {
    uint32_t count;
    uint32_t room;
    struct exemplar items[];
};

/* Puts one in the place of the one that it renews; where there are `most`, in that of the oldest. What
 * there is no memory for is left: it is an example. `*set` is NULL at first and ended by mem_free(). */
void exemplars_put(struct exemplars **set, const struct exemplar *exemplar, uint32_t most);

/* That of a bucket; NULL: there is none. `set` may be NULL. */
const struct exemplar *exemplars_find(const struct exemplars *set, unsigned which, unsigned bucket);

/* The newest of failures, or of any sort; NULL likewise. */
const struct exemplar *exemplars_newest_failed(const struct exemplars *set);
const struct exemplar *exemplars_newest(const struct exemplars *set);

#endif
