/* tally_queue.c: counts wait a moment, so that the lines which they need are on their way.
 *
 * With ten thousand edges none of their lines is in the cache when it is asked for. So counts are
 * taken up by the dozen and in steps, each of which prefetches what the next one reads: slots of the
 * map, rows, heads of histograms, buckets. Few rows are in the cache anyway.
 */
#include "base/check.h"
#include "topology/slab.h"
#include "topology/tally_priv.h"

enum { FEW_ROWS = 1024 }; /* With some 400 bytes each. */

static bool is_small(const struct tally *tally)
{
    return tally->edges_count + tally->operations_count <= FEW_ROWS;
}

/* Whether it is worth an exemplar: the first of its bucket since the tally was empty, or the slowest. */
static inline ALWAYS_INLINE bool observe(struct tally *tally, uint32_t *bins,
                                         const struct tally_seconds *seconds)
{
    uint64_t duration_ns = seconds->duration_ns;
    int status;

    if (seconds->weight == 0)
        return false;
    if (seconds->weight == WEIGHT_ONE && duration_ns != 0)
        status = bins_observe(&tally->pool, bins, grid_place(&tally->pool.grid, duration_ns),
                              duration_ns);
    else
        status = bins_observe_any(&tally->pool, bins, duration_ns, seconds->weight);
    if (status == STATUS_NOMEM)
        tally->counts.memory_failures++;
    return status == BINS_NOTABLE;
}

/* Of none it is the first. */
static uint32_t classic_of(const struct tally *tally, uint64_t duration_ns)
{
    return duration_ns != 0 ? grid_place(&tally->pool.grid, duration_ns).classic : 0;
}

static struct exemplar exemplar_of(const struct tally *tally, const struct tally_seconds *seconds,
                                   size_t which)
{
    return (struct exemplar){
        .duration_ns = seconds->duration_ns & (2 * DURATION_NS_MAX - 1),
        .which = which & 3,
        .bucket = classic_of(tally, seconds->duration_ns) & 63,
    };
}

static inline ALWAYS_INLINE void prefetch_head(const struct tally *tally, uint32_t bins)
{
    __builtin_prefetch(bins_of(&tally->pool, bins), 1);
}

static inline ALWAYS_INLINE void prefetch_counter(const struct tally *tally, uint32_t bins,
                                                  const struct tally_seconds *seconds)
{
    if (seconds->duration_ns != 0)
        bins_prefetch(&tally->pool, bins, grid_place(&tally->pool.grid, seconds->duration_ns));
}

/* ------------------------------------------------------------------ requests */

static void keep(struct tally *tally, const struct tally_request *request, uint32_t row,
                 struct exemplar exemplar, uint64_t span)
{
    struct tally_exemplar kept = {.row = row, .exemplar = exemplar};

    if (span == 0)
        return;
    kept.exemplar.trace[0] = request->trace[0];
    kept.exemplar.trace[1] = request->trace[1];
    kept.exemplar.span = span;
    kept.exemplar.failed = request->failed != 0 || request->client_failed || request->server_failed;
    tally_keep(tally, &kept);
}

static void keep_observed(struct tally *tally, const struct tally_request *request, uint32_t row,
                          size_t which)
{
    bool is_server = which == SECONDS_SERVER ||
                     (which == SECONDS_MESSAGING && request->client_span == 0);
    uint64_t span = is_server ? request->server_span : request->client_span;

    keep(tally, request, row, exemplar_of(tally, &request->seconds[which], which), span);
}

/* The span that failed, or if it is not known, one of the call. */
static void keep_failed(struct tally *tally, const struct tally_request *request, uint32_t row)
{
    bool is_server = request->server_span != 0 &&
                     (request->server_failed || request->client_span == 0);
    size_t which = is_server ? SECONDS_SERVER : SECONDS_CLIENT;
    struct exemplar exemplar = exemplar_of(tally, &request->seconds[which], which);

    if (request->seconds[which].weight == 0)
        exemplar.bucket = EXEMPLAR_NO_BUCKET;
    exemplar.of_failure = 1;
    keep(tally, request, row, exemplar, is_server ? request->server_span : request->client_span);
}

static void count_request(struct tally *tally, const struct tally_request *request, uint32_t row)
{
    struct tally_edge *edge;

    if (tally->is_tight)
        row = tally_edge_in_room(tally, request, row);
    if (row == KEY_NONE)
        return;
    edge = &tally->edges[row];
    if (edge->failed == 0 && request->failed != 0)
        keep_failed(tally, request, row);
    edge->requests += request->weight;
    edge->failed += request->failed;
    if (request->is_counted)
        edge->is_counted = 1;
    for (size_t i = 0; i < EDGE_SECONDS_COUNT; i++)
        if (observe(tally, &edge->seconds[i], &request->seconds[i]))
            keep_observed(tally, request, row, i);
}

/* That of the map, or one that is made. */
static inline ALWAYS_INLINE uint32_t edge_row(struct tally *tally,
                                              const struct tally_request *request, struct key key)
{
    uint32_t row = key_map_find(&tally->edge_map, key);

    return row != KEY_NONE ? row : tally_edge_row(tally, request);
}

