/* map_merge_test.c: several nodes as one lose nothing: what is drawn, what stands inside and what is
 * hidden add up to the whole, histograms too, whatever is asked for together.
 */
#include "exporters/map_merge.h"

#include <stdio.h>
#include <stdlib.h>

#include "exporters/map_change.h"
#include "tests/lib/exporter_fixture.h"
#include "tests/lib/random.h"
#include "topology/span.h"

struct sums {
    uint64_t nodes;
    uint64_t edges;
    uint64_t requests;
    uint64_t failed;
    uint64_t node_requests;
    uint64_t node_durations;
};

static struct sums sums_of(const struct map_graph *graph)
{
    struct sums sums = {graph->hidden.nodes,
                        graph->hidden.edges,
                        graph->hidden.requests,
                        graph->hidden.failed,
                        0,
                        0};

    for (size_t i = 0; i < graph->nodes_count; i++) {
        const struct map_node *node = &graph->nodes[i];
        sums.nodes += node->kind == MAP_PLAIN ? 1 : node->stands.nodes;
        sums.edges += node->stands.inner_edges;
        sums.requests += node->stands.inner_requests;
        sums.failed += node->stands.inner_failed;
        sums.node_requests += node->requests;
        sums.node_durations += node->seconds != NULL ? node->seconds->count : 0;
    }
    for (size_t i = 0; i < graph->edges_count; i++) {
        const struct map_edge *edge = &graph->edges[i];
        sums.edges += edge->parts != 0 ? edge->parts : 1;
        sums.requests += edge->from->requests;
        sums.failed += edge->from->failed;
    }
    return sums;
}

static void assert_sums(const struct sums *one, const struct sums *other)
{
    assert_memory_equal(one, other, sizeof(*one));
}

/* Services in five namespaces that call each other at random, with durations. */
static void build_random(struct snapshot_build *build, struct random *random, uint32_t services)
{
    uint32_t nodes[64];
    char name[16];

    for (uint32_t i = 0; i < services; i++) {
        int size = snprintf(name, sizeof(name), "s%u", i);
        nodes[i] = snapshot_build_node(
            build, NODE_SERVICE,
            snapshot_build_text(build, (struct view){&"n0n1n2n3n4"[i % 5 * 2], i % 7 == 0 ? 0 : 2}),
            snapshot_build_text(build, (struct view){name, (size_t)size}));
        build->nodes[nodes[i]].reported = true;
    }
    for (uint32_t i = 0; i < services * 2; i++) {
        uint32_t client = (uint32_t)random_below(random, services);
        uint32_t server = (uint32_t)random_below(random, services);
        uint64_t requests = 1 + random_below(random, 50);
        struct snapshot_edge *edge;
        if (client == server || client % 5 == i % 3)
            continue;
        edge = snapshot_build_edge(build, nodes[client], nodes[server], CONNECTION_DIRECT, requests,
                                   random_below(random, requests));
        snapshot_build_observe(build, &edge->server_seconds, (1 + i) * NS_PER_MS, requests);
    }
}

static void check_order(const struct map_graph *graph)
{
    for (size_t i = 1; i < graph->nodes_count; i++)
        assert_true(view_compare(graph->nodes[i - 1].id, graph->nodes[i].id) <= 0);
    for (size_t i = 1; i < graph->edges_count; i++)
        assert_true(map_edge_compare(&graph->edges[i - 1], &graph->edges[i]) < 0);
}

static void map_merge__adds_up_whatever_is_asked(void **state)
{
    static const char *const collapses[] = {"", "all", "n1", "n0,n3"};
    static const unsigned tops[] = {0, 1, 5, 20, 1000};
    static const double rates[] = {0, 0.3, 100};

    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct exporter_fixture fixture;
        struct random random = random_of(seed);
        struct map_graph whole;
        struct sums expected;
        fixture_begin(&fixture, NULL, NULL);
        build_random(&fixture.build, &random, 8 + (uint32_t)random_below(&random, 30));
        fixture.input.snapshot = snapshot_build_finish(&fixture.build);
        assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &whole), 0);
        expected = sums_of(&whole);
        for (size_t i = 0; i < 4 * 5 * 3; i++) {
            struct map_graph graph;
            struct sums sums;
            fixture.input.options.collapse = view_of(collapses[i % 4]);
            fixture.input.options.top = tops[i / 4 % 5];
            fixture.input.options.min_rate = rates[i / 20];
            assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), 0);
            sums = sums_of(&graph);
            if (fixture.input.options.min_rate > 0) /* Nodes that are hidden have theirs. */
                sums.node_requests = expected.node_requests,
                sums.node_durations = expected.node_durations;
            assert_sums(&expected, &sums);
            check_order(&graph);
            map_graph_release(&graph);
        }
        map_graph_release(&whole);
        fixture_end(&fixture);
    }
}

