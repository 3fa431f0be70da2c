/* spanmap_feed_test.c: what becomes of requests and files. */
#include "library/spanmap_priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/library_fixture.h"

static const char json[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
    "\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\",\"kind\":2,"
    "\"name\":\"buy\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}]}]}]}";

static void spanmap_feed__takes_protobuf_and_json(void **state)
{
    struct spanmap_fed fed = SPANMAP_INIT(struct spanmap_fed);

    (void)state;
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, NULL);

        library_feed_call(map, 1, LIBRARY_START);
        assert_int_equal(spanmap_feed(map, SPANMAP_JSON, json, strlen(json), 0, NULL, &fed), 0);
        assert_int_equal(fed.spans, 1);
        assert_int_equal(fed.rejected, 0);
        assert_int_equal(spanmap_feed(map, SPANMAP_PROTOBUF, NULL, 0, 0, NULL, &fed), 0);
        assert_int_equal(fed.spans, 0);
        assert_int_equal(library_count(map, "received"), 3);
        spanmap_close(map);
    }
}

static void spanmap_feed__tells_rejected_spans(void **state)
{
    struct trace_build_span spans[] = {{0, 1, 0, SPAN_KIND_SERVER, "no trace", 1, 2},
                                       {1, 1, 0, SPAN_KIND_SERVER, "right", 1, 2}};
    struct spanmap *map = library_open(SPANMAP_CLOCK_OWN, NULL);
    struct spanmap_fed fed = SPANMAP_INIT(struct spanmap_fed);
    struct buf request;

    (void)state;
    buf_init(&request, 0);
    trace_build_request(&request, "shop", spans, 2);
    assert_int_equal(spanmap_feed(map, SPANMAP_PROTOBUF, request.data, request.size, 0, NULL, &fed),
                     0);
    assert_int_equal(fed.spans, 1);
    assert_int_equal(fed.rejected, 1);
    assert_int_equal(library_count(map, "rejected"), 1);
    assert_int_equal(library_count(map, "received"), 2);
    buf_release(&request);
    spanmap_close(map);
}

static void spanmap_feed__refuses_what_is_no_request(void **state)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);

    (void)state;
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, "receiver: {message_bytes_max: 1KiB}");
        char large[1025] = "";

        assert_int_equal(spanmap_feed(map, SPANMAP_PROTOBUF, "\x0a\x05\x01", 3, 0, &error, NULL),
                         SPANMAP_TRUNCATED);
        assert_non_null(strstr(error.text, "not an ExportTraceServiceRequest: "));
        assert_non_null(strstr(error.text, " at byte "));
        assert_int_equal(spanmap_feed(map, SPANMAP_JSON, "{", 1, 0, &error, NULL), SPANMAP_INVALID);
        assert_int_equal(error.is_retryable, 0);
        assert_int_equal(spanmap_feed(map, 2, "", 0, 0, &error, NULL), SPANMAP_RANGE);
        assert_int_equal(spanmap_feed(map, SPANMAP_PROTOBUF, large, sizeof(large), 0, &error, NULL),
                         SPANMAP_TOO_LARGE);
        assert_string_equal(error.text, "a request of 1025 bytes is larger than "
                                        "receiver.message_bytes_max, 1024 bytes");
        assert_int_equal(library_count(map, "received"), 0);
        spanmap_close(map);
    }
}

/* The shards' threads are stopped, so that nobody empties the rings. */
static void spanmap_feed__is_told_to_come_again_without_room(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_OWN, NULL);
    struct trace_build_span span = {1, 1, 0, SPAN_KIND_SERVER, "op", 1, 2};
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct buf request;
    int code = 0;

    (void)state;
    engine_stop(map->engine);
    buf_init(&request, 0);
    for (uint64_t i = 0; code == 0 && i < 1000000; i++) {
        span.trace++;
        buf_reset(&request);
        trace_build_request(&request, "shop", &span, 1);
        code = spanmap_feed(map, SPANMAP_PROTOBUF, request.data, request.size, 0, &error, NULL);
    }
    assert_int_equal(code, SPANMAP_BUSY);
    assert_int_equal(error.is_retryable, 1);
    assert_in_range(error.retry_delay_ns, LIBRARY_SECOND / 5, LIBRARY_SECOND);
    buf_release(&request);
    spanmap_close(map);
}

