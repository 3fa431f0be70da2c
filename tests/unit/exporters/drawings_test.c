/* drawings_test.c: one drawing for many, and a bound on who draws and who waits. The exporters here
 * draw nothing: they count, and some wait until they are told to go on. */
#include "exporters/drawings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/lib/exporter_fixture.h"

static atomic_int calls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside;
static bool may_end;

static int render_count(const struct export_input *input, char out_error[256], struct buf *out)
{
    (void)out_error;
    (void)input;
    return buf_printf(out, "picture %d", atomic_fetch_add(&calls, 1));
}

static int render_large(const struct export_input *input, char out_error[256], struct buf *out)
{
    (void)out_error;
    (void)input;
    (void)atomic_fetch_add(&calls, 1);
    for (int i = 0; i < 5; i++) { /* 5 MiB */
        int status = buf_reserve(out, 1 << 20);
        if (status != 0)
            return status;
        memset(out->data + out->size, 'x', 1 << 20);
        out->size += 1 << 20;
    }
    return 0;
}

static int render_fail(const struct export_input *input, char out_error[256], struct buf *out)
{
    (void)input;
    (void)out;
    (void)atomic_fetch_add(&calls, 1);
    (void)snprintf(out_error, 256, "no");
    return STATUS_SYSTEM;
}

static int render_wait(const struct export_input *input, char out_error[256], struct buf *out)
{
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    inside++;
    assert_int_equal(pthread_cond_broadcast(&changed), 0);
    while (!may_end)
        assert_int_equal(pthread_cond_wait(&changed, &lock), 0);
    inside--;
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    return render_count(input, out_error, out);
}

static const struct exporter counting = {.name = "counting", .render = render_count};
static const struct exporter large = {.name = "large", .render = render_large};
static const struct exporter failing = {.name = "failing", .render = render_fail};
static const struct exporter waiting = {.name = "waiting", .render = render_wait};

static void get(struct drawings *drawings, const struct exporter *exporter, const char *focus,
                uint64_t end_s, int status, const char *expected)
{
    struct snapshot snapshot = {.end = {end_s * NS_PER_S}};
    struct export_input input = {.snapshot = &snapshot, .options = {.focus = view_of(focus)}};
    char error[256];
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(drawings_get(drawings, exporter, &input, error, &out), status);
    if (expected != NULL)
        assert_view_equal(buf_view(&out), expected);
    buf_release(&out);
}

static struct drawings *make(void)
{
    struct drawings *drawings = NULL;

    atomic_store(&calls, 0);
    may_end = false;
    assert_int_equal(drawings_new(&drawings), 0);
    return drawings;
}

static void drawings__are_drawn_once_a_second(void **state)
{
    struct drawings *drawings = make();

    (void)state;
    get(drawings, &counting, "", 100, 0, "picture 0");
    get(drawings, &counting, "", 100, 0, "picture 0");
    get(drawings, &counting, "a", 100, 0, "picture 1");
    get(drawings, &counting, "", 100, 0, "picture 0");
    get(drawings, &counting, "", 101, 0, "picture 2");
    get(drawings, &counting, "a", 100, 0, "picture 1");
    get(drawings, &counting, "", 90, 0, "picture 2"); /* An older snapshot wants no new one. */
    drawings_free(drawings);
}

static void drawings__are_drawn_anew_where_the_clock_went_back(void **state)
{
    struct drawings *drawings = make();

    (void)state;
    get(drawings, &counting, "", 3700, 0, "picture 0");
    get(drawings, &counting, "", 100, 0, "picture 1");
    get(drawings, &counting, "", 100, 0, "picture 1");
    get(drawings, &counting, "", 101, 0, "picture 2");
    drawings_free(drawings);
}

static void get_as(struct drawings *drawings, const struct export_options *options,
                   const char *expected)
{
    struct snapshot snapshot = {.end = {100 * NS_PER_S}};
    struct export_input input = {.snapshot = &snapshot, .options = *options};
    char error[256];
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(drawings_get(drawings, &counting, &input, error, &out), 0);
    assert_view_equal(buf_view(&out), expected);
    buf_release(&out);
}

static void drawings__differ_by_all_that_was_asked(void **state)
{
    struct drawings *drawings = make();
    struct export_options options = {.focus = VIEW("a"), .depth = 1};

    (void)state;
    get_as(drawings, &options, "picture 0");
    options.depth = 2;
    get_as(drawings, &options, "picture 1");
    options.self_edges = true;
    get_as(drawings, &options, "picture 2");
    options.depth = 1;
    get_as(drawings, &options, "picture 3");
    options.self_edges = false;
    get_as(drawings, &options, "picture 0");
    drawings_free(drawings);
}

static void drawings__forget_the_longest_unused(void **state)
{
    struct drawings *drawings = make();
    char focus[8];

    (void)state;
    for (int i = 0; i <= DRAWINGS_KEPT; i++) {
        (void)snprintf(focus, sizeof(focus), "%d", i);
        get(drawings, &counting, focus, 100, 0, NULL);
        get(drawings, &counting, "0", 100, 0, "picture 0"); /* Always in use. */
    }
    assert_int_equal(atomic_load(&calls), DRAWINGS_KEPT + 1);
    get(drawings, &counting, "1", 100, 0, NULL);
    assert_int_equal(atomic_load(&calls), DRAWINGS_KEPT + 2);
    drawings_free(drawings);
}

