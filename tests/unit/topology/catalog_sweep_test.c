/* catalog_sweep_test.c: what is not used goes to others, what is used stays; each table for itself. */
#include "topology/catalog_sweep.h"

#include <stdio.h>

#include "tests/lib/test.h"
#include "topology/catalog_priv.h"

static const struct catalog_limits small = {
    .services_max = 4,
    .peers_max = 4,
    .operations_max = 4,
    .sites_max = 4,
    .text_bytes_max = 32,
};

static struct catalog *make(const struct catalog_limits *limits)
{
    struct catalog *catalog = NULL;

    assert_int_equal(catalog_new(limits, &catalog), 0);
    return catalog;
}

static uint32_t node_of(struct catalog *catalog, enum node_type type, const char *name)
{
    struct node node = {type, {NULL, 0}, view_of(name)};
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_node(catalog, &node, &number), 0);
    return number;
}

static uint32_t text_of(struct catalog *catalog, const char *text)
{
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_text(catalog, view_of(text), &number), 0);
    return number;
}

static uint32_t site_of(struct catalog *catalog, uint32_t service, uint32_t operation,
                        uint32_t peer, enum call_kind call)
{
    struct site site;
    uint32_t number = CATALOG_NONE;

    memset(&site, 0, sizeof(site));
    site.service = service;
    site.operation = operation;
    site.peer = peer;
    site.peer_else = site.destination = site.group = CATALOG_NONE;
    site.call = (uint8_t)call;
    assert_int_equal(catalog_site(catalog, &site, &number), 0);
    return number;
}

/* All at once; nobody marks anything but `mark`. */
static void sweep(struct catalog *catalog, void (*mark)(struct catalog *, uint32_t, uint32_t),
                  uint32_t number)
{
    uint32_t stamp = catalog_sweep_begin(catalog);

    assert_true(catalog_readers_passed(catalog));
    if (mark != NULL)
        mark(catalog, number, stamp);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
}

static void sweep__gives_numbers_to_other_names(void **state)
{
    struct catalog *catalog = make(&small);
    struct catalog_counts counts;
    char name[16];

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 4; i++) {
            uint32_t service, peer, text;
            snprintf(name, sizeof(name), "%u-%u", round, i);
            service = node_of(catalog, NODE_SERVICE, name);
            peer = node_of(catalog, NODE_EXTERNAL, name);
            text = text_of(catalog, name);
            assert_int_not_equal(service, CATALOG_OVERFLOW);
            assert_int_not_equal(peer, CATALOG_OVERFLOW);
            assert_int_not_equal(text, CATALOG_OVERFLOW);
            assert_view_equal(catalog_node_at(catalog, service)->name, name);
            assert_view_equal(catalog_text_at(catalog, text), name);
            assert_int_not_equal(site_of(catalog, service, text, peer, CALL_RPC), CATALOG_OVERFLOW);
        }
        assert_int_equal(node_of(catalog, NODE_SERVICE, "more"), CATALOG_OVERFLOW);
        assert_int_equal(node_of(catalog, NODE_DATABASE, "more"), CATALOG_OVERFLOW);
        assert_int_equal(text_of(catalog, "more"), CATALOG_OVERFLOW);
        sweep(catalog, NULL, 0);
    }
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.given.services, 200);
    assert_int_equal(counts.given.peers, 200);
    assert_int_equal(counts.given.operations, 200);
    assert_int_equal(counts.given.sites, 200);
    assert_int_equal(counts.services, 0);
    assert_int_equal(counts.peers, 3); /* The fixed ones. */
    assert_int_equal(node_of(catalog, NODE_USER, "user"), catalog_user(catalog));
    assert_int_equal(node_of(catalog, NODE_EXTERNAL, "unknown"), catalog_unknown(catalog));
    assert_true(catalog_nodes(catalog) <= 3 + 8);
    catalog_free(catalog);
}

static void sweep__keeps_all_names_of_a_site(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t service = node_of(catalog, NODE_SERVICE, "a");
    uint32_t peer = node_of(catalog, NODE_EXTERNAL, "x");
    uint32_t text = text_of(catalog, "op");
    uint32_t site = site_of(catalog, service, text, peer, CALL_RPC);
    struct catalog_counts counts;

    (void)state;
    text_of(catalog, "nobody's");
    sweep(catalog, catalog_mark_site, site);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.given.operations, 1);
    assert_int_equal(counts.given.services + counts.given.peers + counts.given.sites, 0);
    assert_int_equal(site_of(catalog, service, text, peer, CALL_RPC), site);
    assert_int_equal(node_of(catalog, NODE_EXTERNAL, "x"), peer);
    assert_int_equal(text_of(catalog, "op"), text);
    catalog_free(catalog);
}

