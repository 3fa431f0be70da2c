/* remote_write_test.c: pieces, what begins and what ends, look after look. What the bytes say is read by
 * Google's library in tests/e2e/test_remote_write.py.
 */
#include "exporters/remote_write.h"

#include "base/mem.h"
#include "exporters/prometheus.h"
#include "tests/lib/exporter_fixture.h"

enum { PIECES_MAX = 64 };

struct taker {
    struct exporter_fixture fixture;
    struct remote_write remote;
    struct buf pieces[PIECES_MAX];
    size_t count;
    struct remote_counts counts;
    size_t others; /* Samples of spanmap's own. */
    int failure;   /* What it says. */
    char error[256];
};

static int take(void *context, struct view message, const struct remote_counts *counts)
{
    struct taker *taker = context;

    if (taker->failure != 0)
        return taker->failure;
    assert_true(taker->count < PIECES_MAX);
    buf_init(&taker->pieces[taker->count], 0);
    if (buf_append_view(&taker->pieces[taker->count], message) != 0) {
        buf_release(&taker->pieces[taker->count]);
        return STATUS_NOMEM;
    }
    taker->count++;
    taker->counts.samples += counts->samples;
    taker->counts.histograms += counts->histograms;
    taker->counts.exemplars += counts->exemplars;
    return 0;
}

static void forget(struct taker *taker)
{
    while (taker->count != 0)
        buf_release(&taker->pieces[--taker->count]);
    taker->counts = (struct remote_counts){0};
}

static void sample(struct snapshot_build *build)
{
    uint32_t a = snapshot_build_service(build, "a");
    uint32_t b = snapshot_build_service(build, "b");
    struct snapshot_edge *edge = snapshot_build_edge(build, a, b, CONNECTION_DIRECT, 5, 1);

    snapshot_build_observe(build, &edge->server_seconds, 3 * NS_PER_MS, 5);
}

static const struct remote_label own[] = {{{"job", 3}, {"map", 3}}, {{"client", 6}, {"never", 5}}};

static int look(struct taker *taker)
{
    return prometheus_write(&taker->fixture.input, &taker->remote, taker->error);
}

static void begin(struct taker *taker, struct remote_write_options options)
{
    *taker = (struct taker){.count = 0};
    fixture_begin(&taker->fixture, NULL, sample);
    taker->fixture.input.snapshot = snapshot_build_finish(&taker->fixture.build);
    options.bounds = &histogram_bounds_default;
    options.labels = own;
    options.labels_count = 2;
    options.texts_bytes_max = options.texts_bytes_max != 0 ? options.texts_bytes_max : 1 << 20;
    options.interval_ns = 15 * NS_PER_S;
    options.take = take;
    options.context = taker;
    taker->fixture.build.snapshot.edges_count = 0;
    assert_int_equal(remote_write_init(&taker->remote, &options), 0);
    assert_int_equal(look(taker), 0);
    taker->others = taker->counts.samples;
    forget(taker);
    remote_write_release(&taker->remote);
    taker->fixture.build.snapshot.edges_count = 1;
    assert_int_equal(remote_write_init(&taker->remote, &options), 0);
}

static void end(struct taker *taker)
{
    forget(taker);
    remote_write_release(&taker->remote);
    fixture_end(&taker->fixture);
}

/* Whether some piece has these bytes. */
static size_t times(const struct taker *taker, const void *bytes, size_t size)
{
    size_t found = 0;

    for (size_t i = 0; i < taker->count; i++) {
        const char *at = taker->pieces[i].data;
        const char *stop = at + taker->pieces[i].size;
        while ((at = memmem(at, (size_t)(stop - at), bytes, size)) != NULL) {
            found++;
            at++;
        }
    }
    return found;
}

static size_t stale_markers(const struct taker *taker)
{
    static const uint64_t stale = UINT64_C(0x7ff0000000000002);

    return times(taker, &stale, sizeof(stale));
}

/* Two counters and 17 buckets, sum and count. */
enum { SAMPLES = 2 + 19 };

static void remote__has_a_zero_before_what_is_new_and_none_later(void **state)
{
    struct taker taker;

    (void)state;
    begin(&taker, (struct remote_write_options){.version = REMOTE_WRITE_1});
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.count, 1);
    assert_int_equal(taker.counts.samples - taker.others, 2 * SAMPLES);
    assert_int_equal(times(&taker, "never", 5),
                     taker.others); /* The edge has a client of its own. */
    assert_true(times(&taker, "\x0a\x03job\x12\x03map", 10) >= SAMPLES);
    forget(&taker);
    taker.fixture.build.snapshot.end.ns += NS_PER_S;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.counts.samples - taker.others, SAMPLES);
    assert_int_equal(stale_markers(&taker), 0);
    end(&taker);
}

