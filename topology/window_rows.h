/* window_rows.h: what series counted in a short while, as bytes.
 * Is:         rows of one series each, sorted by kind and key, written one behind the other; a way to
 *             read them, and to read several such lists as one.
 * Is not:     a format for anybody else: it is as new as the process that reads it.
 * Invariants: nothing is rounded: what is added up from rows is what was counted, buckets included.
 * Threads:    plain data.
 * Memory:     some 10 bytes a row, and of each histogram 15 bytes and 3 a bucket that counted.
 */
#ifndef SPANMAP_TOPOLOGY_WINDOW_ROWS_H
#define SPANMAP_TOPOLOGY_WINDOW_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/histogram.h"
#include "topology/key_map.h"

enum { WINDOW_SECONDS_MAX = 4 };

/* Whose row it is. The key is that of the publisher's series; of an overflow edge its view alone. */
enum window_kind {
    WINDOW_EDGE_OVERFLOW,
    WINDOW_EDGE,
    WINDOW_OPERATION_OVERFLOW,
    WINDOW_OPERATION,
    WINDOW_LOSS,
};

struct window_row {
    enum window_kind kind;
    struct key key;
    bool listed;    /* As a series: it is to be shown. */
    uint64_t count; /* Sums of weights; of a loss, spans. */
    uint64_t failed;
    const struct histogram *seconds[WINDOW_SECONDS_MAX]; /* NULL, or empty: nothing. */
};

/* Returns: as buf_append(). */
int window_row_write(const struct window_row *row, struct buf *out);

/* ------------------------------------------------------------------ one list */

/* Where a reader stands. */
struct window_cursor {
    const unsigned char *row; /* The row itself. */
    const unsigned char *payload;
    const unsigned char *next;
    const unsigned char *end;
    enum window_kind kind;
    struct key key;
};

void window_cursor_init(struct window_cursor *cursor, struct view rows);

/* On to the first row, or the next one. False: there is none. */
bool window_cursor_next(struct window_cursor *cursor);

/* Appends the row, as that of `key`. Returns: as buf_append(). */
int window_cursor_copy(const struct window_cursor *cursor, enum window_kind kind, struct key key,
                       struct buf *out);

int window_compare(enum window_kind a_kind, struct key a, enum window_kind b_kind, struct key b);

/* ------------------------------------------------------------------ sums */

/* Rows of one series, added up. Its histograms have all room, so that adding cannot fail. */
struct window_sum {
    bool listed;
    uint64_t count;
    uint64_t failed;
    struct histogram *seconds[WINDOW_SECONDS_MAX];
    struct histogram *read; /* The one that is being read. */
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int window_sum_init(struct window_sum *sum);
void window_sum_release(struct window_sum *sum);
void window_sum_reset(struct window_sum *sum); /* Nothing; memory kept. */
void window_sum_add(struct window_sum *sum, const struct window_cursor *cursor);

/* ------------------------------------------------------------------ several lists as one */

struct window_merge {
    struct window_cursor *cursors;
    bool *is_in; /* Whether it stands at a row of this series ... */
    bool *is_over;
    size_t count;
    size_t members; /* ... and how many do. */
    size_t first;   /* One of them. */
    enum window_kind kind;
    struct key key;
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int window_merge_init(struct window_merge *merge, size_t lists);
void window_merge_release(struct window_merge *merge);
void window_merge_set(struct window_merge *merge, size_t list, struct view rows);

/* On to the next series of all lists. False: there is none. */
bool window_merge_next(struct window_merge *merge);

/* Its sum, in place of what was there. */
void window_merge_sum(const struct window_merge *merge, struct window_sum *sum);

/* Writes all lists as one. `sum` is used for it. Returns: as buf_append(). */
MUST_USE int window_merge_write(struct window_merge *merge, struct window_sum *sum,
                                struct buf *out);

/* Writes rows that are in any order as a list. `sum` is used for it.
 * Returns: 0; STATUS_NOMEM; as buf_append(). */
MUST_USE int window_rows_sort(struct view rows, struct window_sum *sum, struct buf *out);

#endif
