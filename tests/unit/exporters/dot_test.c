/* dot_test.c: the description is the same every time, says what page and reader need, and no name
 * leaves its literal. What Graphviz makes of it is looked at in graphviz_test.c.
 */
#include "exporters/dot.h"

#include <stdio.h>

#include "tests/lib/exporter_fixture.h"

static void dot__describes_nodes_and_edges(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_shop);
    text = fixture_text(&fixture);
    assert_has(text, "digraph spanmap {\n");
    assert_has(text, "rankdir=LR, ");
    assert_lacks(text, "\"fontcolor"); /* Attributes stand apart. */
    assert_has(text, "\n    \"database//orders\" [label=<");
    assert_has(text, "shape=cylinder");
    assert_has(text, "class=\"database\"");
    assert_has(text, "id=\"node:service//checkout\"");
    assert_has(text, "\n  \"service//checkout\" -> \"service//payment\" [color=\"#560021\"");
    assert_has(text, "class=\"many\"");
    assert_has(text, "id=\"edge:service//checkout|service//payment|\"");
    assert_has(text, "id=\"edge:messaging//order-events|service//worker|messaging_system\"");
    assert_has(text,
               "tooltip=\"checkout \xE2\x86\x92 payment\\n1,150 requests, 19.2/s\\n92 failed, "
               "8%\\nclient: p50 338 ms, p95 338 ms, p99 338 ms, max 338 ms\\nserver: p50");
    assert_has(text, "10 nodes, 10 edges");
    assert_lacks(text, "the least busy");
    assert_lacks(text, "URL");
    assert_lacks(text, "href");
    fixture_end(&fixture);
}

static void dot__is_the_same_every_time(void **state)
{
    struct exporter_fixture fixture;
    struct buf first;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_shop);
    assert_int_equal(fixture_render(&fixture), 0);
    buf_init(&first, 0);
    assert_int_equal(buf_append_view(&first, buf_view(&fixture.out)), 0);
    assert_int_equal(fixture_render(&fixture), 0);
    assert_true(view_equal(buf_view(&first), buf_view(&fixture.out)));
    buf_release(&first);
    fixture_end(&fixture);
}

static void dot__draws_namespaces_as_clusters(void **state)
{
    struct exporter_fixture fixture;
    const char *text;
    uint32_t nodes[3];

    (void)state;
    fixture_begin(&fixture, &exporter_dot, NULL);
    nodes[0] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("eu"), VIEW("a"));
    nodes[1] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW("us"), VIEW("a"));
    nodes[2] = snapshot_build_node(&fixture.build, NODE_DATABASE, VIEW("eu"), VIEW("db"));
    (void)snapshot_build_edge(&fixture.build, nodes[0], nodes[1], CONNECTION_DIRECT, 1, 0);
    (void)snapshot_build_edge(&fixture.build, nodes[0], nodes[2], CONNECTION_DATABASE, 1, 0);
    text = fixture_text(&fixture);
    assert_has(text, "subgraph cluster_1 {\n    label=<eu>");
    assert_has(text, "subgraph cluster_2 {\n    label=<us>");
    assert_lacks(text, "cluster_3");
    assert_true(strstr(text, "    \"service/eu/a\" [") < strstr(text, "subgraph cluster_2"));
    assert_true(strstr(text, "    \"service/us/a\" [") > strstr(text, "subgraph cluster_2"));
    fixture_end(&fixture);
}

static void dot__says_what_it_leaves_out(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, NULL);
    snapshot_sample_large(&fixture.build, 1000, 3);
    text = fixture_text(&fixture);
    assert_has(text, "<B>Of these, the least busy are the node ");
    assert_lacks(text, "labeltooltip"); /* So many edges have no labels. */
    fixture_end(&fixture);
}

static void dot__packs_what_is_large(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_shop);
    text = fixture_text(&fixture);
    assert_has(text, "nodesep=0.35;");
    assert_lacks(text, "mclimit");
    assert_lacks(text, "nslimit");
    fixture_end(&fixture);
    fixture_begin(&fixture, &exporter_dot, NULL);
    snapshot_sample_large(&fixture.build, 100, 3);
    text = fixture_text(&fixture);
    assert_has(text, "nodesep=0.12;");
    assert_has(text, "nslimit=20;");
    assert_lacks(text, "labeltooltip");
    fixture_end(&fixture);
}

