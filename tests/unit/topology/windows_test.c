/* windows_test.c: windows that tile a time have what was counted in it, however old their slots are. */
#include "topology/windows.h"

#include <pthread.h>

#include "tests/lib/publisher_fixture.h"
#include "tests/lib/random.h"
#include "tests/lib/window_sums.h"
#include "topology/window_snapshot.h"

static const uint64_t epoch_ns = UINT64_C(1795646400) * NS_PER_S; /* The begin of a minute. */

static const struct windows_options roomy = {.span_ns = 3600 * NS_PER_S,
                                             .bytes_max = 64 << 20,
                                             .answer_bytes_max = 64 << 20,
                                             .start = {UINT64_C(1795646400) * NS_PER_S}};

static void close_at(struct stage *stage, uint64_t now_ns)
{
    publisher_close(stage->publisher, (struct wall_time){now_ns});
}

/* All that the tally has, counted until then. */
static void count_until(struct stage *stage, uint64_t now_ns)
{
    absorb(stage, 0, now_ns);
    close_at(stage, now_ns);
}

static struct window_look *take_look(struct stage *stage, uint64_t window_ns, uint64_t at_ns)
{
    struct window_want want = {window_ns, {at_ns}};
    struct window_look *taken = NULL;

    assert_int_equal(windows_take(stage->windows, &want, &taken), 0);
    return taken;
}

static struct snapshot *window(struct stage *stage, uint64_t window_ns, uint64_t at_ns)
{
    struct window_look *taken = take_look(stage, window_ns, at_ns);
    struct snapshot *snapshot = NULL;

    assert_int_equal(window_snapshot(taken, &snapshot), 0);
    window_look_free(taken);
    return snapshot;
}

static struct windows_reach reach(const struct stage *stage)
{
    struct windows_reach is;

    windows_reach(stage->windows, &is);
    return is;
}

/* ------------------------------------------------------------------ tiles */

enum { NODES = 5, LOOKS_MAX = 200 };

static void count_random(struct stage *stage, struct random *random, const uint32_t *nodes)
{
    uint64_t spans = random_below(random, 4) == 0 ? 0 : random_below(random, 6);

    for (uint64_t i = 0; i < spans; i++)
        count(stage, nodes[random_below(random, NODES)], nodes[random_below(random, NODES)],
              random_next(random) >> (12 + random_below(random, 45)));
    /* The fixture counts each span as paired; some more wait. */
    stage->tally->accounting.waiting = random_below(random, 5);
}

/* `waiting` goes from one state to the next, and what comes is received. */
static void balance(struct stage *stage, uint64_t *waiting)
{
    struct accounting *spans = &stage->tally->accounting;

    if (spans->waiting >= *waiting)
        spans->received += spans->waiting - *waiting;
    else
        spans->internal += *waiting - spans->waiting;
    *waiting = spans->waiting;
}

static void check_tiles(struct stage *stage, struct random *random, uint64_t now_ns)
{
    struct sums sums = {.edges_count = 0};
    struct snapshot *whole = take(stage);
    struct snapshot *held[LOOKS_MAX];
    size_t count = 0;
    uint64_t from_ns = reach(stage).oldest.ns;
    uint64_t begin_ns = from_ns;

    while (from_ns < now_ns) {
        uint64_t wanted_ns = (1 + random_below(random, 400)) * NS_PER_S;
        uint64_t to_ns = from_ns + wanted_ns < now_ns ? from_ns + wanted_ns : now_ns;
        struct snapshot *snapshot = window(stage, to_ns - from_ns, to_ns);
        /* A short one may be within one slot, which another one has already. */
        if (snapshot->end.ns > begin_ns) {
            if (snapshot->start.ns != begin_ns) {
                struct snapshot *again = window(stage, snapshot->end.ns - begin_ns,
                                                snapshot->end.ns);
                snapshot_release(snapshot);
                snapshot = again;
            }
            assert_true(snapshot->start.ns == begin_ns && snapshot->is_window);
            begin_ns = snapshot->end.ns;
            sums_add(&sums, snapshot);
            assert_in_range(count, 0, LOOKS_MAX - 1);
            held[count++] = snapshot;
        } else {
            snapshot_release(snapshot);
        }
        from_ns = to_ns;
    }
    assert_true(begin_ns == reach(stage).newest.ns);
    sums_assert(&sums, whole);
    sums_release(&sums);
    for (size_t i = 0; i < count; i++)
        snapshot_release(held[i]);
    snapshot_release(whole);
}

