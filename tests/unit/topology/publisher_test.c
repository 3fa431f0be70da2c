/* publisher_test.c: sums, shared pieces of snapshots, and absorbing whole or not at all. */
#include "tests/lib/publisher_fixture.h"

static void publisher__adds_up_what_shards_counted(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 2);
    count(&stage, stage.a, stage.b, 5);
    stage.tally->accounting.received += 3;
    stage.tally->accounting.waiting = 3;
    absorb(&stage, 0, 20);
    count(&stage, stage.a, stage.b, 6);
    absorb(&stage, 1, 30);
    stage.tally->accounting.internal = 2;
    stage.tally->accounting.waiting = 1;
    absorb(&stage, 0, 40);
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 1);
    assert_true(snapshot->edges[0].requests == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].failed == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].client_seconds->count == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].server_seconds->max_ns == 6);
    assert_null(snapshot->edges[0].network_seconds);
    assert_true(snapshot->edges[0].created.ns == 10); /* Nothing was counted before the start. */
    assert_true(snapshot->edges[0].updated.ns == 30);
    assert_true(snapshot->operations[0].calls == 2 * WEIGHT_ONE);
    assert_int_equal(snapshot->losses[0].spans, 2);
    assert_int_equal(snapshot->accounting.received, 5);
    assert_int_equal(snapshot->accounting.waiting, 1);
    assert_int_equal(snapshot->nodes_count, 2);
    assert_true(snapshot->start.ns == 10 && snapshot->end.ns == 99);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void publisher__dates_a_series_from_the_absorption_before_it(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    absorb(&stage, 0, 50);
    count(&stage, stage.a, stage.b, 5);
    absorb(&stage, 0, 60);
    snapshot = take(&stage);
    assert_true(snapshot->edges[0].created.ns == 50);
    assert_true(snapshot->operations[0].created.ns == 50);
    assert_true(snapshot->losses[0].created.ns == 50);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void publisher__counts_what_the_receiver_rejects(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    publisher_reject(stage.publisher, REJECTED_INVALID_ID, 4);
    snapshot = take(&stage);
    assert_int_equal(snapshot->accounting.received, 4);
    assert_int_equal(snapshot->accounting.rejected[REJECTED_INVALID_ID], 4);
    assert_int_equal(snapshot->edges_count + snapshot->nodes_count, 0);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* Tells of one lost span in trace `trace`. */
static void lose(struct stage *stage, uint64_t trace)
{
    struct tally_loss loss = {
        .service = stage->a, .kind = 3, .reason = UNPAIRED_LATE, .traces = {{trace, trace + 1}}};

    tally_lose(stage->tally, &loss);
}

static void publisher__keeps_the_newest_traces_of_a_loss(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    uint64_t sum = 0;

    (void)state;
    setup_stage(&stage, 1);
    for (uint64_t trace = 1; trace <= 5; trace++)
        lose(&stage, trace);
    absorb(&stage, 0, 20);
    lose(&stage, 6);
    absorb(&stage, 0, 30);
    snapshot = take(&stage);
    assert_int_equal(snapshot->losses[0].spans, 6);
    for (size_t i = 0; i < LOSS_TRACES; i++) {
        assert_true(snapshot->losses[0].traces[i][0] != 0);
        assert_true(snapshot->losses[0].traces[i][1] == snapshot->losses[0].traces[i][0] + 1);
        sum += snapshot->losses[0].traces[i][0];
    }
    assert_true(sum >= 3 + 4 + 6 && sum <= 4 + 5 + 6);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void publisher__lists_services_that_only_reported(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    absorb(&stage, 0, 20);
    catalog_mark_reported(stage.catalog, stage.b);
    snapshot = take(&stage);
    assert_int_equal(snapshot->nodes_count, 1);
    assert_true(snapshot->nodes[0].reported && !snapshot->nodes[0].overflow);
    assert_view_equal(snapshot->nodes[0].node.name, "b");
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* Nodes by id, edges by the places of their nodes, then by type. */
static void publisher__sorts_nodes_and_edges(void **state)
{
    static const char *const names[] = {"m", "c", "z", "a0"};
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage(&stage, 1);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            count(&stage, service(&stage, names[i]), service(&stage, names[j]), 1);
            absorb(&stage, 0, 20);
            snapshot_release(take(&stage));
        }
    snapshot = take(&stage);
    assert_int_equal(snapshot->edges_count, 16);
    for (size_t i = 1; i < snapshot->nodes_count; i++)
        assert_true(node_compare(&snapshot->nodes[i - 1].node, &snapshot->nodes[i].node) < 0);
    for (size_t i = 1; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *one = &snapshot->edges[i - 1];
        const struct snapshot_edge *two = &snapshot->edges[i];
        assert_true(one->client < two->client ||
                    (one->client == two->client && one->server < two->server));
    }
    for (size_t i = 1; i < snapshot->operations_count; i++)
        assert_true(snapshot->operations[i - 1].service < snapshot->operations[i].service);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* What did not change is the very same memory; what did is another, and the old one stays as it
 * was. */
static void snapshot__shares_what_did_not_change(void **state)
{
    struct stage stage;
    struct snapshot *one, *two, *three;
    uint32_t c;

    (void)state;
    setup_stage(&stage, 1);
    c = service(&stage, "c");
    count(&stage, stage.a, stage.b, 5);
    count(&stage, stage.a, c, 7);
    absorb(&stage, 0, 20);
    one = take(&stage);
    two = take(&stage);
    assert_ptr_equal(one->edges, two->edges);
    assert_ptr_equal(one->nodes, two->nodes);
    count(&stage, stage.a, stage.b, 5);
    absorb(&stage, 0, 30);
    three = take(&stage);
    assert_ptr_equal(one->nodes, three->nodes);
    assert_ptr_not_equal(one->edges, three->edges);
    assert_ptr_not_equal(one->edges[0].client_seconds, three->edges[0].client_seconds);
    assert_ptr_equal(one->edges[1].client_seconds, three->edges[1].client_seconds);
    assert_true(one->edges[0].requests == WEIGHT_ONE);
    assert_true(one->edges[0].client_seconds->count == WEIGHT_ONE);
    assert_true(three->edges[0].client_seconds->count == 2 * WEIGHT_ONE);
    snapshot_release(one);
    snapshot_release(three);
    assert_true(two->edges[1].client_seconds->count == WEIGHT_ONE);
    assert_ptr_equal(snapshot_retain(two), two);
    snapshot_release(two);
    snapshot_release(two);
    snapshot_release(NULL);
    release_stage(&stage);
}

/* With the n-th request for memory failing, absorbing changes nothing that a snapshot shows, and the
 * tally can be given again. */
static void publisher__absorbs_whole_or_not_at_all(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        struct snapshot *before, *after;
        struct buf texts[2];
        setup_stage(&stage, 1);
        count(&stage, stage.a, stage.b, 5000);
        absorb(&stage, 0, 20);
        before = take(&stage);
        for (unsigned i = 0; i < 40; i++) {
            char name[8];
            snprintf(name, sizeof(name), "s%u", i);
            count(&stage, stage.a, service(&stage, name), i);
            count(&stage, stage.a, stage.b, UINT64_C(1) << (i + 2));
        }
        mem_fail_after(fails);
        done = publisher_absorb(stage.publisher, 0, stage.tally, (struct wall_time){30}) == 0;
        mem_fail_after(-1);
        if (!done) {
            after = take(&stage);
            buf_init(&texts[0], 0);
            buf_init(&texts[1], 0);
            world_print(before, &texts[0]);
            world_print(after, &texts[1]);
            assert_true(view_equal(buf_view(&texts[0]), buf_view(&texts[1])));
            buf_release(&texts[0]);
            buf_release(&texts[1]);
            snapshot_release(after);
            absorb(&stage, 0, 30);
        }
        after = take(&stage);
        assert_int_equal(after->edges_count, 41);
        assert_true(after->edges[0].requests == 41 * WEIGHT_ONE);
        snapshot_release(before);
        snapshot_release(after);
        release_stage(&stage);
    }
    assert_true(fails > 10);
}

/* A snapshot without memory leaves all as it was; the next one shows everything. */
/* What /metrics shows of an edge: all but its past. */
static uint64_t shown(const struct snapshot_edge *edge)
{
    const struct histogram *past = edge->life.past_seconds[SNAPSHOT_SERVER];
    uint64_t observed = edge->server_seconds->count - (past != NULL ? past->count : 0);

    assert_true(observed == edge->requests - edge->life.past_count);
    assert_true(edge->failed - edge->life.past_failed == observed);
    return observed / WEIGHT_ONE;
}

/* Ends at `expiration_ns`, whatever the other tests think of it. */
static void setup_expiring(struct stage *stage, uint64_t expiration_ns)
{
    setup_stage(stage, 1);
    stage->publisher->options.expiration_ns = expiration_ns;
}

static void publisher__begins_a_series_anew_after_its_end(void **state)
{
    struct stage stage;
    struct snapshot *before, *after;

    (void)state;
    setup_expiring(&stage, 100);
    count(&stage, stage.a, stage.b, 5);
    absorb(&stage, 0, 1000);
    before = take(&stage);
    assert_int_equal(before->number, 1);
    assert_int_equal(before->edges[0].life.born, 1);
    assert_int_equal(before->edges[0].life.seconds_born[SNAPSHOT_SERVER], 1);
    assert_int_equal(before->edges[0].life.seconds_born[SNAPSHOT_NETWORK], 0);
    assert_int_equal(before->losses[0].life.born, 1);
    count(&stage, stage.a, stage.b, 6);
    absorb(&stage, 0, 1100); /* Not longer than that: it goes on. */
    after = take(&stage);
    assert_int_equal(shown(&after->edges[0]), 2);
    assert_int_equal(after->edges[0].life.born, 1);
    snapshot_release(after);
    absorb(&stage, 0, 1200);
    count(&stage, stage.a, stage.b, 7);
    absorb(&stage, 0, 1201);
    after = take(&stage);
    assert_int_equal(shown(&after->edges[0]), 1);
    assert_true(after->edges[0].requests == 3 * WEIGHT_ONE);
    assert_true(after->edges[0].created.ns == 1200);
    assert_int_equal(after->edges[0].life.born, 3);
    assert_int_equal(after->edges[0].life.seconds_born[SNAPSHOT_SERVER], 3);
    assert_true(after->operations[0].life.past_count == 2 * WEIGHT_ONE);
    assert_true(after->operations[0].life.past_seconds[0]->count == 2 * WEIGHT_ONE);
    assert_int_equal(after->losses[0].life.born, 3);
    assert_int_equal(after->losses[0].life.past_count, 2);
    assert_int_equal(after->losses[0].spans, 3);
    assert_int_equal(shown(&before->edges[0]), 1); /* Old ones stay as they were. */
    snapshot_release(before);
    before = after;
    count(&stage, stage.a, stage.b, 8);
    absorb(&stage, 0, 2000);
    after = take(&stage);
    assert_int_equal(shown(&after->edges[0]), 1);
    assert_true(after->edges[0].life.past_count == 3 * WEIGHT_ONE);
    assert_int_equal(shown(&before->edges[0]), 1);
    snapshot_release(before);
    snapshot_release(after);
    release_stage(&stage);
}

static void publisher__begins_anew_whole_or_not_at_all(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        struct snapshot *snapshot;
        setup_expiring(&stage, 100);
        count(&stage, stage.a, stage.b, 5000);
        absorb(&stage, 0, 1000);
        if (fails % 2 == 0)
            snapshot_release(take(&stage));
        count(&stage, stage.a, stage.b, 7);
        mem_fail_after(fails / 2);
        done = publisher_absorb(stage.publisher, 0, stage.tally, (struct wall_time){2000}) == 0 &&
               fails % 2 != 0;
        mem_fail_after(-1);
        if (!tally_is_empty(stage.tally))
            absorb(&stage, 0, 2000);
        snapshot = take(&stage);
        assert_int_equal(shown(&snapshot->edges[0]), 1);
        assert_true(snapshot->edges[0].requests == 2 * WEIGHT_ONE);
        snapshot_release(snapshot);
        release_stage(&stage);
    }
    assert_true(fails > 2);
}

static void publisher__makes_a_snapshot_later_without_memory(void **state)
{
    long fails = 0;

    (void)state;
    for (bool done = false; !done; fails++) {
        struct stage stage;
        struct snapshot *snapshot = NULL;
        setup_stage(&stage, 1);
        count(&stage, stage.a, stage.b, 5);
        absorb(&stage, 0, 20);
        mem_fail_after(fails);
        done = publisher_snapshot(stage.publisher, (struct wall_time){99}, &snapshot) == 0;
        mem_fail_after(-1);
        if (!done)
            snapshot = take(&stage);
        assert_int_equal(snapshot->edges_count, 1);
        assert_true(snapshot->edges[0].client_seconds->count == WEIGHT_ONE);
        assert_int_equal(snapshot->nodes_count, 2);
        snapshot_release(snapshot);
        release_stage(&stage);
    }
    assert_true(fails > 5);
}

static int make_both(void *context)
{
    struct publisher_options options = {.catalog = context, .shards = 3, .edges_max = 10};
    struct publisher *publisher = NULL;
    struct tally *tally = NULL;
    int status = publisher_new(&options, &publisher);

    if (status == 0)
        status = tally_new(&tally_options, &tally);
    publisher_free(publisher);
    tally_free(tally);
    return status;
}

static void publisher__is_made_whole_or_not_at_all(void **state)
{
    struct stage stage;

    (void)state;
    setup_stage(&stage, 1);
    test_sweep_memory(make_both, stage.catalog);
    release_stage(&stage);
}

/* More of one sort than a counter of a tally holds, and longer together than 64 bits of nanoseconds. */
static void publisher__adds_up_more_than_a_counter_holds(void **state)
{
    enum { TIMES = 70000 };
    struct tally_call call = {.kind = 2, .weight = WEIGHT_ONE};
    const struct histogram *latency;
    struct snapshot *snapshot;
    struct stage stage;

    (void)state;
    setup_stage(&stage, 1);
    call.service = stage.b;
    tally_observe(&call.seconds[SECONDS_LATENCY], DURATION_NS_MAX - 1, WEIGHT_ONE);
    for (int i = 0; i < TIMES; i++)
        tally_add_call(stage.tally, &call);
    tally_observe(&call.seconds[SECONDS_LATENCY], 5000000, WEIGHT_ONE);
    for (int i = 0; i < TIMES; i++)
        tally_add_call(stage.tally, &call);
    tally_flush(stage.tally);
    absorb(&stage, 0, 20);
    snapshot = take(&stage);
    latency = snapshot->operations[0].latency;
    assert_true(latency->count == 2 * TIMES * WEIGHT_ONE);
    assert_true(latency->sum ==
                TIMES * (histogram_sum)(DURATION_NS_MAX - 1 + 5000000) * WEIGHT_ONE);
    assert_true(latency->classic[1] == 0 && latency->classic[2] == TIMES * WEIGHT_ONE);
    snapshot_release(snapshot);
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publisher__adds_up_more_than_a_counter_holds),
        cmocka_unit_test(publisher__adds_up_what_shards_counted),
        cmocka_unit_test(publisher__dates_a_series_from_the_absorption_before_it),
        cmocka_unit_test(publisher__counts_what_the_receiver_rejects),
        cmocka_unit_test(publisher__keeps_the_newest_traces_of_a_loss),
        cmocka_unit_test(publisher__lists_services_that_only_reported),
        cmocka_unit_test(publisher__sorts_nodes_and_edges),
        cmocka_unit_test(snapshot__shares_what_did_not_change),
        cmocka_unit_test(publisher__absorbs_whole_or_not_at_all),
        cmocka_unit_test(publisher__begins_a_series_anew_after_its_end),
        cmocka_unit_test(publisher__begins_anew_whole_or_not_at_all),
        cmocka_unit_test(publisher__makes_a_snapshot_later_without_memory),
        cmocka_unit_test(publisher__is_made_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
