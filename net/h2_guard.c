/* h2_guard.c: buckets of tokens, and gRPC's rule for PINGs. */
#include "net/h2_guard.h"

#include <string.h>

enum {
    TYPE_DATA = 0,
    TYPE_HEADERS = 1,
    TYPE_PRIORITY = 2,
    TYPE_RST_STREAM = 3,
    TYPE_PING = 6,
    TYPE_CONTINUATION = 9,
    FLAG_ACK = 1,
    FLAG_END_STREAM = 1,
    ERROR_PROTOCOL = 1,
    ERROR_STREAM_CLOSED = 5,
    ERROR_ENHANCE_YOUR_CALM = 11,
    PREFACE_SIZE = 24,
    HEADER_SIZE = 9,
    CONTINUATIONS_MAX = 8,
    STRIKES_MAX = 2,
    IDLE_FRAMES_A_REQUEST = 8,
};

const struct h2_guard_options h2_guard_defaults = H2_GUARD_DEFAULTS;

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

/* A tenth of it comes back each second. */
static struct h2_allowance allowance_of(uint64_t at_once, struct mono_time now)
{
    return allowance(at_once, at_once < 10 ? 1 : at_once / 10, now);
}

void h2_guard_init(struct h2_guard *guard, const struct h2_guard_options *options,
                   struct mono_time now)
{
    *guard = (struct h2_guard){
        .preface_left = PREFACE_SIZE,
        /* The network may bring two PINGs closer together. */
        .ping_interval_ns = options->ping_interval_ns - options->ping_interval_ns / 10,
        .resets = allowance_of(options->resets_max, now),
        .own_resets = allowance(100, 10, now),
        .refusals = allowance(1000, 100, now),
        .idle_frames = allowance(1000, 100, now),
    };
}

static enum h2_verdict judge_ping(struct h2_guard *guard, struct mono_time now)
{
    bool too_soon = guard->has_ping && now.ns - guard->ping.ns < guard->ping_interval_ns;

    guard->has_ping = true;
    guard->ping = now;
    if (!too_soon)
        return H2_FINE;
    return ++guard->strikes > STRIKES_MAX ? H2_PINGS : H2_FINE;
}

