/* option_test.c: every type of option: what it takes, what it refuses, with which words, and that
 * its text reads back.
 */
#include "base/option.h"

#include "base/clock.h"
#include "tests/lib/test.h"

struct thing {
    bool flag;
    uint64_t count;
    uint64_t bytes;
    uint64_t wait_ns;
    double share;
    struct view name;
    int color;
    struct option_texts hosts;
    struct option_pairs rules;
    uint64_t threads;
    struct view token;
};

static int refuse_evil(const void *field, char out_error[256])
{
    if (view_equal(*(const struct view *)field, VIEW("evil"))) {
        memcpy(out_error, "evil is not taken", sizeof("evil is not taken"));
        return STATUS_INVALID;
    }
    return 0;
}

static int refuse_evil_item(const void *field, char out_error[256])
{
    const struct option_texts *texts = field;

    for (size_t i = 0; i < texts->count; i++) {
        int status = refuse_evil(&texts->items[i], out_error);
        if (status != 0)
            return status;
    }
    return 0;
}

static int refuse_evil_pair(const void *field, char out_error[256])
{
    const struct option_pairs *pairs = field;

    for (size_t i = 0; i < pairs->count; i++) {
        int status = refuse_evil(&pairs->items[i].value, out_error);
        if (status != 0)
            return status;
    }
    return 0;
}

static const char *const colors[] = {"red", "green", "blue", NULL};

#define AT(member) offsetof(struct thing, member)

static const struct option_row rows[] = {
    {.key = "flag", .type = OPTION_BOOL, .offset = AT(flag), .initial = "true"},
    {.key = "count", .type = OPTION_COUNT, .offset = AT(count), .initial = "5", .min = 2, .max = 9},
    {.key = "a.bytes",
     .type = OPTION_BYTES,
     .offset = AT(bytes),
     .initial = "64MiB",
     .min = 1024,
     .max = 1 << 30},
    {.key = "a.wait",
     .type = OPTION_DURATION,
     .offset = AT(wait_ns),
     .initial = "10s",
     .min = NS_PER_MS,
     .max = 3600 * NS_PER_S},
    {.key = "a.share", .type = OPTION_RATIO, .offset = AT(share), .initial = "0.5", .max = 1},
    {.key = "b.name",
     .type = OPTION_TEXT,
     .offset = AT(name),
     .initial = "x",
     .min = 1,
     .max = 8,
     .check = refuse_evil},
    {.key = "b.color",
     .type = OPTION_ENUM,
     .offset = AT(color),
     .initial = "green",
     .choices = colors},
    {.key = "b.hosts",
     .type = OPTION_TEXTS,
     .offset = AT(hosts),
     .max = 40,
     .check = refuse_evil_item},
    {.key = "b.rules",
     .type = OPTION_PAIRS,
     .offset = AT(rules),
     .max = 3,
     .check = refuse_evil_pair},
    {.key = "b.threads",
     .type = OPTION_COUNT,
     .offset = AT(threads),
     .initial = "auto",
     .min = 1,
     .max = 8,
     .zero = "auto"},
    {.key = "b.token",
     .type = OPTION_TEXT,
     .offset = AT(token),
     .initial = "",
     .max = 100,
     .secret = true},
};

static const struct option_table table = {rows, sizeof(rows) / sizeof(rows[0]),
                                          sizeof(struct thing)};

static const struct option_row *row_of(const char *key)
{
    const struct option_row *row = option_find(&table, view_of(key));

    assert_non_null(row);
    return row;
}

static void assert_text(const struct thing *thing, const char *key, const char *text)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(option_print(row_of(key), thing, &out), 0);
    assert_view_equal(buf_view(&out), text);
    buf_release(&out);
}

static int setup(void **state)
{
    static struct thing thing;

    *state = &thing;
    return option_table_init(&table, &thing);
}

static int teardown(void **state)
{
    option_table_release(&table, *state);
    return 0;
}

static void option__starts_with_the_defaults(void **state)
{
    const struct thing *thing = *state;

    assert_true(thing->flag);
    assert_int_equal(thing->count, 5);
    assert_int_equal(thing->bytes, 64 << 20);
    assert_int_equal(thing->wait_ns, 10 * NS_PER_S);
    assert_true(thing->share == 0.5);
    assert_view_equal(thing->name, "x");
    assert_int_equal(thing->color, 1);
    assert_int_equal(thing->hosts.count, 0);
    assert_int_equal(thing->rules.count, 0);
    assert_int_equal(thing->threads, 0);
}

