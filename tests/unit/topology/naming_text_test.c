/* naming_text_test.c: addresses, URLs, methods and clean text. */
#include "topology/naming_text.h"

#include "tests/lib/test.h"

static void text__knows_ip_addresses(void **state)
{
    static const char *const good[] = {"10.0.0.1",       "::1",       "[::1]", "fe80::1%eth0",
                                       "::ffff:1.2.3.4", "2001:db8::"};
    static const char *const bad[] = {"",         "a",          "10.0.0",     "10.0.0.1:80",
                                      "[::1]:80", "10.0.0.256", "10.0.0.1%a", "1.2.3.4.5",
                                      "[",        "[]",         "%",          "::g"};
    struct naming_ip ip;
    struct naming_ip mapped;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(naming_parse_ip(view_of(good[i]), &ip));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(naming_parse_ip(view_of(bad[i]), &ip));
    assert_false(naming_parse_ip((struct view){"10.0.0.1\0", 9}, &ip));
    assert_false(naming_parse_ip((struct view){NULL, 0}, &ip));
    assert_true(naming_parse_ip(VIEW("1.2.3.4"), &ip));
    assert_true(naming_parse_ip(VIEW("::ffff:1.2.3.4"), &mapped));
    assert_memory_equal(&ip, &mapped, sizeof(ip));
}