static uint32_t number_at(const struct h2_guard *guard, size_t at)
{
    const uint8_t *bytes = guard->header + at;

    return ((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
            bytes[3]) &
           0x7fffffff;
}

/* ------------------------------------------------------------------ streams' states */

static void open_stream(struct h2_guard *guard, uint32_t stream)
{
    if (guard->open_count == H2_OPEN_MAX) {
        guard->forgotten = guard->open[0];
        guard->open_count--;
        memmove(guard->open, guard->open + 1, guard->open_count * sizeof(guard->open[0]));
    }
    guard->open[guard->open_count++] = stream;
}

static bool is_open(const struct h2_guard *guard, uint32_t stream)
{
    for (uint32_t i = 0; i < guard->open_count; i++) {
        if (guard->open[i] == stream)
            return true;
    }
    return stream <= guard->forgotten;
}

static void end_stream(struct h2_guard *guard, uint32_t stream)
{
    for (uint32_t i = 0; i < guard->open_count; i++) {
        if (guard->open[i] != stream)
            continue;
        guard->open_count--;
        memmove(guard->open + i, guard->open + i + 1,
                (guard->open_count - i) * sizeof(guard->open[0]));
        return;
    }
}

/* HEADERS on an old stream may be trailers. */
static enum h2_verdict judge_headers(struct h2_guard *guard)
{
    uint32_t stream = number_at(guard, 5);
    bool is_ended = (guard->header[4] & FLAG_END_STREAM) != 0;

    guard->continuations = 0;
    if (stream % 2 == 0)
        return H2_FINE; /* The library has an answer to these. */
    if (stream > guard->newest) {
        if (stream > guard->newest + 2) {
            guard->skipped_first = guard->newest + 1;
            guard->skipped_last = stream - 1;
        }
        guard->newest = stream;
        if (!is_ended)
            open_stream(guard, stream);
        return H2_FINE;
    }
    if (stream >= guard->skipped_first && stream <= guard->skipped_last)
        return H2_OUT_OF_ORDER;
    if (!is_open(guard, stream))
        return H2_ENDED_STREAM;
    if (is_ended)
        end_stream(guard, stream);
    return H2_FINE;
}

static enum h2_verdict judge_data(struct h2_guard *guard, struct mono_time now)
{
    uint32_t stream = number_at(guard, 5);
    bool is_ended = (guard->header[4] & FLAG_END_STREAM) != 0;

    if (stream % 2 == 1 && stream <= guard->newest && !is_open(guard, stream))
        return H2_ENDED_STREAM;
    if (is_ended)
        end_stream(guard, stream);
    if (is_ended || guard->payload_left != 0)
        return H2_FINE;
    return take(&guard->idle_frames, now) ? H2_FINE : H2_IDLE_FRAMES;
}

static enum h2_verdict judge_reset(struct h2_guard *guard, struct mono_time now)
{
    end_stream(guard, number_at(guard, 5));
    return take(&guard->resets, now) ? H2_FINE : H2_RESETS;
}

/* ---------------------------------------------------------------------- frames */

static enum h2_verdict judge_priority(struct h2_guard *guard, struct mono_time now)
{
    uint32_t stream = number_at(guard, 5);

    if (stream == 0 || (guard->header_size > HEADER_SIZE && stream == number_at(guard, 9)))
        return H2_BAD_PRIORITY;
    return take(&guard->idle_frames, now) ? H2_FINE : H2_IDLE_FRAMES;
}

/* Of a frame whose header is whole. */
static enum h2_verdict judge(struct h2_guard *guard, struct mono_time now)
{
    uint8_t type = guard->header[3];
    uint8_t flags = guard->header[4];

    switch (type) {
    case TYPE_HEADERS:
        return judge_headers(guard);
    case TYPE_PRIORITY:
        return judge_priority(guard, now);
    case TYPE_CONTINUATION:
        return ++guard->continuations > CONTINUATIONS_MAX ? H2_CONTINUATIONS : H2_FINE;
    case TYPE_DATA:
        return judge_data(guard, now);
    case TYPE_RST_STREAM:
        return judge_reset(guard, now);
    case TYPE_PING:
        if ((flags & FLAG_ACK) == 0)
            return judge_ping(guard, now);
        break;
    default:
        break;
    }
    return take(&guard->idle_frames, now) ? H2_FINE : H2_IDLE_FRAMES;
}

/* How much is looked at: PRIORITY has its length in its definition, and the library checks it. */
static size_t header_wanted(const struct h2_guard *guard)
{
    bool is_priority = guard->header_size >= HEADER_SIZE && guard->header[3] == TYPE_PRIORITY &&
                       guard->header[0] == 0 && guard->header[1] == 0 && guard->header[2] == 5;

    return is_priority ? sizeof(guard->header) : HEADER_SIZE;
}

/* As much of `want` as there is. */
static size_t at_most(size_t want, size_t there)
{
    return want < there ? want : there;
}

/* Bytes into the header until it is whole. */
static size_t read_header(struct h2_guard *guard, struct view bytes)
{
    size_t read = 0;

    /* Nearly all lie whole in one read. */
    if (guard->header_size == 0 && bytes.size >= HEADER_SIZE) {
        memcpy(guard->header, bytes.data, HEADER_SIZE);
        guard->header_size = HEADER_SIZE;
        read = HEADER_SIZE;
    }

    while (read < bytes.size && guard->header_size < header_wanted(guard))
        guard->header[guard->header_size++] = (uint8_t)bytes.data[read++];
    return read;
}

enum h2_verdict h2_guard_read(struct h2_guard *guard, struct view bytes, struct mono_time now,
                              size_t *out_passed)
{
    size_t at = at_most(guard->preface_left, bytes.size);

    guard->preface_left = (uint8_t)(guard->preface_left - at);
    while (at < bytes.size) {
        size_t begin = at;
        enum h2_verdict verdict;

        if (guard->payload_left != 0) {
            size_t size = at_most(guard->payload_left, bytes.size - at);

            guard->payload_left -= (uint32_t)size;
            at += size;
            continue;
        }
        at += read_header(guard, (struct view){bytes.data + at, bytes.size - at});
        if (guard->header_size < header_wanted(guard))
            break;
        guard->payload_left = (uint32_t)guard->header[0] << 16 | (uint32_t)guard->header[1] << 8 |
                              guard->header[2];
        guard->payload_left -= guard->header_size - (uint32_t)HEADER_SIZE;
        verdict = judge(guard, now);
        guard->header_size = 0;
        if (verdict != H2_FINE) {
            guard->payload_left = 0; /* The frame is not given on: as if it had not come. */
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

enum h2_verdict h2_guard_refused(struct h2_guard *guard, struct mono_time now)
{
    return take(&guard->refusals, now) ? H2_FINE : H2_REFUSALS;
}

uint32_t h2_verdict_error(enum h2_verdict verdict)
{
    switch (verdict) {
    case H2_ENDED_STREAM:
        return ERROR_STREAM_CLOSED;
    case H2_OUT_OF_ORDER:
    case H2_BAD_PRIORITY:
        return ERROR_PROTOCOL;
    default:
        return ERROR_ENHANCE_YOUR_CALM;
    }
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
    case H2_REFUSALS:
        return "too many streams at once";
    case H2_OUT_OF_ORDER:
        return "a stream that was passed over was opened";
    case H2_ENDED_STREAM:
        return "HEADERS or DATA on a stream that had ended";
    case H2_BAD_PRIORITY:
        return "a PRIORITY frame on no stream, or of a stream on itself";
    case H2_FINE:
        break;
    }
    return "";
}