static void remote__marks_what_is_gone_and_begins_it_anew(void **state)
{
    struct taker taker;
    struct snapshot *snapshot;

    (void)state;
    for (int version = REMOTE_WRITE_1; version <= REMOTE_WRITE_2; version++) {
        begin(&taker, (struct remote_write_options){.version = (enum remote_version)version,
                                                    .histograms = REMOTE_BOTH});
        snapshot = &taker.fixture.build.snapshot;
        assert_int_equal(look(&taker), 0);
        forget(&taker);
        snapshot->edges_count = 0;
        snapshot->end.ns += NS_PER_S;
        assert_int_equal(look(&taker), 0);
        assert_int_equal(stale_markers(&taker), SAMPLES + 1);
        forget(&taker);
        snapshot->end.ns += NS_PER_S;
        assert_int_equal(look(&taker), 0);
        assert_int_equal(taker.counts.samples - taker.others, 0);
        forget(&taker);
        snapshot->edges_count = 1;
        snapshot->end.ns += NS_PER_S;
        assert_int_equal(look(&taker), 0);
        assert_int_equal(taker.counts.samples - taker.others, 2 * SAMPLES);
        assert_int_equal(taker.counts.histograms, 2);
        forget(&taker);
        assert_int_equal(remote_write_end(&taker.remote, snapshot->end), 0);
        assert_int_equal(stale_markers(&taker), SAMPLES + 1 + taker.others);
        end(&taker);
    }
}

static void remote__cuts_pieces(void **state)
{
    struct taker taker;

    (void)state;
    for (int version = REMOTE_WRITE_1; version <= REMOTE_WRITE_2; version++) {
        begin(&taker, (struct remote_write_options){.version = (enum remote_version)version,
                                                    .piece_bytes_max = 600});
        assert_int_equal(look(&taker), 0);
        assert_true(taker.count > 3);
        for (size_t i = 0; i < taker.count; i++)
            assert_in_range(taker.pieces[i].size, 1, 4000);
        assert_int_equal(taker.counts.samples - taker.others, 2 * SAMPLES);
        end(&taker);
    }
}

/* What finds no room is told all the same, without a 0 that could fall between two values. */
static void remote__tells_what_it_cannot_remember(void **state)
{
    struct taker taker;

    (void)state;
    begin(&taker, (struct remote_write_options){.version = REMOTE_WRITE_1, .texts_bytes_max = 64});
    assert_int_equal(look(&taker), 0);
    forget(&taker);
    taker.fixture.build.snapshot.end.ns += NS_PER_S;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.counts.samples - taker.others, SAMPLES);
    assert_int_equal(stale_markers(&taker), 0);
    end(&taker);
}

static void remote__goes_on_after_a_failure(void **state)
{
    struct taker taker;

    (void)state;
    begin(&taker, (struct remote_write_options){.version = REMOTE_WRITE_1});
    taker.failure = STATUS_NOMEM;
    assert_int_equal(look(&taker), STATUS_NOMEM);
    assert_has(taker.error, "not written");
    taker.failure = 0;
    taker.fixture.build.snapshot.end.ns += NS_PER_S;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.counts.samples - taker.others,
                     SAMPLES); /* No 0: some may have been told before. */
    end(&taker);
}

static int look_again(void *context)
{
    struct taker *taker = context;
    int status;

    forget(taker);
    taker->fixture.build.snapshot.end.ns += NS_PER_S;
    status = look(taker);
    /* A failure of what is only remembered does not show. */
    return status;
}

static void remote__survives_without_memory(void **state)
{
    struct taker taker;

    (void)state;
    for (int version = REMOTE_WRITE_1; version <= REMOTE_WRITE_2; version++)
        for (long allowed = 0; allowed < 60; allowed++) {
            begin(&taker, (struct remote_write_options){.version = (enum remote_version)version,
                                                        .histograms = REMOTE_BOTH});
            mem_fail_after(allowed);
            (void)look_again(&taker);
            mem_fail_after(-1);
            assert_int_equal(look_again(&taker), 0);
            assert_in_range(taker.counts.samples - taker.others, SAMPLES, 2 * SAMPLES);
            end(&taker);
        }
}

