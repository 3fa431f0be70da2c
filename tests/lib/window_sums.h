/* window_sums.h: what several snapshots come to, series by series, and whether another one says that. */
#ifndef SPANMAP_TESTS_LIB_WINDOW_SUMS_H
#define SPANMAP_TESTS_LIB_WINDOW_SUMS_H

#include "tests/lib/test.h"
#include "topology/snapshot.h"

enum { SERIES_MAX = 128 };

/* What windows came to, by the texts of their nodes. */
struct sums {
    struct accounting accounting;
    size_t edges_count;
    struct snapshot_edge edges[SERIES_MAX];
    struct view clients[SERIES_MAX], servers[SERIES_MAX];
    struct histogram *edge_seconds[SERIES_MAX][4];
    size_t operations_count;
    struct snapshot_operation operations[SERIES_MAX];
    struct view services[SERIES_MAX];
    struct histogram *latency[SERIES_MAX];
    size_t losses_count;
    struct snapshot_loss losses[SERIES_MAX];
    struct view losers[SERIES_MAX];
};

static inline void sums_merge_into(struct histogram **into, const struct histogram *from)
{
    if (from == NULL)
        return;
    if (*into == NULL)
        assert_int_equal(histogram_new(into), 0);
    assert_int_equal(histogram_merge(*into, from), 0);
}

static inline void sums_add_edge(struct sums *sums, const struct snapshot *snapshot,
                                 const struct snapshot_edge *edge)
{
    struct view client = snapshot->nodes[edge->client].node.name;
    struct view server = snapshot->nodes[edge->server].node.name;
    const struct histogram *all[] = {edge->client_seconds, edge->server_seconds,
                                     edge->network_seconds, edge->messaging_seconds};
    size_t i = 0;

    while (i < sums->edges_count &&
           !(view_equal(sums->clients[i], client) && view_equal(sums->servers[i], server) &&
             sums->edges[i].view == edge->view && sums->edges[i].overflow == edge->overflow))
        i++;
    if (i == sums->edges_count) {
        assert_in_range(++sums->edges_count, 1, SERIES_MAX);
        sums->edges[i] = *edge;
        sums->edges[i].requests = sums->edges[i].failed = 0;
        sums->clients[i] = client;
        sums->servers[i] = server;
    }
    sums->edges[i].requests += edge->requests;
    sums->edges[i].failed += edge->failed;
    for (size_t k = 0; k < 4; k++)
        sums_merge_into(&sums->edge_seconds[i][k], all[k]);
}

static inline void sums_add_operation(struct sums *sums, const struct snapshot *snapshot,
                                      const struct snapshot_operation *operation)
{
    struct view service = snapshot->nodes[operation->service].node.name;
    size_t i = 0;

    while (i < sums->operations_count &&
           !(view_equal(sums->services[i], service) && sums->operations[i].kind == operation->kind))
        i++;
    if (i == sums->operations_count) {
        assert_in_range(++sums->operations_count, 1, SERIES_MAX);
        sums->operations[i] = *operation;
        sums->operations[i].calls = 0;
        sums->services[i] = service;
    }
    sums->operations[i].calls += operation->calls;
    sums_merge_into(&sums->latency[i], operation->latency);
}

static inline void sums_add_loss(struct sums *sums, const struct snapshot *snapshot,
                                 const struct snapshot_loss *loss)
{
    struct view service = snapshot->nodes[loss->service].node.name;
    size_t i = 0;

    while (i < sums->losses_count && !view_equal(sums->losers[i], service))
        i++;
    if (i == sums->losses_count) {
        assert_in_range(++sums->losses_count, 1, SERIES_MAX);
        sums->losses[i] = *loss;
        sums->losses[i].spans = 0;
        sums->losers[i] = service;
    }
    sums->losses[i].spans += loss->spans;
}

