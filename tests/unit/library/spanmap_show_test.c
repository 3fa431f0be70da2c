/* spanmap_show_test.c: every format, every path of the web door, every statistic. */
#include "library/spanmap_priv.h"

#include <stdlib.h>

#include "base/counters.h"
#include "exporters/exporter.h"
#include "tests/lib/library_fixture.h"

static struct spanmap *open_with_a_call(const char *extra)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN, extra);

    library_feed_call(map, 1, LIBRARY_START);
    assert_int_equal(spanmap_advance(map, LIBRARY_START + 60 * LIBRARY_SECOND, NULL), 0);
    return map;
}

/* ------------------------------------------------------------------- render */

static void spanmap_show__renders_every_format(void **state)
{
    struct spanmap *map = open_with_a_call("draw: {helper: /nowhere/spanmap-draw}");
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap_snapshot *snapshot = library_take(map);

    (void)state;
    for (size_t i = 0; exporters[i] != NULL; i++) {
        char *data = NULL;
        size_t size = 0;
        int code = spanmap_render(snapshot, exporters[i]->name, NULL, &error, &data, &size);

        if (code == SPANMAP_UNSUPPORTED) { /* What is drawn, by a helper that is not there. */
            assert_non_null(strstr(error.text, "/nowhere/spanmap-draw"));
            continue;
        }
        assert_int_equal(code, 0);
        assert_true(size > 0 && data[size] == '\0');
        assert_non_null(memmem(data, size, "back", 4));
        spanmap_free(data);
    }
    spanmap_release(snapshot);
    spanmap_close(map);
}

static void spanmap_show__narrows_by_a_query(void **state)
{
    struct spanmap *map = open_with_a_call(NULL);
    char *text;

    (void)state;
    library_feed_span(map, "alone",
                      (struct trace_build_span){9, 1, 0, SPAN_KIND_SERVER, "op", LIBRARY_START,
                                                LIBRARY_START + 1},
                      LIBRARY_START);
    text = library_render(map, "json", "focus=service%2F%2Fback&depth=1");
    assert_non_null(strstr(text, "service//front"));
    assert_null(strstr(text, "service//alone"));
    spanmap_free(text);
    text = library_render(map, "json", "");
    assert_non_null(strstr(text, "service//alone"));
    spanmap_free(text);
    spanmap_close(map);
}

static void spanmap_show__says_why_it_does_not_render(void **state)
{
    struct spanmap *map = open_with_a_call(NULL);
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap_snapshot *snapshot = library_take(map);
    char *data;
    size_t size;

    (void)state;
    assert_int_equal(spanmap_render(snapshot, "gif", NULL, &error, &data, &size),
                     SPANMAP_NOT_FOUND);
    assert_non_null(strstr(error.text, "there is no format 'gif'; there are svg, "));
    assert_int_equal(spanmap_render(snapshot, NULL, NULL, &error, &data, &size), SPANMAP_NOT_FOUND);
    assert_int_equal(spanmap_render(snapshot, "json", "depth=x", &error, &data, &size),
                     SPANMAP_INVALID);
    assert_non_null(strstr(error.text, "'depth'"));
    assert_int_equal(spanmap_render(snapshot, "json", "window=5m", &error, &data, &size),
                     SPANMAP_UNSUPPORTED);
    assert_non_null(strstr(error.text, "spanmap_serve"));
    assert_int_equal(spanmap_render(snapshot, "json", "focus=nobody", &error, &data, &size),
                     SPANMAP_NOT_FOUND);
    assert_non_null(strstr(error.text, "nobody"));
    spanmap_release(snapshot);
    spanmap_close(map);
}

/* -------------------------------------------------------------------- serve */

static struct spanmap_reply get(struct spanmap *map, const char *path, const char *accept)
{
    struct spanmap_request request = SPANMAP_INIT(struct spanmap_request);
    struct spanmap_reply reply = SPANMAP_INIT(struct spanmap_reply);

    request.path = path;
    request.accept = accept;
    assert_int_equal(spanmap_serve(map, &request, NULL, &reply), 0);
    assert_int_equal(reply.body[reply.body_size], '\0');
    assert_non_null(reply.headers);
    return reply;
}

static void expect(struct spanmap *map, const char *path, int status, const char *type,
                   const char *part)
{
    struct spanmap_reply reply = get(map, path, NULL);

    assert_int_equal(reply.status, status);
    assert_int_equal(strncmp(reply.content_type, type, strlen(type)), 0);
    assert_non_null(strstr(reply.body, part));
    spanmap_reply_release(&reply);
    assert_null(reply.body);
}

