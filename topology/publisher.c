/* publisher.c: absorbing a tally is prepared whole, then done.
 *
 * The first pass makes every series and all room that the tally needs and may fail; series that it
 * made stay unlisted and are found by the next try. The second pass adds and cannot fail.
 *
 * Cost: absorbing is proportional to what the tally counted. A snapshot copies the histograms of
 * series that changed; its lists are made anew only if one of their elements changed.
 */
#include "topology/publisher.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/publisher_priv.h"
#include "topology/windows.h"

/* ------------------------------------------------------------------ preparing */

typedef bool (*drop_values)(struct key *key);

static bool is_full(const struct series_table *table)
{
    return table->count >= table->series_max + table->overflows ||
           !series_table_has_bytes(table, 1);
}

/* The number of the tally entry's series, made if need be; past the bound of those with values the one
 * without them, past that of all that of `overflow`. */
static int prepare_series(struct series_table *table, struct key key, drop_values drop,
                          bool is_overflow, uint32_t overflow, uint32_t *out_number)
{
    uint32_t number = is_overflow ? overflow : key_map_find(&table->map, key);
    struct key without;
    int status;

    if (number == KEY_NONE &&
        (table->with_values >= values_room(table->series_max) ||
         values_fill_bytes(table->with_values, table->count, table->bytes, table->bytes_max) ||
         is_full(table)) &&
        drop(&key))
        number = key_map_find(&table->map, key);
    if (number == KEY_NONE && is_full(table))
        number = overflow;
    if (number == KEY_NONE) {
        status = series_table_add(table, key, &number);
        if (status != 0)
            return status;
        without = key;
        table->with_values += drop(&without);
    }
    *out_number = number;
    return 0;
}

/* What prepare_series() found for it. */
static uint32_t find_series(const struct series_table *table, struct key key, drop_values drop,
                            bool is_overflow, uint32_t overflow)
{
    uint32_t number = is_overflow ? overflow : key_map_find(&table->map, key);

    if (number == KEY_NONE && drop(&key))
        number = key_map_find(&table->map, key);
    return number != KEY_NONE ? number : overflow;
}

/* Whether a series is not the one of that key. */
static bool is_other(const struct series *series, struct key key)
{
    return series->key.high != key.high || series->key.low != key.low;
}

/* Makes histograms of what a row observed; NULL where it is nothing. They are the publisher's, until
 * the next row. */
static void unpack(const struct publisher *publisher, const struct tally *tally,
                   const uint32_t bins[], size_t count, const struct histogram *out_seconds[])
{
    for (size_t i = 0; i < count; i++) {
        out_seconds[i] = NULL;
        if (bins_are_empty(&tally->pool, bins[i]))
            continue;
        bins_unpack(&tally->pool, bins[i], publisher->unpacked[i]);
        out_seconds[i] = publisher->unpacked[i];
    }
}

/* Room for what is to be merged. Without bytes for it what there is must do, and the resolution falls:
 * some of it is there from the first on. Of a series that several rows may be merged into (`is_shared`)
 * no row can tell how wide all of them are together: it gets room for any, and keeps to what it got. */
static int prepare_histogram(struct publisher *publisher, struct series_table *table,
                             struct series *series, bool is_shared, struct histogram *into,
                             const struct histogram *from)
{
    uint32_t has = into->capacity > SERIES_BUCKETS_MIN ? into->capacity : SERIES_BUCKETS_MIN;
    uint32_t needed, wanted;
    uint64_t bytes = 0;
    int status;

    into->most = 0;
    needed = histogram_room_with(into, from);
    wanted = is_shared ? HISTOGRAM_BUCKETS_MAX : needed;
    if (wanted > has && !series->endless)
        bytes = SERIES_COPIES * (wanted - has) * (uint64_t)sizeof(*into->buckets);
    if (!series_table_has_left(table, bytes)) {
        publisher->counts.resolutions_cut += needed > has;
        wanted = has;
        bytes = 0;
    }
    into->most = (uint16_t)(wanted > has ? wanted : has);
    status = is_shared ? histogram_reserve_all(into) : histogram_reserve(into, from);
    if (status == 0)
        series_table_use(table, series, bytes);
    return status;
}