/* Random traffic over 40 minutes, closed at uneven times. */
static void tile(uint64_t seed)
{
    struct random random = random_of(seed);
    struct stage stage;
    uint32_t nodes[NODES];
    char name[] = "n0";
    uint64_t now_ns = epoch_ns;
    uint64_t waiting = 0;

    setup_stage_with_windows(&stage, 1, &roomy);
    for (size_t i = 0; i < NODES; i++) {
        name[1] = (char)('0' + i);
        nodes[i] = service(&stage, name);
    }
    for (int step = 0; now_ns < epoch_ns + 2400 * NS_PER_S; step++) {
        now_ns += random_below(&random, 3) != 0 ? NS_PER_S + random_below(&random, 1000000)
                                                : random_below(&random, 4 * NS_PER_S) + 1;
        count_random(&stage, &random, nodes);
        balance(&stage, &waiting);
        count_until(&stage, now_ns);
        if (step % 400 == 399)
            check_tiles(&stage, &random, now_ns);
    }
    check_tiles(&stage, &random, now_ns);
    assert_in_range(reach(&stage).slots, 30, 150); /* What is old has become coarse. */
    assert_int_equal(reach(&stage).pushed_out + reach(&stage).holes, 0);
    release_stage(&stage);
}

static void windows__that_tile_all_time_add_up_to_the_map(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        tile(seed);
}

/* ------------------------------------------------------------------ one window */

