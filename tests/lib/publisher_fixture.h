/* publisher_fixture.h: tallies of shards, and the publisher that adds them up. */
#ifndef SPANMAP_TESTS_LIB_PUBLISHER_FIXTURE_H
#define SPANMAP_TESTS_LIB_PUBLISHER_FIXTURE_H

#include "tests/lib/shard_fixture.h"
#include "tests/lib/test.h"
#include "topology/publisher.h"
#include "topology/publisher_priv.h"
#include "topology/tally_priv.h"
#include "topology/windows.h"
#include <stdio.h>

static const struct tally_options tally_options = {
    &histogram_bounds_default, 100, 100, 100, 64, 0, 0};

struct stage {
    struct catalog *catalog;
    struct windows *windows; /* NULL, but for setup_stage_with_windows(). */
    struct publisher *publisher;
    struct tally *tally;
    uint32_t a, b;
};

static inline uint32_t service(struct stage *stage, const char *name)
{
    struct node node = {NODE_SERVICE, {NULL, 0}, view_of(name)};
    uint32_t number = 0;

    assert_int_equal(catalog_node(stage->catalog, &node, &number), 0);
    return number;
}

/* `windows` says how long what is kept, and in how many bytes; NULL: no windows. */
static inline void setup_stage_with_windows(struct stage *stage, unsigned shards,
                                            const struct windows_options *windows)
{
    struct catalog_limits limits = {100, 100, 100, 100, 100, 0, 1000, 0};
    struct publisher_options options = {.bounds = &histogram_bounds_default,
                                        .edges_max = 100,
                                        .operations_max = 100,
                                        .losses_max = 100,
                                        .shards = shards,
                                        .start = {10}};

    assert_int_equal(catalog_new(&limits, &stage->catalog), 0);
    options.catalog = stage->catalog;
    stage->windows = NULL;
    if (windows != NULL) {
        struct windows_options kept = *windows;
        kept.catalog = stage->catalog;
        kept.bounds = &histogram_bounds_default;
        kept.edges_max = kept.operations_max = kept.losses_max = 100;
        kept.start = options.start = windows->start;
        assert_int_equal(windows_new(&kept, &stage->windows), 0);
        options.windows = stage->windows;
    }
    assert_int_equal(publisher_new(&options, &stage->publisher), 0);
    assert_int_equal(tally_new(&tally_options, &stage->tally), 0);
    stage->a = service(stage, "a");
    stage->b = service(stage, "b");
}

static inline void setup_stage(struct stage *stage, unsigned shards)
{
    setup_stage_with_windows(stage, shards, NULL);
}

static inline void release_stage(struct stage *stage)
{
    tally_free(stage->tally);
    publisher_free(stage->publisher);
    windows_free(stage->windows);
    catalog_free(stage->catalog);
}

/* One request with all that can be counted of it. */
static inline void count(struct stage *stage, uint32_t client, uint32_t server,
                         uint64_t duration_ns)
{
    struct tally_request request = {
        .client = client, .server = server, .weight = WEIGHT_ONE, .failed = WEIGHT_ONE};
    struct tally_call call = {.service = server, .kind = 2, .weight = WEIGHT_ONE};
    struct tally_loss loss = {.service = server, .kind = 3, .reason = UNPAIRED_LATE};

    tally_observe(&request.seconds[SECONDS_CLIENT], duration_ns, WEIGHT_ONE);
    tally_observe(&request.seconds[SECONDS_SERVER], duration_ns, WEIGHT_ONE);
    tally_observe(&call.seconds[SECONDS_LATENCY], duration_ns, WEIGHT_ONE);
    tally_add_request(stage->tally, &request);
    tally_add_call(stage->tally, &call);
    tally_lose(stage->tally, &loss);
    tally_flush(stage->tally);
    stage->tally->accounting.received++;
    stage->tally->accounting.paired++;
}

/* So many sets of values, from DIMENSIONS_OVERFLOW + 1 on. Returns: the last. */
static inline uint32_t make_sets(struct stage *stage, unsigned count)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < count; i++) {
        char packed[8];
        dimension_head(packed, 0, 2);
        (void)snprintf(packed + DIMENSION_HEAD_BYTES, 3, "%02u", i);
        assert_int_equal(
            catalog_dimensions(stage->catalog, stage->a, (struct view){packed, 5}, &set), 0);
    }
    return set;
}

static inline void absorb(struct stage *stage, unsigned shard, uint64_t now_ns)
{
    assert_int_equal(
        publisher_absorb(stage->publisher, shard, stage->tally, (struct wall_time){now_ns}), 0);
    assert_true(tally_is_empty(stage->tally));
}

static inline struct snapshot *take(struct stage *stage)
{
    struct snapshot *snapshot = NULL;

    assert_int_equal(publisher_snapshot(stage->publisher, (struct wall_time){99}, &snapshot), 0);
    return snapshot;
}

#endif
