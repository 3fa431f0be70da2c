/* map_groups_test.c: which cluster a service is in, whatever its resources say and in which order. */
#include "exporters/map_groups.h"

#include "tests/lib/exporter_fixture.h"

static void note(struct targets *targets, const char *namespace, struct view name,
                 const char *instance, const char *key, const char *value)
{
    struct target_attribute attribute = {view_of(key), view_of(value)};
    struct target_input input = {.service_namespace = view_of(namespace),
                                 .service_name = name,
                                 .instance = view_of(instance),
                                 .attributes = &attribute,
                                 .count = 1};
    struct target_number number;

    assert_int_equal(targets_note(targets, &input, (struct wall_time){1}, &number), 0);
    assert_true(number.stamp != 0);
}

static void begin(struct exporter_fixture *fixture)
{
    const struct targets_options options = {
        .targets_max = 16, .bytes_max = 1 << 16, .text_bytes_max = 256, .expiration_ns = NS_PER_S};

    fixture_begin(fixture, NULL, NULL);
    assert_int_equal(targets_new(&options, &fixture->input.targets), 0);
}

static void end(struct exporter_fixture *fixture)
{
    targets_free(fixture->input.targets);
    fixture_end(fixture);
}

static void service(struct exporter_fixture *fixture, const char *namespace, struct view name)
{
    uint32_t node = snapshot_build_node(&fixture->build, NODE_SERVICE, view_of(namespace), name);

    fixture->build.nodes[node].reported = true;
}

static void groups(struct exporter_fixture *fixture, const char *cluster, const char *expected)
{
    struct map_graph graph;
    struct buf found;

    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    fixture->input.options.cluster = view_of(cluster);
    assert_int_equal(map_graph_init(&fixture->input, NULL, fixture->error, &graph), 0);
    buf_init(&found, 0);
    for (size_t i = 0; i < graph.nodes_count; i++)
        assert_int_equal(buf_printf(&found, "%.*s=%.*s;", (int)graph.nodes[i].id.size,
                                    graph.nodes[i].id.data, (int)graph.nodes[i].group.size,
                                    graph.nodes[i].group.data),
                         0);
    assert_view_equal(buf_view(&found), expected);
    buf_release(&found);
    map_graph_release(&graph);
}

static void map_groups__are_what_most_instances_say(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture);
    service(&fixture, "", VIEW("a"));
    service(&fixture, "x", VIEW("a"));
    service(&fixture, "", VIEW("b"));
    service(&fixture, "", VIEW("silent"));
    (void)snapshot_build_node(&fixture.build, NODE_DATABASE, VIEW(""), VIEW("a"));
    note(fixture.input.targets, "", VIEW("a"), "1", "zone", "n");
    note(fixture.input.targets, "", VIEW("a"), "2", "zone", "m");
    note(fixture.input.targets, "", VIEW("a"), "3", "zone", "n");
    note(fixture.input.targets, "x", VIEW("a"), "1", "zone", "q");
    note(fixture.input.targets, "x", VIEW("a"), "2", "zone", "p"); /* As many: the first by name. */
    note(fixture.input.targets, "", VIEW("b"), "1", "other", "r");
    groups(&fixture, "zone", "service//a=n;service//b=;service//silent=;service/x/a=p;");
    groups(&fixture, "other", "service//a=;service//b=r;service//silent=;service/x/a=;");
    groups(&fixture, "namespace", "service//a=;service//b=;service//silent=;service/x/a=x;");
    groups(&fixture, "none", "service//a=;service//b=;service//silent=;service/x/a=;");
    end(&fixture);
}

/* A service that is silent stays in its cluster as long as its resource is known at all. */
static void map_groups__outlive_expiration(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture);
    service(&fixture, "", VIEW("a"));
    note(fixture.input.targets, "", VIEW("a"), "1", "zone", "n");
    groups(&fixture, "zone", "service//a=n;"); /* The snapshot is of years later. */
    end(&fixture);
}

/* Nodes have clean names; what a resource said has not. */
static void map_groups__find_hostile_jobs(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture);
    service(&fixture, "",
            VIEW("a\xEF\xBF\xBD"
                 "b\xEF\xBF\xBD\xEF\xBF\xBD"
                 "c\xEF\xBF\xBD"));
    note(fixture.input.targets, "",
         VIEW("a\n"
              "b\xc2\x9b"
              "c\xff"),
         "1", "zone", "n");
    groups(&fixture, "zone",
           "service//a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD\xEF\xBF\xBD"
           "c\xEF\xBF\xBD=n;");
    end(&fixture);
}

static int draw(struct exporter_fixture *fixture)
{
    struct map_graph graph;
    int status;

    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    status = map_graph_init(&fixture->input, NULL, fixture->error, &graph);
    if (status == 0)
        map_graph_release(&graph);
    return status;
}

static int step(void *context)
{
    return draw(context);
}

static void map_groups__say_what_there_is(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture);
    service(&fixture, "eu", VIEW("a"));
    service(&fixture, "us", VIEW("a"));
    note(fixture.input.targets, "", VIEW("a"), "1", "zone", "n");
    note(fixture.input.targets, "", VIEW("b"), "1", "host", "n");
    fixture.input.options.cluster = VIEW("zoen");
    assert_int_equal(draw(&fixture), STATUS_NOT_FOUND);
    assert_string_equal(fixture.error,
                        "no service has the resource attribute 'zoen'; there are: host, zone");
    fixture.input.options.cluster = VIEW("");
    fixture.input.options.collapse = VIEW("eu,asia");
    assert_int_equal(draw(&fixture), STATUS_NOT_FOUND);
    assert_string_equal(fixture.error, "no cluster on the map is called 'asia'; there are: eu, us");
    fixture.input.options.collapse = VIEW("all");
    fixture.input.options.cluster = VIEW("none");
    assert_int_equal(draw(&fixture), 0);
    fixture.input.options.cluster = VIEW("zone");
    test_sweep_memory(step, &fixture);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_groups__are_what_most_instances_say),
        cmocka_unit_test(map_groups__outlive_expiration),
        cmocka_unit_test(map_groups__find_hostile_jobs),
        cmocka_unit_test(map_groups__say_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
