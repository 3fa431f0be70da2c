/* publisher_snapshot.c: from the cumulative series to an immutable snapshot.
 *
 * Nodes are sorted first, so that an element's place follows from numbers alone. What did not
 * change since the snapshot before is shared with it. Without memory no list is half made, and what
 * was stale stays stale.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog_sweep.h"
#include "topology/publisher_priv.h"

/* ------------------------------------------------------------------ nodes */

/* Services report before, or without, being on an edge (N7). */
static void find_reported(struct publisher *publisher)
{
    uint32_t count = catalog_nodes(publisher->options.catalog);

    if (count > publisher->nodes_room)
        count = publisher->nodes_room; /* The next absorption makes room for the newest. */
    for (uint32_t i = 0; i < count; i++) {
        struct publisher_node *node = &publisher->nodes[i];
        if (node->reported || !catalog_is_reported(publisher->options.catalog, i))
            continue;
        node->reported = true;
        publisher->nodes_stale = true;
        if (!node->listed) {
            node->listed = true;
            publisher->nodes_listed++;
        }
    }
}

static int compare_nodes(const void *a, const void *b, void *catalog)
{
    return node_compare(catalog_node_at(catalog, *(const uint32_t *)a),
                        catalog_node_at(catalog, *(const uint32_t *)b));
}

static void fill_nodes(struct publisher *publisher, const uint32_t *order, uint32_t count,
                       struct snapshot_node *out_nodes)
{
    for (uint32_t i = 0; i < count; i++) {
        publisher->nodes[order[i]].index = i;
        out_nodes[i] = (struct snapshot_node){
            .node = *catalog_node_at(publisher->options.catalog, order[i]),
            .reported = publisher->nodes[order[i]].reported,
            .overflow = order[i] == CATALOG_OVERFLOW,
        };
    }
}

static int renew_nodes(struct publisher *publisher)
{
    struct snapshot_list *list;
    uint32_t *order;
    uint32_t count = 0;

    if (!publisher->of_window)
        find_reported(publisher);
    if (!publisher->nodes_stale)
        return 0;
    order = mem_calloc(publisher->nodes_listed, sizeof(*order));
    if (order == NULL && publisher->nodes_listed != 0)
        return STATUS_NOMEM;
    if (snapshot_list_new(publisher->nodes_listed, sizeof(struct snapshot_node), &list) != 0) {
        mem_free(order);
        return STATUS_NOMEM;
    }
    for (uint32_t i = 0; i < publisher->nodes_room; i++)
        if (publisher->nodes[i].listed)
            order[count++] = i;
    CHECK(count == publisher->nodes_listed);
    if (count != 0)
        qsort_r(order, count, sizeof(*order), compare_nodes, publisher->options.catalog);
    fill_nodes(publisher, order, count, list->elements);
    mem_free(order);
    snapshot_list_release(publisher->node_list);
    publisher->node_list = list;
    publisher->nodes_stale = false;
    /* Places moved: all that points at nodes is sorted and written anew. */
    publisher->edges.stale = publisher->edges.order_stale = true;
    publisher->operations.stale = publisher->operations.order_stale = true;
    publisher->losses.stale = publisher->losses.order_stale = true;
    return 0;
}

static uint32_t place(const struct publisher *publisher, uint64_t node)
{
    CHECK(node < publisher->nodes_room && publisher->nodes[node].listed);
    return publisher->nodes[node].index;
}

/* ------------------------------------------------------------------ order */

