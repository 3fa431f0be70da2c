/* random.h: numbers that a seed decides.
 * Is:         xorshift64*; the same seed gives the same row on every machine.
 */
#ifndef SPANMAP_TESTS_LIB_RANDOM_H
#define SPANMAP_TESTS_LIB_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state; /* Not 0. */
};

static inline struct random random_of(uint64_t seed)
{
    return (struct random){seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
}

static inline uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545F4914F6CDD1D);
}

/* 0 to bound - 1; bound above 0. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return random_next(random) % bound;
}

#endif