static void window__has_only_what_counted_in_it(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;
    uint32_t c;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    c = service(&stage, "c");
    catalog_mark_reported(stage.catalog, stage.a);
    count(&stage, stage.a, stage.b, 5);
    count_until(&stage, epoch_ns + 1 * NS_PER_S);
    count_until(&stage, epoch_ns + 60 * NS_PER_S);
    count(&stage, stage.b, c, 7);
    count(&stage, stage.b, c, 9);
    count_until(&stage, epoch_ns + 61 * NS_PER_S);
    snapshot = window(&stage, 1 * NS_PER_S, 0);
    assert_true(snapshot->start.ns == epoch_ns + 60 * NS_PER_S);
    assert_true(snapshot->end.ns == epoch_ns + 61 * NS_PER_S);
    assert_int_equal(snapshot->nodes_count, 2); /* Not a, which has reported before. */
    assert_int_equal(snapshot->edges_count, 1);
    assert_true(snapshot->edges[0].requests == 2 * WEIGHT_ONE);
    assert_true(snapshot->edges[0].client_seconds->min_ns == 7);
    assert_int_equal(snapshot->operations_count, 1);
    assert_int_equal(snapshot->losses[0].spans, 2);
    assert_view_equal(snapshot->nodes[1].node.name, "c");
    assert_true(snapshot->nodes[1].reported && !snapshot->nodes[0].reported);
    assert_int_equal(snapshot->accounting.paired, 2);
    snapshot_release(snapshot);
    snapshot = window(&stage, 30 * NS_PER_S, epoch_ns + 40 * NS_PER_S);
    assert_int_equal(snapshot->edges_count, 0); /* The slot of 59 s, in which nothing came. */
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void window__takes_spans_that_waited_into_its_accounting(void **state)
{
    struct stage stage;
    struct snapshot *snapshot;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    stage.tally->accounting.received = stage.tally->accounting.waiting = 5;
    publisher_reject(stage.publisher, REJECTED_INVALID_ID, 2);
    count_until(&stage, epoch_ns + 10 * NS_PER_S);
    stage.tally->accounting.received = 2;
    stage.tally->accounting.paired = 4;
    stage.tally->accounting.waiting = 3;
    count_until(&stage, epoch_ns + 20 * NS_PER_S);
    snapshot = window(&stage, 10 * NS_PER_S, 0);
    assert_int_equal(snapshot->accounting.received, 2);
    assert_int_equal(snapshot->accounting.waited, 5);
    assert_int_equal(snapshot->accounting.paired, 4);
    assert_int_equal(snapshot->accounting.waiting, 3);
    assert_int_equal(snapshot->accounting.rejected[REJECTED_INVALID_ID], 0);
    snapshot_release(snapshot);
    snapshot = window(&stage, 3600 * NS_PER_S, 0);
    assert_int_equal(snapshot->accounting.waited, 0);
    assert_int_equal(snapshot->accounting.received, 9);
    assert_int_equal(snapshot->accounting.rejected[REJECTED_INVALID_ID], 2);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* Which shard sees a call's other side first, is chance. */
static void window__shows_an_edge_once_a_request_came(void **state)
{
    struct tally_request request;
    struct snapshot *snapshot;
    struct stage stage;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    request = (struct tally_request){.client = stage.a, .server = stage.b};
    tally_observe(&request.seconds[SECONDS_SERVER], 5, WEIGHT_ONE);
    tally_add_request(stage.tally, &request);
    tally_flush(stage.tally);
    count_until(&stage, epoch_ns + 1 * NS_PER_S);
    snapshot = window(&stage, 600 * NS_PER_S, 0);
    assert_int_equal(snapshot->edges_count + snapshot->nodes_count, 0);
    snapshot_release(snapshot);
    count(&stage, stage.a, stage.b, 9);
    count_until(&stage, epoch_ns + 2 * NS_PER_S);
    snapshot = window(&stage, 600 * NS_PER_S, 0);
    assert_true(snapshot->edges[0].requests == WEIGHT_ONE);
    assert_true(snapshot->edges[0].failed == WEIGHT_ONE);
    assert_true(snapshot->edges[0].server_seconds->count == 2 * WEIGHT_ONE);
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void windows__know_nothing_of_times_beyond_them(void **state)
{
    struct window_want want = {60 * NS_PER_S, {0}};
    struct window_look *taken = NULL;
    struct stage stage;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    assert_int_equal(windows_take(stage.windows, &want, &taken), STATUS_NOT_FOUND);
    count_until(&stage, epoch_ns + 1);
    want.at.ns = epoch_ns;
    assert_int_equal(windows_take(stage.windows, &want, &taken), STATUS_NOT_FOUND);
    want.at.ns = epoch_ns + 2 + WINDOWS_SKEW_NS;
    assert_int_equal(windows_take(stage.windows, &want, &taken), STATUS_NOT_FOUND);
    want.at.ns--; /* Now, by a clock that runs ahead. */
    assert_int_equal(windows_take(stage.windows, &want, &taken), 0);
    assert_true(taken->start.ns == epoch_ns && taken->end.ns == epoch_ns + 1);
    window_look_free(taken);
    release_stage(&stage);
}

enum { HANDED_OVER = 25 };

static void *let_go(void *context)
{
    struct window_look **looks = context;

    for (size_t i = 0; i < HANDED_OVER; i++)
        window_look_free(looks[i]);
    return NULL;
}

/* Slots that others have are merged meanwhile. */
static void windows__let_looks_go_on_any_thread(void **state)
{
    struct window_look *looks[2][HANDED_OVER];
    struct stage stage;
    pthread_t thread;
    uint64_t s = 0;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < HANDED_OVER; i++) {
            count(&stage, stage.a, stage.b, ++s);
            count_until(&stage, epoch_ns + s * NS_PER_S);
            looks[round % 2][i] = take_look(&stage, 3600 * NS_PER_S, 0);
        }
        if (round != 0)
            assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, let_go, looks[round % 2]), 0);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    release_stage(&stage);
}

