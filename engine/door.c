/* door.c: two passes over the staged spans and links: how many go to each shard, and there they go.
 *
 * A ring's room as its producer sees it can only grow, so that what the first pass found is still
 * true in the second; no lock and no reservation is needed.
 */
#include "engine/door.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "engine/engine_counters.h"
#include "engine/latency.h"
#include "engine/lateness.h"
#include "receiver/otlp_response.h"

/* A ring drains in well under 100 ms; the spread keeps the senders that were turned away together
 * from coming back together. */
static const uint64_t retry_min_ns = 200 * NS_PER_MS;
static const uint64_t retry_spread_ns = 400 * NS_PER_MS;

/* So far ahead of the slot that is written the next ones are asked for: they were last in the caches
 * of the shard that read them. */
enum { SLOTS_AHEAD = 12 };

struct door {
    struct otlp_decoder *decoder;
    unsigned number;
    struct worker **workers;
    struct ring **rings; /* Ours to each worker; NULL before the first request is admitted. */
    unsigned workers_count;
    struct publisher *publisher;
    struct counters *counters;
    size_t *counts; /* Of the request at hand, by worker. */
    uint64_t random;
    struct lateness lateness;
    const struct door_onward *onward; /* NULL: nobody. */
};

int door_new(const struct door_options *options, struct door **out_door)
{
    struct door *door = mem_calloc(1, sizeof(*door));
    int status = STATUS_NOMEM;

    CHECK(options->workers_count > 0);
    if (door == NULL)
        return STATUS_NOMEM;
    door->number = options->number;
    door->workers = options->workers;
    door->workers_count = options->workers_count;
    door->publisher = options->publisher;
    door->counters = options->counters;
    door->random = hash_seed() | 1;
    door->counts = mem_calloc(options->workers_count, sizeof(*door->counts));
    door->rings = mem_calloc(options->workers_count, sizeof(*door->rings));
    if (door->counts != NULL && door->rings != NULL)
        status = otlp_decoder_new(&options->decoder, &door->decoder);
    if (status != 0) {
        door_free(door);
        return status;
    }
    *out_door = door;
    return 0;
}

void door_free(struct door *door)
{
    if (door == NULL)
        return;
    otlp_decoder_free(door->decoder);
    mem_free(door->counts);
    mem_free(door->rings);
    mem_free(door);
}

void door_set_onward(struct door *door, const struct door_onward *onward)
{
    door->onward = onward;
}

/* ---------------------------------------------------------------- admission */

static void count_failure(struct door *door, int status)
{
    switch (status) {
    case STATUS_TOO_LARGE:
        counters_add(door->counters, ENGINE_REQUESTS_TOO_LARGE, 1);
        break;
    case STATUS_NOMEM:
        counters_add(door->counters, ENGINE_REQUESTS_NO_MEMORY, 1);
        break;
    default:
        counters_add(door->counters, ENGINE_REQUESTS_MALFORMED, 1);
    }
}

int door_decode(struct door *door, enum door_format format, struct view request,
                const struct otlp_stage **out_stage)
{
    int status = format == DOOR_JSON ? otlp_decode_json(door->decoder, request, out_stage)
                                     : otlp_decode_protobuf(door->decoder, request, out_stage);

    if (status != 0)
        count_failure(door, status);
    return status;
}

void door_rest(struct door *door)
{
    otlp_decoder_rest(door->decoder);
}

void door_count_admitted(struct door *door, const struct otlp_stage *stage)
{
    uint64_t rejected = 0;

    for (size_t reason = 0; reason < REJECTED_REASON_COUNT; reason++) {
        if (stage->rejected[reason] == 0)
            continue;
        publisher_reject(door->publisher, (enum rejected_reason)reason, stage->rejected[reason]);
        rejected += stage->rejected[reason];
    }
    counters_add(door->counters, ENGINE_REQUESTS_ADMITTED, 1);
    counters_add(door->counters, ENGINE_SPANS_ADMITTED, stage->count);
    if (rejected != 0)
        counters_add(door->counters, ENGINE_SPANS_REJECTED, rejected);
    if (stage->links_invalid != 0)
        counters_add(door->counters, ENGINE_LINKS_INVALID, stage->links_invalid);
    if (stage->links_past_max != 0)
        counters_add(door->counters, ENGINE_LINKS_PAST_MAX, stage->links_past_max);
    if (stage->attributes_repeated != 0)
        counters_add(door->counters, ENGINE_ATTRIBUTES_REPEATED, stage->attributes_repeated);
    if (stage->sites_missed != 0)
        counters_add(door->counters, ENGINE_SITES_MISSED, stage->sites_missed);
}

/* Who feeds the shards himself has none. */
static void find_rings(struct door *door)
{
    if (door->rings[0] != NULL)
        return;
    for (unsigned shard = 0; shard < door->workers_count; shard++)
        door->rings[shard] = worker_ring(door->workers[shard], door->number);
}

static bool has_room(struct door *door, const struct otlp_stage *stage)
{
    find_rings(door);
    memset(door->counts, 0, door->workers_count * sizeof(*door->counts));
    for (size_t i = 0; i < stage->count; i++)
        door->counts[span_shard(stage->spans[i].trace_hash, door->workers_count)]++;
    for (size_t i = 0; i < stage->links_count; i++)
        door->counts[span_shard(stage->links[i].trace_hash, door->workers_count)] += 2;
    for (unsigned shard = 0; shard < door->workers_count; shard++) {
        if (ring_has_room(door->rings[shard], door->counts[shard]))
            continue;
        worker_wake(door->workers[shard]); /* There will be, when it comes again. */
        return false;
    }
    return true;
}

