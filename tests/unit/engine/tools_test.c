/* tools_test.c: which services tools are told of. */
#include "engine/tools.h"

#include "tests/lib/test.h"

static const struct grpc_method telemetry[] = {
    {.path = "/a.Traces/Export"},
    {.path = "/a.Logs/Export", .refusal = "logs are not taken"},
};

static void tools__tell_what_is_served(void **state)
{
    static struct tools tools;
    struct options options;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    tools_init(&tools, &options, telemetry, 2);
    assert_int_equal(tools.methods_count, 3);
    assert_int_equal(tools.stream_methods_count, 3);
    assert_int_equal(tools.health.services_count, 1);
    assert_view_equal(tools.health.services[0], "a.Traces");
    assert_int_equal(tools.reflection.services_count, 4);
    assert_view_equal(tools.reflection.services[1], "grpc.health.v1.Health");
    assert_true(tools.methods[2].is_open);
    assert_true(tools.stream_methods[0].is_open);
    assert_false(tools.stream_methods[1].is_open);
    options.receiver_health = false;
    tools_init(&tools, &options, telemetry, 2);
    assert_int_equal(tools.methods_count, 2);
    assert_int_equal(tools.stream_methods_count, 2);
    assert_int_equal(tools.reflection.services_count, 3);
    options.receiver_reflection = false;
    tools_init(&tools, &options, telemetry, 2);
    assert_int_equal(tools.stream_methods_count, 0);
    options_release(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools__tell_what_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