static void option__finds_keys_and_sections(void **state)
{
    (void)state;
    assert_ptr_equal(option_find(&table, VIEW("a.wait")), &rows[3]);
    assert_null(option_find(&table, VIEW("a")));
    assert_null(option_find(&table, VIEW("a.waits")));
    assert_null(option_find(&table, VIEW("")));
    assert_true(option_is_section(&table, VIEW("a")));
    assert_false(option_is_section(&table, VIEW("count")));
    assert_false(option_is_section(&table, VIEW("a.wait")));
    assert_false(option_is_section(&table, VIEW("a.")));
}

static void option__takes_and_prints_each_type(void **state)
{
    static const struct {
        const char *key;
        const char *text;
        const char *printed;
    } samples[] = {
        {"flag", "false", "false"},
        {"flag", "true", "true"},
        {"count", "2", "2"},
        {"count", "9", "9"},
        {"a.bytes", "1KiB", "1KiB"},
        {"a.bytes", "1024MiB", "1GiB"},
        {"a.bytes", "1MB", "1000000B"},
        {"a.wait", "1ms", "1ms"},
        {"a.wait", "60m", "1h"},
        {"a.wait", "90s", "90s"},
        {"a.share", "0", "0"},
        {"a.share", "100%", "1"},
        {"a.share", "12.5%", "0.125"},
        {"b.name", "12345678", "12345678"},
        {"b.name", "\xc3\xa4", "\xc3\xa4"},
        {"b.color", "red", "red"},
        {"b.color", "blue", "blue"},
        {"b.threads", "8", "8"},
        {"b.threads", "auto", "auto"},
        {"b.threads", "0", "auto"},
        {"b.token", "geheim", "***"},
        {"b.token", "", ""},
    };
    struct thing *thing = *state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct option_row *row = row_of(samples[i].key);
        char error[256] = "";
        assert_int_equal(option_set(row, thing, view_of(samples[i].text), error), 0);
        assert_string_equal(error, "");
        assert_text(thing, samples[i].key, samples[i].printed);
        if (row->secret)
            continue;
        assert_int_equal(option_set(row, thing, view_of(samples[i].printed), error), 0);
        assert_text(thing, samples[i].key, samples[i].printed);
    }
}

static void option__says_what_is_wrong_and_what_is_allowed(void **state)
{
    static const struct {
        const char *key;
        const char *text;
        int status;
        const char *error;
    } samples[] = {
        {"flag", "yes", STATUS_INVALID, "'yes' is neither; allowed: true or false"},
        {"flag", "", STATUS_INVALID, "'' is neither; allowed: true or false"},
        {"count", "x", STATUS_INVALID, "'x' is no whole number; allowed: a number from 2 to 9"},
        {"count", "1", STATUS_RANGE, "'1' is out of range; allowed: a number from 2 to 9"},
        {"count", "10", STATUS_RANGE, "'10' is out of range; allowed: a number from 2 to 9"},
        {"count", "0", STATUS_RANGE, "'0' is out of range; allowed: a number from 2 to 9"},
        {"count", "99999999999999999999", STATUS_RANGE,
         "'99999999999999999999' is out of range; allowed: a number from 2 to 9"},
        {"a.bytes", "10", STATUS_RANGE,
         "'10' is out of range; allowed: bytes from 1KiB to 1GiB, such as 64MiB"},
        {"a.bytes", "64mb", STATUS_INVALID,
         "'64mb' is no number of bytes; allowed: bytes from 1KiB to 1GiB, such as 64MiB"},
        {"a.wait", "10", STATUS_INVALID,
         "'10' is no duration; allowed: a duration from 1ms to 1h, such as 10s"},
        {"a.wait", "0", STATUS_RANGE,
         "'0' is out of range; allowed: a duration from 1ms to 1h, such as 10s"},
        {"a.wait", "61m", STATUS_RANGE,
         "'61m' is out of range; allowed: a duration from 1ms to 1h, such as 10s"},
        {"a.share", "1.5", STATUS_RANGE,
         "'1.5' is out of range; allowed: a ratio from 0 to 1, such as 0.25 or 25%"},
        {"a.share", "half", STATUS_INVALID,
         "'half' is no ratio; allowed: a ratio from 0 to 1, such as 0.25 or 25%"},
        {"b.name", "123456789", STATUS_RANGE,
         "'123456789' is too long; allowed: a text of at most 8 bytes"},
        {"b.name", "", STATUS_RANGE, "'' is too short; allowed: a text of at most 8 bytes"},
        {"b.name", "\xff", STATUS_INVALID, "'?' is not UTF-8; allowed: a text of at most 8 bytes"},
        {"b.name", "evil", STATUS_INVALID, "evil is not taken"},
        {"b.token", "geheim \xff", STATUS_INVALID,
         "'***' is not UTF-8; allowed: a text of at most 100 bytes"},
        {"b.color", "purple", STATUS_INVALID,
         "'purple' is none of the words; allowed: red, green or blue"},
        {"b.color", "Red", STATUS_INVALID,
         "'Red' is none of the words; allowed: red, green or blue"},
        {"b.threads", "9", STATUS_RANGE,
         "'9' is out of range; allowed: a number from 1 to 8, or auto"},
        {"b.rules", "x", STATUS_INVALID,
         "'x' is no list of pairs; allowed: a map or a list of at most 3 pairs"},
    };
    struct thing *thing = *state;
    struct thing before;

    memcpy(&before, thing, sizeof(before));
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        char error[256] = "";
        assert_int_equal(option_set(row_of(samples[i].key), thing, view_of(samples[i].text), error),
                         samples[i].status);
        assert_string_equal(error, samples[i].error);
        assert_memory_equal(&before, thing, sizeof(before));
    }
}

