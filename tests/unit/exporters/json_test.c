/* json_test.c: the contract's JSON, to the byte; what is valid of hostile names is looked at by
 * jansson, which has no code in common with the writer. */
#include "exporters/json.h"

#include <jansson.h>

#include "tests/lib/snapshot_build.h"
#include "tests/lib/snapshot_samples.h"
#include "tests/lib/test.h"
#include "version.h"

struct fixture {
    struct snapshot_build build;
    struct export_input input;
    struct buf out;
};

static void begin(struct fixture *fixture, void (*sample)(struct snapshot_build *build))
{
    *fixture = (struct fixture){0};
    snapshot_build_init(&fixture->build);
    if (sample != NULL)
        sample(&fixture->build);
    buf_init(&fixture->out, 0);
}

static void end(struct fixture *fixture)
{
    buf_release(&fixture->out);
    snapshot_build_release(&fixture->build);
}

static int write(struct fixture *fixture)
{
    char error[256];

    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    return exporter_json.render(&fixture->input, error, &fixture->out);
}

static json_t *read_back(struct fixture *fixture)
{
    json_error_t error;
    json_t *json;

    assert_int_equal(write(fixture), 0);
    json = json_loadb(fixture->out.data, fixture->out.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                      &error);
    if (json == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    return json;
}

static void sample_small(struct snapshot_build *build)
{
    uint32_t user = snapshot_build_node(build, NODE_USER, VIEW(""), VIEW("user"));
    uint32_t shop = snapshot_build_node(build, NODE_SERVICE, VIEW("eu"), VIEW("shop"));
    uint32_t orders = snapshot_build_node(build, NODE_DATABASE, VIEW(""), VIEW("orders"));
    struct snapshot_edge *edge;

    build->nodes[shop].reported = true;
    edge = snapshot_build_edge(build, user, shop, CONNECTION_VIRTUAL, 4, 1);
    edge->requests += WEIGHT_ONE / 2;
    snapshot_build_observe(build, &edge->server_seconds, 250 * NS_PER_MS, 3);
    snapshot_build_observe(build, &edge->server_seconds, 1500 * NS_PER_MS, 1);
    (void)snapshot_build_edge(build, shop, orders, CONNECTION_DATABASE, 2, 0);
    /* Of the last three, two are no calls, and one found its parent. */
    (void)snapshot_build_loss(build, shop, SPAN_KIND_SERVER, false, UNPAIRED_PARENT_MISSING, 2);
    (void)snapshot_build_loss(build, shop, SPAN_KIND_CONSUMER, false, UNPAIRED_PARENT_MISSING, 1);
    (void)snapshot_build_loss(build, shop, SPAN_KIND_CLIENT, false, UNPAIRED_PARENT_MISSING, 4);
    (void)snapshot_build_loss(build, shop, SPAN_KIND_SERVER, true, DROPPED_EVICTED, 8);
    (void)snapshot_build_loss(build, shop, SPAN_KIND_SERVER, false, UNPAIRED_LATE, 16);
    build->snapshot.accounting = (struct accounting){.received = 11,
                                                     .internal = 1,
                                                     .paired = 2,
                                                     .waiting = 1,
                                                     .duplicate = 1,
                                                     .unpaired = {1, 0, 0, 0, 2, 0},
                                                     .dropped = {1},
                                                     .rejected = {1, 1}};
    build->snapshot.links = (struct link_accounting){10, 0, 4, 3, 2, 1};
}

static void json__is_the_contracts(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, sample_small);
    assert_int_equal(write(&fixture), 0);
    assert_view_equal(
        buf_view(&fixture.out),
        "{\"spanmap\": \"" SPANMAP_VERSION "\",\n"
        " \"window\": {\"start_unix_nano\": \"1700000000000000000\", "
        "\"end_unix_nano\": \"1700000060000000000\"},\n"
        " \"nodes\": [\n"
        "  {\"id\": \"database//orders\", \"type\": \"database\", \"namespace\": \"\", "
        "\"name\": \"orders\", \"requests\": 2, \"failed\": 0, \"seconds\": null, \"parent_missing\": 0},\n"
        "  {\"id\": \"service/eu/shop\", \"type\": \"service\", \"namespace\": \"eu\", "
        "\"name\": \"shop\", \"requests\": 4.5, \"failed\": 1, \"seconds\": {\"count\": 4, "
        "\"sum\": 2.25, \"p50\": 0.25, \"p95\": 1.4929077282912648, \"p99\": 1.4929077282912648, \"max\": 1.5}, \"parent_missing\": 3},\n"
        "  {\"id\": \"user//user\", \"type\": \"user\", \"namespace\": \"\", \"name\": \"user\", "
        "\"requests\": 0, \"failed\": 0, \"seconds\": null, \"parent_missing\": 0}],\n"
        " \"edges\": [\n"
        "  {\"client\": \"service/eu/shop\", \"server\": \"database//orders\", "
        "\"connection_type\": \"database\", \"requests\": 2, \"failed\": 0, "
        "\"client_seconds\": null, \"server_seconds\": null, \"network_seconds\": null, "
        "\"messaging_seconds\": null},\n"
        "  {\"client\": \"user//user\", \"server\": \"service/eu/shop\", "
        "\"connection_type\": \"virtual_node\", \"requests\": 4.5, \"failed\": 1, "
        "\"client_seconds\": null, \"server_seconds\": {\"count\": 4, \"sum\": 2.25, "
        "\"p50\": 0.25, \"p95\": 1.4929077282912648, \"p99\": 1.4929077282912648, \"max\": 1.5}, \"network_seconds\": null, "
        "\"messaging_seconds\": null}],\n"
        " \"accounting\": {\"received\": 11, \"internal\": 1, \"paired\": 2, \"waiting\": 1, "
        "\"duplicate\": 1,\n"
        "  \"unpaired\": {\"parent_missing\": 1, \"late\": 0, \"no_producer\": 0, "
        "\"server_silent\": 0, \"no_server\": 2, \"no_consumer\": 0},\n"
        "  \"dropped\": {\"evicted\": 1},\n"
        "  \"rejected\": {\"invalid_id\": 1, \"id_reused\": 1}},\n"
        " \"links\": {\"received\": 10, \"paired\": 4, \"waiting\": 3, \"missing\": 2, "
        "\"dropped\": 1}}\n");
    end(&fixture);
}

