/* machine.h: how much of the machine this process may use.
 * Is:         the smaller of what the machine has and what its control groups (v1 and v2, all
 *             levels that can be seen from here) allow.
 * Is not:     how much of it spanmap takes (budget.h).
 * Threads:    any.
 */
#ifndef SPANMAP_ENGINE_MACHINE_H
#define SPANMAP_ENGINE_MACHINE_H

#include <stdint.h>

/* `root` stands before the paths that are read: "" for the real ones, a folder in tests. */
uint64_t machine_memory_bytes(const char *root);

/* At least 1; a part of a processor counts as one. */
unsigned machine_cores(const char *root);

/* Memory of this process that is in use; 0 where the system does not say. */
uint64_t machine_resident_bytes(void);

#endif
