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

/* ------------------------------------------------------------------ one by one */

/* A world with room for few spans, whose series may leave. */
struct scene {
    struct world world;
    uint64_t now_ns;
    uint64_t trace; /* Of the last span that is nobody's concern. */
};

static void scene_init(struct scene *scene, unsigned shards)
{
    *scene = (struct scene){.now_ns = NS_PER_S, .trace = 1000};
    world_init(&scene->world, &(struct world_options){.shards = shards,
                                                      .memory_bytes_max = 1 << 20,
                                                      .expiration_ns = NS_PER_S});
}

static struct span scene_span(struct scene *scene, const char *service, enum span_kind kind,
                              uint64_t id, uint64_t parent)
{
    struct world_site site = {.service = service, .kind = kind};

    return world_span(world_site(&scene->world, &site), kind, id, parent);
}

static uint32_t service_of(struct scene *scene, struct span span)
{
    return catalog_site_at(scene->world.catalog, span.site)->service;
}

static void scene_feed(struct scene *scene, struct span span)
{
    world_feed(&scene->world, &span, 1, scene->now_ns);
}

static void scene_wait(struct scene *scene)
{
    scene->now_ns += 11 * NS_PER_S;
    world_tick(&scene->world, scene->now_ns);
}

/* So many spans of service "a", each in a trace of its own. */
static void scene_fill(struct scene *scene, unsigned spans)
{
    for (unsigned i = 0; i < spans; i++) {
        struct span span = scene_span(scene, "a", SPAN_KIND_SERVER, 1, 0);
        span.trace[1] = ++scene->trace;
        scene_feed(scene, span);
    }
}

/* Judges what is there and pushes the oldest spans out, which are fewer than a block. */
static void scene_forget(struct scene *scene)
{
    const struct slab *slab = &scene->world.shards[0]->store.slab;
    uint32_t tail = slab->tail;

    scene_wait(scene);
    while (slab->tail == tail)
        scene_fill(scene, 1);
    scene_wait(scene);
}

/* Lets all series leave, sweeps, and lets others take what was given back. */
static void scene_sweep(struct scene *scene)
{
    unsigned names = 0;

    snapshot_release(world_snapshot(&scene->world));
    for (unsigned i = 0; i < 8; i++)
        publisher_let_leave(scene->world.publisher, true, (struct wall_time){100 * NS_PER_S});
    world_sweep(&scene->world);
    squat(&scene->world, &names);
}

/* A client with two callees, so that there is room for notes. */
static void scene_make_notes(struct scene *scene)
{
    struct span spans[] = {scene_span(scene, "a", SPAN_KIND_CLIENT, 1, 0),
                           scene_span(scene, "d", SPAN_KIND_SERVER, 2, 1),
                           scene_span(scene, "e", SPAN_KIND_SERVER, 3, 1)};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        spans[i].trace[1] = 2;
        scene_feed(scene, spans[i]);
    }
}

static uint64_t observed(struct scene *scene, const char *edge)
{
    struct snapshot *snapshot = world_snapshot(&scene->world);
    const struct snapshot_edge *found = world_edge(snapshot, edge);
    uint64_t count = found != NULL && found->client_seconds != NULL ? found->client_seconds->count
                                                                    : 0;

    snapshot_release(snapshot);
    return count / WEIGHT_ONE;
}

/* A client's duration counts once on each of its edges, as long as it is remembered: the next one to
 * have a callee's number must not be taken for it. */
static void tell_and_forget(unsigned callees)
{
    static const char *const names[] = {"b", "c"};
    struct scene scene;
    uint32_t numbers[2];
    struct span span;

    scene_init(&scene, 1);
    for (unsigned i = 0; i < callees; i++) {
        span = scene_span(&scene, names[i], SPAN_KIND_SERVER, 10 + i, 1);
        numbers[i] = service_of(&scene, span);
        scene_feed(&scene, span);
    }
    scene_fill(&scene, 300);
    scene_feed(&scene, scene_span(&scene, "a", SPAN_KIND_CLIENT, 1, 0));
    scene_make_notes(&scene);
    scene_forget(&scene);
    scene_sweep(&scene);
    for (unsigned i = 0; i < callees; i++)
        assert_false(catalog_node_left(scene.world.catalog, numbers[i]));
    span = scene_span(&scene, "squatter0", SPAN_KIND_SERVER, 20, 1);
    scene_feed(&scene, span);
    scene_wait(&scene);
    assert_int_equal(observed(&scene, "service//a -> service//squatter0"), 1);
    world_release(&scene.world);
}

static void mark__keeps_the_callees_that_a_client_was_told_of(void **state)
{
    (void)state;
    tell_and_forget(1);
    tell_and_forget(2);
}

/* A request stands with its producer as long as that waits: who took it is not mistaken for another. */
static void mark__keeps_who_took_a_message(void **state)
{
    struct world_site site = {
        .service = "b", .kind = SPAN_KIND_CONSUMER, .group = "g", .destination = "messaging//q"};
    struct scene scene;
    struct span span;
    uint32_t group, service;

    (void)state;
    scene_init(&scene, 1);
    span = world_span(world_site(&scene.world, &site), SPAN_KIND_CONSUMER, 10, 1);
    service = service_of(&scene, span);
    group = catalog_site_at(scene.world.catalog, span.site)->group;
    scene_feed(&scene, span);
    scene_feed(&scene, scene_span(&scene, "a", SPAN_KIND_PRODUCER, 1, 0));
    scene_forget(&scene);
    scene_sweep(&scene);
    assert_view_equal(catalog_node_at(scene.world.catalog, service)->name, "b");
    assert_view_equal(catalog_text_at(scene.world.catalog, group), "g");
    world_release(&scene.world);
}

