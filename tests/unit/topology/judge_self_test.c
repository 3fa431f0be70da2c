/* judge_self_test.c: what of a span its children do not cover, in any order. */
#include <stdio.h>

#include "tests/lib/shard_fixture.h"
#include "topology/shard_priv.h"

enum { PARENT = 1 };

#define MS NS_PER_MS
static const uint64_t base_ns = UINT64_C(1700000000) * NS_PER_S;

static struct span at_ms(struct span span, int64_t from_ms, uint64_t for_ms)
{
    span.start_ns = base_ns + (uint64_t)(from_ms * (int64_t)MS);
    span.duration_ns = for_ms * MS & (2 * DURATION_NS_MAX - 1);
    return span;
}

/* The sum of self times of a kind in service front, in ns; UINT64_MAX: none was observed. */
static uint64_t self_ns(struct fixture *fixture, enum span_kind kind)
{
    struct snapshot *snapshot = world_snapshot(&fixture->world);
    uint64_t found = UINT64_MAX;

    for (size_t i = 0; i < snapshot->operations_count; i++) {
        const struct snapshot_operation *operation = &snapshot->operations[i];
        if (operation->kind != kind || operation->self_seconds == NULL ||
            !view_equal(snapshot->nodes[operation->service].node.name, VIEW("front")))
            continue;
        assert_true(operation->self_seconds->count == operation->calls);
        found = (uint64_t)(operation->self_seconds->sum >> WEIGHT_SHIFT);
    }
    snapshot_release(snapshot);
    return found;
}

/* Feeds a SERVER of 100 ms with these children, in both orders. */
static void check(const struct span *children, size_t count, uint64_t expected_ms)
{
    for (unsigned reversed = 0; reversed < 2; reversed++) {
        struct fixture fixture;
        struct span parent;
        setup(&fixture, &plain);
        parent = at_ms(world_span(fixture.front_server, SPAN_KIND_SERVER, PARENT, 0), 0, 100);
        if (reversed == 0)
            feed_at(&fixture, parent, start_ns);
        for (size_t i = 0; i < count; i++) {
            struct span child = children[reversed != 0 ? count - 1 - i : i];
            child.site = child.kind == SPAN_KIND_INTERNAL ? fixture.front_internal
                                                          : fixture.back_server;
            feed_at(&fixture, child, start_ns);
        }
        if (reversed != 0)
            feed_at(&fixture, parent, start_ns);
        world_finish(&fixture.world, start_ns);
        assert_true(self_ns(&fixture, SPAN_KIND_SERVER) == expected_ms * MS);
        world_release(&fixture.world);
    }
}

static struct span internal(uint64_t id, int64_t from_ms, uint64_t for_ms)
{
    return at_ms(world_span(0, SPAN_KIND_INTERNAL, id, PARENT), from_ms, for_ms);
}

static void self_time__is_all_of_a_span_without_children(void **state)
{
    (void)state;
    check(NULL, 0, 100);
}

static void self_time__counts_what_children_share_once(void **state)
{
    const struct span apart[] = {internal(2, 10, 20), internal(3, 50, 10)};
    const struct span overlapping[] = {internal(2, 10, 20), internal(3, 20, 20),
                                       internal(4, 12, 3)};
    const struct span touching[] = {internal(2, 10, 20), internal(3, 30, 20)};

    (void)state;
    check(apart, 2, 70);
    check(overlapping, 3, 70);
    check(touching, 2, 60);
}

static void self_time__cuts_children_to_their_parent(void **state)
{
    const struct span early[] = {internal(2, -10, 20)};
    const struct span late[] = {internal(2, 90, 1000)};
    const struct span around[] = {internal(2, -500, 1000)};
    const struct span outside[] = {internal(2, 100, 50), internal(3, -50, 50)};
    /* More than modulo 2^48 tells apart is far outside. */
    const struct span far[] = {internal(2, 30 * 3600 * 1000, 50)};

    (void)state;
    check(early, 1, 90);
    check(late, 1, 90);
    check(around, 1, 0);
    check(outside, 2, 100);
    check(far, 1, 100);
}

static void self_time__knows_children_of_other_services(void **state)
{
    const struct span remote[] = {at_ms(world_span(0, SPAN_KIND_SERVER, 2, PARENT), 20, 30),
                                  internal(3, 40, 20)};

    (void)state;
    check(remote, 2, 60);
}

static void self_time__of_unknown_times_covers_nothing(void **state)
{
    struct span child = internal(2, 10, 20);

    (void)state;
    child.no_duration = 1;
    child.start_ns = child.duration_ns = 0;
    check(&child, 1, 100);
}

static void self_time__sees_children_only(void **state)
{
    struct span child = internal(2, 10, 20);
    struct span grandchild = internal(3, 12, 80);
    const struct span both[] = {child, grandchild};
    struct span spans[2];

    (void)state;
    memcpy(spans, both, sizeof(spans));
    spans[1].parent = spans[0].id;
    check(spans, 2, 80);
}

static void self_time__of_large_families_is_exact(void **state)
{
    enum { MANY = 40000 };
    struct fixture fixture;
    uint64_t id = 2;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 64 << 20});
    feed_at(&fixture, at_ms(world_span(fixture.front_server, SPAN_KIND_SERVER, PARENT, 0), 0, 100),
            start_ns);
    /* Overlapping ones by far more than are held at once; they fold into one. */
    for (uint64_t i = 0; i < MANY; i++) {
        struct span child = internal(id++, 0, 1);
        child.site = fixture.front_internal;
        child.start_ns += (i * 7919 % MANY) * 1000;
        feed_at(&fixture, child, start_ns);
    }
    world_finish(&fixture.world, start_ns);
    assert_true(self_ns(&fixture, SPAN_KIND_SERVER) == 100 * MS - (MANY - 1) * UINT64_C(1000) - MS);
    world_release(&fixture.world);
}

