/* crowd_test.c: sums of families are whole or not known at all. */
#include "topology/crowd.h"

#include "tests/lib/test.h"
#include "topology/block_pool.h"

/* A slab whose positions are live, and a crowd. */
struct family {
    struct block_pool pool;
    struct slab slab;
    struct crowd crowd;
};

static void setup_family(struct family *family, uint32_t sums)
{
    assert_int_equal(block_pool_init(&family->pool, 1 << 20), 0);
    assert_int_equal(slab_init(&family->slab, 200), 0);
    assert_int_equal(crowd_init(&family->crowd, sums), 0);
}

static void release_family(struct family *family)
{
    slab_release(&family->slab);
    block_pool_release(&family->pool);
    crowd_release(&family->crowd);
}

static uint32_t born(struct family *family, enum span_kind kind, uint64_t weight, bool failed)
{
    struct remembered span = {.kind = (unsigned)kind & 7};

    span.weight = weight & ((UINT64_C(1) << 37) - 1);
    span.status = failed ? 2 : 0;
    if (slab_is_full(&family->slab)) {
        struct block *block = NULL;
        assert_int_equal(block_pool_take(&family->pool, &block), 0);
        slab_open(&family->slab, block);
    }
    *slab_next(&family->slab) = span;
    return slab_push(&family->slab, 0, 0);
}

static void crowd__sums_up_children_by_service(void **state)
{
    struct family family;
    const struct crowd_sum *sum;
    uint32_t parent, child;

    (void)state;
    setup_family(&family, 64);
    parent = born(&family, SPAN_KIND_CLIENT, 1, false);
    child = born(&family, SPAN_KIND_INTERNAL, 5, true);
    assert_int_equal(crowd_newest(&family.crowd, parent), 0);
    crowd_begin(&family.crowd, &family.slab, parent, child);
    crowd_add(&family.crowd, &family.slab, parent, 3, 0, child);
    crowd_add(&family.crowd, &family.slab, parent, 3, 0,
              born(&family, SPAN_KIND_UNSPECIFIED, 2, false));
    crowd_add(&family.crowd, &family.slab, parent, 4, 0, born(&family, SPAN_KIND_SERVER, 9, true));
    assert_int_equal(crowd_newest(&family.crowd, parent), child);
    sum = crowd_find(&family.crowd, parent, 3);
    assert_non_null(sum);
    assert_true(sum->weight == 5 && sum->failed && sum->kindless == 1 && sum->servers == 0);
    sum = crowd_find(&family.crowd, parent, 4);
    assert_true(sum->servers == 1 && sum->weight == 0 && !sum->failed);
    assert_null(crowd_find(&family.crowd, parent, 5));
    assert_null(crowd_find(&family.crowd, child, 3));
    release_family(&family);
}

static void crowd__begins_anew(void **state)
{
    struct family family;
    uint32_t parent, child;

    (void)state;
    setup_family(&family, 64);
    parent = born(&family, SPAN_KIND_CLIENT, 1, false);
    child = born(&family, SPAN_KIND_SERVER, 5, true);
    for (int i = 0; i < 3; i++) {
        crowd_begin(&family.crowd, &family.slab, parent, child);
        assert_null(crowd_find(&family.crowd, parent, 3));
        crowd_add(&family.crowd, &family.slab, parent, 3, 0, child);
        assert_int_equal(crowd_find(&family.crowd, parent, 3)->servers, 1);
    }
    crowd_go_on(&family.crowd, parent, child + 1);
    assert_int_equal(crowd_newest(&family.crowd, parent), child + 1);
    release_family(&family);
}

/* More services than sums: each that is known is right, and the family's own are pushed out. */
static void crowd__knows_whole_sums_only(void **state)
{
    struct family family;
    uint32_t parents[40];

    (void)state;
    setup_family(&family, 64);
    for (uint32_t i = 0; i < 40; i++) {
        parents[i] = born(&family, SPAN_KIND_CLIENT, 1, false);
        crowd_begin(&family.crowd, &family.slab, parents[i], parents[i]);
        for (uint32_t j = 0; j < 3 * (i + 1); j++)
            crowd_add(&family.crowd, &family.slab, parents[i], j % (i + 1), 0,
                      born(&family, SPAN_KIND_SERVER, 1, false));
        for (uint32_t k = 0; k <= i; k++)
            for (uint32_t j = 0; j <= k; j++) {
                const struct crowd_sum *sum = crowd_find(&family.crowd, parents[k], j);
                assert_true(sum == NULL || sum->servers == 3);
            }
    }
    release_family(&family);
}

static int make_one(void *context)
{
    struct crowd crowd;
    int status = crowd_init(&crowd, 64);

    (void)context;
    crowd_release(&crowd);
    return status;
}

static void crowd__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(make_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crowd__sums_up_children_by_service),
        cmocka_unit_test(crowd__begins_anew),
        cmocka_unit_test(crowd__knows_whole_sums_only),
        cmocka_unit_test(crowd__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
