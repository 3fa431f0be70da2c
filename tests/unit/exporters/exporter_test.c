/* exporter_test.c: the registry has each format once, with all that a caller needs. */
#include "exporters/exporter.h"

#include "tests/lib/test.h"

static void exporters__are_told_apart_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; exporters[i] != NULL; i++) {
        const struct exporter *exporter = exporters[i];
        assert_ptr_equal(exporter_find(view_of(exporter->name)), exporter);
        assert_true(strlen(exporter->doc) > 0);
        assert_non_null(strchr(exporter->content_type, '/'));
        assert_non_null(exporter->render);
    }
}

static void exporters__of_map_are_the_contracts(void **state)
{
    static const char *const names[] = {"svg", "png", "pdf", "dot", "json", "mermaid", "text"};
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct exporter *exporter = exporter_find(view_of(names[i]));
        assert_non_null(exporter);
        assert_true(exporter->in_map);
    }
    for (size_t i = 0; exporters[i] != NULL; i++)
        count += exporters[i]->in_map;
    assert_int_equal(count, sizeof(names) / sizeof(names[0]));
    assert_false(exporter_find(VIEW("prometheus"))->in_map);
    assert_null(exporter_find(VIEW("bmp")));
    assert_null(exporter_find(VIEW("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exporters__are_told_apart_by_name),
        cmocka_unit_test(exporters__of_map_are_the_contracts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
