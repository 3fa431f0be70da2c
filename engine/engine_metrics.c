/* engine_metrics.c: texts of options are read once, at the start. */
#include "engine/engine_metrics.h"

#include <stdio.h>

#include "base/quantity.h"
#include "topology/span.h"

enum { NAME_IN_ERROR = 60 };

static int bad_bucket(char out_error[256], struct view text, const char *why)
{
    int shown = text.size < NAME_IN_ERROR ? (int)text.size : NAME_IN_ERROR;

    (void)snprintf(out_error, 256, "'%.*s' %s", shown, text.data, why); /* Cut, it is one still. */
    return STATUS_INVALID;
}

int engine_make_bounds(const struct option_texts *buckets, char out_error[256],
                       struct histogram_bounds *out_bounds)
{
    struct histogram_bounds bounds = {.count = 0};

    out_error[0] = '\0';
    if (buckets->count == 0) {
        *out_bounds = histogram_bounds_default;
        return 0;
    }
    for (size_t i = 0; i < buckets->count && i < HISTOGRAM_BOUNDS_MAX; i++) {
        struct view text = buckets->items[i];
        uint64_t ns = 0;
        if (quantity_read_duration(text, &ns) != 0 || ns == 0 || ns > DURATION_NS_MAX)
            return bad_bucket(out_error, text, "is no duration from 1ns to 104 days");
        if (bounds.count != 0 && ns <= bounds.upper_ns[bounds.count - 1])
            return bad_bucket(out_error, text, "is not longer than the bucket before it");
        bounds.upper_ns[bounds.count++] = ns;
    }
    *out_bounds = bounds;
    return 0;
}

int engine_make_dimensions(const struct options *options, char out_error[256],
                           struct dimensions **out_dimensions)
{
    *out_dimensions = NULL;
    if (options->metrics_dimensions.count == 0)
        return 0;
    return dimensions_new(options->metrics_dimensions.items, options->metrics_dimensions.count,
                          out_error, out_dimensions);
}
