/* debug_test.c: the largest first, no more than are asked for, and JSON whatever the names. */
#include "exporters/debug.h"

#include <jansson.h>
#include <stdio.h>

#include "tests/lib/exporter_fixture.h"

static const struct exporter unpaired = {.name = "unpaired", .render = debug_render_unpaired};

static json_t *read_json(const struct buf *out)
{
    json_error_t error;
    json_t *json = json_loadb(out->data, out->size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                              &error);

    if (json == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    return json;
}

static json_t *read_back(struct exporter_fixture *fixture)
{
    assert_int_equal(fixture_render(fixture), 0);
    return read_json(&fixture->out);
}

static const char *string_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void debug__lists_losses_with_the_newest_traces(void **state)
{
    struct exporter_fixture fixture;
    uint32_t a, b;
    json_t *json, *row;

    (void)state;
    fixture_begin(&fixture, &unpaired, NULL);
    a = snapshot_build_service(&fixture.build, "a");
    b = snapshot_build_service(&fixture.build, "b");
    (void)snapshot_build_loss(&fixture.build, a, SPAN_KIND_CLIENT, false, UNPAIRED_NO_SERVER, 2);
    fixture.build.losses[0].traces[1][0] = __builtin_bswap64(0x0102030405060708);
    fixture.build.losses[0].traces[1][1] = __builtin_bswap64(0x090a0b0c0d0e0ff0);
    (void)snapshot_build_loss(&fixture.build, b, SPAN_KIND_SERVER, false, UNPAIRED_PARENT_MISSING,
                              9);
    (void)snapshot_build_loss(&fixture.build, b, SPAN_KIND_SERVER, true, DROPPED_EVICTED, 1);
    json = read_back(&fixture);
    assert_int_equal(json_array_size(json_object_get(json, "unpaired")), 2);
    row = json_array_get(json_object_get(json, "unpaired"), 0);
    assert_string_equal(string_of(row, "service"), "service//b");
    assert_string_equal(string_of(row, "kind"), "server");
    assert_string_equal(string_of(row, "reason"), "parent_missing");
    assert_int_equal(json_integer_value(json_object_get(row, "spans")), 9);
    assert_int_equal(json_array_size(json_object_get(row, "traces")), LOSS_TRACES);
    row = json_array_get(json_object_get(json, "unpaired"), 1);
    assert_int_equal(json_array_size(json_object_get(row, "traces")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "traces"), 1)),
                        "0102030405060708090a0b0c0d0e0ff0");
    row = json_array_get(json_object_get(json, "dropped"), 0);
    assert_string_equal(string_of(row, "reason"), "evicted");
    assert_int_equal(json_integer_value(json_object_get(json, "unpaired_left_out")), 0);
    assert_non_null(strstr(string_of(json_object_get(json, "reasons"), "parent_missing"),
                           "topology.orphan_servers: user"));
    assert_int_equal(json_object_size(json_object_get(json, "reasons")),
                     UNPAIRED_REASON_COUNT + DROPPED_REASON_COUNT);
    json_decref(json);
    fixture_end(&fixture);
}

static void debug__says_how_many_it_leaves_out(void **state)
{
    struct exporter_fixture fixture;
    json_t *json;
    uint32_t a;

    (void)state;
    fixture_begin(&fixture, &unpaired, NULL);
    a = snapshot_build_service(&fixture.build, "a\"\x01\xff</script>");
    for (uint64_t i = 0; i < 501; i++)
        (void)snapshot_build_loss(&fixture.build, a, SPAN_KIND_SERVER, false, UNPAIRED_LATE, i + 1);
    json = read_back(&fixture);
    assert_int_equal(json_array_size(json_object_get(json, "unpaired")), 500);
    assert_int_equal(json_integer_value(json_object_get(json, "unpaired_left_out")), 1);
    json_decref(json);
    fixture_end(&fixture);
}

static void debug__of_nothing_is_empty(void **state)
{
    struct exporter_fixture fixture;
    json_t *json;

    (void)state;
    fixture_begin(&fixture, &unpaired, NULL);
    json = read_back(&fixture);
    assert_int_equal(json_array_size(json_object_get(json, "unpaired")), 0);
    assert_int_equal(json_array_size(json_object_get(json, "dropped")), 0);
    json_decref(json);
    fixture_end(&fixture);
}

static void debug__names_who_has_most(void **state)
{
    struct snapshot_build build;
    struct buf out;
    json_t *json, *row;
    uint32_t a, b, c;

    (void)state;
    snapshot_build_init(&build);
    a = snapshot_build_service(&build, "a");
    b = snapshot_build_service(&build, "b");
    c = snapshot_build_service(&build, "c");
    (void)snapshot_build_operation(&build, a, "one", 2, 0, 1);
    (void)snapshot_build_operation(&build, b, "one", 2, 0, 1);
    (void)snapshot_build_operation(&build, b, "one", 2, 2, 1);
    (void)snapshot_build_operation(&build, b, "two", 2, 0, 1);
    (void)snapshot_build_edge(&build, a, b, CONNECTION_DIRECT, 1, 0);
    (void)snapshot_build_edge(&build, a, c, CONNECTION_DIRECT, 1, 0);
    (void)snapshot_build_edge(&build, b, c, CONNECTION_DIRECT, 1, 0);
    buf_init(&out, 0);
    (void)buf_append_byte(&out, '{');
    assert_int_equal(debug_write_largest(snapshot_build_finish(&build), &out), 0);
    (void)buf_append_byte(&out, '}');
    json = read_json(&out);
    assert_int_equal(json_array_size(json_object_get(json, "operations_by_service")), 2);
    row = json_array_get(json_object_get(json, "operations_by_service"), 0);
    assert_string_equal(string_of(row, "node"), "service//b");
    assert_int_equal(json_integer_value(json_object_get(row, "names")), 2);
    assert_int_equal(json_integer_value(json_object_get(row, "series")), 3);
    row = json_array_get(json_object_get(json, "edges_by_client"), 0);
    assert_string_equal(string_of(row, "node"), "service//a");
    row = json_array_get(json_object_get(json, "edges_by_server"), 0);
    assert_string_equal(string_of(row, "node"), "service//c");
    assert_int_equal(json_integer_value(json_object_get(row, "series")), 2);
    json_decref(json);
    buf_release(&out);
    snapshot_build_release(&build);
}

static void debug__leaves_the_buffer_without_memory(void **state)
{
    struct exporter_fixture fixture;
    uint32_t a;

    (void)state;
    fixture_begin(&fixture, &unpaired, NULL);
    a = snapshot_build_service(&fixture.build, "a");
    (void)snapshot_build_loss(&fixture.build, a, SPAN_KIND_SERVER, false, UNPAIRED_LATE, 1);
    assert_int_equal(fixture_render(&fixture), 0);
    test_sweep_memory(fixture_render, &fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debug__lists_losses_with_the_newest_traces),
        cmocka_unit_test(debug__says_how_many_it_leaves_out),
        cmocka_unit_test(debug__of_nothing_is_empty),
        cmocka_unit_test(debug__names_who_has_most),
        cmocka_unit_test(debug__leaves_the_buffer_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
