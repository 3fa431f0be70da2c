/* clock.c: the two clocks of the system. */
#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;

    CHECK(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct mono_time clock_mono(void)
{
    return (struct mono_time){read_ns(CLOCK_MONOTONIC)};
}

struct wall_time clock_wall(void)
{
    return (struct wall_time){read_ns(CLOCK_REALTIME)};
}

uint64_t clock_jitter_ns(struct mono_time now, const void *who, uint64_t span_ns)
{
    uint64_t mixed = (now.ns ^ (uint64_t)(uintptr_t)who) * 0x9e3779b97f4a7c15u;

    mixed ^= mixed >> 32; /* The upper half is the better mixed one, but has only four seconds. */
    return mixed % span_ns;
}
