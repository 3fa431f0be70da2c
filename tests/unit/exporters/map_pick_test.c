/* map_pick_test.c: the busiest stay, whole, and what was left out is told. */
#include "exporters/map_pick.h"

#include "tests/lib/exporter_fixture.h"

struct picked {
    struct exporter_fixture fixture;
    struct map_graph graph;
    struct map_pick pick;
};

static void begin(struct picked *picked, size_t services, size_t fan, struct map_pick_limits limits)
{
    fixture_begin(&picked->fixture, NULL, NULL);
    snapshot_sample_large(&picked->fixture.build, services, fan);
    picked->fixture.input.snapshot = snapshot_build_finish(&picked->fixture.build);
    assert_int_equal(map_graph_init(&picked->fixture.input, picked->fixture.error, &picked->graph),
                     0);
    assert_int_equal(map_pick_init(&picked->graph, &limits, &picked->pick), 0);
}

static void end(struct picked *picked)
{
    map_pick_release(&picked->pick);
    map_graph_release(&picked->graph);
    fixture_end(&picked->fixture);
}

static void map_pick__takes_all_that_fits(void **state)
{
    struct picked picked;

    (void)state;
    begin(&picked, 50, 2, (struct map_pick_limits){300, 700});
    assert_int_equal(picked.pick.nodes_count, picked.graph.nodes_count);
    assert_int_equal(picked.pick.edges_count, picked.graph.edges_count);
    end(&picked);
}

static void map_pick__holds_its_bounds_with_the_busiest(void **state)
{
    struct picked picked;
    size_t nodes = 0;
    size_t edges = 0;
    uint64_t least = UINT64_MAX;

    (void)state;
    begin(&picked, 400, 3, (struct map_pick_limits){100, 60});
    for (size_t i = 0; i < picked.graph.nodes_count; i++)
        nodes += picked.pick.nodes[i];
    for (size_t i = 0; i < picked.graph.edges_count; i++) {
        const struct map_edge *edge = &picked.graph.edges[i];
        edges += picked.pick.edges[i];
        if (!picked.pick.edges[i])
            continue;
        assert_true(picked.pick.nodes[edge->client] && picked.pick.nodes[edge->server]);
        if (edge->from->requests < least)
            least = edge->from->requests;
    }
    assert_int_equal(edges, picked.pick.edges_count);
    assert_int_equal(nodes, picked.pick.nodes_count);
    assert_int_equal(nodes, 100);
    assert_true(edges > 0 && edges <= 60);
    /* Of the edges among the picked, none that was left is busier than one that was taken. */
    for (size_t i = 0; i < picked.graph.edges_count; i++) {
        const struct map_edge *edge = &picked.graph.edges[i];
        if (!picked.pick.edges[i] && picked.pick.nodes[edge->client] &&
            picked.pick.nodes[edge->server])
            assert_true(edge->from->requests <= least && edges == 60);
    }
    end(&picked);
}

static int step(void *context)
{
    struct picked *picked = context;
    const struct map_pick_limits limits = {100, 60};
    int status;

    map_pick_release(&picked->pick);
    status = map_pick_init(&picked->graph, &limits, &picked->pick);
    return status;
}

static void map_pick__survives_failing_memory(void **state)
{
    struct picked picked;

    (void)state;
    begin(&picked, 60, 3, (struct map_pick_limits){100, 60});
    test_sweep_memory(step, &picked);
    end(&picked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_pick__takes_all_that_fits),
        cmocka_unit_test(map_pick__holds_its_bounds_with_the_busiest),
        cmocka_unit_test(map_pick__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
