/* judge_lesson_test.c: who teaches, who asks, and that order and shards do not show (N5). */
#include <stdio.h>

#include "tests/lib/random.h"
#include "tests/lib/shard_fixture.h"

enum { ADDRESS = 77, RPC = 78 };

static uint32_t client_site(struct fixture *fixture, const struct world_site *site)
{
    struct world_site wanted = *site;

    wanted.kind = SPAN_KIND_CLIENT;
    if (wanted.service == NULL)
        wanted.service = "front";
    return world_site(&fixture->world, &wanted);
}

/* A call in a trace of its own: the CLIENT's site, and its SERVER's, 0: nobody answers. */
static void call(struct fixture *fixture, uint64_t trace, uint32_t client, uint32_t server)
{
    struct span spans[2] = {world_span(client, SPAN_KIND_CLIENT, 1, 0),
                            world_span(server, SPAN_KIND_SERVER, 2, 1)};

    spans[0].trace[1] = spans[1].trace[1] = trace;
    world_feed(&fixture->world, spans, server != 0 ? 2 : 1, start_ns);
}

static uint32_t server_site(struct fixture *fixture, const char *service)
{
    return world_site(&fixture->world,
                      &(struct world_site){.service = service, .kind = SPAN_KIND_SERVER});
}

/* How many unanswered calls went to a service that was learned, after all have taught. */
static void assert_learned(struct fixture *fixture, const char *edge, double requests)
{
    world_finish(&fixture->world, start_ns);
    assert_true(look_at(fixture, edge) == requests);
    world_release(&fixture->world);
}

static void lesson__names_a_service_that_went_silent(void **state)
{
    struct fixture fixture;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;
    uint32_t taught;
    uint32_t asked;

    (void)state;
    setup(&fixture, &plain);
    taught = client_site(&fixture, &(struct world_site){.address_key = ADDRESS});
    asked = client_site(&fixture, &(struct world_site){.service = "other",
                                                       .address_key = ADDRESS,
                                                       .peer = "external//back:80"});
    call(&fixture, 1, asked, 0);
    call(&fixture, 2, taught, fixture.back_server);
    world_finish(&fixture.world, start_ns);
    snapshot = world_snapshot(&fixture.world);
    edge = world_edge(snapshot, "service//other -> service//back");
    assert_non_null(edge);
    assert_true(edge->requests == WEIGHT_ONE);
    assert_non_null(edge->client_seconds);
    assert_null(edge->server_seconds);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_SERVER_SILENT], 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_SERVER], 0);
    assert_null(world_edge(snapshot, "service//other -> external//back:80 [virtual_node]"));
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

