/* catalog_test.c: names are kept once, quotas hold each for itself, readers need no lock. */
#include "topology/catalog.h"

#include <pthread.h>
#include <stdio.h>

#include "tests/lib/test.h"

static const struct catalog_limits roomy = {
    .services_max = 100,
    .peers_max = 100,
    .operations_max = 3000,
    .sites_max = 3000,
    .text_bytes_max = 32,
};

static struct catalog *make(const struct catalog_limits *limits)
{
    struct catalog *catalog = NULL;

    assert_int_equal(catalog_new(limits, &catalog), 0);
    return catalog;
}

static uint32_t node_of(struct catalog *catalog, enum node_type type, const char *namespace,
                        const char *name)
{
    struct node node = {type, view_of(namespace), view_of(name)};
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_node(catalog, &node, &number), 0);
    assert_int_not_equal(number, CATALOG_NONE);
    return number;
}

static uint32_t text_of(struct catalog *catalog, const char *text)
{
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_text(catalog, view_of(text), &number), 0);
    return number;
}

static struct site plain_site(uint32_t service, uint32_t operation)
{
    struct site site;

    memset(&site, 0, sizeof(site));
    site.service = service;
    site.operation = operation;
    site.peer = site.peer_else = site.destination = CATALOG_NONE;
    return site;
}

static uint32_t site_of(struct catalog *catalog, const struct site *site)
{
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_site(catalog, site, &number), 0);
    return number;
}

static void catalog__gives_equal_names_one_number(void **state)
{
    struct catalog *catalog = make(&roomy);
    uint32_t a = node_of(catalog, NODE_SERVICE, "shop", "cart");

    (void)state;
    assert_int_equal(node_of(catalog, NODE_SERVICE, "shop", "cart"), a);
    assert_int_not_equal(node_of(catalog, NODE_SERVICE, "", "cart"), a);
    assert_int_not_equal(node_of(catalog, NODE_DATABASE, "shop", "cart"), a);
    assert_int_not_equal(node_of(catalog, NODE_SERVICE, "shopc", "art"), a);
    assert_view_equal(catalog_node_at(catalog, a)->name, "cart");
    assert_view_equal(catalog_node_at(catalog, a)->namespace, "shop");
    assert_int_equal(text_of(catalog, "GET /"), text_of(catalog, "GET /"));
    assert_int_not_equal(text_of(catalog, "GET /"), text_of(catalog, ""));
    assert_view_equal(catalog_text_at(catalog, text_of(catalog, "GET /")), "GET /");
    catalog_free(catalog);
    catalog_free(NULL);
}

static void catalog__keeps_numbers_while_it_grows(void **state)
{
    struct catalog *catalog = make(&roomy);
    uint32_t numbers[2500];
    char text[32];

    (void)state;
    for (int i = 0; i < 2500; i++) {
        (void)snprintf(text, sizeof(text), "operation %d", i);
        numbers[i] = text_of(catalog, text);
    }
    for (int i = 0; i < 2500; i++) {
        (void)snprintf(text, sizeof(text), "operation %d", i);
        assert_int_equal(text_of(catalog, text), numbers[i]);
        assert_view_equal(catalog_text_at(catalog, numbers[i]), text);
    }
    catalog_free(catalog);
}

static void catalog__has_its_fixed_nodes(void **state)
{
    struct catalog *catalog = make(&roomy);

    (void)state;
    assert_int_equal(node_of(catalog, NODE_USER, "", "user"), catalog_user(catalog));
    assert_int_equal(node_of(catalog, NODE_EXTERNAL, "", "unknown"), catalog_unknown(catalog));
    assert_view_equal(catalog_node_at(catalog, CATALOG_OVERFLOW)->name, "otel_metric_overflow");
    catalog_free(catalog);
}

static void catalog__cuts_long_names_between_characters(void **state)
{
    struct catalog *catalog = make(&roomy);
    uint32_t node;

    (void)state;
    node = node_of(catalog, NODE_SERVICE, "", "0123456789012345678901234567890\xc3\xa4\xc3\xa4");
    assert_view_equal(catalog_node_at(catalog, node)->name, "0123456789012345678901234567890");
    catalog_free(catalog);
}

