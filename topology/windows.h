/* windows.h: what was counted in the last hour, by when it was counted.
 * Is:         a ring of slots. Each holds what every series counted between two moments, and the
 *             accounting at both. The newest slots are as short as the publisher is asked often, those
 *             before them 10 s, those of more than WINDOWS_FINE_NS ago a minute. A look is a run of
 *             slots, for whoever adds them up (window_snapshot.h).
 * Is not:     a history by the times of spans: a request belongs to the moment in which it was
 *             counted, which is when its wait is over.
 * Invariants: looks that tile a time have, together, exactly what was counted in it. A look says
 *             what it covers; where something is missing between two slots it never spans both.
 * Threads:    one owner at a time, the publisher's; but a look belongs to whoever took it, on any
 *             thread, and slots are immutable.
 * Memory:     bytes_max for slots, the oldest of which leave, and answer_bytes_max for snapshots that
 *             are made of them. A look that is still held may keep slots that left.
 */
#ifndef SPANMAP_TOPOLOGY_WINDOWS_H
#define SPANMAP_TOPOLOGY_WINDOWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "topology/catalog.h"
#include "topology/histogram.h"
#include "topology/snapshot.h"
#include "topology/window_rows.h"

#define WINDOWS_STEP_NS (10 * NS_PER_S)
#define WINDOWS_COARSE_NS (60 * NS_PER_S)
#define WINDOWS_FINE_NS (300 * NS_PER_S)

struct windows_options {
    struct catalog *catalog; /* Outlives all that is taken, as do the next two. */
    const struct histogram_bounds *bounds;
    const struct dimensions *dimensions; /* NULL: none. */
    uint32_t edges_max;                  /* Of one answer. */
    uint32_t operations_max;
    uint32_t losses_max;
    uint64_t span_ns; /* How long is kept. */
    size_t bytes_max;
    size_t answer_bytes_max; /* Of all snapshots at once. */
    struct wall_time start;
};

struct windows;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int windows_new(const struct windows_options *options, struct windows **out_windows);
void windows_free(struct windows *windows); /* No look or snapshot is left. */

/* ------------------------------------------------------------------ what was counted */

/* The accounting of all so far. */
struct window_state {
    struct accounting accounting;
    struct link_accounting links;
};

/* Adds what a series counted. What there is no memory for becomes a hole: no look spans it. */
void windows_add(struct windows *windows, const struct window_row *row);

/* All that was added since the last time was counted until `now`. Where the clock went back by more
 * than a step, the ring begins anew. */
void windows_close(struct windows *windows, struct wall_time now, const struct window_state *state);

/* Which series a row is of from now on. True: another one than before. */
typedef bool (*windows_heir)(const void *context, enum window_kind *kind, struct key *key);

/* Gives rows of series that left to their heirs, so that no row has a name that nothing else has. */
void windows_inherit(struct windows *windows, windows_heir heir, const void *context);

/* ------------------------------------------------------------------ looks */

struct window_slot {
    _Atomic uint32_t references;
    struct wall_time start; /* What it covers. */
    struct wall_time end;
    struct window_state before; /* The accounting at its start. */
    struct window_state after;
    struct view rows; /* Sorted (window_rows.h); its own. */
};

struct window_look {
    struct windows *windows;
    unsigned hold; /* On the catalog's names. */
    struct wall_time start;
    struct wall_time end;
    size_t count; /* Never 0. */
    struct window_slot *slots[];
};

struct window_want {
    uint64_t window_ns;
    struct wall_time at; /* Its end; 0: now. */
};

/* The newest moment may lie this far behind a wanted one that is meant to be now, by another clock. */
#define WINDOWS_SKEW_NS (60 * NS_PER_S)

/* What is nearest to what is wanted. Returns: 0 and a look; STATUS_NOT_FOUND (nothing is kept of
 * that time, be it past or to come); STATUS_NOMEM. */
MUST_USE int windows_take(struct windows *windows, const struct window_want *want,
                          struct window_look **out_look);
void window_look_free(struct window_look *look); /* NULL is allowed. */

/* What there is. */
struct windows_reach {
    uint64_t span_ns;
    struct wall_time oldest; /* Equal: there is nothing yet. */
    struct wall_time newest;
    uint64_t slots;
    uint64_t bytes;
    uint64_t bytes_max;
    uint64_t answer_bytes; /* Of snapshots. */
    uint64_t answer_bytes_max;
    uint64_t pushed_out; /* Slots that left before their time, for want of room. */
    uint64_t holes;      /* Times in which memory was out, or the clock went back. */
};
void windows_reach(const struct windows *windows, struct windows_reach *out_reach);

/* ------------------------------------------------------------------ answers */

const struct windows_options *windows_options(const struct windows *windows);

/* Takes bytes for an answer. Returns: 0; STATUS_BUSY (others have them). */
MUST_USE int windows_reserve(struct windows *windows, size_t bytes);

/* What is in use of them; whoever releases an answer takes its bytes off. */
_Atomic uint64_t *windows_answers(struct windows *windows);

#endif
