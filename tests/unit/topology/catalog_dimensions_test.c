/* catalog_dimensions_test.c: sets of values are kept once, within the quotas of all and of each. */
#include <stdio.h>

#include "tests/lib/test.h"
#include "topology/catalog.h"
#include "topology/catalog_sweep.h"

static const struct catalog_limits roomy = {
    .services_max = 100,
    .peers_max = 100,
    .operations_max = 100,
    .sites_max = 100,
    .text_bytes_max = 32,
    .sets_max = 50,
};

static struct catalog *make(const struct catalog_limits *limits)
{
    struct catalog *catalog = NULL;

    assert_int_equal(catalog_new(limits, &catalog), 0);
    return catalog;
}

static uint32_t service_of(struct catalog *catalog, const char *name)
{
    struct node node = {NODE_SERVICE, {NULL, 0}, view_of(name)};
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_node(catalog, &node, &number), 0);
    return number;
}

/* The set of one value of dimension 0. */
static uint32_t set_of(struct catalog *catalog, uint32_t service, const char *value)
{
    char packed[64];
    uint32_t set = CATALOG_NONE;
    size_t size = strlen(value);

    dimension_head(packed, 0, size);
    memcpy(packed + DIMENSION_HEAD_BYTES, value, size);
    assert_int_equal(catalog_dimensions(catalog, service,
                                        (struct view){packed, DIMENSION_HEAD_BYTES + size}, &set),
                     0);
    return set;
}

static uint32_t site_with(struct catalog *catalog, uint32_t service, uint32_t set,
                          uint32_t destination)
{
    struct site site;
    uint32_t number = CATALOG_NONE;

    memset(&site, 0, sizeof(site));
    site.service = service;
    site.peer = site.peer_else = site.group = CATALOG_NONE;
    site.destination = destination;
    site.dimensions = set;
    assert_int_equal(catalog_site(catalog, &site, &number), 0);
    return number;
}

static void sets__are_kept_once(void **state)
{
    struct catalog *catalog = make(&roomy);
    uint32_t a = service_of(catalog, "a"), b = service_of(catalog, "b"), none = 7;
    uint32_t prod = set_of(catalog, a, "prod");
    struct catalog_counts counts;

    (void)state;
    assert_true(prod > DIMENSIONS_OVERFLOW);
    assert_int_equal(set_of(catalog, a, "prod"), prod);
    assert_int_equal(set_of(catalog, b, "prod"), prod);
    assert_int_not_equal(set_of(catalog, b, "test"), prod);
    assert_view_equal(dimension_value(catalog_dimensions_at(catalog, prod), 0), "prod");
    assert_int_equal(catalog_dimensions(catalog, a, (struct view){NULL, 0}, &none), 0);
    assert_int_equal(none, DIMENSIONS_NONE);
    assert_int_equal(catalog_dimensions_at(catalog, DIMENSIONS_NONE).size, 0);
    assert_int_equal(catalog_dimensions_at(catalog, DIMENSIONS_OVERFLOW).size, 0);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.sets, 2);
    assert_int_equal(counts.service_sets, 2);
    catalog_free(catalog);
}

static void sets__are_bounded_for_all_and_for_each(void **state)
{
    struct catalog_limits limits = roomy;
    struct catalog *catalog;
    struct catalog_counts counts;
    uint32_t a, b, shared;

    (void)state;
    limits.sets_max = 3;
    limits.service_sets_max = 2;
    catalog = make(&limits);
    a = service_of(catalog, "a");
    b = service_of(catalog, "b");
    (void)set_of(catalog, a, "one");
    shared = set_of(catalog, b, "shared");
    assert_int_equal(set_of(catalog, a, "shared"), shared);
    assert_int_equal(set_of(catalog, a, "three"), DIMENSIONS_OVERFLOW); /* It has two. */
    assert_int_not_equal(set_of(catalog, b, "three"), DIMENSIONS_OVERFLOW);
    assert_int_equal(set_of(catalog, b, "one"), DIMENSIONS_OVERFLOW);
    assert_int_equal(set_of(catalog, service_of(catalog, "c"), "four"), DIMENSIONS_OVERFLOW);
    assert_int_equal(set_of(catalog, a, "shared"), shared);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.sets, 3);
    assert_int_equal(counts.sets_refused, 1);
    assert_int_equal(counts.service_sets_refused, 2);
    catalog_free(catalog);
}

