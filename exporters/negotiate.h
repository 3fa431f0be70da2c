/* negotiate.h: what a client would rather have, by its Accept headers.
 * Is:         quality values after RFC 9110 12.5, and Prometheus' protocols.
 * Invariants: a header that nobody can read is as good as none.
 * Threads:    any; pure.
 * Source:     EXPORT P1-P3.
 */
#ifndef SPANMAP_EXPORTERS_NEGOTIATE_H
#define SPANMAP_EXPORTERS_NEGOTIATE_H

#include <stdbool.h>

#include "base/view.h"
#include "exporters/exporter.h"

struct metrics_format {
    const struct exporter *exporter;
    const char *content_type; /* With version, charset and, from 1.0.0 on, escaping. */
};

/* Never without an answer: a client that takes none of ours gets text 0.0.4, as from Prometheus'
 * own libraries. */
struct metrics_format negotiate_metrics(struct view accept);

/* Whether an Accept-Encoding header wants gzip at least as much as no encoding at all. */
bool negotiate_gzip(struct view accept_encoding);

#endif
