/* otlp_attribute_dimensions_test.c: which value a span has for a dimension, and that sites tell values apart. */
#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

enum { ENV, ZONE };

static void start_valued(struct fixture *on)
{
    const struct view keys[] = {VIEW("env"), VIEW("zone")};

    rig_start_with_dimensions(&on->rig, keys, 2);
    build_init(&on->build);
}

static void open_service(struct fixture *on, const char *env)
{
    build_open(&on->build, 1);
    build_open(&on->build, 1);
    build_attribute(&on->build, 1, "service.name", "shop");
    if (env != NULL)
        build_attribute(&on->build, 1, "env", env);
    build_close(&on->build);
    build_open(&on->build, 2);
}

/* An INTERNAL span, whose names are all the same. */
static void add_span(struct fixture *on, uint64_t id, const char *env, const char *zone)
{
    build_open_span(&on->build, id, 0, "op");
    build_varint(&on->build, 6, SPAN_KIND_INTERNAL);
    if (env != NULL)
        build_attribute(&on->build, 9, "env", env);
    if (zone != NULL)
        build_attribute(&on->build, 9, "zone", zone);
    build_close(&on->build);
}

static struct view value_of(const struct fixture *on, size_t span, unsigned which)
{
    uint32_t site = on->stage->spans[span].site;
    uint32_t set = catalog_site_at(on->rig.catalog, site)->dimensions;

    return dimension_value(catalog_dimensions_at(on->rig.catalog, set), which);
}

static void dimensions__take_the_spans_value_first(void **state)
{
    struct fixture on;

    (void)state;
    start_valued(&on);
    open_service(&on, "prod");
    add_span(&on, 1, "canary", NULL);
    add_span(&on, 2, NULL, "a");
    add_span(&on, 3, "", "");
    assert_int_equal(decode(&on), 0);
    assert_view_equal(value_of(&on, 0, ENV), "canary");
    assert_int_equal(value_of(&on, 0, ZONE).size, 0);
    assert_view_equal(value_of(&on, 1, ENV), "prod");
    assert_view_equal(value_of(&on, 1, ZONE), "a");
    assert_view_equal(value_of(&on, 2, ENV), "prod");
    assert_int_equal(value_of(&on, 2, ZONE).size, 0);
    stop(&on);
}

/* Also where the memo has seen all other names. */
static void dimensions__tell_sites_apart(void **state)
{
    struct fixture on;

    (void)state;
    start_valued(&on);
    open_service(&on, NULL);
    add_span(&on, 1, NULL, "a");
    add_span(&on, 2, NULL, "b");
    add_span(&on, 3, NULL, NULL);
    add_span(&on, 4, NULL, "a");
    assert_int_equal(decode(&on), 0);
    assert_view_equal(value_of(&on, 0, ZONE), "a");
    assert_view_equal(value_of(&on, 1, ZONE), "b");
    assert_int_equal(value_of(&on, 2, ZONE).size, 0);
    assert_int_equal(on.stage->spans[0].site, on.stage->spans[3].site);
    assert_int_equal(on.stage->sites_missed, 3);
    open_service(&on, "prod"); /* Of another resource. */
    add_span(&on, 5, NULL, "a");
    assert_int_equal(decode(&on), 0);
    assert_view_equal(value_of(&on, 0, ENV), "prod");
    stop(&on);
}

static void dimensions__cut_and_clean_values(void **state)
{
    char longest[600];
    struct fixture on;

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    start_valued(&on);
    open_service(&on, "a\tb\xFF");
    add_span(&on, 1, NULL, longest);
    add_span(&on, 2, longest, "https://me:pw@host/");
    assert_int_equal(decode(&on), 0);
    assert_view_equal(value_of(&on, 0, ENV), "a\xEF\xBF\xBD"
                                             "b\xEF\xBF\xBD");
    assert_int_equal(value_of(&on, 0, ZONE).size, 256);
    assert_int_equal(value_of(&on, 1, ENV).size, 256);
    assert_view_equal(value_of(&on, 1, ZONE), "https://host/");
    stop(&on);
}

static void dimensions__count_keys_that_come_again(void **state)
{
    struct fixture on;

    (void)state;
    start_valued(&on);
    open_service(&on, NULL);
    build_open_span(&on.build, 1, 0, "op");
    build_attribute(&on.build, 9, "zone", "a");
    build_attribute(&on.build, 9, "zone", "b");
    build_number_attribute(&on.build, 9, "env", -7);
    build_real_attribute(&on.build, 9, "env", 0.5);
    assert_int_equal(decode(&on), 0);
    assert_view_equal(value_of(&on, 0, ZONE), "a");
    assert_view_equal(value_of(&on, 0, ENV), "-7");
    assert_int_equal(on.stage->attributes_repeated, 2);
    stop(&on);
}

static void dimensions__are_none_where_there_are_none(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_service(&on, "prod");
    add_span(&on, 1, "canary", "a");
    assert_int_equal(decode(&on), 0);
    assert_int_equal(catalog_site_at(on.rig.catalog, on.stage->spans[0].site)->dimensions,
                     DIMENSIONS_NONE);
    stop(&on);
}

static int decode_with_failures(void *context)
{
    struct fixture *on = context;
    const struct otlp_stage *stage;

    return otlp_decode_protobuf(on->rig.decoder, buf_view(&on->build.out), &stage);
}

static void dimensions__survive_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    start_valued(&on);
    open_service(&on, "prod");
    add_span(&on, 1, NULL, "a");
    add_span(&on, 2, NULL, "b");
    (void)build_done(&on.build);
    test_sweep_memory(decode_with_failures, &on);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dimensions__take_the_spans_value_first),
        cmocka_unit_test(dimensions__tell_sites_apart),
        cmocka_unit_test(dimensions__cut_and_clean_values),
        cmocka_unit_test(dimensions__count_keys_that_come_again),
        cmocka_unit_test(dimensions__are_none_where_there_are_none),
        cmocka_unit_test(dimensions__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