/* Behind the spans of the request, in slots that are not published yet. */
static void put_links(struct door *door, const struct otlp_stage *stage)
{
    for (size_t i = 0; i < stage->links_count; i++) {
        unsigned shard = span_shard(stage->links[i].trace_hash, door->workers_count);
        struct ring *ring = door->rings[shard];
        struct span records[2];

        otlp_half(stage, &stage->links[i], records);
        for (size_t j = 0; j < 2; j++)
            memcpy(ring_slot(ring, door->counts[shard]++), &records[j], sizeof(struct span));
    }
}

void door_note_targets(struct door *door, struct wall_time now)
{
    otlp_decoder_note_targets(door->decoder, now);
}

static void hand_over(struct door *door, const struct otlp_stage *stage)
{
    struct wall_time now = clock_wall();

    door_note_targets(door, now);

    memset(door->counts, 0, door->workers_count * sizeof(*door->counts));
    for (size_t i = 0; i < stage->count; i++) {
        unsigned shard = span_shard(stage->spans[i].trace_hash, door->workers_count);
        struct ring *ring = door->rings[shard];
        size_t at = door->counts[shard]++;

        __builtin_prefetch(ring_slot(ring, at + SLOTS_AHEAD), 1);
        memcpy(ring_slot(ring, at), &stage->spans[i], sizeof(struct span));
        lateness_note(&door->lateness, &stage->spans[i], now);
    }
    lateness_count(&door->lateness, door->counters);
    put_links(door, stage);
    for (unsigned shard = 0; shard < door->workers_count; shard++) {
        if (door->counts[shard] == 0)
            continue;
        ring_publish(door->rings[shard], door->counts[shard]);
        worker_published(door->workers[shard], door->number);
    }
}

/* Whole, with the spans that were rejected here: the other side judges for itself. */
static void pass_on(const struct door *door, const struct otlp_stage *stage)
{
    uint64_t spans = stage->count;

    for (size_t reason = 0; reason < REJECTED_REASON_COUNT; reason++)
        spans += stage->rejected[reason];
    if (spans != 0)
        door->onward->pass(door->onward->context, otlp_decoder_message(door->decoder), spans);
}

static int admit(struct door *door, enum door_format format, struct view request,
                 const struct otlp_stage **out_stage)
{
    int status = door_decode(door, format, request, out_stage);
    const struct otlp_stage *stage = *out_stage;

    if (status != 0)
        return status;
    if (!has_room(door, stage)) {
        counters_add(door->counters, ENGINE_REQUESTS_BUSY, 1);
        counters_add(door->counters, ENGINE_SPANS_BUSY, stage->count);
        return STATUS_BUSY;
    }
    /* Counted first, so that no snapshot shows a span of this request before its rejected ones. */
    door_count_admitted(door, stage);
    hand_over(door, stage);
    if (door->onward != NULL)
        pass_on(door, stage);
    return 0;
}

int door_admit(struct door *door, enum door_format format, struct view request,
               const struct otlp_stage **out_stage)
{
    struct mono_time begin = clock_mono();
    int status = admit(door, format, request, out_stage);

    door_rest(door);
    latency_count(door->counters, ENGINE_REQUEST_SECONDS, begin, clock_mono());
    return status;
}

/* ------------------------------------------------------------------- answer */

static uint64_t retry_delay_ns(struct door *door)
{
    door->random ^= door->random << 13;
    door->random ^= door->random >> 7;
    door->random ^= door->random << 17;
    return retry_min_ns + door->random % retry_spread_ns;
}

static void refuse(struct door *door, int status, const struct otlp_stage *stage,
                   struct grpc_reply *reply)
{
    switch (status) {
    case STATUS_BUSY:
        reply->code = GRPC_UNAVAILABLE;
        reply->retry_delay_ns = retry_delay_ns(door);
        buf_append_text(&reply->message, "spans come in faster than they are counted; try again");
        break;
    case STATUS_NOMEM:
        reply->code = GRPC_UNAVAILABLE;
        reply->retry_delay_ns = retry_delay_ns(door);
        buf_append_text(&reply->message, "out of memory; try again");
        break;
    case STATUS_TOO_LARGE:
        reply->code = GRPC_RESOURCE_EXHAUSTED;
        buf_append_text(&reply->message, "too many spans in one request: send smaller batches, or "
                                         "raise spanmap's memory.limit");
        break;
    default:
        reply->code = GRPC_INVALID_ARGUMENT;
        buf_printf(&reply->message, "not an ExportTraceServiceRequest: %s at byte %zu",
                   stage->error != NULL ? stage->error : status_text(status), stage->error_offset);
    }
}

void door_export(struct door *door, enum door_format format, struct view message,
                 struct grpc_reply *reply)
{
    const struct otlp_stage *stage;
    int status = door_admit(door, format, message, &stage);

    if (status != 0) {
        refuse(door, status, stage, reply);
        return;
    }
    reply->code = GRPC_OK;
    /* The spans are taken on by now: an answer that memory has no room for stays empty, which
     * says that all is well, rather than make the sender send them again. */
    if (otlp_response(stage, format == DOOR_JSON ? MESSAGE_JSON : MESSAGE_PROTOBUF, &reply->body) !=
        0)
        buf_reset(&reply->body);
}
