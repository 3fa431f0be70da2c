/* quantity_test.c: numbers with units, read exactly or refused, and back. */
#include "base/quantity.h"

#include "base/clock.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"

struct sample {
    const char *text;
    uint64_t number;
    const char *printed; /* NULL: as `text`. */
};

static void check(int (*read)(struct view, uint64_t *), int (*print)(uint64_t, struct buf *),
                  const struct sample *samples, size_t count)
{
    struct buf out;

    buf_init(&out, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 1234567;
        assert_int_equal(read(view_of(samples[i].text), &number), 0);
        assert_int_equal(number, samples[i].number);
        buf_reset(&out);
        assert_int_equal(print(number, &out), 0);
        assert_view_equal(buf_view(&out),
                          samples[i].printed != NULL ? samples[i].printed : samples[i].text);
    }
    buf_release(&out);
}

static void check_refused(int (*read)(struct view, uint64_t *), int status,
                          const char *const *texts)
{
    for (; *texts != NULL; texts++) {
        uint64_t number = 77;
        assert_int_equal(read(view_of(*texts), &number), status);
        assert_int_equal(number, 77);
    }
}

static void quantity__reads_counts(void **state)
{
    static const char *const wrong[] = {"",    "-1",  "+1",   " 1",  "1 ",
                                        "1.0", "1e3", "0x10", "ten", NULL};
    static const char *const large[] = {"18446744073709551616", "99999999999999999999", NULL};
    uint64_t count;

    (void)state;
    assert_int_equal(quantity_read_count(VIEW("0"), &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(quantity_read_count(VIEW("18446744073709551615"), &count), 0);
    assert_true(count == UINT64_MAX);
    assert_int_equal(quantity_read_count(VIEW("0042"), &count), 0);
    assert_int_equal(count, 42);
    assert_int_equal(quantity_read_count((struct view){NULL, 0}, &count), STATUS_INVALID);
    check_refused(quantity_read_count, STATUS_INVALID, wrong);
    check_refused(quantity_read_count, STATUS_RANGE, large);
}

static void quantity__reads_bytes(void **state)
{
    static const struct sample samples[] = {
        {"0", 0, NULL},
        {"512", 512, "512B"},
        {"512B", 512, NULL},
        {"1023", 1023, "1023B"},
        {"1KiB", 1024, NULL},
        {"64MiB", 67108864, NULL},
        {"64 MiB", 67108864, "64MiB"},
        {"1048576", 1048576, "1MiB"},
        {"1GB", 1000000000, "1000000000B"},
        {"1kB", 1000, "1000B"},
        {"1KB", 1000, "1000B"},
        {"1.5GiB", 1610612736, "1536MiB"},
        {"0.5KiB", 512, "512B"},
        {"2MB", 2000000, "2000000B"},
        {"1.024KB", 1024, "1KiB"},
        {"3TB", UINT64_C(3000000000000), "2929687500KiB"},
        {"16383TiB", UINT64_C(16383) << 40, NULL},
        {"18446744073709551615", UINT64_MAX, "18446744073709551615B"},
    };
    static const char *const wrong[] = {"",      "MiB",    "1M",    "1 ",    "1  MiB", "1mib",
                                        "1.",    ".5GiB",  "1MiB2", "-1MiB", "1MiB ",  "1b",
                                        "1,5GB", "1GB1MB", "1Mi",   NULL};
    static const char *const large[] = {
        "16777216TiB",        "18446744073709551616",    "0.1KiB", "0.5B",
        "1.0000000000001GiB", "18446744073709551615KiB", NULL};

    (void)state;
    check(quantity_read_bytes, quantity_print_bytes, samples, sizeof(samples) / sizeof(samples[0]));
    check_refused(quantity_read_bytes, STATUS_INVALID, wrong);
    check_refused(quantity_read_bytes, STATUS_RANGE, large);
}

static void quantity__reads_durations(void **state)
{
    static const struct sample samples[] = {
        {"0", 0, NULL},
        {"0s", 0, "0"},
        {"10s", 10 * NS_PER_S, NULL},
        {"5m", 300 * NS_PER_S, NULL},
        {"300s", 300 * NS_PER_S, "5m"},
        {"250ms", 250 * NS_PER_MS, NULL},
        {"1h", 3600 * NS_PER_S, NULL},
        {"1h30m", 5400 * NS_PER_S, "90m"},
        {"1h0m1s", 3601 * NS_PER_S, "3601s"},
        {"1.5s", 1500 * NS_PER_MS, "1500ms"},
        {"0.25h", 900 * NS_PER_S, "15m"},
        {"1us", 1000, NULL},
        {"7ns", 7, NULL},
        {"1s1ns", NS_PER_S + 1, "1000000001ns"},
        {"5124095h", UINT64_C(5124095) * 3600 * NS_PER_S, NULL},
    };
    static const char *const wrong[] = {"",     "5",   "s",  "5 s",  "5sec", "5m5m",
                                        "5s1m", "-5s", "5.", "1.s",  "1h m", "5s ",
                                        " 5s",  "1d",  "5M", "1e3s", NULL};
    static const char *const large[] = {
        "5124096h", "0.5ns", "0.0000000001s", "99999999999999999999s", "5124095h5124095m", NULL};

    (void)state;
    check(quantity_read_duration, quantity_print_duration, samples,
          sizeof(samples) / sizeof(samples[0]));
    check_refused(quantity_read_duration, STATUS_INVALID, wrong);
    check_refused(quantity_read_duration, STATUS_RANGE, large);
}

static void quantity__reads_ratios(void **state)
{
    static const struct {
        const char *text;
        double ratio;
        const char *printed;
    } samples[] = {
        {"0", 0, "0"},
        {"1", 1, "1"},
        {"0.25", 0.25, "0.25"},
        {"25%", 0.25, "0.25"},
        {"100%", 1, "1"},
        {"0.1", 0.1, "0.1"},
        {"0.1%", 0.001, "0.001"},
        {"12.5%", 0.125, "0.125"},
        {"0.000000000001", 1e-12, "0.000000000001"},
        {"1000.5", 1000.5, "1000.5"},
        {"0.30", 0.3, "0.3"},
    };
    static const char *const wrong[] = {"",    "%",    ".5",  "1.",  "-0.1",
                                        "1 %", "1e-3", "nan", "inf", "0.5%%"};

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        double ratio = -1;
        struct buf out;
        assert_int_equal(quantity_read_ratio(view_of(samples[i].text), &ratio), 0);
        assert_true(ratio == samples[i].ratio);
        buf_init(&out, 0);
        assert_int_equal(quantity_print_ratio(ratio, &out), 0);
        assert_view_equal(buf_view(&out), samples[i].printed);
        buf_release(&out);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        double ratio = -1;
        assert_int_equal(quantity_read_ratio(view_of(wrong[i]), &ratio), STATUS_INVALID);
        assert_true(ratio == -1);
    }
    assert_int_equal(quantity_read_ratio(VIEW("1000000000000000"), &(double){0}), STATUS_RANGE);
    assert_int_equal(quantity_read_ratio(VIEW("0.0000000000001"), &(double){0}), STATUS_RANGE);
}

static void quantity__reads_back_what_it_prints(void **state)
{
    struct random random = random_of(1);
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t number = random_next(&random) >> (random_next(&random) % 64);
        uint64_t again = 0;
        double ratio = (double)(number % 1000000000) / 1e9;
        double ratio_again = -1;
        buf_reset(&out);
        assert_int_equal(quantity_print_bytes(number, &out), 0);
        assert_int_equal(quantity_read_bytes(buf_view(&out), &again), 0);
        assert_true(again == number);
        buf_reset(&out);
        assert_int_equal(quantity_print_duration(number, &out), 0);
        assert_int_equal(quantity_read_duration(buf_view(&out), &again), 0);
        assert_true(again == number);
        buf_reset(&out);
        assert_int_equal(quantity_print_ratio(ratio, &out), 0);
        assert_int_equal(quantity_read_ratio(buf_view(&out), &ratio_again), 0);
        assert_true(ratio_again == ratio);
    }
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantity__reads_counts),
        cmocka_unit_test(quantity__reads_bytes),
        cmocka_unit_test(quantity__reads_durations),
        cmocka_unit_test(quantity__reads_ratios),
        cmocka_unit_test(quantity__reads_back_what_it_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