static int prepare_histograms(struct publisher *publisher, struct series_table *table,
                              struct series *series, bool is_shared, const struct tally *tally,
                              const uint32_t bins[], size_t count)
{
    const struct histogram *from[SERIES_SECONDS_MAX];

    unpack(publisher, tally, bins, count, from);
    for (size_t i = 0; i < count; i++) {
        int status = 0;
        if (from[i] == NULL)
            continue;
        if (series->seconds[i] == NULL)
            status = histogram_new(&series->seconds[i]);
        if (status == 0)
            status = prepare_histogram(publisher, table, series, is_shared, series->seconds[i],
                                       from[i]);
        if (status != 0)
            return status;
    }
    return 0;
}

bool publisher_is_idle(const struct publisher *publisher, const struct series *series,
                       struct wall_time now)
{
    uint64_t expiration_ns = publisher->options.expiration_ns;

    return !series->endless && expiration_ns != 0 && now.ns > expiration_ns &&
           series->updated.ns < now.ns - expiration_ns;
}

bool publisher_is_expired(const struct publisher *publisher, const struct series *series,
                          struct wall_time now)
{
    return series->listed && publisher_is_idle(publisher, series, now);
}

/* Keeps what an expired series had until now, for when it begins anew. */
static int prepare_past(const struct publisher *publisher, struct series *series,
                        struct wall_time now)
{
    if (!publisher_is_expired(publisher, series, now)) {
        series_value_release(series->next_past);
        series->next_past = NULL;
        return 0;
    }
    if (series->next_past != NULL)
        return 0; /* Nothing was added since. */
    if (series->value == NULL || series->changed)
        return series_value_new(series->seconds, SERIES_SECONDS_MAX, NULL, &series->next_past);
    series->next_past = series_value_retain(series->value);
    return 0;
}

static int prepare_edges(struct publisher *publisher, const struct tally *tally,
                         struct wall_time now)
{
    struct series_table *table = &publisher->edges;

    for (uint32_t i = 0; i < tally->edges_count; i++) {
        const struct tally_edge *edge = &tally->edges[i];
        struct key key = edge_key(edge);
        struct series *series;
        uint32_t number;
        int status;
        if (!tally_edge_is_counted(tally, edge))
            continue;
        status = prepare_series(table, key, edge_key_without_values, edge->overflow,
                                (uint32_t)edge->view, &number);
        if (status != 0)
            return status;
        series = &table->series[number];
        status = prepare_histograms(publisher, table, series, is_other(series, key), tally,
                                    edge->seconds, EDGE_SECONDS_COUNT);
        if (status == 0)
            status = prepare_past(publisher, series, now);
        if (status != 0)
            return status;
    }
    return 0;
}

static int prepare_operations(struct publisher *publisher, const struct tally *tally,
                              struct wall_time now)
{
    struct series_table *table = &publisher->operations;

    for (uint32_t i = 0; i < tally->operations_count; i++) {
        const struct tally_operation *operation = &tally->operations[i];
        struct key key = operation_key(operation);
        struct series *series;
        uint32_t number;
        int status;
        if (operation->calls == 0)
            continue;
        status = prepare_series(table, key, operation_key_without_values, operation->overflow,
                                SERIES_OVERFLOW, &number);
        if (status != 0)
            return status;
        series = &table->series[number];
        status = prepare_histograms(publisher, table, series, is_other(series, key), tally,
                                    operation->seconds, OPERATION_SECONDS_COUNT);
        if (status == 0)
            status = prepare_past(publisher, series, now);
        if (status != 0)
            return status;
    }
    return 0;
}

/* Where a loss goes: its own series, or past the bound that of the overflow node. */
static struct tally_loss loss_of(const struct publisher *publisher, const struct tally_loss *loss)
{
    struct tally_loss wanted = *loss;

    if (publisher->losses.count >= publisher->losses.series_max + publisher->losses.overflows &&
        key_map_find(&publisher->losses.map, loss_key(&wanted)) == KEY_NONE)
        wanted.service = CATALOG_OVERFLOW;
    return wanted;
}