static void lesson__is_taught_by_a_client_and_its_server_only(void **state)
{
    static const struct {
        enum span_kind parent, child;
        bool teaches;
    } pairs[] = {
        {SPAN_KIND_CLIENT, SPAN_KIND_SERVER, true},
        {SPAN_KIND_CLIENT, SPAN_KIND_UNSPECIFIED, false},
        {SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL, false},
        {SPAN_KIND_CLIENT, SPAN_KIND_CONSUMER, false},
        {SPAN_KIND_CLIENT, SPAN_KIND_CLIENT, false},
        {SPAN_KIND_INTERNAL, SPAN_KIND_SERVER, false},
        {SPAN_KIND_PRODUCER, SPAN_KIND_SERVER, false},
        {SPAN_KIND_UNSPECIFIED, SPAN_KIND_SERVER, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct fixture fixture;
        struct world_site parent = {
            .service = "front", .kind = pairs[i].parent, .address_key = ADDRESS};
        struct world_site child = {.service = "back", .kind = pairs[i].child};
        struct span spans[2];
        setup(&fixture, &plain);
        spans[0] = world_span(world_site(&fixture.world, &parent), pairs[i].parent, 1, 0);
        spans[1] = world_span(world_site(&fixture.world, &child), pairs[i].child, 2, 1);
        spans[0].trace[1] = spans[1].trace[1] = 9;
        world_feed(&fixture.world, spans, 2, start_ns);
        call(
            &fixture, 1,
            client_site(&fixture, &(struct world_site){.service = "other", .address_key = ADDRESS}),
            0);
        assert_learned(&fixture, "service//other -> service//back", pairs[i].teaches ? 1 : 0);
    }
}

/* The CLIENT above an INTERNAL parent makes the call (E3), but is not the parent. */
static void lesson__is_not_taught_by_a_client_further_up(void **state)
{
    struct fixture fixture;
    struct span spans[3];
    uint32_t client;

    (void)state;
    setup(&fixture, &plain);
    client = client_site(&fixture, &(struct world_site){.address_key = ADDRESS});
    spans[0] = world_span(client, SPAN_KIND_CLIENT, 1, 0);
    spans[1] = world_span(fixture.front_internal, SPAN_KIND_INTERNAL, 2, 1);
    spans[2] = world_span(fixture.back_server, SPAN_KIND_SERVER, 3, 2);
    world_feed(&fixture.world, spans, 3, start_ns);
    call(&fixture, 2, client, 0);
    assert_learned(&fixture, "service//front -> external//unknown [virtual_node]", 1);
}

static void lesson__of_the_caller_itself_is_not_used(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    call(&fixture, 1, client_site(&fixture, &(struct world_site){.address_key = ADDRESS}),
         fixture.back_server);
    call(&fixture, 2,
         client_site(&fixture, &(struct world_site){.service = "back", .address_key = ADDRESS}), 0);
    assert_learned(&fixture, "service//back -> external//unknown [virtual_node]", 1);
}

/* A call to itself teaches nothing either. */
static void lesson__needs_another_service(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    call(&fixture, 1, client_site(&fixture, &(struct world_site){.address_key = ADDRESS}),
         fixture.front_server);
    call(&fixture, 2,
         client_site(&fixture, &(struct world_site){.service = "other", .address_key = ADDRESS}),
         0);
    assert_learned(&fixture, "service//other -> external//unknown [virtual_node]", 1);
}

static void lesson__of_an_address_goes_before_the_rpc_service(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain);
    call(&fixture, 1, client_site(&fixture, &(struct world_site){.address_key = ADDRESS}),
         fixture.back_server);
    call(&fixture, 2, client_site(&fixture, &(struct world_site){.rpc_key = RPC}),
         server_site(&fixture, "cart"));
    call(&fixture, 3,
         client_site(&fixture, &(struct world_site){.service = "other",
                                                    .call = CALL_RPC,
                                                    .address_key = ADDRESS,
                                                    .rpc_key = RPC}),
         0);
    assert_learned(&fixture, "service//other -> service//back", 1);
}

static void lesson__of_two_services_is_shared(void **state)
{
    struct fixture fixture;
    uint32_t gateway;

    (void)state;
    setup(&fixture, &plain);
    gateway = client_site(&fixture, &(struct world_site){.address_key = ADDRESS});
    call(&fixture, 1, gateway, fixture.back_server);
    call(&fixture, 2, gateway, server_site(&fixture, "cart"));
    call(&fixture, 3, client_site(&fixture, &(struct world_site){.rpc_key = RPC}),
         server_site(&fixture, "cart"));
    /* The address says nothing any more, the RPC service does. */
    call(&fixture, 4,
         client_site(&fixture, &(struct world_site){.service = "other",
                                                    .call = CALL_RPC,
                                                    .address_key = ADDRESS,
                                                    .rpc_key = RPC}),
         0);
    assert_learned(&fixture, "service//other -> service//cart", 1);
}