/* Values multiply sites; what the map is made of needs room, too. */
static void sets__leave_room_for_plain_sites(void **state)
{
    struct catalog_limits limits = roomy;
    struct catalog *catalog;
    uint32_t a, site = 0, last = 0;
    struct catalog_counts counts;

    (void)state;
    limits.sites_max = 10;
    catalog = make(&limits);
    a = service_of(catalog, "a");
    for (unsigned i = 0; i < 9; i++) {
        char value[8];
        snprintf(value, sizeof(value), "%u", i);
        site = site_with(catalog, a, set_of(catalog, a, value), CATALOG_NONE);
        assert_true((catalog_site_at(catalog, site)->dimensions == DIMENSIONS_OVERFLOW) ==
                    (i >= 5));
        assert_int_equal(catalog_site_at(catalog, site)->service, a);
        last = site;
    }
    assert_int_equal(site, last); /* All that found no room are one. */
    site = site_with(catalog, a, DIMENSIONS_NONE, a);
    assert_int_equal(catalog_site_at(catalog, site)->destination, a);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.sets_refused, 4);
    assert_int_equal(counts.sites_refused, 0);
    catalog_free(catalog);
}

static void sets__are_given_back(void **state)
{
    struct catalog_limits limits = roomy;
    struct catalog *catalog;
    struct catalog_counts counts;
    uint32_t a, kept, site, stamp;

    (void)state;
    limits.sets_max = 2;
    limits.service_sets_max = 2;
    catalog = make(&limits);
    a = service_of(catalog, "a");
    kept = set_of(catalog, a, "kept");
    (void)set_of(catalog, a, "left");
    site = site_with(catalog, a, kept, CATALOG_NONE);
    assert_int_equal(set_of(catalog, a, "third"), DIMENSIONS_OVERFLOW);
    stamp = catalog_sweep_begin(catalog);
    catalog_mark_site(catalog, site, stamp);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.sets, 1);
    assert_int_equal(counts.given.sets, 1);
    assert_int_equal(counts.service_sets, 1);
    assert_int_equal(set_of(catalog, a, "kept"), kept);
    assert_view_equal(dimension_value(catalog_dimensions_at(catalog, kept), 0), "kept");
    assert_int_not_equal(set_of(catalog, a, "third"), DIMENSIONS_OVERFLOW);
    catalog_free(catalog);
}

/* What a judged span keeps: its callee is judged later, and asks for its values. */
static void sets__stay_with_a_judged_span(void **state)
{
    struct catalog *catalog = make(&roomy);
    uint32_t a = service_of(catalog, "a"), set = set_of(catalog, a, "prod");
    uint32_t site = site_with(catalog, a, set, a);
    uint32_t stamp = catalog_sweep_begin(catalog);
    uint32_t coarse = catalog_coarse(catalog, site, stamp);

    (void)state;
    assert_int_not_equal(coarse, site);
    assert_int_equal(catalog_site_at(catalog, coarse)->dimensions, set);
    assert_int_equal(catalog_site_at(catalog, coarse)->destination, CATALOG_NONE);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    assert_view_equal(dimension_value(catalog_dimensions_at(catalog, set), 0), "prod");
    catalog_free(catalog);
}

static int add_with_failures(void *context)
{
    struct catalog *catalog = NULL;
    struct view packed = *(struct view *)context;
    uint32_t set = 0;
    int status = catalog_new(&roomy, &catalog);

    if (status == 0)
        status = catalog_dimensions(catalog, 0, packed, &set);
    catalog_free(catalog);
    return status;
}

static void sets__survive_failing_memory(void **state)
{
    char packed[DIMENSION_HEAD_BYTES + 1];
    struct view view = {packed, sizeof(packed)};

    (void)state;
    dimension_head(packed, 0, 1);
    packed[DIMENSION_HEAD_BYTES] = 'x';
    test_sweep_memory(add_with_failures, &view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets__are_kept_once),
        cmocka_unit_test(sets__are_bounded_for_all_and_for_each),
        cmocka_unit_test(sets__leave_room_for_plain_sites),
        cmocka_unit_test(sets__are_given_back),
        cmocka_unit_test(sets__stay_with_a_judged_span),
        cmocka_unit_test(sets__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
