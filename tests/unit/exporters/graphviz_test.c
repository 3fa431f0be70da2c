/* graphviz_test.c: the real helper on real maps. Skipped where Graphviz was not there to build it. */
#include "exporters/graphviz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/exporter_fixture.h"

static char helper[512];

static int find_helper(void **state)
{
    const char *build = getenv("SPANMAP_BUILD");

    (void)state;
    (void)snprintf(helper, sizeof(helper), "%s/libexec/spanmap-draw",
                   build != NULL ? build : "build");
    return 0;
}

static void begin(struct exporter_fixture *fixture, const struct exporter *exporter,
                  void (*sample)(struct snapshot_build *build))
{
    if (access(helper, X_OK) != 0) {
        print_message("%s is not built: this test needs Graphviz\n", helper);
        skip();
    }
    fixture_begin(fixture, exporter, sample);
    fixture->input.options.draw_helper = view_of(helper);
    fixture->input.options.draw_timeout_ns = 60 * NS_PER_S; /* Sanitizers are slow. */
}

static void svg__shows_what_is_on_the_map(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    begin(&fixture, &exporter_svg, snapshot_sample_shop);
    text = fixture_text(&fixture);
    assert_memory_equal(text, "<svg class=\"spanmap\"", 20);
    assert_has(text, "<g id=\"node:service//checkout\" class=\"node service\">");
    assert_has(text, "<g id=\"edge:service//checkout|service//payment|\" class=\"edge many\">");
    assert_has(text, ">checkout</text>");
    assert_has(text, ">api.bank.example</text>");
    assert_has(text, ">7.8%</text>");
    assert_has(text, ">&lt;0.1%</text>");
    assert_has(text,
               "<title>checkout \xE2\x86\x92 payment&#10;1,150 requests, 19.2/s&#10;92 failed");
    assert_has(text, ">no errors</text>");
    assert_lacks(text, "href");
    assert_lacks(text, "<script");
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    fixture_end(&fixture);
}

static void svg__is_the_same_every_time(void **state)
{
    struct exporter_fixture fixture;
    struct buf first;

    (void)state;
    begin(&fixture, &exporter_svg, snapshot_sample_shop);
    assert_int_equal(fixture_render(&fixture), 0);
    buf_init(&first, 0);
    assert_int_equal(buf_append_view(&first, buf_view(&fixture.out)), 0);
    assert_int_equal(fixture_render(&fixture), 0);
    assert_true(view_equal(buf_view(&first), buf_view(&fixture.out)));
    buf_release(&first);
    fixture_end(&fixture);
}

/* Tags open and close in order, attributes have their quotes, and only what Graphviz draws is
 * there. */
static void check_markup(const char *text)
{
    static const char *const tags[] = {"svg",  "style",   "g",        "title",  "text",
                                       "path", "polygon", "polyline", "ellipse"};
    const char *stack[64];
    size_t depth = 0;

    while ((text = strchr(text, '<')) != NULL) {
        bool closes = text[1] == '/';
        const char *name = text + 1 + closes;
        size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz");
        const char *known = NULL;
        for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
            if (strlen(tags[i]) == size && memcmp(tags[i], name, size) == 0)
                known = tags[i];
        if (known == NULL)
            fail_msg("a tag that is not drawn: %.60s", text);
        for (text = name + size; *text != '>'; text++) {
            assert_true(*text != '<' && *text != '\0');
            if (*text == '"')
                for (text++; *text != '"'; text++)
                    assert_true(*text != '<' && *text != '\0');
        }
        if (closes) {
            assert_true(depth != 0);
            assert_ptr_equal(stack[--depth], known);
        } else if (text[-1] != '/') {
            assert_true(depth < 64);
            stack[depth++] = known;
        }
    }
    assert_int_equal(depth, 0);
}

static void svg__keeps_hostile_names_as_text(void **state)
{
    struct exporter_fixture fixture;
    const char *text;
    size_t groups = 0;

    (void)state;
    begin(&fixture, &exporter_svg, snapshot_sample_hostile);
    text = fixture_text(&fixture);
    check_markup(text);
    for (const char *at = text; (at = strstr(at, "class=\"node ")) != NULL; at++)
        groups++;
    assert_int_equal(groups, snapshot_hostile_names_count + 1);
    assert_has(text, ">&lt;script&gt;alert(1)&lt;/script&gt;</text>");
    assert_has(text, ">\\N\\G\\E\\T\\H\\L\\n\\l\\r</text>");
    assert_has(text, ">back\\slash\\</text>");
    assert_has(text, ">&amp;amp;&amp;#0;&amp;lt;&amp;#x1b;&amp;nbsp;</text>");
    assert_has(text, ">]</text>");
    assert_has(text, "<title>\\N\\G\\E\\T\\H\\L\\n\\l\\r (service)&#10;");
    assert_has(text, ">{a|b}&lt;port&gt;</text>");
    for (; *text != '\0'; text++)
        assert_true((unsigned char)*text >= 0x20 || *text == '\n');
    fixture_end(&fixture);
}

