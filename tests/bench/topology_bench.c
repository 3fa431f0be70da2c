/* topology_bench.c: what a span costs from its record to counted edges, and what remembering it
 * costs in bytes.
 *
 * One shard, one thread, no ring, no decoding. Each case feeds batches of 64 records while a clock
 * of its own runs at 100,000 spans a second, so that spans are judged at the end of a wait of 10 s
 * as in service: a million of them wait at any time. The first rounds fill the memory and the
 * series and are not measured. Times are of the processor, the best of some rounds. The last column
 * says what was counted, to show that the case does what it says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "tests/lib/random.h"
#include "topology/judge_priv.h"
#include "topology/publisher.h"
#include "topology/shard.h"
#include "topology/snapshot.h"

enum { BATCH = 64, TRACE_SPANS = 10, RATE_PER_S = 100000, ROUNDS_WARM = 3, ROUNDS = 6 };

static const uint64_t seed = 42;

/* What a sender may do to a shard: 100,000 spans a trace. */
enum hostility {
    FRIENDLY,
    ONE_FAMILY,    /* Children of one CLIENT in another service, together one call. */
    ONE_NEST,      /* CLIENT spans in one CLIENT, none answered. */
    ONE_LINE,      /* CLIENT spans, each the child of the one before. */
    ORPHANS,       /* Each wants a parent that never comes. */
    SHARED_FAMILY, /* As the first, of a parent that shares its id. */
};

struct shape {
    const char *name;
    uint32_t services;
    uint32_t sites_a_service; /* Call sites and operations. */
    uint32_t traces_in_flight;
    bool shuffled;
    uint32_t spans;
    size_t memory_bytes;
    enum hostility hostility;
    bool without_self;
};

/* What self times cost is seen by leaving them out: the linker puts this in front of the judge's own
 * (--wrap in the Makefile). */
static bool leaves_self_out;
bool __real_judge_self_ns(struct judge *judge, uint32_t at, uint64_t *out_ns);
bool __wrap_judge_self_ns(struct judge *judge, uint32_t at, uint64_t *out_ns);
bool __wrap_judge_self_ns(struct judge *judge, uint32_t at, uint64_t *out_ns)
{
    return !leaves_self_out && __real_judge_self_ns(judge, at, out_ns);
}

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* ------------------------------------------------------------------ names */

struct world {
    struct catalog *catalog;
    uint32_t *sites; /* service * sites_a_service * kinds */
    const struct shape *shape;
};

static uint32_t site_of(const struct world *world, uint32_t service, uint32_t which,
                        enum span_kind kind)
{
    return world->sites[(service * world->shape->sites_a_service + which) * SPAN_KIND_COUNT + kind];
}

static void make_world(struct world *world, const struct shape *shape)
{
    struct catalog_limits limits = {.services_max = shape->services,
                                    .peers_max = 1000,
                                    .operations_max = 1000000,
                                    .sites_max = 10000000,
                                    .text_bytes_max = 200};
    char text[64];

    world->shape = shape;
    CHECK(catalog_new(&limits, &world->catalog) == 0);
    world->sites = calloc((size_t)shape->services * shape->sites_a_service * SPAN_KIND_COUNT,
                          sizeof(*world->sites));
    CHECK(world->sites != NULL);
    for (uint32_t i = 0; i < shape->services; i++)
        for (uint32_t j = 0; j < shape->sites_a_service; j++)
            for (uint32_t kind = 0; kind < SPAN_KIND_COUNT; kind++) {
                struct node node = {.type = NODE_SERVICE};
                struct site site;
                memset(&site, 0, sizeof(site));
                site.peer = site.peer_else = site.destination = site.group = CATALOG_NONE;
                site.kind = (uint8_t)kind;
                snprintf(text, sizeof(text), "service-%u", i);
                node.name = view_of(text);
                CHECK(catalog_node(world->catalog, &node, &site.service) == 0);
                snprintf(text, sizeof(text), "GET /things/%u", j);
                CHECK(catalog_text(world->catalog, view_of(text), &site.operation) == 0);
                CHECK(
                    catalog_site(
                        world->catalog, &site,
                        &world->sites[(i * shape->sites_a_service + j) * SPAN_KIND_COUNT + kind]) ==
                    0);
            }
}

/* ------------------------------------------------------------------ spans */

/* A server that calls two services, each of which does something inside and calls one more:
 * 4 SERVER, 3 CLIENT, 3 INTERNAL spans; children before their parents, as they end. */
