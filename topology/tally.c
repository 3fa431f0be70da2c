/* tally.c: three growing rows with a map each.
 *
 * A reset keeps the memory of rows and of their bins, so that a steady stream allocates nothing.
 */
#include "topology/tally.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog.h"
#include "topology/tally_priv.h"

enum { ROOM_FIRST = 32 };

_Static_assert(sizeof(struct tally_edge) == 64, "an edge is one cache line");

struct key edge_key(const struct tally_edge *edge)
{
    return (struct key){(uint64_t)edge->client << 32 | edge->server,
                        edge_key_low(edge->type, edge->view, edge->client_set, edge->server_set)};
}

struct key operation_key(const struct tally_operation *operation)
{
    return (struct key){(uint64_t)operation->service << 32 | operation->name,
                        operation_key_low(operation->set, operation->kind, operation->status)};
}

/* A set that has values becomes the overflow one, at `shift`. */
static bool drop_set(struct key *key, unsigned shift)
{
    uint64_t set = key->low >> shift & DIMENSION_SETS_MAX;

    if (set <= DIMENSIONS_OVERFLOW)
        return false;
    key->low ^= (set ^ DIMENSIONS_OVERFLOW) << shift;
    return true;
}

bool edge_key_without_values(struct key *key)
{
    bool client = drop_set(key, KEY_SET_SHIFT);

    return drop_set(key, KEY_SERVER_SET_SHIFT) || client;
}

bool operation_key_without_values(struct key *key)
{
    return drop_set(key, KEY_SET_SHIFT);
}

struct key loss_key(const struct tally_loss *loss)
{
    return (struct key){loss->service, (uint64_t)loss->kind << 16 |
                                           (uint64_t)(loss->dropped ? 1 : 0) << 8 | loss->reason};
}

/* Makes `*room` elements at least one more than `count`. */
static int grow(void **rows, uint32_t *room, uint32_t count, size_t size)
{
    uint32_t wanted = *room != 0 ? *room * 2 : ROOM_FIRST;
    void *grown;

    if (count < *room)
        return 0;
    /* Not by mem_realloc(): a row of edges is a cache line. */
    grown = mem_table(wanted * size);
    if (grown == NULL)
        return STATUS_NOMEM;
    if (count != 0)
        memcpy(grown, *rows, count * size);
    mem_free(*rows);
    *rows = grown;
    *room = wanted;
    return 0;
}

/* ------------------------------------------------------------------ bytes */

/* What a row takes beside what it observed, where both it and its map have just doubled, and what it
 * observes first: a head and a line a duration. */
enum {
    EDGE_ROW_BYTES = 2 * sizeof(struct tally_edge) + 4 * sizeof(struct key_slot),
    EDGE_FIRST_BYTES = 3 * 2 * sizeof(union bins_line),
    OPERATION_ROW_BYTES = 2 * sizeof(struct tally_operation) + 4 * sizeof(struct key_slot),
    OPERATION_FIRST_BYTES = 2 * 2 * sizeof(union bins_line),
    /* The most that one request or call may ask for. */
    COUNTED_BYTES = EDGE_SECONDS_COUNT * BINS_REST_BYTES + BINS_BLOCK_BYTES,
};

/* Whether there are bytes for another row; the last eighth is for those that are there. */
static bool has_bytes(uint64_t bytes, uint64_t most)
{
    return most == 0 || bytes <= most - most / 8;
}

static bool has_room_for_edge(const struct tally *tally)
{
    return tally->edges_count < tally->options.edges_max + EDGE_VIEW_COUNT &&
           has_bytes(tally->edge_bytes + (tally->edges_count + 1) * (uint64_t)EDGE_ROW_BYTES +
                         EDGE_FIRST_BYTES,
                     tally->options.edges_bytes_max);
}

static bool has_room_for_operation(const struct tally *tally)
{
    return tally->operations_count <= tally->options.operations_max &&
           has_bytes(tally->operation_bytes +
                         (tally->operations_count + 1) * (uint64_t)OPERATION_ROW_BYTES +
                         OPERATION_FIRST_BYTES,
                     tally->options.operations_bytes_max);
}

/* Whether rows with values of dimensions have all that they may take. */
static bool edges_have_their_values(const struct tally *tally)
{
    uint64_t bytes = tally->edge_bytes + tally->edges_count * (uint64_t)EDGE_ROW_BYTES;

    return tally->edges_with_values >= values_room(tally->options.edges_max) ||
           values_fill_bytes(tally->edges_with_values, tally->edges_count, bytes,
                             tally->options.edges_bytes_max);
}

