/* windows_heirs_test.c: series leave, and windows say of them what the map since the start says. */
#include <stdio.h>

#include "tests/lib/random.h"
#include "tests/lib/window_sums.h"
#include "topology/catalog_sweep.h"
#include "topology/publisher.h"
#include "topology/tally_priv.h"
#include "topology/window_snapshot.h"

enum { SERVICES = 60, STEPS = 900 };

static const uint64_t epoch_ns = UINT64_C(1795646400) * NS_PER_S;
static const struct tally_options tally_options = {
    &histogram_bounds_default, 100, 100, 100, 64, 0, 0};

struct stage {
    struct catalog *catalog;
    struct windows *windows;
    struct publisher *publisher;
    struct tally *tally;
    uint32_t services[SERVICES];
};

static void setup_stage(struct stage *stage, uint32_t series_max)
{
    struct catalog_limits limits = {100, 100, 100, 100, 100, 0, 1000, 0};
    struct windows_options windows = {.bounds = &histogram_bounds_default,
                                      .edges_max = 100,
                                      .operations_max = 100,
                                      .losses_max = 100,
                                      .span_ns = 3600 * NS_PER_S,
                                      .bytes_max = 64 << 20,
                                      .answer_bytes_max = 64 << 20,
                                      .start = {epoch_ns}};
    struct publisher_options options = {.bounds = &histogram_bounds_default,
                                        .edges_max = series_max,
                                        .operations_max = series_max,
                                        .losses_max = series_max,
                                        .expiration_ns = 30 * NS_PER_S,
                                        .shards = 1,
                                        .start = {epoch_ns}};

    assert_int_equal(catalog_new(&limits, &stage->catalog), 0);
    windows.catalog = options.catalog = stage->catalog;
    assert_int_equal(windows_new(&windows, &stage->windows), 0);
    options.windows = stage->windows;
    assert_int_equal(publisher_new(&options, &stage->publisher), 0);
    assert_int_equal(tally_new(&tally_options, &stage->tally), 0);
}

static void release_stage(struct stage *stage)
{
    tally_free(stage->tally);
    publisher_free(stage->publisher);
    windows_free(stage->windows);
    catalog_free(stage->catalog);
}

static uint32_t service(struct stage *stage, unsigned number)
{
    char name[8];
    struct node node = {NODE_SERVICE, {NULL, 0}, {name, 0}};
    uint32_t found = 0;

    node.name.size = (size_t)snprintf(name, sizeof(name), "s%03u", number);
    assert_int_equal(catalog_node(stage->catalog, &node, &found), 0);
    assert_int_not_equal(found, CATALOG_OVERFLOW);
    return found;
}

static void count(struct stage *stage, uint32_t client, uint32_t server, uint64_t duration_ns)
{
    struct tally_request request = {.client = client, .server = server, .weight = WEIGHT_ONE};
    struct tally_call call = {.service = server, .kind = 2, .weight = WEIGHT_ONE};
    struct tally_loss loss = {.service = server, .kind = 3, .reason = UNPAIRED_LATE};

    tally_observe(&request.seconds[SECONDS_SERVER], duration_ns, WEIGHT_ONE);
    tally_observe(&call.seconds[SECONDS_LATENCY], duration_ns, WEIGHT_ONE);
    tally_add_request(stage->tally, &request);
    tally_add_call(stage->tally, &call);
    tally_lose(stage->tally, &loss);
    tally_flush(stage->tally);
    stage->tally->accounting.received++;
    stage->tally->accounting.paired++;
}

static struct snapshot *window(struct stage *stage)
{
    struct window_want want = {.window_ns = 3600 * NS_PER_S};
    struct snapshot *snapshot = NULL;
    struct window_look *look = NULL;

    assert_int_equal(windows_take(stage->windows, &want, &look), 0);
    assert_int_equal(window_snapshot(look, &snapshot), 0);
    window_look_free(look);
    return snapshot;
}

static void check(struct stage *stage)
{
    struct snapshot *recent = window(stage);
    struct snapshot *whole = NULL;
    struct sums sums = {.edges_count = 0};

    assert_int_equal(publisher_snapshot(stage->publisher, recent->end, &whole), 0);
    sums_add(&sums, recent);
    sums_assert(&sums, whole);
    sums_release(&sums);
    snapshot_release(recent);
    snapshot_release(whole);
}

