/* window_snapshot.c: a publisher of its own, which saw those slots alone, makes the snapshot.
 *
 * So order, nodes and pieces are those of snapshots since the start. Its series hold no histograms but
 * the values that the snapshot shows.
 */
#include "topology/window_snapshot.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog_sweep.h"
#include "topology/publisher_priv.h"

enum {
    /* Of a series beside its value while it is built: in the table, its map and its order. */
    SERIES_BYTES = sizeof(struct series) * 2 + 4 * sizeof(struct key_slot) + 4 * sizeof(uint32_t),
    RESERVED_AT_ONCE = 32 << 10,
    ALLOCATION_BYTES = 16,
    /* Without memory for all buckets, answers have fewer: so many times fewer, but so many. */
    COARSER = 3,
    BUCKETS_LEAST = HISTOGRAM_BUCKETS_MAX / COARSER / COARSER,
};

/* What is being built. */
struct draft {
    const struct window_look *look;
    struct publisher *publisher;
    struct window_sum sum;
    bool without_operations;
    uint32_t buckets_max; /* Of a histogram that it shows. */
    uint64_t reserved;
    uint64_t used;
    uint64_t kept; /* Of that, what the snapshot has in the end. */
};

/* ------------------------------------------------------------------ memory */

static int use(struct draft *draft, uint64_t bytes)
{
    int status = 0;

    draft->used += bytes;
    while (draft->used > draft->reserved && status == 0) {
        status = windows_reserve(draft->look->windows, RESERVED_AT_ONCE);
        draft->reserved += status == 0 ? RESERVED_AT_ONCE : 0;
    }
    return status;
}

static void narrow(struct draft *draft)
{
    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        histogram_narrow(draft->sum.seconds[i], draft->buckets_max);
}

static uint64_t value_bytes(const struct window_sum *sum)
{
    uint64_t bytes = sizeof(struct series_value) + ALLOCATION_BYTES + 2 * sizeof(void *);

    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        if (sum->seconds[i]->count != 0)
            bytes += sizeof(struct histogram) + sum->seconds[i]->length * sizeof(uint64_t);
    return bytes;
}

static uint64_t element_bytes(const struct draft *draft, const struct series_table *table)
{
    if (table == &draft->publisher->edges)
        return sizeof(struct snapshot_edge);
    return table == &draft->publisher->operations ? sizeof(struct snapshot_operation)
                                                  : sizeof(struct snapshot_loss);
}

/* What only the building took is others' again. */
static void give_back(struct draft *draft)
{
    uint64_t kept = (draft->kept / RESERVED_AT_ONCE + 1) * RESERVED_AT_ONCE;

    if (kept >= draft->reserved)
        return;
    (void)atomic_fetch_sub(windows_answers(draft->look->windows), draft->reserved - kept);
    draft->reserved = kept;
}

/* ------------------------------------------------------------------ series */

static void list(struct series_table *table, struct series *series)
{
    if (series->listed)
        return;
    series->listed = true;
    table->listed++;
    table->order_stale = true;
}

static void date(const struct draft *draft, struct series *series)
{
    series->created = draft->look->start;
    series->updated = draft->look->end;
}

/* One that stands for others, of which several may come. */
static void add_overflow(struct draft *draft, struct series_table *table, uint32_t number)
{
    struct series *series = &table->series[number];

    for (size_t i = 0; i < WINDOW_SECONDS_MAX; i++)
        CHECK(histogram_merge(series->seconds[i], draft->sum.seconds[i]) == 0);
    series->count += draft->sum.count;
    series->failed += draft->sum.failed;
    if (draft->sum.listed) {
        list(table, series);
        date(draft, series);
        series_table_touch(table, number);
    }
}

static int add_series(struct draft *draft, struct series_table *table, struct key key)
{
    struct series *series;
    uint32_t number;
    uint64_t bytes;
    int status;

    narrow(draft);
    bytes = value_bytes(&draft->sum) + element_bytes(draft, table);
    status = use(draft, SERIES_BYTES + bytes);
    if (status == 0)
        status = series_table_add(table, key, &number);
    if (status != 0)
        return status;
    draft->kept += bytes;
    series = &table->series[number];
    series->count = draft->sum.count;
    series->failed = draft->sum.failed;
    date(draft, series);
    status = series_value_new(draft->sum.seconds, WINDOW_SECONDS_MAX, NULL, &series->value);
    if (status == 0)
        list(table, series);
    return status;
}

/* Past the bound, which series that left in the window may lead to, it stands for others. */
static int add(struct draft *draft, struct series_table *table, struct key key, uint32_t overflow)
{
    if (!draft->sum.listed)
        return 0; /* Durations of a request that another slot has. */
    if (table->count < table->series_max + table->overflows)
        return add_series(draft, table, key);
    add_overflow(draft, table, overflow);
    return 0;
}