int publisher_prepare_traces(struct publisher *publisher)
{
    uint32_t room = publisher->losses.room;
    struct publisher_traces *grown;

    if (room <= publisher->traces_room)
        return 0;
    grown = mem_realloc(publisher->traces, room * sizeof(*grown));
    if (grown == NULL)
        return STATUS_NOMEM;
    memset(grown + publisher->traces_room, 0, (room - publisher->traces_room) * sizeof(*grown));
    publisher->traces = grown;
    publisher->traces_room = room;
    return 0;
}

static int prepare_losses(struct publisher *publisher, const struct tally *tally,
                          struct wall_time now)
{
    for (uint32_t i = 0; i < tally->losses_count; i++) {
        struct tally_loss loss = loss_of(publisher, &tally->losses[i]);
        uint32_t number = key_map_find(&publisher->losses.map, loss_key(&loss));
        int status = 0;
        if (number == KEY_NONE)
            status = series_table_add(&publisher->losses, loss_key(&loss), &number);
        if (status == 0)
            status = prepare_past(publisher, &publisher->losses.series[number], now);
        if (status != 0)
            return status;
    }
    return publisher_prepare_traces(publisher);
}

int publisher_prepare_nodes(struct publisher *publisher)
{
    uint32_t count = catalog_nodes(publisher->options.catalog);
    uint32_t room = publisher->nodes_room != 0 ? publisher->nodes_room : 64;
    struct publisher_node *grown;

    if (count <= publisher->nodes_room)
        return 0;
    while (room < count)
        room *= 2;
    grown = mem_realloc(publisher->nodes, room * sizeof(*grown));
    if (grown == NULL)
        return STATUS_NOMEM;
    memset(grown + publisher->nodes_room, 0, (room - publisher->nodes_room) * sizeof(*grown));
    publisher->nodes = grown;
    publisher->nodes_room = room;
    return 0;
}

/* ------------------------------------------------------------------ adding */

static void list_node(struct publisher *publisher, uint32_t node)
{
    CHECK(node < publisher->nodes_room);
    if (publisher->nodes[node].listed)
        return;
    publisher->nodes[node].listed = true;
    publisher->nodes_listed++;
    publisher->nodes_stale = true;
}

/* What a series had until now is its past; it begins anew after `since`. */
static void begin_anew(const struct publisher *publisher, struct series *series,
                       struct wall_time since)
{
    CHECK(series->next_past != NULL);
    series_value_release(series->past);
    series->past = series->next_past;
    series->next_past = NULL;
    series->past_count = series->count;
    series->past_failed = series->failed;
    series->created = since;
    series->born = publisher->number + 1;
    if (series->exemplars != NULL)
        series->exemplars->count = 0;
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++)
        series->seconds_born[i] = series->born;
}

/* Notes that a series counted at `now`; its first count came after `since`. */
static struct series *touch(struct publisher *publisher, struct series_table *table,
                            uint32_t number, struct wall_time since, struct wall_time now)
{
    struct series *series = &table->series[number];

    if (!series->listed) {
        series->listed = true;
        series->created = since;
        series->born = publisher->number + 1;
        table->listed++;
        table->order_stale = true;
    } else if (publisher_is_expired(publisher, series, now)) {
        begin_anew(publisher, series, since);
    }
    series->updated = now;
    series_table_touch(table, number);
    table->stale = true;
    return series;
}

static void merge_histograms(const struct publisher *publisher, struct series *series,
                             const struct histogram *const from[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (from[i] == NULL)
            continue;
        if (series->seconds[i]->count == 0)
            series->seconds_born[i] = publisher->number + 1;
        CHECK(histogram_merge(series->seconds[i], from[i]) == 0);
    }
}

/* Tells the windows what a series counted. */
static void add_to_windows(const struct publisher *publisher, const struct window_row *like,
                           const struct histogram *const from[], size_t count)
{
    struct window_row row = *like;

    for (size_t i = 0; i < count; i++)
        row.seconds[i] = from[i];
    if (publisher->options.windows != NULL)
        windows_add(publisher->options.windows, &row);
}

/* How many a sum of weights is, at least one. */
static uint64_t whole(uint64_t weight)
{
    return weight < WEIGHT_ONE ? 1 : weight >> WEIGHT_SHIFT;
}

