/* exemplar_test.c: which spans stand for a series. */
#include "base/mem.h"
#include "tests/lib/publisher_fixture.h"
#include "topology/exemplar.h"

static struct exemplar example(unsigned which, unsigned bucket, uint64_t span, uint64_t ns)
{
    return (struct exemplar){
        .trace = {span, 7}, .span = span, .which = which & 3, .bucket = bucket & 63, .ns = ns};
}

static void put(struct exemplars **set, struct exemplar exemplar, uint32_t most)
{
    exemplars_put(set, &exemplar, most);
}

static void exemplars__keep_one_a_bucket(void **state)
{
    struct exemplars *set = NULL;

    (void)state;
    assert_null(exemplars_find(set, 0, 3));
    put(&set, example(0, 3, 1, 10), 8);
    put(&set, example(1, 3, 2, 11), 8);
    put(&set, example(0, 4, 3, 12), 8);
    put(&set, example(0, 3, 4, 13), 8);
    assert_int_equal(set->count, 3);
    assert_int_equal(exemplars_find(set, 0, 3)->span, 4);
    assert_int_equal(exemplars_find(set, 1, 3)->span, 2);
    assert_int_equal(exemplars_find(set, 0, 4)->span, 3);
    assert_null(exemplars_find(set, 2, 3));
    assert_int_equal(exemplars_newest(set)->span, 4);
    assert_null(exemplars_newest_failed(set));
    mem_free(set);
}

static void exemplars__give_the_oldests_place_when_full(void **state)
{
    struct exemplars *set = NULL;

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        put(&set, example(0, i, i + 1, 10 + i), 6);
    put(&set, example(1, 9, 100, 50), 6);
    assert_int_equal(set->count, 6);
    assert_null(exemplars_find(set, 0, 0));
    for (unsigned i = 1; i < 6; i++)
        assert_int_equal(exemplars_find(set, 0, i)->span, i + 1);
    assert_int_equal(exemplars_find(set, 1, 9)->span, 100);
    mem_free(set);
}

static void exemplars__keep_some_failures_beside(void **state)
{
    struct exemplars *set = NULL;

    (void)state;
    put(&set, example(1, 2, 500, 5), 24);
    for (unsigned i = 0; i < 5; i++) {
        struct exemplar failure = example(1, 2, i + 1, 10 + i);
        failure.of_failure = failure.failed = 1;
        put(&set, failure, 24);
        put(&set, failure, 24); /* The same span again is no second one. */
    }
    assert_int_equal(set->count, 1 + EXEMPLARS_FAILED);
    assert_int_equal(exemplars_find(set, 1, 2)->span, 500);
    assert_int_equal(exemplars_newest_failed(set)->span, 5);
    for (uint32_t i = 0; i < set->count; i++)
        assert_true(!set->items[i].of_failure || set->items[i].span >= 3);
    mem_free(set);
}

static void exemplars__do_without_memory(void **state)
{
    struct exemplars *set = NULL;

    (void)state;
    mem_fail_after(0);
    put(&set, example(0, 1, 1, 1), 8);
    mem_fail_after(-1);
    assert_null(set);
    put(&set, example(0, 1, 1, 1), 0);
    assert_null(set);
    for (unsigned i = 0; i < 4; i++)
        put(&set, example(0, i, i + 1, 1), 8);
    mem_fail_after(0);
    put(&set, example(0, 9, 9, 1), 8);
    put(&set, example(0, 2, 77, 2), 8);
    mem_fail_after(-1);
    assert_int_equal(set->count, 4);
    assert_int_equal(exemplars_find(set, 0, 2)->span, 77);
    mem_free(set);
}

/* ------------------------------------------------------------------ on their way */

/* A call that took `ms` on both sides. */
static void call(struct stage *stage, uint64_t span, uint64_t ms, bool failed)
{
    struct tally_request request = {.client = stage->a,
                                    .server = stage->b,
                                    .server_failed = failed,
                                    .weight = WEIGHT_ONE,
                                    .failed = failed ? WEIGHT_ONE : 0,
                                    .trace = {span, 1},
                                    .client_span = span,
                                    .server_span = span + 1000};
    struct tally_call operation = {.service = stage->b,
                                   .kind = 2,
                                   .status = failed ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET,
                                   .weight = WEIGHT_ONE,
                                   .trace = {span, 1},
                                   .span = span + 1000};

    tally_observe(&request.seconds[SECONDS_CLIENT], (ms + 1) * 1000000, WEIGHT_ONE);
    tally_observe(&request.seconds[SECONDS_SERVER], ms * 1000000, WEIGHT_ONE);
    tally_observe(&operation.seconds[SECONDS_LATENCY], ms * 1000000, WEIGHT_ONE);
    tally_add_request(stage->tally, &request);
    tally_add_call(stage->tally, &operation);
    tally_flush(stage->tally);
}

static void begin(struct stage *stage, bool exemplars)
{
    setup_stage(stage, 1);
    stage->publisher->options.exemplars = exemplars;
    stage->publisher->options.expiration_ns = 1000;
}

