/* prom_targets_test.c: label names as Prometheus wants them, whatever came. */
#include "exporters/prom_targets.h"

#include "exporters/prometheus.h"
#include "tests/lib/exporter_fixture.h"

static struct targets *make(const struct target_attribute *attributes, size_t count,
                            struct view instance)
{
    struct targets_options options = {.targets_max = 9, .bytes_max = 1 << 16, .text_bytes_max = 64};
    struct target_input input = {.service_name = VIEW("shop"),
                                 .service_namespace = VIEW("eu"),
                                 .instance = instance,
                                 .attributes = attributes,
                                 .count = count};
    struct targets *targets = NULL;
    struct target_number number;

    assert_int_equal(targets_new(&options, &targets), 0);
    assert_int_equal(targets_note(targets, &input, (struct wall_time){1}, &number), 0);
    return targets;
}

static void target_info__has_plain_sorted_labels(void **state)
{
    const struct target_attribute attributes[] = {
        {VIEW("k8s.pod.name"), VIEW("po\"d\n")},
        {VIEW("a..b"), VIEW("2")},
        {VIEW("a.b"), VIEW("1")},
        {VIEW("0x"), VIEW("digit")},
        {VIEW("job"), VIEW("mine")},
        {VIEW("\xc3\xa4"), VIEW("umlaut")},
        {VIEW("__name__"), VIEW("n")},
    };
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_openmetrics, snapshot_sample_shop);
    fixture.input.targets = make(attributes, sizeof(attributes) / sizeof(attributes[0]),
                                 VIEW("i-1"));
    text = fixture_text(&fixture);
    /* P5: it stands first. */
    assert_true(strncmp(text, "# TYPE traces_target info\n", 26) == 0);
    assert_has(text, "\ntraces_target_info{_=\"umlaut\",_0x=\"digit\",_name_=\"n\",a_b=\"2;1\","
                     "exported_job=\"mine\",instance=\"i-1\",job=\"eu/shop\","
                     "k8s_pod_name=\"po\\\"d\\n\"} 1\n");
    fixture.exporter = &exporter_prometheus;
    assert_has(fixture_text(&fixture), "# TYPE traces_target_info gauge\n");
    targets_free(fixture.input.targets);
    fixture_end(&fixture);
}

static void target_info__without_an_instance_has_no_such_label(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_prometheus, NULL);
    fixture.input.targets = make(NULL, 0, VIEW(""));
    assert_has(fixture_text(&fixture), "traces_target_info{job=\"eu/shop\"} 1\n");
    targets_free(fixture.input.targets);
    fixture_end(&fixture);
}

/* Two names that are no UTF-8 become one text when they are repaired. */
static void target_info__is_never_there_twice(void **state)
{
    struct exporter_fixture fixture;
    struct target_input input = {.service_name = VIEW("shop"), .service_namespace = VIEW("eu")};
    struct target_number number;
    const char *first;

    (void)state;
    fixture_begin(&fixture, &exporter_prometheus, NULL);
    fixture.input.targets = make(NULL, 0, VIEW("\xff"));
    input.instance = VIEW("\xfe");
    assert_int_equal(targets_note(fixture.input.targets, &input, (struct wall_time){1}, &number),
                     0);
    first = strstr(fixture_text(&fixture), "traces_target_info{");
    assert_non_null(first);
    assert_null(strstr(first + 1, "traces_target_info{"));
    targets_free(fixture.input.targets);
    fixture_end(&fixture);
}

static void target_info__survives_failing_memory(void **state)
{
    const struct target_attribute attribute = {VIEW("host.name"), VIEW("box")};
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_prometheus, NULL);
    fixture.input.targets = make(&attribute, 1, VIEW("i-1"));
    assert_int_equal(fixture_render(&fixture), 0);
    test_sweep_memory(fixture_render, &fixture);
    targets_free(fixture.input.targets);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_info__has_plain_sorted_labels),
        cmocka_unit_test(target_info__without_an_instance_has_no_such_label),
        cmocka_unit_test(target_info__is_never_there_twice),
        cmocka_unit_test(target_info__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
