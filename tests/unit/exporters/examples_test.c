/* examples_test.c: which traces are shown of an edge and of a node, and in which order. */
#include "exporters/examples.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/lib/exporter_fixture.h"

static const struct exporter exporter = {.name = "examples", .render = examples_render};

enum { SETS_MAX = 4 };

struct examples {
    struct exporter_fixture fixture;
    struct exemplars *sets[SETS_MAX];
    size_t sets_count;
};

/* One more, of trace `trace`, in a set of its own. */
static struct exemplar example(uint64_t trace, unsigned which, uint64_t milliseconds, uint64_t ns,
                               bool failed)
{
    static unsigned bucket;

    return (struct exemplar){.trace = {1, __builtin_bswap64(trace)},
                             .span = __builtin_bswap64(trace + 1000),
                             .duration_ns = milliseconds * NS_PER_MS & (2 * DURATION_NS_MAX - 1),
                             .which = which & 3,
                             .bucket = bucket++ & 31,
                             .failed = failed,
                             .ns = ns};
}

static void begin(struct examples *examples)
{
    *examples = (struct examples){.sets_count = 0};
    fixture_begin(&examples->fixture, &exporter, NULL);
}

static void end(struct examples *examples)
{
    fixture_end(&examples->fixture);
    for (size_t i = 0; i < examples->sets_count; i++)
        mem_free(examples->sets[i]);
}

static const struct exemplars *set_of(struct examples *examples, const struct exemplar *from,
                                      size_t count)
{
    struct exemplars **set = &examples->sets[examples->sets_count++];

    for (size_t i = 0; i < count; i++)
        exemplars_put(set, &from[i], 40);
    return *set;
}

/* `trace:why:failed` of each, with blanks between them. */
static void assert_told(struct examples *examples, const char *expected)
{
    char told[1024] = "";
    json_error_t error;
    json_t *json = json_loads(fixture_text(&examples->fixture), JSON_REJECT_DUPLICATES, &error);
    json_t *item;
    size_t i;

    if (json == NULL)
        fail_msg("%s", error.text);
    json_array_foreach(json_object_get(json, "examples"), i, item)
    {
        const char *trace = json_string_value(json_object_get(item, "trace_id"));
        size_t size = strlen(told);
        assert_int_equal(strlen(trace), 32);
        (void)snprintf(told + size, sizeof(told) - size, "%s%ld:%s%s", i != 0 ? " " : "",
                       strtol(trace + 16, NULL, 16),
                       json_string_value(json_object_get(item, "why")),
                       json_is_true(json_object_get(item, "failed")) ? "!" : "");
    }
    json_decref(json);
    assert_string_equal(told, expected);
}

static struct export_subject edge_subject(const char *client, const char *server)
{
    return (struct export_subject){.client = view_of(client), .server = view_of(server)};
}

/* a -> b, with traces 1 to 20, of which the third ones failed. */
static void build_calls(struct examples *examples)
{
    struct exemplar all[20];
    uint32_t a = snapshot_build_service(&examples->fixture.build, "a");
    uint32_t b = snapshot_build_service(&examples->fixture.build, "b");
    struct snapshot_edge *edge = snapshot_build_edge(&examples->fixture.build, a, b,
                                                     CONNECTION_DIRECT, 20, 6);

    for (uint64_t i = 0; i < 20; i++)
        all[i] = example(i + 1, SNAPSHOT_SERVER, (i * 7) % 20, 100 + i, (i + 1) % 3 == 0);
    edge->exemplars = set_of(examples, all, 20);
}

static void examples__are_failed_slow_and_recent_ones(void **state)
{
    struct examples examples;

    (void)state;
    begin(&examples);
    build_calls(&examples);
    examples.fixture.input.options.subject = edge_subject("service//a", "service//b");
    assert_told(&examples,
                "18:failed! 15:failed! 12:failed! 9:failed! 6:slow! 3:slow! 20:slow 17:slow "
                "19:recent 16:recent 14:recent 13:recent");
    end(&examples);
}

static void examples__are_of_the_time_that_is_asked_for(void **state)
{
    struct examples examples;

    (void)state;
    begin(&examples);
    build_calls(&examples);
    examples.fixture.input.options.subject = edge_subject("service//a", "service//b");
    examples.fixture.input.options.counted = (struct export_time){{104}, {109}};
    assert_told(&examples, "9:failed! 6:failed! 8:slow 10:slow 7:slow");
    end(&examples);
}