/* An edge may bring durations alone, of a request that another shard counts (E8): it is listed once
 * that request came. */
static void add_edge(struct publisher *publisher, const struct tally *tally,
                     const struct tally_edge *edge, struct wall_time since, struct wall_time now)
{
    const struct histogram *seconds[EDGE_SECONDS_COUNT];
    uint32_t number = find_series(&publisher->edges, edge_key(edge), edge_key_without_values,
                                  edge->overflow, (uint32_t)edge->view);
    struct series *series = &publisher->edges.series[number];
    bool is_overflow = number < EDGE_VIEW_COUNT;
    /* A later member of a group may add a failure alone, one of other values durations. */
    if (edge->requests != 0 || edge->failed != 0 || edge->is_counted || series->listed)
        series = touch(publisher, &publisher->edges, number, since, now);
    else
        series->updated = now; /* So that it may leave once it was idle. */
    series_table_touch(&publisher->edges, number);
    series->count += edge->requests;
    series->failed += edge->failed;
    unpack(publisher, tally, edge->seconds, EDGE_SECONDS_COUNT, seconds);
    merge_histograms(publisher, series, seconds, EDGE_SECONDS_COUNT);
    add_to_windows(publisher,
                   &(struct window_row){
                       .kind = is_overflow ? WINDOW_EDGE_OVERFLOW : WINDOW_EDGE,
                       .key = is_overflow ? (struct key){0, number} : series->key,
                       .listed = series->listed,
                       .count = edge->requests,
                       .failed = edge->failed,
                   },
                   seconds, EDGE_SECONDS_COUNT);
    if (is_overflow && !edge->overflow && edge->requests != 0)
        publisher->counts.edges_overflowed += whole(edge->requests);
    else if (!edge->overflow && edge->requests != 0 && is_other(series, edge_key(edge)))
        publisher->counts.values_overflowed += whole(edge->requests);
    if (!series->listed)
        return;
    list_node(publisher, is_overflow ? CATALOG_OVERFLOW : edge->client);
    list_node(publisher, is_overflow ? CATALOG_OVERFLOW : edge->server);
}

static void add_edges(struct publisher *publisher, const struct tally *tally,
                      struct wall_time since, struct wall_time now)
{
    for (uint32_t i = 0; i < tally->edges_count; i++)
        if (tally_edge_is_counted(tally, &tally->edges[i]))
            add_edge(publisher, tally, &tally->edges[i], since, now);
}

static void add_operations(struct publisher *publisher, const struct tally *tally,
                           struct wall_time since, struct wall_time now)
{
    const struct histogram *seconds[OPERATION_SECONDS_COUNT];

    for (uint32_t i = 0; i < tally->operations_count; i++) {
        const struct tally_operation *operation = &tally->operations[i];
        struct key key = operation_key(operation);
        struct series *series;
        uint32_t number;
        if (operation->calls == 0)
            continue;
        number = find_series(&publisher->operations, key, operation_key_without_values,
                             operation->overflow, SERIES_OVERFLOW);
        if (number == SERIES_OVERFLOW && !operation->overflow)
            publisher->counts.operations_overflowed += whole(operation->calls);
        else if (!operation->overflow && is_other(&publisher->operations.series[number], key))
            publisher->counts.values_overflowed += whole(operation->calls);
        series = touch(publisher, &publisher->operations, number, since, now);
        series->count += operation->calls;
        unpack(publisher, tally, operation->seconds, OPERATION_SECONDS_COUNT, seconds);
        merge_histograms(publisher, series, seconds, OPERATION_SECONDS_COUNT);
        add_to_windows(
            publisher,
            &(struct window_row){
                .kind = number == SERIES_OVERFLOW ? WINDOW_OPERATION_OVERFLOW : WINDOW_OPERATION,
                .key = series->key,
                .listed = true,
                .count = operation->calls,
            },
            seconds, OPERATION_SECONDS_COUNT);
        list_node(publisher, number != SERIES_OVERFLOW ? operation->service : CATALOG_OVERFLOW);
    }
}

