/* map_graph_test.c: what is drawn, and the figures of nodes. */
#include "exporters/map_graph.h"

#include "tests/lib/snapshot_build.h"
#include "tests/lib/snapshot_samples.h"
#include "tests/lib/test.h"

struct fixture {
    struct snapshot_build build;
    struct export_input input;
    struct map_graph graph;
    char error[256];
};

static int draw(struct fixture *fixture)
{
    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    return map_graph_init(&fixture->input, NULL, fixture->error, &fixture->graph);
}

static void end(struct fixture *fixture)
{
    map_graph_release(&fixture->graph);
    snapshot_build_release(&fixture->build);
}

static const struct map_node *node_of(const struct map_graph *graph, const char *id)
{
    for (size_t i = 0; i < graph->nodes_count; i++)
        if (view_equal(graph->nodes[i].id, view_of(id)))
            return &graph->nodes[i];
    return NULL;
}

static void map_graph__adds_up_what_comes_in(void **state)
{
    struct fixture fixture = {0};
    const struct map_node *inventory;

    (void)state;
    snapshot_build_init(&fixture.build);
    snapshot_sample_shop(&fixture.build);
    assert_int_equal(draw(&fixture), 0);
    assert_int_equal(fixture.graph.nodes_count, 10);
    assert_int_equal(fixture.graph.edges_count, 10);
    inventory = node_of(&fixture.graph, "service//inventory");
    assert_non_null(inventory);
    assert_int_equal(inventory->requests, 10200 * WEIGHT_ONE);
    assert_int_equal(inventory->failed, 3 * WEIGHT_ONE);
    assert_int_equal(inventory->seconds->count, 10200 * WEIGHT_ONE);
    assert_int_equal(inventory->seconds->max_ns, 6 * NS_PER_MS);
    assert_int_equal(node_of(&fixture.graph, "user//user")->requests, 0);
    assert_null(node_of(&fixture.graph, "user//user")->seconds);
    assert_null(node_of(&fixture.graph, "database//orders")->seconds);
    end(&fixture);
}

static void map_graph__leaves_out_self_edges_unless_asked(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    snapshot_build_init(&fixture.build);
    snapshot_sample_shop(&fixture.build);
    fixture.input.options.self_edges = true;
    assert_int_equal(draw(&fixture), 0);
    assert_int_equal(fixture.graph.edges_count, 11);
    assert_int_equal(node_of(&fixture.graph, "service//inventory")->requests, 10207 * WEIGHT_ONE);
    end(&fixture);
}

static void map_graph__draws_who_reported_and_who_has_edges(void **state)
{
    struct fixture fixture = {0};
    uint32_t alone;

    (void)state;
    snapshot_build_init(&fixture.build);
    (void)snapshot_build_node(&fixture.build, NODE_EXTERNAL, VIEW(""), VIEW("unseen"));
    alone = snapshot_build_service(&fixture.build, "alone");
    (void)snapshot_build_edge(&fixture.build, alone, alone, CONNECTION_DIRECT, 5, 0);
    assert_int_equal(draw(&fixture), 0);
    assert_int_equal(fixture.graph.nodes_count, 1);
    assert_view_equal(fixture.graph.nodes[0].id, "service//alone");
    assert_int_equal(fixture.graph.edges_count, 0);
    end(&fixture);
}

/* The edge that stands for all past a bound has one node at both ends, and is no self edge; nor are
 * the edges between nodes that found no room. */
static void map_graph__draws_what_overflowed(void **state)
{
    struct fixture fixture = {0};
    uint32_t rest;

    (void)state;
    snapshot_build_init(&fixture.build);
    rest = snapshot_build_node(&fixture.build, NODE_EXTERNAL, VIEW(""), VIEW("rest"));
    fixture.build.nodes[rest].overflow = true;
    snapshot_build_edge(&fixture.build, rest, rest, CONNECTION_DIRECT, 3, 0)->overflow = true;
    snapshot_build_edge(&fixture.build, rest, rest, CONNECTION_VIRTUAL, 2, 0);
    assert_int_equal(draw(&fixture), 0);
    assert_int_equal(fixture.graph.edges_count, 2);
    assert_int_equal(fixture.graph.nodes_count, 1);
    end(&fixture);
}