static void sweep__keeps_what_is_looked_up_meanwhile(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t a = node_of(catalog, NODE_SERVICE, "a");
    uint32_t b = node_of(catalog, NODE_SERVICE, "b");
    uint32_t text = text_of(catalog, "op");
    uint32_t site = site_of(catalog, a, text, CATALOG_NONE, CALL_OTHER);
    uint32_t peer = node_of(catalog, NODE_EXTERNAL, "b");
    uint32_t stamp;

    (void)state;
    catalog_mark_reported(catalog, b);
    stamp = catalog_sweep_begin(catalog);
    assert_int_equal(site_of(catalog, a, text, CATALOG_NONE, CALL_OTHER), site);
    assert_int_equal(catalog_find_reported(catalog, peer, false), b);
    catalog_sweep(catalog, stamp);
    assert_false(catalog_node_left(catalog, a));
    assert_false(catalog_node_left(catalog, b)); /* Who asks goes on to count it. */
    assert_true(catalog_node_left(catalog, peer));
    assert_true(catalog_give_back(catalog));
    assert_int_equal(text_of(catalog, "op"), text);
    catalog_free(catalog);
}

static void sweep__waits_for_receivers_from_before(void **state)
{
    struct catalog *catalog = make(&small);
    struct catalog_reader busy, idle, late;
    uint32_t before, begun;

    (void)state;
    catalog_join(catalog, &busy);
    catalog_join(catalog, &idle);
    catalog_join(catalog, &late);
    before = catalog_enter(catalog, &busy);
    (void)catalog_enter(catalog, &idle);
    catalog_leave(&idle);
    begun = catalog_sweep_begin(catalog);
    assert_int_not_equal(begun, before);
    assert_int_equal(catalog_enter(catalog, &late), begun);
    assert_false(catalog_readers_passed(catalog));
    assert_int_equal(catalog_enter(catalog, &busy), begun); /* Its next request. */
    assert_true(catalog_readers_passed(catalog));
    catalog_sweep(catalog, begun);
    assert_true(catalog_give_back(catalog));
    /* Memos may say that there was no room. */
    assert_int_not_equal(catalog_enter(catalog, &busy), begun);
    catalog_part(catalog, &idle);
    catalog_part(catalog, &busy);
    catalog_part(catalog, &late);
    catalog_free(catalog);
}

static void sweep__waits_for_snapshots_from_before(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t service = node_of(catalog, NODE_SERVICE, "a");
    struct view shown = catalog_node_at(catalog, service)->name;
    unsigned old = catalog_hold(catalog);
    unsigned later;
    uint32_t stamp;

    (void)state;
    stamp = catalog_sweep_begin(catalog);
    catalog_sweep(catalog, stamp);
    later = catalog_hold(catalog); /* This one cannot show it. */
    assert_false(catalog_give_back(catalog));
    assert_int_not_equal(node_of(catalog, NODE_SERVICE, "a"), service);
    assert_view_equal(shown, "a");
    catalog_release(catalog, old);
    assert_true(catalog_give_back(catalog));
    catalog_release(catalog, later);
    assert_int_equal(node_of(catalog, NODE_SERVICE, "b"), service);
    catalog_free(catalog);
}

/* While they wait, they take room: no more texts are kept than the quota says. */
static void sweep__counts_what_is_on_its_way_out(void **state)
{
    struct catalog *catalog = make(&small);
    unsigned hold;
    char name[8];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_int_not_equal(text_of(catalog, name), CATALOG_OVERFLOW);
    }
    hold = catalog_hold(catalog);
    catalog_sweep(catalog, catalog_sweep_begin(catalog));
    assert_false(catalog_give_back(catalog));
    assert_int_equal(text_of(catalog, "new"), CATALOG_OVERFLOW);
    catalog_release(catalog, hold);
    assert_true(catalog_give_back(catalog));
    assert_int_not_equal(text_of(catalog, "new"), CATALOG_OVERFLOW);
    catalog_free(catalog);
}

static uint32_t operation_of(struct catalog *catalog, uint32_t service, const char *text)
{
    uint32_t number = CATALOG_NONE;

    assert_int_equal(catalog_operation(catalog, service, view_of(text), &number), 0);
    return number;
}

/* Their numbers are not given again, so that those of new ones would be past the table's end. */
static void sweep__counts_operations_of_services_on_their_way_out(void **state)
{
    struct catalog_limits limits = small;
    struct catalog *catalog;
    uint32_t service, stamp;
    unsigned hold;
    char name[16];

    (void)state;
    limits.operations_max = 100;
    limits.service_operations_max = 50;
    catalog = make(&limits);
    service = node_of(catalog, NODE_SERVICE, "a");
    for (unsigned i = 0; i < limits.sites_max; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_int_not_equal(operation_of(catalog, service, name), CATALOG_OVERFLOW);
    }
    hold = catalog_hold(catalog);
    stamp = catalog_sweep_begin(catalog);
    catalog_mark_node(catalog, service, stamp);
    catalog_sweep(catalog, stamp);
    assert_false(catalog_give_back(catalog));
    assert_int_equal(operation_of(catalog, service, "new"), CATALOG_OVERFLOW);
    catalog_release(catalog, hold);
    assert_true(catalog_give_back(catalog));
    assert_int_not_equal(operation_of(catalog, service, "new"), CATALOG_OVERFLOW);
    catalog_free(catalog);
}

