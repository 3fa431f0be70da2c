/* spanmap_options_test.c: the daemon's options, as text and as keys with values. */
#include "library/spanmap_priv.h"

#include "tests/lib/library_fixture.h"

static int check(const char *yaml, const struct spanmap_setting *settings, size_t count,
                 struct spanmap_error *error)
{
    struct spanmap_options options = SPANMAP_INIT(struct spanmap_options);
    struct spanmap *map;
    int code;

    options.yaml = yaml;
    options.settings = settings;
    options.settings_count = count;
    code = spanmap_check(&options, error);
    if (code != 0) /* Opening says the same. */
        assert_int_equal(spanmap_open(&options, error, &map), code);
    return code;
}

static void spanmap_options__are_the_configuration_file_s(void **state)
{
    static const struct spanmap_setting settings[] = {
        {"pairing.wait", "3s"},
        {"names.cidr", "{10.0.0.0/8: inside}"},
        {"metrics.buckets", "[10ms, 1s]"},
    };
    struct spanmap_options given = SPANMAP_INIT(struct spanmap_options);
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct options read;

    (void)state;
    given.yaml = "pairing: {wait: 1s, parent_wait: 7s}\nmap:\n  messaging: direct\n"
                 "listen.grpc: off\ndraw: {helper: '${env:HOME}'}\n";
    given.settings = settings;
    given.settings_count = 3;
    assert_int_equal(spanmap_read_options(&given, &error, &read), 0);
    assert_int_equal(read.pairing_wait_ns, 3 * LIBRARY_SECOND);
    assert_int_equal(read.pairing_parent_wait_ns, 7 * LIBRARY_SECOND);
    assert_int_equal(read.map_messaging, MESSAGING_DIRECT);
    assert_int_equal(read.names_cidr.count, 1);
    assert_int_equal(read.metrics_buckets.count, 2);
    assert_view_equal(read.listen_grpc, "off");
    assert_view_equal(read.draw_helper, "${env:HOME}"); /* Nobody's environment is read. */
    options_release(&read);
}

static void spanmap_options__say_what_is_wrong(void **state)
{
    static const struct spanmap_setting unknown[] = {{"pairing.wiat", "1s"}};
    static const struct spanmap_setting wrong[] = {{"pairing.wait", "1s"},
                                                   {"pairing.wait", "soon"}};
    static const struct spanmap_setting nothing[] = {{NULL, NULL}};
    static const struct spanmap_setting small[] = {{"memory.limit", "32MiB"},
                                                   {"topology.memory_max", "1GiB"}};
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);

    (void)state;
    assert_int_equal(check(NULL, unknown, 1, &error), SPANMAP_INVALID);
    assert_string_equal(error.text, "option: pairing.wiat: there is no such option; did you mean "
                                    "pairing.wait?");
    assert_int_equal(check(NULL, wrong, 2, &error), SPANMAP_INVALID);
    assert_int_equal(strncmp(error.text, "option pairing.wait: ", 21), 0);
    assert_int_equal(check(NULL, nothing, 1, &error), SPANMAP_INVALID);
    assert_int_equal(check("{a: 1", NULL, 0, &error), SPANMAP_INVALID);
    assert_int_equal(strncmp(error.text, "the text:", 9), 0);
    assert_int_equal(check("{a: 1, b: 2}", NULL, 0, &error), SPANMAP_INVALID);
    assert_non_null(strstr(error.text, "a: there is no such option\nthe text:1:"));
    assert_int_equal(check(NULL, small, 2, &error), SPANMAP_RANGE);
    assert_non_null(strstr(error.text, "memory"));
}

static void spanmap_options__may_be_left_out(void **state)
{
    struct spanmap *map;

    (void)state;
    assert_int_equal(spanmap_check(NULL, NULL), 0);
    assert_int_equal(spanmap_open(NULL, NULL, &map), 0);
    spanmap_close(map);
}

/* The table as hosts see it: setting each option to its default is taken. */
static void spanmap_options__are_listed_with_their_defaults(void **state)
{
    struct spanmap_option option = SPANMAP_INIT(struct spanmap_option);
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    size_t count = 0;

    (void)state;
    for (; spanmap_get_option(count, &option) == 0; count++) {
        struct spanmap_setting setting = {option.key,
                                          option.initial != NULL ? option.initial : "[]"};

        assert_true(strlen(option.key) > 0 && strlen(option.type) > 0 && strlen(option.prose) > 0);
        if (check(NULL, &setting, 1, &error) != 0)
            fail_msg("%s=%s: %s", setting.key, setting.value, error.text);
    }
    assert_int_equal(count, spanmap_options.count);
    assert_int_equal(spanmap_get_option(SIZE_MAX, &option), SPANMAP_NOT_FOUND);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spanmap_options__are_the_configuration_file_s),
        cmocka_unit_test(spanmap_options__say_what_is_wrong),
        cmocka_unit_test(spanmap_options__may_be_left_out),
        cmocka_unit_test(spanmap_options__are_listed_with_their_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