/* Which series its span was counted in. */
static struct series *series_of_row(const struct publisher *publisher, const struct tally *tally,
                                    const struct tally_exemplar *kept)
{
    uint32_t number;

    if (kept->is_operation) {
        const struct tally_operation *operation = &tally->operations[kept->row];
        number = find_series(&publisher->operations, operation_key(operation),
                             operation_key_without_values, operation->overflow, SERIES_OVERFLOW);
        return &publisher->operations.series[number];
    }
    number = find_series(&publisher->edges, edge_key(&tally->edges[kept->row]),
                         edge_key_without_values, tally->edges[kept->row].overflow,
                         (uint32_t)tally->edges[kept->row].view);
    return &publisher->edges.series[number];
}

/* Where there are no bytes for more of them, one that comes takes the place of an older one. */
static void add_exemplar(struct series_table *table, struct series *series,
                         const struct exemplar *exemplar, uint32_t most)
{
    uint32_t before = series->exemplars != NULL ? series->exemplars->room : 0;
    uint32_t after;

    if (!series->endless && !series_table_has_left(table, exemplars_bytes(most)))
        most = before;
    exemplars_put(&series->exemplars, exemplar, most);
    after = series->exemplars != NULL ? series->exemplars->room : 0;
    if (after != before && !series->endless)
        series_table_use(table, series, exemplars_bytes(after) - exemplars_bytes(before));
}

/* Behind all that was counted, so that a series that began anew has none from before. */
static void add_exemplars(struct publisher *publisher, const struct tally *tally,
                          struct wall_time now)
{
    for (uint32_t i = 0; publisher->options.exemplars && i < tally->exemplars_count; i++) {
        const struct tally_exemplar *kept = &tally->exemplars[i];
        struct exemplar exemplar = kept->exemplar;
        exemplar.ns = now.ns;
        add_exemplar(kept->is_operation ? &publisher->operations : &publisher->edges,
                     series_of_row(publisher, tally, kept), &exemplar,
                     kept->is_operation ? EXEMPLARS_OF_OPERATION_MAX : EXEMPLARS_OF_EDGE_MAX);
    }
}

static void add_losses(struct publisher *publisher, const struct tally *tally,
                       struct wall_time since, struct wall_time now)
{
    for (uint32_t i = 0; i < tally->losses_count; i++) {
        struct tally_loss loss = loss_of(publisher, &tally->losses[i]);
        uint32_t number = key_map_find(&publisher->losses.map, loss_key(&loss));
        struct series *series;
        CHECK(number != KEY_NONE);
        series = touch(publisher, &publisher->losses, number, since, now);
        for (uint64_t j = 0; j < loss.spans && j < LOSS_TRACES; j++)
            memcpy(publisher->traces[number].newest[(series->count + j) % LOSS_TRACES],
                   loss.traces[j], sizeof(loss.traces[j]));
        series->count += loss.spans;
        add_to_windows(
            publisher,
            &(struct window_row){
                .kind = WINDOW_LOSS, .key = series->key, .listed = true, .count = loss.spans},
            NULL, 0);
        list_node(publisher, loss.service);
    }
}

static void add_counts(struct topology_counts *into, const struct topology_counts *from)
{
    into->skewed_durations += from->skewed_durations;
    into->negative_network += from->negative_network;
    into->negative_messaging += from->negative_messaging;
    into->weights_unknown += from->weights_unknown;
    into->weights_cut += from->weights_cut;
    into->edges_overflowed += from->edges_overflowed;
    into->operations_overflowed += from->operations_overflowed;
    into->values_overflowed += from->values_overflowed;
    into->fanout_overflowed += from->fanout_overflowed;
    into->walks_cut += from->walks_cut;
    into->self_unknown += from->self_unknown;
    into->resolutions_cut += from->resolutions_cut;
    into->memory_failures += from->memory_failures;
}