static void svg__keeps_hostile_clusters_as_text(void **state)
{
    static const char *const collapses[] = {"", "all"};
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    begin(&fixture, &exporter_svg, snapshot_sample_hostile);
    for (size_t i = 0; i < 2; i++) {
        fixture.input.options.collapse = view_of(collapses[i]);
        fixture.input.options.theme = THEME_DARK;
        fixture.input.options.figure = FIGURE_P99;
        text = fixture_text(&fixture);
        check_markup(text);
        assert_has(text, ">&lt;script&gt;alert(1)&lt;/script&gt;</text>");
        for (; *text != '\0'; text++)
            assert_true((unsigned char)*text >= 0x20 || *text == '\n');
    }
    fixture_end(&fixture);
}

static void svg__draws_large_maps(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    begin(&fixture, &exporter_svg, NULL);
    snapshot_sample_large(&fixture.build, 2000, 3);
    text = fixture_text(&fixture);
    assert_has(text, "Of these, the least busy are the node ");
    fixture_end(&fixture);
}

static void png_and_pdf__are_pictures(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture, &exporter_png, snapshot_sample_shop);
    assert_int_equal(fixture_render(&fixture), 0);
    assert_true(fixture.out.size > 1000);
    assert_memory_equal(fixture.out.data, "\x89PNG\r\n", 6);
    fixture.exporter = &exporter_pdf;
    assert_int_equal(fixture_render(&fixture), 0);
    assert_memory_equal(fixture.out.data, "%PDF-", 5);
    fixture_end(&fixture);
}

static void svg__of_nothing_is_a_picture(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture, &exporter_svg, NULL);
    assert_has(fixture_text(&fixture), "0 nodes, 0 edges");
    fixture_end(&fixture);
}

#ifndef __SANITIZE_ADDRESS__
#ifndef __SANITIZE_THREAD__
/* The helper holds itself to what it was told. */
static void svg__is_bounded_in_memory_and_time(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture, &exporter_svg, snapshot_sample_shop);
    fixture.input.options.draw_memory_bytes_max = 1 << 20;
    assert_int_not_equal(fixture_render(&fixture), 0);
    assert_true(strlen(fixture.error) > 10);
    assert_int_equal(fixture.out.size, 0);
    fixture.input.options.draw_memory_bytes_max = 0;
    fixture.input.options.draw_timeout_ns = 1;
    assert_int_equal(fixture_render(&fixture), STATUS_TIMEOUT);
    fixture_end(&fixture);
}
#define BOUNDED_TEST cmocka_unit_test(svg__is_bounded_in_memory_and_time),
#endif
#endif
#ifndef BOUNDED_TEST
#define BOUNDED_TEST
#endif

static void svg__without_a_helper_is_one_sentence(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_svg, snapshot_sample_shop);
    fixture.input.options.draw_helper = VIEW("/nowhere/spanmap-draw");
    assert_int_equal(fixture_render(&fixture), STATUS_UNSUPPORTED);
    assert_has(fixture.error, "/nowhere/spanmap-draw");
    fixture.input.options.draw_helper = VIEW("/bin/echo");
    assert_int_equal(fixture_render(&fixture), STATUS_SYSTEM);
    assert_string_equal(fixture.error, "the drawing helper wrote something that is no whole SVG");
    fixture_end(&fixture);
}

static void svg__survives_failing_memory(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    begin(&fixture, &exporter_svg, NULL);
    (void)snapshot_build_service(&fixture.build, "alone");
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(fixture_render, &fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svg__shows_what_is_on_the_map),
        cmocka_unit_test(svg__is_the_same_every_time),
        cmocka_unit_test(svg__keeps_hostile_names_as_text),
        cmocka_unit_test(svg__keeps_hostile_clusters_as_text),
        cmocka_unit_test(svg__draws_large_maps),
        cmocka_unit_test(png_and_pdf__are_pictures),
        cmocka_unit_test(svg__of_nothing_is_a_picture),
        BOUNDED_TEST cmocka_unit_test(svg__without_a_helper_is_one_sentence),
        cmocka_unit_test(svg__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, find_helper, NULL);
}
