/* map_top_test.c: the busiest stay, with all between them, and the others are counted. */
#include "exporters/map_top.h"

#include <stdio.h>

#include "tests/lib/exporter_fixture.h"
#include "topology/span.h"

static void large(struct exporter_fixture *fixture, size_t services, size_t fan)
{
    fixture_begin(fixture, NULL, NULL);
    snapshot_sample_large(&fixture->build, services, fan);
    fixture->input.snapshot = snapshot_build_finish(&fixture->build);
}

static const struct map_node *others_of(const struct map_graph *graph)
{
    for (size_t i = 0; i < graph->nodes_count; i++)
        if (graph->nodes[i].kind == MAP_OTHERS)
            return &graph->nodes[i];
    return NULL;
}

static void map_top__takes_all_that_fits(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;

    (void)state;
    large(&fixture, 50, 2);
    fixture.input.options.top = 700;
    assert_int_equal(
        map_graph_init(&fixture.input, &(struct map_limits){300, 700}, fixture.error, &graph), 0);
    assert_int_equal(graph.nodes_count, 50);
    assert_null(others_of(&graph));
    map_graph_release(&graph);
    fixture_end(&fixture);
}

static size_t plain_edges(const struct map_graph *graph)
{
    return graph->edges_count - map_top_to_others(graph);
}

static void map_top__stays_at_top_with_the_busiest(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph whole;

    (void)state;
    large(&fixture, 400, 3);
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &whole), 0);
    for (unsigned top = 1; top <= 400; top += top < 8 ? 1 : 49) {
        uint64_t busiest = 0;
        uint64_t shown = 0;
        struct map_graph graph;
        fixture.input.options.top = top;
        assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), 0);
        assert_non_null(others_of(&graph));
        assert_true(plain_edges(&graph) >= 1 && plain_edges(&graph) <= top);
        for (size_t i = 0; i < whole.edges_count; i++)
            if (whole.edges[i].from->requests > busiest)
                busiest = whole.edges[i].from->requests;
        for (size_t i = 0; i < graph.edges_count; i++)
            if (!map_edge_has_others(&graph, &graph.edges[i]) &&
                graph.edges[i].from->requests > shown)
                shown = graph.edges[i].from->requests;
        assert_true(shown == busiest);
        assert_int_equal(others_of(&graph)->stands.nodes + graph.nodes_count - 1,
                         whole.nodes_count);
        assert_int_equal(others_of(&graph)->stands.edges + plain_edges(&graph), whole.edges_count);
        map_graph_release(&graph);
    }
    map_graph_release(&whole);
    fixture_end(&fixture);
}

static uint64_t traffic_of(const struct map_graph *graph, size_t node)
{
    uint64_t requests = 0;

    for (size_t i = 0; i < graph->edges_count; i++)
        requests += (graph->edges[i].client == node) * graph->edges[i].from->requests +
                    (graph->edges[i].server == node) * graph->edges[i].from->requests;
    return requests;
}

/* The busiest nodes, also behind a `top`, whose others stay others; nothing is counted twice. */
static void map_top__holds_the_limits_of_a_picture(void **state)
{
    static const unsigned tops[] = {0, 300};
    struct exporter_fixture fixture;
    struct map_graph whole;

    (void)state;
    large(&fixture, 400, 3);
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &whole), 0);
    for (size_t k = 0; k < 2; k++) {
        struct map_graph graph;
        uint64_t least = UINT64_MAX;
        fixture.input.options.top = tops[k];
        assert_int_equal(
            map_graph_init(&fixture.input, &(struct map_limits){100, 60}, fixture.error, &graph),
            0);
        assert_true(graph.nodes_count > 20 && graph.nodes_count <= 101);
        assert_true(plain_edges(&graph) >= 1 && plain_edges(&graph) <= 60);
        assert_int_equal(others_of(&graph)->stands.nodes + graph.nodes_count - 1,
                         whole.nodes_count);
        assert_int_equal(others_of(&graph)->stands.edges + plain_edges(&graph), whole.edges_count);
        for (size_t i = 0, at = 0; i < whole.nodes_count && k == 0; i++) {
            while (at < graph.nodes_count &&
                   view_compare(graph.nodes[at].id, whole.nodes[i].id) < 0)
                at++;
            if (at < graph.nodes_count && view_equal(graph.nodes[at].id, whole.nodes[i].id) &&
                traffic_of(&whole, i) < least)
                least = traffic_of(&whole, i);
        }
        for (size_t i = 0, left = 0; i < whole.nodes_count && k == 0; i++) {
            left += traffic_of(&whole, i) > least;
            assert_true(left < graph.nodes_count);
        }
        map_graph_release(&graph);
    }
    map_graph_release(&whole);
    fixture_end(&fixture);
}

