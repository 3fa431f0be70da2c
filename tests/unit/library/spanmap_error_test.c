/* spanmap_error_test.c: sentences, and structs of callers that were compiled with an older header. */
#include "library/spanmap_priv.h"

#include "base/utf8.h"

#include "tests/lib/library_fixture.h"
#include "version.h"

static void spanmap_error__has_a_sentence_for_each_code(void **state)
{
    (void)state;
    for (int code = SPANMAP_BUSY; code <= SPANMAP_OK; code++)
        assert_string_not_equal(spanmap_code_text(code), spanmap_code_text(-1000));
    assert_non_null(spanmap_code_text(-1000));
    assert_string_equal(spanmap_version(), SPANMAP_VERSION);
    assert_int_equal(spanmap_api_level(), SPANMAP_API_LEVEL);
}

static void spanmap_error__says_what_may_be_tried_again(void **state)
{
    (void)state;
    for (int code = SPANMAP_BUSY; code < SPANMAP_OK; code++) {
        struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
        int is_retryable = code == SPANMAP_BUSY || code == SPANMAP_NO_MEMORY;

        assert_int_equal(spanmap_fail(&error, code, "%s", "why"), code);
        assert_int_equal(error.code, code);
        assert_string_equal(error.text, "why");
        assert_int_equal(error.is_retryable, is_retryable);
        if (is_retryable)
            assert_in_range(error.retry_delay_ns, LIBRARY_SECOND / 5, LIBRARY_SECOND);
        else
            assert_int_equal(error.retry_delay_ns, 0);
        assert_int_equal(spanmap_fail(NULL, code, "nobody asks"), code);
    }
}

/* Cut between characters, and never unterminated. */
static void spanmap_error__cuts_long_sentences(void **state)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    char long_text[3 * sizeof(error.text)];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        size_t size = shift;

        memset(long_text, 'x', shift);
        while (size + 5 < sizeof(long_text)) {
            memcpy(long_text + size, "\xe2\x82\xac", 4);
            size += 3;
        }
        (void)spanmap_fail(&error, SPANMAP_INVALID, "%s", long_text);
        assert_in_range(strlen(error.text), sizeof(error.text) - 8, sizeof(error.text) - 1);
        assert_true(utf8_is_valid(view_of(error.text)));
    }
}

static void spanmap_error__writes_no_more_than_the_caller_has(void **state)
{
    unsigned char memory[sizeof(struct spanmap_error)];
    struct spanmap_fed fed = SPANMAP_INIT(struct spanmap_fed);
    const struct spanmap_fed told = {.spans = 1, .rejected = 2, .message = "m"};

    (void)state;
    for (size_t size = 0; size <= sizeof(memory); size++) {
        memset(memory, 0xa5, sizeof(memory));
        memcpy(memory, &size, sizeof(size));
        (void)spanmap_fail((void *)memory, SPANMAP_BUSY, "x");
        assert_memory_equal(memory, &size, sizeof(size));
        for (size_t i = size < sizeof(size) ? sizeof(size) : size; i < sizeof(memory); i++)
            assert_int_equal(memory[i], 0xa5);
    }
    fed.size = offsetof(struct spanmap_fed, rejected);
    spanmap_give(&fed, &told, sizeof(told));
    assert_int_equal(fed.spans, 1);
    assert_int_equal(fed.rejected, 0);
    fed.size = sizeof(fed) + 64; /* A newer header's. */
    spanmap_give(&fed, &told, sizeof(told));
    assert_int_equal(fed.rejected, 2);
    assert_string_equal(fed.message, "m");
}

static void spanmap_error__reads_no_more_than_the_caller_has(void **state)
{
    struct spanmap_options given = library_options(SPANMAP_CLOCK_GIVEN, "a: b");
    struct spanmap_options got;

    (void)state;
    given.size = offsetof(struct spanmap_options, clock);
    spanmap_accept(&got, sizeof(got), &given);
    assert_string_equal(got.yaml, "a: b");
    assert_int_equal(got.settings_count, 3);
    assert_int_equal(got.clock, SPANMAP_CLOCK_OWN);
    assert_int_equal(got.start_unix_nano, 0);
    given.size = sizeof(given) + 8;
    spanmap_accept(&got, sizeof(got), &given);
    assert_int_equal(got.start_unix_nano, LIBRARY_START);
    spanmap_accept(&got, sizeof(got), NULL);
    assert_null(got.yaml);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spanmap_error__has_a_sentence_for_each_code),
        cmocka_unit_test(spanmap_error__says_what_may_be_tried_again),
        cmocka_unit_test(spanmap_error__cuts_long_sentences),
        cmocka_unit_test(spanmap_error__writes_no_more_than_the_caller_has),
        cmocka_unit_test(spanmap_error__reads_no_more_than_the_caller_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