static void mark__keeps_what_letters_bring(void **state)
{
    struct scene scene;
    struct span span;
    struct node node = {NODE_SERVICE, VIEW(""), VIEW("far")};
    struct letter letter = {.what = LETTER_ANSWER,
                            .state = ANSWER_FOUND,
                            .id = 5,
                            .destination = CATALOG_NONE,
                            .from = 1};

    (void)state;
    scene_init(&scene, 2);
    span = scene_span(&scene, "b", SPAN_KIND_CONSUMER, 5, 0);
    letter.site = span.site;
    assert_int_equal(catalog_node(scene.world.catalog, &node, &letter.producer), 0);
    for (unsigned walked = 0; walked < 3; walked++) /* Both shards have walked already. */
        assert_false(world_sweep_step(&scene.world));
    assert_int_equal(exchange_send(scene.world.exchange, 0, &letter), 0);
    world_sweep(&scene.world);
    assert_false(catalog_node_left(scene.world.catalog, service_of(&scene, span)));
    assert_false(catalog_node_left(scene.world.catalog, letter.producer));
    world_release(&scene.world);
}

/* What a shard notes of numbers for itself ends with the sweep. */
static void mark__forgets_what_was_noted_of_numbers(void **state)
{
    struct world_site caller = {.service = "a", .kind = SPAN_KIND_CLIENT, .address_key = 1000};
    struct scene scene;
    struct span span;
    uint32_t number, service;

    (void)state;
    scene_init(&scene, 1);
    number = world_site(&scene.world, &caller);
    scene_feed(&scene, world_span(number, SPAN_KIND_CLIENT, 1, 0));
    span = scene_span(&scene, "b", SPAN_KIND_SERVER, 2, 1);
    service = service_of(&scene, span);
    scene_feed(&scene, span);
    scene_wait(&scene);
    assert_int_equal(lessons_ask(scene.world.lessons, 1000), service);
    snapshot_release(world_snapshot(&scene.world));
    world_sweep(&scene.world);
    caller.address_key = 2000;
    assert_int_equal(world_site(&scene.world, &caller), number); /* Another site of that number. */
    span = world_span(number, SPAN_KIND_CLIENT, 3, 0);
    scene_feed(&scene, span);
    scene_feed(&scene, scene_span(&scene, "b", SPAN_KIND_SERVER, 4, 3));
    scene_wait(&scene);
    assert_int_equal(lessons_ask(scene.world.lessons, 2000), service);
    world_release(&scene.world);
}

static void mark__lets_another_service_report(void **state)
{
    struct scene scene;
    struct span span;
    uint32_t service;

    (void)state;
    scene_init(&scene, 1);
    span = scene_span(&scene, "b", SPAN_KIND_SERVER, 1, 0);
    service = service_of(&scene, span);
    scene_feed(&scene, span);
    scene_fill(&scene, 300);
    scene_forget(&scene);
    snapshot_release(world_snapshot(&scene.world));
    for (unsigned i = 0; i < 8; i++)
        publisher_let_leave(scene.world.publisher, true, (struct wall_time){100 * NS_PER_S});
    world_sweep(&scene.world);
    span = scene_span(&scene, "z", SPAN_KIND_SERVER, 1, 0);
    assert_int_equal(service_of(&scene, span), service);
    assert_false(catalog_is_reported(scene.world.catalog, service));
    scene_feed(&scene, span);
    assert_true(catalog_is_reported(scene.world.catalog, service));
    world_release(&scene.world);
}

/* Of a large family sums are kept by service: they are not those of the next one of that number. */
static void mark__forgets_the_sums_of_large_families(void **state)
{
    struct scene scene;
    struct snapshot *snapshot;
    struct span span;
    uint32_t service;

    (void)state;
    scene_init(&scene, 1);
    span = scene_span(&scene, "b", SPAN_KIND_SERVER, 9, 1);
    service = service_of(&scene, span);
    scene_feed(&scene, span);
    for (unsigned i = 0; i < 40; i++)
        scene_feed(&scene, scene_span(&scene, "b", SPAN_KIND_INTERNAL, 10 + i, 1));
    scene_fill(&scene, 300);
    scene_feed(&scene, scene_span(&scene, "a", SPAN_KIND_INTERNAL, 1, 0));
    scene_forget(&scene);
    snapshot_release(world_snapshot(&scene.world));
    for (unsigned i = 0; i < 8; i++)
        publisher_let_leave(scene.world.publisher, true, (struct wall_time){100 * NS_PER_S});
    world_sweep(&scene.world);
    for (unsigned i = 0; i < 40; i++) {
        span = scene_span(&scene, "z", SPAN_KIND_INTERNAL, 100 + i, 1);
        assert_int_equal(service_of(&scene, span), service);
        scene_feed(&scene, span);
    }
    scene_wait(&scene);
    snapshot = world_snapshot(&scene.world);
    assert_non_null(world_edge(snapshot, "service//a -> service//z"));
    snapshot_release(snapshot);
    world_release(&scene.world);
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
        cmocka_unit_test(mark__keeps_the_callees_that_a_client_was_told_of),
        cmocka_unit_test(mark__keeps_who_took_a_message),
        cmocka_unit_test(mark__keeps_what_letters_bring),
        cmocka_unit_test(mark__forgets_what_was_noted_of_numbers),
        cmocka_unit_test(mark__lets_another_service_report),
        cmocka_unit_test(mark__forgets_the_sums_of_large_families),
        cmocka_unit_test(mark__changes_nothing_while_spans_come),
        cmocka_unit_test(mark__changes_nothing_where_spans_are_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
