/* deflate_test.c: zlib reads back what libdeflate wrote. */
#include "exporters/deflate.h"

#include <zlib.h>

#include "tests/lib/test.h"

static void check(struct view text, enum deflate_effort effort)
{
    struct buf packed;
    static unsigned char plain[100000];
    z_stream stream = {.next_out = plain, .avail_out = sizeof(plain)};

    buf_init(&packed, 0);
    assert_int_equal(buf_append_text(&packed, "in front"), 0);
    assert_int_equal(deflate_gzip(text, effort, &packed), 0);
    assert_memory_equal(packed.data, "in front", 8);
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    stream.next_in = (unsigned char *)packed.data + 8;
    stream.avail_in = (unsigned)packed.size - 8;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, text.size);
    if (text.size != 0)
        assert_memory_equal(plain, text.data, text.size);
    assert_int_equal(inflateEnd(&stream), Z_OK);
    buf_release(&packed);
}

static void deflate__is_gzip(void **state)
{
    static char text[90000];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * i % 251);
    check(VIEW(""), DEFLATE_FAST);
    check(VIEW("x"), DEFLATE_WELL);
    check((struct view){text, sizeof(text)}, DEFLATE_FAST);
    check((struct view){text, sizeof(text)}, DEFLATE_WELL);
}

static int step(void *context)
{
    struct buf out;
    int status;

    (void)context;
    buf_init(&out, 0);
    status = deflate_gzip(VIEW("text"), DEFLATE_FAST, &out);
    buf_release(&out);
    return status;
}

static void deflate__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deflate__is_gzip),
        cmocka_unit_test(deflate__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
