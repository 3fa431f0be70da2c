/* status_test.c: a sentence for each. */
#include "base/status.h"

#include "tests/lib/test.h"

static void status__has_a_sentence_for_each(void **state)
{
    (void)state;
    for (int status = STATUS_BUSY; status <= STATUS_OK; status++) {
        assert_string_not_equal(status_text(status), "unknown status");
        for (int other = STATUS_BUSY; other < status; other++)
            assert_string_not_equal(status_text(status), status_text(other));
    }
    assert_string_equal(status_text(1), "unknown status");
    assert_string_equal(status_text(STATUS_BUSY - 1), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status__has_a_sentence_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