static void json__of_nothing_is_valid(void **state)
{
    struct fixture fixture;
    json_t *json;

    (void)state;
    begin(&fixture, NULL);
    fixture.build.snapshot.span_first.ns = fixture.build.snapshot.span_last.ns = 0;
    fixture.input.options.window_of_spans = true;
    json = read_back(&fixture);
    assert_int_equal(json_array_size(json_object_get(json, "nodes")), 0);
    assert_int_equal(json_array_size(json_object_get(json, "edges")), 0);
    assert_true(json_is_null(json_object_get(json_object_get(json, "window"), "end_unix_nano")));
    json_decref(json);
    end(&fixture);
}

static bool has_name(json_t *nodes, struct view name)
{
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        json_t *value = json_object_get(json_array_get(nodes, i), "name");
        if (view_equal((struct view){json_string_value(value), json_string_length(value)}, name))
            return true;
    }
    return false;
}

static void json__keeps_hostile_names_as_data(void **state)
{
    struct fixture fixture;
    json_t *json;
    json_t *nodes;
    size_t found = 0;

    (void)state;
    begin(&fixture, snapshot_sample_hostile);
    json = read_back(&fixture);
    nodes = json_object_get(json, "nodes");
    assert_int_equal(json_array_size(nodes), snapshot_hostile_names_count + 1);
    for (size_t i = 0; i < snapshot_hostile_names_count; i++)
        found += has_name(nodes, snapshot_hostile_names[i]);
    assert_int_equal(found, snapshot_hostile_names_count - 1); /* One is not UTF-8. */
    json_decref(json);
    end(&fixture);
}

static void json__lists_alone_are_those_of_the_map(void **state)
{
    struct fixture fixture;
    struct buf list;
    char error[256];
    json_t *json;
    json_t *nodes;
    json_t *edges;

    (void)state;
    begin(&fixture, snapshot_sample_shop);
    json = read_back(&fixture);
    buf_init(&list, 0);
    assert_int_equal(json_render_services(&fixture.input, error, &list), 0);
    nodes = json_loadb(list.data, list.size, 0, NULL);
    buf_reset(&list);
    assert_int_equal(json_render_edges(&fixture.input, error, &list), 0);
    edges = json_loadb(list.data, list.size, 0, NULL);
    assert_int_equal(json_array_size(nodes), 10);
    assert_true(json_equal(nodes, json_object_get(json, "nodes")));
    assert_int_equal(json_array_size(edges), 10);
    assert_true(json_equal(edges, json_object_get(json, "edges")));
    json_decref(nodes);
    json_decref(edges);
    json_decref(json);
    buf_release(&list);
    end(&fixture);
}

static void json__leaves_the_buffer_as_it_was_on_failure(void **state)
{
    struct fixture fixture;
    char error[256];

    (void)state;
    begin(&fixture, snapshot_sample_shop);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    fixture.out.size_max = 200;
    assert_int_equal(buf_append_text(&fixture.out, "before"), 0);
    assert_int_equal(exporter_json.render(&fixture.input, error, &fixture.out), STATUS_TOO_LARGE);
    assert_view_equal(buf_view(&fixture.out), "before");
    assert_true(strlen(error) > 0);
    end(&fixture);
}

static int step(void *context)
{
    struct fixture *fixture = context;
    int status = write(fixture);

    buf_release(&fixture->out);
    buf_init(&fixture->out, 0);
    return status;
}

static void json__survives_failing_memory(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, snapshot_sample_shop);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(step, &fixture);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__is_the_contracts),
        cmocka_unit_test(json__of_nothing_is_valid),
        cmocka_unit_test(json__keeps_hostile_names_as_data),
        cmocka_unit_test(json__lists_alone_are_those_of_the_map),
        cmocka_unit_test(json__leaves_the_buffer_as_it_was_on_failure),
        cmocka_unit_test(json__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