/* The row of each; their lines are on their way. */
static void find_requests(struct tally *tally, uint32_t count, uint32_t rows[TALLY_QUEUE])
{
    struct key keys[TALLY_QUEUE];

    for (uint32_t i = 0; i < count; i++) {
        keys[i] = tally_request_key(&tally->requests[i]);
        key_map_prefetch(&tally->edge_map, keys[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = edge_row(tally, &tally->requests[i], keys[i]);
        if (rows[i] != KEY_NONE)
            __builtin_prefetch(&tally->edges[rows[i]], 1);
    }
    for (uint32_t i = 0; i < count; i++)
        for (size_t j = 0; j < EDGE_SECONDS_COUNT && rows[i] != KEY_NONE; j++)
            if (tally->requests[i].seconds[j].weight != 0)
                prefetch_head(tally, tally->edges[rows[i]].seconds[j]);
    for (uint32_t i = 0; i < count; i++)
        for (size_t j = 0; j < EDGE_SECONDS_COUNT && rows[i] != KEY_NONE; j++)
            if (tally->requests[i].seconds[j].weight != 0)
                prefetch_counter(tally, tally->edges[rows[i]].seconds[j],
                                 &tally->requests[i].seconds[j]);
}

void tally_flush_requests(struct tally *tally)
{
    uint32_t count = tally->requests_waiting;
    uint64_t taken = tally_measure(tally);
    uint32_t rows[TALLY_QUEUE];

    if (is_small(tally))
        for (uint32_t i = 0; i < count; i++) {
            const struct tally_request *request = &tally->requests[i];
            rows[i] = edge_row(tally, request, tally_request_key(request));
        }
    else
        find_requests(tally, count, rows);
    for (uint32_t i = 0; i < count; i++)
        count_request(tally, &tally->requests[i], rows[i]);
    tally->requests_waiting = 0;
    tally->edge_bytes += bins_pool_taken(&tally->pool) - taken;
}

/* ------------------------------------------------------------------ calls */

static void keep_call(struct tally *tally, const struct tally_call *call, uint32_t row,
                      size_t which)
{
    struct tally_exemplar kept = {
        .row = row,
        .is_operation = true,
        .exemplar = exemplar_of(tally, &call->seconds[which], which),
    };

    if (call->span == 0)
        return;
    kept.exemplar.trace[0] = call->trace[0];
    kept.exemplar.trace[1] = call->trace[1];
    kept.exemplar.span = call->span;
    kept.exemplar.failed = call->status == SPAN_STATUS_ERROR;
    tally_keep(tally, &kept);
}

static void count_call(struct tally *tally, const struct tally_call *call, uint32_t row)
{
    struct tally_operation *operation;

    if (tally->is_tight)
        row = tally_operation_in_room(tally, call, row);
    if (row == KEY_NONE)
        return;
    operation = &tally->operations[row];
    operation->calls += call->weight;
    for (size_t i = 0; i < OPERATION_SECONDS_COUNT; i++)
        if (observe(tally, &operation->seconds[i], &call->seconds[i]))
            keep_call(tally, call, row, i);
}

/* As edge_row(). */
static inline ALWAYS_INLINE uint32_t operation_row(struct tally *tally,
                                                   const struct tally_call *call, struct key key)
{
    uint32_t row = key_map_find(&tally->operation_map, key);

    return row != KEY_NONE ? row : tally_operation_row(tally, call);
}

/* As find_requests(). */
static void find_calls(struct tally *tally, uint32_t count, uint32_t rows[TALLY_QUEUE])
{
    struct key keys[TALLY_QUEUE];

    for (uint32_t i = 0; i < count; i++) {
        keys[i] = tally_call_key(&tally->calls[i]);
        key_map_prefetch(&tally->operation_map, keys[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = operation_row(tally, &tally->calls[i], keys[i]);
        if (rows[i] != KEY_NONE)
            __builtin_prefetch(&tally->operations[rows[i]], 1);
    }
    for (uint32_t i = 0; i < count; i++)
        for (size_t j = 0; j < OPERATION_SECONDS_COUNT && rows[i] != KEY_NONE; j++)
            prefetch_head(tally, tally->operations[rows[i]].seconds[j]);
    for (uint32_t i = 0; i < count; i++)
        for (size_t j = 0; j < OPERATION_SECONDS_COUNT && rows[i] != KEY_NONE; j++)
            prefetch_counter(tally, tally->operations[rows[i]].seconds[j],
                             &tally->calls[i].seconds[j]);
}

void tally_flush_calls(struct tally *tally)
{
    uint32_t count = tally->calls_waiting;
    uint64_t taken = tally_measure(tally);
    uint32_t rows[TALLY_QUEUE];

    if (is_small(tally))
        for (uint32_t i = 0; i < count; i++) {
            const struct tally_call *call = &tally->calls[i];
            rows[i] = operation_row(tally, call, tally_call_key(call));
        }
    else
        find_calls(tally, count, rows);
    for (uint32_t i = 0; i < count; i++)
        count_call(tally, &tally->calls[i], rows[i]);
    tally->calls_waiting = 0;
    tally->operation_bytes += bins_pool_taken(&tally->pool) - taken;
}

void tally_flush(struct tally *tally)
{
    tally_flush_requests(tally);
    tally_flush_calls(tally);
}