struct sorting {
    const struct publisher *publisher;
    const struct series *series;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By what they say, so that their numbers do not show. */
static int compare_sets(const struct publisher *publisher, uint32_t a, uint32_t b)
{
    int order;

    if (a == b)
        return 0;
    order = view_compare(catalog_dimensions_at(publisher->options.catalog, a),
                         catalog_dimensions_at(publisher->options.catalog, b));
    return order != 0 ? order : compare_numbers(a, b); /* None, and the overflow. */
}

static int compare_edges(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    const struct series *one = &sorting->series[*(const uint32_t *)a];
    const struct series *two = &sorting->series[*(const uint32_t *)b];
    int order = compare_numbers(place(sorting->publisher, one->key.high >> 32),
                                place(sorting->publisher, two->key.high >> 32));

    if (order == 0)
        order = compare_numbers(place(sorting->publisher, (uint32_t)one->key.high),
                                place(sorting->publisher, (uint32_t)two->key.high));
    if (order == 0) /* By type, then by values, then by view. */
        order = compare_numbers(edge_key_type(one->key), edge_key_type(two->key));
    if (order == 0)
        order = compare_sets(sorting->publisher, edge_key_client_set(one->key),
                             edge_key_client_set(two->key));
    if (order == 0)
        order = compare_sets(sorting->publisher, edge_key_server_set(one->key),
                             edge_key_server_set(two->key));
    if (order == 0)
        order = compare_numbers(edge_key_view(one->key), edge_key_view(two->key));
    return order != 0 ? order : (one > two) - (one < two);
}

static int compare_operations(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    const struct catalog *catalog = sorting->publisher->options.catalog;
    const struct series *one = &sorting->series[*(const uint32_t *)a];
    const struct series *two = &sorting->series[*(const uint32_t *)b];
    int order = compare_numbers(place(sorting->publisher, one->key.high >> 32),
                                place(sorting->publisher, two->key.high >> 32));

    if (order == 0)
        order = view_compare(catalog_text_at(catalog, (uint32_t)one->key.high),
                             catalog_text_at(catalog, (uint32_t)two->key.high));
    if (order == 0) /* Kind and status. */
        order = compare_numbers(one->key.low & 0xFFFF, two->key.low & 0xFFFF);
    if (order == 0)
        order = compare_sets(sorting->publisher, operation_key_set(one->key),
                             operation_key_set(two->key));
    return order != 0 ? order : (one > two) - (one < two);
}

static int compare_losses(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    const struct series *one = &sorting->series[*(const uint32_t *)a];
    const struct series *two = &sorting->series[*(const uint32_t *)b];
    int order = compare_numbers(place(sorting->publisher, one->key.high),
                                place(sorting->publisher, two->key.high));

    return order != 0 ? order : compare_numbers(one->key.low, two->key.low);
}

typedef int (*series_compare)(const void *a, const void *b, void *context);

static int renew_order(const struct publisher *publisher, struct series_table *table,
                       series_compare compare)
{
    struct sorting sorting = {publisher, table->series};
    uint32_t *order;

    if (!table->order_stale)
        return 0;
    order = mem_realloc(table->order, table->listed * sizeof(*order) + 1);
    if (order == NULL)
        return STATUS_NOMEM;
    table->order = order;
    table->order_count = 0;
    for (uint32_t i = 0; i < table->count; i++)
        if (table->series[i].listed)
            order[table->order_count++] = i;
    CHECK(table->order_count == table->listed);
    if (table->listed != 0)
        qsort_r(order, table->listed, sizeof(*order), compare, &sorting);
    table->order_stale = false;
    return 0;
}

/* ------------------------------------------------------------------ lists */

static int renew_values(struct series_table *table)
{
    while (table->changed_count != 0) {
        struct series *series = &table->series[table->changed[table->changed_count - 1]];
        struct series_value *value;
        if (series_value_new(series->seconds, SERIES_SECONDS_MAX, series->exemplars, &value) != 0)
            return STATUS_NOMEM;
        series_value_release(series->value);
        series->value = value;
        series->changed = false;
        table->changed_count--;
    }
    return 0;
}

static struct snapshot_life life_of(const struct series *series)
{
    struct snapshot_life life = {
        .endless = series->endless,
        .born = series->born,
        .past_count = series->past_count,
        .past_failed = series->past_failed,
    };

