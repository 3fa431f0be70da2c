/* negotiate_fuzz.c: any bytes as an Accept header, as an Accept-Encoding header, and as a query. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "exporters/negotiate.h"
#include "exporters/routes_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct metrics_format format = negotiate_metrics(text);
    struct export_options defaults = {.depth = 0};
    struct routes_query query;
    char error[256];
    int status;

    CHECK(format.exporter != NULL && strlen(format.content_type) != 0);
    (void)negotiate_gzip(text);
    status = routes_query_init(text, &defaults, error, &query);
    CHECK(status == 0 || status == STATUS_INVALID);
    if (status == 0) {
        CHECK(query.options.depth <= MAP_DEPTH_MAX);
        CHECK(query.options.top <= MAP_TOP_MAX && query.options.min_rate >= 0);
        CHECK(query.options.figure < FIGURE_COUNT && query.options.theme < THEME_COUNT);
        CHECK(query.exporter == NULL || query.exporter->in_map);
        routes_query_release(&query);
    }
    return 0;
}
