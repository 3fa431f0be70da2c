/* window_query_test.c: the words of a window, what they mean, and how an edge did in it step by step. */
#include "exporters/window_query.h"

#include <stdio.h>

#include "exporters/history.h"
#include "tests/lib/publisher_fixture.h"
#include "topology/window_snapshot.h"

static const uint64_t epoch_ns = UINT64_C(1795646400) * NS_PER_S; /* 2026-11-25T22:40:00Z */

static const struct windows_options kept = {.span_ns = 3600 * NS_PER_S,
                                            .bytes_max = 16 << 20,
                                            .answer_bytes_max = 16 << 20,
                                            .start = {UINT64_C(1795646400) * NS_PER_S}};

static int take_window(void *context, const struct window_want *want, struct window_look **out_look)
{
    return windows_take(((struct stage *)context)->windows, want, out_look);
}

static int reach_of(void *context, struct windows_reach *out_reach)
{
    windows_reach(((struct stage *)context)->windows, out_reach);
    return 0;
}

static struct window_source source_of(struct stage *stage)
{
    return (struct window_source){stage, take_window, reach_of};
}

/* A call from a to b each second for two minutes, of as many nanoseconds; it fails when the fixture's
 * do, always. */
static void setup_traffic(struct stage *stage)
{
    setup_stage_with_windows(stage, 1, &kept);
    for (uint64_t s = 1; s <= 120; s++) {
        count(stage, stage->a, stage->b, s);
        absorb(stage, 0, epoch_ns + s * NS_PER_S);
        publisher_close(stage->publisher, (struct wall_time){epoch_ns + s * NS_PER_S});
    }
}

static struct export_window window_of(const char *query)
{
    struct export_options options = {.depth = 0};
    char error[256] = "";

    if (window_query_read(view_of(query), error, &options) != 0)
        fail_msg("%s: %s", query, error);
    return options.window;
}

static void assert_wrong(const char *query, const char *says)
{
    struct export_options options = {.window = {.length_ns = 7}};
    char error[256] = "";

    assert_int_equal(window_query_read(view_of(query), error, &options), STATUS_INVALID);
    if (strstr(error, says) == NULL)
        fail_msg("%s: '%s' has no '%s'", query, error, says);
    assert_true(options.window.length_ns == 7 && options.window.at.ns == 0);
}

static void window_query__reads_its_words(void **state)
{
    struct export_window window = window_of("depth=0&window=5m&at=2026-11-25T22%3A42%3A00Z");

    (void)state;
    assert_true(window.length_ns == 300 * NS_PER_S);
    assert_true(window.at.ns == epoch_ns + 120 * NS_PER_S && !window.at.is_ago);
    assert_true(window.compare.ns == 0);
    window = window_of("compare=-10m&window=1h");
    assert_true(window.compare.ns == 600 * NS_PER_S && window.compare.is_ago);
    assert_true(window_of("").length_ns == 0);
    assert_true(window_of("window=&at=").length_ns == 0); /* Stands empty: says nothing. */
    assert_wrong("window=0", "duration");
    assert_wrong("window=999ms", "duration");
    assert_wrong("window=5", "not '5'");
    assert_wrong("window=5m&at=soon", "'at'");
    assert_wrong("window=5m&compare=x%3Cscript%3E", "'compare'");
    assert_wrong("window=%ff%", "percent-encoded");
}

static struct snapshot *shown(struct stage *stage, const char *query, struct snapshot **out_before)
{
    struct window_source source = source_of(stage);
    struct export_window window = window_of(query);
    struct snapshot *snapshot = NULL;
    char error[256] = "";

    *out_before = NULL;
    if (window_query_snapshots(&source, &window, error, &snapshot, out_before) != 0)
        fail_msg("%s: %s", query, error);
    return snapshot;
}

static void assert_covers(const struct snapshot *snapshot, uint64_t from_s, uint64_t to_s)
{
    assert_true(snapshot->start.ns == epoch_ns + from_s * NS_PER_S);
    assert_true(snapshot->end.ns == epoch_ns + to_s * NS_PER_S);
    assert_true(snapshot->edges[0].requests == (to_s - from_s) * WEIGHT_ONE);
    assert_true(snapshot->edges[0].server_seconds->min_ns == from_s + 1);
    assert_true(snapshot->edges[0].server_seconds->max_ns == to_s);
}

