/* shard_mark_test.c: sweeps of names change nothing but what is given back.
 *
 * One world is swept again and again while spans come, and numbers that were given back go to other
 * names at once; another one is not. Both must tell the same story in the end.
 */
#include "topology/shard_mark.h"

#include <stdio.h>

#include "tests/lib/random.h"
#include "tests/lib/shard_world.h"
#include "tests/lib/test.h"
#include "topology/catalog_sweep.h"
#include "topology/shard_priv.h"

enum { SPANS = 400, SEEDS = 60, LINKS = 3 };

/* A span before its names are looked up. */
struct telling {
    struct world_site site;
    char service[16];
    char operation[16];
    char peer[32];
    char destination[32];
    char group[16];
    struct span span;
    struct world_link links[LINKS];
    size_t links_count;
};

struct story {
    unsigned names; /* Of a kind: few, so that they meet again, or many. */
    unsigned traces;
    unsigned ids;
    bool teaches;
    bool is_late; /* Some spans come after those were judged that they belong to. */
    size_t count;
    struct telling tellings[SPANS];
};

static void tell_names(struct random *random, const struct story *story, struct telling *telling)
{
    enum span_kind kind = (enum span_kind)random_below(random, SPAN_KIND_COUNT);
    unsigned peer = (unsigned)random_below(random, story->names);

    snprintf(telling->service, sizeof(telling->service), "s%u",
             (unsigned)random_below(random, story->names));
    snprintf(telling->operation, sizeof(telling->operation), "op%u",
             (unsigned)random_below(random, story->names));
    snprintf(telling->peer, sizeof(telling->peer), "%s/x/p%u",
             random_below(random, 2) != 0 ? "external" : "database", peer);
    if (random_below(random, 3) == 0)
        snprintf(telling->peer, sizeof(telling->peer), "external//s%u", peer);
    snprintf(telling->destination, sizeof(telling->destination), "messaging//q%u", peer);
    snprintf(telling->group, sizeof(telling->group), "g%u", peer);
    telling->site = (struct world_site){
        .kind = kind,
        .call = (enum call_kind)random_below(random, 4),
        .peer_by_name = random_below(random, 2) != 0,
        .is_receive = kind == SPAN_KIND_CONSUMER && random_below(random, 4) == 0,
        .address_key = story->teaches && kind == SPAN_KIND_CLIENT ? 1000 + peer : 0,
    };
    telling->span.kind = (unsigned)kind & 7;
}

static void tell_span(struct random *random, const struct story *story, struct telling *telling)
{
    unsigned kind = telling->span.kind;

    telling->span = world_span(0, (enum span_kind)kind, 1 + random_below(random, story->ids), 0);
    telling->span.trace[1] = 1 + random_below(random, story->traces);
    if (random_below(random, 6) != 0)
        telling->span.parent = 1 + random_below(random, story->ids);
    if (telling->span.parent == telling->span.id)
        telling->span.parent = 0;
    telling->span.start_ns += random_below(random, NS_PER_S);
    telling->span.duration_ns = random_below(random, NS_PER_S) & (2 * DURATION_NS_MAX - 1);
    telling->span.status = random_below(random, 5) == 0 ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET;
    for (size_t i = 0; i < LINKS && kind == SPAN_KIND_CONSUMER && random_below(random, 2) != 0; i++)
        telling->links[telling->links_count++] = (struct world_link){
            1 + random_below(random, story->traces), i + 1 + 10 * random_below(random, 3)};
    telling->span.links = telling->links_count & 0x7FF;
}

static void make_story(struct story *story, uint64_t seed, bool is_late)
{
    struct random random = random_of(seed);

    memset(story, 0, sizeof(*story));
    story->names = random_below(&random, 2) != 0 ? 4 : 150;
    story->traces = 1 + (unsigned)random_below(&random, 12);
    story->ids = 4 + (unsigned)random_below(&random, 60);
    story->is_late = is_late;
    story->teaches = !is_late; /* What was judged teaches no more, once it was swept over. */
    story->count = 50 + random_below(&random, SPANS - 50);
    for (size_t i = 0; i < story->count; i++) {
        tell_names(&random, story, &story->tellings[i]);
        tell_span(&random, story, &story->tellings[i]);
    }
}

