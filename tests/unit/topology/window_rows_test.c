/* window_rows_test.c: rows say what was written, and several lists are one. */
#include "topology/window_rows.h"

#include "base/mem.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"
#include "topology/span.h"

enum { ROUNDS = 200, SERIES = 12, LISTS = 7 };

static struct histogram *new_histogram(void)
{
    struct histogram *histogram = NULL;

    assert_int_equal(histogram_new(&histogram), 0);
    return histogram;
}

static void assert_same(const struct histogram *a, const struct histogram *b)
{
    assert_true(a->count == b->count && a->zero_count == b->zero_count && a->sum == b->sum);
    if (a->count == 0)
        return;
    assert_true(a->min_ns == b->min_ns && a->max_ns == b->max_ns);
    assert_int_equal(a->scale, b->scale);
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->classic, b->classic, sizeof(a->classic));
    if (a->length != 0) {
        assert_int_equal(a->offset, b->offset);
        assert_memory_equal(a->buckets, b->buckets, a->length * sizeof(*a->buckets));
    }
}

/* Weights of whole requests, and others. */
static uint64_t weight_of(struct random *random)
{
    return random_below(random, 4) != 0 ? (1 + random_below(random, 3)) * WEIGHT_ONE
                                        : 1 + random_below(random, WEIGHT_MAX);
}

static uint64_t duration_of(struct random *random)
{
    return random_below(random, 8) == 0 ? 0
                                        : random_next(random) >> (11 + random_below(random, 40));
}

static void observe(struct random *random, struct histogram *histogram, unsigned most)
{
    for (uint64_t left = random_below(random, most); left != 0; left--)
        assert_int_equal(histogram_observe(histogram, &histogram_bounds_default,
                                           duration_of(random), weight_of(random)),
                         0);
}

static void rows__say_what_was_written(void **state)
{
    struct random random = random_of(1);
    struct window_sum sum;

    (void)state;
    assert_int_equal(window_sum_init(&sum), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct histogram *seconds[WINDOW_SECONDS_MAX];
        struct window_row row = {.kind = (enum window_kind)random_below(&random, WINDOW_LOSS + 1),
                                 .key = {random_next(&random) >> random_below(&random, 64),
                                         random_next(&random) >> random_below(&random, 64)},
                                 .listed = random_below(&random, 2) != 0,
                                 .count = random_below(&random, 3) * weight_of(&random),
                                 .failed = random_below(&random, 2) * weight_of(&random)};
        struct window_cursor cursor;
        struct buf out;

        buf_init(&out, 0);
        for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++) {
            seconds[i] = new_histogram();
            observe(&random, seconds[i], 30);
            row.seconds[i] = i % 2 != 0 && seconds[i]->count == 0 ? NULL : seconds[i];
        }
        assert_int_equal(window_row_write(&row, &out), 0);
        window_cursor_init(&cursor, buf_view(&out));
        assert_true(window_cursor_next(&cursor));
        assert_int_equal(cursor.kind, row.kind);
        assert_true(cursor.key.high == row.key.high && cursor.key.low == row.key.low);
        window_sum_reset(&sum);
        window_sum_add(&sum, &cursor);
        assert_true(sum.count == row.count && sum.failed == row.failed);
        assert_int_equal(sum.listed, row.listed);
        for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++) {
            assert_same(sum.seconds[i], seconds[i]);
            histogram_free(seconds[i]);
        }
        assert_false(window_cursor_next(&cursor));
        buf_release(&out);
    }
    window_sum_release(&sum);
}

static void rows__are_short_where_little_was_counted(void **state)
{
    struct histogram *seconds = new_histogram();
    struct window_row row = {.kind = WINDOW_EDGE,
                             .key = {UINT64_C(300) << 32 | 301, 0},
                             .count = WEIGHT_ONE,
                             .seconds = {seconds, seconds, seconds}};
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(histogram_observe(seconds, &histogram_bounds_default, 12345678, WEIGHT_ONE),
                     0);
    assert_int_equal(window_row_write(&row, &out), 0);
    assert_in_range(out.size, 1, 80);
    histogram_free(seconds);
    buf_release(&out);
}

/* One of few series, with what all of it comes to. */
struct total {
    uint64_t count;
    struct histogram *seconds;
};

static void write_list(struct random *random, struct total *totals, struct window_sum *sum,
                       struct buf *out)
{
    struct histogram *seconds = new_histogram();
    struct buf rows;

