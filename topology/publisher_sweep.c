/* publisher_sweep.c: series leave, and the names that they had are no longer used.
 *
 * A series that was idle for metrics.expiration has ended in /metrics already. What it counted goes to
 * the overflow series, as what that one counted before it began (its past), so that the map's totals
 * stay as they are and the counter in /metrics does not jump.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog_sweep.h"
#include "topology/publisher_priv.h"
#include "topology/windows.h"

/* Of series that ended and are asked to leave, at least so many do. */
enum { LEAVE_MIN = 64 };

/* As loss_key() made it. */
static struct tally_loss loss_of_key(struct key key)
{
    return (struct tally_loss){.service = (uint32_t)key.high,
                               .kind = (uint8_t)(key.low >> 16),
                               .dropped = (key.low >> 8 & 1) != 0,
                               .reason = (uint8_t)key.low};
}

/* ------------------------------------------------------------------ marks */

void publisher_mark(const struct publisher *publisher, uint32_t stamp)
{
    struct catalog *catalog = publisher->options.catalog;
    const struct series_table *edges = &publisher->edges;
    const struct series_table *operations = &publisher->operations;
    const struct series_table *losses = &publisher->losses;

    for (uint32_t i = edges->overflows; i < edges->count; i++) {
        catalog_mark_node(catalog, (uint32_t)(edges->series[i].key.high >> 32), stamp);
        catalog_mark_node(catalog, (uint32_t)edges->series[i].key.high, stamp);
        catalog_mark_dimensions(catalog, edge_key_client_set(edges->series[i].key), stamp);
        catalog_mark_dimensions(catalog, edge_key_server_set(edges->series[i].key), stamp);
    }
    for (uint32_t i = operations->overflows; i < operations->count; i++) {
        struct key key = operations->series[i].key;
        catalog_mark_operation(catalog, (uint32_t)(key.high >> 32), (uint32_t)key.high, stamp);
        catalog_mark_dimensions(catalog, operation_key_set(key), stamp);
    }
    for (uint32_t i = losses->overflows; i < losses->count; i++)
        catalog_mark_node(catalog, (uint32_t)losses->series[i].key.high, stamp);
}

/* ------------------------------------------------------------------ nodes */

static void list_node(struct publisher *publisher, uint32_t node)
{
    CHECK(node < publisher->nodes_room);
    publisher->nodes_listed += publisher->nodes[node].listed ? 0 : 1;
    publisher->nodes[node].listed = true;
}

void publisher_list_nodes(struct publisher *publisher)
{
    const struct series_table *edges = &publisher->edges;
    const struct series_table *operations = &publisher->operations;
    const struct series_table *losses = &publisher->losses;

    publisher->nodes_listed = 0;
    for (uint32_t i = 0; i < publisher->nodes_room; i++) {
        publisher->nodes[i].listed = publisher->nodes[i].reported;
        publisher->nodes_listed += publisher->nodes[i].listed;
    }
    for (uint32_t i = 0; i < edges->count; i++)
        if (edges->series[i].listed) {
            list_node(publisher, (uint32_t)(edges->series[i].key.high >> 32));
            list_node(publisher, (uint32_t)edges->series[i].key.high);
        }
    for (uint32_t i = 0; i < operations->count; i++)
        if (operations->series[i].listed)
            list_node(publisher, (uint32_t)(operations->series[i].key.high >> 32));
    for (uint32_t i = 0; i < losses->count; i++)
        if (losses->series[i].listed)
            list_node(publisher, (uint32_t)losses->series[i].key.high);
    publisher->nodes_stale = true;
}

void publisher_forget(struct publisher *publisher)
{
    uint32_t count = catalog_nodes(publisher->options.catalog);
    bool any = false;

    for (uint32_t i = 0; i < count && i < publisher->nodes_room; i++) {
        struct publisher_node *node = &publisher->nodes[i];
        if (!node->listed || !catalog_node_left(publisher->options.catalog, i))
            continue;
        *node = (struct publisher_node){.index = 0};
        any = true;
    }
    if (any)
        publisher_list_nodes(publisher);
}

/* ------------------------------------------------------------------ windows */

