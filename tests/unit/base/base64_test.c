/* base64_test.c: the examples of RFC 4648, and bytes beyond ASCII. */
#include "base/base64.h"

#include "tests/lib/test.h"

static void base64__appends_text(void **state)
{
    static const struct {
        struct view bytes;
        const char *padded;
        const char *bare;
    } rows[] = {
        {VIEW(""), "-", "-"},
        {VIEW("f"), "-Zg==", "-Zg"},
        {VIEW("fo"), "-Zm8=", "-Zm8"},
        {VIEW("foo"), "-Zm9v", "-Zm9v"},
        {VIEW("foob"), "-Zm9vYg==", "-Zm9vYg"},
        {VIEW("fooba"), "-Zm9vYmE=", "-Zm9vYmE"},
        {VIEW("foobar"), "-Zm9vYmFy", "-Zm9vYmFy"},
        {VIEW("\xfb\xff\xfe\x00"), "-+//+AA==", "-+//+AA"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int end = BASE64_PADDED; end <= BASE64_BARE; end++) {
            struct buf out;

            buf_init(&out, 0);
            assert_int_equal(buf_append_byte(&out, '-'), 0);
            base64_append(rows[i].bytes, (enum base64_end)end, &out);
            assert_view_equal(buf_view(&out), end == BASE64_PADDED ? rows[i].padded : rows[i].bare);
            buf_release(&out);
        }
    }
}

static void base64__keeps_a_failure(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 6);
    base64_append(VIEW("foobar"), BASE64_PADDED, &out);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64__appends_text),
        cmocka_unit_test(base64__keeps_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
