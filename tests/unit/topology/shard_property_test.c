/* shard_property_test.c: laws that must hold whatever comes, on random spans.
 *
 * Spans of few ids, services and kinds are thrown together, so that every odd shape comes about:
 * loops, shared ids, orphans, groups, nested callers, duplicates, weights of every kind. A failure
 * names its seed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/random.h"
#include "tests/lib/shard_world.h"
#include "tests/lib/test.h"
#include "topology/span.h"

enum { SPANS_MAX = 600, SEEDS = 120 };

static const char *const services[] = {"a", "b", "n/b", "c"};
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

/* ------------------------------------------------------------------ random spans */

static const uint64_t weights[] = {WEIGHT_ONE,     WEIGHT_ONE,         WEIGHT_ONE, 0,
                                   2 * WEIGHT_ONE, 4 * WEIGHT_ONE / 3, WEIGHT_MAX};

struct chaos {
    unsigned traces;
    unsigned ids;      /* A trace. */
    unsigned parents;  /* Of those, spans are children. */
    unsigned services; /* Of those above. */
    unsigned kinds;    /* Bits; 0: all. */
    bool reuses_ids;   /* Else a span is the only one of its id, or one of a CLIENT-SERVER pair. */
};

static uint32_t random_site(struct world *world, struct random *random, const struct chaos *chaos,
                            enum span_kind kind)
{
    static const char *const peers[] = {NULL, "external//x", "service//b", "database//d"};
    struct world_site site = {
        .service = services[random_below(random, chaos->services)],
        .kind = kind,
        .call = (enum call_kind)random_below(random, 4),
        .operation = random_below(random, 2) != 0 ? "op" : "other",
        .peer = peers[random_below(random, 4)],
        .peer_by_name = random_below(random, 2) != 0,
        .destination = random_below(random, 3) == 0   ? "messaging//q"
                       : random_below(random, 3) == 0 ? "messaging//r"
                                                      : NULL,
        .group = kind == SPAN_KIND_CONSUMER && random_below(random, 3) == 0 ? "g" : NULL,
        .is_receive = kind == SPAN_KIND_CONSUMER && random_below(random, 3) == 0,
    };

    return world_site(world, &site);
}

static enum span_kind random_kind(struct random *random, const struct chaos *chaos)
{
    for (;;) {
        unsigned kind = (unsigned)random_below(random, SPAN_KIND_COUNT);
        if (chaos->kinds == 0 || (chaos->kinds >> kind & 1) != 0)
            return (enum span_kind)kind;
    }
}

static struct span random_span(struct world *world, struct random *random,
                               const struct chaos *chaos)
{
    enum span_kind kind = random_kind(random, chaos);
    struct span span = world_span(random_site(world, random, chaos, kind), kind,
                                  1 + random_below(random, chaos->ids), 0);

    span.trace[1] = 1 + random_below(random, chaos->traces);
    if (random_below(random, 8) != 0)
        span.parent = 1 + random_below(random, chaos->parents);
    if (span.parent == span.id) {
        span.parent_bad = 1;
        span.parent = 0;
    }
    span.start_ns += random_below(random, NS_PER_S);
    span.duration_ns = (random_next(random) >> (11 + random_below(random, 50))) &
                       (2 * DURATION_NS_MAX - 1);
    span.weight = weights[random_below(random, sizeof(weights) / sizeof(weights[0]))] &
                  ((UINT64_C(1) << 37) - 1);
    span.status = random_below(random, 6) == 0 ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET;
    span.no_duration = random_below(random, 20) == 0;
    span.skewed = random_below(random, 20) == 0;
    span.weight_unknown = random_below(random, 2) & 1;
    return span;
}

