/* proto_write_test.c: each kind of field to the byte, and messages whose length takes more than a byte. */
#include "base/proto_write.h"

#include <string.h>

#include "tests/lib/test.h"

static void assert_bytes(struct buf *out, const char *bytes, size_t size)
{
    assert_int_equal(out->failed, 0);
    assert_int_equal(out->size, size);
    assert_memory_equal(out->data, bytes, size);
    buf_reset(out);
}

static void proto_write__writes_each_kind(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    proto_write_varint(&out, 1, 150);
    assert_bytes(&out, "\x08\x96\x01", 3);
    proto_write_varint(&out, 16, UINT64_MAX);
    assert_bytes(&out, "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
    proto_write_fixed64(&out, 3, UINT64_C(0x0807060504030201));
    assert_bytes(&out, "\x19\x01\x02\x03\x04\x05\x06\x07\x08", 9);
    proto_write_double(&out, 4, 1.0);
    assert_bytes(&out, "\x21\x00\x00\x00\x00\x00\x00\xf0\x3f", 9);
    proto_write_bytes(&out, 2, VIEW("abc"));
    assert_bytes(&out,
                 "\x12\x03"
                 "abc",
                 5);
    proto_write_zigzag(&out, 6, 0);
    assert_bytes(&out, "\x30\x00", 2);
    proto_write_zigzag(&out, 6, -1);
    assert_bytes(&out, "\x30\x01", 2);
    proto_write_zigzag(&out, 6, 1);
    assert_bytes(&out, "\x30\x02", 2);
    proto_write_zigzag(&out, 6, -160);
    assert_bytes(&out, "\x30\xbf\x02", 3);
    buf_release(&out);
}

static void proto_write__puts_lengths_before_messages(void **state)
{
    char text[300];
    struct buf out;
    size_t outer;
    size_t inner;

    (void)state;
    memset(text, 'x', sizeof(text));
    buf_init(&out, 0);
    outer = proto_write_begin(&out, 1);
    inner = proto_write_begin(&out, 2);
    proto_write_bytes(&out, 3, (struct view){text, sizeof(text)});
    proto_write_end(&out, inner);
    proto_write_end(&out, outer);
    assert_int_equal(out.size, 3 + 3 + 3 + sizeof(text));
    assert_memory_equal(out.data, "\x0a\xb2\x02\x12\xaf\x02\x1a\xac\x02x", 10);
    buf_release(&out);
}

static void proto_write__keeps_a_failure(void **state)
{
    struct buf out;
    size_t begin;

    (void)state;
    buf_init(&out, 8);
    begin = proto_write_begin(&out, 1);
    proto_write_fixed64(&out, 1, 1);
    proto_write_end(&out, begin);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proto_write__writes_each_kind),
        cmocka_unit_test(proto_write__puts_lengths_before_messages),
        cmocka_unit_test(proto_write__keeps_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