/* ------------------------------------------------------------------ age and room */

static void windows__let_go_what_is_older_than_their_span(void **state)
{
    struct windows_options short_span = roomy;
    struct stage stage;

    (void)state;
    short_span.span_ns = 600 * NS_PER_S;
    setup_stage_with_windows(&stage, 1, &short_span);
    for (uint64_t s = 1; s <= 3000; s++) {
        count(&stage, stage.a, stage.b, s);
        count_until(&stage, epoch_ns + s * NS_PER_S);
        assert_in_range(reach(&stage).slots, 1, 80);
    }
    assert_in_range(reach(&stage).newest.ns - reach(&stage).oldest.ns, 600 * NS_PER_S,
                    660 * NS_PER_S);
    assert_int_equal(reach(&stage).pushed_out, 0);
    release_stage(&stage);
}

static void windows__push_the_oldest_out_where_there_is_no_room(void **state)
{
    struct windows_options small = roomy;
    struct snapshot *snapshot;
    struct stage stage;
    uint32_t others[60];
    char name[] = "s00";

    (void)state;
    small.bytes_max = 64 << 10;
    setup_stage_with_windows(&stage, 1, &small);
    for (size_t i = 0; i < 60; i++) {
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        others[i] = service(&stage, name);
    }
    for (uint64_t s = 1; s <= 300; s++) {
        for (size_t i = 0; i < 30; i++)
            count(&stage, others[i], others[(i + s) % 60], s * 1000 + i);
        count_until(&stage, epoch_ns + s * NS_PER_S);
        assert_in_range(reach(&stage).bytes, 1, small.bytes_max);
    }
    assert_in_range(reach(&stage).pushed_out, 1, 300);
    assert_int_equal(reach(&stage).holes, 0);
    /* An answer says what it covers, and has all of that. */
    snapshot = window(&stage, 3600 * NS_PER_S, 0);
    assert_true(snapshot->start.ns == reach(&stage).oldest.ns);
    assert_in_range(snapshot->start.ns, epoch_ns + 1, epoch_ns + 299 * NS_PER_S);
    assert_int_equal(snapshot->accounting.paired,
                     30 * ((snapshot->end.ns - snapshot->start.ns) / NS_PER_S));
    snapshot_release(snapshot);
    release_stage(&stage);
}

