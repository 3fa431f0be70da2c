/* peer_counts.h: how many connections each address has.
 * Is:         a table of those that have any, by IP address, or by user where a Unix socket tells it.
 * Invariants: an address is in the table as long as it has a connection.
 * Threads:    any; one lock inside.
 * Memory:     fixed at the start: 48 to 96 bytes for each connection that there may be.
 * Source:     spec OTLP C17.
 */
#ifndef SPANMAP_NET_PEER_COUNTS_H
#define SPANMAP_NET_PEER_COUNTS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Whom a connection comes from; without the port. */
struct peer_key {
    uint8_t bytes[16]; /* An IPv6 address, an IPv4 address mapped into one, or a user's number. */
    uint32_t kind;     /* 0: not known. */
};

struct peer_count {
    struct peer_key key;
    uint32_t count; /* 0: the slot is free. */
};

struct peer_counts {
    pthread_mutex_t lock; /* Over the slots. */
    struct peer_count *slots;
    size_t mask;
    uint64_t seed;
    uint32_t per_peer_max;
};

/* Room for `peers_max` addresses. Returns: 0; STATUS_NOMEM. */
MUST_USE int peer_counts_init(struct peer_counts *counts, uint32_t peers_max,
                              uint32_t per_peer_max);
void peer_counts_release(struct peer_counts *counts);

/* Whom the other end of a connected socket is. */
struct peer_key peer_key_of(int fd);

/* One more connection; of at most peers_max at once. Returns: 0; STATUS_FULL (that address has as
 * many as it may). */
MUST_USE int peer_counts_add(struct peer_counts *counts, const struct peer_key *key);

/* One less, of those that were added. */
void peer_counts_remove(struct peer_counts *counts, const struct peer_key *key);

#endif