/* Whatever the values of dimensions, between two nodes there is one edge. */
static void map_graph__adds_up_edges_of_all_values(void **state)
{
    static const char *const values[] = {"a", "b", "c"};
    struct fixture fixture = {0};
    const struct snapshot_edge *edge;
    uint32_t one, two;

    (void)state;
    snapshot_build_init(&fixture.build);
    one = snapshot_build_service(&fixture.build, "one");
    two = snapshot_build_service(&fixture.build, "two");
    for (unsigned i = 0; i < 3; i++) {
        struct snapshot_edge *part = snapshot_build_edge(&fixture.build, one, two,
                                                         CONNECTION_DIRECT, 1 + i, i);
        part->server_dimensions = snapshot_build_value(&fixture.build, 0, view_of(values[i]));
        snapshot_build_observe(&fixture.build, &part->server_seconds, (1 + i) * NS_PER_MS, 1);
        if (i == 1)
            snapshot_build_observe(&fixture.build, &part->client_seconds, NS_PER_MS, 1);
    }
    assert_int_equal(draw(&fixture), 0);
    assert_int_equal(fixture.graph.edges_count, 1);
    edge = fixture.graph.edges[0].from;
    assert_true(edge->requests == 6 * WEIGHT_ONE && edge->failed == 3 * WEIGHT_ONE);
    assert_true(edge->server_seconds->count == 3 * WEIGHT_ONE);
    assert_true(edge->server_seconds->max_ns == 3 * NS_PER_MS);
    assert_true(edge->client_seconds->count == WEIGHT_ONE);
    assert_null(edge->network_seconds);
    assert_true(node_of(&fixture.graph, "service//two")->requests == 6 * WEIGHT_ONE);
    end(&fixture);
}

/* '-' sorts before the '/' that ends a namespace: ids are sorted, not their parts. */
static void map_graph__sorts_by_id(void **state)
{
    struct fixture fixture = {0};
    uint32_t nodes[4];

    (void)state;
    snapshot_build_init(&fixture.build);
    nodes[0] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("a"), VIEW("x"));
    nodes[1] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("a-b"), VIEW("x"));
    nodes[2] = snapshot_build_node(&fixture.build, NODE_DATABASE, VIEW(""), VIEW("x"));
    nodes[3] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW(""), VIEW("\xff"));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            (void)snapshot_build_edge(&fixture.build, nodes[i], nodes[j], CONNECTION_VIRTUAL, 1, 0);
            (void)snapshot_build_edge(&fixture.build, nodes[i], nodes[j], CONNECTION_DIRECT, 1, 0);
        }
    assert_int_equal(draw(&fixture), 0);
    assert_int_equal(fixture.graph.nodes_count, 4);
    assert_view_equal(fixture.graph.nodes[0].id, "database//x");
    assert_view_equal(fixture.graph.nodes[1].id, "service//\xEF\xBF\xBD");
    assert_view_equal(fixture.graph.nodes[2].id, "service/a-b/x");
    assert_view_equal(fixture.graph.nodes[3].id, "service/a/x");
    assert_int_equal(fixture.graph.edges_count, 24);
    for (size_t i = 1; i < 24; i++) {
        const struct map_edge *one = &fixture.graph.edges[i - 1];
        const struct map_edge *next = &fixture.graph.edges[i];
        assert_true(one->client < next->client ||
                    (one->client == next->client &&
                     (one->server < next->server ||
                      (one->server == next->server &&
                       one->from->connection_type < next->from->connection_type))));
    }
    end(&fixture);
}

