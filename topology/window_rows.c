/* window_rows.c: numbers of as few bytes as they need, and of histograms only buckets that counted.
 *
 *   row:       kind, key.high, key.low, size of the rest; flags, count, failed, histograms
 *   histogram: count, zeros, sum, min, max - min, scale, offset, buckets, classic ones
 *   buckets:   how many; of each the distance from the one before it, and its weight
 *
 * Most weights are whole requests, so those are written as such. Whoever reads trusts what was written
 * here; it is checked only for being all there.
 */
#include "topology/window_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/span.h"

enum { NUMBER_BYTES_MAX = 19, LISTED_FLAG = 1 << WINDOW_SECONDS_MAX };

/* ------------------------------------------------------------------ numbers */

static void put(struct buf *out, histogram_sum number)
{
    unsigned char bytes[NUMBER_BYTES_MAX];
    size_t size = 0;

    for (; number >= 0x80; number >>= 7)
        bytes[size++] = (unsigned char)(number | 0x80);
    bytes[size++] = (unsigned char)number;
    (void)buf_append(out, bytes, size); /* A failure sticks. */
}

/* A sum of weights: one bit says whether it is of whole requests. */
static void put_weight(struct buf *out, histogram_sum weight)
{
    if ((weight & (WEIGHT_ONE - 1)) == 0)
        put(out, weight >> WEIGHT_SHIFT << 1);
    else
        put(out, weight << 1 | 1);
}

static void put_signed(struct buf *out, int32_t number)
{
    put(out, ((uint32_t)number << 1) ^ (number < 0 ? UINT32_MAX : 0));
}

static histogram_sum get_wide(const unsigned char **at, const unsigned char *end)
{
    histogram_sum number = 0;

    for (unsigned shift = 0;; shift += 7) {
        CHECK(*at < end && shift < 7 * NUMBER_BYTES_MAX);
        number |= (histogram_sum)(**at & 0x7F) << shift;
        if ((*(*at)++ & 0x80) == 0)
            return number;
    }
}

/* One of 64 bits, most of which have one byte. */
static inline uint64_t get(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *byte = *at;
    uint64_t number;

    CHECK(byte < end);
    number = *byte & 0x7F;
    for (unsigned shift = 7; (*byte & 0x80) != 0; shift += 7) {
        CHECK(++byte < end && shift < 64);
        number |= (uint64_t)(*byte & 0x7F) << shift;
    }
    *at = byte + 1;
    return number;
}

static histogram_sum get_weight_wide(const unsigned char **at, const unsigned char *end)
{
    histogram_sum number = get_wide(at, end);

    return (number & 1) == 0 ? number >> 1 << WEIGHT_SHIFT : number >> 1;
}

/* Likewise of 64 bits, without the one that says how it is written. */
static inline uint64_t get_weight(const unsigned char **at, const unsigned char *end)
{
    uint64_t low = **at & 0x7F;

    if (*at < end && (**at & 0x80) == 0) { /* The one byte of few requests, as most are. */
        (*at)++;
        return (low & 1) == 0 ? low >> 1 << WEIGHT_SHIFT : low >> 1;
    }
    return (uint64_t)get_weight_wide(at, end);
}

static int32_t get_signed(const unsigned char **at, const unsigned char *end)
{
    uint32_t number = (uint32_t)get(at, end);

    return (int32_t)(number >> 1 ^ (0 - (number & 1)));
}

/* ------------------------------------------------------------------ histograms */

static void put_buckets(struct buf *out, const uint64_t *buckets, size_t count)
{
    size_t used = 0;
    size_t last = 0;

    for (size_t i = 0; i < count; i++)
        used += buckets[i] != 0;
    put(out, used);
    for (size_t i = 0; i < count; i++) {
        if (buckets[i] == 0)
            continue;
        put(out, i - last);
        put_weight(out, buckets[i]);
        last = i;
    }
}

static void put_histogram(struct buf *out, const struct histogram *histogram)
{
    put_weight(out, histogram->count);
    put_weight(out, histogram->zero_count);
    put_weight(out, histogram->sum);
    put(out, histogram->min_ns);
    put(out, histogram->max_ns - histogram->min_ns);
    put_signed(out, histogram->scale);
    put_signed(out, histogram->offset);
    put_buckets(out, histogram->buckets, histogram->length);
    put_buckets(out, histogram->classic, HISTOGRAM_BOUNDS_MAX + 1);
}

/* Returns: how many buckets there are up to the last that counted. */
static uint32_t get_buckets(const unsigned char **at, const unsigned char *end, uint64_t *buckets,
                            uint64_t count)
{
    uint64_t used = get(at, end);
    uint64_t place = 0;

    memset(buckets, 0, (size_t)count * sizeof(*buckets));
    for (uint64_t i = 0; i < used; i++) {
        place += get(at, end);
        CHECK(place < count);
        buckets[place] = get_weight(at, end);
    }
    return used != 0 ? (uint32_t)place + 1 : 0;
}

