/* map_options_test.c: what may be asked of a map, what may not, and that nothing asked is mixed up. */
#include "exporters/map_options.h"

#include "tests/lib/test.h"

static const struct map_option *option(const char *name)
{
    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++)
        if (strcmp(map_options[i].name, name) == 0)
            return &map_options[i];
    fail_msg("there is no option %s", name);
    return NULL;
}

static int set(struct export_options *options, const char *name, const char *text)
{
    char error[256] = "";
    int status = option(name)->set(view_of(text), error, options);

    assert_int_equal(strlen(error) != 0, status != 0);
    return status;
}

static void refuses(const char *name, const char *text, const char *expected)
{
    struct export_options options = {.depth = 0};
    char error[256] = "";

    assert_int_equal(option(name)->set(view_of(text), error, &options), STATUS_INVALID);
    assert_string_equal(error, expected);
}

static void map_options__take_numbers(void **state)
{
    struct export_options options = {.depth = 0};

    (void)state;
    assert_int_equal(set(&options, "depth", "1000"), 0);
    assert_int_equal(options.depth, 1000);
    assert_int_equal(set(&options, "top", "1000000"), 0);
    assert_int_equal(options.top, 1000000);
    assert_int_equal(set(&options, "min-rate", "0.25"), 0);
    assert_true(options.min_rate == 0.25);
    assert_int_equal(set(&options, "min-rate", "1200"), 0);
    assert_true(options.min_rate == 1200);
    assert_int_equal(set(&options, "min-rate", ".5"), 0);
    assert_true(options.min_rate == 0.5);
}

static void map_options__refuse_what_is_no_number(void **state)
{
    static const char *const wrong[] = {"",  "0",    "-1", "+1",        "1.5",
                                        "x", "1001", "1 ", "9999999999"};
    static const char *const rates[] = {
        "", ".", "-1", "1e3", "nan", "inf", "1.2.3", "1,5", "1111111111111111111"};
    struct export_options options = {.depth = 7, .min_rate = 7};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(set(&options, "depth", wrong[i]), STATUS_INVALID);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        assert_int_equal(set(&options, "min-rate", rates[i]), STATUS_INVALID);
    assert_int_equal(options.depth, 7);
    assert_true(options.min_rate == 7);
    assert_int_equal(set(&options, "top", "1000001"), STATUS_INVALID);
}

static void map_options__say_what_is_allowed(void **state)
{
    (void)state;
    refuses("depth", "1001", "is a number from 1 to 1000, not '1001'");
    refuses("self-edges", "maybe", "is 'true' or 'false', not 'maybe'");
    refuses("figure", "p90", "is one of rate, errors, p50, p95, p99, network or queue, not 'p90'");
    refuses("theme", "Dark", "is one of auto, light or dark, not 'Dark'");
    refuses("top", "\x1b[31m", "is a number of edges from 1 to 1000000, not '\xEF\xBF\xBD[31m'");
}

static void map_options__take_words(void **state)
{
    static const char *const figures[] = {"rate", "errors",  "p50",  "p95",
                                          "p99",  "network", "queue"};
    struct export_options options = {.depth = 0};

    (void)state;
    for (unsigned i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        assert_int_equal(set(&options, "figure", figures[i]), 0);
        assert_int_equal(options.figure, FIGURE_RATE + i);
    }
    assert_int_equal(set(&options, "theme", "dark"), 0);
    assert_int_equal(options.theme, THEME_DARK);
    assert_int_equal(set(&options, "theme", "auto"), 0);
    assert_int_equal(options.theme, THEME_AUTO);
}

/* Whatever differs in an option differs in the key of a drawing. */
static void map_options__have_a_key_for_each(void **state)
{
    static const struct export_options all[] = {
        {.depth = 0},
        {.focus = VIEW("a")},
        {.cluster = VIEW("a")},
        {.collapse = VIEW("a")},
        {.focus = VIEW("a1:b")},
        {.focus = VIEW("a"), .cluster = VIEW("b")},
        {.depth = 1},
        {.self_edges = true},
        {.map_messaging = MESSAGES_BOTH},
        {.min_rate = 0.1},
        {.min_rate = 0.1000000001},
        {.top = 1},
        {.figure = FIGURE_P99},
        {.theme = THEME_DARK},
    };
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    struct buf keys[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        buf_init(&keys[i], 0);
        map_options_append_key(&all[i], &keys[i]);
        assert_int_equal(keys[i].failed, 0);
        for (size_t k = 0; k < i; k++)
            assert_false(view_equal(buf_view(&keys[i]), buf_view(&keys[k])));
    }
    for (size_t i = 0; i < COUNT; i++)
        buf_release(&keys[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_options__take_numbers),
        cmocka_unit_test(map_options__refuse_what_is_no_number),
        cmocka_unit_test(map_options__say_what_is_allowed),
        cmocka_unit_test(map_options__take_words),
        cmocka_unit_test(map_options__have_a_key_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
