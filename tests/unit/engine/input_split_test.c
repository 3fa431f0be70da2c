/* input_split_test.c: where values end, however the text is cut. */
#include "engine/input_split.h"

#include "tests/lib/test.h"

/* Splits `text`, of which one more byte is seen with each call, at '|'; spaces in front of a value
 * are taken off, as the caller has to. */
static void check(const char *expected)
{
    char text[128];
    size_t ends[16];
    size_t ends_count = 0;
    size_t size = 0;
    size_t begin = 0;
    size_t found = 0;
    struct input_split split = {0};

    for (const char *at = expected; *at != '\0'; at++) {
        if (*at == '|')
            ends[ends_count++] = size;
        else
            text[size++] = *at;
    }
    ends[ends_count] = size;
    for (size_t seen = 0; seen <= size;) {
        size_t value_size;
        while (split.scanned == 0 && begin < seen && (text[begin] == ' ' || text[begin] == '\n'))
            begin++;
        if (!input_split_next(&split, (struct view){text + begin, seen - begin}, seen == size,
                              &value_size)) {
            seen++;
            continue;
        }
        begin += value_size;
        assert_true(found <= ends_count);
        assert_int_equal(begin, ends[found++]);
    }
    assert_true(found == ends_count || found == ends_count + 1);
}

static void input_split__ends_values_where_they_end(void **state)
{
    (void)state;
    check("{}|{\"a\":[1,{\"b\":2}]}| [1]|\n{\"c\":\n\n{}}");
    check("{\"a\":\"}\\\"{\"}|{\"b\":\"\\\\\"}|{}");
    check("1|\n\"two\"|\ntrue");
    check("");
}

static void input_split__keeps_damage_to_its_line(void **state)
{
    (void)state;
    /* A string that the line's end cuts off. */
    check("{\"a\":\"b|\n{\"c\":1}");
    /* An object that is not closed, before one that begins a line. */
    check("{\"a\":1\n|{\"b\":2}");
    check("{\"a\":[1\n |{\"b\":2}");
    /* No line of its own, or a place where an object belongs. */
    check("{\"a\":1 {\"b\":2}}|{\"c\":3}");
    check("{\"a\":\n{\"b\":2}}|{}");
    check("[\n{}\n,\n{}]|{}");
    /* A bracket too many. */
    check("}|\n{\"a\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_split__ends_values_where_they_end),
        cmocka_unit_test(input_split__keeps_damage_to_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