    _Static_assert((int)SERIES_SECONDS_MAX <= (int)SNAPSHOT_SECONDS, "they stand in one order");
    for (size_t i = 0; i < SERIES_SECONDS_MAX; i++) {
        life.seconds_born[i] = series->seconds_born[i];
        if (series->past != NULL)
            life.past_seconds[i] = series->past->seconds[i];
    }
    return life;
}

typedef void (*series_fill)(const struct publisher *publisher, const struct series *series,
                            bool overflow, void *out_element);

static void fill_edge(const struct publisher *publisher, const struct series *series, bool overflow,
                      void *out_element)
{
    const struct catalog *catalog = publisher->options.catalog;
    uint32_t client_set = edge_key_client_set(series->key);
    uint32_t server_set = edge_key_server_set(series->key);

    *(struct snapshot_edge *)out_element = (struct snapshot_edge){
        .client = place(publisher, series->key.high >> 32),
        .server = place(publisher, (uint32_t)series->key.high),
        .connection_type = edge_key_type(series->key),
        .view = overflow ? (enum edge_view)(series - publisher->edges.series)
                         : edge_key_view(series->key),
        .overflow = overflow,
        .values_overflow = client_set == DIMENSIONS_OVERFLOW || server_set == DIMENSIONS_OVERFLOW,
        .client_dimensions = catalog_dimensions_at(catalog, client_set),
        .server_dimensions = catalog_dimensions_at(catalog, server_set),
        .requests = series->count,
        .failed = series->failed,
        .client_seconds = series->value->seconds[SECONDS_CLIENT],
        .server_seconds = series->value->seconds[SECONDS_SERVER],
        .network_seconds = series->value->seconds[SECONDS_NETWORK],
        .messaging_seconds = series->value->seconds[SECONDS_MESSAGING],
        .exemplars = series->value->exemplars,
        .created = series->created,
        .updated = series->updated,
        .life = life_of(series),
    };
}

static void fill_operation(const struct publisher *publisher, const struct series *series,
                           bool overflow, void *out_element)
{
    uint32_t set = operation_key_set(series->key);

    *(struct snapshot_operation *)out_element = (struct snapshot_operation){
        .service = place(publisher, series->key.high >> 32),
        .name = catalog_text_at(publisher->options.catalog, (uint32_t)series->key.high),
        .kind = (uint8_t)(series->key.low >> 8),
        .status = (uint8_t)series->key.low,
        .overflow = overflow || (uint32_t)series->key.high == CATALOG_OVERFLOW,
        .values_overflow = set == DIMENSIONS_OVERFLOW,
        .dimensions = catalog_dimensions_at(publisher->options.catalog, set),
        .calls = series->count,
        .latency = series->value->seconds[SECONDS_LATENCY],
        .self_seconds = series->value->seconds[SECONDS_SELF],
        .exemplars = series->value->exemplars,
        .created = series->created,
        .updated = series->updated,
        .life = life_of(series),
    };
}

static void fill_loss(const struct publisher *publisher, const struct series *series, bool overflow,
                      void *out_element)
{
    struct snapshot_loss *loss = out_element;

    (void)overflow; /* Its service says so. */
    *loss = (struct snapshot_loss){
        .service = place(publisher, series->key.high),
        .kind = (uint8_t)(series->key.low >> 16),
        .dropped = (series->key.low >> 8 & 1) != 0,
        .reason = (uint8_t)series->key.low,
        .spans = series->count,
        .created = series->created,
        .updated = series->updated,
        .life = life_of(series),
    };
    memcpy(loss->traces, publisher->traces[series - publisher->losses.series].newest,
           sizeof(loss->traces));
}

static int renew_list(const struct publisher *publisher, struct series_table *table, size_t size,
                      series_compare compare, series_fill fill)
{
    struct snapshot_list *list;

    if (!table->stale && table->list != NULL)
        return 0;
    if (renew_order(publisher, table, compare) != 0 || renew_values(table) != 0 ||
        snapshot_list_new(table->listed, size, &list) != 0)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < table->listed; i++) {
        const struct series *series = &table->series[table->order[i]];
        list->values[i] = series_value_retain(series->value);
        if (series->past != NULL)
            list->values[list->count + i] = series_value_retain(series->past);
        fill(publisher, series, table->order[i] < table->overflows,
             (char *)list->elements + i * size);
    }
    snapshot_list_release(table->list);
    table->list = list;
    table->stale = false;
    return 0;
}

