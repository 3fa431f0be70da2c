/* engine_metrics.h: options of metrics as what the topology takes.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_ENGINE_ENGINE_METRICS_H
#define SPANMAP_ENGINE_ENGINE_METRICS_H

#include "base/status.h"
#include "engine/options.h"
#include "topology/dimensions.h"
#include "topology/histogram.h"

/* metrics.buckets; none: the usual ones. On failure out_error has one sentence without the key; at most
 * 255 bytes. Returns: 0; STATUS_INVALID. */
MUST_USE int engine_make_bounds(const struct option_texts *buckets, char out_error[256],
                                struct histogram_bounds *out_bounds);

/* metrics.dimensions; NULL where there are none. Returns: as dimensions_new(). */
MUST_USE int engine_make_dimensions(const struct options *options, char out_error[256],
                                    struct dimensions **out_dimensions);

#endif
