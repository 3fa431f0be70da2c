/* log_test.c: one line an event, whatever stands in it. */
#include "base/log.h"

#include <unistd.h>

#include "base/utf8.h"
#include "tests/lib/test.h"

/* What one event writes, from ` level=` on. */
static size_t written(struct view value, enum log_level level, enum log_level least, char *out,
                      size_t out_size)
{
    int ends[2];
    struct log log;
    char line[4096];
    ssize_t size;
    char *begin;

    assert_int_equal(pipe(ends), 0);
    log.fd = ends[1];
    atomic_init(&log.level, least);
    LOG(&log, level, "it happened", LOG_VIEW("what", value), LOG_NUM("count", -5), LOG_END);
    assert_int_equal(close(ends[1]), 0);
    size = read(ends[0], line, sizeof(line) - 1);
    assert_int_equal(close(ends[0]), 0);
    assert_true(size >= 0);
    line[size] = '\0';
    begin = strstr(line, " level=");
    if (begin == NULL)
        return 0;
    assert_true(strncmp(line, "time=", 5) == 0);
    assert_true(strlen(begin) < out_size);
    memcpy(out, begin, strlen(begin) + 1);
    return (size_t)size;
}

static void log__writes_logfmt(void **state)
{
    char line[4096];

    (void)state;
    assert_true(written(VIEW("plain"), LOG_WARN, LOG_INFO, line, sizeof(line)) > 0);
    assert_string_equal(line, " level=warn msg=\"it happened\" what=plain count=-5\n");
    assert_true(written(VIEW("a \"b\"\n\\\xff="), LOG_INFO, LOG_INFO, line, sizeof(line)) > 0);
    assert_string_equal(line, " level=info msg=\"it happened\" "
                              "what=\"a \\\"b\\\"\\x0a\\\\\\xff=\" count=-5\n");
    assert_true(written(VIEW(""), LOG_ERROR, LOG_INFO, line, sizeof(line)) > 0);
    assert_string_equal(line, " level=error msg=\"it happened\" what=\"\" count=-5\n");
}

static void log__leaves_letters_of_all_languages(void **state)
{
    char line[4096];

    (void)state;
    assert_true(written(VIEW("caf\xc3\xa9 \xc2\x9b \xe8\xaf\xb7\xe8\xaf"), LOG_INFO, LOG_INFO, line,
                        sizeof(line)) > 0);
    assert_string_equal(line, " level=info msg=\"it happened\" "
                              "what=\"caf\xc3\xa9 \\xc2\\x9b \xe8\xaf\xb7\\xe8\\xaf\" count=-5\n");
}

static void log__leaves_out_what_is_below_its_level(void **state)
{
    char line[4096];

    (void)state;
    assert_int_equal(written(VIEW("x"), LOG_DEBUG, LOG_INFO, line, sizeof(line)), 0);
    log_event(NULL, LOG_ERROR, "nobody listens", NULL);
}

static void log__cuts_a_long_line(void **state)
{
    static char text[5000];
    char line[4096];
    size_t size;

    (void)state;
    memset(text, 'x', sizeof(text));
    size = written((struct view){text, sizeof(text)}, LOG_INFO, LOG_INFO, line, sizeof(line));
    assert_int_equal(size, 2048);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void log__cuts_between_characters(void **state)
{
    static char text[4001];
    char line[4096];

    (void)state;
    text[0] = 'x';
    for (size_t i = 1; i < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    for (size_t begin = 0; begin < 2; begin++) {
        struct view value = {text + begin, sizeof(text) - begin};
        assert_in_range(written(value, LOG_INFO, LOG_INFO, line, sizeof(line)), 2047, 2048);
        assert_true(utf8_is_valid(view_of(line)));
    }
}

static void log_gate__opens_once_an_interval(void **state)
{
    struct log_gate gate = {0};

    (void)state;
    assert_true(log_gate_opens(&gate, (struct mono_time){0}, 10));
    assert_false(log_gate_opens(&gate, (struct mono_time){9}, 10));
    assert_true(log_gate_opens(&gate, (struct mono_time){10}, 10));
    assert_false(log_gate_opens(&gate, (struct mono_time){19}, 10));
    assert_true(log_gate_opens(&gate, (struct mono_time){35}, 10));
}

static void log__knows_its_levels(void **state)
{
    enum log_level level = LOG_DEBUG;

    (void)state;
    assert_int_equal(log_level_parse(VIEW("warn"), &level), 0);
    assert_int_equal(level, LOG_WARN);
    assert_int_equal(log_level_parse(VIEW("loud"), &level), STATUS_NOT_FOUND);
    assert_int_equal(level, LOG_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log__writes_logfmt),
        cmocka_unit_test(log__leaves_letters_of_all_languages),
        cmocka_unit_test(log__leaves_out_what_is_below_its_level),
        cmocka_unit_test(log__cuts_a_long_line),
        cmocka_unit_test(log__cuts_between_characters),
        cmocka_unit_test(log_gate__opens_once_an_interval),
        cmocka_unit_test(log__knows_its_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
