/* span.h: one span as the receiver hands it to a shard.
 * Is:         plain data of 64 bytes (one cache line): ids, times, weight, and a site that stands
 *             for all names. Nothing in it points into a request.
 *             A span link travels as a half: a copy of the CONSUMER's record and a target.
 * Is not:     what a shard remembers of it (store.h).
 * Source:     opentelemetry-proto trace/v1 Span; TOPOLOGY rules E14 (times), E16 (weight),
 *             E17 (ids).
 */
#ifndef SPANMAP_TOPOLOGY_SPAN_H
#define SPANMAP_TOPOLOGY_SPAN_H

#include <stdint.h>

/* The numbers of opentelemetry.proto.trace.v1.Span.SpanKind. */
enum span_kind {
    SPAN_KIND_UNSPECIFIED = 0,
    SPAN_KIND_INTERNAL = 1,
    SPAN_KIND_SERVER = 2,
    SPAN_KIND_CLIENT = 3,
    SPAN_KIND_PRODUCER = 4,
    SPAN_KIND_CONSUMER = 5,
    SPAN_KIND_COUNT = 6,
};

/* The numbers of opentelemetry.proto.trace.v1.Status.StatusCode. */
enum span_status {
    SPAN_STATUS_UNSET = 0,
    SPAN_STATUS_OK = 1,
    SPAN_STATUS_ERROR = 2,
    SPAN_STATUS_COUNT = 3,
};

/* An adjusted count in fixed point: round(2^20 * count), at most 2^36 (sampling.max_count 65,536).
 * WEIGHT_ONE is the weight of a span that says nothing about its sampling. */
#define WEIGHT_SHIFT 20
#define WEIGHT_ONE (UINT64_C(1) << WEIGHT_SHIFT)
#define WEIGHT_MAX (UINT64_C(1) << 36)

/* Longer durations are cut to this and counted as skew. */
#define DURATION_NS_MAX (UINT64_C(1) << 53)

struct span {
    uint64_t trace[2];         /* The 16 bytes of the trace id as they came, not all zero. */
    uint64_t id;               /* The 8 bytes of the span id as they came, not zero. */
    uint64_t parent;           /* Likewise; 0: none (see parent_bad). */
    uint64_t start_ns;         /* Wall clock; 0: unknown. Of a PRODUCER, end - duration. */
    uint64_t duration_ns : 54; /* 0 to DURATION_NS_MAX. */
    uint64_t links_mark : 10;  /* Of a CONSUMER: made of what it links to (span_links_mark()). */
    union {
        struct {
            uint64_t weight : 37;     /* 0 to WEIGHT_MAX. */
            uint64_t kind : 3;        /* enum span_kind. */
            uint64_t status : 2;      /* enum span_status, derived ones included (E13). */
            uint64_t parent_bad : 1;  /* A parent that cannot be: wrong length, or itself. */
            uint64_t no_duration : 1; /* Start or end is 0: observe no duration. */
            uint64_t skewed : 1; /* end < start, or longer than the maximum: duration was cut. */
            uint64_t weight_unknown : 1; /* No sampling information: weight is WEIGHT_ONE. */
            uint64_t weight_cut : 1;     /* The adjusted count was above sampling.max_count. */
            uint64_t has_remote : 1;     /* Span.flags says whether the parent is remote ... */
            uint64_t is_remote : 1;      /* ... and it is. */
            uint64_t links : 11; /* Of a CONSUMER: halves that go with it, one a linked span. */
            uint64_t half : 1;   /* A link half: a copy of its CONSUMER; a target follows. */
            uint64_t no_end : 1; /* Of a PRODUCER: its end is unknown, though not its start. */
            uint64_t spare : 2;
        };
        struct {
            uint64_t weight_too : 37;
            uint64_t facts : 8; /* kind to skewed at once, for those who copy them (slab.h). */
            uint64_t rest : 19;
        };
    };
    uint32_t site;       /* catalog.h: service, operation, kind, naming. */
    uint32_t trace_hash; /* span_trace_hash() of the trace id; the shard is taken from it. */
};

_Static_assert(sizeof(struct span) == 64, "a span record is one cache line");

/* What a half's consumer links to; the second record of a half. */
struct span_target {
    uint64_t trace[2]; /* Not all zero. */
    uint64_t id;       /* Not zero. */
    uint64_t spare[5];
};

_Static_assert(sizeof(struct span_target) == sizeof(struct span), "records are of one size");

enum { LINKS_MAX = 2000 }; /* links.max at most; what fits in the bits above. */

/* Adds a target to a mark, which is 0 at first. Copies of a span that differ in their links alone
 * are told apart by it, but for one of a thousand. */
static inline uint32_t span_links_mark(uint32_t mark, const struct span_target *target)
{
    uint64_t mixed = (target->trace[0] ^ mark) * UINT64_C(0x9E3779B97F4A7C15);

    mixed = (mixed ^ mixed >> 32 ^ target->trace[1]) * UINT64_C(0xD6E8FEB86659FD93);
    mixed = (mixed ^ mixed >> 32 ^ target->id) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 54);
}

/* The hash that picks a trace's shard and its place in the index; `seed` is the engine's. */
static inline uint32_t span_trace_hash(const uint64_t trace[2], uint64_t seed)
{
    uint64_t mixed = (trace[0] ^ seed) * UINT64_C(0x9E3779B97F4A7C15);

    mixed ^= mixed >> 32;
    mixed = (mixed ^ trace[1]) * UINT64_C(0xD6E8FEB86659FD93);
    mixed ^= mixed >> 32;
    return (uint32_t)(mixed * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

/* Which of `shards` (at least 1) a trace belongs to. */
static inline uint32_t span_shard(uint32_t trace_hash, uint32_t shards)
{
    return (uint32_t)((uint64_t)trace_hash * shards >> 32);
}

#endif
