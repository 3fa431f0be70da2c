/* store_test.c: slab, index and notes under one budget; what is remembered is found. */
#include "topology/store.h"

#include <string.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { BYTES = 1 << 20 };

/* Adds a span as a shard does; the oldest block goes where room is needed. Its position; 0: there
 * was no room at all. */
static uint32_t add(struct store *store, uint64_t trace, uint64_t id, uint64_t parent)
{
    struct remembered span = {.trace = {trace, 1}, .id = id, .parent_id = parent};
    struct matches own, of_parent;
    uint32_t at = 0;
    int status;

    while ((status = store_prepare(store)) == STATUS_FULL)
        store_evict(store);
    if (status != 0)
        return 0;
    store_find(store, &span, id, &own);
    assert_true(own.count < IDS_MAX);
    span.halves = own.count != 0;
    span.child = own.wanted;
    *slab_next(&store->slab) = span;
    if (store_add(store, &own, 0, 0, &at) != 0)
        return 0;
    for (uint32_t i = 0; i < own.count; i++)
        slab_at(&store->slab, own.at[i])->halves = 1;
    for (uint32_t child = own.wanted; slab_live(&store->slab, child);
         child = slab_at(&store->slab, child)->sibling)
        slab_at(&store->slab, child)->parent_at = at;
    if (parent != 0) {
        store_find(store, &span, parent, &of_parent);
        (void)!store_link(store, &of_parent, at); /* Without room the child is not known. */
    }
    slab_at(&store->slab, at)->judged = 1;
    slab_clear_pending(&store->slab, at);
    return at;
}

static uint32_t find(const struct store *store, uint64_t trace, uint64_t id)
{
    struct remembered span = {.trace = {trace, 1}};
    struct matches found;

    store_find(store, &span, id, &found);
    return found.count != 0 ? found.at[0] : 0;
}

static void store__finds_spans_by_trace_and_id(void **state)
{
    struct store store;
    uint32_t a, b;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 1), 0);
    a = add(&store, 1, 7, 0);
    b = add(&store, 2, 7, 0);
    assert_true(a != b);
    assert_int_equal(find(&store, 1, 7), a);
    assert_int_equal(find(&store, 2, 7), b);
    assert_int_equal(find(&store, 1, 8), 0);
    assert_int_equal(find(&store, 3, 7), 0);
    store_check(&store);
    store_release(&store);
}

static void store__finds_all_spans_of_one_id(void **state)
{
    struct store store;
    struct remembered span = {.trace = {1, 1}};
    struct matches found;
    uint32_t first;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 1), 0);
    first = add(&store, 1, 7, 0);
    for (int i = 1; i < IDS_MAX; i++)
        add(&store, 1, 7, 0);
    store_find(&store, &span, 7, &found);
    assert_int_equal(found.count, IDS_MAX);
    assert_int_equal(found.oldest, first);
    store_check(&store);
    store_release(&store);
}

/* Children that come first hang under the id that they want, newest first. */
static void store__links_children_in_any_order(void **state)
{
    struct store store;
    uint32_t one, two, parent, three;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 1), 0);
    one = add(&store, 1, 2, 1);
    two = add(&store, 1, 3, 1);
    parent = add(&store, 1, 1, 0);
    three = add(&store, 1, 4, 1);
    assert_int_equal(slab_at(&store.slab, parent)->child, three);
    assert_int_equal(slab_at(&store.slab, three)->sibling, two);
    assert_int_equal(slab_at(&store.slab, two)->sibling, one);
    assert_int_equal(slab_at(&store.slab, one)->sibling, 0);
    assert_int_equal(slab_at(&store.slab, one)->parent_at, parent);
    assert_int_equal(slab_at(&store.slab, three)->parent_at, parent);
    store_check(&store);
    store_release(&store);
}

/* Random families over far more spans than fit: what is remembered is found, what left is not. */
static void store__stays_whole_while_old_spans_leave(void **state)
{
    struct random random = random_of(1);
    struct store store;
    uint64_t ids[3000];

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 99), 0);
    for (uint64_t round = 0; round < 30; round++) {
        for (size_t i = 0; i < 3000; i++) {
            ids[i] = round * 3000 + i + 1;
            assert_true(
                add(&store, 1 + ids[i] % 7, ids[i],
                    random_below(&random, 2) != 0 ? 1 + random_below(&random, 100000) : 0) != 0);
        }
        store_check(&store);
        assert_true(store.bytes <= BYTES);
        for (size_t i = 0; i < 3000; i++)
            assert_true(find(&store, 1 + ids[i] % 7, ids[i]) != 0);
    }
    assert_int_equal(find(&store, 2, 1), 0);
    store_release(&store);
}

