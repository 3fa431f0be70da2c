/* otlp_memo_test.c: what was put is found or lost, but never another. */
#include "receiver/otlp_memo.h"

#include "base/mem.h"
#include "tests/lib/test.h"

enum { MANY = 50000 };

static struct hash128 key_of(uint32_t number)
{
    return hash128(&number, sizeof(number), 3);
}

/* How many of them are found, each with its own site. */
static uint32_t found(const struct otlp_memo *memo, uint32_t count)
{
    uint32_t hits = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct hash128 key = key_of(i);
        uint32_t site = UINT32_MAX;
        if (!otlp_memo_find(memo, &key, &site))
            continue;
        assert_int_equal(site, i);
        hits++;
    }
    return hits;
}

/* As a decoder does. */
static void use(struct otlp_memo *memo, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct hash128 key = key_of(i);
        uint32_t site;
        otlp_memo_prefetch(memo, &key);
        if (!otlp_memo_find(memo, &key, &site))
            otlp_memo_put(memo, &key, i);
    }
}

static void memo__grows_until_it_knows_all(void **state)
{
    struct otlp_memo memo;

    (void)state;
    assert_int_equal(otlp_memo_init(&memo, 4 * MANY), 0);
    memo.version = 2;
    assert_int_equal(found(&memo, MANY), 0);
    assert_true(memo.mask < memo.mask_max);
    for (int round = 0; round < 4; round++)
        use(&memo, MANY);
    assert_in_range(found(&memo, MANY), MANY * 9 / 10, MANY);
    memo.version = 4; /* A sweep began. */
    assert_int_equal(found(&memo, MANY), 0);
    use(&memo, 1);
    assert_int_equal(found(&memo, MANY), 1);
    otlp_memo_release(&memo);
}

static void memo__stays_within_its_maximum(void **state)
{
    static const struct {
        size_t entries_max;
        uint64_t lines;
    } cases[] = {{1, 1}, {4, 1}, {5, 2}, {4096, 1024}, {4097, 2048}, {10000, 4096}, {16384, 4096}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otlp_memo memo;
        assert_int_equal(otlp_memo_init(&memo, cases[i].entries_max), 0);
        memo.version = 2;
        for (int round = 0; round < 3; round++)
            use(&memo, MANY);
        assert_int_equal(memo.mask + 1, cases[i].lines);
        assert_true((uintptr_t)memo.lines % sizeof(struct otlp_memo_line) == 0);
        assert_in_range(found(&memo, MANY), 1, OTLP_MEMO_WAYS * cases[i].lines);
        otlp_memo_release(&memo);
    }
}

static void memo__goes_on_without_memory(void **state)
{
    struct otlp_memo memo;
    uint64_t mask;

    (void)state;
    mem_fail_after(0);
    assert_int_equal(otlp_memo_init(&memo, MANY), STATUS_NOMEM);
    mem_fail_after(-1);
    otlp_memo_release(&memo);
    assert_int_equal(otlp_memo_init(&memo, MANY), 0);
    memo.version = 2;
    mask = memo.mask;
    mem_fail_after(0);
    use(&memo, MANY);
    assert_int_equal(memo.mask, mask);
    assert_true(found(&memo, MANY) > mask);
    mem_fail_after(-1);
    use(&memo, MANY);
    assert_true(memo.mask > mask);
    otlp_memo_release(&memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memo__grows_until_it_knows_all),
        cmocka_unit_test(memo__stays_within_its_maximum),
        cmocka_unit_test(memo__goes_on_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