/* Spans that have to do with nothing, ten milliseconds apart; memory holds some 8,000 of them. */
static uint64_t fill(struct fixture *fixture, uint64_t count, uint64_t first_id, uint64_t now_ns)
{
    for (uint64_t i = 0; i < count; i++, now_ns += 10 * MS)
        feed_at(fixture, world_span(fixture->back_server, SPAN_KIND_SERVER, first_id + i, 0),
                now_ns);
    return now_ns;
}

static uint64_t self_unknown(struct fixture *fixture)
{
    struct snapshot *snapshot = world_snapshot(&fixture->world);
    uint64_t unknown = snapshot->counts.self_unknown;

    snapshot_release(snapshot);
    return unknown;
}

static void self_time__is_not_guessed_where_children_left(void **state)
{
    struct fixture fixture;
    struct span child = internal(2, 10, 20);
    uint64_t now_ns;

    (void)state;
    setup(&fixture,
          &(struct world_options){.memory_bytes_max = 1 << 20, .pairing_wait_ns = 70 * NS_PER_S});
    child.site = fixture.front_internal;
    feed_at(&fixture, child, start_ns);
    now_ns = fill(&fixture, 5000, 1000, start_ns);
    feed_at(&fixture, at_ms(world_span(fixture.front_server, SPAN_KIND_SERVER, PARENT, 0), 0, 100),
            now_ns);
    now_ns = fill(&fixture, 6000, 10000, now_ns);
    world_finish(&fixture.world, now_ns);
    assert_true(look(&fixture).dropped[DROPPED_EVICTED] == 0);
    assert_true(self_unknown(&fixture) > 0);
    assert_true(self_ns(&fixture, SPAN_KIND_SERVER) == UINT64_MAX);
    world_release(&fixture.world);
}

/* Nor where they may have left before their parent came, which nothing tells of them. */
static void self_time__is_not_guessed_where_children_may_have_left(void **state)
{
    struct fixture fixture;
    struct span child = internal(2, 10, 20);
    uint64_t now_ns;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    child.site = fixture.front_internal;
    feed_at(&fixture, child, start_ns);
    now_ns = fill(&fixture, 20000, 1000, start_ns);
    feed_at(&fixture,
            at_ms(world_span(fixture.front_server, SPAN_KIND_SERVER, PARENT, 0), 0, 250000),
            now_ns);
    feed_at(&fixture, at_ms(front_client(&fixture, 3, 0), 0, 5000), now_ns);
    world_finish(&fixture.world, now_ns);
    assert_int_equal(look(&fixture).dropped[DROPPED_EVICTED], 0);
    assert_int_equal(self_unknown(&fixture), 1);
    assert_true(self_ns(&fixture, SPAN_KIND_SERVER) == UINT64_MAX);
    assert_true(self_ns(&fixture, SPAN_KIND_CLIENT) == 5000 * MS);
    world_release(&fixture.world);
}

/* A block may also leave in the middle of another one, where notes need a chunk. */
static void self_time__is_not_guessed_after_a_block_left_for_notes(void **state)
{
    struct fixture fixture;
    struct span child = internal(2, 10, 20);
    struct store *store;
    uint64_t now_ns;
    uint64_t id = 1000;
    uint32_t tail;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    store = &fixture.world.shards[0]->store;
    tail = store->slab.tail;
    child.site = fixture.front_internal;
    now_ns = fill(&fixture, 300, id, start_ns);
    feed_at(&fixture, child, now_ns);
    for (id += 300; store->slab.tail == tail; id++)
        now_ns = fill(&fixture, 1, id, now_ns);
    now_ns = fill(&fixture, 10, id, now_ns);
    assert_true(slab_live(&store->slab, tail + 300));
    store->notes_wanted = true;
    /* With pairing.wait it goes back to 4 s after the first span: its block left, the first one that
     * left went until 2.6 s. */
    feed_at(&fixture,
            at_ms(world_span(fixture.front_server, SPAN_KIND_SERVER, PARENT, 0), 0,
                  (now_ns - start_ns) / MS - 14000),
            now_ns);
    assert_false(slab_live(&store->slab, tail + 300));
    world_finish(&fixture.world, now_ns);
    assert_int_equal(look(&fixture).dropped[DROPPED_EVICTED], 0);
    assert_int_equal(self_unknown(&fixture), 1);
    assert_true(self_ns(&fixture, SPAN_KIND_SERVER) == UINT64_MAX);
    world_release(&fixture.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(self_time__is_all_of_a_span_without_children),
        cmocka_unit_test(self_time__counts_what_children_share_once),
        cmocka_unit_test(self_time__cuts_children_to_their_parent),
        cmocka_unit_test(self_time__knows_children_of_other_services),
        cmocka_unit_test(self_time__of_unknown_times_covers_nothing),
        cmocka_unit_test(self_time__sees_children_only),
        cmocka_unit_test(self_time__of_large_families_is_exact),
        cmocka_unit_test(self_time__is_not_guessed_where_children_left),
        cmocka_unit_test(self_time__is_not_guessed_where_children_may_have_left),
        cmocka_unit_test(self_time__is_not_guessed_after_a_block_left_for_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
