/* h2_guard.c: buckets of tokens, and gRPC's rule for PINGs. */
#include "net/h2_guard.h"

#include <string.h>

enum {
    TYPE_DATA = 0,
    TYPE_HEADERS = 1,
    TYPE_RST_STREAM = 3,
    TYPE_PUSH_PROMISE = 5,
    TYPE_PING = 6,
    TYPE_CONTINUATION = 9,
    FLAG_ACK = 1,
    FLAG_END_STREAM = 1,
    PREFACE_SIZE = 24,
    CONTINUATIONS_MAX = 8,
    STRIKES_MAX = 2,
    IDLE_FRAMES_A_REQUEST = 8,
};

static const uint64_t ping_interval_ns = 10 * NS_PER_S;

static struct h2_allowance allowance(uint64_t at_once, uint64_t per_s, struct mono_time now)
{
    return (struct h2_allowance){
        .per_s = per_s, .max = at_once, .left_ns = at_once * NS_PER_S, .filled = now};
}

static void give(struct h2_allowance *allowance, uint64_t more_ns)
{
    uint64_t max_ns = allowance->max * NS_PER_S;

    allowance->left_ns = more_ns < max_ns - allowance->left_ns ? allowance->left_ns + more_ns
                                                               : max_ns;
}

static bool take(struct h2_allowance *allowance, struct mono_time now)
{
    uint64_t passed_ns = now.ns > allowance->filled.ns ? now.ns - allowance->filled.ns : 0;

    /* More than a minute fills any of them, and must not overflow. */
    if (passed_ns > 60 * NS_PER_S)
        passed_ns = 60 * NS_PER_S;
    give(allowance, passed_ns * allowance->per_s);
    allowance->filled = now;
    if (allowance->left_ns < NS_PER_S)
        return false;
    allowance->left_ns -= NS_PER_S;
    return true;
}

void h2_guard_init(struct h2_guard *guard, struct mono_time now)
{
    *guard = (struct h2_guard){
        .preface_left = PREFACE_SIZE,
        .resets = allowance(1000, 100, now),
        .own_resets = allowance(100, 10, now),
        .idle_frames = allowance(1000, 100, now),
    };
}

static enum h2_verdict judge_ping(struct h2_guard *guard, struct mono_time now)
{
    bool too_soon = guard->has_ping && now.ns - guard->ping.ns < ping_interval_ns;

    guard->has_ping = true;
    guard->ping = now;
    if (!too_soon)
        return H2_FINE;
    return ++guard->strikes > STRIKES_MAX ? H2_PINGS : H2_FINE;
}

/* Of a frame whose header is whole. */
static enum h2_verdict judge(struct h2_guard *guard, struct mono_time now)
{
    uint8_t type = guard->header[3];
    uint8_t flags = guard->header[4];

    switch (type) {
    case TYPE_HEADERS:
        guard->continuations = 0;
        return H2_FINE;
    case TYPE_CONTINUATION:
        return ++guard->continuations > CONTINUATIONS_MAX ? H2_CONTINUATIONS : H2_FINE;
    case TYPE_DATA:
        if (guard->payload_left != 0 || (flags & FLAG_END_STREAM) != 0)
            return H2_FINE;
        break;
    case TYPE_RST_STREAM:
        return take(&guard->resets, now) ? H2_FINE : H2_RESETS;
    case TYPE_PING:
        if ((flags & FLAG_ACK) == 0)
            return judge_ping(guard, now);
        break;
    default:
        break;
    }
    return take(&guard->idle_frames, now) ? H2_FINE : H2_IDLE_FRAMES;
}

/* As much of `want` as there is. */
static size_t at_most(size_t want, size_t there)
{
    return want < there ? want : there;
}

enum h2_verdict h2_guard_read(struct h2_guard *guard, struct view bytes, struct mono_time now,
                              size_t *out_passed)
{
    size_t at = at_most(guard->preface_left, bytes.size);

    guard->preface_left = (uint8_t)(guard->preface_left - at);
    while (at < bytes.size) {
        size_t begin = at;
        size_t size;
        enum h2_verdict verdict;

        if (guard->payload_left != 0) {
            size = at_most(guard->payload_left, bytes.size - at);
            guard->payload_left -= (uint32_t)size;
            at += size;
            continue;
        }
        size = at_most(sizeof(guard->header) - guard->header_size, bytes.size - at);
        memcpy(guard->header + guard->header_size, bytes.data + at, size);
        guard->header_size = (uint8_t)(guard->header_size + size);
        at += size;
        if (guard->header_size < sizeof(guard->header))
            break;
        guard->header_size = 0;
        guard->payload_left = (uint32_t)guard->header[0] << 16 | (uint32_t)guard->header[1] << 8 |
                              guard->header[2];
        verdict = judge(guard, now);
        if (verdict != H2_FINE) {
            *out_passed = begin;
            return verdict;
        }
    }
    *out_passed = bytes.size;
    return H2_FINE;
}

void h2_guard_sent(struct h2_guard *guard)
{
    guard->strikes = 0;
    guard->has_ping = false;
}

void h2_guard_served(struct h2_guard *guard)
{
    give(&guard->resets, NS_PER_S);
    give(&guard->idle_frames, IDLE_FRAMES_A_REQUEST * NS_PER_S);
}

enum h2_verdict h2_guard_reset(struct h2_guard *guard, struct mono_time now)
{
    return take(&guard->own_resets, now) ? H2_FINE : H2_OWN_RESETS;
}

const char *h2_verdict_text(enum h2_verdict verdict)
{
    switch (verdict) {
    case H2_PINGS:
        return "too_many_pings"; /* gRPC clients look for these very words. */
    case H2_RESETS:
        return "too many streams were reset";
    case H2_IDLE_FRAMES:
        return "too many frames that carry nothing";
    case H2_CONTINUATIONS:
        return "too many CONTINUATION frames";
    case H2_OWN_RESETS:
        return "too many faulty streams";
    case H2_FINE:
        break;
    }
    return "";
}
