/* prom_health.h: the metrics spanmap_*, about spanmap itself.
 * Is:         what became of spans (the accounting), what the topology noticed, every stage's
 *             counters, version and start.
 * Threads:    any.
 * Memory:     writes to the text's buffer only.
 */
#ifndef SPANMAP_EXPORTERS_PROM_HEALTH_H
#define SPANMAP_EXPORTERS_PROM_HEALTH_H

#include "base/status.h"
#include "exporters/exporter.h"
#include "exporters/prom_writer.h"

/* Returns: 0; STATUS_NOMEM. What the buffer refused sticks to it. */
MUST_USE int prom_health(const struct export_input *input, struct prom_writer *writer);

#endif