static void exemplars__are_the_first_or_the_slowest_of_their_bucket(void **state)
{
    const struct snapshot_edge *edge;
    struct snapshot *snapshot;
    struct stage stage;

    (void)state;
    begin(&stage, true);
    call(&stage, 1, 20, false); /* 10 to 50 ms: the first, */
    call(&stage, 2, 15, false);
    call(&stage, 3, 30, false); /* the slowest, */
    call(&stage, 4, 25, false);
    call(&stage, 5, 3, false); /* 2 to 4 ms: the first of another bucket. */
    call(&stage, 6, 2, false);
    absorb(&stage, 0, 100);
    snapshot = take(&stage);
    edge = &snapshot->edges[0];
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_SERVER, 5)->span, 1003);
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_SERVER, 5)->duration_ns, 30000000);
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_CLIENT, 5)->span, 3);
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_CLIENT, 5)->duration_ns, 31000000);
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_SERVER, 1)->span, 1005);
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_SERVER, 0)->span, 1006);
    assert_int_equal(exemplars_find(edge->exemplars, SNAPSHOT_SERVER, 0)->ns, 100);
    assert_null(exemplars_newest_failed(edge->exemplars));
    assert_int_equal(exemplars_find(snapshot->operations[0].exemplars, SECONDS_LATENCY, 5)->span,
                     1003);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void exemplars__are_renewed_and_older_snapshots_keep_theirs(void **state)
{
    struct snapshot *before, *after;
    struct stage stage;

    (void)state;
    begin(&stage, true);
    call(&stage, 1, 20, true);
    absorb(&stage, 0, 100);
    before = take(&stage);
    call(&stage, 2, 15, false); /* Not as slow, but newer. */
    absorb(&stage, 0, 200);
    after = take(&stage);
    assert_int_equal(exemplars_find(before->edges[0].exemplars, SNAPSHOT_SERVER, 5)->span, 1001);
    assert_int_equal(exemplars_find(after->edges[0].exemplars, SNAPSHOT_SERVER, 5)->span, 1002);
    assert_false(exemplars_find(after->edges[0].exemplars, SNAPSHOT_SERVER, 5)->failed);
    assert_int_equal(exemplars_newest_failed(after->edges[0].exemplars)->span, 1001);
    assert_true(exemplars_newest_failed(after->edges[0].exemplars)->failed);
    snapshot_release(before);
    snapshot_release(after);
    release_stage(&stage);
}

static void exemplars__end_with_their_series(void **state)
{
    struct snapshot *snapshot;
    struct stage stage;

    (void)state;
    begin(&stage, true);
    call(&stage, 1, 20, true);
    absorb(&stage, 0, 100);
    call(&stage, 2, 3, false);
    absorb(&stage, 0, 5000); /* It had expired, and begins anew. */
    snapshot = take(&stage);
    assert_null(exemplars_find(snapshot->edges[0].exemplars, SNAPSHOT_SERVER, 5));
    assert_null(exemplars_newest_failed(snapshot->edges[0].exemplars));
    assert_int_equal(exemplars_find(snapshot->edges[0].exemplars, SNAPSHOT_SERVER, 1)->span, 1002);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void exemplars__are_few_and_may_be_off(void **state)
{
    struct snapshot *snapshot;
    struct stage stage;

    (void)state;
    begin(&stage, false);
    call(&stage, 1, 20, true);
    absorb(&stage, 0, 100);
    snapshot = take(&stage);
    assert_null(snapshot->edges[0].exemplars);
    snapshot_release(snapshot);
    for (uint64_t i = 0; i < 2 * tally_options.exemplars_max; i++)
        call(&stage, i + 1, i + 1, false); /* Each the slowest so far. */
    assert_int_equal(stage.tally->exemplars_count, tally_options.exemplars_max);
    absorb(&stage, 0, 200);
    assert_int_equal(stage.tally->exemplars_count, 0);
    release_stage(&stage);
}

static void exemplars__of_failures_say_whose(void **state)
{
    struct tally_request request;
    struct stage stage;

    (void)state;
    begin(&stage, true);
    request = (struct tally_request){.client = stage.a,
                                     .server = stage.b,
                                     .client_failed = true,
                                     .weight = WEIGHT_ONE,
                                     .failed = WEIGHT_ONE,
                                     .trace = {1, 2},
                                     .client_span = 3,
                                     .server_span = 4};
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_int_equal(stage.tally->exemplars_count, 1);
    assert_int_equal(stage.tally->exemplars[0].exemplar.span, 3);
    assert_int_equal(stage.tally->exemplars[0].exemplar.bucket, EXEMPLAR_NO_BUCKET);
    request.server = stage.a;
    request.client_failed = false;
    request.server_failed = true;
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    assert_int_equal(stage.tally->exemplars[1].exemplar.span, 4);
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exemplars__keep_one_a_bucket),
        cmocka_unit_test(exemplars__give_the_oldests_place_when_full),
        cmocka_unit_test(exemplars__keep_some_failures_beside),
        cmocka_unit_test(exemplars__do_without_memory),
        cmocka_unit_test(exemplars__are_the_first_or_the_slowest_of_their_bucket),
        cmocka_unit_test(exemplars__are_renewed_and_older_snapshots_keep_theirs),
        cmocka_unit_test(exemplars__end_with_their_series),
        cmocka_unit_test(exemplars__are_few_and_may_be_off),
        cmocka_unit_test(exemplars__of_failures_say_whose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
