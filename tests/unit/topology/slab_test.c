/* slab_test.c: positions, what is pending, and blocks that leave. */
#include "topology/slab.h"

#include <string.h>

#include "tests/lib/test.h"
#include "topology/block_pool.h"

static struct block_pool pool;

static int setup_pool(void **state)
{
    (void)state;
    return block_pool_init(&pool, 1 << 20);
}

static int release_pool(void **state)
{
    (void)state;
    block_pool_release(&pool);
    return 0;
}

static void open_block(struct slab *slab)
{
    struct block *block = NULL;

    assert_int_equal(block_pool_take(&pool, &block), 0);
    slab_open(slab, block);
}

static uint32_t push(struct slab *slab, uint64_t id)
{
    struct remembered span = {.trace = {1, 2}, .id = id};

    if (slab_is_full(slab))
        open_block(slab);
    *slab_next(slab) = span;
    return slab_push(slab, (uint32_t)id, 0);
}

static void judge_all(struct slab *slab)
{
    for (uint32_t at = slab_next_pending(slab, slab->tail); at != slab->head;
         at = slab_next_pending(slab, at))
        slab_clear_pending(slab, at);
}

static void slab__keeps_spans_in_order_of_arrival(void **state)
{
    struct slab slab;
    uint32_t before = 0;

    (void)state;
    assert_int_equal(slab_init(&slab, 10), 0);
    assert_false(slab_live(&slab, 0));
    for (uint64_t id = 1; id <= 600; id++) {
        uint32_t at = push(&slab, id);
        assert_true(slab_live(&slab, at) && !slab_live(&slab, at + 1));
        assert_true(slab_pending(&slab, at));
        assert_true(before == 0 || slab_before(before, at));
        assert_true(slab_at(&slab, at)->id == id);
        assert_int_equal(slab_block(&slab, at)->arrival[at % BLOCK_SPANS], id);
        before = at;
    }
    assert_int_equal(slab.blocks, 3);
    assert_int_equal(slab.live, 600);
    assert_int_equal(slab.remembered, 600);
    assert_int_equal(slab.pending, 600);
    slab_release(&slab);
}

static void slab__finds_the_next_pending_span(void **state)
{
    static const uint32_t kept[] = {3, 63, 64, 255, 256, 500};
    struct slab slab;
    uint32_t first = 0;
    uint32_t at;

    (void)state;
    assert_int_equal(slab_init(&slab, 10), 0);
    for (uint32_t i = 0; i < 501; i++) {
        at = push(&slab, i + 1);
        first = i == 0 ? at : first;
    }
    for (uint32_t i = 0; i < 501; i++) {
        bool keep = false;
        for (size_t j = 0; j < sizeof(kept) / sizeof(kept[0]); j++)
            keep |= kept[j] == i;
        if (!keep)
            slab_clear_pending(&slab, first + i);
    }
    at = first;
    for (size_t j = 0; j < sizeof(kept) / sizeof(kept[0]); j++) {
        at = slab_next_pending(&slab, at);
        assert_int_equal(at - first, kept[j]);
        at++;
    }
    assert_int_equal(slab_next_pending(&slab, at), slab.head);
    /* Up to an end that is not the head, be it in the middle of a word or right behind a span. */
    for (size_t j = 0; j < sizeof(kept) / sizeof(kept[0]); j++) {
        uint32_t from = j != 0 ? first + kept[j - 1] + 1 : first;
        assert_int_equal(slab_next_pending_before(&slab, from, first + kept[j] + 1),
                         first + kept[j]);
        assert_int_equal(slab_next_pending_before(&slab, from, first + kept[j]), first + kept[j]);
        if (from < first + kept[j])
            assert_int_equal(slab_next_pending_before(&slab, from, first + kept[j] - 1),
                             first + kept[j] - 1);
        assert_int_equal(slab_next_pending_before(&slab, from, from), from);
    }
    slab_release(&slab);
}

static void slab__forgets_the_oldest_block(void **state)
{
    struct slab slab;
    uint32_t first, last = 0;

    (void)state;
    assert_int_equal(slab_init(&slab, 10), 0);
    first = push(&slab, 1);
    for (uint64_t id = 2; id <= 300; id++)
        last = push(&slab, id);
    judge_all(&slab);
    block_pool_give(&pool, slab_close(&slab));
    assert_false(slab_live(&slab, first));
    assert_true(slab_live(&slab, last));
    assert_int_equal(slab.live, 300 - BLOCK_SPANS);
    assert_int_equal(slab.remembered, 300 - BLOCK_SPANS);
    block_pool_give(&pool, slab_close(&slab)); /* The open one. */
    assert_int_equal(slab.live, 0);
    assert_int_equal(slab.remembered, 0);
    assert_true(slab_is_full(&slab));
    assert_true(slab_live(&slab, push(&slab, 5)));
    slab_release(&slab);
}