static bool operations_have_their_values(const struct tally *tally)
{
    uint64_t bytes = tally->operation_bytes +
                     tally->operations_count * (uint64_t)OPERATION_ROW_BYTES;

    return tally->operations_with_values >= values_room(tally->options.operations_max) ||
           values_fill_bytes(tally->operations_with_values, tally->operations_count, bytes,
                             tally->options.operations_bytes_max);
}

static bool is_bounded(const struct tally *tally)
{
    return tally->options.edges_bytes_max != 0 && tally->options.operations_bytes_max != 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What rows and maps take, which keep the memory of the most that there were, and what these rows may. */
static uint64_t row_bytes(const struct tally *tally)
{
    uint64_t edges = tally->edges_room * sizeof(struct tally_edge) +
                     (tally->edge_map.mask + 1) * sizeof(struct key_slot);
    uint64_t operations = tally->operations_room * sizeof(struct tally_operation) +
                          (tally->operation_map.mask + 1) * sizeof(struct key_slot);

    return larger(edges, tally->edges_count * (uint64_t)EDGE_ROW_BYTES) +
           larger(operations, tally->operations_count * (uint64_t)OPERATION_ROW_BYTES);
}

/* Whether so much more keeps within both bounds together. */
static bool has_left(const struct tally *tally, uint64_t more)
{
    return row_bytes(tally) + bins_pool_bytes(&tally->pool) + more <=
           tally->options.edges_bytes_max + tally->options.operations_bytes_max;
}

uint64_t tally_measure(struct tally *tally)
{
    const uint64_t most = (uint64_t)TALLY_QUEUE * COUNTED_BYTES;

    tally->is_tight = is_bounded(tally) && !has_left(tally, most);
    tally->pool.is_short = is_bounded(tally) && !has_left(tally, most + BINS_AREA_BYTES);
    return bins_pool_taken(&tally->pool);
}

/* Whether all that is observed at once finds its place without more memory. */
static bool has_places(const struct tally *tally, const uint32_t bins[],
                       const struct tally_seconds seconds[], size_t count)
{
    uint32_t lines_left = bins_lines_left(&tally->pool);

    for (size_t i = 0; i < count; i++)
        if (seconds[i].weight != 0 &&
            !bins_have_place(&tally->pool, bins[i], seconds[i].duration_ns, seconds[i].weight,
                             &lines_left))
            return false;
    return true;
}

/* Whether what is counted in a row finds its bytes. */
static bool is_in_room(struct tally *tally, const uint32_t bins[],
                       const struct tally_seconds seconds[], size_t count)
{
    if (has_left(tally, COUNTED_BYTES))
        return true;
    bins_pool_trim(&tally->pool);
    return has_left(tally, COUNTED_BYTES) || has_places(tally, bins, seconds, count);
}

uint32_t tally_edge_in_room(struct tally *tally, const struct tally_request *request, uint32_t row)
{
    if (row == KEY_NONE || row < EDGE_VIEW_COUNT ||
        is_in_room(tally, tally->edges[row].seconds, request->seconds, EDGE_SECONDS_COUNT))
        return row;
    tally->counts.edges_overflowed += request->weight != 0;
    return (uint32_t)request->view;
}

uint32_t tally_operation_in_room(struct tally *tally, const struct tally_call *call, uint32_t row)
{
    if (row == KEY_NONE || row == 0 ||
        is_in_room(tally, tally->operations[row].seconds, call->seconds, OPERATION_SECONDS_COUNT))
        return row;
    tally->counts.operations_overflowed++;
    return 0;
}

/* ------------------------------------------------------------------ rows */

static int add_edge(struct tally *tally, const struct tally_edge *edge)
{
    void *rows = tally->edges;

    if (grow(&rows, &tally->edges_room, tally->edges_count, sizeof(*edge)) != 0)
        return STATUS_NOMEM;
    tally->edges = rows;
    tally->edges[tally->edges_count++] = *edge;
    return 0;
}

static struct tally_edge edge_of(const struct tally_request *request)
{
    return (struct tally_edge){.client = request->client,
                               .server = request->server,
                               .type = (uint64_t)request->type & 0xFF,
                               .view = (uint64_t)request->view & 0xFF,
                               .client_set = request->client_set & DIMENSION_SETS_MAX,
                               .server_set = request->server_set & DIMENSION_SETS_MAX};
}

/* Its row; KEY_NONE: there is no memory, which is counted. */
static uint32_t new_edge(struct tally *tally, const struct tally_edge *edge)
{
    struct key key = edge_key(edge);

    if (key_map_prepare(&tally->edge_map) != 0 || add_edge(tally, edge) != 0) {
        tally->counts.memory_failures++;
        return KEY_NONE;
    }
    key_map_add(&tally->edge_map, key, tally->edges_count - 1);
    tally->edges_with_values += edge_key_without_values(&key);
    return tally->edges_count - 1;
}

uint32_t tally_edge_row(struct tally *tally, const struct tally_request *request)
{
    struct tally_edge edge = edge_of(request);
    struct key key = tally_request_key(request);
    uint32_t number = key_map_find(&tally->edge_map, key);
    bool is_without = false;

    if (number != KEY_NONE)
        return number;
    if ((edges_have_their_values(tally) || !has_room_for_edge(tally)) &&
        edge_key_without_values(&key)) {
        edge.client_set = edge_key_client_set(key) & DIMENSION_SETS_MAX;
        edge.server_set = edge_key_server_set(key) & DIMENSION_SETS_MAX;
        number = key_map_find(&tally->edge_map, key);
        is_without = true;
    }
    if (number == KEY_NONE && !has_room_for_edge(tally)) {
        tally->counts.edges_overflowed += request->weight != 0;
        return (uint32_t)request->view;
    }
    if (number == KEY_NONE)
        number = new_edge(tally, &edge);
    /* Durations alone are no request. */
    if (is_without && number != KEY_NONE)
        tally->counts.values_overflowed += request->weight != 0;
    return number;
}

static int add_operation(struct tally *tally, const struct tally_operation *operation)
{
    void *rows = tally->operations;

    if (grow(&rows, &tally->operations_room, tally->operations_count, sizeof(*operation)) != 0)
        return STATUS_NOMEM;
    tally->operations = rows;
    tally->operations[tally->operations_count++] = *operation;
    return 0;
}

static struct tally_operation operation_of(const struct tally_call *call)
{
    return (struct tally_operation){.service = call->service,
                                    .name = call->name,
                                    .set = call->set,
                                    .kind = call->kind,
                                    .status = call->status};
}

/* As new_edge(). */
static uint32_t new_operation(struct tally *tally, const struct tally_operation *operation)
{
    struct key key = operation_key(operation);

    if (key_map_prepare(&tally->operation_map) != 0 || add_operation(tally, operation) != 0) {
        tally->counts.memory_failures++;
        return KEY_NONE;
    }
    key_map_add(&tally->operation_map, key, tally->operations_count - 1);
    tally->operations_with_values += operation_key_without_values(&key);
    return tally->operations_count - 1;
}

uint32_t tally_operation_row(struct tally *tally, const struct tally_call *call)
{
    struct tally_operation operation = operation_of(call);
    struct key key = tally_call_key(call);
    uint32_t number = key_map_find(&tally->operation_map, key);
    bool is_without = false;

    if (number != KEY_NONE)
        return number;
    if ((operations_have_their_values(tally) || !has_room_for_operation(tally)) &&
        operation_key_without_values(&key)) {
        operation.set = DIMENSIONS_OVERFLOW;
        number = key_map_find(&tally->operation_map, key);
        is_without = true;
    }
    if (number == KEY_NONE && !has_room_for_operation(tally)) {
        tally->counts.operations_overflowed++;
        return 0;
    }
    if (number == KEY_NONE)
        number = new_operation(tally, &operation);
    if (is_without && number != KEY_NONE)
        tally->counts.values_overflowed++;
    return number;
}

void tally_lose(struct tally *tally, const struct tally_loss *loss)
{
    struct tally_loss wanted = *loss;
    uint32_t number = key_map_find(&tally->loss_map, loss_key(&wanted));
    void *rows = tally->losses;

    if (number == KEY_NONE && tally->losses_count >= tally->options.losses_max) {
        /* Kinds and reasons are few: under one node they fit past the bound. */
        wanted.service = CATALOG_OVERFLOW;
        number = key_map_find(&tally->loss_map, loss_key(&wanted));
    }
    if (number != KEY_NONE) {
        struct tally_loss *known = &tally->losses[number];
        memcpy(known->traces[known->spans++ % LOSS_TRACES], loss->traces[0],
               sizeof(loss->traces[0]));
        return;
    }
    if (key_map_prepare(&tally->loss_map) != 0 ||
        grow(&rows, &tally->losses_room, tally->losses_count, sizeof(*loss)) != 0) {
        tally->counts.memory_failures++;
        return;
    }
    tally->losses = rows;
    wanted.spans = 1;
    tally->losses[tally->losses_count] = wanted;
    key_map_add(&tally->loss_map, loss_key(&wanted), tally->losses_count);
    tally->losses_count++;
}

/* ------------------------------------------------------------------ exemplars */

/* They are examples: one that finds no room is missed by nobody. */
void tally_keep(struct tally *tally, const struct tally_exemplar *kept)
{
    void *rows = tally->exemplars;

    if (tally->exemplars_count >= tally->options.exemplars_max ||
        grow(&rows, &tally->exemplars_room, tally->exemplars_count, sizeof(*kept)) != 0)
        return;
    tally->exemplars = rows;
    tally->exemplars[tally->exemplars_count++] = *kept;
}

/* ------------------------------------------------------------------ the ends */

static int add_overflows(struct tally *tally)
{
    struct tally_edge edge = {
        .client = CATALOG_OVERFLOW, .server = CATALOG_OVERFLOW, .overflow = true};
    struct tally_operation operation = {
        .service = CATALOG_OVERFLOW, .name = CATALOG_OVERFLOW, .overflow = true};
    int status = 0;

    for (unsigned view = 0; view < EDGE_VIEW_COUNT && status == 0; view++) {
        edge.view = (uint8_t)view;
        status = add_edge(tally, &edge);
    }
    return status == 0 ? add_operation(tally, &operation) : status;
}

int tally_new(const struct tally_options *options, struct tally **out_tally)
{
    struct tally *tally = mem_calloc(1, sizeof(*tally));
    int status;

    if (tally == NULL)
        return STATUS_NOMEM;
    tally->options = *options;
    status = key_map_init(&tally->edge_map);
    if (status == 0)
        status = key_map_init(&tally->operation_map);
    if (status == 0)
        status = key_map_init(&tally->loss_map);
    if (status == 0)
        status = bins_pool_init(&tally->pool, options->bounds);
    if (status == 0)
        status = add_overflows(tally);
    if (status != 0) {
        tally_free(tally);
        return status;
    }
    *out_tally = tally;
    return 0;
}

void tally_free(struct tally *tally)
{
    if (tally == NULL)
        return;
    mem_free(tally->edges);
    mem_free(tally->operations);
    mem_free(tally->losses);
    mem_free(tally->exemplars);
    key_map_release(&tally->edge_map);
    key_map_release(&tally->operation_map);
    key_map_release(&tally->loss_map);
    bins_pool_release(&tally->pool);
    mem_free(tally);
}

void tally_reset(struct tally *tally)
{
    CHECK(tally->requests_waiting == 0 && tally->calls_waiting == 0);
    for (size_t i = 0; i < EDGE_VIEW_COUNT; i++) {
        tally->edges[i].requests = tally->edges[i].failed = 0;
        tally->edges[i].is_counted = 0;
        memset(tally->edges[i].seconds, 0, sizeof(tally->edges[i].seconds));
    }
    tally->operations[0].calls = 0;
    memset(tally->operations[0].seconds, 0, sizeof(tally->operations[0].seconds));
    bins_pool_reset(&tally->pool);
    tally->edge_bytes = tally->operation_bytes = 0;
    if (tally->is_tight)
        bins_pool_trim(&tally->pool);
    tally->edges_count = EDGE_VIEW_COUNT;
    tally->operations_count = 1;
    tally->edges_with_values = tally->operations_with_values = 0;
    tally->losses_count = 0;
    tally->exemplars_count = 0;
    key_map_reset(&tally->edge_map);
    key_map_reset(&tally->operation_map);
    key_map_reset(&tally->loss_map);
    tally->accounting = (struct accounting){0};
    tally->links = (struct link_accounting){0};
    tally->counts = (struct topology_counts){0};
    tally->span_first_ns = tally->span_last_ns = 0;
}

bool tally_edge_is_counted(const struct tally *tally, const struct tally_edge *edge)
{
    bool is_counted = (edge->requests | edge->failed | edge->is_counted) != 0;

    for (size_t i = 0; i < EDGE_SECONDS_COUNT && !is_counted; i++)
        is_counted = !bins_are_empty(&tally->pool, edge->seconds[i]);
    return is_counted;
}

bool tally_is_empty(const struct tally *tally)
{
    static const struct accounting no_spans;
    static const struct link_accounting no_links;
    static const struct topology_counts no_counts;
    bool overflowed = false;

    for (size_t i = 0; i < EDGE_VIEW_COUNT; i++)
        overflowed |= tally_edge_is_counted(tally, &tally->edges[i]);
    return tally->requests_waiting == 0 && tally->calls_waiting == 0 &&
           tally->edges_count == EDGE_VIEW_COUNT && !overflowed && tally->operations_count == 1 &&
           tally->operations[0].calls == 0 && tally->losses_count == 0 &&
           tally->span_first_ns == 0 && tally->span_last_ns == 0 &&
           memcmp(&tally->accounting, &no_spans, sizeof(no_spans)) == 0 &&
           memcmp(&tally->links, &no_links, sizeof(no_links)) == 0 &&
           memcmp(&tally->counts, &no_counts, sizeof(no_counts)) == 0;
}