/* `into` has all room. */
static void get_histogram(const unsigned char **at, const unsigned char *end,
                          struct histogram *into)
{
    into->count = get_weight(at, end);
    into->zero_count = get_weight(at, end);
    into->sum = get_weight_wide(at, end);
    into->min_ns = get(at, end);
    into->max_ns = into->min_ns + get(at, end);
    into->scale = (int16_t)get_signed(at, end);
    into->offset = get_signed(at, end);
    into->length = get_buckets(at, end, into->buckets, HISTOGRAM_BUCKETS_MAX);
    (void)get_buckets(at, end, into->classic, HISTOGRAM_BOUNDS_MAX + 1);
}

/* ------------------------------------------------------------------ rows */

static bool counted(const struct histogram *histogram)
{
    return histogram != NULL && histogram->count != 0;
}

static void put_head(struct buf *out, enum window_kind kind, struct key key, size_t size)
{
    put(out, (unsigned)kind);
    put(out, key.high);
    put(out, key.low);
    put(out, size);
}

int window_row_write(const struct window_row *row, struct buf *out)
{
    size_t before = out->size;
    unsigned char head[64];
    unsigned flags = row->listed ? LISTED_FLAG : 0;
    struct buf front = {.data = (char *)head, .capacity = sizeof(head), .size_max = sizeof(head)};
    size_t size;

    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        flags |= counted(row->seconds[i]) ? 1U << i : 0;
    put(out, flags);
    put_weight(out, row->count);
    put_weight(out, row->failed);
    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        if (counted(row->seconds[i]))
            put_histogram(out, row->seconds[i]);
    size = out->size - before;
    put_head(&front, row->kind, row->key, size);
    CHECK(front.failed == 0);
    if (out->failed == 0 && buf_append(out, head, front.size) == 0) {
        /* The head goes to the front of what it is the head of. */
        memmove(out->data + before + front.size, out->data + before, size);
        memcpy(out->data + before, head, front.size);
    }
    if (out->failed != 0)
        out->size = before;
    return out->failed;
}

void window_cursor_init(struct window_cursor *cursor, struct view rows)
{
    static const unsigned char none[1];
    const unsigned char *begin = rows.size != 0 ? (const unsigned char *)rows.data : none;

    *cursor = (struct window_cursor){.next = begin, .end = begin + rows.size};
}

bool window_cursor_next(struct window_cursor *cursor)
{
    const unsigned char *at = cursor->next;
    uint64_t size;

    if (at == cursor->end)
        return false;
    cursor->row = at;
    cursor->kind = (enum window_kind)get(&at, cursor->end);
    cursor->key.high = get(&at, cursor->end);
    cursor->key.low = get(&at, cursor->end);
    size = get(&at, cursor->end);
    CHECK(cursor->kind <= WINDOW_LOSS && size <= (size_t)(cursor->end - at));
    cursor->payload = at;
    cursor->next = at + size;
    return true;
}

int window_cursor_copy(const struct window_cursor *cursor, enum window_kind kind, struct key key,
                       struct buf *out)
{
    size_t before = out->size;
    size_t size = (size_t)(cursor->next - cursor->payload);

    put_head(out, kind, key, size);
    (void)buf_append(out, cursor->payload, size);
    if (out->failed != 0)
        out->size = before;
    return out->failed;
}

int window_compare(enum window_kind a_kind, struct key a, enum window_kind b_kind, struct key b)
{
    if (a_kind != b_kind)
        return a_kind < b_kind ? -1 : 1;
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

/* ------------------------------------------------------------------ sums */

static int roomy(struct histogram **out_histogram)
{
    struct histogram *histogram;
    int status = histogram_new(&histogram);

    if (status != 0)
        return status;
    status = histogram_reserve_all(histogram);
    if (status == 0)
        *out_histogram = histogram;
    else
        histogram_free(histogram);
    return status;
}

int window_sum_init(struct window_sum *sum)
{
    int status;

    *sum = (struct window_sum){.listed = false};
    status = roomy(&sum->read);
    for (size_t i = 0; i < WINDOW_SECONDS_MAX && status == 0; i++)
        status = roomy(&sum->seconds[i]);
    if (status != 0)
        window_sum_release(sum);
    return status;
}

void window_sum_release(struct window_sum *sum)
{
    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        histogram_free(sum->seconds[i]);
    histogram_free(sum->read);
    *sum = (struct window_sum){.listed = false};
}

void window_sum_reset(struct window_sum *sum)
{
    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        if (sum->seconds[i]->count != 0)
            histogram_reset(sum->seconds[i]);
    sum->listed = false;
    sum->count = sum->failed = 0;
}

void window_sum_add(struct window_sum *sum, const struct window_cursor *cursor)
{
    const unsigned char *at = cursor->payload;
    unsigned flags = (unsigned)get(&at, cursor->next);

    sum->listed |= (flags & LISTED_FLAG) != 0;
    sum->count += get_weight(&at, cursor->next);
    sum->failed += get_weight(&at, cursor->next);
    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++) {
        if ((flags & 1U << i) == 0)
            continue;
        get_histogram(&at, cursor->next, sum->read);
        CHECK(histogram_merge(sum->seconds[i], sum->read) == 0);
    }
    CHECK(at == cursor->next);
}

