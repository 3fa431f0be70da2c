/* latency.c: a row a bucket, the sum behind them. */
#include "engine/latency.h"

#include "base/check.h"
#include "engine/engine_counters.h"

/* Those of ENGINE_LATENCY(); the last bucket has no bound. */
static const uint64_t upper_ns[LATENCY_BUCKETS - 1] = {
    100000,         300000,          NS_PER_MS,       3 * NS_PER_MS, 10 * NS_PER_MS,
    30 * NS_PER_MS, 100 * NS_PER_MS, 300 * NS_PER_MS, NS_PER_S,      3 * NS_PER_S,
};

_Static_assert(ENGINE_REQUEST_MORE - ENGINE_REQUEST_SECONDS == LATENCY_BUCKETS - 1 &&
                   ENGINE_REQUEST_SUM == ENGINE_REQUEST_MORE + 1,
               "a row a bucket, then the sum");

void latency_count(struct counters *counters, size_t first, struct mono_time begin,
                   struct mono_time end)
{
    uint64_t took_ns = end.ns - begin.ns;
    size_t bucket = 0;

    CHECK(end.ns >= begin.ns);
    while (bucket < LATENCY_BUCKETS - 1 && took_ns > upper_ns[bucket])
        bucket++;
    counters_add(counters, first + bucket, 1);
    counters_add(counters, first + LATENCY_BUCKETS, took_ns);
}