static void make_trace(const struct world *world, struct random *random, struct span *out_spans)
{
    static const struct {
        uint8_t parent, service;
        uint8_t kind;
    } shape[TRACE_SPANS] = {
        {1, 2, SPAN_KIND_INTERNAL}, {2, 2, SPAN_KIND_SERVER}, {3, 1, SPAN_KIND_CLIENT},
        {4, 1, SPAN_KIND_SERVER},   {9, 0, SPAN_KIND_CLIENT}, {6, 3, SPAN_KIND_INTERNAL},
        {7, 3, SPAN_KIND_SERVER},   {9, 0, SPAN_KIND_CLIENT}, {9, 0, SPAN_KIND_INTERNAL},
        {10, 0, SPAN_KIND_SERVER},
    };
    uint32_t first = (uint32_t)random_below(random, world->shape->services);
    uint64_t trace[2] = {random_next(random), random_next(random)};
    uint64_t ids = random_next(random);

    for (uint32_t i = 0; i < TRACE_SPANS; i++) {
        uint32_t service = (first + shape[i].service) % world->shape->services;
        uint32_t which = (uint32_t)random_below(random, world->shape->sites_a_service);
        out_spans[i] = (struct span){
            .trace = {trace[0], trace[1]},
            .id = ids + i + 1,
            .parent = shape[i].parent < TRACE_SPANS ? ids + shape[i].parent + 1 : 0,
            .start_ns = UINT64_C(1700000000000000000),
            .duration_ns = (1000 + (random_next(random) >> (random_below(random, 16) + 34))) &
                           (2 * DURATION_NS_MAX - 1),
            .weight = WEIGHT_ONE,
            .weight_unknown = 1,
            .kind = shape[i].kind & 7U,
            .site = site_of(world, service, which, (enum span_kind)shape[i].kind),
            .trace_hash = span_trace_hash(trace, seed),
        };
    }
}

static struct span hostile_span(const struct world *world, uint64_t trace, uint32_t number,
                                enum span_kind kind, uint32_t service, uint64_t parent)
{
    struct span span = {
        .trace = {trace, 1},
        .id = number + 1,
        .parent = parent,
        .start_ns = UINT64_C(1700000000000000000),
        .duration_ns = NS_PER_MS,
        .weight = WEIGHT_ONE,
        .kind = (unsigned)kind & 7U,
        .site = site_of(world, service, 0, kind),
    };

    return span;
}

static struct span *make_hostile_spans(const struct world *world)
{
    enum { TRACE = 100000 };
    enum hostility how = world->shape->hostility;
    struct span *spans = calloc(world->shape->spans, sizeof(*spans));

    CHECK(spans != NULL);
    for (uint32_t i = 0; i < world->shape->spans; i++) {
        uint32_t number = i % TRACE;
        enum span_kind kind = SPAN_KIND_CLIENT;
        uint64_t parent = number != 0 ? 1 : 0;
        uint32_t service = 0;
        if ((how == ONE_FAMILY || how == SHARED_FAMILY) && number != 0) {
            kind = SPAN_KIND_INTERNAL;
            service = 1;
        }
        if (how == ONE_LINE)
            parent = number;
        if (how == ORPHANS)
            parent = 1000000 + i;
        spans[i] = hostile_span(world, i / TRACE + 1, number, kind, service, parent);
        if (how == SHARED_FAMILY && number == 1) /* The other half, of a third service. */
            spans[i] = hostile_span(world, i / TRACE + 1, 0, SPAN_KIND_SERVER, 2, 0);
    }
    return spans;
}

/* Traces that are in flight together send their spans in turn. */
static struct span *make_spans(const struct world *world)
{
    const struct shape *shape = world->shape;
    struct random random = random_of(7);
    struct span *spans = calloc(shape->spans, sizeof(*spans));
    struct span trace[TRACE_SPANS];
    uint32_t group = shape->traces_in_flight * TRACE_SPANS;

    CHECK(spans != NULL && shape->spans % group == 0);
    for (uint32_t at = 0; at < shape->spans; at += group)
        for (uint32_t i = 0; i < shape->traces_in_flight; i++) {
            make_trace(world, &random, trace);
            for (uint32_t j = 0; j < TRACE_SPANS; j++)
                spans[at + j * shape->traces_in_flight + i] = trace[j];
        }
    for (uint32_t at = 0; shape->shuffled && at < shape->spans; at += group)
        for (uint32_t i = group - 1; i > 0; i--) {
            uint32_t other = (uint32_t)random_below(&random, i + 1);
            struct span swapped = spans[at + i];
            spans[at + i] = spans[at + other];
            spans[at + other] = swapped;
        }
    return spans;
}

/* ------------------------------------------------------------------ running */

static struct shard *make_shard(const struct world *world)
{
    struct shard_options options = {
        .catalog = world->catalog,
        .tally = {.bounds = &histogram_bounds_default,
                  .edges_max = 1000000,
                  .operations_max = 1000000,
                  .losses_max = 1000},
        .hash_seed = seed,
        .pairing_wait_ns = 10 * NS_PER_S,
        .parent_wait_ns = 300 * NS_PER_S,
        .messaging_wait_ns = 3600 * NS_PER_S,
        .memory_bytes_max = world->shape->memory_bytes,
        .message_bytes_max = 16 << 20,
        .shards = 1,
    };
    struct shard *shard;

    CHECK(shard_new(&options, &shard) == 0);
    return shard;
}

static struct snapshot *snapshot_of(const struct world *world, struct shard *shard)
{
    struct publisher_options options = {.catalog = world->catalog,
                                        .bounds = &histogram_bounds_default,
                                        .edges_max = 1000000,
                                        .operations_max = 1000000,
                                        .losses_max = 1000,
                                        .shards = 1};
    struct tally_options tally_options = {&histogram_bounds_default, 1, 1, 1, 0, 0, 0};
    struct publisher *publisher;
    struct tally *tally;
    struct snapshot *snapshot;

