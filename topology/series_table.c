/* series_table.c: a row of series with a map. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/publisher_priv.h"

enum {
    ROOM_FIRST = 32,
    ROOM_PART = 4, /* It grows by. */
    ALLOCATION_BYTES = 16,
};

static int grow(struct series_table *table)
{
    uint32_t room = table->room != 0 ? table->room + table->room / ROOM_PART : ROOM_FIRST;
    struct series *series;
    uint32_t *changed;

    if (table->count < table->room)
        return 0;
    series = mem_realloc(table->series, room * sizeof(*series));
    if (series == NULL)
        return STATUS_NOMEM;
    table->series = series;
    changed = mem_realloc(table->changed, room * sizeof(*changed));
    if (changed == NULL)
        return STATUS_NOMEM; /* The larger row of series stays: `room` tells what both have. */
    table->changed = changed;
    table->room = room;
    return 0;
}

/* ------------------------------------------------------------------ bytes */

static uint64_t bytes_of(size_t element, uint32_t histograms, uint32_t buckets, uint32_t exemplars)
{
    uint64_t row = sizeof(struct series) + 2 * sizeof(uint32_t); /* Changed, and in order. */
    uint64_t fixed = row + row / ROOM_PART + 4 * sizeof(struct key_slot) +
                     2 * (element + 2 * sizeof(struct series_value *)) +
                     (SERIES_COPIES - 1) * (sizeof(struct series_value) + ALLOCATION_BYTES);
    uint64_t histogram = sizeof(struct histogram) +
                         (buckets > SERIES_BUCKETS_MIN ? buckets : SERIES_BUCKETS_MIN) *
                             sizeof(uint64_t);

    return fixed + histograms * (SERIES_COPIES * histogram + 2 * ALLOCATION_BYTES) +
           exemplars_bytes(exemplars);
}

/* A direct edge has three histograms, one through messages has client, server and delay. */
uint64_t publisher_edge_bytes(uint32_t buckets, uint32_t exemplars)
{
    return bytes_of(sizeof(struct snapshot_edge), 3, buckets, exemplars);
}

uint64_t publisher_operation_bytes(uint32_t buckets, uint32_t exemplars)
{
    return bytes_of(sizeof(struct snapshot_operation), 2, buckets, exemplars);
}

bool series_table_has_bytes(const struct series_table *table, uint64_t series)
{
    return table->bytes_max == 0 ||
           table->bytes + series * table->first_bytes <= table->bytes_max - table->bytes_max / 8;
}

void series_table_use(struct series_table *table, struct series *series, uint64_t bytes)
{
    CHECK(series_table_has_left(table, bytes));
    table->bytes += bytes;
    series->bytes += bytes;
}

/* ------------------------------------------------------------------ rows */

static int add_overflow(struct series_table *table)
{
    struct series *overflow;
    int status = grow(table);

    if (status != 0)
        return status;
    overflow = &table->series[table->count++];
    *overflow = (struct series){.key = {0, 0}, .endless = true};
    for (size_t i = 0; i < SERIES_SECONDS_MAX && status == 0; i++) {
        status = histogram_new(&overflow->seconds[i]);
        if (status == 0)
            status = histogram_reserve_all(overflow->seconds[i]);
    }
    return status;
}

int series_table_init(struct series_table *table, uint32_t series_max, uint32_t overflows)
{
    int status = key_map_init(&table->map);

    table->series_max = series_max;
    table->overflows = overflows;
    while (status == 0 && table->count < overflows)
        status = add_overflow(table);
    return status;
}

int series_table_add(struct series_table *table, struct key key, uint32_t *out_number)
{
    if (grow(table) != 0 || key_map_prepare(&table->map) != 0)
        return STATUS_NOMEM;
    table->series[table->count] = (struct series){.key = key, .bytes = table->first_bytes};
    table->bytes += table->first_bytes;
    key_map_add(&table->map, key, table->count);
    *out_number = table->count++;
    return 0;
}

void series_table_touch(struct series_table *table, uint32_t number)
{
    if (table->series[number].changed)
        return;
    table->series[number].changed = true;
    table->changed[table->changed_count++] = number;
}

static void end(struct series *series)
{
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++)
        histogram_free(series->seconds[i]);
    mem_free(series->exemplars);
    series_value_release(series->value);
    series_value_release(series->past);
    series_value_release(series->next_past);
}

/* What has numbers in it is made anew; nothing of it grows. */
static void number_anew(struct series_table *table)
{
    table->changed_count = 0;
    key_map_reset(&table->map);
    for (uint32_t i = 0; i < table->count; i++) {
        struct series *series = &table->series[i];
        series->leaves = series->stays = false;
        if (i >= table->overflows)
            key_map_add(&table->map, series->key, i);
        if (series->changed)
            table->changed[table->changed_count++] = i;
    }
    table->order_stale = table->stale = true;
}

uint32_t series_table_remove(struct series_table *table, struct publisher_traces *traces)
{
    uint32_t kept = table->overflows;
    uint32_t before = table->count;

    for (uint32_t i = table->overflows; i < before; i++) {
        if (table->series[i].gone) {
            table->listed -= table->series[i].listed ? 1 : 0;
            table->bytes -= table->series[i].bytes;
            end(&table->series[i]);
            continue;
        }
        table->series[kept] = table->series[i];
        if (traces != NULL)
            traces[kept] = traces[i];
        kept++;
    }
    if (traces != NULL && kept != before)
        memset(&traces[kept], 0, (before - kept) * sizeof(*traces));
    table->count = kept;
    number_anew(table);
    return before - kept;
}

void series_table_release(struct series_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        end(&table->series[i]);
    snapshot_list_release(table->list);
    key_map_release(&table->map);
    mem_free(table->series);
    mem_free(table->changed);
    mem_free(table->order);
    *table = (struct series_table){0};
}
