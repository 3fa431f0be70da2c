/* remote_set_test.c: thousands of series are told apart. */
#include "exporters/remote_set.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/lib/test.h"

static const struct remote_meta seconds = {"Time that it took.", "seconds", 3};
static const struct remote_meta requests = {"Requests.", "", 1};

static struct view label(char text[32], int number)
{
    return (struct view){text, (size_t)snprintf(text, 32, "a=\"%d\"", number)};
}

static void set__finds_what_was_added(void **state)
{
    struct remote_set set;
    char text[32];

    (void)state;
    remote_set_init(&set, 1 << 20);
    assert_null(remote_set_find(&set, VIEW("name"), VIEW("")));
    for (int i = 0; i < 3000; i++)
        assert_int_equal(remote_set_add(&set, VIEW("name"), label(text, i), i % 2 == 0, &seconds),
                         0);
    assert_int_equal(remote_set_add(&set, VIEW("name"), VIEW(""), false, &seconds), 0);
    for (int i = 0; i < 3000; i++) {
        const struct remote_entry *entry = remote_set_find(&set, VIEW("name"), label(text, i));
        assert_non_null(entry);
        assert_int_equal(entry->is_histogram, i % 2 == 0);
        assert_true(view_equal(remote_entry_name(&set, entry), VIEW("name")));
        assert_true(view_equal(remote_entry_labels(&set, entry), label(text, i)));
        assert_null(remote_set_find(&set, VIEW("nam"), label(text, i)));
    }
    assert_null(remote_set_find(&set, VIEW("name"), label(text, 3000)));
    assert_non_null(remote_set_find(&set, VIEW("name"), VIEW("")));
    remote_set_reset(&set);
    assert_null(remote_set_find(&set, VIEW("name"), label(text, 1)));
    remote_set_release(&set);
}

static void set__knows_what_each_familys_series_are(void **state)
{
    struct remote_set set;
    char text[32];

    (void)state;
    remote_set_init(&set, 1 << 20);
    for (int i = 0; i < 400; i++)
        assert_int_equal(remote_set_add(&set, VIEW("name"), label(text, i), false,
                                        i / 2 % 2 == 0 ? &seconds : &requests),
                         0);
    assert_int_equal(set.metas_count, 200);
    for (int i = 0; i < 400; i++) {
        const struct remote_entry *entry = remote_set_find(&set, VIEW("name"), label(text, i));
        assert_string_equal(set.metas[entry->meta].help,
                            i / 2 % 2 == 0 ? seconds.help : requests.help);
    }
    remote_set_reset(&set);
    assert_int_equal(set.metas_count, 0);
    remote_set_release(&set);
}

static void set__has_a_bound(void **state)
{
    struct remote_set set;
    char text[32];

    (void)state;
    remote_set_init(&set, 20 + 2 * 48);
    assert_int_equal(remote_set_add(&set, VIEW("name"), label(text, 1), false, &seconds), 0);
    assert_int_equal(remote_set_add(&set, VIEW("name"), label(text, 2), false, &seconds), 0);
    assert_int_equal(remote_set_add(&set, VIEW("name"), label(text, 3), false, &seconds),
                     STATUS_TOO_LARGE);
    assert_null(remote_set_find(&set, VIEW("name"), label(text, 3)));
    assert_non_null(remote_set_find(&set, VIEW("name"), label(text, 2)));
    remote_set_release(&set);
}

/* Of many with short texts it is the entries that take the memory. */
static void set__counts_its_entries_too(void **state)
{
    enum { BYTES_MAX = 100000 };
    struct remote_set set;
    char text[32];
    int count = 0;

    (void)state;
    remote_set_init(&set, BYTES_MAX);
    while (remote_set_add(&set, VIEW("n"), label(text, count), false, &seconds) == 0)
        count++;
    assert_in_range(count, 1000, BYTES_MAX);
    assert_in_range(set.texts.size + set.room * sizeof(*set.entries) +
                        (set.slots_mask + 1) * sizeof(*set.slots),
                    BYTES_MAX / 2, BYTES_MAX);
    remote_set_release(&set);
}

static void set__stays_as_it_was_without_memory(void **state)
{
    struct remote_set set;
    char text[32];

    (void)state;
    remote_set_init(&set, 1 << 20);
    for (int i = 0; i < 600; i++) {
        mem_fail_after(i % 3 == 0 ? 0 : i % 3);
        if (remote_set_add(&set, VIEW("n"), label(text, i), false, &seconds) != 0) {
            mem_fail_after(-1);
            assert_null(remote_set_find(&set, VIEW("n"), label(text, i)));
            assert_int_equal(remote_set_add(&set, VIEW("n"), label(text, i), false, &seconds), 0);
        }
        mem_fail_after(-1);
        assert_non_null(remote_set_find(&set, VIEW("n"), label(text, i)));
    }
    assert_int_equal(set.count, 600);
    remote_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set__finds_what_was_added),
        cmocka_unit_test(set__knows_what_each_familys_series_are),
        cmocka_unit_test(set__has_a_bound),
        cmocka_unit_test(set__counts_its_entries_too),
        cmocka_unit_test(set__stays_as_it_was_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