static void option__refuses_a_zero_byte(void **state)
{
    char error[256];

    assert_int_equal(option_set(row_of("b.name"), *state, VIEW("a\0b"), error), STATUS_INVALID);
    assert_string_equal(error, "'a?b' holds a zero byte; allowed: a text of at most 8 bytes");
}

static void option__cuts_a_long_text_in_its_message(void **state)
{
    char text[5000];
    char error[256];

    memset(text, 'y', sizeof(text));
    assert_int_equal(
        option_set(row_of("b.color"), *state, (struct view){text, sizeof(text)}, error),
        STATUS_INVALID);
    assert_true(strlen(error) < 120);
    assert_non_null(strstr(error, "y...' is none of the words"));
}

static void option__takes_a_list_of_texts(void **state)
{
    struct thing *thing = *state;
    struct view items[] = {VIEW("one"), VIEW("two")};
    char error[256] = "";
    size_t bad;

    assert_int_equal(option_set_texts(row_of("b.hosts"), thing, items, 2, error, &bad), 0);
    assert_int_equal(thing->hosts.count, 2);
    assert_view_equal(thing->hosts.items[1], "two");
    assert_int_equal(thing->hosts.items[1].data[3], '\0');
    assert_int_equal(option_set(row_of("b.hosts"), thing, VIEW("alone"), error), 0);
    assert_int_equal(thing->hosts.count, 1);
    assert_view_equal(thing->hosts.items[0], "alone");
    assert_int_equal(option_set_texts(row_of("b.hosts"), thing, NULL, 0, error, &bad), 0);
    assert_int_equal(thing->hosts.count, 0);
}

static void option__finds_the_item_that_is_refused(void **state)
{
    struct thing *thing = *state;
    struct view items[41];
    char error[256] = "";
    size_t bad;

    for (size_t at = 0; at < 40; at++) {
        for (size_t i = 0; i < 41; i++)
            items[i] = i == at || i == 39 ? VIEW("evil") : VIEW("good");
        bad = 99;
        assert_int_equal(option_set_texts(row_of("b.hosts"), thing, items, 40, error, &bad),
                         STATUS_INVALID);
        assert_int_equal(bad, at);
        assert_string_equal(error, "evil is not taken");
    }
    assert_int_equal(option_set_texts(row_of("b.hosts"), thing, items, 41, error, &bad),
                     STATUS_RANGE);
    assert_int_equal(bad, 40);
    assert_string_equal(error, "'good' is one item too many; allowed: a list of at most 40 texts");
    items[3] = VIEW("");
    assert_int_equal(option_set_texts(row_of("b.hosts"), thing, items, 40, error, &bad),
                     STATUS_INVALID);
    assert_int_equal(bad, 3);
    assert_string_equal(error, "'' is empty; allowed: a list of at most 40 texts");
    assert_int_equal(thing->hosts.count, 0);
}

