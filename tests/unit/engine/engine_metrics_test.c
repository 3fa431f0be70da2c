/* engine_metrics_test.c: lists of options become bounds and dimensions, or a sentence. */
#include "engine/engine_metrics.h"

#include "base/clock.h"
#include "tests/lib/test.h"

static void expect_bounds(const char *const *texts, size_t count, const uint64_t *upper_ns)
{
    struct view items[HISTOGRAM_BOUNDS_MAX];
    struct option_texts buckets = {items, count};
    struct histogram_bounds bounds;
    char error[256];

    for (size_t i = 0; i < count; i++)
        items[i] = view_of(texts[i]);
    assert_int_equal(engine_make_bounds(&buckets, error, &bounds), 0);
    assert_int_equal(bounds.count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(bounds.upper_ns[i] == upper_ns[i]);
}

static void expect_refused(const char *first, const char *second, const char *sentence)
{
    struct view items[] = {view_of(first), view_of(second)};
    struct option_texts buckets = {items, second != NULL ? 2 : 1};
    struct histogram_bounds bounds = {.count = 7};
    char error[256];

    assert_int_equal(engine_make_bounds(&buckets, error, &bounds), STATUS_INVALID);
    assert_string_equal(error, sentence);
    assert_int_equal(bounds.count, 7);
}

static void bounds__are_read_from_durations(void **state)
{
    static const char *const texts[] = {"1ns", "250us", "1s500ms", "1h"};
    static const uint64_t upper_ns[] = {1, 250000, 3 * NS_PER_S / 2, 3600 * NS_PER_S};
    struct option_texts none = {NULL, 0};
    struct histogram_bounds bounds;
    char error[256];

    (void)state;
    expect_bounds(texts, 4, upper_ns);
    assert_int_equal(engine_make_bounds(&none, error, &bounds), 0);
    assert_memory_equal(&bounds, &histogram_bounds_default, sizeof(bounds));
}

static void bounds__are_refused_with_a_sentence(void **state)
{
    (void)state;
    expect_refused("1s", "1s", "'1s' is not longer than the bucket before it");
    expect_refused("1s", "999ms", "'999ms' is not longer than the bucket before it");
    expect_refused("0", NULL, "'0' is no duration from 1ns to 104 days");
    expect_refused("2600h", NULL, "'2600h' is no duration from 1ns to 104 days");
    expect_refused("soon", NULL, "'soon' is no duration from 1ns to 104 days");
    expect_refused("", NULL, "'' is no duration from 1ns to 104 days");
}

static void dimensions__are_none_by_default(void **state)
{
    struct options options;
    struct dimensions *dimensions = (struct dimensions *)&options;
    char error[256];

    (void)state;
    assert_int_equal(options_init(&options), 0);
    assert_int_equal(engine_make_dimensions(&options, error, &dimensions), 0);
    assert_null(dimensions);
    options_release(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds__are_read_from_durations),
        cmocka_unit_test(bounds__are_refused_with_a_sentence),
        cmocka_unit_test(dimensions__are_none_by_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
