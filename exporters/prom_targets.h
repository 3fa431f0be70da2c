/* prom_targets.h: traces_target_info, what the resources say of themselves.
 * Is:         one series for each job and instance, with the resource's attributes as labels.
 * Invariants: label names are unique and as Prometheus wants them: other characters become one
 *             underscore; values of keys that then are equal are joined by semicolons in the order of
 *             the keys. What would be `job` or `instance` gets `exported_` in front.
 * Threads:    any.
 * Source:     EXPORT P8, P10, P11.
 */
#ifndef SPANMAP_EXPORTERS_PROM_TARGETS_H
#define SPANMAP_EXPORTERS_PROM_TARGETS_H

#include "exporters/exporter.h"
#include "exporters/prom_writer.h"

/* Nothing where the input has no targets. Returns: 0; STATUS_NOMEM. */
MUST_USE int prom_targets(const struct export_input *input, struct prom_writer *writer);

#endif