static void option__takes_pairs_in_their_order(void **state)
{
    struct thing *thing = *state;
    struct option_pair items[] = {{VIEW("z"), VIEW("1")}, {VIEW("a"), VIEW("")}};
    char error[256] = "";
    size_t bad;

    assert_int_equal(option_set_pairs(row_of("b.rules"), thing, items, 2, error, &bad), 0);
    assert_int_equal(thing->rules.count, 2);
    assert_view_equal(thing->rules.items[0].key, "z");
    assert_view_equal(thing->rules.items[0].value, "1");
    assert_view_equal(thing->rules.items[1].key, "a");
    assert_view_equal(thing->rules.items[1].value, "");
}

static void option__refuses_wrong_pairs(void **state)
{
    static const struct {
        struct option_pair items[4];
        size_t count;
        int status;
        size_t bad;
        const char *error;
    } samples[] = {
        {{{{"a", 1}, {"1", 1}}, {{"a", 1}, {"2", 1}}},
         2,
         STATUS_INVALID,
         1,
         "'a' is told twice; allowed: a map or a list of at most 3 pairs"},
        {{{{"a", 1}, {"1", 1}}, {{"", 0}, {"2", 1}}},
         2,
         STATUS_INVALID,
         1,
         "'' is empty; allowed: a map or a list of at most 3 pairs"},
        {{{{"a", 1}, {"1", 1}}, {{"b", 1}, {"\xc3", 1}}},
         2,
         STATUS_INVALID,
         1,
         "'?' is not UTF-8; allowed: a map or a list of at most 3 pairs"},
        {{{{"a", 1}, {"evil", 4}}, {{"b", 1}, {"good", 4}}},
         2,
         STATUS_INVALID,
         0,
         "evil is not taken"},
        {{{{"a", 1}, {"", 0}}, {{"b", 1}, {"", 0}}, {{"c", 1}, {"", 0}}, {{"d", 1}, {"", 0}}},
         4,
         STATUS_RANGE,
         3,
         "'d' is one pair too many; allowed: a map or a list of at most 3 pairs"},
    };
    struct thing *thing = *state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        char error[256] = "";
        size_t bad = 99;
        assert_int_equal(option_set_pairs(row_of("b.rules"), thing, samples[i].items,
                                          samples[i].count, error, &bad),
                         samples[i].status);
        assert_int_equal(bad, samples[i].bad);
        assert_string_equal(error, samples[i].error);
        assert_int_equal(thing->rules.count, 0);
    }
}

/* Everything that allocates, in one go. */
static int build(void *context)
{
    struct thing thing;
    struct view hosts[] = {VIEW("one"), VIEW("two")};
    struct option_pair rules[] = {{VIEW("k"), VIEW("v")}, {VIEW("l"), VIEW("w")}};
    char error[256] = "";
    size_t bad;
    int status = option_table_init(&table, &thing);

    (void)context;
    if (status != 0)
        return status;
    status = option_set(row_of("b.name"), &thing, VIEW("other"), error);
    if (status == 0)
        status = option_set_texts(row_of("b.hosts"), &thing, hosts, 2, error, &bad);
    if (status == 0)
        status = option_set_pairs(row_of("b.rules"), &thing, rules, 2, error, &bad);
    option_table_release(&table, &thing);
    return status;
}

static void option__survives_without_memory(void **state)
{
    char error[256] = "";

    test_sweep_memory(build, NULL);
    mem_fail_after(0);
    assert_int_equal(option_set(row_of("count"), *state, VIEW("99"), error), STATUS_RANGE);
    mem_fail_after(-1);
    assert_string_equal(error, "'99' is out of range");
}

static void option__releases_what_is_not_there(void **state)
{
    struct thing empty = {0};

    (void)state;
    option_table_release(&table, NULL);
    option_table_release(&table, &empty);
    option_table_release(&table, &empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(option__starts_with_the_defaults, setup, teardown),
        cmocka_unit_test(option__finds_keys_and_sections),
        cmocka_unit_test_setup_teardown(option__takes_and_prints_each_type, setup, teardown),
        cmocka_unit_test_setup_teardown(option__says_what_is_wrong_and_what_is_allowed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(option__refuses_a_zero_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(option__cuts_a_long_text_in_its_message, setup, teardown),
        cmocka_unit_test_setup_teardown(option__takes_a_list_of_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(option__finds_the_item_that_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(option__takes_pairs_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(option__refuses_wrong_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(option__survives_without_memory, setup, teardown),
        cmocka_unit_test(option__releases_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
