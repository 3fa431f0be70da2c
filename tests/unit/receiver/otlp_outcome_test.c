/* otlp_outcome_test.c: what answers say; more of them, with their transport: otlp_answer_test.c. */
#include "receiver/otlp_outcome.h"

#include "base/clock.h"
#include "tests/lib/test.h"

static void outcome__may_be_repeated_as_otlp_says(void **state)
{
    static const int may[] = {1, 4, 10, 11, 14, 15};
    unsigned found = 0;

    (void)state;
    for (int code = -1; code <= OTLP_CODE_MAX + 1; code++) {
        for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++)
            found += code == may[i] && otlp_outcome_may_retry(code, false);
        found += (code == 8) == otlp_outcome_may_retry(code, true) && code == 8;
    }
    assert_int_equal(found, sizeof(may) / sizeof(may[0]) + 1);
    assert_false(otlp_outcome_may_retry(8, false));
    assert_false(otlp_outcome_may_retry(0, true));
    assert_false(otlp_outcome_may_retry(16, true));
    assert_string_equal(otlp_outcome_code_name(14), "UNAVAILABLE");
    assert_string_equal(otlp_outcome_code_name(17), "UNKNOWN");
    assert_string_equal(otlp_outcome_code_name(-1), "UNKNOWN");
}

/* A google.rpc.Status with one detail: Any{type_url, RetryInfo{Duration{seconds 2, nanos 5}}}. */
static const char status[] = "\x08\x08\x1a\x32\x0a\x28type.googleapis.com/google.rpc.RetryInfo"
                             "\x12\x06\x0a\x04\x08\x02\x10\x05";

static void outcome__finds_a_delay(void **state)
{
    uint64_t delay = 7;

    (void)state;
    assert_true(otlp_outcome_retry_delay((struct view){status, sizeof(status) - 1}, &delay));
    assert_int_equal(delay, 2 * NS_PER_S + 5);
    delay = 7;
    assert_false(otlp_outcome_retry_delay((struct view){NULL, 0}, &delay));
    assert_false(otlp_outcome_retry_delay(VIEW("\x08\x08"), &delay));
    assert_int_equal(delay, 7);
}

static void outcome__reads_any_bytes(void **state)
{
    char copy[sizeof(status)];
    struct view text;
    uint64_t delay;

    (void)state;
    for (size_t at = 0; at < sizeof(status) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, status, sizeof(copy));
            copy[at] = (char)byte;
            (void)otlp_outcome_retry_delay((struct view){copy, sizeof(copy) - 1}, &delay);
            (void)otlp_outcome_rejected((struct view){copy, sizeof(copy) - 1}, &text);
        }
    }
}

static void outcome__tells_what_was_rejected(void **state)
{
    struct view text;

    (void)state;
    assert_int_equal(otlp_outcome_rejected(VIEW("\x0a\x06\x08\x03\x12\x02no"), &text), 3);
    assert_view_equal(text, "no");
    assert_int_equal(otlp_outcome_rejected((struct view){NULL, 0}, &text), 0);
    assert_int_equal(text.size, 0);
    /* Below zero. */
    assert_int_equal(
        otlp_outcome_rejected(VIEW("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &text),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcome__may_be_repeated_as_otlp_says),
        cmocka_unit_test(outcome__finds_a_delay),
        cmocka_unit_test(outcome__reads_any_bytes),
        cmocka_unit_test(outcome__tells_what_was_rejected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