static int write_sum(const struct window_sum *sum, enum window_kind kind, struct key key,
                     struct buf *out)
{
    struct window_row row = {.kind = kind,
                             .key = key,
                             .listed = sum->listed,
                             .count = sum->count,
                             .failed = sum->failed};

    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        row.seconds[i] = sum->seconds[i];
    return window_row_write(&row, out);
}

/* ------------------------------------------------------------------ several lists as one */

int window_merge_init(struct window_merge *merge, size_t lists)
{
    *merge = (struct window_merge){.count = lists};
    merge->cursors = mem_calloc(lists, sizeof(*merge->cursors));
    merge->is_in = mem_calloc(lists, sizeof(*merge->is_in));
    merge->is_over = mem_calloc(lists, sizeof(*merge->is_over));
    if (lists == 0 || (merge->cursors != NULL && merge->is_in != NULL && merge->is_over != NULL))
        return 0;
    window_merge_release(merge);
    return STATUS_NOMEM;
}

void window_merge_release(struct window_merge *merge)
{
    mem_free(merge->cursors);
    mem_free(merge->is_in);
    mem_free(merge->is_over);
    *merge = (struct window_merge){.count = 0};
}

void window_merge_set(struct window_merge *merge, size_t list, struct view rows)
{
    CHECK(list < merge->count);
    window_cursor_init(&merge->cursors[list], rows);
    merge->is_in[list] = false;
    merge->is_over[list] = !window_cursor_next(&merge->cursors[list]);
}

/* Those that stood at the series before go on. */
static void advance(struct window_merge *merge)
{
    for (size_t i = 0; i < merge->count && merge->members != 0; i++)
        if (merge->is_in[i]) {
            merge->is_in[i] = false;
            merge->is_over[i] = !window_cursor_next(&merge->cursors[i]);
        }
}

bool window_merge_next(struct window_merge *merge)
{
    advance(merge);
    merge->members = 0;
    for (size_t i = 0; i < merge->count; i++) {
        const struct window_cursor *cursor = &merge->cursors[i];
        int order;
        if (merge->is_over[i])
            continue;
        order = merge->members == 0
                    ? -1
                    : window_compare(cursor->kind, cursor->key, merge->kind, merge->key);
        if (order > 0)
            continue;
        if (order < 0) {
            /* Those that were in before are none of it. */
            for (size_t k = merge->first; k < i && merge->members != 0; k++)
                merge->is_in[k] = false;
            merge->members = 0;
            merge->first = i;
            merge->kind = cursor->kind;
            merge->key = cursor->key;
        }
        merge->is_in[i] = true;
        merge->members++;
    }
    return merge->members != 0;
}

void window_merge_sum(const struct window_merge *merge, struct window_sum *sum)
{
    window_sum_reset(sum);
    for (size_t i = merge->first; i < merge->count; i++)
        if (merge->is_in[i])
            window_sum_add(sum, &merge->cursors[i]);
}

int window_merge_write(struct window_merge *merge, struct window_sum *sum, struct buf *out)
{
    while (out->failed == 0 && window_merge_next(merge)) {
        const struct window_cursor *only = &merge->cursors[merge->first];
        if (merge->members == 1) {
            (void)buf_append(out, only->row, (size_t)(only->next - only->row));
            continue;
        }
        window_merge_sum(merge, sum);
        (void)write_sum(sum, merge->kind, merge->key, out);
    }
    return out->failed;
}

static int compare_rows(const void *a, const void *b)
{
    const struct window_cursor *one = a;
    const struct window_cursor *other = b;

    return window_compare(one->kind, one->key, other->kind, other->key);
}

static int write_sorted(const struct window_cursor *rows, size_t count, struct window_sum *sum,
                        struct buf *out)
{
    for (size_t i = 0, end; i < count && out->failed == 0; i = end) {
        for (end = i + 1; end < count && compare_rows(&rows[i], &rows[end]) == 0;)
            end++;
        if (end == i + 1) {
            (void)buf_append(out, rows[i].row, (size_t)(rows[i].next - rows[i].row));
            continue;
        }
        window_sum_reset(sum);
        for (size_t k = i; k < end; k++)
            window_sum_add(sum, &rows[k]);
        (void)write_sum(sum, rows[i].kind, rows[i].key, out);
    }
    return out->failed;
}

int window_rows_sort(struct view rows, struct window_sum *sum, struct buf *out)
{
    struct window_cursor cursor;
    struct window_cursor *all;
    size_t count = 0;
    int status;

    window_cursor_init(&cursor, rows);
    while (window_cursor_next(&cursor))
        count++;
    all = mem_calloc(count, sizeof(*all));
    if (all == NULL && count != 0)
        return STATUS_NOMEM;
    window_cursor_init(&cursor, rows);
    for (size_t i = 0; i < count; i++) {
        CHECK(window_cursor_next(&cursor));
        all[i] = cursor;
    }
    if (count != 0)
        qsort(all, count, sizeof(*all), compare_rows);
    status = write_sorted(all, count, sum, out);
    mem_free(all);
    return status;
}
