/* otlp_signal_test.c: metrics and logs, checked and counted. */
#include "receiver/otlp_signal.h"

#include <math.h>

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

enum { GAUGE = 5, SUM = 7, HISTOGRAM = 9, EXPONENTIAL = 10, SUMMARY = 11, DEPTH = 64 };

/* A request with a metric, left open at its first data point. */
static void open_point(struct build *build, unsigned kind)
{
    build_init(build);
    build_open(build, 1); /* ResourceMetrics */
    build_open(build, 1); /* Resource */
    build_attribute(build, 1, "service.name", "shop");
    build_close(build);
    build_open(build, 2); /* ScopeMetrics */
    build_open(build, 2); /* Metric */
    build_text(build, 1, "name");
    build_open(build, kind);
    build_open(build, 1);
}

static struct otlp_signal_counts read_metrics(struct build *build)
{
    struct otlp_signal_counts counts;

    if (otlp_signal_read(OTLP_METRICS, build_done(build), DEPTH, &counts) != 0)
        fail_msg("%s at %zu", counts.error, counts.error_offset);
    build_release(build);
    return counts;
}

static void build_double(struct build *build, unsigned field, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    build_fixed64(build, field, bits);
}

static void signal__counts_points_of_each_kind(void **state)
{
    static const unsigned kinds[] = {GAUGE, SUM, HISTOGRAM, EXPONENTIAL, SUMMARY};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct otlp_signal_counts counts;
        struct build build;

        open_point(&build, kinds[i]);
        build_fixed64(&build, 3, 5);
        build_fixed64(&build, 4, 1); /* A value, or a count. */
        build_close(&build);
        build_open(&build, 1);
        build_fixed64(&build, 4, 1); /* Without a time. */
        counts = read_metrics(&build);
        assert_int_equal(counts.items, 2);
        assert_int_equal(counts.rejected, 1);
        assert_string_equal(counts.reason, "a data point has no time");
        assert_null(counts.warning);
    }
}

static void signal__wants_a_value_or_the_flag(void **state)
{
    struct otlp_signal_counts counts;
    struct build build;

    (void)state;
    open_point(&build, GAUGE);
    build_fixed64(&build, 3, 5);
    build_close(&build);
    build_open(&build, 1);
    build_fixed64(&build, 3, 5);
    build_varint(&build, 8, 1); /* NO_RECORDED_VALUE */
    build_close(&build);
    build_open(&build, 1);
    build_fixed64(&build, 3, 5);
    build_fixed64(&build, 6, 0); /* as_int */
    build_close(&build);
    build_open(&build, 1);
    build_fixed64(&build, 3, 5);
    build_varint(&build, 8, 2); /* Another flag. */
    counts = read_metrics(&build);
    assert_int_equal(counts.items, 4);
    assert_int_equal(counts.rejected, 2);
    assert_non_null(strstr(counts.reason, "value"));
}

static uint64_t rejected_of(const double *bounds, size_t bounds_count, size_t buckets,
                            bool is_packed)
{
    struct build build;

    open_point(&build, HISTOGRAM);
    build_fixed64(&build, 3, 5);
    if (is_packed) {
        static const char zeros_of_buckets[64 * 8];

        build_bytes(&build, 6, BYTES(zeros_of_buckets, buckets * 8));
        build_bytes(&build, 7, BYTES((const char *)bounds, bounds_count * sizeof(double)));
    } else {
        for (size_t i = 0; i < buckets; i++)
            build_fixed64(&build, 6, 1);
        for (size_t i = 0; i < bounds_count; i++)
            build_double(&build, 7, bounds[i]);
    }
    return read_metrics(&build).rejected;
}

static void signal__wants_histograms_that_fit(void **state)
{
    static const double rising[] = {-1, 0, 0.5, 100};
    static const double equal[] = {1, 1};
    static const double falling[] = {2, 1};
    double odd[] = {1, NAN};

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        assert_int_equal(rejected_of(NULL, 0, 0, packed), 0);
        assert_int_equal(rejected_of(NULL, 0, 1, packed), 0);
        assert_int_equal(rejected_of(rising, 4, 5, packed), 0);
        assert_int_equal(rejected_of(rising, 4, 4, packed), 1);
        assert_int_equal(rejected_of(rising, 4, 6, packed), 1);
        assert_int_equal(rejected_of(rising, 4, 0, packed), 1);
        assert_int_equal(rejected_of(NULL, 0, 2, packed), 1);
        assert_int_equal(rejected_of(equal, 2, 3, packed), 1);
        assert_int_equal(rejected_of(falling, 2, 3, packed), 1);
        assert_int_equal(rejected_of(odd, 2, 3, packed), 1);
    }
}