static int add_row(struct draft *draft, enum window_kind kind, struct key key)
{
    struct publisher *publisher = draft->publisher;
    uint32_t service = (uint32_t)(key.high >> 32);

    switch (kind) {
    case WINDOW_EDGE_OVERFLOW:
        CHECK(key.low < EDGE_VIEW_COUNT);
        add_overflow(draft, &publisher->edges, (uint32_t)key.low);
        return 0;
    case WINDOW_EDGE:
        return add(draft, &publisher->edges, key, (uint32_t)edge_key_view(key));
    case WINDOW_OPERATION_OVERFLOW:
        if (draft->without_operations)
            return 0;
        add_overflow(draft, &publisher->operations, SERIES_OVERFLOW);
        return 0;
    case WINDOW_OPERATION:
        CHECK(service < publisher->nodes_room);
        publisher->nodes[service].reported = service != CATALOG_OVERFLOW;
        if (draft->without_operations)
            return 0;
        return add(draft, &publisher->operations, key, SERIES_OVERFLOW);
    case WINDOW_LOSS:
        return add(draft, &publisher->losses, key, SERIES_OVERFLOW);
    }
    return 0;
}

/* ------------------------------------------------------------------ slots */

static bool is_wanted(const struct window_part *part, enum window_kind kind, struct key key)
{
    uint32_t client = kind == WINDOW_EDGE ? (uint32_t)(key.high >> 32) : CATALOG_OVERFLOW;
    uint32_t server = kind == WINDOW_EDGE ? (uint32_t)key.high : CATALOG_OVERFLOW;

    if (!part->is_narrow)
        return true;
    return (kind == WINDOW_EDGE || kind == WINDOW_EDGE_OVERFLOW) &&
           (part->client == CATALOG_NONE || part->client == client) &&
           (part->server == CATALOG_NONE || part->server == server);
}

static bool is_operation(enum window_kind kind)
{
    return kind == WINDOW_OPERATION || kind == WINDOW_OPERATION_OVERFLOW;
}

static int add_slots(struct draft *draft, const struct window_part *part)
{
    struct window_merge merge;
    int status = window_merge_init(&merge, part->count);

    if (status != 0)
        return status;
    for (size_t i = 0; i < part->count; i++)
        window_merge_set(&merge, i, draft->look->slots[part->first + i]->rows);
    while (status == 0 && window_merge_next(&merge)) {
        if (!is_wanted(part, merge.kind, merge.key))
            continue;
        if (!is_operation(merge.kind) || !draft->without_operations)
            window_merge_sum(&merge, &draft->sum);
        status = add_row(draft, merge.kind, merge.key);
    }
    window_merge_release(&merge);
    return status;
}

static struct accounting spans_between(const struct accounting *before,
                                       const struct accounting *after)
{
    struct accounting spans = *after;

    spans.received -= before->received;
    spans.internal -= before->internal;
    spans.paired -= before->paired;
    spans.duplicate -= before->duplicate;
    spans.waited = before->waiting;
    spans.waiting = 0; /* That of shards. */
    for (size_t i = 0; i < UNPAIRED_REASON_COUNT; i++)
        spans.unpaired[i] -= before->unpaired[i];
    for (size_t i = 0; i < DROPPED_REASON_COUNT; i++)
        spans.dropped[i] -= before->dropped[i];
    for (size_t i = 0; i < REJECTED_REASON_COUNT; i++)
        spans.rejected[i] -= before->rejected[i];
    return spans;
}

static struct link_accounting links_between(const struct link_accounting *before,
                                            const struct link_accounting *after)
{
    return (struct link_accounting){.links = after->links - before->links,
                                    .waited = before->waiting,
                                    .paired = after->paired - before->paired,
                                    .missing = after->missing - before->missing,
                                    .dropped = after->dropped - before->dropped};
}

static void add_accounting(struct draft *draft, const struct window_state *before,
                           const struct window_state *after)
{
    struct publisher *publisher = draft->publisher;

    publisher->accounting = spans_between(&before->accounting, &after->accounting);
    publisher->links = links_between(&before->links, &after->links);
    publisher->shards[0].waiting = after->accounting.waiting;
    publisher->shards[0].links_waiting = after->links.waiting;
}

/* ------------------------------------------------------------------ the whole */

