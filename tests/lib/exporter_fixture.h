/* exporter_fixture.h: one exporter over one snapshot built by hand.
 * Is:         what every exporter's test needs: a build, an input, a buffer, and their ends.
 */
#ifndef SPANMAP_TESTS_LIB_EXPORTER_FIXTURE_H
#define SPANMAP_TESTS_LIB_EXPORTER_FIXTURE_H

#include "exporters/exporter.h"
#include "tests/lib/snapshot_build.h"
#include "tests/lib/snapshot_samples.h"
#include "tests/lib/test.h"

struct exporter_fixture {
    const struct exporter *exporter;
    struct snapshot_build build;
    struct export_input input;
    struct buf out;
    char error[256];
};

/* `sample` may be NULL: the snapshot is empty. It can be added to until the first rendering. */
static inline void fixture_begin(struct exporter_fixture *fixture, const struct exporter *exporter,
                                 void (*sample)(struct snapshot_build *build))
{
    *fixture = (struct exporter_fixture){.exporter = exporter};
    snapshot_build_init(&fixture->build);
    if (sample != NULL)
        sample(&fixture->build);
    buf_init(&fixture->out, 0);
}

static inline void fixture_end(struct exporter_fixture *fixture)
{
    buf_release(&fixture->out);
    snapshot_build_release(&fixture->build);
}

/* For test_sweep_memory(), too. */
static inline int fixture_render(void *context)
{
    struct exporter_fixture *fixture = context;

    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    buf_release(&fixture->out);
    buf_init(&fixture->out, fixture->out.size_max);
    return fixture->exporter->render(&fixture->input, fixture->error, &fixture->out);
}

/* What was written, as a text; there must be no zero in it. */
static inline const char *fixture_text(struct exporter_fixture *fixture)
{
    assert_int_equal(fixture_render(fixture), 0);
    assert_int_equal(buf_append_byte(&fixture->out, '\0'), 0);
    assert_int_equal(strlen(fixture->out.data) + 1, fixture->out.size);
    return fixture->out.data;
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is missing in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in:\n%s", part, text);
}

/* A renderer that cannot finish leaves what was in the buffer before. */
static inline void check_leaves_buffer(struct exporter_fixture *fixture)
{
    struct buf out;

    if (fixture->input.snapshot == NULL)
        fixture->input.snapshot = snapshot_build_finish(&fixture->build);
    buf_init(&out, 300);
    assert_int_equal(buf_append_text(&out, "before"), 0);
    assert_int_equal(fixture->exporter->render(&fixture->input, fixture->error, &out),
                     STATUS_TOO_LARGE);
    assert_view_equal(buf_view(&out), "before");
    assert_true(strlen(fixture->error) > 10);
    buf_release(&out);
    fixture->input.options.focus = VIEW("nobody");
    assert_int_equal(fixture_render(fixture), STATUS_NOT_FOUND);
    assert_int_equal(fixture->out.size, 0);
    assert_has(fixture->error, "'nobody'");
}

#endif