/* The series that has taken over what another one counted, as row of a window. */
static bool heir_in_windows(const void *context, enum window_kind *kind, struct key *key)
{
    const struct publisher *publisher = context;
    struct tally_loss loss;

    switch (*kind) {
    case WINDOW_EDGE_OVERFLOW:
    case WINDOW_OPERATION_OVERFLOW:
        return false;
    case WINDOW_EDGE:
        if (key_map_find(&publisher->edges.map, *key) != KEY_NONE)
            return false;
        *kind = WINDOW_EDGE_OVERFLOW;
        *key = (struct key){0, (uint64_t)edge_key_view(*key)};
        return true;
    case WINDOW_OPERATION:
        if (key_map_find(&publisher->operations.map, *key) != KEY_NONE)
            return false;
        *kind = WINDOW_OPERATION_OVERFLOW;
        *key = (struct key){0, 0};
        return true;
    case WINDOW_LOSS:
        break;
    }
    loss = loss_of_key(*key);
    if (loss.service == CATALOG_OVERFLOW || key_map_find(&publisher->losses.map, *key) != KEY_NONE)
        return false;
    loss.service = CATALOG_OVERFLOW;
    *key = loss_key(&loss);
    return true;
}

void publisher_bequeath(const struct publisher *publisher)
{
    if (publisher->options.windows != NULL)
        windows_inherit(publisher->options.windows, heir_in_windows, publisher);
}

/* ------------------------------------------------------------------ what the past was */

/* The past of an overflow series while others are added to it; each has all room that it needs. */
struct past {
    struct histogram *seconds[SERIES_SECONDS_MAX];
};

static void past_release(struct past *past)
{
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++)
        histogram_free(past->seconds[i]);
}

static int past_init(struct past *past, const struct series *overflow)
{
    int status = 0;

    *past = (struct past){{NULL}};
    for (size_t i = 0; i < SERIES_SECONDS_MAX && status == 0; i++) {
        status = histogram_new(&past->seconds[i]);
        if (status == 0)
            status = histogram_reserve_all(past->seconds[i]);
        if (status == 0 && overflow->past != NULL && overflow->past->seconds[i] != NULL)
            CHECK(histogram_merge(past->seconds[i], overflow->past->seconds[i]) == 0);
    }
    return status;
}

static void past_add(struct past *past, const struct series *series)
{
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++)
        if (series->seconds[i] != NULL && series->seconds[i]->count != 0)
            CHECK(histogram_merge(past->seconds[i], series->seconds[i]) == 0);
}

/* ------------------------------------------------------------------ leaving */

/* The series that takes what another one had. */
static struct series *heir_of(const struct publisher *publisher, const struct series_table *table,
                              const struct series *series)
{
    struct tally_loss loss;
    uint32_t number;

    if (table == &publisher->edges)
        return &table->series[edge_key_view(series->key)];
    if (table == &publisher->operations)
        return &table->series[SERIES_OVERFLOW];
    loss = loss_of_key(series->key);
    loss.service = CATALOG_OVERFLOW;
    number = key_map_find(&table->map, loss_key(&loss));
    return number != KEY_NONE ? &table->series[number] : NULL;
}

/* The loss series under the overflow node for whoever leaves; they are few, one a kind and reason. */
static int make_heirs(struct publisher *publisher)
{
    struct series_table *table = &publisher->losses;
    int status = 0;

    for (uint32_t i = table->overflows; i < table->count && status == 0; i++) {
        struct tally_loss loss = loss_of_key(table->series[i].key);
        uint32_t number;
        if (!table->series[i].leaves)
            continue;
        loss.service = CATALOG_OVERFLOW;
        number = key_map_find(&table->map, loss_key(&loss));
        if (number == KEY_NONE)
            status = series_table_add(table, loss_key(&loss), &number);
        if (status == 0)
            status = publisher_prepare_traces(publisher);
    }
    for (uint32_t i = table->overflows; i < table->count; i++)
        table->series[i].endless |= table->series[i].key.high == CATALOG_OVERFLOW;
    return status;
}

