/* windows.c: slots are merged as they age, and never changed.
 *
 *   |---- 1 min ----|---- 1 min ----|-10 s-|-10 s-|-10 s-|1s|1s|.|
 *   oldest                                                 newest  ^ what is being added
 *
 * Steps are cells of the wall clock, by a slot's end. A hole, of which nothing is known, stands before
 * the slot that comes after it.
 *
 * Cost: closing writes what was counted once; each row is copied once more when its 10 s are over,
 * and once when its minute is.
 */
#include "topology/windows.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog_sweep.h"

enum {
    PIECES_MAX = 32,    /* Of one cell, before they are merged early. */
    ENTRIES_MAX = 8192, /* Were merging to fail for long. */
    PENDING_SHARE = 4,  /* The part of the ring that one slot's rows may take. */
    ALLOCATION_BYTES = 16,
};

enum level { LEVEL_PIECE, LEVEL_FINE, LEVEL_COARSE };

struct entry {
    struct window_slot *slot;
    enum level level;
    bool after_hole;
};

struct windows {
    struct windows_options options;
    struct window_sum sum; /* For merging. */
    struct buf pending;    /* Rows since `last`, in any order. */
    bool is_lost;          /* Some of them found no memory. */
    bool after_hole;       /* The next slot is. */
    struct wall_time last;
    struct window_state state; /* At `last`. */
    struct entry *entries;
    size_t count;
    size_t room;
    uint64_t bytes;
    uint64_t pushed_out;
    uint64_t holes;
    _Atomic uint64_t answer_bytes;
};

/* ------------------------------------------------------------------ slots */

static uint64_t slot_bytes(const struct window_slot *slot)
{
    return sizeof(*slot) + slot->rows.size + 2 * ALLOCATION_BYTES + sizeof(struct entry);
}

static struct window_slot *slot_retain(struct window_slot *slot)
{
    CHECK(atomic_fetch_add_explicit(&slot->references, 1, memory_order_relaxed) != UINT32_MAX);
    return slot;
}

static void slot_release(struct window_slot *slot)
{
    uint32_t before;

    if (slot == NULL)
        return;
    before = atomic_fetch_sub_explicit(&slot->references, 1, memory_order_acq_rel);
    CHECK(before != 0);
    if (before != 1)
        return;
    mem_free((void *)(uintptr_t)slot->rows.data); /* Its own. */
    mem_free(slot);
}

/* Its references, which others change meanwhile, are not looked at. */
static struct window_slot without_rows(const struct window_slot *slot)
{
    return (struct window_slot){
        .start = slot->start, .end = slot->end, .before = slot->before, .after = slot->after};
}

/* Takes the rows over, also where it fails. Returns: 0; STATUS_NOMEM. */
static int slot_new_take(const struct window_slot *like, struct buf *rows,
                         struct window_slot **out_slot)
{
    struct window_slot *slot = mem_alloc(sizeof(*slot));

    if (slot == NULL) {
        buf_release(rows);
        return STATUS_NOMEM;
    }
    *slot = *like;
    atomic_init(&slot->references, 1);
    slot->rows = (struct view){NULL, 0};
    if (rows->size != 0) {
        char *fitting = mem_realloc(rows->data, rows->size);
        slot->rows = (struct view){fitting != NULL ? fitting : rows->data, rows->size};
        *rows = (struct buf){.data = NULL};
    }
    buf_release(rows);
    *out_slot = slot;
    return 0;
}

/* ------------------------------------------------------------------ entries */

/* Takes `count` entries out. */
static void take_out(struct windows *windows, size_t first, size_t count)
{
    if (count == 0)
        return; /* There may be no entries at all. */
    for (size_t i = first; i < first + count; i++) {
        windows->bytes -= slot_bytes(windows->entries[i].slot);
        slot_release(windows->entries[i].slot);
    }
    windows->count -= count;
    memmove(&windows->entries[first], &windows->entries[first + count],
            (windows->count - first) * sizeof(*windows->entries));
}

/* What of the time before is not known any more is no hole, it is the ring's end. */
static void drop_oldest(struct windows *windows)
{
    take_out(windows, 0, 1);
    if (windows->count != 0)
        windows->entries[0].after_hole = false;
    else
        windows->after_hole = false;
}

static int make_room(struct windows *windows)
{
    size_t room = windows->room != 0 ? windows->room * 2 : 64;
    struct entry *grown;

    if (windows->count < windows->room)
        return 0;
    grown = mem_realloc(windows->entries, room * sizeof(*grown));
    if (grown == NULL)
        return STATUS_NOMEM;
    windows->entries = grown;
    windows->room = room;
    return 0;
}