/* ------------------------------------------------------------------ the whole */

struct accounting publisher_accounting(const struct publisher *publisher)
{
    struct accounting now = publisher->accounting;

    for (unsigned i = 0; i < publisher->options.shards; i++)
        now.waiting += publisher->shards[i].waiting;
    for (size_t i = 0; i < REJECTED_REASON_COUNT; i++) {
        uint64_t spans = atomic_load_explicit(&publisher->rejected[i], memory_order_relaxed);
        now.received += spans;
        now.rejected[i] += spans;
    }
    CHECK(accounting_holds(&now));
    return now;
}

struct link_accounting publisher_links(const struct publisher *publisher)
{
    struct link_accounting now = publisher->links;

    for (unsigned i = 0; i < publisher->options.shards; i++)
        now.waiting += publisher->shards[i].links_waiting;
    CHECK(link_accounting_holds(&now));
    return now;
}

static void fill_snapshot(struct publisher *publisher, struct wall_time now,
                          struct snapshot_box *box)
{
    atomic_init(&box->references, 1);
    box->nodes = snapshot_list_retain(publisher->node_list);
    box->edges = snapshot_list_retain(publisher->edges.list);
    box->operations = snapshot_list_retain(publisher->operations.list);
    box->losses = snapshot_list_retain(publisher->losses.list);
    box->catalog = publisher->options.catalog;
    if (publisher->of_window)
        catalog_hold_again(box->catalog, publisher->window_hold);
    box->hold = publisher->of_window ? publisher->window_hold : catalog_hold(box->catalog);
    box->snapshot = (struct snapshot){
        .number = ++publisher->number,
        .start = publisher->options.start,
        .end = now,
        .span_first = publisher->span_first,
        .span_last = publisher->span_last,
        .bounds = publisher->options.bounds,
        .dimensions = publisher->options.dimensions,
        .nodes_count = box->nodes->count,
        .nodes = box->nodes->elements,
        .edges_count = box->edges->count,
        .edges = box->edges->elements,
        .operations_count = box->operations->count,
        .operations = box->operations->elements,
        .losses_count = box->losses->count,
        .losses = box->losses->elements,
        .accounting = publisher_accounting(publisher),
        .links = publisher_links(publisher),
        .counts = publisher->counts,
        .edges_bytes = publisher->of_window ? 0 : publisher->edges.bytes,
        .operations_bytes = publisher->of_window ? 0 : publisher->operations.bytes,
        .is_window = publisher->of_window,
    };
}

int publisher_snapshot(struct publisher *publisher, struct wall_time now,
                       struct snapshot **out_snapshot)
{
    struct snapshot_box *box;
    int status = renew_nodes(publisher);

    if (status == 0)
        status = renew_list(publisher, &publisher->edges, sizeof(struct snapshot_edge),
                            compare_edges, fill_edge);
    if (status == 0)
        status = renew_list(publisher, &publisher->operations, sizeof(struct snapshot_operation),
                            compare_operations, fill_operation);
    if (status == 0)
        status = renew_list(publisher, &publisher->losses, sizeof(struct snapshot_loss),
                            compare_losses, fill_loss);
    if (status != 0)
        return status;
    box = mem_calloc(1, sizeof(*box));
    if (box == NULL)
        return STATUS_NOMEM;
    fill_snapshot(publisher, now, box);
    *out_snapshot = &box->snapshot;
    return 0;
}
