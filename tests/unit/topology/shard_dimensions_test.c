/* shard_dimensions_test.c: each side's values come from its own span, whatever comes first. */
#include <stdio.h>

#include "tests/lib/shard_fixture.h"

enum { SPANS_MAX = 8 };

/* A few spans of one trace, and their sites. */
struct scene {
    struct fixture fixture;
    struct span spans[SPANS_MAX];
    size_t count;
};

static struct span *add(struct scene *scene, const struct world_site *site, uint64_t id,
                        uint64_t parent)
{
    assert_true(scene->count < SPANS_MAX);
    scene->spans[scene->count] = world_span(world_site(&scene->fixture.world, site), site->kind, id,
                                            parent);
    return &scene->spans[scene->count++];
}

static double counted(const struct histogram *histogram)
{
    return histogram != NULL ? histogram_count_value(histogram) : 0;
}

/* One line a series, as snapshots sort them: names with values, requests, failures, and how often
 * the durations of client, server, network and message were observed. */
static void print(const struct snapshot *snapshot, struct buf *out)
{
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        struct view client = dimension_value(edge->client_dimensions, 0);
        struct view server = dimension_value(edge->server_dimensions, 0);
        static const char *const views[EDGE_VIEW_COUNT] = {"", " direct", " broker", " direct",
                                                           " broker"};
        buf_append_view(out, snapshot->nodes[edge->client].node.name);
        buf_printf(out, "[%.*s] ", (int)client.size, client.size != 0 ? client.data : "");
        buf_append_view(out, snapshot->nodes[edge->server].node.name);
        buf_printf(out, "[%.*s]%s %g/%g %g %g %g %g\n", (int)server.size,
                   server.size != 0 ? server.data : "", views[edge->view],
                   (double)edge->requests / (double)WEIGHT_ONE,
                   (double)edge->failed / (double)WEIGHT_ONE, counted(edge->client_seconds),
                   counted(edge->server_seconds), counted(edge->network_seconds),
                   counted(edge->messaging_seconds));
    }
}

/* Feeds the scene, forwards or backwards, at once, and judges it. */
static void expect_in(struct scene *scene, bool backwards, const char *text)
{
    struct snapshot *snapshot;
    struct buf out;

    for (size_t i = 0; i < scene->count; i++)
        feed_at(&scene->fixture, scene->spans[backwards ? scene->count - 1 - i : i], start_ns);
    world_finish(&scene->fixture.world, start_ns + 40 * NS_PER_S);
    snapshot = world_snapshot(&scene->fixture.world);
    buf_init(&out, 0);
    print(snapshot, &out);
    assert_int_equal(buf_append_byte(&out, '\0'), 0);
    assert_string_equal(out.data, text);
    buf_release(&out);
    snapshot_release(snapshot);
    world_release(&scene->fixture.world);
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){.count = 0};
    setup(&scene->fixture, &plain);
}

/* Builds the same scene twice, for both orders. */
static void expect(void (*build)(struct scene *scene), const char *text)
{
    for (int backwards = 0; backwards < 2; backwards++) {
        struct scene scene;
        begin(&scene);
        build(&scene);
        expect_in(&scene, backwards != 0, text);
    }
}

