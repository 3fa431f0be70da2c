/* otlp_value_test.c: what OpenTelemetry says of AnyValue outside of OTLP. */
#include "receiver/otlp_value.h"

#include <float.h>
#include <math.h>

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

enum { MUCH = 4096 };

static void expect_text(struct build *build, const char *text)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(otlp_value_text(build_done(build), MUCH, &out), 0);
    assert_view_equal(buf_view(&out), text);
    buf_release(&out);
    build_release(build);
    build_init(build);
}

static void build_double(struct build *build, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    build_fixed64(build, 4, bits);
}

static void value__writes_scalars(void **state)
{
    static const struct {
        double number;
        const char *text;
    } doubles[] = {
        {0.1, "0.1"},
        {3.14159, "3.14159"},
        {-2, "-2"},
        {1e300, "1e+300"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {0.30000000000000004, "0.30000000000000004"},
    };
    struct build build;

    (void)state;
    build_init(&build);
    build_text(&build, 1, "as \"it\" is");
    expect_text(&build, "as \"it\" is");
    build_varint(&build, 2, 1);
    expect_text(&build, "true");
    build_varint(&build, 2, 0);
    expect_text(&build, "false");
    build_varint(&build, 3, (uint64_t)INT64_MIN);
    expect_text(&build, "-9223372036854775808");
    build_varint(&build, 3, 0);
    expect_text(&build, "0");
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
        build_double(&build, doubles[i].number);
        expect_text(&build, doubles[i].text);
    }
    build_bytes(&build, 7, BYTES("hello world", 11));
    expect_text(&build, "aGVsbG8gd29ybGQ=");
    build_bytes(&build, 7, BYTES("\xFF\xFF\xFF", 3));
    expect_text(&build, "////");
    build_bytes(&build, 7, BYTES("a", 1));
    expect_text(&build, "YQ==");
    expect_text(&build, "");
    build_release(&build);
}

static void value__writes_lists_as_json(void **state)
{
    struct build build;

    (void)state;
    build_init(&build);
    build_open(&build, 5);
    build_open(&build, 1);
    build_varint(&build, 3, 1);
    build_close(&build);
    build_open(&build, 1);
    build_double(&build, -INFINITY);
    build_close(&build);
    build_open(&build, 1);
    build_text(&build, 1, "a\"\\\n");
    build_close(&build);
    build_open(&build, 1); /* Empty. */
    build_close(&build);
    build_open(&build, 1);
    build_open(&build, 6);
    build_open(&build, 1);
    build_text(&build, 1, "nested");
    build_open(&build, 2);
    build_bytes(&build, 7, BYTES("hello world", 11));
    expect_text(&build,
                "[1,\"-Infinity\",\"a\\\"\\\\\\n\",null,{\"nested\":\"aGVsbG8gd29ybGQ=\"}]");
    build_open(&build, 6);
    expect_text(&build, "{}");
    build_open(&build, 5);
    expect_text(&build, "[]");
    build_release(&build);
}

/* Protobuf's rules for a oneof that came several times. */
static void value__takes_the_last_member(void **state)
{
    struct build build;

    (void)state;
    build_init(&build);
    build_text(&build, 1, "text");
    build_varint(&build, 3, 7);
    expect_text(&build, "7");
    for (int i = 0; i < 2; i++) {
        build_open(&build, 5);
        build_open(&build, 1);
        build_varint(&build, 3, (uint64_t)i);
        build_close(&build);
        build_close(&build);
    }
    expect_text(&build, "[0,1]");
    for (int i = 0; i < 2; i++) {
        build_open(&build, 5);
        build_open(&build, 1);
        build_varint(&build, 3, (uint64_t)i);
        build_close(&build);
        build_close(&build);
        if (i == 0)
            build_varint(&build, 2, 1);
    }
    expect_text(&build, "[1]");
    build_release(&build);
}

static void value__cuts_what_is_long(void **state)
{
    struct build build;
    struct buf out;

    (void)state;
    build_init(&build);
    buf_init(&out, 0);
    build_open(&build, 5);
    for (int i = 0; i < 100000; i++) {
        build_open(&build, 1);
        build_text(&build, 1, "an element");
        build_close(&build);
    }
    assert_int_equal(otlp_value_text(build_done(&build), 100, &out), 0);
    assert_in_range(out.size, 100, 120);
    buf_release(&out);
    build_release(&build);
}

/* What is in the buffer already does not count. */
static void value__cuts_a_long_text(void **state)
{
    struct build build;
    struct buf out;
    char text[1000];

    (void)state;
    build_init(&build);
    buf_init(&out, 0);
    memset(text, 'x', sizeof(text));
    build_bytes(&build, 1, (struct view){text, sizeof(text)});
    build_varint(&build, 15, 1);
    assert_int_equal(buf_append_text(&out, "before"), 0);
    assert_int_equal(otlp_value_text(build_done(&build), 100, &out), 0);
    assert_int_equal(out.size, strlen("before") + 100);
    buf_release(&out);
    build_release(&build);
}

static void value__is_text_beside_unknown_fields(void **state)
{
    struct build build;
    struct view text;

    (void)state;
    build_init(&build);
    build_text(&build, 1, "first");
    build_text(&build, 1, "last");
    build_text(&build, 15, "unknown");
    assert_true(otlp_value_is_text(build_done(&build), &text));
    assert_view_equal(text, "last");
    build_varint(&build, 2, 1);
    assert_false(otlp_value_is_text(build_done(&build), &text));
    build_release(&build);
    build_init(&build);
    assert_false(otlp_value_is_text(build_done(&build), &text));
    build_release(&build);
}

static void value__bounds_its_depth(void **state)
{
    struct build build;
    struct buf out;

    (void)state;
    build_init(&build);
    buf_init(&out, 0);
    for (int i = 0; i < 100; i++) {
        build_open(&build, 5);
        build_open(&build, 1);
    }
    assert_int_equal(otlp_value_text(build_done(&build), 1000, &out), 0);
    assert_in_range(out.size, 100, 140);
    buf_release(&out);
    build_release(&build);
}

static int write_with_failures(void *context)
{
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = otlp_value_text(*(struct view *)context, MUCH, &out);
    buf_release(&out);
    return status;
}

static void value__survives_failing_memory(void **state)
{
    struct build build;
    struct view value;

    (void)state;
    build_init(&build);
    build_text(&build, 1, "some text");
    value = build_done(&build);
    test_sweep_memory(write_with_failures, &value);
    build_release(&build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value__writes_scalars),
        cmocka_unit_test(value__writes_lists_as_json),
        cmocka_unit_test(value__takes_the_last_member),
        cmocka_unit_test(value__cuts_what_is_long),
        cmocka_unit_test(value__cuts_a_long_text),
        cmocka_unit_test(value__is_text_beside_unknown_fields),
        cmocka_unit_test(value__bounds_its_depth),
        cmocka_unit_test(value__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
