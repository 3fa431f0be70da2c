/* peer_counts.c: open addressing; who leaves closes the gap behind it. */
#include "net/peer_counts.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

enum { KIND_UNKNOWN, KIND_ADDRESS, KIND_USER };

int peer_counts_init(struct peer_counts *counts, uint32_t peers_max, uint32_t per_peer_max)
{
    size_t size = 4;

    CHECK(per_peer_max != 0);
    while (size < (size_t)peers_max * 2)
        size *= 2;
    *counts = (struct peer_counts){
        .mask = size - 1, .seed = hash_seed(), .per_peer_max = per_peer_max};
    counts->slots = mem_calloc(size, sizeof(*counts->slots));
    if (counts->slots == NULL)
        return STATUS_NOMEM;
    (void)pthread_mutex_init(&counts->lock, NULL);
    return 0;
}

void peer_counts_release(struct peer_counts *counts)
{
    if (counts->slots == NULL)
        return;
    mem_free(counts->slots);
    counts->slots = NULL;
    (void)pthread_mutex_destroy(&counts->lock);
}

static struct peer_key key_of_user(int fd)
{
    struct peer_key key = {.kind = KIND_UNKNOWN};
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return key;
    key.kind = KIND_USER;
    memcpy(key.bytes, &peer.uid, sizeof(peer.uid));
    return key;
}

struct peer_key peer_key_of(int fd)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(name);
    struct peer_key key = {.kind = KIND_UNKNOWN};

    if (getpeername(fd, (struct sockaddr *)&name, &size) != 0)
        return key;
    if (name.ss_family == AF_UNIX)
        return key_of_user(fd);
    if (name.ss_family == AF_INET6) {
        struct sockaddr_in6 name6;

        memcpy(&name6, &name, sizeof(name6));
        memcpy(key.bytes, &name6.sin6_addr, sizeof(key.bytes));
    } else if (name.ss_family == AF_INET) {
        struct sockaddr_in name4;

        memcpy(&name4, &name, sizeof(name4));
        key.bytes[10] = 0xFF;
        key.bytes[11] = 0xFF;
        memcpy(key.bytes + 12, &name4.sin_addr, sizeof(name4.sin_addr));
    } else {
        return key;
    }
    key.kind = KIND_ADDRESS;
    return key;
}

static bool is_same(const struct peer_key *a, const struct peer_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static size_t place_of(const struct peer_counts *counts, const struct peer_key *key)
{
    return (size_t)hash64(key, sizeof(*key), counts->seed) & counts->mask;
}

/* The slot of `key`, or the free one where it would go. Half of them at least are free. */
static size_t find(const struct peer_counts *counts, const struct peer_key *key)
{
    size_t at = place_of(counts, key);

    while (counts->slots[at].count != 0 && !is_same(&counts->slots[at].key, key))
        at = (at + 1) & counts->mask;
    return at;
}

int peer_counts_add(struct peer_counts *counts, const struct peer_key *key)
{
    struct peer_count *slot;
    int status = 0;

    (void)pthread_mutex_lock(&counts->lock);
    slot = &counts->slots[find(counts, key)];
    if (slot->count >= counts->per_peer_max)
        status = STATUS_FULL;
    else
        *slot = (struct peer_count){*key, slot->count + 1};
    (void)pthread_mutex_unlock(&counts->lock);
    return status;
}

/* Moves what stands behind a freed slot and could not be found any more. */
static void close_gap(struct peer_counts *counts, size_t gap)
{
    for (size_t at = (gap + 1) & counts->mask; counts->slots[at].count != 0;
         at = (at + 1) & counts->mask) {
        size_t home = place_of(counts, &counts->slots[at].key);

        /* Whether the gap lies between its home and its slot. */
        if (((at - home) & counts->mask) < ((at - gap) & counts->mask))
            continue;
        counts->slots[gap] = counts->slots[at];
        counts->slots[at].count = 0;
        gap = at;
    }
}

void peer_counts_remove(struct peer_counts *counts, const struct peer_key *key)
{
    size_t at;

    (void)pthread_mutex_lock(&counts->lock);
    at = find(counts, key);
    CHECK(counts->slots[at].count != 0);
    if (--counts->slots[at].count == 0)
        close_gap(counts, at);
    (void)pthread_mutex_unlock(&counts->lock);
}
