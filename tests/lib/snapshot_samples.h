/* snapshot_samples.h: snapshots that several tests draw and write.
 * Is:         a small shop, a map of any size, and names that mean harm.
 */
#ifndef SPANMAP_TESTS_LIB_SNAPSHOT_SAMPLES_H
#define SPANMAP_TESTS_LIB_SNAPSHOT_SAMPLES_H

#include <stddef.h>

#include "tests/lib/snapshot_build.h"

/* Six services, a database, a queue, an external host and the user; nine edges. */
void snapshot_sample_shop(struct snapshot_build *build);

/* `services` services named by number, each with up to `fan` calls to later ones; every edge has
 * client, server and network times. The numbers of a name are kept in the build's own memory. */
void snapshot_sample_large(struct snapshot_build *build, size_t services, size_t fan);

/* A service for each hostile name, all called by one. */
extern const struct view snapshot_hostile_names[];
extern const size_t snapshot_hostile_names_count;
void snapshot_sample_hostile(struct snapshot_build *build);

#endif