static void signal__counts_log_records(void **state)
{
    struct otlp_signal_counts counts;
    struct build build;

    (void)state;
    build_init(&build);
    build_open(&build, 1);
    build_open(&build, 2);
    build_open(&build, 2);
    build_text(&build, 3, "INFO");
    build_open(&build, 5);
    build_text(&build, 1, "body");
    build_close(&build);
    build_bytes(&build, 9, BYTES(sixteen, 3)); /* Belongs to no trace then. */
    build_close(&build);
    build_open(&build, 2);
    build_open(&build, 6);
    build_varint(&build, 3, 1); /* key_strindex */
    assert_int_equal(otlp_signal_read(OTLP_LOGS, build_done(&build), DEPTH, &counts), 0);
    assert_int_equal(counts.items, 2);
    assert_int_equal(counts.rejected, 0);
    assert_non_null(strstr(counts.warning, "strindex"));
    assert_int_equal(otlp_signal_read(OTLP_LOGS, VIEW(""), DEPTH, &counts), 0);
    assert_int_equal(counts.items, 0);
    assert_int_equal(
        otlp_signal_read(OTLP_LOGS, VIEW("\x0a\x00\x12\x01x\x1d\x01\x02\x03\x04"), DEPTH, &counts),
        0); /* An empty block, and fields that nobody knows. */
    assert_int_equal(counts.items, 0);
    build_release(&build);
}

/* Every message that ends too early, and each byte changed, is read to its end or refused. */
static void signal__refuses_what_is_malformed(void **state)
{
    struct otlp_signal_counts counts;
    struct build build;
    struct view whole;
    size_t refused = 0;

    (void)state;
    open_point(&build, EXPONENTIAL);
    build_fixed64(&build, 3, 5);
    build_open(&build, 8);
    build_bytes(&build, 2, VIEW("\x01\xac\x02"));
    build_close(&build);
    build_open(&build, 11);
    build_attribute(&build, 7, "k", "v");
    whole = build_done(&build);
    assert_int_equal(otlp_signal_read(OTLP_METRICS, whole, DEPTH, &counts), 0);
    for (size_t size = 1; size < whole.size; size++) {
        struct view cut = {whole.data, size};

        assert_int_equal(otlp_signal_read(OTLP_METRICS, cut, DEPTH, &counts), STATUS_TRUNCATED);
        assert_non_null(counts.error);
        assert_in_range(counts.error_offset, 0, size);
        assert_int_equal(counts.items, 0);
    }
    for (size_t i = 0; i < whole.size; i++) {
        char before = build.out.data[i];

        build.out.data[i] = (char)0xff;
        refused += otlp_signal_read(OTLP_METRICS, whole, DEPTH, &counts) != 0;
        build.out.data[i] = before;
    }
    assert_true(refused > whole.size / 2);
    build_release(&build);
    open_point(&build, HISTOGRAM);
    build_bytes(&build, 7, VIEW("1234567")); /* No double is as short. */
    assert_int_equal(otlp_signal_read(OTLP_METRICS, build_done(&build), DEPTH, &counts),
                     STATUS_TRUNCATED);
    build_release(&build);
    open_point(&build, EXPONENTIAL);
    build_open(&build, 9);
    build_bytes(&build, 2, VIEW("\x80"));
    assert_int_equal(otlp_signal_read(OTLP_METRICS, build_done(&build), DEPTH, &counts),
                     STATUS_TRUNCATED);
    build_release(&build);
}

static void signal__bounds_the_depth(void **state)
{
    struct otlp_signal_counts counts;
    struct build build;

    (void)state;
    for (unsigned depth_max = 4; depth_max < 9; depth_max++) {
        open_point(&build, GAUGE);
        build_attribute(&build, 7, "k", "v"); /* A value at depth 8. */
        assert_int_equal(otlp_signal_read(OTLP_METRICS, build_done(&build), depth_max, &counts),
                         depth_max < 8 ? STATUS_INVALID : 0);
        build_release(&build);
    }
    build_init(&build);
    build_open(&build, 1);
    build_open(&build, 2);
    build_open(&build, 2);
    build_open(&build, 5);
    for (int i = 0; i < 100; i++) {
        build_open(&build, 5); /* array_value */
        build_open(&build, 1);
    }
    assert_int_equal(otlp_signal_read(OTLP_LOGS, build_done(&build), DEPTH, &counts),
                     STATUS_INVALID);
    assert_non_null(strstr(counts.error, "deep"));
    build_release(&build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal__counts_points_of_each_kind),
        cmocka_unit_test(signal__wants_a_value_or_the_flag),
        cmocka_unit_test(signal__wants_histograms_that_fit),
        cmocka_unit_test(signal__counts_log_records),
        cmocka_unit_test(signal__refuses_what_is_malformed),
        cmocka_unit_test(signal__bounds_the_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