static void window_query__means_times(void **state)
{
    struct snapshot *snapshot, *before;
    struct stage stage;

    (void)state;
    setup_traffic(&stage);
    snapshot = shown(&stage, "window=1m", &before);
    assert_covers(snapshot, 60, 120);
    assert_null(before);
    assert_int_equal(snapshot->operations_count, 1);
    snapshot_release(snapshot);
    snapshot = shown(&stage, "window=30s&at=-40s", &before);
    assert_covers(snapshot, 50, 80);
    snapshot_release(snapshot);
    snapshot = shown(&stage, "window=30s&at=1795646450.0&compare=-20s", &before);
    assert_covers(snapshot, 20, 50);
    assert_covers(before, 0, 30);
    snapshot_release(snapshot);
    snapshot_release(before);
    snapshot = shown(&stage, "window=10s&compare=2026-11-25T22:41:00Z", &before);
    assert_covers(snapshot, 110, 120);
    assert_covers(before, 50, 60);
    snapshot_release(snapshot);
    snapshot_release(before);
    release_stage(&stage);
}

static void assert_refused(struct stage *stage, const char *query, int wanted, const char *says)
{
    struct window_source source = stage != NULL ? source_of(stage) : (struct window_source){0};
    struct export_window window = window_of(query);
    struct snapshot *snapshot = NULL;
    struct snapshot *before = NULL;
    char error[256] = "";

    assert_int_equal(window_query_snapshots(&source, &window, error, &snapshot, &before), wanted);
    if (strstr(error, says) == NULL)
        fail_msg("%s: '%s' has no '%s'", query, error, says);
    assert_null(snapshot);
    assert_null(before);
}

static void window_query__says_what_there_is_not(void **state)
{
    struct stage stage;

    (void)state;
    setup_traffic(&stage);
    assert_refused(&stage, "window=61m", STATUS_INVALID, "at most 1h");
    assert_refused(&stage, "window=1m&at=2026-11-25T22:40:00Z", STATUS_NOT_FOUND,
                   "from 2026-11-25T22:40:00Z to 2026-11-25T22:42:00Z");
    assert_refused(&stage, "window=1m&at=-2m", STATUS_NOT_FOUND, "'at'");
    assert_refused(&stage, "window=1m&compare=-2m", STATUS_NOT_FOUND, "'compare'");
    assert_refused(NULL, "window=1m", STATUS_INVALID, "windows.span");
    assert_int_equal(atomic_load(windows_answers(stage.windows)), 0);
    release_stage(&stage);
    setup_stage_with_windows(&stage, 1, &kept);
    assert_refused(&stage, "window=1m", STATUS_NOT_FOUND, "just begun");
    release_stage(&stage);
}

static void window_query__leaves_operations_out_for_maps(void **state)
{
    struct window_source source;
    struct export_window window = window_of("window=1m");
    struct snapshot *snapshot = NULL;
    struct snapshot *before = NULL;
    struct stage stage;
    char error[256] = "";

    (void)state;
    setup_traffic(&stage);
    source = source_of(&stage);
    window.without_operations = true;
    assert_int_equal(window_query_snapshots(&source, &window, error, &snapshot, &before), 0);
    assert_int_equal(snapshot->operations_count, 0);
    assert_true(snapshot->nodes[1].reported); /* b has operations all the same. */
    assert_covers(snapshot, 60, 120);
    snapshot_release(snapshot);
    release_stage(&stage);
}

/* ------------------------------------------------------------------ history */

struct telling {
    struct stage *stage;
    struct export_input input;
    struct window_look *look;
};

static void telling_init(struct telling *telling, struct stage *stage, uint64_t window_ns)
{
    struct window_want want = {.window_ns = window_ns};

    *telling = (struct telling){.stage = stage};
    telling->input.snapshot = take(stage);
    assert_int_equal(windows_take(stage->windows, &want, &telling->look), 0);
}

static void telling_release(struct telling *telling)
{
    snapshot_release((struct snapshot *)(uintptr_t)telling->input.snapshot);
    window_look_free(telling->look);
}

static void assert_told(struct telling *telling, size_t points, const char *first)
{
    char error[256] = "";
    struct buf out;
    size_t found = 0;

    buf_init(&out, 0);
    if (history_render(&telling->input, telling->look, error, &out) != 0)
        fail_msg("%s", error);
    assert_int_equal(buf_append_byte(&out, '\0'), 0);
    for (const char *at = out.data; (at = strstr(at, "start_unix_nano")) != NULL; at++)
        found++;
    assert_int_equal(found, points + 1); /* And that of the window. */
    if (strstr(out.data, first) == NULL)
        fail_msg("%s has no %s", out.data, first);
    buf_release(&out);
}

