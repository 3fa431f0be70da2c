/* latency_test.c: each duration is in one bucket, and all are in the sum. */
#include "engine/latency.h"

#include "engine/engine_counters.h"
#include "tests/lib/test.h"

static void latency__counts_in_its_bucket(void **state)
{
    static const struct {
        uint64_t took_ns;
        size_t bucket;
    } cases[] = {
        {0, 0},
        {100000, 0},
        {100001, 1},
        {NS_PER_MS, 2},
        {NS_PER_MS + 1, 3},
        {NS_PER_S, 8},
        {3 * NS_PER_S, 9},
        {3 * NS_PER_S + 1, 10},
        {UINT64_C(1) << 40, 10},
    };
    struct counters counters;
    uint64_t sum = 0;

    (void)state;
    assert_int_equal(counters_init(&counters, engine_counter_rows, ENGINE_COUNTER_COUNT), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t before = counters_read(&counters, ENGINE_MERGE_SECONDS + cases[i].bucket);
        latency_count(&counters, ENGINE_MERGE_SECONDS, (struct mono_time){77},
                      (struct mono_time){77 + cases[i].took_ns});
        sum += cases[i].took_ns;
        assert_true(counters_read(&counters, ENGINE_MERGE_SECONDS + cases[i].bucket) == before + 1);
    }
    assert_true(counters_read(&counters, ENGINE_MERGE_SUM) == sum);
    assert_true(counters_read(&counters, ENGINE_REQUEST_SUM) == 0);
    counters_release(&counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency__counts_in_its_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
