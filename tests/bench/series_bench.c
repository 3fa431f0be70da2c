/* series_bench.c: what a series costs in memory.
 * Is:         2,000 edges and 2,000 operations through a tally, a publisher and a snapshot; heap
 *             bytes a series in each, for durations that spread fourfold and for the widest there
 *             can be. docs/METRICS.md has what it printed.
 * Is not:     a test: it never fails, and without mallinfo2() it says zero.
 */
#include <malloc.h>
#include <stdio.h>

#include "base/check.h"
#include "topology/publisher_priv.h"

enum { SERIES = 2000, OBSERVATIONS = 40 };

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static uint64_t duration_of(int which, bool is_wide)
{
    uint64_t base_ns = 10000000;

    return is_wide ? UINT64_C(1) << (which * 52 / OBSERVATIONS)
                   : base_ns + base_ns * 3 * (uint64_t)which / OBSERVATIONS;
}

static void count_edge(struct tally *tally, uint32_t number, bool is_wide)
{
    struct tally_request request = {.client = 1, .server = 3 + number, .weight = WEIGHT_ONE};

    for (int i = 0; i < OBSERVATIONS; i++) {
        for (size_t j = 0; j < EDGE_SECONDS_COUNT; j++)
            tally_observe(tally, &request.seconds[j], duration_of(i, is_wide), WEIGHT_ONE);
        tally_add_request(tally, &request);
    }
}

static void count_operation(struct tally *tally, uint32_t number, bool is_wide)
{
    struct tally_call call = {.service = 3 + number, .kind = 2, .weight = WEIGHT_ONE};

    for (int i = 0; i < OBSERVATIONS; i++) {
        for (size_t j = 0; j < OPERATION_SECONDS_COUNT; j++)
            tally_observe(tally, &call.seconds[j], duration_of(i, is_wide), WEIGHT_ONE);
        tally_add_call(tally, &call);
    }
}

static struct catalog *make_catalog(void)
{
    struct catalog_limits limits = {.services_max = SERIES + 8,
                                    .peers_max = 8,
                                    .operations_max = 8,
                                    .sites_max = 8,
                                    .text_bytes_max = 64};
    struct catalog *catalog;
    char name[32];

    CHECK(catalog_new(&limits, &catalog) == 0);
    for (int i = 0; i < SERIES; i++) {
        struct node node = {NODE_SERVICE, {NULL, 0}, {name, 0}};
        uint32_t number;
        node.name.size = (size_t)snprintf(name, sizeof(name), "service-%d", i);
        CHECK(catalog_node(catalog, &node, &number) == 0 && number == 3 + (uint32_t)i);
    }
    return catalog;
}

static void measure(bool of_edges, bool is_wide)
{
    struct catalog *catalog = make_catalog();
    struct tally_options tally_options = {&histogram_bounds_default, 1 << 20, 1 << 20, 8};
    struct publisher_options options = {.catalog = catalog,
                                        .bounds = &histogram_bounds_default,
                                        .edges_max = 1 << 20,
                                        .operations_max = 1 << 20,
                                        .losses_max = 8,
                                        .shards = 1,
                                        .start = {1}};
    struct publisher *publisher;
    struct tally *tally;
    struct snapshot *snapshot;
    size_t bytes[4];

    CHECK(publisher_new(&options, &publisher) == 0);
    CHECK(tally_new(&tally_options, &tally) == 0);
    bytes[0] = heap_bytes();
    for (uint32_t i = 0; i < SERIES; i++) {
        if (of_edges)
            count_edge(tally, i, is_wide);
        else
            count_operation(tally, i, is_wide);
    }
    tally_flush(tally);
    bytes[1] = heap_bytes();
    CHECK(publisher_absorb(publisher, 0, tally, (struct wall_time){2}) == 0);
    bytes[2] = heap_bytes();
    CHECK(publisher_snapshot(publisher, (struct wall_time){3}, &snapshot) == 0);
    bytes[3] = heap_bytes();
    printf("%-10s %-8s  tally %5zu  cumulated %5zu  snapshot %5zu  bytes each\n",
           of_edges ? "edge" : "operation", is_wide ? "widest" : "usual",
           (bytes[1] - bytes[0]) / SERIES, (bytes[2] - bytes[1]) / SERIES,
           (bytes[3] - bytes[2]) / SERIES);
    snapshot_release(snapshot);
    tally_free(tally);
    publisher_free(publisher);
    catalog_free(catalog);
}

int main(void)
{
    for (int of_edges = 1; of_edges >= 0; of_edges--)
        for (int is_wide = 0; is_wide < 2; is_wide++)
            measure(of_edges != 0, is_wide != 0);
    return 0;
}
