/* exporters_bench.c: what a scrape and a map of 10,000 edges cost.
 * Is:         every renderer on one snapshot of 3,500 services and about 10,000 edges, each with
 *             three histograms, in turn, several rounds, medians; gzip of the scrape beside it.
 * Is not:     a test: it never fails.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "exporters/deflate.h"
#include "exporters/dot.h"
#include "exporters/exporter.h"
#include "exporters/json.h"
#include "exporters/mermaid.h"
#include "exporters/prometheus.h"
#include "exporters/text.h"
#include "tests/lib/snapshot_samples.h"

enum { SERVICES = 3600, FAN = 4, ROUNDS = 7 };

static int ascending(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;

    return (one > other) - (one < other);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), ascending);
    return values[ROUNDS / 2];
}

static double seconds_since(struct mono_time start)
{
    return (double)(clock_mono().ns - start.ns) / 1e9;
}

static size_t lines_of(const struct buf *out)
{
    size_t lines = 0;

    for (size_t i = 0; i < out->size; i++)
        lines += out->data[i] == '\n';
    return lines;
}

static void tell(const char *name, double *rounds, const struct buf *out)
{
    double best = median(rounds);
    size_t lines = lines_of(out);

    printf("%-12s %8.1f ms %8.1f MB %9zu lines %7.1f ns a line\n", name, best * 1e3,
           (double)out->size / 1e6, lines, best * 1e9 / (double)lines);
}

static void run(const struct exporter *exporter, const struct export_input *input, struct buf *out)
{
    double rounds[ROUNDS];
    char error[256];

    for (int i = 0; i < ROUNDS; i++) {
        struct mono_time start;
        buf_reset(out);
        start = clock_mono();
        CHECK(exporter->render(input, error, out) == 0);
        rounds[i] = seconds_since(start);
    }
    tell(exporter->name, rounds, out);
}

static void run_gzip(const struct buf *text)
{
    double rounds[ROUNDS];
    struct buf packed;

    buf_init(&packed, 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct mono_time start;
        buf_reset(&packed);
        start = clock_mono();
        CHECK(deflate_gzip(buf_view(text), DEFLATE_FAST, &packed) == 0);
        rounds[i] = seconds_since(start);
    }
    printf("%-12s %8.1f ms %8.1f MB\n", "  its gzip", median(rounds) * 1e3,
           (double)packed.size / 1e6);
    buf_release(&packed);
}

int main(void)
{
    static const struct exporter *const measured[] = {&exporter_prometheus, &exporter_openmetrics,
                                                      &exporter_json,       &exporter_dot,
                                                      &exporter_mermaid,    &exporter_text};
    struct snapshot_build build;
    struct export_input input = {.snapshot = NULL};
    struct buf out;

    snapshot_build_init(&build);
    snapshot_sample_large(&build, SERVICES, FAN);
    input.snapshot = snapshot_build_finish(&build);
    printf("exporters: %zu nodes, %zu edges, median of %d rounds\n", input.snapshot->nodes_count,
           input.snapshot->edges_count, ROUNDS);
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        run(measured[i], &input, &out);
        if (i == 0)
            run_gzip(&out);
    }
    buf_release(&out);
    snapshot_build_release(&build);
    return 0;
}