static void feed(struct world *world, const struct telling *telling, uint64_t now_ns)
{
    struct world_site site = telling->site;
    struct span span = telling->span;
    bool is_message = span.kind == SPAN_KIND_PRODUCER || span.kind == SPAN_KIND_CONSUMER;

    site.service = telling->service;
    site.operation = telling->operation;
    site.peer = telling->peer;
    site.destination = is_message && telling->operation[2] % 2 == 0 ? telling->destination : NULL;
    site.group = span.kind == SPAN_KIND_CONSUMER ? telling->group : NULL;
    span.site = world_site(world, &site);
    world_link(world, &span, telling->links, telling->links_count / 2, now_ns);
    world_feed(world, &span, 1, now_ns);
    world_link(world, &span, telling->links + telling->links_count / 2,
               telling->links_count - telling->links_count / 2, now_ns);
}

/* Takes numbers that were just given back. */
static void squat(struct world *world, unsigned *names)
{
    for (unsigned i = 0; i < 20; i++, ++*names) {
        char service[24], operation[24], peer[32];
        struct world_site site = {.service = service, .operation = operation, .peer = peer};
        snprintf(service, sizeof(service), "squatter%u", *names);
        snprintf(operation, sizeof(operation), "squatter%u", *names);
        snprintf(peer, sizeof(peer), "external//squatter%u", *names);
        (void)world_site(world, &site);
    }
}

/* Now and then a piece of a sweep. */
static void sweep_a_bit(struct world *world, struct random *random, unsigned *names)
{
    if (random_below(random, 3) != 0)
        return;
    if (world_sweep_step(world))
        squat(world, names);
}

/* A sweep takes letters between shards out of turn: where spans are late that may show, so that none
 * is left lying there. */
static void take_letters(struct world *world)
{
    for (unsigned round = 0; round < 4; round++)
        for (unsigned i = 0; i < world->shards_count; i++)
            (void)shard_take_letters(world->shards[i]);
}

static void live_through(struct story *story, unsigned shards, uint64_t seed, bool sweeps,
                         struct buf *out, struct catalog_counts *out_counts)
{
    struct random times = random_of(seed + 1);
    struct random sweeping = random_of(seed + 2);
    uint64_t step_ns = story->is_late ? 100 * NS_PER_MS : 9 * NS_PER_S / SPANS;
    uint64_t now_ns = NS_PER_S;
    unsigned names = 0;
    struct snapshot *snapshot;
    struct world world;

    world_init(&world,
               &(struct world_options){.shards = shards,
                                       .answers = story->is_late ? 64 : 2,
                                       .pairing_wait_ns = story->is_late ? NS_PER_S : 0,
                                       .parent_wait_ns = story->is_late ? 3 * NS_PER_S : 0});
    for (size_t i = 0; i < story->count + 80; i++) {
        if (i < story->count)
            feed(&world, &story->tellings[i], now_ns);
        now_ns += i < story->count ? step_ns : 60 * NS_PER_S;
        if (random_below(&times, 10) == 0 || i >= story->count)
            world_tick(&world, now_ns);
        if (story->is_late)
            take_letters(&world);
        if (sweeps)
            sweep_a_bit(&world, &sweeping, &names);
    }
    world_finish(&world, now_ns);
    while (sweeps && world.sweep_step != 0 && !world_sweep_step(&world))
        continue;
    if (sweeps) {
        world_sweep(&world);
        squat(&world, &names);
    }
    snapshot = world_snapshot(&world);
    assert_true(snapshot->accounting.waiting == 0);
    buf_init(out, 0);
    world_print(snapshot, out);
    snapshot_release(snapshot);
    catalog_read_counts(world.catalog, out_counts);
    world_release(&world);
}

