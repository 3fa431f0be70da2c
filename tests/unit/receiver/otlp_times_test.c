/* otlp_times_test.c: what is a time and what is not, how far it moves, and broken requests. Whole
 * requests are compared with gRPC's own reading of them in tests/e2e/test_replay.py.
 */
#include "receiver/otlp_times.h"

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

/* One span with an event, and fields of the same numbers in places where they are no times. */
static void put_span(struct build *build, uint64_t start, uint64_t end, uint64_t event_time)
{
    build_open(build, 2);
    build_text(build, 1, "0123456789abcdef");
    build_fixed64(build, 7, start);
    build_text(build, 7, "no time");
    build_fixed64(build, 8, end);
    build_open(build, 11);
    build_text(build, 2, "an event");
    build_fixed64(build, 1, event_time);
    build_fixed64(build, 7, 77);
    build_close(build);
    build_open(build, 13);
    build_fixed64(build, 1, 11); /* A link's first field is no time. */
    build_close(build);
    build_fixed64(build, 99, 99);
    build_close(build);
}

/* Two spans in two resources. */
static void build_request(struct build *build, const uint64_t times[6])
{
    build_init(build);
    for (size_t i = 0; i < 2; i++) {
        build_open(build, 1);
        build_text(build, 1, "");
        build_open(build, 2);
        build_fixed64(build, 8, 8);
        put_span(build, times[3 * i], times[3 * i + 1], times[3 * i + 2]);
        build_close(build);
        build_fixed64(build, 7, 7);
        build_close(build);
    }
}

static void otlp_times__finds_the_latest_end(void **state)
{
    static const uint64_t times[] = {5, 900, 1000, 800, 30, 2000};
    struct otlp_times found;
    struct build request;

    (void)state;
    build_request(&request, times);
    assert_int_equal(otlp_times_read(build_done(&request), &found), 0);
    assert_int_equal(found.spans, 2);
    assert_int_equal(found.latest_end_ns, 900);
    build_release(&request);
    assert_int_equal(otlp_times_read(VIEW(""), &found), 0);
    assert_int_equal(found.spans, 0);
    assert_int_equal(found.latest_end_ns, 0);
    assert_int_equal(otlp_times_read((struct view){NULL, 0}, &found), 0);
}

static void check_shift(const uint64_t before[6], int64_t shift_ns, const uint64_t after[6])
{
    struct build request;
    struct build expected;

    build_request(&request, before);
    build_request(&expected, after);
    (void)build_done(&request);
    otlp_times_shift(request.out.data, request.out.size, shift_ns);
    assert_true(view_equal(buf_view(&request.out), build_done(&expected)));
    build_release(&request);
    build_release(&expected);
}

static void otlp_times__moves_times_and_nothing_else(void **state)
{
    static const uint64_t before[] = {5, 900, 1000, 800, 30, 2000};
    static const uint64_t later[] = {105, 1000, 1100, 900, 130, 2100};
    static const uint64_t earlier[] = {1, 896, 996, 796, 26, 1996};

    (void)state;
    check_shift(before, 100, later);
    check_shift(later, -100, before);
    check_shift(before, -4, earlier);
    check_shift(before, 0, before);
}

static void otlp_times__keeps_what_is_no_time(void **state)
{
    static const uint64_t before[] = {0, 0, 0, 3, UINT64_MAX - 1, UINT64_MAX};
    static const uint64_t later[] = {0, 0, 0, 12, UINT64_MAX, UINT64_MAX};
    static const uint64_t earlier[] = {0, 0, 0, 1, UINT64_MAX - 10, UINT64_MAX - 9};

    (void)state;
    check_shift(before, 9, later);
    check_shift(before, -9, earlier);
    check_shift((const uint64_t[]){1, 2, 3, 4, 5, 6}, INT64_MIN,
                (const uint64_t[]){1, 1, 1, 1, 1, 1});
}

static void otlp_times__tells_where_a_request_is_broken(void **state)
{
    static const struct {
        struct view request;
        int status;
        size_t offset;
    } samples[] = {
        {{"\x0a\x05", 2}, STATUS_TRUNCATED, 1},                 /* A resource that is not there. */
        {{"\x0a\x04\x12\x02\x12\x05", 6}, STATUS_TRUNCATED, 5}, /* A span that is not there. */
        {{"\x00", 1}, STATUS_INVALID, 0},                       /* Field number 0. */
        {{"\x0a\x02\x12\x00\x07", 5}, STATUS_INVALID, 4}, /* Wire type 7, behind a resource. */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct otlp_times times;
        assert_int_equal(otlp_times_read(samples[i].request, &times), samples[i].status);
        assert_int_equal(times.error_offset, samples[i].offset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(otlp_times__finds_the_latest_end),
        cmocka_unit_test(otlp_times__moves_times_and_nothing_else),
        cmocka_unit_test(otlp_times__keeps_what_is_no_time),
        cmocka_unit_test(otlp_times__tells_where_a_request_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