static void windows__begin_anew_where_the_clock_goes_back(void **state)
{
    struct snapshot *snapshot;
    struct stage stage;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    count(&stage, stage.a, stage.b, 5);
    count_until(&stage, epoch_ns + 100 * NS_PER_S);
    count(&stage, stage.a, stage.b, 6);
    count_until(&stage, epoch_ns + 99 * NS_PER_S); /* A little: it goes to the next slot. */
    count_until(&stage, epoch_ns + 101 * NS_PER_S);
    snapshot = window(&stage, 600 * NS_PER_S, 0);
    assert_true(snapshot->edges[0].requests == 2 * WEIGHT_ONE);
    snapshot_release(snapshot);
    count(&stage, stage.a, stage.b, 7);
    count_until(&stage, epoch_ns + 50 * NS_PER_S);
    count(&stage, stage.a, stage.b, 8);
    count_until(&stage, epoch_ns + 51 * NS_PER_S);
    snapshot = window(&stage, 600 * NS_PER_S, 0);
    assert_true(snapshot->start.ns == epoch_ns + 50 * NS_PER_S);
    assert_true(snapshot->edges[0].requests == WEIGHT_ONE);
    assert_int_equal(reach(&stage).holes, 1);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* ------------------------------------------------------------------ memory */

/* Each request for memory fails once; what is kept is right or, behind a hole, not there. */
static void windows__have_holes_where_memory_was_out(void **state)
{
    (void)state;
    for (long left = 0; left < 40; left++) {
        struct snapshot *before, *after;
        struct stage stage;
        uint64_t holes;

        setup_stage_with_windows(&stage, 1, &roomy);
        count(&stage, stage.a, stage.b, 5);
        count_until(&stage, epoch_ns + 1 * NS_PER_S);
        count(&stage, stage.a, stage.b, 6);
        absorb(&stage, 0, epoch_ns + 2 * NS_PER_S); /* Its row may be there already. */
        mem_fail_after(left);
        close_at(&stage, epoch_ns + 2 * NS_PER_S);
        mem_fail_after(-1);
        count(&stage, stage.a, stage.b, 7);
        count(&stage, stage.a, stage.b, 8);
        count_until(&stage, epoch_ns + 3 * NS_PER_S);
        holes = reach(&stage).holes;
        assert_in_range(holes, 0, 1);
        after = window(&stage, 600 * NS_PER_S, 0);
        before = window(&stage, 600 * NS_PER_S, epoch_ns + 1 * NS_PER_S);
        assert_true(before->edges[0].requests == WEIGHT_ONE);
        assert_true(after->edges[0].requests == (holes != 0 ? 2 : 4) * WEIGHT_ONE);
        assert_true(after->start.ns == epoch_ns + (holes != 0 ? 2 * NS_PER_S : 0));
        snapshot_release(before);
        snapshot_release(after);
        /* The slots are merged now, though not over the hole. */
        close_at(&stage, epoch_ns + 11 * NS_PER_S);
        close_at(&stage, epoch_ns + 21 * NS_PER_S);
        assert_in_range(reach(&stage).slots, 3, 4);
        after = window(&stage, 600 * NS_PER_S, 0);
        assert_true(after->edges[0].requests == (holes != 0 ? 2 : 4) * WEIGHT_ONE);
        snapshot_release(after);
        release_stage(&stage);
    }
}

static int take_and_show(void *context)
{
    struct stage *stage = context;
    struct window_want want = {600 * NS_PER_S, {0}};
    struct snapshot *snapshot = NULL;
    struct window_look *taken = NULL;
    int status = windows_take(stage->windows, &want, &taken);

    if (status == 0)
        status = window_snapshot(taken, &snapshot);
    window_look_free(taken);
    snapshot_release(snapshot);
    assert_int_equal(reach(stage).answer_bytes, 0);
    return status;
}

static void window__survives_the_want_of_memory(void **state)
{
    struct stage stage;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    count(&stage, stage.a, stage.b, 5);
    count_until(&stage, epoch_ns + 1 * NS_PER_S);
    count(&stage, stage.b, stage.a, 5);
    count_until(&stage, epoch_ns + 2 * NS_PER_S);
    test_sweep_memory(take_and_show, &stage);
    release_stage(&stage);
}

static void window__waits_for_the_memory_of_answers(void **state)
{
    struct windows_options small = roomy;
    struct snapshot *first = NULL;
    struct snapshot *second = NULL;
    struct window_look *taken;
    struct stage stage;

    (void)state;
    small.answer_bytes_max = 40 << 10; /* For one answer alone. */
    setup_stage_with_windows(&stage, 1, &small);
    count(&stage, stage.a, stage.b, 5);
    count_until(&stage, epoch_ns + 1 * NS_PER_S);
    taken = take_look(&stage, 600 * NS_PER_S, 0);
    assert_int_equal(window_snapshot(taken, &first), 0);
    assert_int_equal(window_snapshot(taken, &second), STATUS_BUSY);
    assert_null(second);
    snapshot_release(first);
    assert_int_equal(window_snapshot(taken, &second), 0);
    window_look_free(taken);
    snapshot_release(second);
    assert_int_equal(reach(&stage).answer_bytes, 0);
    release_stage(&stage);
}

/* ------------------------------------------------------------------ heirs */

static bool of_b_is_overflow(const void *context, enum window_kind *kind, struct key *key)
{
    const struct stage *stage = context;

    if (*kind != WINDOW_EDGE || (uint32_t)key->high != stage->b)
        return false;
    *kind = WINDOW_EDGE_OVERFLOW;
    *key = (struct key){0, VIEW_BOTH};
    return true;
}

static void windows__give_what_left_to_its_heir(void **state)
{
    struct window_look *old;
    struct snapshot *snapshot = NULL;
    struct stage stage;
    uint32_t c;

    (void)state;
    setup_stage_with_windows(&stage, 1, &roomy);
    c = service(&stage, "c");
    for (uint64_t s = 1; s <= 3; s++) {
        count(&stage, stage.a, stage.b, s);
        count(&stage, c, stage.b, s + 10);
        count(&stage, stage.a, c, s + 20);
        count_until(&stage, epoch_ns + s * NS_PER_S);
    }
    old = take_look(&stage, 600 * NS_PER_S, 0);
    windows_inherit(stage.windows, of_b_is_overflow, &stage);
    assert_int_equal(window_snapshot(old, &snapshot), 0); /* It has what it had. */
    assert_int_equal(snapshot->edges_count, 3);
    snapshot_release(snapshot);
    window_look_free(old);
    snapshot = window(&stage, 600 * NS_PER_S, 0);
    assert_int_equal(snapshot->edges_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(snapshot->edges[i].requests ==
                    (snapshot->edges[i].overflow ? 6 : 3) * WEIGHT_ONE);
        assert_true(snapshot->edges[i].client_seconds->count ==
                    (snapshot->edges[i].overflow ? 6 : 3) * WEIGHT_ONE);
    }
    assert_int_equal(reach(&stage).holes, 0);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* A name that has to go, goes, if need be with all that was counted then. */
static void windows__let_names_go_without_memory_too(void **state)
{
    (void)state;
    for (long left = 0; left < 20; left++) {
        struct snapshot *snapshot;
        struct stage stage;

        setup_stage_with_windows(&stage, 1, &roomy);
        count(&stage, stage.a, stage.b, 5);
        count_until(&stage, epoch_ns + 1 * NS_PER_S);
        count(&stage, stage.b, stage.a, 5);
        count_until(&stage, epoch_ns + 2 * NS_PER_S);
        mem_fail_after(left);
        windows_inherit(stage.windows, of_b_is_overflow, &stage);
        mem_fail_after(-1);
        count_until(&stage, epoch_ns + 3 * NS_PER_S);
        snapshot = window(&stage, 600 * NS_PER_S, 0);
        for (size_t i = 0; i < snapshot->edges_count; i++)
            assert_true(
                snapshot->edges[i].overflow ||
                view_equal(snapshot->nodes[snapshot->edges[i].server].node.name, VIEW("a")));
        assert_true(snapshot->start.ns == epoch_ns + (reach(&stage).holes != 0 ? 1 * NS_PER_S : 0));
        snapshot_release(snapshot);
        release_stage(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows__that_tile_all_time_add_up_to_the_map),
        cmocka_unit_test(window__has_only_what_counted_in_it),
        cmocka_unit_test(window__takes_spans_that_waited_into_its_accounting),
        cmocka_unit_test(window__shows_an_edge_once_a_request_came),
        cmocka_unit_test(windows__know_nothing_of_times_beyond_them),
        cmocka_unit_test(windows__let_looks_go_on_any_thread),
        cmocka_unit_test(windows__let_go_what_is_older_than_their_span),
        cmocka_unit_test(windows__push_the_oldest_out_where_there_is_no_room),
        cmocka_unit_test(windows__begin_anew_where_the_clock_goes_back),
        cmocka_unit_test(windows__have_holes_where_memory_was_out),
        cmocka_unit_test(window__survives_the_want_of_memory),
        cmocka_unit_test(window__waits_for_the_memory_of_answers),
        cmocka_unit_test(windows__give_what_left_to_its_heir),
        cmocka_unit_test(windows__let_names_go_without_memory_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