/* Whether the span would be the second of its id, or the ninth. */
static bool id_is_taken(const struct span *spans, size_t count, const struct span *span,
                        bool reuses_ids)
{
    unsigned same = 0;
    bool is_pair = false;

    for (size_t i = 0; i < count; i++) {
        if (spans[i].trace[1] != span->trace[1] || spans[i].id != span->id)
            continue;
        same++;
        is_pair = (spans[i].kind == SPAN_KIND_CLIENT && span->kind == SPAN_KIND_SERVER) ||
                  (spans[i].kind == SPAN_KIND_SERVER && span->kind == SPAN_KIND_CLIENT);
        if (spans[i].kind == span->kind && spans[i].site == span->site)
            return true;
    }
    return reuses_ids ? same >= 6 : same > 1 || (same == 1 && !is_pair);
}

/* All different but for some copies of earlier ones. */
static size_t random_spans(struct world *world, struct random *random, const struct chaos *chaos,
                           struct span out_spans[SPANS_MAX])
{
    size_t wanted = 1 + random_below(random, SPANS_MAX);
    size_t count = 0;

    for (size_t tries = 0; count < wanted && tries < (size_t)4 * SPANS_MAX; tries++) {
        if (count != 0 && random_below(random, 20) == 0) {
            out_spans[count] = out_spans[random_below(random, count)];
            count++;
            continue;
        }
        out_spans[count] = random_span(world, random, chaos);
        if (!id_is_taken(out_spans, count, &out_spans[count], chaos->reuses_ids))
            count++;
    }
    return count;
}

static struct chaos random_chaos(struct random *random)
{
    static const unsigned kinds[] = {
        0,
        1u << SPAN_KIND_CLIENT | 1u << SPAN_KIND_SERVER | 1u << SPAN_KIND_INTERNAL,
        1u << SPAN_KIND_CLIENT | 1u << SPAN_KIND_PRODUCER | 1u << SPAN_KIND_CONSUMER,
        1u << SPAN_KIND_CLIENT | 1u << SPAN_KIND_INTERNAL | 1u << SPAN_KIND_UNSPECIFIED,
    };

    unsigned ids = 2 + (unsigned)random_below(random, random_below(random, 3) == 0 ? 600 : 60);

    /* Some parents never come; or there are few, with large families. */
    return (struct chaos){
        .traces = 1 + (unsigned)random_below(random, 20),
        .ids = ids,
        .parents = random_below(random, 3) == 0 ? 3 : ids + ids / 4 + 1,
        .services = 1 + (unsigned)random_below(random, SERVICES),
        .kinds = kinds[random_below(random, 4)],
        .reuses_ids = random_below(random, 2) != 0,
    };
}

/* Different services make different spans of one id; the same service and kind is a copy that may
 * differ in what it says. Those are left out, for then the order may show. */
static size_t without_unequal_copies(const struct world *world, struct span *spans, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t service = catalog_site_at(world->catalog, spans[i].site)->service;
        bool differs = false;
        for (size_t j = 0; j < kept; j++)
            differs |= spans[j].trace[1] == spans[i].trace[1] && spans[j].id == spans[i].id &&
                       spans[j].kind == spans[i].kind &&
                       catalog_site_at(world->catalog, spans[j].site)->service == service &&
                       memcmp(&spans[j], &spans[i], sizeof(spans[i])) != 0;
        if (!differs)
            spans[kept++] = spans[i];
    }
    return kept;
}

static void shuffle(struct random *random, struct span *spans, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(random, i);
        struct span swapped = spans[i - 1];
        spans[i - 1] = spans[other];
        spans[other] = swapped;
    }
}

/* ------------------------------------------------------------------ links */

enum { LINKS_OF_SPAN = 4 };

/* What a consumer links to follows from the span itself, so that copies have equal links. */
static size_t links_of(const struct span *span, const struct chaos *chaos,
                       struct world_link out_links[LINKS_OF_SPAN])
{
    struct random random = random_of(span->trace[1] * 1000003 + span->id * 101 + span->site);
    size_t wanted = random_below(&random, LINKS_OF_SPAN + 1);
    size_t count = 0;

