/* hash.h: seeded hashes of bytes (XXH3).
 * Invariants: equal bytes and seeds give equal hashes in one process; seeds are drawn per process,
 *             so that a sender cannot aim at one bucket.
 */
#ifndef SPANMAP_BASE_HASH_H
#define SPANMAP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(const void *data, size_t size, uint64_t seed);
struct hash128 hash128(const void *data, size_t size, uint64_t seed);

/* A number nobody outside can guess (getrandom); mixes the clock in where that fails. */
uint64_t hash_seed(void);

#endif
