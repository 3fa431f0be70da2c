/* shard_priv.h: the shard, for the files that it has. */
#ifndef SPANMAP_TOPOLOGY_SHARD_PRIV_H
#define SPANMAP_TOPOLOGY_SHARD_PRIV_H

#include "topology/judge.h"
#include "topology/shard.h"
#include "topology/store.h"

/* Times are counted in ticks of 2^20 ns (1.05 ms), which wrap after 52 days; waits stay far below
 * half of that. */
enum { TICK_SHIFT = 20 };
#define WAIT_TICKS_MAX (UINT32_C(1) << 30)

enum shard_wait { WAIT_TEACHING, WAIT_PAIRING, WAIT_PARENT, WAIT_MESSAGING, WAIT_COUNT };

struct shard {
    struct shard_options options;
    struct store store;
    struct judge judge;
    struct tally *tally;
    uint32_t wait_ticks[WAIT_COUNT];
    uint32_t cursor[WAIT_COUNT]; /* Each went by all spans whose wait of that kind is over. */
    uint32_t now_ticks;          /* Rounded down. */
    uint64_t now_ns;
    uint64_t judged_ns; /* When spans were last looked through. */
    uint64_t
        *reported; /* Bit n: the catalog knows that service n has reported; may be too short. */
    uint32_t reported_words;
};

/* Takes spans on, at most ADMIT_SPANS. */
enum { ADMIT_SPANS = 64 };
void shard_admit(struct shard *shard, const struct span *spans, size_t count);

/* Judges what has waited long enough. */
void shard_judge_due(struct shard *shard);

/* Lets the oldest block go, after its spans were judged or dropped. */
void shard_evict(struct shard *shard);

/* Looks at every invariant; for tests. Stops the program where one is broken. */
void shard_check(const struct shard *shard);

#endif