static void focus_on(struct fixture *fixture, const char *focus, unsigned depth, size_t nodes,
                     size_t edges)
{
    map_graph_release(&fixture->graph);
    fixture->input.options.focus = view_of(focus);
    fixture->input.options.depth = depth;
    assert_int_equal(draw(fixture), 0);
    assert_int_equal(fixture->graph.nodes_count, nodes);
    assert_int_equal(fixture->graph.edges_count, edges);
}

static void map_graph__narrows_to_the_focus(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    snapshot_build_init(&fixture.build);
    snapshot_sample_shop(&fixture.build);
    focus_on(&fixture, "payment", 0, 3, 2);
    focus_on(&fixture, "service//payment", 1, 3, 2);
    focus_on(&fixture, "payment", 2, 6, 6); /* frontend -> inventory lies between two of them. */
    focus_on(&fixture, "payment", 3, 9, 9);
    focus_on(&fixture, "payment", 4000000000, 10, 10);
    /* The figures are those of the whole map. */
    focus_on(&fixture, "mailer", 1, 2, 1);
    assert_int_equal(node_of(&fixture.graph, "service//worker")->requests, 1090 * WEIGHT_ONE);
    end(&fixture);
}

static void map_graph__says_which_focus_is_missing(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    snapshot_build_init(&fixture.build);
    snapshot_sample_shop(&fixture.build);
    fixture.input.options.focus = VIEW("no\x1bne");
    assert_int_equal(draw(&fixture), STATUS_NOT_FOUND);
    assert_string_equal(fixture.error,
                        "no node on the map has the id or the name 'no\xEF\xBF\xBDne'");
    for (size_t i = 0; i < snapshot_hostile_names_count; i++) {
        fixture.input.options.focus = snapshot_hostile_names[i];
        assert_int_equal(draw(&fixture), STATUS_NOT_FOUND);
        assert_true(strlen(fixture.error) < 256);
    }
    end(&fixture);
}

static void map_graph__knows_its_window(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    snapshot_build_init(&fixture.build);
    snapshot_sample_shop(&fixture.build);
    assert_int_equal(draw(&fixture), 0);
    assert_true(map_graph_rate(&fixture.graph, 120 * WEIGHT_ONE) == 2);
    map_graph_release(&fixture.graph);
    fixture.input.options.window_of_spans = true;
    assert_int_equal(draw(&fixture), 0);
    assert_true(map_graph_rate(&fixture.graph, 120 * WEIGHT_ONE) == 12);
    map_graph_release(&fixture.graph);
    fixture.build.snapshot.span_last = fixture.build.snapshot.span_first;
    assert_int_equal(draw(&fixture), 0);
    assert_true(map_graph_rate(&fixture.graph, 120 * WEIGHT_ONE) < 0);
    end(&fixture);
}

static int step(void *context)
{
    struct fixture *fixture = context;
    int status = draw(fixture);

    if (status == 0)
        map_graph_release(&fixture->graph);
    return status;
}

static void map_graph__survives_failing_memory(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    snapshot_build_init(&fixture.build);
    snapshot_sample_shop(&fixture.build);
    fixture.input.options.focus = VIEW("inventory");
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(step, &fixture);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_graph__adds_up_what_comes_in),
        cmocka_unit_test(map_graph__leaves_out_self_edges_unless_asked),
        cmocka_unit_test(map_graph__draws_who_reported_and_who_has_edges),
        cmocka_unit_test(map_graph__draws_what_overflowed),
        cmocka_unit_test(map_graph__adds_up_edges_of_all_values),
        cmocka_unit_test(map_graph__sorts_by_id),
        cmocka_unit_test(map_graph__narrows_to_the_focus),
        cmocka_unit_test(map_graph__says_which_focus_is_missing),
        cmocka_unit_test(map_graph__knows_its_window),
        cmocka_unit_test(map_graph__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