static const struct map_node *node_of(const struct map_graph *graph, const char *id)
{
    for (size_t i = 0; i < graph->nodes_count; i++)
        if (view_equal(graph->nodes[i].id, view_of(id)))
            return &graph->nodes[i];
    fail_msg("there is no %s", id);
    return NULL;
}

static void map_merge__merges_figures_exactly(void **state)
{
    struct exporter_fixture fixture;
    struct map_graph graph;
    const struct map_node *eu;
    const struct map_edge *edge;
    struct snapshot_edge *built;
    uint32_t nodes[4];

    (void)state;
    fixture_begin(&fixture, NULL, NULL);
    nodes[0] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("eu"), VIEW("a"));
    nodes[1] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("eu"), VIEW("b"));
    nodes[2] = snapshot_build_node(&fixture.build, NODE_DATABASE, VIEW("eu"), VIEW("c"));
    nodes[3] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW(""), VIEW("d"));
    built = snapshot_build_edge(&fixture.build, nodes[3], nodes[0], CONNECTION_DIRECT, 10, 1);
    snapshot_build_observe(&fixture.build, &built->server_seconds, 10 * NS_PER_MS, 10);
    built = snapshot_build_edge(&fixture.build, nodes[3], nodes[1], CONNECTION_DIRECT, 30, 2);
    snapshot_build_observe(&fixture.build, &built->server_seconds, 90 * NS_PER_MS, 30);
    snapshot_build_observe(&fixture.build, &built->network_seconds, NS_PER_MS, 3);
    (void)snapshot_build_edge(&fixture.build, nodes[0], nodes[1], CONNECTION_DIRECT, 7, 0);
    (void)snapshot_build_edge(&fixture.build, nodes[1], nodes[2], CONNECTION_DATABASE, 5, 5);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    fixture.input.options.collapse = VIEW("eu");
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), 0);
    assert_int_equal(graph.nodes_count, 2);
    assert_int_equal(graph.edges_count, 1);
    edge = &graph.edges[0];
    assert_int_equal(edge->parts, 2);
    assert_true(edge->from->requests == 40 * WEIGHT_ONE && edge->from->failed == 3 * WEIGHT_ONE);
    assert_true(edge->from->server_seconds->count == 40 * WEIGHT_ONE);
    assert_true(edge->from->server_seconds->min_ns == 10 * NS_PER_MS);
    assert_true(edge->from->server_seconds->max_ns == 90 * NS_PER_MS);
    assert_true(edge->from->network_seconds->count == 3 * WEIGHT_ONE);
    assert_null(edge->from->client_seconds);
    eu = node_of(&graph, "group//eu");
    assert_int_equal(eu->kind, MAP_GROUP);
    assert_true(eu->requests == 52 * WEIGHT_ONE && eu->failed == 8 * WEIGHT_ONE);
    assert_true(eu->seconds->count == 40 * WEIGHT_ONE);
    assert_int_equal(eu->stands.nodes, 3);
    assert_int_equal(eu->stands.services, 2);
    assert_int_equal(eu->stands.edges, 4);
    assert_int_equal(eu->stands.inner_edges, 2);
    assert_true(eu->stands.inner_requests == 12 * WEIGHT_ONE);
    map_graph_release(&graph);
    /* With self edges the inner ones are drawn, and stand nowhere else. */
    fixture.input.options.self_edges = true;
    assert_int_equal(map_graph_init(&fixture.input, NULL, fixture.error, &graph), 0);
    assert_int_equal(graph.edges_count, 3);
    assert_int_equal(node_of(&graph, "group//eu")->stands.inner_edges, 0);
    map_graph_release(&graph);
    fixture_end(&fixture);
}

/* A call between two of one cluster. */
static void inner(struct snapshot_build *build, uint64_t failed)
{
    uint32_t one = snapshot_build_node(build, NODE_SERVICE, VIEW("in"), VIEW("one"));
    uint32_t two = snapshot_build_node(build, NODE_SERVICE, VIEW("in"), VIEW("two"));

    (void)snapshot_build_edge(build, one, two, CONNECTION_DIRECT, 1000, failed);
}

