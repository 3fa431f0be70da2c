/* judge_usual_test.c: what the short way says is what the long one does, whatever comes.
 *
 * Two worlds get the same spans at the same times; in one of them no span is taken for a usual one.
 * Traces are such as SDKs send, with as much of what is odd as it takes to leave the short way at
 * every place: shared ids, messages, links, callers in each other, groups, loops, orphans, parents
 * that come late, spans that had to leave. A failure names its seed.
 */
#include "topology/judge.h"

#include <stdio.h>

#include "tests/lib/random.h"
#include "tests/lib/shard_world.h"
#include "tests/lib/test.h"
#include "topology/shard_priv.h"

enum { SEEDS = 45, SPANS_MAX = 4000, TRACE_SPANS = 24, WAYS = 2 };

static const char *const services[] = {"a", "b", "n/b", "c"};
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

/* How odd a world is: of so many spans one is, 0: none. */
struct oddity {
    unsigned kind;   /* Of any kind, where its parent's would call for another one. */
    unsigned parent; /* With any parent, or one that never comes. */
    unsigned id;     /* With an id that others have. */
    unsigned links;  /* A CONSUMER that links to something. */
};

static struct oddity random_oddity(struct random *random)
{
    static const unsigned rates[] = {0, 2, 8, 30};

    return (struct oddity){rates[random_below(random, 4)], rates[random_below(random, 4)],
                           rates[random_below(random, 4)], rates[random_below(random, 4)]};
}

static bool happens(struct random *random, unsigned rate)
{
    return rate != 0 && random_below(random, rate) == 0;
}

static uint32_t site_of(struct world *world, unsigned service, enum span_kind kind, unsigned call)
{
    struct world_site site = {
        .service = services[service],
        .kind = kind,
        .call = (enum call_kind)call,
        .peer = call % 2 != 0 ? "external//x" : NULL,
        .address_key = 1 + call,
        .destination = kind == SPAN_KIND_PRODUCER ? "messaging//q" : NULL,
        .is_receive = kind == SPAN_KIND_CONSUMER && call == 3,
    };

    return world_site(world, &site);
}

struct made {
    struct span spans[SPANS_MAX];
    struct world_link links[SPANS_MAX]; /* Of the CONSUMERs that have one. */
    unsigned services[SPANS_MAX];
    size_t count;
};

/* What a span makes of one below it: a SERVER calls by CLIENTs, a CLIENT is answered elsewhere. */
static enum span_kind kind_below(struct random *random, enum span_kind kind)
{
    static const enum span_kind below_client[] = {SPAN_KIND_SERVER,   SPAN_KIND_SERVER,
                                                  SPAN_KIND_SERVER,   SPAN_KIND_SERVER,
                                                  SPAN_KIND_INTERNAL, SPAN_KIND_PRODUCER};

    if (kind == SPAN_KIND_CLIENT)
        return below_client[random_below(random, 6)];
    if (kind == SPAN_KIND_PRODUCER)
        return SPAN_KIND_CONSUMER;
    if (random_below(random, 12) == 0)
        return SPAN_KIND_PRODUCER;
    return random_below(random, 2) != 0 ? SPAN_KIND_CLIENT : SPAN_KIND_INTERNAL;
}

static void make_span(struct world *world, struct random *random, const struct oddity *oddity,
                      struct made *made, size_t first, uint64_t trace)
{
    size_t place = made->count - first;
    size_t parent = place != 0 ? first + random_below(random, place) : first;
    enum span_kind kind = place != 0 ? kind_below(random, made->spans[parent].kind)
                                     : SPAN_KIND_SERVER;
    unsigned service = place != 0 && !kind_serves(kind) ? made->services[parent]
                                                        : (unsigned)random_below(random, SERVICES);
    struct span span;

    if (happens(random, oddity->kind)) {
        kind = (enum span_kind)random_below(random, SPAN_KIND_COUNT);
        service = (unsigned)random_below(random, SERVICES);
    }
    span = world_span(site_of(world, service, kind, (unsigned)random_below(random, 4)), kind,
                      place + 1, place != 0 ? made->spans[parent].id : 0);
    span.trace[1] = trace;
    if (happens(random, oddity->id))
        span.id = 1 + random_below(random, place + 1);
    if (happens(random, oddity->parent))
        span.parent = random_below(random, TRACE_SPANS + 4);
    if (span.parent == span.id) {
        span.parent_bad = 1;
        span.parent = 0;
    }
    span.start_ns += random_below(random, NS_PER_MS);
    span.duration_ns = random_below(random, NS_PER_MS) & (2 * DURATION_NS_MAX - 1);
    span.status = random_below(random, 8) == 0 ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET;
    span.weight = random_below(random, 8) == 0 ? 2 * WEIGHT_ONE : WEIGHT_ONE;
    span.no_duration = random_below(random, 30) == 0;
    span.links = kind == SPAN_KIND_CONSUMER && happens(random, oddity->links);
    made->links[made->count] = (struct world_link){1 + random_below(random, trace),
                                                   1 + random_below(random, TRACE_SPANS)};
    made->services[made->count] = service;
    made->spans[made->count++] = span;
}

