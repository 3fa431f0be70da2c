/* bucket_test.c: a line that is looked at in one go shows what a look at each entry does. */
#include "topology/bucket.h"

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { ROUNDS = 20000 };

/* Few tags, so that several entries have one; all kinds of entries. */
static void fill_tags(struct bucket *bucket, struct random *random)
{
    static const uint16_t tags[] = {0, 1, 2, 0x1FFF, 0x2000, TAG_HASH};

    for (size_t i = 0; i < BUCKET_ENTRIES; i++)
        bucket->tag[i] = (uint16_t)(tags[random_below(random, 6)] |
                                    (random_next(random) & (TAG_WANTED | TAG_WAITS)));
}

static void bucket__finds_tags_of_all_kinds(void **state)
{
    struct random random = random_of(3);
    struct bucket bucket = {.spilled = 0};

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint16_t tag = bucket.tag[i % BUCKET_ENTRIES] & TAG_HASH;
        fill_tags(&bucket, &random);
        for (size_t j = 0; j < BUCKET_ENTRIES; j++)
            bucket.at[j] = (uint32_t)random_next(&random);
        bucket.spilled = (uint32_t)random_next(&random);
        assert_int_equal(bucket_tagged(&bucket, tag), bucket_tagged_plainly(&bucket, tag));
    }
    bucket = (struct bucket){.tag = {[3] = TAG_WANTED | 7, [9] = 7}};
    assert_int_equal(bucket_tagged(&bucket, 7), 1 << 3 | 1 << 9);
}

/* Positions near both ends of what is live, on either side; 0 at times. */
static uint32_t position_near(const struct slab *slab, struct random *random)
{
    uint32_t nearly = (uint32_t)random_below(random, 5) - 2;

    switch (random_below(random, 4)) {
    case 0:
        return 0;
    case 1:
        return slab->tail + nearly;
    case 2:
        return slab->head + nearly;
    default:
        return (uint32_t)random_next(random);
    }
}

static void bucket__finds_entries_that_are_free(void **state)
{
    static const uint32_t sizes[] = {0, 1, 2, 255, 100000, UINT32_MAX / 4};
    static const uint32_t tails[] = {BLOCK_SPANS,        (1U << 31) - BLOCK_SPANS, 1U << 31,
                                     UINT32_MAX - 99999, UINT32_MAX - 255,         0};
    struct random random = random_of(4);
    struct bucket bucket = {.spilled = 0};

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct slab slab = {.tail = tails[random_below(&random, 6)]};
        slab.live = sizes[random_below(&random, 6)];
        slab.head = slab.tail + slab.live;
        fill_tags(&bucket, &random);
        bucket.spilled = position_near(&slab, &random);
        for (size_t j = 0; j < BUCKET_ENTRIES; j++)
            bucket.at[j] = position_near(&slab, &random);
        assert_int_equal(bucket_free(&bucket, &slab), bucket_free_plainly(&bucket, &slab));
    }
    bucket = (struct bucket){.at = {0, 256, 257, 300, 0, 299, 1, 255, 256, 300}};
    assert_int_equal(bucket_free(&bucket, &(struct slab){.tail = 256, .head = 300, .live = 44}),
                     1 << 0 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 9);
}

static void bucket__is_free_at_position_0_even_where_positions_wrap(void **state)
{
    struct bucket bucket = {.at = {0, UINT32_MAX, 1, 2}};

    (void)state;
    assert_int_equal(
        bucket_free(&bucket, &(struct slab){.tail = UINT32_MAX - 255, .head = 2, .live = 258}) & 15,
        1 << 0 | 1 << 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket__finds_tags_of_all_kinds),
        cmocka_unit_test(bucket__finds_entries_that_are_free),
        cmocka_unit_test(bucket__is_free_at_position_0_even_where_positions_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
