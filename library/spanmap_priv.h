/* spanmap_priv.h: what the files of the library share.
 * Is:         the handle, its snapshots, and how a call hands out structs and errors.
 * Invariants: the engine lives as long as its handle or a snapshot of it.
 * Threads:    as include/spanmap.h says; `lock` is over the doors and the way to the end.
 */
#ifndef SPANMAP_LIBRARY_SPANMAP_PRIV_H
#define SPANMAP_LIBRARY_SPANMAP_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/view.h"
#include "engine/engine.h"
#include "engine/front.h"
#include "engine/options.h"
#include "exporters/map_graph.h"
#include "include/spanmap.h"

struct spanmap {
    _Atomic size_t references; /* The handle's, and one a snapshot. */
    struct options options;
    bool is_clock_given;
    uint32_t filter[SPANMAP_FILTER_WORDS];
    struct engine *engine;
    struct front *front;
    const struct counters *health[1];
    pthread_mutex_t lock;
    pthread_cond_t changed; /* A door is free again, or it is drained. */
    unsigned *doors;        /* Those that nobody uses, the first doors_free of them. */
    unsigned doors_free;
    unsigned doors_count;
    bool is_closing; /* Nobody feeds any more, ... */
    bool is_drained; /* ... and all is judged. */
};

struct spanmap_snapshot {
    _Atomic size_t references;
    struct spanmap *map;
    struct snapshot *snapshot;
    pthread_mutex_t layout; /* Over what is made at the first look: */
    bool is_made;
    struct map_graph graph;
    char *texts; /* Of node i: id, namespace, name, at text_at[3 * i ...]. */
    size_t *text_at;
};

/* Gives a reference of the core back; the last one ends it. */
void spanmap_core_release(struct spanmap *map);

/* The options of `given` over the defaults, with none that is wrong. Returns: 0 and options to be
 * released; a code. */
MUST_USE int spanmap_read_options(const struct spanmap_options *given, struct spanmap_error *error,
                                  struct options *out_options);

/* What a struct of the caller's has of ours, its `size` aside. Both begin with a size_t. */
void spanmap_give(void *out, const void *from, size_t from_size);

/* The other way: `into` gets what the caller's has, and zeros. NULL: zeros alone. */
void spanmap_accept(void *into, size_t into_size, const void *given);

/* Fills the error, which may be NULL. Returns: `code`. */
int spanmap_fail(struct spanmap_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of a code alone, in its own words. */
int spanmap_fail_code(struct spanmap_error *error, int code);

#endif
