/* snapshot_build.h: snapshots by hand, for tests of what reads them.
 * Is:         nodes and edges in any order, sorted as snapshot.h promises when it is finished.
 * Is not:     refcounted: snapshot_release() must not see it.
 * Memory:     owns all but the texts, which are borrowed (literals, or snapshot_build_text()).
 */
#ifndef SPANMAP_TESTS_LIB_SNAPSHOT_BUILD_H
#define SPANMAP_TESTS_LIB_SNAPSHOT_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/snapshot.h"
#include "topology/span.h"

struct snapshot_build {
    struct snapshot snapshot;
    struct snapshot_node *nodes;
    struct snapshot_edge *edges;
    struct snapshot_operation *operations;
    struct snapshot_loss *losses;
    struct histogram **histograms;
    size_t histograms_count;
    char **texts;
    size_t texts_count;
};

/* From 2023-11-14T22:13:20Z, for a minute; nothing in it. */
void snapshot_build_init(struct snapshot_build *build);
void snapshot_build_release(struct snapshot_build *build);

/* All numbers given out here are good until the build is finished. */
uint32_t snapshot_build_node(struct snapshot_build *build, enum node_type type,
                             struct view namespace, struct view name);

/* A copy of a text that lives as long as the build. */
struct view snapshot_build_text(struct snapshot_build *build, struct view text);

/* The value of one dimension, packed as a set of its own. */
struct view snapshot_build_value(struct snapshot_build *build, unsigned which, struct view value);

/* A service that reported a span. */
uint32_t snapshot_build_service(struct snapshot_build *build, const char *name);

/* Whole requests; the result is good until the next edge. */
struct snapshot_edge *snapshot_build_edge(struct snapshot_build *build, uint32_t client,
                                          uint32_t server, enum connection_type connection_type,
                                          uint64_t requests, uint64_t failed);
struct snapshot_operation *snapshot_build_operation(struct snapshot_build *build, uint32_t service,
                                                    const char *name, uint8_t kind, uint8_t status,
                                                    uint64_t calls);
struct snapshot_loss *snapshot_build_loss(struct snapshot_build *build, uint32_t service,
                                          uint8_t kind, bool dropped, uint8_t reason,
                                          uint64_t spans);

/* Observes `times` a duration; makes the histogram where there is none. */
void snapshot_build_observe(struct snapshot_build *build, const struct histogram **histogram,
                            uint64_t duration_ns, uint64_t times);

/* Sorts, and gives what exporters read. Edges then stand where their order says. */
const struct snapshot *snapshot_build_finish(struct snapshot_build *build);

#endif