static void lesson__is_not_asked_for_databases_and_messages(void **state)
{
    static const struct {
        enum call_kind call;
        const char *edge;
    } samples[] = {
        {CALL_DATABASE, "service//other -> database//d [database]"},
        {CALL_MESSAGING, "service//other -> database//d [messaging_system]"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        setup(&fixture, &plain);
        call(&fixture, 1, client_site(&fixture, &(struct world_site){.address_key = ADDRESS}),
             fixture.back_server);
        call(&fixture, 2,
             client_site(&fixture, &(struct world_site){.service = "other",
                                                        .call = samples[i].call,
                                                        .peer = "database//d",
                                                        .address_key = ADDRESS}),
             0);
        assert_learned(&fixture, samples[i].edge, 1);
    }
}

/* names.peer_order: what was found before the lesson's turn is used, unless it is the caller. */
static void lesson__keeps_its_place_in_the_order(void **state)
{
    static const struct {
        const char *peer;
        bool by_name;
        uint8_t place;
        const char *edge;
    } samples[] = {
        {"external//x", false, 0, "service//front -> service//back"},
        {"external//x", false, 1, "service//front -> external//x [virtual_node]"},
        {"external//front", true, 1, "service//front -> service//back"},
        {NULL, false, 2, "service//front -> service//back"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct fixture fixture;
        setup(&fixture, &plain);
        call(
            &fixture, 1,
            client_site(&fixture, &(struct world_site){.service = "other", .address_key = ADDRESS}),
            fixture.back_server);
        call(&fixture, 2,
             client_site(&fixture, &(struct world_site){.peer = samples[i].peer,
                                                        .peer_by_name = samples[i].by_name,
                                                        .address_key = ADDRESS,
                                                        .lesson_place = samples[i].place}),
             0);
        assert_learned(&fixture, samples[i].edge, 1);
    }
}

/* In time: a call that ends its wait together with the pair that teaches, in another shard or before
 * it in its own, is judged by the lesson. */
static void lesson__is_taught_before_its_time_to_be_asked(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 8; shards++) {
        struct fixture fixture;
        setup(&fixture, &(struct world_options){.shards = shards});
        for (uint64_t i = 0; i < 20; i++) {
            struct world_site site = {.service = "other", .address_key = 100 + i};
            call(&fixture, 1000 + i, client_site(&fixture, &site), 0);
            site.service = "front";
            call(&fixture, 2000 + i, client_site(&fixture, &site), fixture.back_server);
        }
        for (uint64_t now_ns = start_ns; now_ns < start_ns + 11 * NS_PER_S;
             now_ns += 100 * NS_PER_MS)
            world_tick(&fixture.world, now_ns);
        assert_true(look_at(&fixture, "service//other -> service//back") == 20);
        world_release(&fixture.world);
    }
}

/* A pair teaches once both sides are there, whichever comes first and whatever makes them a pair: calls
 * that came nearly a whole wait before it know it, whose own wait ends long after theirs. */
static void lesson__is_taught_as_soon_as_both_sides_are_there(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 8; way++) {
        bool server_first = (way & 1) != 0;
        bool shares_id = (way & 2) != 0;
        struct world_site site = {.service = "other", .address_key = ADDRESS};
        uint64_t now_ns = start_ns + 8 * NS_PER_S;
        struct fixture fixture;
        struct span pair[2];
        setup(&fixture, &(struct world_options){.shards = 1 + (way >> 2)});
        call(&fixture, 1, client_site(&fixture, &site), 0);
        site.service = "front";
        pair[0] = world_span(client_site(&fixture, &site), SPAN_KIND_CLIENT, 1, 0);
        pair[1] = world_span(fixture.back_server, SPAN_KIND_SERVER, shares_id ? 1 : 2,
                             shares_id ? 0 : 1);
        pair[0].trace[1] = pair[1].trace[1] = 2;
        feed_at(&fixture, pair[server_first ? 1 : 0], now_ns);
        for (; now_ns < start_ns + 9500 * NS_PER_MS; now_ns += 100 * NS_PER_MS)
            world_tick(&fixture.world, now_ns);
        feed_at(&fixture, pair[server_first ? 0 : 1], now_ns);
        for (; now_ns < start_ns + 10200 * NS_PER_MS; now_ns += 100 * NS_PER_MS)
            world_tick(&fixture.world, now_ns);
        assert_true(look_at(&fixture, "service//other -> service//back") == 1);
        world_release(&fixture.world);
    }
}

