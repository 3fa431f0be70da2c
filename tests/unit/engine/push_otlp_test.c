/* push_otlp_test.c: where metrics are cut; that they leave: tests/e2e/test_push_otlp.py. */
#include "engine/push_otlp.h"

#include "base/proto_write.h"
#include "tests/lib/test.h"

/* Rows of ResourceMetrics, each so large in all. */
static void add(struct buf *out, size_t size)
{
    size_t at;

    (void)buf_append_byte(out, 0x0a);
    at = proto_write_begin_length(out);
    while (size-- != 0)
        (void)buf_append_byte(out, 'x');
    proto_write_end(out, at);
}

static void cut__takes_whole_pieces_that_fit(void **state)
{
    struct buf metrics;
    struct view rest;

    (void)state;
    buf_init(&metrics, 0);
    add(&metrics, 98); /* 100 with its head. */
    add(&metrics, 98);
    add(&metrics, 497); /* 500 */
    add(&metrics, 10);  /* 12 */
    rest = buf_view(&metrics);
    assert_int_equal(rest.size, 712);
    assert_int_equal(push_otlp_cut(rest, 1000), 712);
    assert_int_equal(push_otlp_cut(rest, 711), 700);
    assert_int_equal(push_otlp_cut(rest, 699), 200);
    assert_int_equal(push_otlp_cut(rest, 150), 100);
    assert_int_equal(push_otlp_cut(rest, 1), 100); /* At least one. */
    rest = (struct view){rest.data + 200, rest.size - 200};
    assert_int_equal(push_otlp_cut(rest, 300), 500);
    buf_release(&metrics);
}

static void cut__stops_at_what_is_broken(void **state)
{
    (void)state;
    assert_int_equal(push_otlp_cut((struct view){NULL, 0}, 10), 0);
    assert_int_equal(push_otlp_cut(VIEW("\x0a\x05x"), 10), 0);
    assert_int_equal(push_otlp_cut(VIEW("\x0a\x01x\x0a\x05x"), 10), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut__takes_whole_pieces_that_fit),
        cmocka_unit_test(cut__stops_at_what_is_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