static void text__finds_the_host_of_a_url(void **state)
{
    static const struct {
        const char *url;
        const char *host;
    } cases[] = {
        {"http://a.example/x", "a.example"},
        {"https://a.example:8443", "a.example"},
        {"redis://user:secret@a.example:1/0?q#f", "a.example"},
        {"http://u@v@a.example/", "a.example"},
        {"http://a.example?q=@b", "a.example"},
        {"http://a.example#@b", "a.example"},
        {"http://a.example\\@b", "a.example"},
        {"http://[2001:db8::1]:80/", "2001:db8::1"},
        {"http://u:p@[::1]/", "::1"},
        {"http://", ""},
        {"http:///path", ""},
        {"/path", ""},
        {"a.example/x", ""},
        {"http:/a.example", ""},
        {"://a.example", ""},
        {"x://y://z", "y"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_view_equal(naming_url_host(view_of(cases[i].url)), cases[i].host);
    assert_int_equal(naming_url_host((struct view){NULL, 0}).size, 0);
}

static void text__finds_the_service_of_a_method(void **state)
{
    static const struct {
        const char *method;
        const char *service;
    } cases[] = {
        {"shop.Cart/Add", "shop.Cart"},
        {"/shop.Cart/Add", "shop.Cart"},
        {"a/b/c", "a/b"},
        {"Add", ""},
        {"/Add", ""},
        {"", ""},
        {"/", ""},
        {"a/", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_view_equal(naming_rpc_service(view_of(cases[i].method)), cases[i].service);
}

#define BAD "\xEF\xBF\xBD"

static void text__cleans_utf8(void **state)
{
    static const struct {
        struct view text;
        const char *clean;
    } cases[] = {
        {{"plain", 5}, "plain"},
        {{"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", 9}, "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {{"a\0b", 3}, "a" BAD "b"},
        {{"a\nb\x7F", 4}, "a" BAD "b" BAD},
        {{"\xFF", 1}, BAD},
        {{"\x80", 1}, BAD},
        {{"\xC3", 1}, BAD},
        {{"\xC3(", 2}, BAD "("},
        {{"\xC0\x80", 2}, BAD BAD}, /* Overlong. */
        {{"\xC2\x85", 2}, BAD BAD}, /* A control character. */
        {{"\xC2\xA0", 2}, "\xC2\xA0"},
        {{"\xE0\x80\x80", 3}, BAD BAD BAD},
        {{"\xED\xA0\x80", 3}, BAD BAD BAD}, /* A surrogate. */
        {{"\xF4\x90\x80\x80", 4}, BAD BAD BAD BAD},
        {{"\xE2\x82", 2}, BAD BAD},
        {{"", 0}, ""},
    };
    struct buf into;

    (void)state;
    buf_init(&into, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct view clean;
        buf_reset(&into);
        assert_int_equal(buf_reserve(&into, NAMING_CLEAN_MAX), 0);
        clean = naming_clean(cases[i].text, &into);
        assert_view_equal(clean, cases[i].clean);
        assert_true(view_equal(naming_clean(clean, &into), clean)); /* Once is enough. */
    }
    buf_release(&into);
}

/* Each byte in each place of a text that is longer than what is looked at at once. */
static void text__cleans_each_byte_wherever_it_is(void **state)
{
    enum { SIZE = 20 };
    struct buf into;

    (void)state;
    buf_init(&into, 0);
    assert_int_equal(buf_reserve(&into, NAMING_CLEAN_MAX), 0);
    for (size_t at = 0; at < SIZE; at++) {
        for (int byte = 0; byte < 256; byte++) {
            bool is_plain = byte >= 0x20 && byte < 0x7F;
            char text[SIZE];
            struct view clean;
            memset(text, 'a', sizeof(text));
            text[at] = (char)byte;
            buf_reset(&into);
            clean = naming_clean((struct view){text, SIZE}, &into);
            assert_int_equal(clean.size, is_plain ? SIZE : SIZE + 2);
            assert_memory_equal(clean.data, text, at);
            assert_memory_equal(clean.data + at, is_plain ? &text[at] : "\xEF\xBF\xBD",
                                is_plain ? 1 : 3);
            assert_memory_equal(clean.data + clean.size - (SIZE - 1 - at), text + at + 1,
                                SIZE - 1 - at);
        }
    }
    buf_release(&into);
}

static void text__tells_what_is_no_ip_address(void **state)
{
    static const char *const names[] = {"cart", "fe80", "a", "g::1", "Z1:2", "ns:x", "f.example"};
    static const char *const others[] = {"",      "10.0.0.1", "::1", "fe80::1",
                                         "[::1]", "A::",      "-x",  "1a"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(naming_is_no_ip(view_of(names[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(naming_is_no_ip(view_of(others[i])));
}

static void text__cuts_at_a_character(void **state)
{
    char text[NAMING_TEXT_MAX + 4];
    struct buf into;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(naming_cut((struct view){text, NAMING_TEXT_MAX}).size, NAMING_TEXT_MAX);
    assert_int_equal(naming_cut((struct view){text, sizeof(text)}).size, NAMING_TEXT_MAX);
    memcpy(text + NAMING_TEXT_MAX - 2, "\xE2\x82\xAC", 3);
    assert_int_equal(naming_cut((struct view){text, sizeof(text)}).size, NAMING_TEXT_MAX - 2);
    memset(text, '\x80', sizeof(text)); /* No character at all. */
    assert_in_range(naming_cut((struct view){text, sizeof(text)}).size, NAMING_TEXT_MAX - 3,
                    NAMING_TEXT_MAX);
    buf_init(&into, 0);
    assert_int_equal(buf_reserve(&into, NAMING_CLEAN_MAX), 0);
    assert_true(naming_clean((struct view){text, sizeof(text)}, &into).size <= NAMING_CLEAN_MAX);
    buf_release(&into);
}

static void text__scrubs_credentials(void **state)
{
    static const struct {
        const char *text, *scrubbed;
    } cases[] = {
        {"https://me:pw@host/p?q=a@b", "https://host/p?q=a@b"},
        {"https://host/p@q", "https://host/p@q"},
        {"see redis://:pw@a:1 and redis://b@c@d/", "see redis://a:1 and redis://d/"},
        {"me@host", "me@host"},
        {"x://", "x://"},
        {"x://@", "x://"},
        {"[\"amqp://u:p@h\",\"z\"]", "[\"amqp://h\",\"z\"]"},
        {"", ""},
    };
    char text[3 * NAMING_TEXT_MAX];
    struct buf into;
    struct view scrubbed;

    (void)state;
    buf_init(&into, 0);
    assert_int_equal(buf_reserve(&into, 4 * NAMING_TEXT_MAX), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scrubbed = naming_scrub(view_of(cases[i].text), &into);
        assert_view_equal(scrubbed, cases[i].scrubbed);
    }
    /* A cut must not hide where the credentials end. */
    memset(text, 's', sizeof(text));
    memcpy(text, "https://", 8);
    text[2 * NAMING_TEXT_MAX] = '@';
    into.size = 0;
    scrubbed = naming_scrub((struct view){text, sizeof(text)}, &into);
    /* Its user is 2 * NAMING_TEXT_MAX - 7 bytes long, and what is left one short of the maximum. */
    assert_int_equal(scrubbed.size, 8 + sizeof(text) - 2 * NAMING_TEXT_MAX - 1 > NAMING_TEXT_MAX
                                        ? NAMING_TEXT_MAX
                                        : 8 + sizeof(text) - 2 * NAMING_TEXT_MAX - 1);
    memset(text, 'h', sizeof(text));
    assert_memory_equal(scrubbed.data, "https://s", 9);
    buf_release(&into);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__knows_ip_addresses),
        cmocka_unit_test(text__finds_the_host_of_a_url),
        cmocka_unit_test(text__finds_the_service_of_a_method),
        cmocka_unit_test(text__cleans_utf8),
        cmocka_unit_test(text__cleans_each_byte_wherever_it_is),
        cmocka_unit_test(text__tells_what_is_no_ip_address),
        cmocka_unit_test(text__cuts_at_a_character),
        cmocka_unit_test(text__scrubs_credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