/* -------------------------------------------------------------------- clock */

static void spanmap_feed__judges_by_the_clock_that_is_given(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN,
                                       "pairing: {wait: 10s, parent_wait: 10s}");
    struct spanmap_moment moment = SPANMAP_INIT(struct spanmap_moment);
    struct spanmap_snapshot *snapshot;

    (void)state;
    library_feed_call(map, 1, LIBRARY_START);
    assert_int_equal(spanmap_advance(map, LIBRARY_START + 9 * LIBRARY_SECOND, NULL), 0);
    assert_int_equal(library_count(map, "waiting"), 2);
    assert_int_equal(spanmap_advance(map, LIBRARY_START + 20 * LIBRARY_SECOND, NULL), 0);
    assert_int_equal(spanmap_advance(map, LIBRARY_START, NULL), 0); /* Does not go back. */
    snapshot = library_take(map);
    assert_int_equal(library_account(snapshot, "paired"), 2);
    spanmap_get_moment(snapshot, &moment);
    assert_int_equal(moment.start_unix_nano, LIBRARY_START);
    assert_int_equal(moment.end_unix_nano, LIBRARY_START + 20 * LIBRARY_SECOND);
    assert_int_equal(moment.first_span_unix_nano, LIBRARY_START);
    assert_int_equal(moment.last_span_unix_nano, LIBRARY_START + LIBRARY_SECOND);
    spanmap_release(snapshot);
    spanmap_close(map);
}

/* The same calls, the same bytes. */
static void spanmap_feed__depends_on_nothing_but_its_calls(void **state)
{
    static const char *const formats[] = {"json", "dot", "text", "mermaid", "otlp"};
    char *first[sizeof(formats) / sizeof(formats[0])];

    (void)state;
    for (size_t round = 0; round < 2; round++) {
        struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN, NULL);

        for (uint64_t trace = 1; trace <= 30; trace++)
            library_feed_call(map, trace, LIBRARY_START + trace * LIBRARY_SECOND);
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
            char *text = library_render(map, formats[i], NULL);

            if (round == 0) {
                first[i] = text;
                continue;
            }
            assert_string_equal(text, first[i]);
            spanmap_free(text);
            spanmap_free(first[i]);
        }
        spanmap_close(map);
    }
}

/* -------------------------------------------------------------------- files */

static void write_file(const char *text, size_t size, char out_path[64])
{
    int fd;

    snprintf(out_path, 64, "/tmp/spanmap-feed-XXXXXX");
    fd = mkstemp(out_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static void spanmap_feed__reads_files(void **state)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap_fed fed = SPANMAP_INIT(struct spanmap_fed);
    char twice[2 * sizeof(json) + 16];
    char path[64];

    (void)state;
    snprintf(twice, sizeof(twice), "%s\n%s\n{]\n", json, json);
    write_file(twice, strlen(twice), path);
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, NULL);

        /* What came before the fault stays. */
        assert_int_equal(spanmap_feed_file(map, path, 0, &error, &fed), SPANMAP_INVALID);
        assert_non_null(strstr(error.text, path));
        assert_non_null(strstr(error.text, "line 3"));
        assert_int_equal(fed.spans, 2);
        assert_int_equal(library_count(map, "received"), 2);
        assert_int_equal(spanmap_feed_file(map, "/nowhere/at/all", 0, &error, &fed),
                         SPANMAP_SYSTEM);
        assert_int_equal(spanmap_feed_file(map, "-", 0, &error, &fed), SPANMAP_SYSTEM);
        assert_int_equal(fed.spans, 0);
        assert_int_equal(spanmap_drain(map, NULL), 0);
        assert_int_equal(spanmap_feed_file(map, path, 0, &error, &fed), SPANMAP_CLOSED);
        spanmap_close(map);
    }
    unlink(path);
}