static void sweep__gives_a_service_its_operations_back(void **state)
{
    struct catalog_limits limits = small;
    struct catalog *catalog;
    uint32_t a, b, stamp, one;

    (void)state;
    limits.service_operations_max = 1;
    catalog = make(&limits);
    a = node_of(catalog, NODE_SERVICE, "a");
    b = node_of(catalog, NODE_SERVICE, "b");
    one = operation_of(catalog, a, "one");
    assert_int_not_equal(one, CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, b, "one"), one);
    assert_int_equal(operation_of(catalog, a, "two"), CATALOG_OVERFLOW);
    stamp = catalog_sweep_begin(catalog); /* The text is still that of `b`. */
    catalog_mark_node(catalog, a, stamp);
    catalog_mark_operation(catalog, b, one, stamp);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    assert_int_not_equal(operation_of(catalog, a, "two"), CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, b, "two"), CATALOG_OVERFLOW);
    assert_int_equal(operation_of(catalog, b, "one"), one);
    catalog_free(catalog);
}

static void sweep__forgets_who_has_reported(void **state)
{
    struct catalog *catalog = make(&small);
    struct node eu = {NODE_SERVICE, VIEW("eu"), VIEW("a")};
    uint32_t a = node_of(catalog, NODE_SERVICE, "a");
    uint32_t peer = node_of(catalog, NODE_EXTERNAL, "a");
    uint32_t a_eu, stamp, other;

    (void)state;
    assert_int_equal(catalog_node(catalog, &eu, &a_eu), 0);
    catalog_mark_reported(catalog, a);
    catalog_mark_reported(catalog, a_eu);
    assert_int_equal(catalog_find_reported(catalog, peer, false), CATALOG_NONE); /* Which one? */
    stamp = catalog_sweep_begin(catalog);
    catalog_mark_node(catalog, a_eu, stamp);
    catalog_mark_node(catalog, peer, stamp);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    assert_int_equal(catalog_find_reported(catalog, peer, false), a_eu);
    other = node_of(catalog, NODE_SERVICE, "other");
    assert_int_equal(other, a);
    assert_false(catalog_is_reported(catalog, other));
    assert_int_equal(catalog_find_reported(catalog, peer, true), CATALOG_NONE);
    catalog_free(catalog);
}

/* Between taking a service out and forgetting that it reported, others have the lock. */
static void sweep__never_brings_a_service_back_by_its_name(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t service = node_of(catalog, NODE_SERVICE, "a");
    uint32_t peer = node_of(catalog, NODE_EXTERNAL, "a");
    uint32_t stamp;

    (void)state;
    catalog_mark_reported(catalog, service);
    stamp = catalog_sweep_begin(catalog);
    catalog_mark_node(catalog, peer, stamp);
    name_table_take_out(&catalog->nodes,
                        catalog_hash_node(catalog, catalog_node_at(catalog, service)), service);
    assert_int_equal(catalog_find_reported(catalog, peer, false), CATALOG_NONE);
    assert_true(catalog_node_left(catalog, service));
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    sweep(catalog, catalog_mark_node, peer);
    assert_int_equal(node_of(catalog, NODE_SERVICE, "b"), service);
    catalog_free(catalog);
}

static void sweep__leaves_a_judged_span_what_it_needs(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t service = node_of(catalog, NODE_SERVICE, "a");
    uint32_t peer = node_of(catalog, NODE_DATABASE, "x");
    uint32_t text = text_of(catalog, "op");
    uint32_t database = site_of(catalog, service, text, peer, CALL_DATABASE);
    uint32_t rpc = site_of(catalog, service, text, peer, CALL_RPC);
    uint32_t nobodys = site_of(catalog, CATALOG_OVERFLOW, text, peer, CALL_RPC);
    uint32_t coarse[3];
    uint32_t stamp;

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        stamp = catalog_sweep_begin(catalog);
        coarse[0] = catalog_coarse(catalog, round == 0 ? database : coarse[0], stamp);
        coarse[1] = catalog_coarse(catalog, round == 0 ? rpc : coarse[1], stamp);
        coarse[2] = catalog_coarse(catalog, round == 0 ? nobodys : coarse[2], stamp);
        if (round == 0)
            assert_int_equal(catalog_coarse(catalog, rpc, stamp), coarse[1]);
        catalog_sweep(catalog, stamp);
        assert_true(catalog_give_back(catalog));
        assert_int_equal(catalog_site_at(catalog, coarse[0])->service, service);
        assert_int_equal(catalog_site_at(catalog, coarse[0])->call, CALL_DATABASE);
        assert_int_equal(catalog_site_at(catalog, coarse[1])->service, service);
        assert_int_equal(catalog_site_at(catalog, coarse[1])->call, CALL_OTHER);
        assert_int_equal(coarse[2], CATALOG_OVERFLOW);
        assert_true(catalog_node_left(catalog, peer));
        assert_int_equal(node_of(catalog, NODE_SERVICE, "a"), service);
    }
    catalog_free(catalog);
}