/* Both sides of a comparison are merged: what is new or gone inside is a change of its figures. */
static void map_merge__merges_both_maps(void **state)
{
    struct exporter_fixture before;
    struct exporter_fixture now;
    struct map_graph graph;
    uint32_t nodes[3];

    (void)state;
    fixture_begin(&before, NULL, NULL);
    fixture_begin(&now, NULL, NULL);
    nodes[0] = snapshot_build_node(&before.build, NODE_SERVICE, VIEW(""), VIEW("d"));
    nodes[1] = snapshot_build_node(&before.build, NODE_SERVICE, VIEW("eu"), VIEW("old"));
    nodes[2] = snapshot_build_node(&before.build, NODE_SERVICE, VIEW("us"), VIEW("old"));
    (void)snapshot_build_edge(&before.build, nodes[0], nodes[1], CONNECTION_DIRECT, 1000, 0);
    (void)snapshot_build_edge(&before.build, nodes[0], nodes[2], CONNECTION_DIRECT, 4, 0);
    nodes[0] = snapshot_build_node(&now.build, NODE_SERVICE, VIEW(""), VIEW("d"));
    nodes[1] = snapshot_build_node(&now.build, NODE_SERVICE, VIEW("eu"), VIEW("fresh"));
    nodes[2] = snapshot_build_node(&now.build, NODE_SERVICE, VIEW("asia"), VIEW("fresh"));
    (void)snapshot_build_edge(&now.build, nodes[0], nodes[1], CONNECTION_DIRECT, 1000, 200);
    (void)snapshot_build_edge(&now.build, nodes[0], nodes[2], CONNECTION_DIRECT, 4, 0);
    inner(&before.build, 0);
    inner(&now.build, 300);
    now.input.snapshot = snapshot_build_finish(&now.build);
    now.input.before = snapshot_build_finish(&before.build);
    now.input.options.collapse = VIEW("all");
    assert_int_equal(map_graph_init(&now.input, NULL, now.error, &graph), 0);
    assert_int_equal(graph.edges_count, 3);
    assert_int_equal(node_of(&graph, "group//eu")->change, 0);
    assert_int_equal(node_of(&graph, "group//in")->change, CHANGE_FAILING); /* Inside. */
    assert_int_equal(node_of(&graph, "group//us")->change, CHANGE_GONE);
    assert_int_equal(node_of(&graph, "group//asia")->change, CHANGE_NEW);
    assert_true(node_of(&graph, "group//eu")->before->requests == 1000 * WEIGHT_ONE);
    assert_true(node_of(&graph, "group//us")->requests == 4 * WEIGHT_ONE);
    assert_int_equal(graph.edges[0].change, CHANGE_NEW); /* asia */
    assert_int_equal(graph.edges[1].change, CHANGE_FAILING);
    assert_true(graph.edges[1].before->from->requests == 1000 * WEIGHT_ONE);
    assert_int_equal(graph.edges[2].change, CHANGE_GONE);
    map_graph_release(&graph);
    fixture_end(&before);
    fixture_end(&now);
}

static int step(void *context)
{
    struct exporter_fixture *fixture = context;
    struct map_graph graph;
    int status = map_graph_init(&fixture->input, NULL, fixture->error, &graph);

    if (status == 0)
        map_graph_release(&graph);
    return status;
}

static void map_merge__survives_failing_memory(void **state)
{
    struct exporter_fixture fixture;
    struct exporter_fixture before;
    struct random random = random_of(3);

    (void)state;
    fixture_begin(&fixture, NULL, NULL);
    fixture_begin(&before, NULL, NULL);
    build_random(&fixture.build, &random, 12);
    build_random(&before.build, &random, 14);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    fixture.input.options.collapse = VIEW("n1,n2");
    fixture.input.options.top = 4;
    fixture.input.options.min_rate = 0.1;
    test_sweep_memory(step, &fixture);
    fixture.input.before = snapshot_build_finish(&before.build);
    test_sweep_memory(step, &fixture);
    fixture_end(&fixture);
    fixture_end(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_merge__adds_up_whatever_is_asked),
        cmocka_unit_test(map_merge__merges_figures_exactly),
        cmocka_unit_test(map_merge__merges_both_maps),
        cmocka_unit_test(map_merge__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
