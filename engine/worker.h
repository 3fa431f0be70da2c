/* worker.h: one shard, the rings that lead to it, and the thread that owns both.
 * Is:         a loop that takes spans off the rings in batches of 64, feeds the shard, and lets it
 *             judge at least every 100 ms.
 * Is not:     admission (door.h) and adding up (merger.h).
 * Invariants: what was published in a ring before worker_stop() is fed before the thread ends.
 * Threads:    without a thread (before worker_start(), after worker_stop()) all is the owner's.
 *             While it runs: worker_ring(i) belongs to producer i, worker_wake() and
 *             worker_published() are for any thread, as are the figures from worker_start() on, also
 *             beside worker_stop() and workers_finish(); worker_swap() is for one at a time, and not
 *             beside worker_stop(). A tally has all that was published before.
 * Memory:     rings of ring_spans * 64 bytes for each producer, and the shard.
 */
#ifndef SPANMAP_ENGINE_WORKER_H
#define SPANMAP_ENGINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ring.h"
#include "base/status.h"
#include "topology/shard.h"

struct worker_options {
    struct shard_options shard;
    unsigned number;    /* Of the shard; names the thread. */
    unsigned producers; /* Rings; 0: the shard is fed by its owner alone. */
    size_t ring_spans;  /* A power of two. */
};

struct worker;

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM. */
MUST_USE int worker_new(const struct worker_options *options, struct worker **out_worker);
void worker_free(struct worker *worker); /* Stops it if need be. */

/* Returns: 0; STATUS_SYSTEM. */
MUST_USE int worker_start(struct worker *worker);

/* Once no producer publishes any more: feeds what the rings hold and ends the thread. */
void worker_stop(struct worker *worker);

struct ring *worker_ring(struct worker *worker, unsigned producer);

/* A producer has published: wakes the thread if it sleeps, or if it pauses and much waits. That costs
 * a system call, and else a look. */
void worker_published(struct worker *worker, unsigned producer);

/* Ends the thread's rest in any case. */
void worker_wake(struct worker *worker);

/* As shard_swap(), done by the thread between two batches if there is one. */
void worker_swap(struct worker *worker, struct tally **tally);

/* Asks the shard to mark the names that it holds, with an odd stamp, once it was fed all that is in
 * the rings now; with the next even one, to take the answers that are on their way (shard_mark.h).
 * Done by the thread between its batches if there is one. For one asker, who asks again once
 * worker_marked() says that it was done. */
void worker_mark(struct worker *worker, uint32_t what);
bool worker_marked(struct worker *worker);

/* For the owner of a worker without a thread. */
struct shard *worker_shard(struct worker *worker);

/* Without threads, all workers of an engine: their shards judge all that waits. */
enum { WORKERS_MAX = 256 };
void workers_finish(struct worker *const workers[], unsigned count, struct mono_time now);

/* As they were at most 100 ms ago; after worker_stop() at its end, or at that of workers_finish(). */
uint64_t worker_memory_bytes(const struct worker *worker);
uint64_t worker_message_bytes(const struct worker *worker);
uint64_t worker_remembered(const struct worker *worker);
size_t worker_waiting(const struct worker *worker); /* Spans in its rings. */

#endif
