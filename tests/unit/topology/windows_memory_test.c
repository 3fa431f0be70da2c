/* windows_memory_test.c: what windows say that they take is what they take. */
#include <stdio.h>

#include "tests/lib/random.h"
#include "tests/lib/series_memory.h"
#include "tests/lib/test.h"
#include "topology/publisher.h"
#include "topology/tally_priv.h"
#include "topology/window_snapshot.h"

enum { SERVICES = 40, EDGES = 1200, SECONDS = 40 };

static const uint64_t epoch_ns = UINT64_C(1795646400) * NS_PER_S;
static const struct tally_options tally_options = {
    &histogram_bounds_default, 2000, 2000, 100, 64, 0, 0};

struct stage {
    struct catalog *catalog;
    struct windows *windows;
    struct publisher *publisher;
    struct tally *tally;
    uint32_t services[SERVICES];
};

static void setup_stage(struct stage *stage, size_t bytes_max, size_t answer_bytes_max)
{
    struct catalog_limits limits = {100, 100, 100, 100, 100, 0, 1000, 0};
    struct windows_options windows = {.bounds = &histogram_bounds_default,
                                      .edges_max = 2000,
                                      .operations_max = 2000,
                                      .losses_max = 100,
                                      .span_ns = 3600 * NS_PER_S,
                                      .bytes_max = bytes_max,
                                      .answer_bytes_max = answer_bytes_max,
                                      .start = {epoch_ns}};
    struct publisher_options publisher = {.bounds = &histogram_bounds_default,
                                          .edges_max = 2000,
                                          .operations_max = 2000,
                                          .losses_max = 100,
                                          .shards = 1,
                                          .start = {epoch_ns}};

    assert_int_equal(catalog_new(&limits, &stage->catalog), 0);
    windows.catalog = publisher.catalog = stage->catalog;
    assert_int_equal(windows_new(&windows, &stage->windows), 0);
    publisher.windows = stage->windows;
    assert_int_equal(publisher_new(&publisher, &stage->publisher), 0);
    assert_int_equal(tally_new(&tally_options, &stage->tally), 0);
    for (unsigned i = 0; i < SERVICES; i++) {
        char name[8];
        struct node node = {NODE_SERVICE, {NULL, 0}, {name, 0}};
        node.name.size = (size_t)snprintf(name, sizeof(name), "s%03u", i);
        assert_int_equal(catalog_node(stage->catalog, &node, &stage->services[i]), 0);
    }
}

static void release_stage(struct stage *stage)
{
    tally_free(stage->tally);
    publisher_free(stage->publisher);
    windows_free(stage->windows);
    catalog_free(stage->catalog);
}

/* Calls on every edge; the widest histograms where durations are of all magnitudes. */
static void count_all(struct stage *stage, struct random *random, bool is_wide)
{
    for (unsigned edge = 0; edge < EDGES; edge++) {
        struct tally_request request = {.client = stage->services[edge / SERVICES],
                                        .server = stage->services[edge % SERVICES],
                                        .weight = WEIGHT_ONE};
        for (size_t i = 0; i < 3; i++)
            tally_observe(&request.seconds[i],
                          is_wide ? random_next(random) >> (12 + random_below(random, 40))
                                  : 1000000 + random_below(random, 1000000),
                          WEIGHT_ONE);
        tally_add_request(stage->tally, &request);
    }
    tally_flush(stage->tally);
}

/* Adds up what there is at each second; the publisher's series exist from the first one on. */
static void pass(struct stage *stage, struct random *random, bool is_wide)
{
    for (uint64_t s = 1; s <= SECONDS; s++) {
        struct wall_time now = {epoch_ns + s * NS_PER_S};
        count_all(stage, random, is_wide);
        assert_int_equal(publisher_absorb(stage->publisher, 0, stage->tally, now), 0);
        publisher_close(stage->publisher, now);
    }
}

/* Of two stages that differ in their windows alone, the heap tells what these take. */
static size_t heap_of_stage(size_t bytes_max, bool is_wide, struct windows_reach *out_reach)
{
    struct random random = random_of(5);
    size_t before = series_heap_bytes();
    struct stage stage;
    size_t taken;

    setup_stage(&stage, bytes_max, 256 << 20);
    pass(&stage, &random, is_wide);
    taken = series_heap_bytes() - before;
    windows_reach(stage.windows, out_reach);
    release_stage(&stage);
    return taken;
}