static void spanmap_show__serves_the_web_door(void **state)
{
    struct spanmap *map = open_with_a_call(NULL);

    (void)state;
    expect(map, "/", 200, "text/html", "<html");
    expect(map, NULL, 200, "text/html", "<html");
    expect(map, "/metrics", 200, "text/plain; version=0.0.4", "traces_service_graph_request_total");
    expect(map, "/map.dot", 200, "text/vnd.graphviz", "digraph");
    expect(map, "/api/v1/map", 200, "application/json", "\"service//back\"");
    expect(map, "/api/v1/edges", 200, "application/json", "\"service//back\"");
    expect(map, "/debug/config", 200, "text/plain", "limit: 48MiB");
    expect(map, "/debug/budgets", 200, "application/json", "{");
    expect(map, "/debug/cardinality", 200, "application/json", "{");
    expect(map, "/debug/lateness", 200, "application/json", "{");
    expect(map, "/healthz", 200, "text/plain", "ok");
    expect(map, "/readyz", 200, "text/plain", "ready");
    expect(map, "/nothing", 404, "text/plain", "/api/v1/map");
    assert_int_equal(spanmap_drain(map, NULL), 0);
    expect(map, "/readyz", 503, "text/plain", "not ready");
    expect(map, "/api/v1/map", 200, "application/json", "\"service//back\"");
    spanmap_close(map);
}

static void spanmap_show__negotiates(void **state)
{
    struct spanmap *map = open_with_a_call(NULL);
    struct spanmap_request request = SPANMAP_INIT(struct spanmap_request);
    struct spanmap_reply reply = get(map, "/metrics", "application/openmetrics-text");

    (void)state;
    assert_int_equal(strncmp(reply.content_type, "application/openmetrics-text", 28), 0);
    assert_non_null(strstr(reply.body, "# EOF"));
    spanmap_reply_release(&reply);
    reply = (struct spanmap_reply)SPANMAP_INIT(struct spanmap_reply);
    request.path = "/";
    request.accept_encoding = "gzip";
    assert_int_equal(spanmap_serve(map, &request, NULL, &reply), 0);
    assert_string_equal(reply.encoding, "gzip");
    assert_memory_equal(reply.body, "\x1f\x8b", 2);
    assert_non_null(strstr(reply.headers, "Content-Security-Policy: "));
    {
        char etag[128] = "";
        const char *line = strstr(reply.headers, "ETag: ");

        assert_non_null(line);
        (void)snprintf(etag, sizeof(etag), "%.*s", (int)strcspn(line + 6, "\r"), line + 6);
        spanmap_reply_release(&reply);
        request.if_none_match = etag;
        assert_int_equal(spanmap_serve(map, &request, NULL, &reply), 0);
        assert_int_equal(reply.status, 304);
        assert_int_equal(reply.body_size, 0);
    }
    spanmap_reply_release(&reply);
    spanmap_close(map);
}

/* --------------------------------------------------------------- statistics */

static void spanmap_show__tells_its_statistics(void **state)
{
    struct spanmap *map = open_with_a_call(NULL);
    struct spanmap_statistic statistic = SPANMAP_INIT(struct spanmap_statistic);
    double admitted = -1;
    double limit = -1;
    size_t i;

    (void)state;
    for (i = 0; spanmap_get_statistic(map, i, &statistic) == 0; i++) {
        assert_int_equal(strncmp(statistic.name, "spanmap_", 8), 0);
        assert_non_null(statistic.help);
        if (strcmp(statistic.name, "spanmap_engine_spans_total") == 0 &&
            strcmp(statistic.label, "outcome=\"admitted\"") == 0)
            admitted = statistic.value;
        if (strcmp(statistic.name, "spanmap_memory_limit_bytes") == 0) {
            assert_int_equal(statistic.is_gauge, 1);
            limit = statistic.value;
        }
    }
    assert_int_equal(i, engine_counters(map->engine)->count);
    assert_true(admitted == 2);
    assert_true(limit == 48 << 20);
    spanmap_close(map);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spanmap_show__renders_every_format),
        cmocka_unit_test(spanmap_show__narrows_by_a_query),
        cmocka_unit_test(spanmap_show__says_why_it_does_not_render),
        cmocka_unit_test(spanmap_show__serves_the_web_door),
        cmocka_unit_test(spanmap_show__negotiates),
        cmocka_unit_test(spanmap_show__tells_its_statistics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
