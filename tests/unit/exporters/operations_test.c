/* operations_test.c: rows by name and kind, their sums over status and dimensions, and their order. */
#include "exporters/operations.h"

#include <jansson.h>
#include <stdio.h>

#include "base/mem.h"
#include "tests/lib/exporter_fixture.h"

static const struct exporter exporter = {.name = "operations", .render = operations_render};

static json_t *read_back(struct exporter_fixture *fixture)
{
    json_error_t error;
    json_t *json;

    if (fixture_render(fixture) != 0)
        fail_msg("%s", fixture->error);
    json = json_loadb(fixture->out.data, fixture->out.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                      &error);
    if (json == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    return json;
}

static void add(struct snapshot_build *build, uint32_t service, const char *name, uint8_t kind,
                uint8_t status, uint64_t calls, uint64_t milliseconds)
{
    struct snapshot_operation *operation = snapshot_build_operation(build, service, name, kind,
                                                                    status, calls);

    if (milliseconds != 0)
        snapshot_build_observe(build, &operation->latency, milliseconds * NS_PER_MS, calls);
}

static void sample(struct snapshot_build *build)
{
    uint32_t shop = snapshot_build_service(build, "shop");
    uint32_t other = snapshot_build_service(build, "other");

    add(build, shop, "GET /", SPAN_KIND_SERVER, SPAN_STATUS_UNSET, 5, 20);
    add(build, shop, "GET /", SPAN_KIND_SERVER, SPAN_STATUS_ERROR, 2, 4000);
    add(build, shop, "GET /", SPAN_KIND_CLIENT, SPAN_STATUS_UNSET, 1, 10);
    add(build, shop, "POST /\"<b>", SPAN_KIND_SERVER, SPAN_STATUS_OK, 40, 0);
    add(build, other, "GET /", SPAN_KIND_SERVER, SPAN_STATUS_UNSET, 99, 1);
}

static void check_row(const json_t *rows, size_t number, const char *expected)
{
    json_t *row = json_array_get(rows, number);
    const char *operation = json_string_value(json_object_get(row, "operation"));
    const json_t *seconds = json_object_get(row, "seconds");
    char text[256];

    (void)snprintf(text, sizeof(text), "%s %s %lld %lld of %lld max %g",
                   operation != NULL ? operation : "-",
                   json_string_value(json_object_get(row, "kind")),
                   json_integer_value(json_object_get(row, "requests")),
                   json_integer_value(json_object_get(row, "failed")),
                   json_integer_value(json_object_get(seconds, "count")),
                   json_number_value(json_object_get(seconds, "max")));
    assert_string_equal(text, expected);
}

static void operations__are_those_of_one_node_the_busiest_first(void **state)
{
    struct exporter_fixture fixture;
    json_t *json, *rows;

    (void)state;
    fixture_begin(&fixture, &exporter, sample);
    fixture.input.options.focus = VIEW("service//shop");
    json = read_back(&fixture);
    assert_string_equal(json_string_value(json_object_get(json, "node")), "service//shop");
    assert_int_equal(json_integer_value(json_object_get(json, "left_out")), 0);
    rows = json_object_get(json, "operations");
    assert_int_equal(json_array_size(rows), 3);
    check_row(rows, 0, "POST /\"<b> server 40 0 of 0 max 0");
    assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "seconds")));
    check_row(rows, 1, "GET / server 7 2 of 7 max 4");
    check_row(rows, 2, "GET / client 1 0 of 1 max 0.01");
    json_decref(json);
    fixture_end(&fixture);
}

static void operations__past_a_bound_have_no_name(void **state)
{
    struct exporter_fixture fixture;
    struct snapshot_operation *operation;
    json_t *json, *rows;

    (void)state;
    fixture_begin(&fixture, &exporter, NULL);
    operation = snapshot_build_operation(&fixture.build,
                                         snapshot_build_service(&fixture.build, "shop"), "",
                                         SPAN_KIND_INTERNAL, SPAN_STATUS_UNSET, 3);
    operation->overflow = true;
    operation->calls += WEIGHT_ONE / 4;
    fixture.input.options.focus = VIEW("service//shop");
    json = read_back(&fixture);
    rows = json_object_get(json, "operations");
    assert_int_equal(json_array_size(rows), 1);
    assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "operation")));
    assert_true(json_real_value(json_object_get(json_array_get(rows, 0), "requests")) == 3.25);
    json_decref(json);
    fixture_end(&fixture);
}

static void operations__are_bounded_and_say_so(void **state)
{
    struct exporter_fixture fixture;
    json_t *json, *rows;
    char names[OPERATIONS_ROWS_MAX + 7][16];
    uint32_t shop;

    (void)state;
    fixture_begin(&fixture, &exporter, NULL);
    shop = snapshot_build_service(&fixture.build, "shop");
    for (uint64_t i = 0; i < OPERATIONS_ROWS_MAX + 7; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "op-%u", (unsigned)i);
        add(&fixture.build, shop, names[i], SPAN_KIND_SERVER, SPAN_STATUS_UNSET, 1000 + i, 0);
    }
    fixture.input.options.focus = VIEW("service//shop");
    json = read_back(&fixture);
    rows = json_object_get(json, "operations");
    assert_int_equal(json_array_size(rows), OPERATIONS_ROWS_MAX);
    assert_int_equal(json_integer_value(json_object_get(json, "left_out")), 7);
    check_row(rows, 0, "op-206 server 1206 0 of 0 max 0");
    check_row(rows, OPERATIONS_ROWS_MAX - 1, "op-7 server 1007 0 of 0 max 0");
    json_decref(json);
    fixture_end(&fixture);
}

static void operations__of_no_node_are_refused(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter, sample);
    assert_int_equal(fixture_render(&fixture), STATUS_INVALID);
    assert_has(fixture.error, "'node'");
    fixture.input.options.focus = VIEW("service//sho");
    assert_int_equal(fixture_render(&fixture), STATUS_NOT_FOUND);
    assert_string_equal(fixture.error, "no node has the id 'service//sho'");
    assert_int_equal(fixture.out.size, 0);
    fixture_end(&fixture);
}

static void operations__without_room_leave_the_buffer(void **state)
{
    struct exporter_fixture fixture;
    struct buf out;

    (void)state;
    fixture_begin(&fixture, &exporter, sample);
    fixture.input.options.focus = VIEW("service//shop");
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    buf_init(&out, 100);
    assert_int_equal(buf_append_text(&out, "before"), 0);
    assert_int_equal(operations_render(&fixture.input, fixture.error, &out), STATUS_TOO_LARGE);
    assert_view_equal(buf_view(&out), "before");
    buf_release(&out);
    fixture_end(&fixture);
}

static void operations__survive_failing_memory(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter, sample);
    fixture.input.options.focus = VIEW("service//shop");
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(fixture_render, &fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations__are_those_of_one_node_the_busiest_first),
        cmocka_unit_test(operations__past_a_bound_have_no_name),
        cmocka_unit_test(operations__are_bounded_and_say_so),
        cmocka_unit_test(operations__of_no_node_are_refused),
        cmocka_unit_test(operations__without_room_leave_the_buffer),
        cmocka_unit_test(operations__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
