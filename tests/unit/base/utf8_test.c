/* utf8_test.c: well-formed characters, all kinds of broken ones, and what a terminal is shown. */
#include "base/utf8.h"

#include "tests/lib/test.h"

static void utf8__takes_what_the_standard_takes(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } good[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(utf8_size(view_of(good[i].text)), good[i].size);
        assert_true(utf8_is_valid(view_of(good[i].text)));
        for (size_t cut = 1; cut < good[i].size; cut++)
            assert_int_equal(utf8_size((struct view){good[i].text, cut}), 0);
    }
    assert_true(utf8_is_valid(VIEW("")));
    assert_true(utf8_is_valid(VIEW("a\0b\xc3\xa4")));
}

static void utf8__refuses_what_is_broken(void **state)
{
    static const char *const bad[] = {
        "\x80",     /* a follower alone */
        "\xc0\x80", /* longer than needed */
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* above the last character */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3(", /* a first byte without its followers */
        "\xe2\x82(",
        "\xf0\x90\x80(",
        "\xe2\x82\xc2", /* another first byte in a follower's place */
        "\xf0\x90\x80\xc2",
    };

    (void)state;
    assert_int_equal(utf8_size(VIEW("")), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(utf8_size(view_of(bad[i])), 0);
        assert_false(utf8_is_valid(view_of(bad[i])));
    }
}

static void utf8__takes_every_character_once(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        struct view rest;
        bool valid;
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        buf_reset(&out);
        assert_int_equal(utf8_append(&out, c), 0);
        rest = buf_view(&out);
        assert_int_equal(utf8_take(&rest, &valid), surrogate ? UTF8_REPLACEMENT : c);
        assert_true(valid);
        assert_int_equal(rest.size, 0);
    }
    buf_release(&out);
}

static void utf8__cuts_between_characters(void **state)
{
    (void)state;
    assert_view_equal(utf8_cut(VIEW("abc"), 3), "abc");
    assert_view_equal(utf8_cut(VIEW("abc"), 2), "ab");
    assert_view_equal(utf8_cut(VIEW("a\xf0\x9f\x98\x80"), 5), "a\xf0\x9f\x98\x80");
    for (size_t size = 1; size < 5; size++)
        assert_view_equal(utf8_cut(VIEW("a\xf0\x9f\x98\x80"), size), "a");
    assert_view_equal(utf8_cut(VIEW("\xf0\x9f\x98\x80"), 3), "");
    /* What is no text is cut no shorter than it must. */
    assert_int_equal(utf8_cut(VIEW("\x80\x80\x80\x80\x80\x80\x80\x80"), 7).size, 4);
}

static void utf8__shows_one_harmless_line(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(utf8_show(VIEW("plain"), out, sizeof(out)), "plain");
    assert_string_equal(utf8_show(VIEW(""), out, sizeof(out)), "");
    assert_string_equal(utf8_show(VIEW("a\x1b[2J\n\0b\x7f"), out, sizeof(out)), "a?[2J??b?");
    assert_string_equal(utf8_show(VIEW("\xc2\x9b\xff\xc3\xa4"), out, sizeof(out)), "???\xc3\xa4");
}

static void utf8__cuts_at_a_character(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(utf8_show(VIEW("1234567"), out, sizeof(out)), "1234567");
    assert_string_equal(utf8_show(VIEW("12345678"), out, sizeof(out)), "1234...");
    assert_string_equal(utf8_show(VIEW("123\xc3\xa4xyz"), out, sizeof(out)), "123...");
    assert_string_equal(utf8_show(VIEW("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"), out, sizeof(out)),
                        "\xe2\x82\xac...");
    assert_string_equal(utf8_show(VIEW("12345"), out, 4), "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8__takes_what_the_standard_takes),
        cmocka_unit_test(utf8__refuses_what_is_broken),
        cmocka_unit_test(utf8__takes_every_character_once),
        cmocka_unit_test(utf8__cuts_between_characters),
        cmocka_unit_test(utf8__shows_one_harmless_line),
        cmocka_unit_test(utf8__cuts_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