static void inherit(const struct publisher *publisher, struct series_table *table,
                    struct series *heir, const struct series *series)
{
    if (!heir->listed && series->listed) {
        /* It counts nothing now: in /metrics it begins with what comes next. */
        heir->listed = true;
        table->listed++;
        table->order_stale = true;
        heir->created = series->created;
        heir->updated = series->updated;
        heir->born = publisher->number + 1;
    }
    heir->count += series->count;
    heir->failed += series->failed;
    heir->past_count += series->count;
    heir->past_failed += series->failed;
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++)
        if (series->seconds[i] != NULL && series->seconds[i]->count != 0)
            CHECK(histogram_merge(heir->seconds[i], series->seconds[i]) == 0);
    /* Made ready for a tally that could not be added: it is not the whole past any more. */
    series_value_release(heir->next_past);
    heir->next_past = NULL;
}

/* Gives all that leave of one heir to it. Returns: 0; STATUS_NOMEM (nothing changed). */
static int give_to(struct publisher *publisher, struct series_table *table, uint32_t number)
{
    struct series *heir = &table->series[number];
    struct series_value *value = NULL;
    struct past past;
    bool any = false;
    int status = past_init(&past, heir);

    for (uint32_t i = table->overflows; i < table->count && status == 0; i++)
        if (table->series[i].leaves && heir_of(publisher, table, &table->series[i]) == heir) {
            past_add(&past, &table->series[i]);
            any = true;
        }
    if (status == 0 && any)
        status = series_value_new(past.seconds, SERIES_SECONDS_MAX, NULL, &value);
    past_release(&past);
    if (status != 0 || !any)
        return status;
    series_value_release(heir->past);
    heir->past = value;
    for (uint32_t i = table->overflows; i < table->count; i++)
        if (table->series[i].leaves && heir_of(publisher, table, &table->series[i]) == heir) {
            inherit(publisher, table, heir, &table->series[i]);
            table->series[i].gone = true;
        }
    series_table_touch(table, number);
    return 0;
}

/* Counts need no room. */
static void give_losses(struct publisher *publisher)
{
    struct series_table *table = &publisher->losses;

    for (uint32_t i = table->overflows; i < table->count; i++) {
        struct series *series = &table->series[i];
        struct series *heir = series->leaves ? heir_of(publisher, table, series) : NULL;
        if (heir == NULL || heir == series)
            continue;
        inherit(publisher, table, heir, series);
        series_table_touch(table, (uint32_t)(heir - table->series));
        series->gone = true;
    }
}

static int compare_times(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a;
    uint64_t two = *(const uint64_t *)b;

    return (one > two) - (one < two);
}

/* Whether a series ended, of which no tally has more. One that got durations alone has never been
 * shown, and holds names all the same. */
static bool may_leave(const struct publisher *publisher, const struct series *series,
                      struct wall_time now)
{
    return !series->stays && publisher_is_idle(publisher, series, now);
}

/* Chooses those that were idle longest: `share` of those that ended, in percent, and at least
 * `least`. Returns: how many; 0 too without memory. */
static uint32_t choose(const struct publisher *publisher, struct series_table *table,
                       unsigned share, uint32_t least, struct wall_time now)
{
    uint64_t *times = mem_calloc(table->count, sizeof(*times));
    uint32_t ended = 0, chosen = 0;
    uint32_t wanted;

    if (times == NULL)
        return 0;
    for (uint32_t i = table->overflows; i < table->count; i++)
        if (may_leave(publisher, &table->series[i], now))
            times[ended++] = table->series[i].updated.ns;
    wanted = (uint32_t)((uint64_t)ended * share / 100);
    wanted = wanted > least ? wanted : least;
    if (ended != 0)
        qsort(times, ended, sizeof(*times), compare_times);
    for (uint32_t i = table->overflows; i < table->count && ended != 0; i++) {
        struct series *series = &table->series[i];
        series->leaves = may_leave(publisher, series, now) &&
                         (wanted >= ended || series->updated.ns <= times[wanted - 1]);
        chosen += series->leaves;
    }
    mem_free(times);
    return chosen;
}

/* Those with values of dimensions are counted for themselves. */
static void count_values(const struct publisher *publisher, struct series_table *table)
{
    for (uint32_t i = table->overflows; i < table->count; i++) {
        struct key key = table->series[i].key;
        if (!table->series[i].gone)
            continue;
        if (table == &publisher->edges)
            table->with_values -= edge_key_without_values(&key) ? 1 : 0;
        else if (table == &publisher->operations)
            table->with_values -= operation_key_without_values(&key) ? 1 : 0;
    }
}