#define SITE(name, of_kind, of_value)                                                              \
    (&(struct world_site){.service = (name), .kind = SPAN_KIND_##of_kind, .value = (of_value)})

static void build_pair(struct scene *scene)
{
    (void)add(scene, SITE("a", CLIENT, "x"), 1, 0);
    (void)add(scene, SITE("b", SERVER, "y"), 2, 1);
}

static void values__come_from_each_sides_own_span(void **state)
{
    (void)state;
    expect(build_pair, "a[x] b[y] 1/0 1 1 1 0\n");
}

static void build_ends(struct scene *scene)
{
    struct world_site client = {
        .service = "a", .kind = SPAN_KIND_CLIENT, .value = "x", .peer = "external//z"};

    (void)add(scene, SITE("a", SERVER, "r"), 1, 0);
    (void)add(scene, &client, 2, 1);
}

static void values__are_none_of_who_was_not_seen(void **state)
{
    (void)state;
    expect(build_ends, "a[x] z[] 1/0 1 0 0 0\nuser[] a[r] 1/0 0 1 0 0\n");
}

/* E3: the client is an ancestor, and its values are meant. */
static void build_nested(struct scene *scene)
{
    (void)add(scene, SITE("a", CLIENT, "x"), 1, 0);
    (void)add(scene, SITE("a", INTERNAL, "other"), 2, 1);
    (void)add(scene, SITE("b", SERVER, "y"), 3, 2);
}

static void values__are_those_of_the_side_that_called(void **state)
{
    (void)state;
    expect(build_nested, "a[x] b[y] 1/0 1 1 1 0\n");
}

/* One client, three answers of one service with two values: once for each of them. */
static void build_fan_out(struct scene *scene)
{
    (void)add(scene, SITE("a", CLIENT, "x"), 1, 0);
    (void)add(scene, SITE("b", SERVER, "y"), 2, 1);
    (void)add(scene, SITE("b", SERVER, "z"), 3, 1);
    (void)add(scene, SITE("b", SERVER, "y"), 4, 1);
}

static void values__tell_a_clients_edges_apart(void **state)
{
    (void)state;
    expect(build_fan_out, "a[x] b[y] 2/0 1 2 0 0\na[x] b[z] 1/0 1 1 0 0\n");
}

static void build_group(struct scene *scene)
{
    (void)add(scene, SITE("a", CLIENT, "x"), 1, 0);
    (void)add(scene, SITE("b", INTERNAL, "y"), 2, 1);
    (void)add(scene, SITE("b", INTERNAL, "y"), 3, 1);
}

static void build_mixed_group(struct scene *scene)
{
    build_group(scene);
    (void)add(scene, SITE("b", INTERNAL, "z"), 4, 1);
}

static void build_large_group(struct scene *scene, const char *last)
{
    (void)add(scene, SITE("a", CLIENT, "x"), 1, 0);
    for (uint64_t i = 0; i < 40; i++) {
        struct span span = world_span(
            world_site(&scene->fixture.world, SITE("b", INTERNAL, i == 39 ? last : "y")),
            SPAN_KIND_INTERNAL, 2 + i, 1);
        feed_at(&scene->fixture, span, start_ns);
    }
}

static void values__of_a_group_are_those_that_all_have(void **state)
{
    struct scene scene;

    (void)state;
    expect(build_group, "a[x] b[y] 1/0 1 0 0 0\n");
    expect(build_mixed_group, "a[x] b[] 1/0 1 0 0 0\n");
    begin(&scene);
    build_large_group(&scene, "y");
    expect_in(&scene, false, "a[x] b[y] 1/0 1 0 0 0\n");
    begin(&scene);
    build_large_group(&scene, "z");
    expect_in(&scene, false, "a[x] b[] 1/0 1 0 0 0\n");
}

/* What a late member adds goes where the group was counted. */
static void values__of_a_group_stay_as_they_were_counted(void **state)
{
    struct scene scene;
    struct span late;

    (void)state;
    begin(&scene);
    build_group(&scene);
    for (size_t i = 0; i < scene.count; i++)
        feed_at(&scene.fixture, scene.spans[i], start_ns);
    world_tick(&scene.fixture.world, start_ns + 20 * NS_PER_S);
    late = world_span(world_site(&scene.fixture.world, SITE("b", INTERNAL, "z")),
                      SPAN_KIND_INTERNAL, 5, 1);
    late.status = SPAN_STATUS_ERROR;
    feed_at(&scene.fixture, late, start_ns + 21 * NS_PER_S);
    scene.count = 0;
    expect_in(&scene, false, "a[x] b[y] 1/1 1 0 0 0\n");
}

/* ------------------------------------------------------------------ messages */

static struct span *add_message(struct scene *scene, const char *service, enum span_kind kind,
                                const char *value, uint64_t id, uint64_t parent,
                                const char *destination)
{
    struct world_site site = {.service = service,
                              .kind = kind,
                              .call = CALL_MESSAGING,
                              .value = value,
                              .destination = destination};
    struct span *span = add(scene, &site, id, parent);

    span->start_ns += kind == SPAN_KIND_CONSUMER ? 20 * NS_PER_MS : 0;
    return span;
}

static void build_message(struct scene *scene)
{
    (void)add_message(scene, "a", SPAN_KIND_PRODUCER, "x", 1, 0, "messaging//q");
    (void)add_message(scene, "b", SPAN_KIND_CONSUMER, "y", 2, 1, NULL);
}

static void values__of_a_destination_are_none(void **state)
{
    (void)state;
    expect(build_message, "q[] b[y] broker 1/0 0 1 0 1\n"
                          "a[x] q[] broker 1/0 1 0 0 0\n"
                          "a[x] b[y] direct 1/0 1 1 0 1\n");
}

/* Consumers of other values have other edges, with the producer's duration on each. */
static void build_two_consumers(struct scene *scene)
{
    (void)add_message(scene, "a", SPAN_KIND_PRODUCER, "x", 1, 0, NULL);
    (void)add_message(scene, "b", SPAN_KIND_CONSUMER, "y", 2, 1, NULL);
    (void)add_message(scene, "b", SPAN_KIND_CONSUMER, "y", 3, 1, NULL);
}

static void values__are_kept_by_shared_requests(void **state)
{
    (void)state;
    expect(build_two_consumers, "a[x] b[y] direct 1/0 1 2 0 2\na[x] b[y] broker 1/0 1 2 0 2\n");
}

/* Two `process` spans of one request with different values: it counts where it was counted first, a
 * failure too, and each has its own durations. */
static void values__of_a_request_are_those_of_the_first(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    (void)add_message(&scene, "a", SPAN_KIND_PRODUCER, "x", 1, 0, NULL);
    (void)add_message(&scene, "b", SPAN_KIND_CONSUMER, "y", 2, 1, NULL);
    add_message(&scene, "b", SPAN_KIND_CONSUMER, "z", 3, 1, NULL)->status = SPAN_STATUS_ERROR;
    expect_in(&scene, false,
              "a[x] b[y] direct 1/1 1 1 0 1\na[x] b[y] broker 1/1 1 1 0 1\n"
              "a[x] b[z] direct 0/0 1 1 0 1\na[x] b[z] broker 0/0 1 1 0 1\n");
}

/* A consumer that links to producers of two values is observed once for each. */
static void values__of_producers_tell_a_consumers_edges_apart(void **state)
{
    struct scene scene;
    struct world_link links[] = {{1, 1}, {1, 2}, {1, 3}};
    struct span taken;

    (void)state;
    begin(&scene);
    for (uint64_t id = 1; id <= 3; id++)
        feed_at(&scene.fixture,
                *add_message(&scene, "a", SPAN_KIND_PRODUCER, id == 1 ? "x" : "z", id, 0, NULL),
                start_ns);
    taken = *add_message(&scene, "b", SPAN_KIND_CONSUMER, "y", 9, 0, NULL);
    taken.trace[1] = 7;
    taken.links = 3;
    feed_at(&scene.fixture, taken, start_ns);
    world_link(&scene.fixture.world, &taken, links, 3, start_ns);
    scene.count = 0;
    expect_in(&scene, false,
              "a[x] b[y] direct 1/0 1 1 0 1\na[x] b[y] broker 1/0 1 1 0 1\n"
              "a[z] b[y] direct 2/0 2 1 0 2\na[z] b[y] broker 2/0 2 1 0 2\n");
}

/* ------------------------------------------------------------------ operations */

static void values__tell_operations_apart(void **state)
{
    struct scene scene;
    struct snapshot *snapshot;

    (void)state;
    begin(&scene);
    build_fan_out(&scene);
    for (size_t i = 0; i < scene.count; i++)
        feed_at(&scene.fixture, scene.spans[i], start_ns);
    world_finish(&scene.fixture.world, start_ns);
    snapshot = world_snapshot(&scene.fixture.world);
    assert_int_equal(snapshot->operations_count, 3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const values[] = {"x", "y", "z"};
        assert_view_equal(dimension_value(snapshot->operations[i].dimensions, 0), values[i]);
        assert_true(snapshot->operations[i].calls == (i == 1 ? 2 : 1) * WEIGHT_ONE);
        assert_true(snapshot->operations[i].latency->count == snapshot->operations[i].calls);
    }
    snapshot_release(snapshot);
    world_release(&scene.fixture.world);
}

/* A caller that was judged, and keeps little, has its values still. */
static void values__outlive_a_sweep(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    build_pair(&scene);
    feed_at(&scene.fixture, scene.spans[0], start_ns);
    feed_at(&scene.fixture, scene.spans[1], start_ns + 9 * NS_PER_S);
    world_tick(&scene.fixture.world, start_ns + 11 * NS_PER_S);
    world_sweep(&scene.fixture.world);
    scene.count = 0;
    expect_in(&scene, false, "a[x] b[y] 1/0 1 1 1 0\n");
}

/* A client whose callee has values needs a note, and they are there while memory fills and after. */
static void values__lose_no_duration_when_memory_is_full(void **state)
{
    const struct world_site callee = {.service = "back", .kind = SPAN_KIND_SERVER, .value = "y"};
    struct fixture fixture;
    struct snapshot *snapshot;
    uint64_t now_ns = start_ns;
    double observed = 0;
    uint32_t site;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    site = world_site(&fixture.world, &callee);
    for (uint64_t id = 1; id <= 20000; id++, now_ns += 10 * NS_PER_MS) {
        /* The first ones need none, and take all memory. */
        bool has_value = id > 8000;
        feed_at(&fixture, front_client(&fixture, 2 * id, 0), now_ns);
        feed_at(&fixture,
                world_span(has_value ? site : fixture.back_server, SPAN_KIND_SERVER, 2 * id + 1,
                           2 * id),
                now_ns);
    }
    world_finish(&fixture.world, now_ns);
    snapshot = world_snapshot(&fixture.world);
    for (size_t i = 0; i < snapshot->edges_count; i++)
        observed += counted(snapshot->edges[i].client_seconds);
    assert_true(observed == 20000);
    assert_int_equal(snapshot->counts.memory_failures, 0);
    assert_int_equal(snapshot->accounting.dropped[DROPPED_EVICTED], 0);
    snapshot_release(snapshot);
    world_release(&fixture.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values__come_from_each_sides_own_span),
        cmocka_unit_test(values__are_none_of_who_was_not_seen),
        cmocka_unit_test(values__are_those_of_the_side_that_called),
        cmocka_unit_test(values__tell_a_clients_edges_apart),
        cmocka_unit_test(values__of_a_group_are_those_that_all_have),
        cmocka_unit_test(values__of_a_group_stay_as_they_were_counted),
        cmocka_unit_test(values__of_a_destination_are_none),
        cmocka_unit_test(values__are_kept_by_shared_requests),
        cmocka_unit_test(values__of_a_request_are_those_of_the_first),
        cmocka_unit_test(values__of_producers_tell_a_consumers_edges_apart),
        cmocka_unit_test(values__tell_operations_apart),
        cmocka_unit_test(values__lose_no_duration_when_memory_is_full),
        cmocka_unit_test(values__outlive_a_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