    CHECK(publisher_new(&options, &publisher) == 0);
    CHECK(tally_new(&tally_options, &tally) == 0);
    shard_swap(shard, &tally);
    CHECK(publisher_absorb(publisher, 0, tally, (struct wall_time){1}) == 0);
    CHECK(publisher_snapshot(publisher, (struct wall_time){2}, &snapshot) == 0);
    tally_free(tally);
    publisher_free(publisher);
    return snapshot;
}

static void print_counts(const struct snapshot *snapshot)
{
    uint64_t requests = 0;

    for (size_t i = 0; i < snapshot->edges_count; i++)
        requests += snapshot->edges[i].requests >> WEIGHT_SHIFT;
    printf("  %zu edges, %" PRIu64 " requests, %" PRIu64 " paired, %" PRIu64 " dropped\n",
           snapshot->edges_count, requests, snapshot->accounting.paired,
           snapshot->accounting.dropped[DROPPED_EVICTED]);
}

/* New traces of the same spans. */
static void change_traces(struct span *spans, uint32_t count, uint64_t round)
{
    for (uint32_t i = 0; i < count; i++)
        spans[i].trace[0] ^= round * UINT64_C(0x9E3779B97F4A7C15);
}

/* Feeds all spans; nanoseconds a span. */
static double feed_round(struct shard *shard, const struct span *spans, uint32_t spans_count,
                         struct mono_time *now)
{
    uint64_t begun = now_ns();

    for (uint32_t at = 0; at < spans_count; at += BATCH) {
        uint32_t count = spans_count - at < BATCH ? spans_count - at : BATCH;
        now->ns += NS_PER_S / RATE_PER_S * count;
        shard_feed(shard, spans + at, count, *now);
    }
    return (double)(now_ns() - begun) / spans_count;
}

static void run(const struct shape *shape)
{
    struct world world;
    struct shard *shard;
    struct span *spans;
    struct snapshot *snapshot;
    struct mono_time now = {NS_PER_S};
    double bytes;
    double best = 0;

    leaves_self_out = shape->without_self;
    make_world(&world, shape);
    spans = shape->hostility == FRIENDLY ? make_spans(&world) : make_hostile_spans(&world);
    shard = make_shard(&world);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        double ns = feed_round(shard, spans, shape->spans, &now);
        if (round >= ROUNDS_WARM && (best == 0 || ns < best))
            best = ns;
        change_traces(spans, shape->spans, round + 1);
    }
    bytes = (double)shard_memory_bytes(shard) / (double)shard_remembered(shard);
    shard_finish(shard, now);
    snapshot = snapshot_of(&world, shard);
    printf("%-44s %6.0f ns a span  %5.1f bytes  ", shape->name, best, bytes);
    print_counts(snapshot);
    snapshot_release(snapshot);
    shard_free(shard);
    free(spans);
    free(world.sites);
    catalog_free(world.catalog);
}

int main(int count, char **words)
{
    static const struct shape shapes[] = {
        {"1 trace in flight, 4 services", 4, 1, 1, false, 1000000, 128 << 20, FRIENDLY, false},
        {"1 trace in flight, 100 services", 100, 10, 1, false, 1000000, 128 << 20, FRIENDLY, false},
        {"100 traces in flight, 100 services", 100, 10, 100, false, 1000000, 128 << 20, FRIENDLY,
         false},
        {"the same without self times", 100, 10, 100, false, 1000000, 128 << 20, FRIENDLY, true},
        {"100,000 traces in flight", 100, 10, 100000, false, 1000000, 128 << 20, FRIENDLY, false},
        {"100,000 traces in flight, shuffled", 100, 10, 100000, true, 1000000, 256 << 20, FRIENDLY,
         false},
        {"10,000 services", 10000, 1, 100, false, 1000000, 128 << 20, FRIENDLY, false},
        {"10,000 services, 100,000 sites", 10000, 10, 100, false, 1000000, 128 << 20, FRIENDLY,
         false},
        {"100,000 traces in flight, 10,000 services", 10000, 1, 100000, false, 1000000, 128 << 20,
         FRIENDLY, false},
        {"a tenth of the memory that it needs", 100, 10, 100, false, 1000000, 12 << 20, FRIENDLY,
         false},
        {"hostile: one family", 4, 1, 1, false, 1000000, 128 << 20, ONE_FAMILY, false},
        {"hostile: one nest", 4, 1, 1, false, 1000000, 128 << 20, ONE_NEST, false},
        {"hostile: one line", 4, 1, 1, false, 1000000, 128 << 20, ONE_LINE, false},
        {"hostile: orphans", 4, 1, 1, false, 1000000, 128 << 20, ORPHANS, false},
        {"hostile: one family, shared id", 4, 1, 1, false, 1000000, 128 << 20, SHARED_FAMILY,
         false},
    };

    /* A number as argument runs that case alone. */
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (count < 2 || strtoul(words[1], NULL, 10) == i)
            run(&shapes[i]);
    return 0;
}