    if (span->kind != SPAN_KIND_CONSUMER)
        return 0;
    for (size_t i = 0; i < wanted; i++) {
        struct world_link link = {1 + random_below(&random, chaos->traces),
                                  1 + random_below(&random, chaos->ids)};
        bool is_new = true;
        for (size_t j = 0; j < count; j++)
            is_new &= out_links[j].trace != link.trace || out_links[j].id != link.id;
        if (is_new)
            out_links[count++] = link;
    }
    return count;
}

/* Feeds a span and its links, in either order. */
static void feed_span(struct world *world, const struct chaos *chaos, struct span span,
                      bool links_first, uint64_t now_ns)
{
    struct world_link links[LINKS_OF_SPAN];
    size_t count = links_of(&span, chaos, links);

    span.links = count & 0x7FF;
    if (links_first)
        world_link(world, &span, links, count, now_ns);
    world_feed(world, &span, 1, now_ns);
    if (!links_first)
        world_link(world, &span, links, count, now_ns);
}

/* ------------------------------------------------------------------ one result */

static void print_and_release(struct world *world, struct buf *out)
{
    struct snapshot *snapshot = world_snapshot(world);

    assert_true(snapshot->accounting.waiting == 0);
    buf_init(out, 0);
    world_print(snapshot, out);
    snapshot_release(snapshot);
    world_release(world);
}

/* The first line of a text, which is taken off it. */
static struct view take_line(struct view *text)
{
    const char *end = text->size != 0 ? memchr(text->data, '\n', text->size) : NULL;
    struct view line = {text->data, end != NULL ? (size_t)(end - text->data) : text->size};

    text->data += line.size + (end != NULL);
    text->size -= line.size + (end != NULL);
    return line;
}

/* Fails with the first line that differs. */
static void assert_same_text(uint64_t seed, const char *what, const struct buf *one,
                             const struct buf *two)
{
    struct view texts[2] = {buf_view(one), buf_view(two)};
    struct view lines[2];

    if (view_equal(texts[0], texts[1]))
        return;
    do {
        lines[0] = take_line(&texts[0]);
        lines[1] = take_line(&texts[1]);
    } while (view_equal(lines[0], lines[1]));
    fprintf(stderr, "seed %llu, %s:\n%.*s\nbut:\n%.*s\n", (unsigned long long)seed, what,
            (int)lines[0].size, lines[0].data, (int)lines[1].size, lines[1].data);
    fail();
}

/* Sites are interned in the same order, so that their numbers are the same in each world. */
static size_t make_spans(struct world *world, uint64_t seed, struct chaos *out_chaos,
                         struct span *out_spans)
{
    struct random random = random_of(seed);
    struct chaos chaos = random_chaos(&random);
    size_t count = random_spans(world, &random, &chaos, out_spans);

    *out_chaos = chaos;

    return without_unequal_copies(world, out_spans, count);
}

/* All at once, one shard, judged at the end. */
static void plain_result(uint64_t seed, struct buf *out)
{
    static struct span spans[SPANS_MAX];
    struct world world;
    struct chaos chaos;
    size_t count;

    world_init(&world, &(struct world_options){.shards = 1});
    count = make_spans(&world, seed, &chaos, spans);
    for (size_t i = 0; i < count; i++)
        feed_span(&world, &chaos, spans[i], false, NS_PER_S);
    world_finish(&world, NS_PER_S);
    print_and_release(&world, out);
}

/* ------------------------------------------------------------------ the laws */

static void shard__hides_order_and_number_of_shards(void **state)
{
    static struct span spans[SPANS_MAX];

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = random_of(seed + 1000000);
        struct buf plain;
        struct buf other;
        plain_result(seed, &plain);
        for (unsigned shards = 1; shards <= 5; shards += 2) {
            struct world world;
            struct chaos chaos;
            size_t count;
            world_init(&world, &(struct world_options){.shards = shards, .answers = 2});
            count = make_spans(&world, seed, &chaos, spans);
            shuffle(&random, spans, count);
            for (size_t i = 0; i < count; i++)
                feed_span(&world, &chaos, spans[i], random_below(&random, 2) != 0, NS_PER_S);
            world_finish(&world, NS_PER_S);
            print_and_release(&world, &other);
            assert_same_text(seed, "another order on other shards", &plain, &other);
            buf_release(&other);
        }
        buf_release(&plain);
    }
}