/* Lets the chosen ones go; what there is no memory for stays. How many went. */
static uint32_t let_go(struct publisher *publisher, struct series_table *table)
{
    uint32_t gone;

    if (table == &publisher->losses) {
        if (make_heirs(publisher) != 0) {
            /* There may be more losses than traces now: nothing is moved. */
            for (uint32_t i = table->overflows; i < table->count; i++)
                table->series[i].leaves = false;
            return 0;
        }
        give_losses(publisher);
    } else {
        for (uint32_t i = 0; i < table->overflows; i++)
            (void)give_to(publisher, table, i); /* Then those of this heir stay. */
    }
    count_values(publisher, table);
    gone = series_table_remove(table, table == &publisher->losses ? publisher->traces : NULL);
    if (gone != 0)
        publisher_list_nodes(publisher);
    return gone;
}

static uint32_t leave(struct publisher *publisher, struct series_table *table, unsigned share,
                      uint32_t least, struct wall_time now)
{
    uint32_t gone = 0;

    if (choose(publisher, table, share, least, now) != 0)
        gone = let_go(publisher, table);
    if (table == &publisher->edges)
        publisher->counts.edges_left += gone;
    else if (table == &publisher->operations)
        publisher->counts.operations_left += gone;
    else
        publisher->counts.losses_left += gone;
    return gone;
}

void publisher_let_leave(struct publisher *publisher, bool nodes, struct wall_time now)
{
    (void)leave(publisher, &publisher->operations, 50, LEAVE_MIN, now);
    if (!nodes)
        return;
    (void)leave(publisher, &publisher->edges, 50, LEAVE_MIN, now);
    (void)leave(publisher, &publisher->losses, 50, LEAVE_MIN, now);
}

/* ------------------------------------------------------------------ room */

/* The key of a row of a tally; false: it is an overflow row, which needs no room. */
typedef bool (*row_key)(const struct tally *tally, uint32_t row, struct key *out_key);

static bool edge_row(const struct tally *tally, uint32_t row, struct key *out_key)
{
    *out_key = edge_key(&tally->edges[row]);
    return !tally->edges[row].overflow;
}

static bool operation_row(const struct tally *tally, uint32_t row, struct key *out_key)
{
    *out_key = operation_key(&tally->operations[row]);
    return !tally->operations[row].overflow;
}

static bool loss_row(const struct tally *tally, uint32_t row, struct key *out_key)
{
    *out_key = loss_key(&tally->losses[row]);
    return true;
}

/* How many series must leave, at most, for so many to find bytes. */
static uint32_t wanting_bytes(const struct series_table *table, uint32_t more)
{
    uint64_t wanted = table->bytes + more * table->first_bytes;
    uint64_t most = table->bytes_max - table->bytes_max / 8;

    return wanted > most ? (uint32_t)((wanted - most) / table->first_bytes + 1) : 0;
}

static void make_room(struct publisher *publisher, struct series_table *table,
                      const struct tally *tally, uint32_t count, row_key key_of,
                      struct wall_time now)
{
    uint32_t room = table->series_max + table->overflows;
    uint32_t more = 0;

    if (table->count + count <= room && series_table_has_bytes(table, count))
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct key key;
        uint32_t number;
        if (!key_of(tally, i, &key))
            continue;
        number = key_map_find(&table->map, key);
        if (number != KEY_NONE)
            table->series[number].stays = true;
        else
            more++;
    }
    if (table->count + more > room)
        (void)leave(publisher, table, 0, table->count + more - room + table->series_max / 16, now);
    if (!series_table_has_bytes(table, more))
        (void)leave(publisher, table, 0, wanting_bytes(table, more) + table->count / 16, now);
    for (uint32_t i = 0; i < table->count; i++)
        table->series[i].stays = false;
}

void publisher_make_room(struct publisher *publisher, const struct tally *tally,
                         struct wall_time now)
{
    make_room(publisher, &publisher->edges, tally, tally->edges_count, edge_row, now);
    make_room(publisher, &publisher->operations, tally, tally->operations_count, operation_row,
              now);
    make_room(publisher, &publisher->losses, tally, tally->losses_count, loss_row, now);
}