/* Traffic whose services change all the time, in tables with room for a third of them. */
static void windows__say_what_the_map_says_while_series_leave(void **state)
{
    struct random random = random_of(4);
    struct stage stage;

    (void)state;
    setup_stage(&stage, 20);
    for (unsigned i = 0; i < SERVICES; i++)
        stage.services[i] = service(&stage, i);
    for (uint64_t step = 1; step <= STEPS; step++) {
        struct wall_time now = {epoch_ns + step * NS_PER_S};
        for (uint64_t left = random_below(&random, 3); left != 0; left--) {
            uint64_t moving = step / 20 + random_below(&random, 8);
            count(&stage, stage.services[moving % SERVICES],
                  stage.services[(moving * 7 + 1) % SERVICES], random_next(&random) >> 30);
        }
        assert_int_equal(publisher_absorb(stage.publisher, 0, stage.tally, now), 0);
        publisher_close(stage.publisher, now);
        if (step % 50 == 0)
            publisher_let_leave(stage.publisher, true, now);
        publisher_bequeath(stage.publisher);
        if (step % 100 == 0)
            check(&stage);
    }
    release_stage(&stage);
}

static int assert_there(void *context, uint32_t number, const struct node *node)
{
    const struct stage *stage = context;

    (void)node;
    assert_false(catalog_node_left(stage->catalog, number));
    return 0;
}

/* A sweep of names, as the sweeper goes about it. */
static void sweep(struct stage *stage)
{
    uint32_t stamp = catalog_sweep_begin(stage->catalog);

    assert_true(catalog_readers_passed(stage->catalog));
    publisher_bequeath(stage->publisher);
    publisher_mark(stage->publisher, stamp);
    catalog_sweep(stage->catalog, stamp);
    publisher_forget(stage->publisher);
}

static void windows__hold_no_name_that_was_given_back(void **state)
{
    struct window_want want = {.window_ns = 3600 * NS_PER_S};
    struct window_look *look = NULL;
    struct snapshot *snapshot;
    struct stage stage;
    uint32_t first, second, third;

    (void)state;
    setup_stage(&stage, 100);
    first = service(&stage, 1);
    second = service(&stage, 2);
    count(&stage, first, second, 5);
    assert_int_equal(publisher_absorb(stage.publisher, 0, stage.tally,
                                      (struct wall_time){epoch_ns + 1 * NS_PER_S}),
                     0);
    publisher_close(stage.publisher, (struct wall_time){epoch_ns + 1 * NS_PER_S});
    snapshot = window(&stage); /* Names stay as long as somebody shows them. */
    publisher_let_leave(stage.publisher, true, (struct wall_time){epoch_ns + 100 * NS_PER_S});
    sweep(&stage);
    assert_true(catalog_node_left(stage.catalog, first));
    assert_false(catalog_give_back(stage.catalog));
    assert_view_equal(snapshot->nodes[0].node.name, "s001");
    snapshot_release(snapshot);
    assert_true(catalog_give_back(stage.catalog));
    third = service(&stage, 3);
    assert_true(third == first || third == second); /* Its number is another's now. */
    publisher_close(stage.publisher, (struct wall_time){epoch_ns + 101 * NS_PER_S});
    assert_int_equal(windows_take(stage.windows, &want, &look), 0);
    assert_int_equal(window_nodes(look, assert_there, &stage), 0);
    window_look_free(look);
    snapshot = window(&stage);
    assert_int_equal(snapshot->edges_count, 1);
    assert_true(snapshot->edges[0].overflow && snapshot->edges[0].requests == WEIGHT_ONE);
    assert_int_equal(snapshot->nodes_count, 1);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* A look may be from before names left, and its snapshot be made and shown when it is gone. */
static void window__keeps_the_names_of_its_look(void **state)
{
    struct window_want want = {.window_ns = 3600 * NS_PER_S};
    struct window_look *look = NULL;
    struct snapshot *snapshot = NULL;
    struct stage stage;

    (void)state;
    setup_stage(&stage, 100);
    count(&stage, service(&stage, 1), service(&stage, 2), 5);
    assert_int_equal(publisher_absorb(stage.publisher, 0, stage.tally,
                                      (struct wall_time){epoch_ns + 1 * NS_PER_S}),
                     0);
    publisher_close(stage.publisher, (struct wall_time){epoch_ns + 1 * NS_PER_S});
    assert_int_equal(windows_take(stage.windows, &want, &look), 0);
    publisher_let_leave(stage.publisher, true, (struct wall_time){epoch_ns + 100 * NS_PER_S});
    sweep(&stage);
    assert_int_equal(window_snapshot(look, &snapshot), 0);
    window_look_free(look);
    assert_false(catalog_give_back(stage.catalog));
    assert_view_equal(snapshot->nodes[0].node.name, "s001");
    snapshot_release(snapshot);
    assert_true(catalog_give_back(stage.catalog));
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows__say_what_the_map_says_while_series_leave),
        cmocka_unit_test(windows__hold_no_name_that_was_given_back),
        cmocka_unit_test(window__keeps_the_names_of_its_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
