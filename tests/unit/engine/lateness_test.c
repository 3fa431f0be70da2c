/* lateness_test.c: each span in one bucket, and a sum that a hostile clock cannot run over. */
#include "engine/lateness.h"

#include "engine/engine_counters.h"
#include "tests/lib/test.h"

static const struct wall_time now = {UINT64_C(1700000000) * NS_PER_S};

static uint64_t bucket_of(uint64_t start_ns, uint64_t duration_ns, uint64_t *out_sum_s)
{
    struct lateness lateness = {0};
    struct counters counters;
    struct span span = {.start_ns = start_ns,
                        .duration_ns = duration_ns & (2 * DURATION_NS_MAX - 1)};
    uint64_t found = LATENESS_BUCKETS;

    assert_int_equal(counters_init(&counters, engine_counter_rows, ENGINE_COUNTER_COUNT), 0);
    lateness_note(&lateness, &span, now);
    lateness_count(&lateness, &counters);
    lateness_count(&lateness, &counters); /* Nothing is counted twice. */
    for (uint64_t i = 0; i < LATENESS_BUCKETS; i++)
        if (counters_read(&counters, ENGINE_LATENESS_0 + i) != 0) {
            assert_int_equal(counters_read(&counters, ENGINE_LATENESS_0 + i), 1);
            assert_int_equal(found, LATENESS_BUCKETS);
            found = i;
        }
    *out_sum_s = counters_read(&counters, ENGINE_LATENESS_SUM);
    counters_release(&counters);
    return found;
}

static void lateness__knows_its_bucket(void **state)
{
    uint64_t sum_s;

    (void)state;
    assert_int_equal(bucket_of(now.ns, 0, &sum_s), 0);
    assert_int_equal(bucket_of(now.ns - 5, 10, &sum_s), 0);
    assert_int_equal(bucket_of(UINT64_MAX - 1, 10, &sum_s), 0);
    assert_int_equal(sum_s, 0);
    assert_int_equal(bucket_of(now.ns - 1, 0, &sum_s), 1);
    assert_int_equal(bucket_of(now.ns - NS_PER_S, 0, &sum_s), 1);
    assert_int_equal(bucket_of(now.ns - NS_PER_S - 1, 0, &sum_s), 2);
    assert_int_equal(bucket_of(now.ns - 20 * NS_PER_S, 11 * NS_PER_S, &sum_s), 4);
    assert_int_equal(sum_s, 9);
    assert_int_equal(bucket_of(now.ns - 86400 * NS_PER_S, 0, &sum_s), LATENESS_BUCKETS - 2);
    assert_int_equal(bucket_of(1, 0, &sum_s), LATENESS_BUCKETS - 1);
    assert_int_equal(sum_s, 86400);
}

static void lateness__of_no_times_is_not_counted(void **state)
{
    struct lateness lateness = {0};
    struct span span = {.no_duration = 1};

    (void)state;
    lateness_note(&lateness, &span, now);
    for (size_t i = 0; i < LATENESS_BUCKETS; i++)
        assert_int_equal(lateness.spans[i], 0);
}

static void lateness__sums_what_is_below_a_second(void **state)
{
    struct lateness lateness = {0};
    struct counters counters;
    struct span span = {.start_ns = now.ns - 300 * NS_PER_MS};

    (void)state;
    assert_int_equal(counters_init(&counters, engine_counter_rows, ENGINE_COUNTER_COUNT), 0);
    for (size_t i = 0; i < 10; i++) {
        lateness_note(&lateness, &span, now);
        lateness_count(&lateness, &counters);
    }
    assert_int_equal(counters_read(&counters, ENGINE_LATENESS_SUM), 3);
    counters_release(&counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lateness__knows_its_bucket),
        cmocka_unit_test(lateness__of_no_times_is_not_counted),
        cmocka_unit_test(lateness__sums_what_is_below_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