/* A slot in place of what was there. */
static void replace(struct windows *windows, size_t first, size_t count, struct window_slot *slot,
                    enum level level)
{
    bool after_hole = windows->entries[first].after_hole;

    take_out(windows, first, count - 1);
    windows->bytes -= slot_bytes(windows->entries[first].slot);
    slot_release(windows->entries[first].slot);
    windows->entries[first] = (struct entry){slot, level, after_hole};
    windows->bytes += slot_bytes(slot);
}

/* ------------------------------------------------------------------ merging */

static int merge_rows(struct windows *windows, size_t first, size_t count, struct buf *out)
{
    struct window_merge merge;
    size_t bytes = 0;
    int status = window_merge_init(&merge, count);

    if (status != 0)
        return status;
    for (size_t i = 0; i < count; i++) {
        window_merge_set(&merge, i, windows->entries[first + i].slot->rows);
        bytes += windows->entries[first + i].slot->rows.size;
    }
    status = buf_reserve(out, bytes); /* Sums are hardly ever longer. */
    if (status == 0)
        status = window_merge_write(&merge, &windows->sum, out);
    window_merge_release(&merge);
    return status;
}

/* Without memory they stay as they are, until the next time. */
static void merge(struct windows *windows, size_t first, size_t count, enum level level)
{
    struct window_slot like = without_rows(windows->entries[first].slot);
    struct window_slot *slot;
    struct buf rows;

    if (count == 1) {
        windows->entries[first].level = level;
        return;
    }
    like.end = windows->entries[first + count - 1].slot->end;
    like.after = windows->entries[first + count - 1].slot->after;
    buf_init(&rows, 0);
    if (merge_rows(windows, first, count, &rows) != 0) {
        buf_release(&rows);
        return;
    }
    if (slot_new_take(&like, &rows, &slot) == 0)
        replace(windows, first, count, slot, level);
}

static uint64_t cell(const struct windows *windows, size_t entry, uint64_t step_ns)
{
    return (windows->entries[entry].slot->end.ns - 1) / step_ns;
}

/* How many entries from `first` on are of its level and its cell. */
static size_t run_of(const struct windows *windows, size_t first, uint64_t step_ns)
{
    size_t end = first + 1;

    while (end < windows->count && windows->entries[end].level == windows->entries[first].level &&
           !windows->entries[end].after_hole &&
           cell(windows, end, step_ns) == cell(windows, first, step_ns))
        end++;
    return end - first;
}

/* The pieces of cells that are over, and those of the newest where they are many. */
static void merge_pieces(struct windows *windows)
{
    size_t first = windows->count;

    while (first != 0 && windows->entries[first - 1].level == LEVEL_PIECE)
        first--;
    while (first < windows->count) {
        size_t run = run_of(windows, first, WINDOWS_STEP_NS);
        bool is_over = first + run < windows->count;
        if (is_over)
            merge(windows, first, run, LEVEL_FINE);
        else if (run > PIECES_MAX)
            merge(windows, first, run, LEVEL_PIECE);
        else
            break;
        if (windows->entries[first].level == LEVEL_PIECE)
            break; /* There was no memory, or it is the newest. */
        first++;
    }
}

/* The oldest minute that is not one slot yet. */
static void merge_minute(struct windows *windows, struct wall_time now)
{
    size_t first = 0;
    size_t run;

    while (first < windows->count && windows->entries[first].level == LEVEL_COARSE)
        first++;
    if (first == windows->count || windows->entries[first].level != LEVEL_FINE ||
        (cell(windows, first, WINDOWS_COARSE_NS) + 1) * WINDOWS_COARSE_NS + WINDOWS_FINE_NS >
            now.ns)
        return;
    run = run_of(windows, first, WINDOWS_COARSE_NS);
    merge(windows, first, run, LEVEL_COARSE);
}

static void keep_bounds(struct windows *windows, struct wall_time now)
{
    while (windows->count > 1 &&
           windows->entries[0].slot->end.ns + windows->options.span_ns <= now.ns)
        drop_oldest(windows);
    while (windows->count != 0 &&
           (windows->bytes + windows->pending.capacity > windows->options.bytes_max ||
            windows->count > ENTRIES_MAX)) {
        drop_oldest(windows);
        windows->pushed_out++;
    }
}

/* ------------------------------------------------------------------ what was counted */

void windows_add(struct windows *windows, const struct window_row *row)
{
    if (!windows->is_lost && window_row_write(row, &windows->pending) != 0)
        windows->is_lost = true;
}