/* Capitals stand before underscores; a label without a value is none. */
static void remote__has_labels_in_order(void **state)
{
    static const struct remote_label labels[] = {
        {{"Zone", 4}, {"x", 1}}, {{"none", 4}, {"", 0}}, {{"k", 1}, {"y", 1}}};
    struct taker taker;
    size_t names = 0;

    (void)state;
    begin(&taker, (struct remote_write_options){.version = REMOTE_WRITE_1});
    taker.remote.options.labels = labels;
    taker.remote.options.labels_count = 3;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(times(&taker, "none", 4), 0);
    for (size_t i = 0; i < taker.count; i++) {
        const char *at = taker.pieces[i].data;
        const char *stop = at + taker.pieces[i].size;
        while ((at = memmem(at, (size_t)(stop - at), "\x0a\x08__name__", 10)) != NULL) {
            assert_memory_equal(at - 9, "Zone\x12\x01x", 7);
            names++;
            at++;
        }
    }
    assert_true(names >= SAMPLES);
    /* Of buckets: the name, `k`, `le`. */
    assert_true(times(&taker, "\x0a\x01k\x12\x01y\x0a\x0b\x0a\x02le", 11) > 0);
    end(&taker);
}

static union {
    struct exemplars set;
    char room[sizeof(struct exemplars) + 2 * sizeof(struct exemplar)];
} examples;

/* The faster span came later. */
static void remote__has_exemplars_of_a_series_by_time(void **state)
{
    struct taker taker;
    uint64_t now_ns;
    const char *data;

    (void)state;
    begin(&taker,
          (struct remote_write_options){.version = REMOTE_WRITE_1, .histograms = REMOTE_NATIVE});
    now_ns = taker.fixture.build.snapshot.end.ns;
    examples.set.count = 2;
    for (size_t i = 0; i < 2; i++) {
        struct exemplar *item = &examples.set.items[i];
        *item = (struct exemplar){.duration_ns = (i == 0 ? 3 : 63) * NS_PER_MS,
                                  .which = SNAPSHOT_SERVER,
                                  .bucket = (i * 4 + 1) & 63,
                                  .span = 1,
                                  .ns = now_ns - (i + 1) * 5 * NS_PER_MS};
        memset(item->trace, i == 0 ? 0xaa : 0xbb, sizeof(item->trace));
    }
    taker.fixture.build.edges[0].exemplars = &examples.set;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.counts.exemplars, 3); /* One is that of the count. */
    assert_int_equal(taker.count, 1);
    data = memmem(taker.pieces[0].data, taker.pieces[0].size, "bbbbbbbbbbbbbbbb", 16);
    assert_non_null(data);
    data += 32;
    assert_non_null(memmem(data, (size_t)(taker.pieces[0].data + taker.pieces[0].size - data),
                           "aaaaaaaaaaaaaaaa", 16));
    end(&taker);
}

/* Nobody looked while it was not there: without a 0 its first calls would be no increase. */
static void remote__has_a_zero_before_what_began_anew_between_looks(void **state)
{
    struct taker taker;
    struct snapshot *snapshot;

    (void)state;
    begin(&taker, (struct remote_write_options){.version = REMOTE_WRITE_1});
    snapshot = &taker.fixture.build.snapshot;
    assert_int_equal(look(&taker), 0);
    forget(&taker);
    taker.fixture.build.edges[0].created.ns = snapshot->end.ns + NS_PER_S;
    snapshot->end.ns += 2 * NS_PER_S;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.counts.samples - taker.others, 2 * SAMPLES);
    forget(&taker);
    snapshot->end.ns += NS_PER_S;
    assert_int_equal(look(&taker), 0);
    assert_int_equal(taker.counts.samples - taker.others, SAMPLES);
    end(&taker);
}

/* Though the clock stands still, and some was told of the look that failed. */
static void remote__times_rise_after_a_failure(void **state)
{
    struct taker taker;
    int64_t time_ms;

    (void)state;
    begin(&taker, (struct remote_write_options){.version = REMOTE_WRITE_1});
    taker.failure = STATUS_NOMEM;
    assert_int_equal(look(&taker), STATUS_NOMEM);
    time_ms = taker.remote.time_ms;
    taker.failure = 0;
    assert_int_equal(look(&taker), 0);
    assert_true(taker.remote.time_ms > time_ms);
    end(&taker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remote__has_a_zero_before_what_is_new_and_none_later),
        cmocka_unit_test(remote__marks_what_is_gone_and_begins_it_anew),
        cmocka_unit_test(remote__cuts_pieces),
        cmocka_unit_test(remote__tells_what_it_cannot_remember),
        cmocka_unit_test(remote__goes_on_after_a_failure),
        cmocka_unit_test(remote__has_labels_in_order),
        cmocka_unit_test(remote__has_exemplars_of_a_series_by_time),
        cmocka_unit_test(remote__has_a_zero_before_what_began_anew_between_looks),
        cmocka_unit_test(remote__times_rise_after_a_failure),
        cmocka_unit_test(remote__survives_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