static void examples__name_no_trace_twice(void **state)
{
    struct examples examples;
    struct exemplar both[3];
    struct snapshot_edge *edge;
    uint32_t a, b;

    (void)state;
    begin(&examples);
    a = snapshot_build_service(&examples.fixture.build, "a");
    b = snapshot_build_service(&examples.fixture.build, "b");
    edge = snapshot_build_edge(&examples.fixture.build, a, b, CONNECTION_DIRECT, 2, 0);
    both[0] = example(1, SNAPSHOT_CLIENT, 9, 10, false);
    both[1] = example(1, SNAPSHOT_SERVER, 8, 10, false);
    both[2] = example(2, SNAPSHOT_NETWORK, 99, 11, false); /* No span took so long. */
    edge->exemplars = set_of(&examples, both, 3);
    examples.fixture.input.options.subject = edge_subject("service//a", "service//b");
    assert_told(&examples, "1:slow");
    examples.fixture.input.options.subject.connection_type = VIEW("database");
    assert_told(&examples, "");
    examples.fixture.input.options.subject.connection_type = VIEW("");
    assert_told(&examples, "1:slow");
    end(&examples);
}

static void examples__of_a_node_are_what_it_did_itself(void **state)
{
    struct examples examples;
    struct exemplar of_edge[2], of_operation[2], of_other[1];
    struct snapshot_edge *edge;
    uint32_t a, b;

    (void)state;
    begin(&examples);
    a = snapshot_build_service(&examples.fixture.build, "a");
    b = snapshot_build_service(&examples.fixture.build, "b");
    edge = snapshot_build_edge(&examples.fixture.build, a, b, CONNECTION_DIRECT, 2, 0);
    of_edge[0] = example(1, SNAPSHOT_CLIENT, 9, 10, false); /* Its caller's. */
    of_edge[1] = example(2, SNAPSHOT_SERVER, 8, 11, false);
    edge->exemplars = set_of(&examples, of_edge, 2);
    of_operation[0] = example(3, 0, 7, 12, true);
    of_operation[1] = example(4, 1, 70, 13, true); /* Self time. */
    snapshot_build_operation(&examples.fixture.build, b, "op", 2, 2, 2)->exemplars = set_of(
        &examples, of_operation, 2);
    of_other[0] = example(5, 0, 7, 12, true);
    snapshot_build_operation(&examples.fixture.build, a, "op", 2, 2, 2)->exemplars = set_of(
        &examples, of_other, 1);
    examples.fixture.input.options.subject.node = VIEW("service//b");
    assert_told(&examples, "3:failed! 2:slow");
    end(&examples);
}

static void examples__of_unknown_duration_have_none(void **state)
{
    struct examples examples;
    struct exemplar one = example(1, SNAPSHOT_CLIENT, 0, 10, true);
    uint32_t a;

    (void)state;
    begin(&examples);
    a = snapshot_build_service(&examples.fixture.build, "a");
    one.of_failure = 1;
    one.bucket = EXEMPLAR_NO_BUCKET;
    snapshot_build_edge(&examples.fixture.build, a, a, CONNECTION_DIRECT, 1, 1)->exemplars = set_of(
        &examples, &one, 1);
    examples.fixture.input.options.subject = edge_subject("service//a", "service//a");
    assert_has(fixture_text(&examples.fixture), "\"seconds\": null, \"failed\": true");
    end(&examples);
}

static void examples__refuse_what_there_is_not(void **state)
{
    struct examples examples;

    (void)state;
    begin(&examples);
    build_calls(&examples);
    assert_int_equal(fixture_render(&examples.fixture), STATUS_INVALID);
    assert_has(examples.fixture.error, "'node'");
    examples.fixture.input.options.subject.client = VIEW("service//a");
    assert_int_equal(fixture_render(&examples.fixture), STATUS_INVALID);
    assert_has(examples.fixture.error, "'server'");
    examples.fixture.input.options.subject.server = VIEW("service//nobody");
    assert_int_equal(fixture_render(&examples.fixture), STATUS_NOT_FOUND);
    assert_has(examples.fixture.error, "service//nobody");
    examples.fixture.input.options.subject.server = VIEW("service//b");
    examples.fixture.input.options.subject.connection_type = VIEW("none");
    assert_int_equal(fixture_render(&examples.fixture), STATUS_INVALID);
    assert_has(examples.fixture.error, "virtual_node");
    assert_int_equal(examples.fixture.out.size, 0);
    end(&examples);
}

static void examples__survive_without_memory(void **state)
{
    struct examples examples;

    (void)state;
    begin(&examples);
    build_calls(&examples);
    examples.fixture.input.options.subject.node = VIEW("service//b");
    examples.fixture.input.snapshot = snapshot_build_finish(&examples.fixture.build);
    test_sweep_memory(fixture_render, &examples.fixture);
    end(&examples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples__are_failed_slow_and_recent_ones),
        cmocka_unit_test(examples__are_of_the_time_that_is_asked_for),
        cmocka_unit_test(examples__name_no_trace_twice),
        cmocka_unit_test(examples__of_a_node_are_what_it_did_itself),
        cmocka_unit_test(examples__of_unknown_duration_have_none),
        cmocka_unit_test(examples__refuse_what_there_is_not),
        cmocka_unit_test(examples__survive_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