/* A site that was given back and named anew may not be taken for what it was. */
static void sweep__finds_what_stands_for_a_site_anew(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t a = node_of(catalog, NODE_SERVICE, "a");
    uint32_t text = text_of(catalog, "op");
    uint32_t site = site_of(catalog, a, text, CATALOG_NONE, CALL_RPC);
    uint32_t stamp = catalog_sweep_begin(catalog);
    uint32_t coarse = catalog_coarse(catalog, site, stamp);
    uint32_t other;

    (void)state;
    catalog_mark_site(catalog, site, stamp); /* Another span has it and waits. */
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    sweep(catalog, catalog_mark_site, site); /* Nobody has the coarse one. */
    other = site_of(catalog, node_of(catalog, NODE_SERVICE, "b"), text, CATALOG_NONE, CALL_OTHER);
    assert_int_equal(other, coarse);
    stamp = catalog_sweep_begin(catalog);
    assert_int_not_equal(catalog_coarse(catalog, site, stamp), other);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    catalog_free(catalog);
}

static void sweep__keeps_a_site_for_want_of_memory(void **state)
{
    struct catalog *catalog = make(&small);
    uint32_t site = site_of(catalog, node_of(catalog, NODE_SERVICE, "a"), text_of(catalog, "op"),
                            CATALOG_NONE, CALL_RPC);
    uint32_t stamp = catalog_sweep_begin(catalog);
    struct site filler;
    uint32_t number;

    (void)state;
    memset(&filler, 0, sizeof(filler));
    filler.service = catalog_site_at(catalog, site)->service;
    filler.peer = filler.peer_else = filler.destination = filler.group = CATALOG_NONE;
    for (uint8_t kind = 0; kind < 200; kind++) { /* All the room that services have for theirs. */
        filler.kind = kind;
        filler.is_receive = 1;
        assert_int_equal(catalog_site(catalog, &filler, &number), 0);
    }
    assert_int_equal(catalog_coarse(catalog, site, stamp), site);
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    assert_view_equal(catalog_text_at(catalog, catalog_site_at(catalog, site)->operation), "op");
    catalog_free(catalog);
}

static void sweep__tells_how_short_names_are(void **state)
{
    struct catalog *catalog = make(&small);
    struct catalog_pressure pressure;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "%u", i);
        (void)node_of(catalog, NODE_SERVICE, name);
    }
    catalog_read_pressure(catalog, &pressure);
    assert_int_equal(pressure.nodes_percent, 75);
    assert_int_equal(pressure.nodes_refused, 0);
    (void)node_of(catalog, NODE_SERVICE, "3");
    (void)node_of(catalog, NODE_SERVICE, "4");
    catalog_read_pressure(catalog, &pressure);
    assert_int_equal(pressure.nodes_percent, 100);
    assert_int_equal(pressure.nodes_refused, 1);
    assert_int_equal(pressure.operations_refused + pressure.sites_refused, 0);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweep__gives_numbers_to_other_names),
        cmocka_unit_test(sweep__keeps_all_names_of_a_site),
        cmocka_unit_test(sweep__keeps_what_is_looked_up_meanwhile),
        cmocka_unit_test(sweep__waits_for_receivers_from_before),
        cmocka_unit_test(sweep__waits_for_snapshots_from_before),
        cmocka_unit_test(sweep__counts_what_is_on_its_way_out),
        cmocka_unit_test(sweep__counts_operations_of_services_on_their_way_out),
        cmocka_unit_test(sweep__gives_a_service_its_operations_back),
        cmocka_unit_test(sweep__forgets_who_has_reported),
        cmocka_unit_test(sweep__never_brings_a_service_back_by_its_name),
        cmocka_unit_test(sweep__leaves_a_judged_span_what_it_needs),
        cmocka_unit_test(sweep__finds_what_stands_for_a_site_anew),
        cmocka_unit_test(sweep__keeps_a_site_for_want_of_memory),
        cmocka_unit_test(sweep__tells_how_short_names_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
