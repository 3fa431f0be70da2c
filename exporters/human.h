/* human.h: figures as people read them, in pictures and on a terminal.
 * Is:         the same rounding as on the page (exporters/web/format.js).
 * Invariants: a figure is never rounded to a claim that is not true: a share that is not zero never
 *             reads "0%", one that is not whole never "100%".
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_HUMAN_H
#define SPANMAP_EXPORTERS_HUMAN_H

#include <stdint.h>

#include "base/buf.h"

/* Stands for what was not observed. */
#define HUMAN_NONE "\xE2\x80\x93"

enum { HUMAN_TEXT_MAX = 32 };

/* A short text, with its end. Each is plain UTF-8. */
struct human {
    char text[HUMAN_TEXT_MAX];
};

/* Requests a second: "12.3/s"; below zero: HUMAN_NONE. */
struct human human_rate(double per_second);

/* A duration: "45 ms", "1.2 s", "2 min 5 s"; below zero: HUMAN_NONE. */
struct human human_seconds(double seconds);

/* The share of `part` in `whole`, both sums of weights: "1.2%"; of nothing: HUMAN_NONE. */
struct human human_share(uint64_t part, uint64_t whole);

/* A sum of weights (2^20 is one): "12,345", "4.5". */
struct human human_weight(uint64_t weight);

/* A count: "12,345". */
struct human human_count(uint64_t count);

#endif