static void history__has_a_point_a_step(void **state)
{
    struct telling telling;
    struct stage stage;

    (void)state;
    setup_traffic(&stage);
    telling_init(&telling, &stage, 60 * NS_PER_S);
    telling.input.options.subject = (struct export_subject){
        .client = VIEW("service//a"), .server = VIEW("service//b"), .connection_type = VIEW("")};
    assert_told(&telling, 6,
                "{\"start_unix_nano\": \"1795646460000000000\", \"covered_seconds\": 10, "
                "\"requests\": 10, \"failed\": 10, \"requests_per_second\": 1, "
                "\"client_seconds\": {\"count\": 10, \"sum\": 0.000000655");
    assert_told(&telling, 6, "\"step_seconds\": 10");
    telling.input.options.subject.connection_type = VIEW("database");
    assert_told(&telling, 6,
                "\"requests\": 0, \"failed\": 0, \"requests_per_second\": 0, "
                "\"client_seconds\": null, \"server_seconds\": null");
    telling.input.options.subject = (struct export_subject){.node = VIEW("service//b")};
    assert_told(&telling, 6, "\"requests_per_second\": 1, \"seconds\": {\"count\": 10");
    telling.input.options.subject = (struct export_subject){.node = VIEW("service//a")};
    assert_told(&telling, 6, "\"requests\": 0, \"failed\": 0"); /* Nobody calls it. */
    assert_true(atomic_load(windows_answers(stage.windows)) == 0);
    telling_release(&telling);
    release_stage(&stage);
}

static void history__has_longer_steps_of_longer_windows(void **state)
{
    struct telling telling;
    struct stage stage;

    (void)state;
    setup_stage_with_windows(&stage, 1, &kept);
    for (uint64_t s = 1; s <= 3600; s++) {
        if (s % 60 == 1)
            count(&stage, stage.a, stage.b, s);
        absorb(&stage, 0, epoch_ns + s * NS_PER_S);
        publisher_close(stage.publisher, (struct wall_time){epoch_ns + s * NS_PER_S});
    }
    telling_init(&telling, &stage, 3600 * NS_PER_S);
    telling.input.options.subject = (struct export_subject){.node = VIEW("service//b")};
    assert_told(&telling, 60, "\"covered_seconds\": 60, \"requests\": 1, \"failed\": 1");
    telling_release(&telling);
    release_stage(&stage);
}

static void history__says_what_is_not_there(void **state)
{
    static const struct {
        struct export_subject subject;
        int status;
        const char *says;
    } cases[] = {
        {{.node = {NULL, 0}}, STATUS_INVALID, "say of what"},
        {{.node = VIEW("service//c")}, STATUS_NOT_FOUND, "service//c"},
        {{.client = VIEW("service//a"), .server = VIEW("service//c")},
         STATUS_NOT_FOUND,
         "'service//c'"},
        {{.client = VIEW("service//a"),
          .server = VIEW("service//b"),
          .connection_type = VIEW("carrier pigeon")},
         STATUS_INVALID,
         "connection_type"},
    };
    struct telling telling;
    struct stage stage;

    (void)state;
    setup_traffic(&stage);
    telling_init(&telling, &stage, 60 * NS_PER_S);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[256] = "";
        struct buf out;
        buf_init(&out, 0);
        telling.input.options.subject = cases[i].subject;
        assert_int_equal(history_render(&telling.input, telling.look, error, &out),
                         cases[i].status);
        if (strstr(error, cases[i].says) == NULL)
            fail_msg("'%s' has no '%s'", error, cases[i].says);
        assert_int_equal(out.size, 0);
        buf_release(&out);
    }
    telling_release(&telling);
    release_stage(&stage);
}

static int tell(void *context)
{
    struct telling *telling = context;
    char error[256] = "";
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = history_render(&telling->input, telling->look, error, &out);
    assert_int_equal(status == 0, error[0] == '\0');
    assert_int_equal(status == 0, out.size != 0);
    buf_release(&out);
    return status;
}

static void history__survives_the_want_of_memory(void **state)
{
    struct telling telling;
    struct stage stage;

    (void)state;
    setup_traffic(&stage);
    telling_init(&telling, &stage, 15 * NS_PER_S);
    telling.input.options.subject = (struct export_subject){.client = VIEW("service//a"),
                                                            .server = VIEW("service//b")};
    test_sweep_memory(tell, &telling);
    assert_int_equal(atomic_load(windows_answers(stage.windows)), 0);
    telling_release(&telling);
    release_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_query__reads_its_words),
        cmocka_unit_test(window_query__means_times),
        cmocka_unit_test(window_query__says_what_there_is_not),
        cmocka_unit_test(window_query__leaves_operations_out_for_maps),
        cmocka_unit_test(history__has_a_point_a_step),
        cmocka_unit_test(history__has_longer_steps_of_longer_windows),
        cmocka_unit_test(history__says_what_is_not_there),
        cmocka_unit_test(history__survives_the_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
