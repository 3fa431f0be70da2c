/* series_memory.c: 2,000 edges or operations through a tally, a publisher and a snapshot. */
#include "tests/lib/series_memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"
#include "topology/publisher_priv.h"

enum { SERIES = 2000, OBSERVATIONS = 40 };

size_t series_heap_bytes(void)
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
            if (j != SECONDS_MESSAGING) /* A call has no delay, a message no time on the network. */
                tally_observe(&request.seconds[j], duration_of(i, is_wide), WEIGHT_ONE);
        tally_add_request(tally, &request);
    }
}

static void count_operation(struct tally *tally, uint32_t number, bool is_wide)
{
    struct tally_call call = {.service = 3 + number, .kind = 2, .weight = WEIGHT_ONE};

    for (int i = 0; i < OBSERVATIONS; i++) {
        for (size_t j = 0; j < OPERATION_SECONDS_COUNT; j++)
            tally_observe(&call.seconds[j], duration_of(i, is_wide), WEIGHT_ONE);
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

void series_measure(bool of_edges, bool is_wide, struct series_memory *out_memory)
{
    struct catalog *catalog = make_catalog();
    struct tally_options tally_options = {&histogram_bounds_default, 1 << 20, 1 << 20, 8, 0, 0, 0};
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
    size_t idle; /* What the tally's pool holds ready for others, at most an area. */

    CHECK(publisher_new(&options, &publisher) == 0);
    CHECK(tally_new(&tally_options, &tally) == 0);
    bytes[0] = series_heap_bytes();
    for (uint32_t i = 0; i < SERIES; i++) {
        if (of_edges)
            count_edge(tally, i, is_wide);
        else
            count_operation(tally, i, is_wide);
    }
    tally_flush(tally);
    bytes[1] = series_heap_bytes();
    idle = bins_pool_bytes(&tally->pool) - bins_pool_taken(&tally->pool);
    CHECK(publisher_absorb(publisher, 0, tally, (struct wall_time){2}) == 0);
    bytes[2] = series_heap_bytes();
    CHECK(publisher_snapshot(publisher, (struct wall_time){3}, &snapshot) == 0);
    bytes[3] = series_heap_bytes();
    *out_memory = (struct series_memory){
        .tally = (bytes[1] - bytes[0] - idle) / SERIES,
        .cumulated = (bytes[2] - bytes[1]) / SERIES,
        .snapshot = (bytes[3] - bytes[2]) / SERIES,
    };
    snapshot_release(snapshot);
    tally_free(tally);
    publisher_free(publisher);
    catalog_free(catalog);
}