/* Of a family that is too large to be gone through at once, members teach when they are judged. */
static void lesson__of_a_large_family_is_taught_in_the_end(void **state)
{
    struct world_site site = {.service = "front", .address_key = ADDRESS};
    struct fixture fixture;
    struct span client;
    struct span asked;

    (void)state;
    setup(&fixture, &plain);
    for (uint64_t i = 0; i < 3000; i++) { /* The first is the last of the family's list. */
        struct span child = world_span(i == 0 ? fixture.back_server : fixture.back_internal,
                                       i == 0 ? SPAN_KIND_SERVER : SPAN_KIND_INTERNAL, 10 + i, 1);
        feed_at(&fixture, child, start_ns);
    }
    world_tick(&fixture.world, start_ns + NS_PER_S);
    client = world_span(client_site(&fixture, &site), SPAN_KIND_CLIENT, 1, 0);
    feed_at(&fixture, client, start_ns + NS_PER_S);
    site.service = "other";
    asked = world_span(client_site(&fixture, &site), SPAN_KIND_CLIENT, 1, 0);
    asked.trace[1] = 2;
    feed_at(&fixture, asked, start_ns + NS_PER_S);
    for (uint64_t second = 2; second <= 16; second++)
        world_tick(&fixture.world, start_ns + second * NS_PER_S);
    assert_true(look_at(&fixture, "service//other -> service//back") == 1);
    world_release(&fixture.world);
}

/* ------------------------------------------------------------------ random calls */

enum { CALLS_MAX = 300, KEYS_MAX = 12, SERVICES = 5, SEEDS = 60 };

static const char *const names[SERVICES] = {"a", "b", "c", "d", "e"};

/* Call i, in trace i + 1. */
struct random_call {
    unsigned client, server; /* Services; server == SERVICES: nobody answers. */
    uint64_t address, rpc;   /* 0: none */
    enum span_kind child;
};

static struct random_call random_call(struct random *random, unsigned keys)
{
    static const enum span_kind children[] = {SPAN_KIND_SERVER, SPAN_KIND_SERVER, SPAN_KIND_SERVER,
                                              SPAN_KIND_UNSPECIFIED, SPAN_KIND_CONSUMER};
    unsigned home = (unsigned)random_below(random, keys);
    struct random_call call = {
        .client = (unsigned)random_below(random, SERVICES),
        .server = home % SERVICES, /* Most keys have one service. */
        .address = random_below(random, 4) != 0 ? 1 + home : 0,
        .rpc = random_below(random, 2) != 0 ? 1000 + home : 0,
        .child = children[random_below(random, 5)],
    };

    if (random_below(random, 20) == 0)
        call.server = (unsigned)random_below(random, SERVICES);
    if (random_below(random, 2) == 0)
        call.server = SERVICES;
    return call;
}

/* Of a service's calls to itself only a SERVER answers (E5). */
static bool is_answered(const struct random_call *call)
{
    return call->server != SERVICES &&
           (call->server != call->client || call->child == SPAN_KIND_SERVER);
}

/* The service that a key was taught by, by looking at all calls; SERVICES: none or several. */
static unsigned lesson_of(const struct random_call *calls, size_t count, uint64_t key)
{
    unsigned found = SERVICES;

    for (size_t i = 0; i < count; i++) {
        const struct random_call *one = &calls[i];
        if (one->server == SERVICES || one->server == one->client ||
            one->child != SPAN_KIND_SERVER || key == 0 || (one->address != key && one->rpc != key))
            continue;
        if (found != SERVICES && found != one->server)
            return SERVICES;
        found = one->server;
    }
    return found;
}

/* How many unanswered calls go from each service to each by lessons. */
static void expect(const struct random_call *calls, size_t count,
                   unsigned out_learned[SERVICES][SERVICES])
{
    memset(out_learned, 0, sizeof(unsigned[SERVICES][SERVICES]));
    for (size_t i = 0; i < count; i++) {
        unsigned service = lesson_of(calls, count, calls[i].address);
        if (is_answered(&calls[i]))
            continue;
        if (service == SERVICES || service == calls[i].client)
            service = lesson_of(calls, count, calls[i].rpc);
        if (service != SERVICES && service != calls[i].client)
            out_learned[calls[i].client][service]++;
    }
}

