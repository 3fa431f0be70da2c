/* mermaid_test.c: a flowchart that names cannot leave, and that Mermaid takes in size. */
#include "exporters/mermaid.h"

#include "tests/lib/exporter_fixture.h"

static void mermaid__draws_types_and_figures(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_mermaid, snapshot_sample_shop);
    text = fixture_text(&fixture);
    assert_has(text, "flowchart LR\n  n1[(\"orders\")]:::database\n");
    assert_has(text, "  n3[[\"order-events\"]]:::messaging\n");
    assert_has(text, "  n2[\"api.bank.example\"]:::external\n");
    assert_has(text, "  n4(\"checkout\"):::service\n");
    assert_has(text, "  n10([\"user\"]):::user\n");
    assert_has(text, "  n4 -.->|\"18.3/s 2 ms\"| n3\n");
    assert_has(text, "  n8 -->|\"19.2/s 7.8% 280 ms\"| n2\n");
    assert_has(text, "  linkStyle 7 stroke:#560021,stroke-width:");
    assert_has(text, "  linkStyle 9 ");
    assert_lacks(text, "linkStyle 10");
    assert_lacks(text, "not drawn");
    fixture_end(&fixture);
}

/* Each line of a node is its shape around plain characters and entities. */
static void check_label(const char *line, const char *end)
{
    const char *begin = memchr(line, '"', (size_t)(end - line));
    const char *close = begin != NULL ? memrchr(line, '"', (size_t)(end - line)) : NULL;

    assert_true(begin != NULL && close > begin);
    for (const char *at = begin + 1; at < close; at++)
        assert_true((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                    (*at >= 'A' && *at <= 'Z') || strchr(" ./,:-%#;", *at) != NULL);
    assert_null(memmem(begin, (size_t)(close - begin), "%%", 2));
}

static void mermaid__keeps_hostile_names_in_their_quotes(void **state)
{
    struct exporter_fixture fixture;
    const char *text;
    size_t nodes = 0;

    (void)state;
    fixture_begin(&fixture, &exporter_mermaid, snapshot_sample_hostile);
    text = fixture_text(&fixture);
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        if (memmem(text, (size_t)(end - text), ":::", 3) == NULL)
            continue;
        check_label(text, end);
        nodes++;
    }
    assert_int_equal(nodes, snapshot_hostile_names_count + 1);
    fixture_end(&fixture);
}

static void mermaid__keeps_hostile_clusters_in_their_quotes(void **state)
{
    static const char *const collapses[] = {"", "all"};
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_mermaid, snapshot_sample_hostile);
    for (size_t i = 0; i < 2; i++) {
        const char *text;
        size_t names = 0;
        fixture.input.options = (struct export_options){
            .cluster = VIEW("namespace"), .collapse = view_of(collapses[i]), .theme = THEME_DARK};
        text = fixture_text(&fixture);
        for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
            if (memmem(text, (size_t)(end - text), ":::", 3) == NULL &&
                memmem(text, (size_t)(end - text), "subgraph g", 10) == NULL)
                continue;
            check_label(text, end);
            names++;
        }
        assert_true(names > snapshot_hostile_names_count);
    }
    fixture_end(&fixture);
}

static void mermaid__stays_within_mermaids_bounds(void **state)
{
    struct exporter_fixture fixture;
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_mermaid, NULL);
    snapshot_sample_large(&fixture.build, 600, 4);
    text = fixture_text(&fixture);
    assert_has(text, "(\"others: ");
    assert_has(text, ":::others\n");
    assert_true(strlen(text) < 50000);
    assert_has(text, "linkStyle 100 ");
    assert_lacks(text, "linkStyle 500 ");
    fixture_end(&fixture);
}

static void mermaid__leaves_the_buffer_as_it_was_on_failure(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_mermaid, snapshot_sample_shop);
    check_leaves_buffer(&fixture);
    fixture_end(&fixture);
}

static void mermaid__survives_failing_memory(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_mermaid, snapshot_sample_shop);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(fixture_render, &fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mermaid__draws_types_and_figures),
        cmocka_unit_test(mermaid__keeps_hostile_names_in_their_quotes),
        cmocka_unit_test(mermaid__keeps_hostile_clusters_in_their_quotes),
        cmocka_unit_test(mermaid__stays_within_mermaids_bounds),
        cmocka_unit_test(mermaid__leaves_the_buffer_as_it_was_on_failure),
        cmocka_unit_test(mermaid__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