static int append(struct windows *windows, struct wall_time now, const struct window_state *state)
{
    struct window_slot like = {
        .start = windows->last, .end = now, .before = windows->state, .after = *state};
    struct window_slot *slot;
    struct buf rows;
    int status = windows->is_lost ? STATUS_NOMEM : make_room(windows);

    if (status != 0)
        return status;
    buf_init(&rows, 0);
    status = window_rows_sort(buf_view(&windows->pending), &windows->sum, &rows);
    if (status != 0) {
        buf_release(&rows);
        return status;
    }
    status = slot_new_take(&like, &rows, &slot);
    if (status != 0)
        return status;
    windows->entries[windows->count++] = (struct entry){slot, LEVEL_PIECE, windows->after_hole};
    windows->bytes += slot_bytes(slot);
    return 0;
}

/* A second in which very much was counted is not remembered by its memory. */
static void clear_pending(struct windows *windows)
{
    buf_reset(&windows->pending);
    if (windows->pending.capacity > windows->options.bytes_max / PENDING_SHARE / 4) {
        buf_release(&windows->pending);
        buf_init(&windows->pending, windows->options.bytes_max / PENDING_SHARE);
    }
}

void windows_close(struct windows *windows, struct wall_time now, const struct window_state *state)
{
    bool is_back = now.ns + WINDOWS_STEP_NS < windows->last.ns;

    if (is_back) {
        take_out(windows, 0, windows->count);
    } else if (now.ns <= windows->last.ns) {
        return; /* What was added goes to the next slot. */
    }
    if (!is_back && append(windows, now, state) == 0) {
        windows->after_hole = false;
    } else {
        windows->after_hole = windows->count != 0;
        windows->holes++;
    }
    windows->is_lost = false;
    clear_pending(windows);
    windows->last = now;
    windows->state = *state;
    merge_pieces(windows);
    merge_minute(windows, now);
    keep_bounds(windows, now);
}

/* ------------------------------------------------------------------ heirs */

static bool has_any(const struct window_slot *slot, windows_heir heir, const void *context)
{
    struct window_cursor cursor;
    bool any = false;

    window_cursor_init(&cursor, slot->rows);
    while (!any && window_cursor_next(&cursor)) {
        enum window_kind kind = cursor.kind;
        struct key key = cursor.key;
        any = heir(context, &kind, &key);
    }
    return any;
}

static int write_anew(struct windows *windows, const struct window_slot *slot, windows_heir heir,
                      const void *context, struct buf *out)
{
    struct window_cursor cursor;
    struct buf rows;
    int status;

    buf_init(&rows, 0);
    window_cursor_init(&cursor, slot->rows);
    while (rows.failed == 0 && window_cursor_next(&cursor)) {
        enum window_kind kind = cursor.kind;
        struct key key = cursor.key;
        (void)heir(context, &kind, &key);
        (void)window_cursor_copy(&cursor, kind, key, &rows); /* It sticks. */
    }
    status = rows.failed;
    if (status == 0)
        status = window_rows_sort(buf_view(&rows), &windows->sum, out);
    buf_release(&rows);
    return status;
}

/* Returns: 0; STATUS_NOMEM. */
static int inherit(struct windows *windows, size_t entry, windows_heir heir, const void *context)
{
    struct window_slot like = without_rows(windows->entries[entry].slot);
    struct window_slot *slot;
    struct buf rows;
    int status;

    buf_init(&rows, 0);
    status = write_anew(windows, windows->entries[entry].slot, heir, context, &rows);
    if (status != 0) {
        buf_release(&rows);
        return status;
    }
    status = slot_new_take(&like, &rows, &slot);
    if (status == 0)
        replace(windows, entry, 1, slot, windows->entries[entry].level);
    return status;
}

void windows_inherit(struct windows *windows, windows_heir heir, const void *context)
{
    for (size_t i = windows->count; i-- != 0;) {
        if (!has_any(windows->entries[i].slot, heir, context) ||
            inherit(windows, i, heir, context) == 0)
            continue;
        /* A name must go: so does its slot, and what comes after it stands behind a hole. */
        take_out(windows, i, 1);
        if (i == windows->count)
            windows->after_hole = windows->count != 0;
        else
            windows->entries[i].after_hole = i != 0;
        windows->holes++;
    }
    if (windows->pending.size != 0) {
        /* Nothing that was added waits for its slot while names leave, but by a clock that stands. */
        windows->is_lost = true;
        buf_reset(&windows->pending);
    }
}