/* Every span wants a parent that never comes: wishes give way to spans, never the other way. */
static void store__keeps_spans_however_much_is_wanted(void **state)
{
    struct store store;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    for (uint64_t id = 1; id <= 60000; id++)
        assert_true(add(&store, 1, id, id + 1000000) != 0);
    store_check(&store);
    assert_true(store.slab.remembered * 96 >= BYTES * 8 / 10);
    store_release(&store);
}

/* Whatever the budget, the slab does not take the room that the index's last doubling needs. */
static void store__grows_the_index_to_its_size_before_memory_is_full(void **state)
{
    (void)state;
    for (size_t bytes = BYTES; bytes < 2 * BYTES; bytes += BYTES / 32) {
        struct store store;
        uint64_t id = 0;

        assert_int_equal(store_init(&store, bytes, 5), 0);
        while (store.slab.tail == BLOCK_SPANS)
            assert_true(add(&store, 1, ++id, 0) != 0);
        assert_int_equal(store.index.mask + 1, store.buckets_max);
        store_release(&store);
    }
}

/* What grows where the store finds something to prepare. */
static uint64_t grown(const struct store *store)
{
    return (uint64_t)store->bytes + store->slab.blocks + store->notes.chunks_count;
}

/* Adds spans that want parents; of those that it was said to have room for, none finds anything to be
 * done. How many such there were. */
static uint64_t add_spare(struct store *store, uint64_t id, uint64_t end, bool is_judged)
{
    uint64_t spared = 0;

    while (id < end) {
        uint32_t spare = store_spare(store);
        uint64_t before = grown(store);
        for (uint32_t i = 0; i < spare; i++, id++) {
            assert_int_equal(store_prepare(store), 0);
            assert_int_equal(grown(store), before);
            assert_true(add(store, 1, id, id + 1000000) != 0);
            store->slab.pending += !is_judged;
        }
        spared += spare;
        assert_true(add(store, 1, id++, 0) != 0);
        store->slab.pending += !is_judged;
    }
    return spared;
}

static void store__knows_for_how_many_spans_there_is_room(void **state)
{
    struct store store;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    assert_int_equal(store_spare(&store), 0); /* There is no block. */
    assert_true(add_spare(&store, 1, 30000, true) > 3000);
    store_check(&store);
    store_release(&store);
}

/* One for each span that is pending, so that chunks of them run out. */
static void store__knows_for_how_many_spans_there_are_notes(void **state)
{
    struct store store;
    uint32_t number;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    store.notes_ahead = true;
    assert_true(add_spare(&store, 1, 2500, false) > 1000);
    assert_int_equal(store.notes.chunks_count, 3);
    store.slab.pending = 0;
    while (store_note(&store, &number) == 0)
        continue;
    store.notes_wanted = true;
    assert_false(notes_may_grow(&store.notes)); /* Then there is nothing that could be done. */
    assert_true(add_spare(&store, 2500, 3000, true) > 100);
    store_release(&store);
}

/* Ids that up to eight spans have, some of which are only wanted, in buckets that spill over. */
static void store__finds_the_same_by_a_glance_as_by_a_search(void **state)
{
    struct random random = random_of(7);
    struct store store;
    uint64_t several = 0, wanted = 0;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 11), 0);
    for (uint64_t i = 0; i < 30000; i++) {
        uint64_t id = 1 + random_below(&random, 20000);
        const uint64_t trace[2] = {1 + id % 3, 1};
        uint64_t hash = span_index_hash(span_index_trace(&store.index, trace), id);
        struct matches glance, search;

        memset(&glance, 0, sizeof(glance));
        memset(&search, 0, sizeof(search));
        span_index_find(&store.index, &store.slab, trace, id, hash, &glance);
        span_index_find_all(&store.index, &store.slab, trace, id, hash, &search);
        assert_memory_equal(&glance, &search, sizeof(glance));
        several += search.count > 1;
        wanted += search.wanted != 0;
        if (search.count < IDS_MAX)
            assert_true(add(&store, trace[0], id, 1 + random_below(&random, 20000)) != 0);
    }
    assert_true(several > 100 && wanted > 100);
    store_release(&store);
}