/* More spans than all rings hold, out of one file. */
static void spanmap_feed__waits_for_room_for_a_file(void **state)
{
    enum { REQUESTS = 40, SPANS = 2000 };
    struct trace_build_span *spans = mem_calloc(SPANS, sizeof(*spans));
    struct spanmap *map = library_open(SPANMAP_CLOCK_OWN, NULL);
    struct spanmap_fed fed = SPANMAP_INIT(struct spanmap_fed);
    struct buf file;
    char path[64];

    (void)state;
    assert_non_null(spans);
    buf_init(&file, 0);
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct buf request;
        unsigned char size[4];

        buf_init(&request, 0);
        for (uint64_t j = 0; j < SPANS; j++)
            spans[j] = (struct trace_build_span){
                1 + i * SPANS + j, 1, 0, SPAN_KIND_SERVER, "op", LIBRARY_START, LIBRARY_START + 1};
        trace_build_request(&request, "shop", spans, SPANS);
        for (size_t j = 0; j < 4; j++)
            size[j] = (unsigned char)(request.size >> (24 - 8 * j));
        assert_int_equal(buf_append(&file, size, 4), 0);
        assert_int_equal(buf_append_view(&file, buf_view(&request)), 0);
        buf_release(&request);
    }
    write_file(file.data, file.size, path);
    assert_true(REQUESTS * SPANS > engine_budget(map->engine)->shards *
                                       engine_budget(map->engine)->threads *
                                       engine_budget(map->engine)->ring_spans);
    assert_int_equal(spanmap_feed_file(map, path, 0, NULL, &fed), 0);
    assert_int_equal(fed.spans, REQUESTS * SPANS);
    assert_int_equal(library_count(map, "received"), REQUESTS * SPANS);
    unlink(path);
    buf_release(&file);
    mem_free(spans);
    spanmap_close(map);
}

static int has(const uint32_t *filter, const char *key)
{
    return spanmap_filter_has(filter, key, strlen(key));
}

static void spanmap_get_filter__has_what_is_read(void **state)
{
    static const char *const read[] = {"http.route", "messaging.of_any_kind", "rpc.x", ""};
    struct spanmap *plain = library_open(SPANMAP_CLOCK_GIVEN, NULL);
    struct spanmap *more = library_open(SPANMAP_CLOCK_GIVEN,
                                        "metrics: {dimensions: [zone.of.mine]}");

    (void)state;
    for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
        assert_int_equal(has(spanmap_get_filter(plain), read[i]), 1);
        assert_int_equal(has(spanmap_get_filter(more), read[i]), 1);
    }
    assert_int_equal(has(spanmap_get_filter(plain), "user_agent.original"), 0);
    assert_int_equal(has(spanmap_get_filter(plain), "zone.of.mine"), 0);
    assert_int_equal(has(spanmap_get_filter(more), "zone.of.mine"), 1);
    spanmap_close(plain);
    spanmap_close(more);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spanmap_feed__takes_protobuf_and_json),
        cmocka_unit_test(spanmap_feed__tells_rejected_spans),
        cmocka_unit_test(spanmap_feed__refuses_what_is_no_request),
        cmocka_unit_test(spanmap_feed__is_told_to_come_again_without_room),
        cmocka_unit_test(spanmap_feed__judges_by_the_clock_that_is_given),
        cmocka_unit_test(spanmap_feed__depends_on_nothing_but_its_calls),
        cmocka_unit_test(spanmap_feed__reads_files),
        cmocka_unit_test(spanmap_feed__waits_for_room_for_a_file),
        cmocka_unit_test(spanmap_get_filter__has_what_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
