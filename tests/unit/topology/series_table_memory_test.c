/* series_table_memory_test.c: docs/METRICS.md says what a series costs, and that is what it costs. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/series_memory.h"
#include "tests/lib/test.h"

/* A figure of the page, "2,948"; moves on behind it. */
static size_t read_figure(const char **at)
{
    size_t figure = 0;

    while (**at != '\0' && (**at < '0' || **at > '9'))
        ++*at;
    for (; (**at >= '0' && **at <= '9') || **at == ','; ++*at)
        if (**at != ',')
            figure = figure * 10 + (size_t)(**at - '0');
    return figure;
}

static void assert_near(const char *what, size_t told, size_t measured)
{
    if (measured > told || measured + told / 20 < told)
        fail_msg("%s: docs/METRICS.md says %zu bytes, measured are %zu", what, told, measured);
}

/* Columns are tally, cumulated, snapshot, each "USUAL to WIDEST". */
static void check_row(const char *row, bool of_edges)
{
    struct series_memory usual, widest;
    const char *at = strchr(row + 2, '|');
    size_t told[6];

    assert_non_null(at);
    for (size_t i = 0; i < 6; i++)
        told[i] = read_figure(&at);
    series_measure(of_edges, false, &usual);
    series_measure(of_edges, true, &widest);
    assert_near("a tally's, usual", told[0], usual.tally);
    assert_near("a tally's, widest", told[1], widest.tally);
    assert_near("a cumulated one's, usual", told[2], usual.cumulated);
    assert_near("a cumulated one's, widest", told[3], widest.cumulated);
    assert_near("a snapshot's, usual", told[4], usual.snapshot);
    assert_near("a snapshot's, widest", told[5], widest.snapshot);
}

static void series__cost_what_the_page_says(void **state)
{
    FILE *page = fopen("docs/METRICS.md", "r");
    char line[512];
    int rows = 0;

    (void)state;
    assert_non_null(page); /* Tests run at the root of the tree. */
    if (series_heap_bytes() == 0) {
        fclose(page);
        skip();
    }
    while (fgets(line, sizeof(line), page) != NULL) {
        bool is_edge = strncmp(line, "| edge,", 7) == 0;
        if (!is_edge && strncmp(line, "| operation,", 12) != 0)
            continue;
        check_row(line, is_edge);
        rows++;
    }
    fclose(page);
    assert_int_equal(rows, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series__cost_what_the_page_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