/* ------------------------------------------------------------------ looks */

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The entry whose end is nearest to `at`, the earlier one of two. */
static size_t last_of(const struct windows *windows, uint64_t at_ns)
{
    size_t best = 0;

    for (size_t i = 1; i < windows->count; i++)
        if (distance(windows->entries[i].slot->end.ns, at_ns) <
            distance(windows->entries[best].slot->end.ns, at_ns))
            best = i;
    return best;
}

/* The entry up to `last` whose start is nearest, with no hole between. */
static size_t first_of(const struct windows *windows, size_t last, uint64_t at_ns)
{
    size_t best = last;

    for (size_t i = last; i-- != 0 && !windows->entries[i + 1].after_hole;)
        if (distance(windows->entries[i].slot->start.ns, at_ns) <=
            distance(windows->entries[best].slot->start.ns, at_ns))
            best = i;
    return best;
}

/* Whether nothing at all is known of that moment. */
static bool is_beyond(const struct windows *windows, uint64_t at_ns)
{
    return windows->count == 0 || at_ns <= windows->entries[0].slot->start.ns ||
           at_ns > windows->last.ns + WINDOWS_SKEW_NS;
}

int windows_take(struct windows *windows, const struct window_want *want,
                 struct window_look **out_look)
{
    uint64_t at_ns = want->at.ns != 0 ? want->at.ns : windows->last.ns;
    struct window_look *look;
    size_t first, last;

    if (is_beyond(windows, at_ns))
        return STATUS_NOT_FOUND;
    if (at_ns > windows->last.ns)
        at_ns = windows->last.ns;
    last = last_of(windows, at_ns);
    first = first_of(windows, last, at_ns > want->window_ns ? at_ns - want->window_ns : 0);
    look = mem_alloc(sizeof(*look) + (last - first + 1) * sizeof(look->slots[0]));
    if (look == NULL)
        return STATUS_NOMEM;
    look->windows = windows;
    look->hold = catalog_hold(windows->options.catalog);
    look->start = windows->entries[first].slot->start;
    look->end = windows->entries[last].slot->end;
    look->count = last - first + 1;
    for (size_t i = 0; i < look->count; i++)
        look->slots[i] = slot_retain(windows->entries[first + i].slot);
    *out_look = look;
    return 0;
}

void window_look_free(struct window_look *look)
{
    if (look == NULL)
        return;
    for (size_t i = 0; i < look->count; i++)
        slot_release(look->slots[i]);
    catalog_release(look->windows->options.catalog, look->hold);
    mem_free(look);
}

void windows_reach(const struct windows *windows, struct windows_reach *out_reach)
{
    *out_reach = (struct windows_reach){
        .span_ns = windows->options.span_ns,
        .oldest = windows->count != 0 ? windows->entries[0].slot->start : windows->last,
        .newest = windows->last,
        .slots = windows->count,
        .bytes = windows->bytes + windows->pending.capacity,
        .bytes_max = windows->options.bytes_max,
        .answer_bytes = atomic_load(&windows->answer_bytes),
        .answer_bytes_max = windows->options.answer_bytes_max,
        .pushed_out = windows->pushed_out,
        .holes = windows->holes,
    };
}

/* ------------------------------------------------------------------ answers */

const struct windows_options *windows_options(const struct windows *windows)
{
    return &windows->options;
}

int windows_reserve(struct windows *windows, size_t bytes)
{
    if (atomic_fetch_add(&windows->answer_bytes, bytes) + bytes <=
        windows->options.answer_bytes_max)
        return 0;
    (void)atomic_fetch_sub(&windows->answer_bytes, bytes);
    return STATUS_BUSY;
}

_Atomic uint64_t *windows_answers(struct windows *windows)
{
    return &windows->answer_bytes;
}

/* ------------------------------------------------------------------ the ends */

int windows_new(const struct windows_options *options, struct windows **out_windows)
{
    struct windows *windows = mem_calloc(1, sizeof(*windows));
    int status;

    if (windows == NULL)
        return STATUS_NOMEM;
    windows->options = *options;
    windows->last = options->start;
    buf_init(&windows->pending, options->bytes_max / PENDING_SHARE);
    status = window_sum_init(&windows->sum);
    if (status != 0) {
        windows_free(windows);
        return status;
    }
    *out_windows = windows;
    return 0;
}

void windows_free(struct windows *windows)
{
    if (windows == NULL)
        return;
    CHECK(atomic_load(&windows->answer_bytes) == 0);
    take_out(windows, 0, windows->count);
    window_sum_release(&windows->sum);
    buf_release(&windows->pending);
    mem_free(windows->entries);
    mem_free(windows);
}