static void catalog__holds_each_quota_for_itself(void **state)
{
    const struct catalog_limits tight = {.services_max = 2,
                                         .peers_max = 1,
                                         .operations_max = 1,
                                         .sites_max = 1,
                                         .text_bytes_max = 32};
    struct catalog *catalog = make(&tight);
    struct catalog_counts counts;
    uint32_t service = node_of(catalog, NODE_SERVICE, "", "a");

    (void)state;
    assert_int_not_equal(node_of(catalog, NODE_EXTERNAL, "", "x"), CATALOG_OVERFLOW);
    assert_int_equal(node_of(catalog, NODE_EXTERNAL, "", "y"), CATALOG_OVERFLOW);
    assert_int_equal(node_of(catalog, NODE_DATABASE, "", "x"), CATALOG_OVERFLOW);
    assert_int_not_equal(node_of(catalog, NODE_SERVICE, "", "b"), CATALOG_OVERFLOW);
    assert_int_equal(node_of(catalog, NODE_SERVICE, "", "c"), CATALOG_OVERFLOW);
    assert_int_equal(node_of(catalog, NODE_SERVICE, "", "a"), service);
    assert_int_not_equal(text_of(catalog, "one"), CATALOG_OVERFLOW);
    assert_int_equal(text_of(catalog, "two"), CATALOG_OVERFLOW);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.services, 2);
    assert_int_equal(counts.services_refused, 1);
    assert_int_equal(counts.peers_refused, 2);
    assert_int_equal(counts.operations_refused, 1);
    catalog_free(catalog);
}

/* A span whose site no longer fits still belongs to its service, and still is of its kind. */
static void catalog__keeps_service_and_kind_of_a_refused_site(void **state)
{
    const struct catalog_limits tight = {.services_max = 3,
                                         .peers_max = 3,
                                         .operations_max = 9,
                                         .sites_max = 1,
                                         .text_bytes_max = 32};
    struct catalog *catalog = make(&tight);
    uint32_t service = node_of(catalog, NODE_SERVICE, "", "a");
    struct site site = plain_site(service, text_of(catalog, "one"));
    struct catalog_counts counts;
    uint32_t number;

    (void)state;
    assert_int_not_equal(site_of(catalog, &site), CATALOG_OVERFLOW);
    site.operation = text_of(catalog, "two");
    site.kind = SPAN_KIND_CLIENT;
    site.peer = node_of(catalog, NODE_EXTERNAL, "", "x");
    number = site_of(catalog, &site);
    assert_int_equal(catalog_site_at(catalog, number)->service, service);
    assert_int_equal(catalog_site_at(catalog, number)->kind, SPAN_KIND_CLIENT);
    assert_int_equal(catalog_site_at(catalog, number)->operation, CATALOG_OVERFLOW);
    assert_int_equal(catalog_site_at(catalog, number)->peer, CATALOG_NONE);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.sites_refused, 1);
    catalog_free(catalog);
}

static void catalog__finds_the_one_service_that_reported(void **state)
{
    struct catalog *catalog = make(&roomy);
    uint32_t peer = node_of(catalog, NODE_EXTERNAL, "", "cart");
    uint32_t peer_eu = node_of(catalog, NODE_EXTERNAL, "eu", "cart");
    uint32_t cart = node_of(catalog, NODE_SERVICE, "", "cart");
    uint32_t cart_eu = node_of(catalog, NODE_SERVICE, "eu", "cart");

    (void)state;
    assert_int_equal(catalog_find_reported(catalog, peer, false), CATALOG_NONE);
    catalog_mark_reported(catalog, cart_eu);
    catalog_mark_reported(catalog, cart_eu);
    assert_true(catalog_is_reported(catalog, cart_eu));
    assert_false(catalog_is_reported(catalog, cart));
    assert_int_equal(catalog_find_reported(catalog, peer, false), cart_eu);
    assert_int_equal(catalog_find_reported(catalog, peer, true), CATALOG_NONE);
    assert_int_equal(catalog_find_reported(catalog, peer_eu, true), cart_eu);
    catalog_mark_reported(catalog, cart);
    assert_int_equal(catalog_find_reported(catalog, peer, false), CATALOG_NONE);
    assert_int_equal(catalog_find_reported(catalog, peer, true), cart);
    catalog_free(catalog);
}

struct racing {
    struct catalog *catalog;
    uint32_t numbers[500];
};

static void *intern_all(void *context)
{
    struct racing *racing = context;
    char text[32];

    for (int i = 0; i < 500; i++) {
        struct node node = {NODE_SERVICE, {NULL, 0}, {text, 0}};
        node.name.size = (size_t)snprintf(text, sizeof(text), "service %d", i % 80);
        if (catalog_node(racing->catalog, &node, &racing->numbers[i]) != 0)
            return racing;
        catalog_mark_reported(racing->catalog, racing->numbers[i]);
        if (!view_equal(catalog_node_at(racing->catalog, racing->numbers[i])->name, node.name))
            return racing;
    }
    return NULL;
}

