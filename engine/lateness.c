/* lateness.c: twelve buckets, the usual ones first. The sum stays far from its 64 bits: it is kept
 * in seconds, and a span that is later than a day counts as a day.
 */
#include "engine/lateness.h"

#include <string.h>

#include "base/check.h"
#include "engine/engine_counters.h"

#define DAY_NS (86400 * NS_PER_S)

/* The last bucket has no bound. */
static const uint64_t upper_ns[LATENESS_BUCKETS - 1] = {
    0,
    1 * NS_PER_S,
    2 * NS_PER_S,
    5 * NS_PER_S,
    10 * NS_PER_S,
    30 * NS_PER_S,
    60 * NS_PER_S,
    300 * NS_PER_S,
    900 * NS_PER_S,
    3600 * NS_PER_S,
    DAY_NS,
};

_Static_assert(ENGINE_LATENESS_MORE - ENGINE_LATENESS_0 == LATENESS_BUCKETS - 1, "one a bucket");

void lateness_note(struct lateness *lateness, const struct span *span, struct wall_time now)
{
    uint64_t end_ns = span->start_ns + span->duration_ns;
    uint64_t late_ns;
    unsigned bucket = 0;

    if (span->no_duration)
        return;
    /* A start that is close to the end of time wraps; it is ahead of any clock. */
    late_ns = end_ns >= span->start_ns && end_ns < now.ns ? now.ns - end_ns : 0;
    while (bucket < LATENESS_BUCKETS - 1 && late_ns > upper_ns[bucket])
        bucket++;
    lateness->spans[bucket]++;
    lateness->sum_ns += late_ns < DAY_NS ? late_ns : DAY_NS;
}

uint64_t lateness_upper_ns(unsigned bucket)
{
    CHECK(bucket < LATENESS_BUCKETS - 1);
    return upper_ns[bucket];
}

void lateness_count(struct lateness *lateness, struct counters *counters)
{
    for (unsigned i = 0; i < LATENESS_BUCKETS; i++)
        if (lateness->spans[i] != 0)
            counters_add(counters, ENGINE_LATENESS_0 + i, lateness->spans[i]);
    if (lateness->sum_ns >= NS_PER_S)
        counters_add(counters, ENGINE_LATENESS_SUM, lateness->sum_ns / NS_PER_S);
    memset(lateness->spans, 0, sizeof(lateness->spans));
    lateness->sum_ns %= NS_PER_S;
}
