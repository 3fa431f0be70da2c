/* map_narrow_test.c: what is quiet goes, what is in focus stays, and what went is told. */
#include "exporters/map_narrow.h"

#include "tests/lib/exporter_fixture.h"
#include "topology/span.h"

/* a -> b -> c -> d, the middle of it quiet: over a minute 60, 3 and 60 requests. */
static void chain(struct exporter_fixture *fixture)
{
    uint32_t nodes[4];
    static const uint64_t requests[] = {60, 3, 60};

    fixture_begin(fixture, NULL, NULL);
    for (size_t i = 0; i < 4; i++)
        nodes[i] = snapshot_build_service(&fixture->build, (const char *[]){"a", "b", "c", "d"}[i]);
    for (size_t i = 0; i < 3; i++)
        (void)snapshot_build_edge(&fixture->build, nodes[i], nodes[i + 1], CONNECTION_DIRECT,
                                  requests[i], i);
    (void)snapshot_build_service(&fixture->build, "lone");
    fixture->input.snapshot = snapshot_build_finish(&fixture->build);
}

static void draw(struct exporter_fixture *fixture, struct map_graph *graph)
{
    assert_int_equal(map_graph_init(&fixture->input, NULL, fixture->error, graph), 0);
}

static void map_narrow__hides_the_quiet(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;

    (void)state;
    chain(&fixture);
    fixture.input.options.min_rate = 0.06;
    draw(&fixture, &graph);
    assert_int_equal(graph.edges_count, 2);
    assert_int_equal(graph.nodes_count, 4); /* All but the one without calls. */
    assert_int_equal(graph.hidden.nodes, 1);
    assert_int_equal(graph.hidden.edges, 1);
    assert_true(graph.hidden.requests == 3 * WEIGHT_ONE && graph.hidden.failed == WEIGHT_ONE);
    map_graph_release(&graph);
    fixture.input.options.min_rate = 0.05; /* As much is enough. */
    draw(&fixture, &graph);
    assert_int_equal(graph.edges_count, 3);
    assert_int_equal(graph.hidden.edges, 0);
    map_graph_release(&graph);
    fixture_end(&fixture);
}

static void map_narrow__walks_along_what_is_shown(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;

    (void)state;
    chain(&fixture);
    fixture.input.options = (struct export_options){.focus = VIEW("a"), .depth = 3};
    draw(&fixture, &graph);
    assert_int_equal(graph.nodes_count, 4);
    map_graph_release(&graph);
    fixture.input.options.min_rate = 0.06;
    draw(&fixture, &graph);
    assert_int_equal(graph.nodes_count, 2);
    map_graph_release(&graph);
    fixture.input.options.min_rate = 100; /* The focus is never hidden. */
    draw(&fixture, &graph);
    assert_int_equal(graph.nodes_count, 1);
    assert_view_equal(graph.nodes[0].id, "service//a");
    map_graph_release(&graph);
    fixture.input.options.focus = VIEW("nobody");
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), STATUS_NOT_FOUND);
    fixture_end(&fixture);
}

/* A service that went into its cluster is in focus with it, and a cluster by its own name. */
static void map_narrow__finds_clusters(void **state)
{
    static const char *const focuses[] = {"a", "service/eu/a", "eu", "group//eu"};
    struct exporter_fixture fixture;
    uint32_t nodes[3];

    (void)state;
    fixture_begin(&fixture, NULL, NULL);
    nodes[0] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("eu"), VIEW("a"));
    nodes[1] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("us"), VIEW("b"));
    nodes[2] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("asia"), VIEW("c"));
    (void)snapshot_build_edge(&fixture.build, nodes[0], nodes[1], CONNECTION_DIRECT, 1, 0);
    (void)snapshot_build_edge(&fixture.build, nodes[1], nodes[2], CONNECTION_DIRECT, 1, 0);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    fixture.input.options.collapse = VIEW("all");
    for (size_t i = 0; i < sizeof(focuses) / sizeof(focuses[0]); i++) {
        struct map_graph graph;
        fixture.input.options.focus = view_of(focuses[i]);
        draw(&fixture, &graph);
        assert_int_equal(graph.nodes_count, 2);
        assert_view_equal(graph.nodes[0].id, "group//eu");
        assert_view_equal(graph.nodes[1].id, "group//us");
        map_graph_release(&graph);
    }
    fixture_end(&fixture);
}

/* An edge that was busy in either of two maps is worth showing. */
static void map_narrow__looks_at_both_maps(void **state)
{
    struct exporter_fixture before;
    struct exporter_fixture now;
    struct map_graph graph;

    (void)state;
    chain(&now);
    fixture_begin(&before, NULL, NULL);
    (void)snapshot_build_edge(&before.build, snapshot_build_service(&before.build, "b"),
                              snapshot_build_service(&before.build, "c"), CONNECTION_DIRECT, 60, 0);
    now.input.before = snapshot_build_finish(&before.build);
    now.input.options.min_rate = 0.5;
    draw(&now, &graph);
    assert_int_equal(graph.edges_count, 3);
    map_graph_release(&graph);
    fixture_end(&before);
    fixture_end(&now);
}

/* A moment has no rate, and what is not known hides nothing. */
static void map_narrow__needs_a_window(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;

    (void)state;
    chain(&fixture);
    fixture.build.snapshot.end = fixture.build.snapshot.start;
    fixture.input.options.min_rate = 1000;
    draw(&fixture, &graph);
    assert_int_equal(graph.edges_count, 3);
    assert_int_equal(graph.nodes_count, 5);
    map_graph_release(&graph);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_narrow__hides_the_quiet),
        cmocka_unit_test(map_narrow__walks_along_what_is_shown),
        cmocka_unit_test(map_narrow__finds_clusters),
        cmocka_unit_test(map_narrow__looks_at_both_maps),
        cmocka_unit_test(map_narrow__needs_a_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