static void store__gives_notes_back_with_their_spans(void **state)
{
    struct store store;
    uint32_t at, number;
    size_t bytes = 0;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    for (uint64_t id = 1; id <= 100000; id++) {
        at = add(&store, 1, id, 0);
        if (id % 2 != 0)
            continue; /* All together would need more than notes may have. */
        assert_int_equal(store_note(&store, &number), 0);
        assert_true(number != 0);
        slab_aside(&store.slab, at)->edge = number;
        slab_at(&store.slab, at)->told_more = 1;
        slab_block(&store.slab, at)->has_notes = true;
        if (id == 30000)
            bytes = store.bytes;
    }
    assert_true(store.bytes <= BYTES && store.bytes == bytes);
    store_release(&store);
}

/* Spans took all memory before the first note was asked for. */
static void store__makes_room_for_notes_when_it_is_full(void **state)
{
    struct store store;
    uint32_t number = 0;
    uint64_t id = 1;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    for (; id <= 30000; id++)
        assert_true(add(&store, 1, id, 0) != 0);
    assert_int_equal(store_note(&store, &number), STATUS_FULL);
    assert_true(add(&store, 1, id, 0) != 0);
    assert_int_equal(store_note(&store, &number), 0);
    assert_true(store.bytes <= BYTES);
    store_check(&store);
    store_release(&store);
}

/* Notes for all that is pending, in a store that is full already: not only one chunk of them. */
static void store__has_a_note_for_each_pending_span(void **state)
{
    struct store store;
    uint32_t number;
    uint64_t id = 1;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    for (; id <= 30000; id++)
        assert_true(add(&store, 1, id, 0) != 0);
    store.notes_ahead = true;
    store.slab.pending = 3000;
    assert_true(add(&store, 1, id, 0) != 0);
    assert_true(notes_left(&store.notes) >= 3000);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(store_note(&store, &number), 0);
    notes_free(&store.notes, number);
    assert_int_equal(notes_left(&store.notes), 3 * NOTES_PER_CHUNK - 1 - 2999);
    assert_true(store.bytes <= BYTES);
    store_release(&store);
}

static void store__bounds_notes(void **state)
{
    struct store store;
    uint32_t number;
    uint64_t notes = 0;

    (void)state;
    assert_int_equal(store_init(&store, BYTES, 5), 0);
    while (store_note(&store, &number) == 0)
        notes++;
    assert_int_equal(store_note(&store, &number), STATUS_FULL);
    assert_true(notes * sizeof(struct note) <= BYTES / 8);
    store_release(&store);
}

static int use_some(void *context)
{
    struct store store;
    int status = store_init(&store, BYTES, 5);
    uint32_t number;

    (void)context;
    for (uint64_t id = 1; status == 0 && id <= 2000; id++)
        if (add(&store, 1, id, id / 2) == 0)
            status = STATUS_NOMEM;
    if (status == 0)
        status = store_note(&store, &number);
    if (status == 0)
        store_check(&store);
    store_release(&store);
    return status;
}

static void store__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(use_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store__finds_spans_by_trace_and_id),
        cmocka_unit_test(store__finds_all_spans_of_one_id),
        cmocka_unit_test(store__links_children_in_any_order),
        cmocka_unit_test(store__stays_whole_while_old_spans_leave),
        cmocka_unit_test(store__keeps_spans_however_much_is_wanted),
        cmocka_unit_test(store__grows_the_index_to_its_size_before_memory_is_full),
        cmocka_unit_test(store__knows_for_how_many_spans_there_is_room),
        cmocka_unit_test(store__knows_for_how_many_spans_there_are_notes),
        cmocka_unit_test(store__finds_the_same_by_a_glance_as_by_a_search),
        cmocka_unit_test(store__gives_notes_back_with_their_spans),
        cmocka_unit_test(store__makes_room_for_notes_when_it_is_full),
        cmocka_unit_test(store__has_a_note_for_each_pending_span),
        cmocka_unit_test(store__bounds_notes),
        cmocka_unit_test(store__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