static int make_publisher(struct draft *draft, struct wall_time start)
{
    const struct windows_options *windows = windows_options(draft->look->windows);
    struct publisher_options options = {
        .catalog = windows->catalog,
        .bounds = windows->bounds,
        .dimensions = windows->dimensions,
        .edges_max = windows->edges_max,
        .operations_max = windows->operations_max,
        .losses_max = windows->losses_max,
        .shards = 1,
        .start = start,
    };
    int status = publisher_new(&options, &draft->publisher);

    if (status != 0)
        return status;
    draft->publisher->of_window = true;
    draft->publisher->window_hold = draft->look->hold;
    return 0;
}

static int fill(struct draft *draft, const struct window_part *part)
{
    struct window_slot *const *slots = &draft->look->slots[part->first];
    int status = make_publisher(draft, slots[0]->start);

    if (status == 0)
        status = window_sum_init(&draft->sum);
    if (status == 0)
        status = use(draft, draft->publisher->nodes_room * sizeof(struct publisher_node));
    if (status == 0)
        status = add_slots(draft, part);
    if (status == 0)
        status = publisher_prepare_traces(draft->publisher);
    if (status != 0)
        return status;
    add_accounting(draft, &slots[0]->before, &slots[part->count - 1]->after);
    publisher_list_nodes(draft->publisher);
    draft->kept += draft->publisher->nodes_listed * sizeof(struct snapshot_node);
    return use(draft, draft->publisher->nodes_listed * sizeof(struct snapshot_node));
}

static int build(const struct window_look *look, const struct window_part *part,
                 uint32_t buckets_max, struct snapshot **out_snapshot)
{
    struct draft draft = {
        .look = look, .without_operations = part->without_operations, .buckets_max = buckets_max};
    struct snapshot *snapshot = NULL;
    int status = fill(&draft, part);

    if (status == 0)
        status = publisher_snapshot(draft.publisher,
                                    look->slots[part->first + part->count - 1]->end, &snapshot);
    window_sum_release(&draft.sum);
    publisher_free(draft.publisher);
    if (status != 0) {
        (void)atomic_fetch_sub(windows_answers(look->windows), draft.reserved);
        return status;
    }
    give_back(&draft);
    ((struct snapshot_box *)snapshot)->budget = windows_answers(look->windows);
    ((struct snapshot_box *)snapshot)->budget_bytes = draft.reserved;
    *out_snapshot = snapshot;
    return 0;
}

/* A window of full tables may hold more than there is memory for, however long one waits: quantiles that
 * are less exact are better than none. */
int window_snapshot_of(const struct window_look *look, const struct window_part *part,
                       struct snapshot **out_snapshot)
{
    int status = STATUS_BUSY;

    CHECK(part->count != 0 && part->first + part->count <= look->count);
    for (uint32_t most = HISTOGRAM_BUCKETS_MAX; status == STATUS_BUSY && most >= BUCKETS_LEAST;
         most /= COARSER)
        status = build(look, part, most, out_snapshot);
    return status;
}

int window_snapshot(const struct window_look *look, struct snapshot **out_snapshot)
{
    struct window_part whole = {.count = look->count};

    return window_snapshot_of(look, &whole, out_snapshot);
}

/* ------------------------------------------------------------------ nodes */

static void mark(bool *is_seen, uint32_t count, uint64_t node)
{
    CHECK(node < count);
    is_seen[node] = true;
}

static void mark_slot(const struct window_slot *slot, bool *is_seen, uint32_t count)
{
    struct window_cursor cursor;

    window_cursor_init(&cursor, slot->rows);
    while (window_cursor_next(&cursor))
        switch (cursor.kind) {
        case WINDOW_EDGE_OVERFLOW:
        case WINDOW_OPERATION_OVERFLOW:
            mark(is_seen, count, CATALOG_OVERFLOW);
            break;
        case WINDOW_EDGE:
            mark(is_seen, count, cursor.key.high >> 32);
            mark(is_seen, count, (uint32_t)cursor.key.high);
            break;
        case WINDOW_OPERATION:
            mark(is_seen, count, cursor.key.high >> 32);
            break;
        case WINDOW_LOSS:
            mark(is_seen, count, cursor.key.high);
            break;
        }
}

int window_nodes(const struct window_look *look, window_visit visit, void *context)
{
    const struct catalog *catalog = windows_options(look->windows)->catalog;
    uint32_t count = catalog_nodes(catalog);
    bool *is_seen = mem_calloc(count, sizeof(*is_seen));
    int status = 0;

    if (is_seen == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < look->count; i++)
        mark_slot(look->slots[i], is_seen, count);
    for (uint32_t i = 0; i < count && status == 0; i++)
        if (is_seen[i])
            status = visit(context, i, catalog_node_at(catalog, i));
    mem_free(is_seen);
    return status;
}
