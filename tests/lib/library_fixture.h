/* library_fixture.h: a handle of the library with little memory, and calls to feed it.
 * Is:         for tests/unit/library alone; what fails ends the test.
 */
#ifndef SPANMAP_TESTS_LIB_LIBRARY_FIXTURE_H
#define SPANMAP_TESTS_LIB_LIBRARY_FIXTURE_H

#include <stdio.h>

#include "base/buf.h"
#include "include/spanmap.h"
#include "tests/lib/test.h"
#include "tests/lib/trace_build.h"
#include "topology/span.h"

#define LIBRARY_START UINT64_C(1700000000000000000)
#define LIBRARY_SECOND UINT64_C(1000000000)

/* Options of a small handle; `extra` is YAML, or NULL. */
static inline struct spanmap_options library_options(int clock, const char *extra)
{
    static const struct spanmap_setting settings[] = {
        {"memory.limit", "48MiB"}, {"receiver.threads", "2"}, {"topology.shards", "2"}};
    struct spanmap_options options = SPANMAP_INIT(struct spanmap_options);

    options.yaml = extra;
    options.settings = settings;
    options.settings_count = 3;
    options.clock = clock;
    options.start_unix_nano = LIBRARY_START;
    return options;
}

static inline struct spanmap *library_open(int clock, const char *extra)
{
    struct spanmap_options options = library_options(clock, extra);
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap *map;

    if (spanmap_open(&options, &error, &map) != 0)
        fail_msg("%s", error.text);
    return map;
}

/* One request with one span of `service`. */
static inline int library_feed_span(struct spanmap *map, const char *service,
                                    struct trace_build_span span, uint64_t now)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct buf request;
    int code;

    buf_init(&request, 0);
    trace_build_request(&request, service, &span, 1);
    code = spanmap_feed(map, SPANMAP_PROTOBUF, request.data, request.size, now, &error, NULL);
    assert_int_equal(code, code == 0 ? 0 : error.code);
    buf_release(&request);
    return code;
}

/* `front` calls `back`, half a second long; two requests. */
static inline void library_feed_call(struct spanmap *map, uint64_t trace, uint64_t now)
{
    struct trace_build_span client = {
        trace, 1, 0, SPAN_KIND_CLIENT, "call", LIBRARY_START, LIBRARY_START + LIBRARY_SECOND};
    struct trace_build_span server = {
        trace, 2, 1, SPAN_KIND_SERVER, "serve", LIBRARY_START, LIBRARY_START + LIBRARY_SECOND / 2};

    assert_int_equal(library_feed_span(map, "front", client, now), 0);
    assert_int_equal(library_feed_span(map, "back", server, now), 0);
}

static inline struct spanmap_snapshot *library_take(struct spanmap *map)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap_snapshot *snapshot;

    if (spanmap_take(map, &error, &snapshot) != 0)
        fail_msg("%s", error.text);
    return snapshot;
}

/* The sum of a row's spans over all its reasons. */
static inline uint64_t library_account(const struct spanmap_snapshot *snapshot, const char *name)
{
    struct spanmap_account account = SPANMAP_INIT(struct spanmap_account);
    uint64_t spans = 0;

    for (size_t i = 0; spanmap_get_account(snapshot, i, &account) == 0; i++)
        if (strcmp(account.name, name) == 0)
            spans += account.spans;
    return spans;
}

static inline uint64_t library_count(struct spanmap *map, const char *name)
{
    struct spanmap_snapshot *snapshot = library_take(map);
    uint64_t spans = library_account(snapshot, name);

    spanmap_release(snapshot);
    return spans;
}

/* Zero-terminated; freed by the caller. */
static inline char *library_render(struct spanmap *map, const char *format, const char *query)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap_snapshot *snapshot = library_take(map);
    char *data;
    size_t size;

    if (spanmap_render(snapshot, format, query, &error, &data, &size) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(data[size], '\0');
    spanmap_release(snapshot);
    return data;
}

#endif