static void catalog__is_one_for_all_threads(void **state)
{
    struct catalog *catalog = make(&roomy);
    struct racing racing[3];
    pthread_t threads[3];
    void *failed;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        racing[i].catalog = catalog;
        assert_int_equal(pthread_create(&threads[i], NULL, intern_all, &racing[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_memory_equal(racing[0].numbers, racing[1].numbers, sizeof(racing[0].numbers));
    assert_memory_equal(racing[0].numbers, racing[2].numbers, sizeof(racing[0].numbers));
    catalog_free(catalog);
}

static int fill(void *context)
{
    struct catalog *catalog = NULL;
    uint32_t number = 0;
    struct site site = plain_site(0, 0);
    struct node node = {NODE_SERVICE, VIEW("eu"), VIEW("cart")};
    int status = catalog_new(&roomy, &catalog);
    char text[32];

    (void)context;
    if (status != 0)
        return status;
    status = catalog_node(catalog, &node, &number);
    for (int i = 0; status == 0 && i < 300; i++) {
        struct view view = {text, (size_t)snprintf(text, sizeof(text), "operation %d", i)};
        status = catalog_text(catalog, view, &site.operation);
        if (status == 0)
            status = catalog_site(catalog, &site, &number);
    }
    catalog_free(catalog);
    return status;
}

static void catalog__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(fill, NULL);
}

static uint32_t operation_of(struct catalog *catalog, uint32_t service, const char *text)
{
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_operation(catalog, service, view_of(text), &number), 0);
    return number;
}

static void catalog__holds_each_service_to_its_operations(void **state)
{
    struct catalog_limits limits = roomy;
    struct catalog *catalog;
    struct catalog_counts counts;
    uint32_t a, b, one, shared;

    (void)state;
    limits.service_operations_max = 2;
    catalog = make(&limits);
    a = node_of(catalog, NODE_SERVICE, "", "a");
    b = node_of(catalog, NODE_SERVICE, "", "b");
    one = operation_of(catalog, a, "one");
    shared = operation_of(catalog, b, "shared");
    assert_int_equal(operation_of(catalog, a, "one"), one);
    assert_int_equal(operation_of(catalog, a, "shared"), shared);
    assert_int_equal(operation_of(catalog, a, "three"), CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, a, "three"), CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, a, "one"), one); /* What it has it keeps. */
    assert_int_not_equal(operation_of(catalog, b, "three"), CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, b, "one"), CATALOG_OVERFLOW); /* Known, but not its. */
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.operations, 1 + 3);
    assert_int_equal(counts.service_operations, 2);
    assert_int_equal(counts.service_operations_refused, 3);
    assert_int_equal(counts.operations_refused, 0);
    catalog_free(catalog);
}

static void catalog__past_all_operations_charges_no_service(void **state)
{
    struct catalog_limits limits = roomy;
    struct catalog *catalog;
    struct catalog_counts counts;
    uint32_t a;

    (void)state;
    limits.operations_max = 1;
    limits.service_operations_max = 2;
    catalog = make(&limits);
    a = node_of(catalog, NODE_SERVICE, "", "a");
    assert_int_not_equal(operation_of(catalog, a, "one"), CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, a, "two"), CATALOG_OVERFLOW);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.service_operations, 1);
    assert_int_equal(counts.operations_refused, 1);
    assert_int_equal(counts.service_operations_refused, 0);
    catalog_free(catalog);
}

static void node__sorts_as_its_id_is_written(void **state)
{
    const struct node nodes[] = {
        {NODE_DATABASE, VIEW(""), VIEW("z")},  {NODE_EXTERNAL, VIEW(""), VIEW("a")},
        {NODE_MESSAGING, VIEW(""), VIEW("a")}, {NODE_SERVICE, VIEW(""), VIEW("a")},
        {NODE_SERVICE, VIEW(""), VIEW("b")},   {NODE_SERVICE, VIEW("eu"), VIEW("a")},
        {NODE_USER, VIEW(""), VIEW("user")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        for (size_t j = 0; j < sizeof(nodes) / sizeof(nodes[0]); j++) {
            int order = node_compare(&nodes[i], &nodes[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalog__gives_equal_names_one_number),
        cmocka_unit_test(catalog__keeps_numbers_while_it_grows),
        cmocka_unit_test(catalog__has_its_fixed_nodes),
        cmocka_unit_test(catalog__cuts_long_names_between_characters),
        cmocka_unit_test(catalog__holds_each_quota_for_itself),
        cmocka_unit_test(catalog__holds_each_service_to_its_operations),
        cmocka_unit_test(catalog__past_all_operations_charges_no_service),
        cmocka_unit_test(catalog__keeps_service_and_kind_of_a_refused_site),
        cmocka_unit_test(catalog__finds_the_one_service_that_reported),
        cmocka_unit_test(catalog__is_one_for_all_threads),
        cmocka_unit_test(catalog__survives_failing_memory),
        cmocka_unit_test(node__sorts_as_its_id_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
