/* moment_test.c: times as they are written, and what is none. */
#include "exporters/moment.h"

#include <stdio.h>
#include <time.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"

static struct moment read_text(const char *text)
{
    struct moment moment = {0};

    if (moment_read(view_of(text), &moment) != 0)
        fail_msg("%s is no time", text);
    return moment;
}

static void moment__reads_dates_and_seconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"2026-11-25T22:40:00Z", UINT64_C(1795646400000000000)},
        {"2026-11-25t22:40:00z", UINT64_C(1795646400000000000)},
        {"2026-11-25 22:40:00Z", UINT64_C(1795646400000000000)},
        {"2026-11-25T22:40:00.5Z", UINT64_C(1795646400500000000)},
        {"2026-11-25T22:40:00.0000000019Z", UINT64_C(1795646400000000001)},
        {"2026-11-26T00:10:00+01:30", UINT64_C(1795646400000000000)},
        {"2026-11-26T00:10:00 01:30", UINT64_C(1795646400000000000)}, /* From a query. */
        {"2026-11-25T17:40:00-05:00", UINT64_C(1795646400000000000)},
        {"2000-02-29T00:00:00Z", UINT64_C(951782400000000000)},
        {"1970-01-01T00:00:01Z", UINT64_C(1000000000)},
        {"2016-12-31T23:59:60Z", UINT64_C(1483228800000000000)},
        {"1795646400", UINT64_C(1795646400000000000)},
        {"1795646400.25", UINT64_C(1795646400250000000)},
        {"1", UINT64_C(1000000000)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct moment moment = read_text(cases[i].text);
        assert_true(moment.ns == cases[i].ns);
        assert_false(moment.is_ago);
        assert_true(moment_at(&moment, (struct wall_time){77}).ns == cases[i].ns);
    }
}

static void moment__reads_how_long_ago(void **state)
{
    struct moment moment = read_text("-1h30m");

    (void)state;
    assert_true(moment.is_ago && moment.ns == 5400 * NS_PER_S);
    assert_true(moment_at(&moment, (struct wall_time){6000 * NS_PER_S}).ns == 600 * NS_PER_S);
    assert_true(moment_at(&moment, (struct wall_time){5400 * NS_PER_S}).ns == 1); /* Not before. */
}

static void moment__refuses_what_is_no_time(void **state)
{
    static const char *const cases[] = {
        "",
        "now",
        "-",
        "-0",
        "-5",
        "+5m",
        "0",
        "0.5",
        " 1",
        "1 ",
        "1.",
        "1.x",
        "9999999999999",
        "123456789012345678901234567890",

        "2026-11-25",
        "2026-11-25T22:40Z",
        "2026-11-25T22:40:00",
        "2026-11-25T22:40:00ZZ",
        "2026-11-25T22:40:00+01",
        "2026-11-25T22:40:00.Z",
        "2026-11-25T24:00:00Z",
        "2026-11-25T22:60:00Z",
        "2026-11-25T22:40:61Z",
        "2026-00-25T22:40:00Z",
        "2026-13-25T22:40:00Z",
        "2026-11-31T22:40:00Z",
        "2025-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00+01:00",
        "2262-01-01T00:00:00Z",
        "2026-1-25T22:40:00Z",
        "20261125T224000Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct moment moment = {.ns = 7};
        if (moment_read(view_of(cases[i]), &moment) != STATUS_INVALID)
            fail_msg("'%s' was taken for a time", cases[i]);
        assert_true(moment.ns == 7);
    }
}

/* The C library is the oracle. */
static void moment__prints_what_it_reads(void **state)
{
    struct random random = random_of(3);

    (void)state;
    for (int i = 0; i < 2000; i++) {
        time_t seconds = (time_t)(1 + random_below(&random, UINT64_C(9000000000)));
        struct wall_time time = {(uint64_t)seconds * NS_PER_S + random_below(&random, NS_PER_S)};
        struct tm broken;
        char wanted[64];
        struct buf out;

        assert_non_null(gmtime_r(&seconds, &broken));
        assert_true(strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%SZ", &broken) != 0);
        buf_init(&out, 0);
        assert_int_equal(moment_print(time, &out), 0);
        assert_view_equal(buf_view(&out), wanted);
        assert_true(read_text(wanted).ns == (uint64_t)seconds * NS_PER_S);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moment__reads_dates_and_seconds),
        cmocka_unit_test(moment__reads_how_long_ago),
        cmocka_unit_test(moment__refuses_what_is_no_time),
        cmocka_unit_test(moment__prints_what_it_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