    buf_init(&rows, 0);
    for (uint64_t left = random_below(random, 2 * SERIES); left != 0; left--) {
        uint64_t series = random_below(random, SERIES);
        struct window_row row = {.kind = series % 2 != 0 ? WINDOW_EDGE : WINDOW_OPERATION,
                                 .key = {series / 2, 0},
                                 .count = weight_of(random),
                                 .seconds = {NULL, seconds}};
        histogram_reset(seconds);
        observe(random, seconds, 4);
        assert_int_equal(window_row_write(&row, &rows), 0);
        totals[series].count += row.count;
        assert_int_equal(histogram_merge(totals[series].seconds, seconds), 0);
    }
    assert_int_equal(window_rows_sort(buf_view(&rows), sum, out), 0);
    histogram_free(seconds);
    buf_release(&rows);
}

static void check_list(struct view rows, const struct total *totals, struct window_sum *sum)
{
    struct window_cursor cursor;
    struct window_cursor last = {.row = NULL};
    size_t found = 0;
    size_t wanted = 0;

    for (size_t i = 0; i < SERIES; i++)
        wanted += totals[i].count != 0;
    window_cursor_init(&cursor, rows);
    while (window_cursor_next(&cursor)) {
        uint64_t series = cursor.key.high * 2 + (cursor.kind == WINDOW_EDGE);
        if (last.row != NULL)
            assert_true(window_compare(last.kind, last.key, cursor.kind, cursor.key) < 0);
        last = cursor;
        window_sum_reset(sum);
        window_sum_add(sum, &cursor);
        assert_true(sum->count == totals[series].count);
        assert_same(sum->seconds[1], totals[series].seconds);
        found++;
    }
    assert_int_equal(found, wanted);
}

static void rows__of_several_lists_become_one(void **state)
{
    struct random random = random_of(2);
    struct window_sum sum;

    (void)state;
    assert_int_equal(window_sum_init(&sum), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct total totals[SERIES] = {{0}};
        size_t count = random_below(&random, LISTS + 1);
        struct buf lists[LISTS];
        struct window_merge merge;
        struct buf out;

        for (size_t i = 0; i < SERIES; i++)
            totals[i].seconds = new_histogram();
        assert_int_equal(window_merge_init(&merge, count), 0);
        for (size_t i = 0; i < count; i++) {
            buf_init(&lists[i], 0);
            write_list(&random, totals, &sum, &lists[i]);
            window_merge_set(&merge, i, buf_view(&lists[i]));
        }
        buf_init(&out, 0);
        assert_int_equal(window_merge_write(&merge, &sum, &out), 0);
        check_list(buf_view(&out), totals, &sum);
        window_merge_release(&merge);
        buf_release(&out);
        for (size_t i = 0; i < count; i++)
            buf_release(&lists[i]);
        for (size_t i = 0; i < SERIES; i++)
            histogram_free(totals[i].seconds);
    }
    window_sum_release(&sum);
}

static void rows__leave_a_full_buffer_as_it_was(void **state)
{
    struct window_row row = {.kind = WINDOW_LOSS, .key = {1, 2}, .count = WEIGHT_ONE};
    struct buf out;

    (void)state;
    buf_init(&out, 20);
    while (window_row_write(&row, &out) == 0)
        assert_in_range(out.size, 1, 20);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    assert_int_equal(out.size % 7, 0); /* Whole rows alone. */
    buf_release(&out);
}

static int sort_and_merge(void *context)
{
    struct view rows = *(struct view *)context;
    struct window_merge merge = {.count = 0};
    struct window_sum sum;
    struct buf sorted;
    struct buf out;
    int status = window_sum_init(&sum);

    buf_init(&sorted, 0);
    buf_init(&out, 0);
    if (status == 0)
        status = window_rows_sort(rows, &sum, &sorted);
    if (status == 0)
        status = window_merge_init(&merge, 2);
    if (status == 0) {
        window_merge_set(&merge, 0, buf_view(&sorted));
        window_merge_set(&merge, 1, buf_view(&sorted));
        status = window_merge_write(&merge, &sum, &out);
    }
    window_merge_release(&merge);
    buf_release(&sorted);
    buf_release(&out);
    window_sum_release(&sum);
    return status;
}

static void rows__survive_the_want_of_memory(void **state)
{
    struct window_row row = {.kind = WINDOW_EDGE, .count = WEIGHT_ONE};
    struct buf rows;
    struct view view;

    (void)state;
    buf_init(&rows, 0);
    for (uint64_t i = 0; i < 9; i++) {
        row.key.low = i * 7 % 5;
        assert_int_equal(window_row_write(&row, &rows), 0);
    }
    view = buf_view(&rows);
    test_sweep_memory(sort_and_merge, &view);
    buf_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__say_what_was_written),
        cmocka_unit_test(rows__are_short_where_little_was_counted),
        cmocka_unit_test(rows__of_several_lists_become_one),
        cmocka_unit_test(rows__leave_a_full_buffer_as_it_was),
        cmocka_unit_test(rows__survive_the_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