/* What is shown is shown with every call between it. */
static void map_top__shows_all_between_what_stays(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph whole;
    struct map_graph graph;

    (void)state;
    large(&fixture, 120, 4);
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &whole), 0);
    fixture.input.options.top = 40;
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), 0);
    for (size_t i = 0, at = 0; i < whole.edges_count; i++) {
        const struct map_edge *edge = &whole.edges[i];
        bool both = true;
        for (int end = 0; end < 2; end++) {
            struct view id = whole.nodes[end == 0 ? edge->client : edge->server].id;
            bool found = false;
            for (size_t k = 0; k < graph.nodes_count; k++)
                found = found || view_equal(graph.nodes[k].id, id);
            both = both && found;
        }
        if (!both)
            continue;
        while (at < graph.edges_count && graph.edges[at].from != edge->from)
            at++;
        assert_true(at < graph.edges_count);
    }
    map_graph_release(&graph);
    map_graph_release(&whole);
    fixture_end(&fixture);
}

static void map_top__keeps_the_focus(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;
    bool found = false;
    bool called = false;

    (void)state;
    large(&fixture, 60, 3);
    fixture.input.options = (struct export_options){
        .focus = VIEW("service-00059"), .depth = 20, .top = 3};
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), 0);
    for (size_t i = 0; i < graph.nodes_count; i++)
        found = found || view_equal(graph.nodes[i].id, VIEW("service//service-00059"));
    assert_true(found);
    /* Its busiest calls are shown, though others are busier. */
    for (size_t i = 0; i < graph.edges_count; i++)
        called = called || (!map_edge_has_others(&graph, &graph.edges[i]) &&
                            (graph.nodes[graph.edges[i].client].is_focus ||
                             graph.nodes[graph.edges[i].server].is_focus));
    assert_true(called);
    assert_non_null(others_of(&graph));
    map_graph_release(&graph);
    fixture_end(&fixture);
}

/* Services that nobody calls fill the room that is left. */
static void map_top__counts_lone_nodes(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;
    char name[8];

    (void)state;

    fixture_begin(&fixture, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        int size = snprintf(name, sizeof(name), "s%02d", i);
        uint32_t node = snapshot_build_node(
            &fixture.build, NODE_SERVICE, VIEW(""),
            snapshot_build_text(&fixture.build, (struct view){name, (size_t)size}));
        fixture.build.nodes[node].reported = true;
    }
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    assert_int_equal(
        map_graph_init(&fixture.input, &(struct map_limits){20, 20}, fixture.error, &graph), 0);
    assert_int_equal(graph.nodes_count, 21);
    assert_int_equal(others_of(&graph)->stands.nodes, 30);
    assert_int_equal(others_of(&graph)->stands.edges, 0);
    map_graph_release(&graph);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_top__takes_all_that_fits),
        cmocka_unit_test(map_top__stays_at_top_with_the_busiest),
        cmocka_unit_test(map_top__holds_the_limits_of_a_picture),
        cmocka_unit_test(map_top__shows_all_between_what_stays),
        cmocka_unit_test(map_top__keeps_the_focus),
        cmocka_unit_test(map_top__counts_lone_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