/* Takes the description apart as Graphviz's scanner does: "...", <...>, and what is between. */
static void check_tokens(const char *text)
{
    while (*text != '\0') {
        if (*text == '"') {
            for (text++; *text != '"'; text++) {
                assert_true((unsigned char)*text >= 0x20);
                if (*text == '\\') {
                    text++;
                    assert_true(*text == '"' || *text == '\\' || *text == 'n');
                }
            }
        } else if (*text == '<') {
            int depth = 0;
            do {
                depth += *text == '<' ? 1 : *text == '>' ? -1 : 0;
                assert_true((unsigned char)*text >= 0x20);
            } while (depth != 0 && *++text != '\0');
        } else {
            /* Between literals there is only what dot.c wrote. */
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
                                   " \n=,;.[]{}->:",
                                   *text));
        }
        text++;
    }
}

static void dot__keeps_hostile_names_in_their_literals(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_hostile);
    text = fixture_text(&fixture);
    check_tokens(text);
    assert_has(text, "id=\"node:service/%3Cscript%3Ealert%281%29%3C/script%3E/"
                     "%3Cscript%3Ealert%281%29%3C/script%3E\"");
    assert_has(text, "id=\"node:external//a/b//c\"");
    assert_has(text, "gr%C3%BC%C3%9Fe%20%E4%BD%A0%E5%A5%BD%20%F0%9F%98%80\"");
    assert_lacks(text, "<B><"); /* In HTML labels. */
    fixture_end(&fixture);
}

static void dot__keeps_hostile_clusters_in_their_literals(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_hostile);
    fixture.input.options.collapse = VIEW("all");
    fixture.input.options.theme = THEME_DARK;
    fixture.input.options.figure = FIGURE_QUEUE;
    text = fixture_text(&fixture);
    check_tokens(text);
    assert_has(text, "id=\"node:group//%3Cscript%3Ealert%281%29%3C/script%3E\"");
    assert_lacks(text, "#ffffff"); /* No light paper. */
    fixture_end(&fixture);
}

static void dot__lays_lone_nodes_in_rows(void **state)
{
    struct exporter_fixture fixture;
    const char *text;
    char name[8];

    (void)state;
    fixture_begin(&fixture, &exporter_dot, NULL);
    for (int i = 0; i < 6; i++) {
        int size = snprintf(name, sizeof(name), "s%d", i);
        uint32_t node = snapshot_build_node(
            &fixture.build, NODE_SERVICE, VIEW(""),
            snapshot_build_text(&fixture.build, (struct view){name, (size_t)size}));
        fixture.build.nodes[node].reported = true;
    }
    (void)snapshot_build_edge(&fixture.build, 0, 1, CONNECTION_DIRECT, 1, 0);
    text = fixture_text(&fixture);
    assert_has(text, "\n  \"service//s2\" -> \"service//s3\" [style=invis];\n"
                     "  \"service//s4\" -> \"service//s5\" [style=invis];\n");
    assert_lacks(text, "\"service//s1\" -> ");
    assert_lacks(text, "\"service//s3\" -> ");
    fixture_end(&fixture);
}

/* Two names that differ only in what is not UTF-8 share an id, not a node. */
static void dot__tells_twins_apart(void **state)
{
    struct exporter_fixture fixture;
    const char *text;
    uint32_t nodes[2];

    (void)state;
    fixture_begin(&fixture, &exporter_dot, NULL);
    nodes[0] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW(""), VIEW("\xfe"));
    nodes[1] = snapshot_build_node(&fixture.build, NODE_SERVICE, VIEW(""), VIEW("\xff"));
    (void)snapshot_build_edge(&fixture.build, nodes[0], nodes[1], CONNECTION_DIRECT, 1, 0);
    text = fixture_text(&fixture);
    assert_has(text, "\"service//\xEF\xBF\xBD\" -> \"service//\xEF\xBF\xBD (2)\"");
    fixture_end(&fixture);
}

static void dot__leaves_the_buffer_as_it_was_on_failure(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_shop);
    check_leaves_buffer(&fixture);
    fixture_end(&fixture);
}

static void dot__survives_failing_memory(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_dot, snapshot_sample_shop);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(fixture_render, &fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot__describes_nodes_and_edges),
        cmocka_unit_test(dot__is_the_same_every_time),
        cmocka_unit_test(dot__draws_namespaces_as_clusters),
        cmocka_unit_test(dot__says_what_it_leaves_out),
        cmocka_unit_test(dot__packs_what_is_large),
        cmocka_unit_test(dot__keeps_hostile_names_in_their_literals),
        cmocka_unit_test(dot__keeps_hostile_clusters_in_their_literals),
        cmocka_unit_test(dot__lays_lone_nodes_in_rows),
        cmocka_unit_test(dot__tells_twins_apart),
        cmocka_unit_test(dot__leaves_the_buffer_as_it_was_on_failure),
        cmocka_unit_test(dot__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
