/* reload_test.c: what a configuration that is read anew changes, and what waits for a start. */
#include "engine/reload.h"

#include "tests/lib/test.h"

static void set(struct options *options, const char *key, const char *value)
{
    char error[256];
    const struct option_row *row = option_find(&spanmap_options, view_of(key));

    assert_non_null(row);
    assert_int_equal(option_set(row, options, view_of(value), error), 0);
}

static void assert_differs(const struct options *a, const struct options *b, const char *taken,
                           const char *left)
{
    struct buf out_taken;
    struct buf out_left;

    buf_init(&out_taken, 0);
    buf_init(&out_left, 0);
    assert_int_equal(reload_compare(a, b, &out_taken, &out_left), 0);
    assert_true(view_equal(buf_view(&out_taken), view_of(taken)));
    assert_true(view_equal(buf_view(&out_left), view_of(left)));
    buf_release(&out_taken);
    buf_release(&out_left);
}

static void reload__takes_what_reloads_and_leaves_the_rest(void **state)
{
    struct options now;
    struct options fresh;

    (void)state;
    assert_int_equal(options_init(&now), 0);
    assert_int_equal(options_init(&fresh), 0);
    assert_differs(&now, &fresh, "", "");
    set(&fresh, "listen.web", "127.0.0.1:1");
    set(&fresh, "web.hosts", "map.example.org");
    set(&fresh, "pairing.wait", "3s");
    set(&fresh, "map.self_edges", "true");
    set(&fresh, "draw.timeout", "3s");
    set(&fresh, "log.level", "warn");
    assert_differs(&now, &fresh, "map.self_edges draw.timeout log.level",
                   "listen.web web.hosts pairing.wait");
    reload_take(&now, &fresh);
    assert_differs(&now, &fresh, "", "listen.web web.hosts pairing.wait");
    assert_true(now.map_self_edges);
    options_release(&now);
    options_release(&fresh);
}

/* Texts and lists have owners, and would be freed twice. */
static void reload__moves_plain_values_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const struct option_row *row = &spanmap_options.rows[i];
        if (row->reloads &&
            (row->type == OPTION_TEXT || row->type == OPTION_TEXTS || row->type == OPTION_PAIRS))
            fail_msg("%s cannot be taken over", row->key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reload__takes_what_reloads_and_leaves_the_rest),
        cmocka_unit_test(reload__moves_plain_values_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
