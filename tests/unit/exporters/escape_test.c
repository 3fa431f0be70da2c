/* escape_test.c: what strangers wrote stays inside the literal it is put into. */
#include "exporters/escape.h"

#include "base/utf8.h"
#include "tests/lib/random.h"
#include "tests/lib/snapshot_samples.h"
#include "tests/lib/test.h"

#define FFFD "\xEF\xBF\xBD"

typedef int escaper(struct buf *out, struct view text);

static void check(escaper *escape, struct view text, const char *expected)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(escape(&out, text), 0);
    assert_view_equal(buf_view(&out), expected);
    buf_release(&out);
}

static void escape__replaces_each_ill_formed_part_once(void **state)
{
    (void)state;
    check(escape_none,
          VIEW("a\xff"
               "b"),
          "a" FFFD "b");
    check(escape_none, VIEW("\xc3"), FFFD);
    check(escape_none, VIEW("\xc3x"), FFFD "x");
    check(escape_none, VIEW("\xe2\x82x"), FFFD "x");
    check(escape_none, VIEW("\xf0\x9f\x98"), FFFD);
    check(escape_none, VIEW("\xf0\x9f\x98\xf0\x9f\x98\x80"), FFFD "\xf0\x9f\x98\x80");
    check(escape_none, VIEW("\xc0\xaf"), FFFD FFFD);                   /* overlong */
    check(escape_none, VIEW("\xe0\x80\xaf"), FFFD FFFD FFFD);          /* overlong */
    check(escape_none, VIEW("\xed\xa0\x80"), FFFD FFFD FFFD);          /* surrogate */
    check(escape_none, VIEW("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD); /* above U+10FFFF */
    check(escape_none, VIEW(""), "");
    check(escape_none, (struct view){NULL, 0}, "");
}

static void escape__follows_each_format(void **state)
{
    (void)state;
    check(escape_json, VIEW("a\"b\\c\n\x1f\x7f"), "a\\\"b\\\\c\\u000a\\u001f\\u007f");
    check(escape_json, VIEW("\xe2\x80\xa8 \xc3\xbc"), "\\u2028 \xc3\xbc");
    check(escape_label, VIEW("a\"b\\c\n\td"), "a\\\"b\\\\c\\n\td");
    check(escape_xml, VIEW("<a href=\"x\" b='y'>&</a>"),
          "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
    check(escape_xml, VIEW("\a\xef\xbf\xbe\xe2\x80\xae"), FFFD FFFD FFFD);
    check(escape_plain, VIEW("\x1b[31m\n\xc2\x9b"), FFFD "[31m" FFFD FFFD);
    /* The first and last of those that end a line or turn the text, and their neighbours. */
    check(escape_plain, VIEW("\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xAE\xE2\x80\xAF"),
          "\xE2\x80\xA7" FFFD FFFD "\xE2\x80\xAF");
    check(escape_plain, VIEW("\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xAA"),
          "\xE2\x81\xA5" FFFD FFFD "\xE2\x81\xAA");
}

static void escape__cuts_between_characters(void **state)
{
    struct buf out;
    const char *expected[] = {"\xE2\x80\xA6", "\xE2\x80\xA6", "\xc3\xbc\xE2\x80\xA6",
                              "\xc3\xbc\xc3\xbc\xc3\xbc"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        buf_init(&out, 0);
        assert_int_equal(escape_cut(&out, VIEW("\xc3\xbc\xc3\xbc\xc3\xbc"), i), 0);
        if (i == 0)
            assert_int_equal(out.size, 3);
        else
            assert_view_equal(buf_view(&out), expected[i]);
        buf_release(&out);
    }
}

/* Nothing in random or hostile bytes gets out: what is left is valid, and has no bare quote. */
static void check_inside(escaper *escape, struct view text, const char *ends, bool backslash)
{
    struct buf out;
    struct view rest;

    buf_init(&out, 0);
    assert_int_equal(escape(&out, text), 0);
    rest = buf_view(&out);
    while (rest.size != 0) {
        bool valid;
        uint32_t c = utf8_take(&rest, &valid);
        assert_true(valid);
        if (c == '\\' && backslash) {
            assert_true(rest.size != 0); /* Its partner, whatever it is. */
            (void)utf8_take(&rest, &valid);
            continue;
        }
        assert_true(c == 0 || c > 0x7F || strchr(ends, (int)c) == NULL);
    }
    buf_release(&out);
}

static void escape__lets_nothing_out(void **state)
{
    struct random random = random_of(11);
    char bytes[64];

    (void)state;
    for (size_t i = 0; i < snapshot_hostile_names_count + 2000; i++) {
        struct view text = {bytes, random_below(&random, sizeof(bytes))};
        for (size_t j = 0; j < text.size; j++)
            bytes[j] = (char)random_next(&random);
        if (i < snapshot_hostile_names_count)
            text = snapshot_hostile_names[i];
        check_inside(escape_json, text, "\"\n\r\t\a\x1b", true);
        check_inside(escape_label, text, "\"\n", true);
        check_inside(escape_xml, text, "<>\"'\n\a\x1b", false);
        check_inside(escape_plain, text, "\n\r\t\a\x1b", false);
    }
}

/* Runs of what needs nothing are copied whole: that must not differ from one after the other. */
static void escape__takes_runs_as_it_takes_characters(void **state)
{
    static escaper *const escapers[] = {escape_none, escape_json, escape_label, escape_xml,
                                        escape_plain};
    static const char *const pieces[] = {
        "a",        "Z",        "0",    " ",    "~",    "!",        "\"",           "\\",
        "&",        "<",        ">",    "'",    "\n",   "\x7F",     "\x1F",         "]",
        "\xC3\xA9", "\xC2\x9B", "\xC3", "\x80", "\xFF", "\xE2\x80", "\xE2\x80\xAE", "\xF0\x9F",
        "/-._"};
    struct random random = random_of(12);

    (void)state;
    for (int i = 0; i < 4000; i++) {
        escaper *escape = escapers[i % 5];
        struct buf text;
        struct buf whole;
        struct buf alone;
        buf_init(&text, 0);
        buf_init(&whole, 0);
        buf_init(&alone, 0);
        for (uint64_t count = random_below(&random, 12); count-- > 0;) {
            const char *piece = pieces[random_below(&random, sizeof(pieces) / sizeof(*pieces))];
            assert_int_equal(buf_append_text(&text, piece), 0);
        }
        for (struct view rest = buf_view(&text); rest.size != 0;) {
            struct view one = rest;
            bool valid;
            (void)utf8_take(&rest, &valid);
            one.size -= rest.size;
            assert_int_equal(escape(&alone, one), 0);
        }
        assert_int_equal(escape(&whole, buf_view(&text)), 0);
        assert_true(view_equal(buf_view(&whole), buf_view(&alone)));
        buf_release(&text);
        buf_release(&whole);
        buf_release(&alone);
    }
}

static int step(void *context)
{
    struct buf out;
    int status;

    (void)context;
    buf_init(&out, 0);
    status = escape_json(&out,
                         VIEW("a longer text than the first block has room for: \"\"\"\"\"\""));
    buf_release(&out);
    return status;
}

static void escape__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escape__replaces_each_ill_formed_part_once),
        cmocka_unit_test(escape__follows_each_format),
        cmocka_unit_test(escape__cuts_between_characters),
        cmocka_unit_test(escape__lets_nothing_out),
        cmocka_unit_test(escape__takes_runs_as_it_takes_characters),
        cmocka_unit_test(escape__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