/* The same of each seed: sites are interned in the same order. */
static void make(struct world *world, uint64_t seed, struct made *made)
{
    struct random random = random_of(seed);
    struct oddity oddity = random_oddity(&random);
    uint64_t reach = 1 + random_below(&random, 40); /* How far a span comes from its trace. */

    made->count = 0;
    for (uint64_t trace = 1; made->count + TRACE_SPANS <= SPANS_MAX; trace++) {
        size_t first = made->count;
        size_t wanted = 1 + random_below(&random, TRACE_SPANS);
        while (made->count - first < wanted)
            make_span(world, &random, &oddity, made, first, trace);
    }
    for (size_t i = 0; i + reach < made->count; i++) {
        size_t other = i + random_below(&random, reach);
        struct span span = made->spans[i];
        struct world_link link = made->links[i];
        made->spans[i] = made->spans[other];
        made->links[i] = made->links[other];
        made->spans[other] = span;
        made->links[other] = link;
    }
}

static void feed(struct world *world, const struct made *made, size_t at, uint64_t now_ns)
{
    world_feed(world, &made->spans[at], 1, now_ns);
    if (made->spans[at].links != 0)
        world_link(world, &made->spans[at], &made->links[at], 1, now_ns);
}

/* Both worlds have counted the same. How many spans had to leave so far. */
static uint64_t assert_same(struct world worlds[WAYS], uint64_t seed)
{
    struct buf texts[WAYS];
    uint64_t dropped = 0;

    for (int i = 0; i < WAYS; i++) {
        struct snapshot *snapshot = world_snapshot(&worlds[i]);
        buf_init(&texts[i], 0);
        world_print(snapshot, &texts[i]);
        dropped = snapshot->accounting.dropped[DROPPED_EVICTED];
        snapshot_release(snapshot);
    }
    if (!view_equal(buf_view(&texts[0]), buf_view(&texts[1])))
        fprintf(stderr, "seed %llu\n%.*s\nbut the long way:\n%.*s\n", (unsigned long long)seed,
                (int)texts[0].size, texts[0].data, (int)texts[1].size, texts[1].data);
    assert_true(view_equal(buf_view(&texts[0]), buf_view(&texts[1])));
    for (int i = 0; i < WAYS; i++)
        buf_release(&texts[i]);
    return dropped;
}

/* How many spans were judged at sight. */
static uint64_t count_usual(const struct world *world)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < world->shards_count; i++)
        count += world->shards[i]->judge.usual;
    return count;
}

static void judge_usual__counts_what_the_long_way_counts(void **state)
{
    static struct made made;
    uint64_t usual = 0;
    uint64_t dropped = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = random_of(seed + 1000000);
        struct world worlds[WAYS];
        struct world_options options = {
            .shards = 1 + (unsigned)(seed % 2),
            .memory_bytes_max = seed % 3 == 0 ? 400 << 10 : 0, /* Spans have to leave. */
            .parent_wait_ns = 40 * NS_PER_S,
            .messaging_wait_ns = 600 * NS_PER_S,
            .orphan_servers_as_user = seed % 5 == 0,
        };
        uint64_t step_ns = 1 + random_below(&random, 40 * NS_PER_MS);
        uint64_t now_ns = NS_PER_S;
        for (int i = 0; i < WAYS; i++) {
            world_init(&worlds[i], &options);
            for (unsigned j = 0; j < worlds[i].shards_count; j++)
                worlds[i].shards[j]->judge.takes_the_long_way = i == 1;
            make(&worlds[i], seed, &made);
        }
        for (size_t at = 0; at < made.count; at++) {
            now_ns += random_below(&random, step_ns);
            for (int i = 0; i < WAYS; i++)
                feed(&worlds[i], &made, at, now_ns);
            if (random_below(&random, 700) == 0)
                (void)assert_same(worlds, seed);
        }
        for (unsigned steps = 0; steps < 12 && seed % 2 == 0; steps++) {
            now_ns += random_below(&random, 10 * NS_PER_S);
            for (int i = 0; i < WAYS; i++)
                world_tick(&worlds[i], now_ns);
            (void)assert_same(worlds, seed);
        }
        for (int i = 0; i < WAYS; i++)
            world_finish(&worlds[i], now_ns);
        dropped += assert_same(worlds, seed);
        usual += count_usual(&worlds[0]);
        assert_int_equal(count_usual(&worlds[1]), 0);
        for (int i = 0; i < WAYS; i++)
            world_release(&worlds[i]);
    }
    assert_true(usual > (uint64_t)SEEDS * SPANS_MAX / 4);
    assert_true(dropped != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_usual__counts_what_the_long_way_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