static size_t make_spans(struct world *world, const struct random_call *calls, size_t count,
                         struct span *out_spans)
{
    size_t spans = 0;

    for (size_t i = 0; i < count; i++) {
        const struct random_call *one = &calls[i];
        struct world_site client = {.service = names[one->client],
                                    .kind = SPAN_KIND_CLIENT,
                                    .call = CALL_RPC,
                                    .address_key = one->address,
                                    .rpc_key = one->rpc};
        out_spans[spans] = world_span(world_site(world, &client), SPAN_KIND_CLIENT, 1, 0);
        out_spans[spans++].trace[1] = i + 1;
        if (one->server == SERVICES)
            continue;
        out_spans[spans] = world_span(
            world_site(world,
                       &(struct world_site){.service = names[one->server], .kind = one->child}),
            one->child, 2, 1);
        out_spans[spans++].trace[1] = i + 1;
    }
    return spans;
}

/* Of each answered call as many more go over its edge without a SERVER's duration as were learned. */
static void assert_expected(struct world *world, const struct random_call *calls, size_t count,
                            uint64_t seed)
{
    struct snapshot *snapshot = world_snapshot(world);
    unsigned learned[SERVICES][SERVICES];
    uint64_t silent = 0;

    expect(calls, count, learned);
    for (unsigned client = 0; client < SERVICES; client++) {
        for (unsigned server = 0; server < SERVICES; server++) {
            char edge[64];
            double answered = 0;
            if (client == server)
                continue;
            for (size_t i = 0; i < count; i++)
                answered += calls[i].client == client && calls[i].server == server &&
                            calls[i].child != SPAN_KIND_CONSUMER;
            snprintf(edge, sizeof(edge), "service//%s -> service//%s", names[client],
                     names[server]);
            silent += learned[client][server];
            if (requests_on(snapshot, edge) != answered + learned[client][server]) {
                fprintf(stderr, "seed %llu, %s\n", (unsigned long long)seed, edge);
                fail();
            }
        }
    }
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_SERVER_SILENT], silent);
    snapshot_release(snapshot);
}

static void lesson__is_the_same_in_any_order_on_any_shards(void **state)
{
    static struct random_call calls[CALLS_MAX];
    static struct span spans[2 * CALLS_MAX];

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = random_of(seed);
        unsigned keys = 1 + (unsigned)random_below(&random, KEYS_MAX);
        size_t count = 1 + random_below(&random, CALLS_MAX);
        struct world world;
        size_t made;
        for (size_t i = 0; i < count; i++)
            calls[i] = random_call(&random, keys);
        world_init(&world, &(struct world_options){.shards = 1 + (unsigned)(seed % 8)});
        made = make_spans(&world, calls, count, spans);
        for (size_t i = made; i > 1; i--) {
            size_t other = random_below(&random, i);
            struct span swapped = spans[i - 1];
            spans[i - 1] = spans[other];
            spans[other] = swapped;
        }
        world_feed(&world, spans, made, start_ns);
        world_finish(&world, start_ns);
        assert_expected(&world, calls, count, seed);
        world_release(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lesson__names_a_service_that_went_silent),
        cmocka_unit_test(lesson__is_taught_by_a_client_and_its_server_only),
        cmocka_unit_test(lesson__is_not_taught_by_a_client_further_up),
        cmocka_unit_test(lesson__of_the_caller_itself_is_not_used),
        cmocka_unit_test(lesson__needs_another_service),
        cmocka_unit_test(lesson__of_an_address_goes_before_the_rpc_service),
        cmocka_unit_test(lesson__of_two_services_is_shared),
        cmocka_unit_test(lesson__is_not_asked_for_databases_and_messages),
        cmocka_unit_test(lesson__keeps_its_place_in_the_order),
        cmocka_unit_test(lesson__is_taught_before_its_time_to_be_asked),
        cmocka_unit_test(lesson__is_taught_as_soon_as_both_sides_are_there),
        cmocka_unit_test(lesson__of_a_large_family_is_taught_in_the_end),
        cmocka_unit_test(lesson__is_the_same_in_any_order_on_any_shards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
