/* prom_series_test.c: what has equal labels becomes one series. */
#include "exporters/prom_series.h"

#include <stdio.h>

#include "tests/lib/test.h"
#include "topology/span.h"

static struct prom_series *take(struct prom_table *table, const char *client, const char *server)
{
    size_t begin = table->labels.size;
    struct prom_series *series;

    prom_label(&table->labels, begin, "client", view_of(client));
    prom_label(&table->labels, begin, "server", view_of(server));
    assert_int_equal(prom_table_take(table, begin, &series), 0);
    return series;
}

static void prom_series__is_one_for_equal_labels(void **state)
{
    struct prom_table table;
    struct prom_series *first;

    (void)state;
    assert_int_equal(prom_table_init(&table, 100), 0);
    first = take(&table, "a", "b\"");
    assert_view_equal(prom_series_labels(&table, first), "client=\"a\",server=\"b\\\"\"");
    assert_ptr_equal(take(&table, "a", "b\""), first);
    assert_ptr_not_equal(take(&table, "a", "b"), first);
    assert_int_equal(table.count, 2);
    for (int i = 0; i < 98; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "%d", i);
        (void)take(&table, name, name);
    }
    assert_int_equal(table.count, 100);
    assert_ptr_equal(take(&table, "a", "b\""), first);
    assert_ptr_equal(take(&table, "97", "97"), &table.series[99]);
    prom_table_release(&table);
}

static void prom_series__lives_from_its_first_part_to_its_last(void **state)
{
    static const struct {
        uint64_t created_ns;
        uint64_t updated_ns;
        struct snapshot_life life;
    } parts[] = {
        {0, 5, {.born = 4, .seconds_born = {0, 6}, .past_count = 7}},
        {30, 40, {.born = 3, .seconds_born = {0, 5}}},
        {20, 60, {.born = 5, .seconds_born = {8, 7}}},
        {25, 50, {.born = 4, .seconds_born = {9, 0}}},
    };
    struct prom_series series = {.labels_at = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        prom_series_touch(&series, (struct wall_time){parts[i].created_ns},
                          (struct wall_time){parts[i].updated_ns}, &parts[i].life);
    assert_int_equal(series.created.ns, 20);
    assert_int_equal(series.updated.ns, 60);
    assert_int_equal(series.life.born, 3);
    assert_int_equal(series.life.seconds_born[0], 8);
    assert_int_equal(series.life.seconds_born[1], 5);
    /* What one part had before it began anew is no past of them all. */
    assert_int_equal(series.life.past_count, 0);
}

static struct histogram *observed(uint64_t duration_ns)
{
    struct histogram *histogram;

    assert_int_equal(histogram_new(&histogram), 0);
    assert_int_equal(
        histogram_observe(histogram, &histogram_bounds_default, duration_ns, WEIGHT_ONE), 0);
    return histogram;
}

/* A part alone is borrowed; only a second one costs a copy, and leaves the first as it was. */
static int add_parts(void *context)
{
    struct histogram *const *parts = context;
    struct prom_table table;
    struct prom_series *series;
    int status = prom_table_init(&table, 4);

    if (status != 0)
        return status;
    series = &table.series[table.count++];
    status = prom_series_add(series, 1, NULL);
    if (status == 0)
        status = prom_series_add(series, 1, parts[0]);
    if (status == 0) {
        assert_ptr_equal(series->histograms[1], parts[0]);
        status = prom_series_add(series, 1, parts[1]);
    }
    if (status == 0)
        status = prom_series_add(series, 1, parts[1]);
    if (status == 0) {
        assert_int_equal(series->histograms[1]->count, 3 * WEIGHT_ONE);
        assert_null(series->histograms[0]);
    }
    assert_int_equal(parts[0]->count, WEIGHT_ONE);
    assert_int_equal(parts[1]->count, WEIGHT_ONE);
    prom_table_release(&table);
    return status;
}

static void prom_series__adds_histograms_together(void **state)
{
    struct histogram *parts[] = {observed(1000), observed(5000000000)};

    (void)state;
    assert_int_equal(add_parts(parts), 0);
    test_sweep_memory(add_parts, parts);
    histogram_free(parts[0]);
    histogram_free(parts[1]);
}

/* Overflow series of two views are one in /metrics: what others counted that left is the past of
 * both, and is not shown. */
static int add_pasts(void *context)
{
    struct histogram *const *pasts = context;
    struct prom_table table;
    struct prom_series *series;
    int status = prom_table_init(&table, 4);

    if (status != 0)
        return status;
    series = &table.series[table.count++];
    for (size_t i = 0; i < 3 && status == 0; i++) {
        struct snapshot_life life = {.endless = true, .born = 9 - i, .past_count = 10 + i};
        life.past_failed = i;
        life.past_seconds[2] = pasts[i];
        prom_series_touch(series, (struct wall_time){1}, (struct wall_time){2}, &life);
        status = prom_series_add_past(series, 2, pasts[i]);
        if (status == 0)
            status = prom_series_add_past(series, 0, NULL);
    }
    if (status == 0) {
        assert_int_equal(series->life.born, 7);
        assert_int_equal(series->life.past_count, 33);
        assert_int_equal(series->life.past_failed, 3);
        assert_int_equal(series->life.past_seconds[2]->count, 2 * WEIGHT_ONE);
        assert_null(series->life.past_seconds[0]);
    }
    assert_int_equal(pasts[1]->count, WEIGHT_ONE);
    prom_table_release(&table);
    return status;
}

static void prom_series__adds_the_pasts_of_endless_parts(void **state)
{
    struct histogram *pasts[] = {NULL, observed(1000), observed(5000000000)};
    struct snapshot_life life = {.endless = true, .past_count = 5};
    struct prom_series series = {.labels_at = 0};

    (void)state;
    assert_int_equal(add_pasts(pasts), 0);
    test_sweep_memory(add_pasts, pasts);
    prom_series_touch(&series, (struct wall_time){1}, (struct wall_time){2}, &life);
    assert_int_equal(series.life.past_count, 5);
    life.endless = false; /* With one that begins anew, all count from the start. */
    prom_series_touch(&series, (struct wall_time){1}, (struct wall_time){2}, &life);
    assert_int_equal(prom_series_add_past(&series, 2, pasts[1]), 0);
    assert_int_equal(series.life.past_count, 0);
    assert_null(series.life.past_seconds[2]);
    histogram_free(pasts[1]);
    histogram_free(pasts[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prom_series__is_one_for_equal_labels),
        cmocka_unit_test(prom_series__lives_from_its_first_part_to_its_last),
        cmocka_unit_test(prom_series__adds_histograms_together),
        cmocka_unit_test(prom_series__adds_the_pasts_of_endless_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