static void drawings__are_bounded_in_bytes(void **state)
{
    struct drawings *drawings = make();

    (void)state;
    get(drawings, &large, "a", 100, 0, NULL);
    get(drawings, &large, "b", 100, 0, NULL);
    get(drawings, &large, "c", 100, 0, NULL);
    get(drawings, &large, "b", 100, 0, NULL);
    assert_int_equal(atomic_load(&calls), 3);
    get(drawings, &large, "d", 100, 0, NULL); /* 20 MiB: the one used longest ago goes. */
    get(drawings, &large, "b", 100, 0, NULL);
    assert_int_equal(atomic_load(&calls), 4);
    get(drawings, &large, "a", 100, 0, NULL);
    assert_int_equal(atomic_load(&calls), 5);
    drawings_free(drawings);
}

static void drawings__do_not_keep_failures(void **state)
{
    struct drawings *drawings = make();

    (void)state;
    get(drawings, &failing, "", 100, STATUS_SYSTEM, "");
    get(drawings, &failing, "", 100, STATUS_SYSTEM, "");
    assert_int_equal(atomic_load(&calls), 2);
    drawings_free(drawings);
}

struct asker {
    pthread_t thread;
    struct drawings *drawings;
    const char *focus;
    int status;
    bool done;
};

static void *ask(void *context)
{
    struct asker *asker = context;
    struct snapshot snapshot = {.end = {100 * NS_PER_S}};
    struct export_input input = {.snapshot = &snapshot,
                                 .options = {.focus = view_of(asker->focus)}};
    char error[256];
    struct buf out;

    buf_init(&out, 0);
    asker->status = drawings_get(asker->drawings, &waiting, &input, error, &out);
    buf_release(&out);
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    asker->done = true;
    assert_int_equal(pthread_cond_broadcast(&changed), 0);
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    return NULL;
}

/* Two draw, two wait, all others are sent away at once. */
static void drawings__let_few_draw_and_few_wait(void **state)
{
    enum { ASKERS = 8 };
    struct drawings *drawings = make();
    struct asker askers[ASKERS];
    size_t refused = 0;

    (void)state;
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    for (size_t i = 0; i < ASKERS; i++) {
        static const char *const names[ASKERS] = {"a", "a", "b", "c", "a", "b", "d", "e"};
        askers[i] = (struct asker){.drawings = drawings, .focus = names[i]};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (;;) {
        refused = 0;
        for (size_t i = 0; i < ASKERS; i++)
            refused += askers[i].done;
        if (inside == DRAWINGS_AT_ONCE && refused == ASKERS - 2 * DRAWINGS_AT_ONCE)
            break;
        assert_true(inside <= DRAWINGS_AT_ONCE);
        assert_int_equal(pthread_cond_wait(&changed, &lock), 0);
    }
    may_end = true;
    assert_int_equal(pthread_cond_broadcast(&changed), 0);
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    refused = 0;
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_true(askers[i].status == 0 || askers[i].status == STATUS_BUSY);
        refused += askers[i].status == STATUS_BUSY;
    }
    assert_int_equal(refused, ASKERS - 2 * DRAWINGS_AT_ONCE);
    drawings_free(drawings);
}

/* Who asks while it is drawn anew gets the one before. */
static void drawings__serve_the_old_while_the_new_is_drawn(void **state)
{
    struct drawings *drawings = make();
    struct asker asker = {.drawings = drawings, .focus = "a"};

    (void)state;
    may_end = true;
    get(drawings, &waiting, "a", 50, 0, "picture 0");
    may_end = false;
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    assert_int_equal(pthread_create(&asker.thread, NULL, ask, &asker), 0);
    while (inside == 0)
        assert_int_equal(pthread_cond_wait(&changed, &lock), 0);
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    get(drawings, &waiting, "a", 100, 0, "picture 0");
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    may_end = true;
    assert_int_equal(pthread_cond_broadcast(&changed), 0);
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    assert_int_equal(pthread_join(asker.thread, NULL), 0);
    get(drawings, &waiting, "a", 100, 0, "picture 1");
    drawings_free(drawings);
}

static int step(void *context)
{
    struct snapshot snapshot = {.end = {NS_PER_S}};
    struct export_input input = {.snapshot = &snapshot, .options = {.focus = VIEW("x")}};
    struct drawings *drawings;
    char error[256];
    struct buf out;
    int status = drawings_new(&drawings);

    (void)context;
    if (status != 0)
        return status;
    buf_init(&out, 0);
    status = drawings_get(drawings, &counting, &input, error, &out);
    buf_release(&out);
    drawings_free(drawings);
    return status;
}

static void drawings__survive_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawings__are_drawn_once_a_second),
        cmocka_unit_test(drawings__are_drawn_anew_where_the_clock_went_back),
        cmocka_unit_test(drawings__differ_by_all_that_was_asked),
        cmocka_unit_test(drawings__forget_the_longest_unused),
        cmocka_unit_test(drawings__are_bounded_in_bytes),
        cmocka_unit_test(drawings__do_not_keep_failures),
        cmocka_unit_test(drawings__let_few_draw_and_few_wait),
        cmocka_unit_test(drawings__serve_the_old_while_the_new_is_drawn),
        cmocka_unit_test(drawings__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