/* `waiting` is a state, all else adds up. */
static void add_accounting(struct publisher *publisher, unsigned shard, const struct tally *tally)
{
    struct accounting difference = tally->accounting;
    struct link_accounting links = tally->links;

    publisher->shards[shard].waiting = difference.waiting;
    difference.waiting = 0;
    accounting_add(&publisher->accounting, &difference);
    publisher->shards[shard].links_waiting = links.waiting;
    links.waiting = 0;
    link_accounting_add(&publisher->links, &links);
    add_counts(&publisher->counts, &tally->counts);
    if (tally->span_first_ns != 0 &&
        (publisher->span_first.ns == 0 || tally->span_first_ns < publisher->span_first.ns))
        publisher->span_first.ns = tally->span_first_ns;
    if (tally->span_last_ns > publisher->span_last.ns)
        publisher->span_last.ns = tally->span_last_ns;
}

int publisher_absorb(struct publisher *publisher, unsigned shard, struct tally *tally,
                     struct wall_time now)
{
    struct wall_time since;
    int status = publisher_prepare_nodes(publisher);

    CHECK(shard < publisher->options.shards);
    publisher_make_room(publisher, tally, now);
    if (status == 0)
        status = prepare_edges(publisher, tally, now);
    if (status == 0)
        status = prepare_operations(publisher, tally, now);
    if (status == 0)
        status = prepare_losses(publisher, tally, now);
    if (status != 0)
        return status;
    since = publisher->shards[shard].absorbed;
    add_edges(publisher, tally, since, now);
    add_operations(publisher, tally, since, now);
    add_exemplars(publisher, tally, now);
    add_losses(publisher, tally, since, now);
    add_accounting(publisher, shard, tally);
    publisher->shards[shard].absorbed = now;
    tally_reset(tally);
    return 0;
}

void publisher_close(struct publisher *publisher, struct wall_time now)
{
    struct window_state state;

    if (publisher->options.windows == NULL)
        return;
    state.accounting = publisher_accounting(publisher);
    state.links = publisher_links(publisher);
    windows_close(publisher->options.windows, now, &state);
}

void publisher_reject(struct publisher *publisher, enum rejected_reason reason, uint64_t spans)
{
    CHECK((unsigned)reason < REJECTED_REASON_COUNT);
    atomic_fetch_add_explicit(&publisher->rejected[reason], spans, memory_order_relaxed);
}

/* ------------------------------------------------------------------ the ends */

int publisher_new(const struct publisher_options *options, struct publisher **out_publisher)
{
    struct publisher *publisher = mem_calloc(1, sizeof(*publisher));
    int status = STATUS_NOMEM;

    if (publisher == NULL)
        return status;
    publisher->options = *options;
    publisher->shards = mem_calloc(options->shards, sizeof(*publisher->shards));
    if (publisher->shards != NULL)
        status = series_table_init(&publisher->edges, options->edges_max, EDGE_VIEW_COUNT);
    if (status == 0)
        status = series_table_init(&publisher->operations, options->operations_max, 1);
    if (status == 0)
        status = series_table_init(&publisher->losses, options->losses_max, 1);
    publisher->edges.bytes_max = options->edges_bytes_max;
    publisher->edges.first_bytes = publisher_edge_bytes(0, 0);
    publisher->operations.bytes_max = options->operations_bytes_max;
    publisher->operations.first_bytes = publisher_operation_bytes(0, 0);
    for (size_t i = 0; i < SERIES_SECONDS_MAX && status == 0; i++) {
        status = histogram_new(&publisher->unpacked[i]);
        if (status == 0)
            status = histogram_reserve_all(publisher->unpacked[i]);
    }
    if (status == 0)
        status = publisher_prepare_nodes(publisher);
    if (status != 0) {
        publisher_free(publisher);
        return status;
    }
    for (unsigned i = 0; i < options->shards; i++)
        publisher->shards[i].absorbed = options->start;
    publisher->nodes_stale = true;
    *out_publisher = publisher;
    return 0;
}

void publisher_free(struct publisher *publisher)
{
    if (publisher == NULL)
        return;
    series_table_release(&publisher->edges);
    series_table_release(&publisher->operations);
    series_table_release(&publisher->losses);
    snapshot_list_release(publisher->node_list);
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++)
        histogram_free(publisher->unpacked[i]);
    mem_free(publisher->traces);
    mem_free(publisher->nodes);
    mem_free(publisher->shards);
    mem_free(publisher);
}