static inline void sums_add(struct sums *sums, const struct snapshot *snapshot)
{
    struct accounting spans = snapshot->accounting;

    assert_true(accounting_holds(&spans));
    assert_true(link_accounting_holds(&snapshot->links));
    /* What waited at the end of the one before waits at the begin of this one. */
    assert_int_equal(spans.waited, sums->accounting.waiting);
    spans.waited = sums->accounting.waiting = 0;
    accounting_add(&sums->accounting, &spans);
    for (size_t i = 0; i < snapshot->edges_count; i++)
        sums_add_edge(sums, snapshot, &snapshot->edges[i]);
    for (size_t i = 0; i < snapshot->operations_count; i++)
        sums_add_operation(sums, snapshot, &snapshot->operations[i]);
    for (size_t i = 0; i < snapshot->losses_count; i++)
        sums_add_loss(sums, snapshot, &snapshot->losses[i]);
}

static inline void sums_release(struct sums *sums)
{
    for (size_t i = 0; i < SERIES_MAX; i++) {
        for (size_t k = 0; k < 4; k++)
            histogram_free(sums->edge_seconds[i][k]);
        histogram_free(sums->latency[i]);
    }
}

static inline void sums_assert_same(const struct histogram *sum,
                                    const struct histogram *since_start)
{
    if (since_start == NULL) {
        assert_null(sum);
        return;
    }
    assert_non_null(sum);
    assert_true(sum->count == since_start->count && sum->sum == since_start->sum);
    assert_true(sum->zero_count == since_start->zero_count);
    assert_true(sum->min_ns == since_start->min_ns && sum->max_ns == since_start->max_ns);
    assert_int_equal(sum->scale, since_start->scale);
    assert_int_equal(sum->length, since_start->length);
    assert_memory_equal(sum->classic, since_start->classic, sizeof(sum->classic));
    if (sum->length != 0)
        assert_memory_equal(sum->buckets, since_start->buckets,
                            sum->length * sizeof(*sum->buckets));
}

/* The sums of all windows are those of the map since the start. */
static inline void sums_assert(struct sums *sums, const struct snapshot *snapshot)
{
    struct sums whole = {.edges_count = 0};

    sums_add(&whole, snapshot);
    assert_memory_equal(&sums->accounting, &whole.accounting, sizeof(whole.accounting));
    assert_int_equal(sums->edges_count, whole.edges_count);
    assert_int_equal(sums->operations_count, whole.operations_count);
    assert_int_equal(sums->losses_count, whole.losses_count);
    /* Both have the same order once the windows' is that of the whole: looked up by adding nothing. */
    for (size_t i = 0; i < whole.edges_count; i++)
        for (size_t k = 0; k < sums->edges_count; k++) {
            if (!view_equal(sums->clients[k], whole.clients[i]) ||
                !view_equal(sums->servers[k], whole.servers[i]) ||
                sums->edges[k].overflow != whole.edges[i].overflow)
                continue;
            assert_true(sums->edges[k].requests == whole.edges[i].requests);
            assert_true(sums->edges[k].failed == whole.edges[i].failed);
            for (size_t j = 0; j < 4; j++)
                sums_assert_same(sums->edge_seconds[k][j], whole.edge_seconds[i][j]);
            whole.edges[i].client = CATALOG_NONE; /* Found. */
        }
    for (size_t i = 0; i < whole.operations_count; i++)
        for (size_t k = 0; k < sums->operations_count; k++) {
            if (!view_equal(sums->services[k], whole.services[i]) ||
                sums->operations[k].kind != whole.operations[i].kind)
                continue;
            assert_true(sums->operations[k].calls == whole.operations[i].calls);
            sums_assert_same(sums->latency[k], whole.latency[i]);
            whole.operations[i].service = CATALOG_NONE;
        }
    for (size_t i = 0; i < whole.losses_count; i++)
        for (size_t k = 0; k < sums->losses_count; k++)
            if (view_equal(sums->losers[k], whole.losers[i])) {
                assert_true(sums->losses[k].spans == whole.losses[i].spans);
                whole.losses[i].service = CATALOG_NONE;
            }
    for (size_t i = 0; i < whole.edges_count; i++)
        assert_true(whole.edges[i].client == CATALOG_NONE);
    for (size_t i = 0; i < whole.operations_count; i++)
        assert_true(whole.operations[i].service == CATALOG_NONE);
    for (size_t i = 0; i < whole.losses_count; i++)
        assert_true(whole.losses[i].service == CATALOG_NONE);
    sums_release(&whole);
}

#endif