/* What came within the waits is judged by cursors as it is at the end, whatever order and steps of
 * time they go in, and however often it is asked what was counted. */
static void shard__judges_in_time_as_at_the_end(void **state)
{
    static struct span spans[SPANS_MAX];

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = random_of(seed + 2000000);
        struct world world;
        struct chaos chaos;
        struct buf plain;
        struct buf other;
        uint64_t now_ns = NS_PER_S;
        size_t count;
        plain_result(seed, &plain);
        world_init(&world, &(struct world_options){.shards = 2});
        count = make_spans(&world, seed, &chaos, spans);
        shuffle(&random, spans, count);
        for (size_t i = 0; i < count; i++) {
            feed_span(&world, &chaos, spans[i], random_below(&random, 2) != 0, now_ns);
            now_ns += random_below(&random, 15 * NS_PER_MS); /* 600 of them: 9 s at most. */
            if (random_below(&random, 50) == 0)
                world_tick(&world, now_ns);
        }
        for (unsigned steps = 0; steps < 60; steps++) {
            now_ns += NS_PER_S + random_below(&random, 150 * NS_PER_S);
            world_tick(&world, now_ns);
            if (random_below(&random, 10) == 0)
                snapshot_release(world_snapshot(&world));
        }
        now_ns += 3700 * NS_PER_S;
        world_tick(&world, now_ns);
        print_and_release(&world, &other);
        assert_same_text(seed, "judged in time", &plain, &other);
        buf_release(&plain);
        buf_release(&other);
    }
}

/* Nothing is lost and nothing falls, with memory for a part of the spans, ids used again and again
 * and any step of time: world_snapshot() looks after every step. */
static void shard__accounts_for_every_span_at_every_step(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct random random = random_of(seed + 3000000);
        struct chaos chaos = random_chaos(&random);
        struct world world;
        uint64_t now_ns = NS_PER_S;
        uint64_t fed = 0;
        chaos.traces = 2000;
        chaos.reuses_ids = true;
        world_init(&world, &(struct world_options){.shards = 1 + (unsigned)(seed % 3),
                                                   .memory_bytes_max = 1 << 20,
                                                   .message_bytes_max = 256 << 10,
                                                   .answers = 2,
                                                   .edges_max = 5,
                                                   .operations_max = 5,
                                                   .losses_max = 5,
                                                   .messaging_wait_ns = 60 * NS_PER_S,
                                                   .orphan_servers_as_user = seed % 2 == 0});
        for (unsigned step = 0; step < 60; step++) {
            size_t count = random_below(&random, 2000);
            struct snapshot *snapshot;
            for (size_t i = 0; i < count; i++) {
                struct span span = random_span(&world, &random, &chaos);
                feed_span(&world, &chaos, span, i % 2 != 0, now_ns);
            }
            fed += count;
            if (random_below(&random, 3) != 0)
                now_ns += random_below(&random, 8 * NS_PER_S);
            if (random_below(&random, 2) == 0)
                world_tick(&world, now_ns);
            snapshot = world_snapshot(&world);
            assert_true(snapshot->accounting.received == fed);
            snapshot_release(snapshot);
        }
        world_finish(&world, now_ns);
        {
            struct snapshot *snapshot = world_snapshot(&world);
            assert_true(snapshot->accounting.waiting == 0);
            assert_true(snapshot->accounting.received == fed);
            snapshot_release(snapshot);
        }
        world_release(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shard__hides_order_and_number_of_shards),
        cmocka_unit_test(shard__judges_in_time_as_at_the_end),
        cmocka_unit_test(shard__accounts_for_every_span_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
