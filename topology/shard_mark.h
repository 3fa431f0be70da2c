/* shard_mark.h: marks the names that a shard uses, for a sweep of the catalog (catalog_sweep.h).
 * Is:         a walk over all that the shard remembers, in pieces, between which it goes on working.
 *             A span that was judged gives its site back for a coarse one: its operation and its
 *             peer are not looked at again, and with a child that comes later it no longer teaches
 *             where that one answers (N5).
 * Invariants: once shard_mark() has said so, every number that the shard holds, or makes of what it
 *             holds, is marked or was looked up since the sweep began; but for those that letters of
 *             other shards bring, which shard_mark_end() waits for.
 * Threads:    the shard's owner.
 */
#ifndef SPANMAP_TOPOLOGY_SHARD_MARK_H
#define SPANMAP_TOPOLOGY_SHARD_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/shard.h"

/* Begins. All records that were made before the sweep began have been fed. */
void shard_mark_begin(struct shard *shard, uint32_t stamp);

/* Marks some thousand elements more; whether that was all. */
bool shard_mark(struct shard *shard);

/* Takes the letters that are on their way to the shard; all shards have marked theirs before. */
void shard_mark_end(struct shard *shard);

#endif