static void windows__take_what_they_say(void **state)
{
    (void)state;
    if (series_heap_bytes() == 0)
        skip();
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        struct windows_reach none, small, large;
        size_t without = heap_of_stage(1 << 10, is_wide != 0, &none);
        size_t with_small = heap_of_stage(1 << 20, is_wide != 0, &small);
        size_t with_large = heap_of_stage(64 << 20, is_wide != 0, &large);

        assert_int_equal(none.slots, 0); /* Nothing fits. */
        assert_true(small.pushed_out > 0 && large.pushed_out == 0);
        assert_in_range(small.bytes, 1 << 19, 1 << 20);
        assert_in_range(with_small - without, small.bytes / 10 * 9, small.bytes / 10 * 11);
        assert_in_range(with_large - without, large.bytes / 10 * 9, large.bytes / 10 * 11);
    }
}

static void window__answers_take_what_they_reserve(void **state)
{
    (void)state;
    if (series_heap_bytes() == 0)
        skip();
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        struct window_want want = {.window_ns = 3600 * NS_PER_S};
        struct random random = random_of(6);
        struct windows_reach reach;
        struct window_look *look;
        struct snapshot *snapshot;
        struct stage stage;
        size_t before, taken;

        setup_stage(&stage, 64 << 20, 256 << 20);
        pass(&stage, &random, is_wide != 0);
        assert_int_equal(windows_take(stage.windows, &want, &look), 0);
        before = series_heap_bytes();
        assert_int_equal(window_snapshot(look, &snapshot), 0);
        taken = series_heap_bytes() - before;
        windows_reach(stage.windows, &reach);
        assert_int_equal(snapshot->edges_count, EDGES);
        assert_in_range(taken, reach.answer_bytes / 10 * 6, reach.answer_bytes);
        snapshot_release(snapshot);
        window_look_free(look);
        release_stage(&stage);
    }
}

/* What the whole window has of the first duration of all edges, and the most buckets of any of them. */
static struct histogram total_of(const struct snapshot *snapshot, uint32_t *out_length)
{
    struct histogram total = {.count = 0};

    *out_length = 0;
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct histogram *seconds = snapshot->edges[i].client_seconds;
        *out_length = seconds->length > *out_length ? seconds->length : *out_length;
        total.count += seconds->count;
        total.sum += seconds->sum;
        for (size_t j = 0; j <= histogram_bounds_default.count; j++)
            total.classic[j] += seconds->classic[j];
    }
    return total;
}

/* Full tables with wide durations, and ever less memory: coarser, but all is there; at last too little. */
static void window__of_full_tables_is_coarser_where_memory_is_short(void **state)
{
    static const struct {
        size_t bytes;
        uint32_t length; /* 0: there is no answer. */
    } cases[] = {{16 << 20, 160}, {4 << 20, 53}, {3 << 20, 17}, {1 << 20, 0}};
    struct histogram whole = {.count = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct window_want want = {.window_ns = 3600 * NS_PER_S};
        struct random random = random_of(7);
        struct histogram total;
        struct windows_reach reach;
        struct window_look *look;
        struct snapshot *snapshot;
        struct stage stage;
        uint32_t length;

        setup_stage(&stage, 64 << 20, cases[i].bytes);
        pass(&stage, &random, true);
        assert_int_equal(windows_take(stage.windows, &want, &look), 0);
        if (cases[i].length == 0) {
            assert_int_equal(window_snapshot(look, &snapshot), STATUS_BUSY);
        } else {
            assert_int_equal(window_snapshot(look, &snapshot), 0);
            assert_int_equal(snapshot->edges_count, EDGES);
            total = total_of(snapshot, &length);
            assert_in_range(length, cases[i].length / 2 + 1, cases[i].length);
            if (i == 0)
                whole = total;
            assert_int_equal(whole.count, (uint64_t)EDGES * SECONDS << WEIGHT_SHIFT);
            assert_memory_equal(&whole, &total, sizeof(whole));
            snapshot_release(snapshot);
        }
        windows_reach(stage.windows, &reach);
        assert_int_equal(reach.answer_bytes, 0);
        window_look_free(look);
        release_stage(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows__take_what_they_say),
        cmocka_unit_test(window__answers_take_what_they_reserve),
        cmocka_unit_test(window__of_full_tables_is_coarser_where_memory_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