static void assert_same(uint64_t seed, const struct buf *one, const struct buf *two)
{
    size_t at = 0;
    size_t line = 0;

    if (view_equal(buf_view(one), buf_view(two)))
        return;
    while (at < one->size && at < two->size && one->data[at] == two->data[at])
        if (one->data[at++] == '\n')
            line = at;
    fprintf(stderr, "seed %llu: unswept\n%.160s\nbut swept\n%.160s\n", (unsigned long long)seed,
            one->data + line, two->data + line);
    fail();
}

static void compare(bool is_late)
{
    static struct story story;
    uint64_t given = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        unsigned shards = 1 + (unsigned)(seed % 3);
        struct catalog_counts counts;
        struct buf plain, swept;
        make_story(&story, seed, is_late);
        live_through(&story, shards, seed, false, &plain, &counts);
        live_through(&story, shards, seed, true, &swept, &counts);
        assert_same(seed, &plain, &swept);
        given += counts.given.sites;
        buf_release(&plain);
        buf_release(&swept);
    }
    assert_true(given > 1000);
}

static void mark__changes_nothing_while_spans_come(void **state)
{
    (void)state;
    compare(false);
}

static void mark__changes_nothing_where_spans_are_late(void **state)
{
    (void)state;
    compare(true);
}

/* A span that was judged is remembered, but holds no more than its service. */
static void mark__leaves_a_judged_span_its_service_alone(void **state)
{
    struct world world;
    struct catalog_counts before, after;
    uint64_t now_ns = NS_PER_S;

    (void)state;
    world_init(&world, &(struct world_options){.shards = 2, .expiration_ns = NS_PER_S});
    for (unsigned i = 0; i < 200; i++) {
        char operation[16], peer[32];
        struct world_site site = {.service = "a",
                                  .kind = SPAN_KIND_CLIENT,
                                  .operation = operation,
                                  .peer = peer,
                                  .address_key = 100 + i};
        struct span span;
        snprintf(operation, sizeof(operation), "op%u", i);
        snprintf(peer, sizeof(peer), "external//p%u", i);
        span = world_span(world_site(&world, &site), SPAN_KIND_CLIENT, 1, 0);
        span.trace[1] = i + 1;
        world_feed(&world, &span, 1, now_ns);
    }
    catalog_read_counts(world.catalog, &before);
    world_sweep(&world); /* They are not judged yet. */
    catalog_read_counts(world.catalog, &after);
    assert_int_equal(after.sites, before.sites);
    assert_int_equal(after.operations, before.operations);
    world_tick(&world, now_ns + 11 * NS_PER_S);
    snapshot_release(world_snapshot(&world));
    world_sweep(&world); /* The names are those of series. */
    catalog_read_counts(world.catalog, &after);
    assert_int_equal(after.given.sites, 200);
    assert_int_equal(after.operations, before.operations);
    assert_int_equal(after.peers, before.peers);
    publisher_let_leave(world.publisher, true, (struct wall_time){100 * NS_PER_S});
    publisher_let_leave(world.publisher, true, (struct wall_time){100 * NS_PER_S});
    publisher_let_leave(world.publisher, true, (struct wall_time){100 * NS_PER_S});
    world_sweep(&world);
    catalog_read_counts(world.catalog, &after);
    assert_int_equal(after.given.operations, 200);
    assert_int_equal(after.given.peers, 200);
    assert_int_equal(after.services, 1);
    assert_int_equal(shard_remembered(world.shards[0]) + shard_remembered(world.shards[1]), 200);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mark__leaves_a_judged_span_its_service_alone),
        cmocka_unit_test(mark__changes_nothing_while_spans_come),
        cmocka_unit_test(mark__changes_nothing_where_spans_are_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