static void slab__takes_the_newest_span_back(void **state)
{
    struct slab slab;
    uint32_t at;

    (void)state;
    assert_int_equal(slab_init(&slab, 10), 0);
    at = push(&slab, 1);
    assert_ptr_equal(slab_newest(&slab), slab_at(&slab, at));
    slab_pop(&slab);
    assert_false(slab_live(&slab, at));
    assert_int_equal(slab.live, 0);
    assert_int_equal(slab.remembered + slab.pending, 0);
    assert_int_equal(push(&slab, 2), at);
    slab_release(&slab);
    slab_release(&slab);
}

/* After 2^32 spans position 0, which is nobody's, is left out. */
static void slab__leaves_position_zero_out(void **state)
{
    struct slab slab;

    (void)state;
    assert_int_equal(slab_init(&slab, 4), 0);
    slab.head = slab.tail = UINT32_MAX - BLOCK_SPANS + 1;
    for (uint64_t id = 1; id <= 2 * BLOCK_SPANS; id++) {
        uint32_t at = push(&slab, id);
        assert_true(at != 0 && slab_live(&slab, at));
        assert_true(slab_at(&slab, at)->id == id);
        assert_ptr_equal(slab_newest(&slab), slab_at(&slab, at));
        assert_int_equal(slab.live, slab.head - slab.tail);
    }
    assert_int_equal(slab.remembered, 2 * BLOCK_SPANS);
    judge_all(&slab);
    for (uint32_t left = 3; left-- > 0;)
        block_pool_give(&pool, slab_close(&slab));
    assert_int_equal(slab.remembered, 0);
    slab_release(&slab);
}

static int make_one(void *context)
{
    struct slab slab;
    int status = slab_init(&slab, 100);

    (void)context;
    slab_release(&slab);
    return status;
}

static void slab__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(make_one, NULL);
}

/* What is written at once is what its parts are read as, in records and in lines. */
static void slab__takes_facts_of_a_record_at_once(void **state)
{
    (void)state;
    for (unsigned facts = 0; facts < 256; facts++) {
        struct span span = {.weight = WEIGHT_MAX};
        struct remembered line;
        memset(&line, 0xFF, sizeof(line));
        span.facts = facts & 0xFF;
        line.first = (struct remembered_facts){DURATION_NS_MAX, span.facts, 0};
        line.second = (struct remembered_marks){span.weight, 0, facts & 0xFF, 0};
        assert_int_equal(line.kind, span.kind);
        assert_int_equal(line.status, span.status);
        assert_int_equal(line.parent_bad, span.parent_bad);
        assert_int_equal(line.no_duration, span.no_duration);
        assert_int_equal(line.skewed, span.skewed);
        assert_int_equal(span.kind, facts % 8);
        assert_int_equal(span.skewed, facts / 128);
        assert_false(span.weight_unknown || line.handed_over || line.spare);
        assert_int_equal(line.duration_ns, DURATION_NS_MAX);
        assert_int_equal(line.weight, WEIGHT_MAX);
        assert_int_equal(line.start_top, facts);
        assert_false(line.judged || line.halves || line.moved || line.kin_waits || line.answered ||
                     line.served || line.drawn || line.leads || line.told || line.told_message ||
                     line.told_more || line.has_links || line.links_open || line.has_producer ||
                     line.is_receive || line.expected || line.bereft);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slab__keeps_spans_in_order_of_arrival, setup_pool,
                                        release_pool),
        cmocka_unit_test_setup_teardown(slab__finds_the_next_pending_span, setup_pool,
                                        release_pool),
        cmocka_unit_test_setup_teardown(slab__forgets_the_oldest_block, setup_pool, release_pool),
        cmocka_unit_test_setup_teardown(slab__takes_the_newest_span_back, setup_pool, release_pool),
        cmocka_unit_test_setup_teardown(slab__leaves_position_zero_out, setup_pool, release_pool),
        cmocka_unit_test_setup_teardown(slab__survives_failing_memory, setup_pool, release_pool),
        cmocka_unit_test(slab__takes_facts_of_a_record_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
