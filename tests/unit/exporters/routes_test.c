/* routes_test.c: what stands behind each path, and what a wrong question is answered. */
#include "exporters/routes.h"

#include <pthread.h>
#include <zlib.h>

#include "exporters/web_assets.h"
#include "net/http_unpack.h"
#include "tests/lib/exporter_fixture.h"
#include "topology/snapshot_priv.h"

/* A snapshot that can be retained and released, and is never the last reference's. */
enum { REFERENCES = 1000 };

struct door {
    struct snapshot_build build;
    struct snapshot_box box;
    struct routes *routes;
    bool ready;
    bool no_memory;
};

static struct snapshot *give_snapshot(void *context)
{
    struct door *door = context;

    return door->no_memory ? NULL : snapshot_retain(&door->box.snapshot);
}

static bool give_ready(void *context)
{
    return ((struct door *)context)->ready;
}

static int give_config(void *context, struct buf *out)
{
    (void)context;
    return buf_append_text(out, "listen:\n  web: localhost:9464\n");
}

static int give_cardinality(void *context, struct buf *out)
{
    (void)context;
    return buf_append_text(out, "{\"services\": 3}\n");
}

static int give_budgets(void *context, struct buf *out)
{
    (void)context;
    return buf_append_text(out, "{\"budgets\": []}\n");
}

static int give_lateness(void *context, struct buf *out)
{
    (void)context;
    return buf_append_text(out, "{\"lateness\": []}\n");
}

/* What the routes ask of `door`. */
static struct routes_source source_of(struct door *door)
{
    return (struct routes_source){.context = door,
                                  .snapshot = give_snapshot,
                                  .is_ready = give_ready,
                                  .config = give_config,
                                  .cardinality = give_cardinality,
                                  .budgets = give_budgets,
                                  .lateness = give_lateness};
}

static int door_open(struct door *door, void (*sample)(struct snapshot_build *build))
{
    struct routes_options options = {
        .source = source_of(door),
        .defaults = {.draw_helper = VIEW("/bin/cat")},
    };

    *door = (struct door){.ready = true};
    snapshot_build_init(&door->build);
    if (sample != NULL)
        sample(&door->build);
    door->box.snapshot = *snapshot_build_finish(&door->build);
    atomic_store(&door->box.references, REFERENCES);
    return routes_new(&options, &door->routes);
}

static void door_close(struct door *door)
{
    assert_int_equal(atomic_load(&door->box.references), REFERENCES); /* All came back. */
    routes_free(door->routes);
    snapshot_build_release(&door->build);
}

static void reply_release(struct http_reply *reply)
{
    buf_release(&reply->headers);
    buf_release(&reply->body);
    *reply = (struct http_reply){0};
}

static void ask(struct door *door, const struct http_request *request, struct http_reply *reply)
{
    *reply = (struct http_reply){0};
    routes_handle(door->routes, request, reply);
    assert_int_equal(reply->headers.failed, 0);
    assert_int_equal(reply->body.failed, 0);
    assert_int_equal(buf_append_byte(&reply->headers, '\0'), 0);
    reply->body.size_max = 0;
    assert_int_equal(buf_append_byte(&reply->body, '\0'), 0);
    reply->body.size--;
}

/* Asks for a path and a query; all `parts` must be in the body, which NULL ends. */
static void check(struct door *door, const char *path, const char *query, unsigned status,
                  const char *type, const char *part)
{
    struct http_request request = {.path = view_of(path), .query = view_of(query)};
    struct http_reply reply;

    ask(door, &request, &reply);
    if (reply.status != status)
        fail_msg("%s?%s: %u, not %u: %s", path, query, reply.status, status, reply.body.data);
    assert_string_equal(reply.content_type, type);
    assert_has(reply.body.data, part);
    reply_release(&reply);
}

#define PLAIN "text/plain; charset=utf-8"

static void routes__answer_each_path(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    check(&door, "/metrics", "", 200, "text/plain; version=0.0.4; charset=utf-8",
          "traces_service_graph_request_total{client=\"checkout\"");
    check(&door, "/map.dot", "", 200, "text/vnd.graphviz; charset=utf-8", "digraph spanmap {");
    check(&door, "/api/v1/map", "", 200, "application/json", "{\"spanmap\": \"");
    check(&door, "/api/v1/services", "", 200, "application/json",
          "[\n  {\"id\": \"database//orders");
    check(&door, "/api/v1/edges", "", 200, "application/json", "[\n  {\"client\": \"messaging//");
    check(&door, "/api/v1/operations", "node=service%2F%2Fcheckout", 200, "application/json",
          "{\"node\": \"service//checkout\",\n \"operations\": [");
    check(&door, "/api/v1/settings", "", 200, "application/json",
          "\"windows_seconds\": 0, \"trace_url\": \"\",\n \"paths\": [\"/metrics\", ");
    check(&door, "/api/v1/settings", "", 200, "application/json", "\"parameters\": [\"focus\", ");
    check(&door, "/healthz", "", 200, PLAIN, "ok\n");
    check(&door, "/readyz", "", 200, PLAIN, "ready\n");
    check(&door, "/debug/config", "", 200, PLAIN, "web: localhost:9464\n");
    check(&door, "/debug/cardinality", "", 200, "application/json", "\"services\": 3");
    check(&door, "/debug/unpaired", "", 200, "application/json", "\"reasons\": {");
    check(&door, "/", "", 200, "text/html; charset=utf-8", "<html");
    door.ready = false;
    check(&door, "/readyz", "", 503, PLAIN, "not ready");
    check(&door, "/healthz", "", 200, PLAIN, "ok\n");
    door_close(&door);
}

static void routes__tell_what_there_is(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, NULL), 0);
    check(&door, "/nothing", "", 404, PLAIN, "\n  /api/v1/edges ");
    check(&door, "/map.svg/", "", 404, PLAIN, "/map.svg ");
    check(&door, "", "", 404, PLAIN, "/metrics ");
    door_close(&door);
}

static void routes__understand_the_words_of_map(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    check(&door, "/api/v1/map", "format=text&focus=worker", 200, PLAIN, "3 nodes, 2 edges");
    check(&door, "/api/v1/map", "format=text&focus=service%2F%2Fworker&depth=2", 200, PLAIN,
          "4 nodes, 3 edges");
    check(&door, "/api/v1/map", "format=text&self-edges=true", 200, PLAIN, "10 nodes, 11 edges");
    check(&door, "/api/v1/map", "format=text&self-edges", 200, PLAIN, "10 nodes, 11 edges");
    check(&door, "/api/v1/map", "format=text&self-edges=1", 200, PLAIN, "10 nodes, 11 edges");
    check(&door, "/api/v1/map", "format=text&self-edges=0", 200, PLAIN, "10 nodes, 10 edges");
    check(&door, "/api/v1/map", "format=text&self-edges=false&unheard-of=5m", 200, PLAIN,
          "10 nodes, 10 edges");
    check(&door, "/api/v1/map", "format=mermaid", 200, PLAIN, "flowchart LR");
    check(&door, "/api/v1/services", "focus=mailer&format=text", 200, "application/json",
          "\"service//mailer\"");
    check(&door, "/map.dot", "focus=mailer", 200, "text/vnd.graphviz; charset=utf-8",
          "2 nodes, 1 edges");
    check(&door, "/api/v1/map", "focus=nobody", 404, PLAIN, "'nobody'");
    check(&door, "/api/v1/map", "depth=0", 400, PLAIN, "'depth' is a number from 1 to 1000");
    check(&door, "/api/v1/map", "depth=1001", 400, PLAIN, "'depth'");
    check(&door, "/api/v1/map", "depth=-1", 400, PLAIN, "'depth'");
    check(&door, "/api/v1/map", "depth=x", 400, PLAIN, "'depth'");
    check(&door, "/api/v1/map", "self-edges=maybe", 400, PLAIN, "'self-edges' is");
    check(&door, "/api/v1/map", "format=prometheus", 400, PLAIN,
          "'format' is one of svg png pdf dot json mermaid text\n");
    check(&door, "/api/v1/map", "focus=%zz", 400, PLAIN, "'focus'");
    check(&door, "/api/v1/operations", "", 400, PLAIN, "'node' is the id");
    check(&door, "/api/v1/operations", "node=%zz", 400, PLAIN, "'node'");
    check(&door, "/api/v1/operations", "node=service//nobody", 404, PLAIN, "'service//nobody'");
    door_close(&door);
}

static void check_scrape(struct door *door, const char *accept, bool is_head, const char *part)
{
    struct http_request request = {
        .path = VIEW("/metrics"), .accept = view_of(accept), .is_head = is_head};
    struct http_reply reply;

    ask(door, &request, &reply);
    assert_int_equal(reply.status, 200);
    assert_has(reply.body.data, part);
    reply_release(&reply);
}

static void routes__show_a_new_series_at_zero_once(void **state)
{
    struct door door;
    struct snapshot_edge *edge;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    edge = &door.build.edges[0];
    edge->life.born = 7;
    door.box.snapshot.number = 8;
    check_scrape(&door, "application/openmetrics-text", false, "server=\"worker\"} 1090\n");
    check_scrape(&door, "text/plain", true, "server=\"worker\"} 0\n");
    check_scrape(&door, "text/plain", false, "server=\"worker\"} 0\n");
    check_scrape(&door, "text/plain", false, "server=\"worker\"} 1090\n");
    edge->life.born = 9;
    door.box.snapshot.number = 9;
    check_scrape(&door, "text/plain", false, "server=\"worker\"} 0\n");
    check_scrape(&door, "text/plain", false, "server=\"worker\"} 1090\n");
    door_close(&door);
}

static void check_type(struct door *door, const char *accept, const char *type)
{
    struct http_request request = {.path = VIEW("/metrics"), .accept = view_of(accept)};
    struct http_reply reply;

    ask(door, &request, &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, type);
    assert_has(reply.headers.data, "Vary: Accept\r\n");
    if (strstr(type, "openmetrics") != NULL)
        assert_has(reply.body.data, "# EOF\n");
    else
        assert_lacks(reply.body.data, "# EOF\n");
    reply_release(&reply);
}

static void routes__negotiate_metrics(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    check_type(&door, "", "text/plain; version=0.0.4; charset=utf-8");
    check_type(&door, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
               "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
    door_close(&door);
}

static void routes__compress_where_it_is_liked(void **state)
{
    struct door door;
    struct http_request request = {.path = VIEW("/metrics"), .accept_encoding = VIEW("gzip")};
    struct http_reply reply;
    static unsigned char plain[1 << 20];
    z_stream stream = {.next_out = plain, .avail_out = sizeof(plain)};

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    ask(&door, &request, &reply);
    assert_string_equal(reply.encoding, "gzip");
    assert_has(reply.headers.data, "Vary: Accept-Encoding\r\n");
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    stream.next_in = (unsigned char *)reply.body.data;
    stream.avail_in = (unsigned)reply.body.size;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_has((const char *)plain, "\nspanmap_build_info{version=");
    assert_int_equal(inflateEnd(&stream), Z_OK);
    reply_release(&reply);
    request.path = VIEW("/healthz"); /* Too small to be worth it. */
    ask(&door, &request, &reply);
    assert_null(reply.encoding);
    reply_release(&reply);
    door_close(&door);
}

/* What is written in pieces is what is written at once, whoever reads it. */
static void check_packed(const char *accept)
{
    static const _Atomic size_t little = 3999;
    struct door whole, packed;
    struct routes_options options;
    struct http_request request = {.path = VIEW("/metrics"), .accept = view_of(accept)};
    struct http_reply plain, reply;

    assert_int_equal(door_open(&whole, snapshot_sample_shop), 0);
    assert_int_equal(door_open(&packed, snapshot_sample_shop), 0);
    options = (struct routes_options){.source = source_of(&packed), .pack_bytes = 1000};
    routes_free(packed.routes);
    assert_int_equal(routes_new(&options, &packed.routes), 0);
    ask(&whole, &request, &plain);
    assert_int_equal(plain.unpacked_bytes, 0);
    assert_true(plain.body.size > 4000);
    request.answers_room = &little;
    routes_handle(packed.routes, &request, memset(&reply, 0, sizeof(reply)));
    assert_null(reply.encoding);
    assert_int_equal(reply.unpacked_bytes, plain.body.size);
    assert_true(reply.body.size < plain.body.size);
    assert_int_equal(http_unpack_all(&reply.body, reply.unpacked_bytes), 0);
    assert_memory_equal(reply.body.data, plain.body.data, plain.body.size);
    reply_release(&reply);
    request.accept_encoding = VIEW("gzip");
    routes_handle(packed.routes, &request, memset(&reply, 0, sizeof(reply)));
    assert_string_equal(reply.encoding, "gzip");
    assert_int_equal(reply.unpacked_bytes, 0);
    assert_int_equal(http_unpack_all(&reply.body, plain.body.size), 0);
    assert_memory_equal(reply.body.data, plain.body.data, plain.body.size);
    reply_release(&reply);
    reply_release(&plain);
    door_close(&packed);
    door_close(&whole);
}

static void routes__pack_long_metrics_while_they_write_them(void **state)
{
    (void)state;
    check_packed("");
    check_packed("application/openmetrics-text;version=1.0.0");
}

static void check_plain(size_t answers_room, const char *encoding, bool is_packed)
{
    const _Atomic size_t room = answers_room;
    struct door door;
    struct routes_options options;
    struct http_request request = {.path = VIEW("/metrics"),
                                   .accept_encoding = view_of(encoding),
                                   .answers_room = answers_room != 0 ? &room : NULL};
    struct http_reply reply = {0};

    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    options = (struct routes_options){.source = source_of(&door), .pack_bytes = 1000};
    routes_free(door.routes);
    assert_int_equal(routes_new(&options, &door.routes), 0);
    routes_handle(door.routes, &request, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.unpacked_bytes != 0, is_packed);
    assert_int_equal(reply.encoding != NULL, encoding[0] != '\0');
    assert_int_equal(reply.body.capacity,
                     reply.body.size); /* What waits is no larger than it is. */
    reply_release(&reply);
    door_close(&door);
}

static void routes__leave_metrics_plain_where_there_is_room(void **state)
{
    (void)state;
    check_plain(0, "", false); /* Nobody counts. */
    check_plain(10 << 20, "", false);
    check_plain(10000, "", true);
    check_plain(10 << 20, "gzip", false);
    check_plain(10000, "gzip", false);
}

static void routes__bound_packed_metrics(void **state)
{
    struct door door;
    struct routes_options options;
    struct http_request request = {.path = VIEW("/metrics")};
    struct http_reply reply;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    options = (struct routes_options){
        .source = source_of(&door), .pack_bytes = 256, .body_bytes_max = 2000};
    routes_free(door.routes);
    assert_int_equal(routes_new(&options, &door.routes), 0);
    ask(&door, &request, &reply);
    assert_int_equal(reply.status, 500);
    assert_int_equal(reply.unpacked_bytes, 0);
    assert_has(reply.body.data, "the metrics are not written");
    reply_release(&reply);
    door_close(&door);
}

/* The value behind "ETag: " in a reply's headers. */
static void copy_etag(const struct http_reply *reply, char etag[64])
{
    const char *begin = strstr(reply->headers.data, "ETag: ");
    const char *end;

    assert_non_null(begin);
    begin += 6;
    end = strstr(begin, "\r\n");
    assert_true(end != NULL && end - begin < 64);
    memcpy(etag, begin, (size_t)(end - begin));
    etag[end - begin] = '\0';
}

static void check_known(struct door *door, const char *path)
{
    struct http_request request = {.path = view_of(path)};
    struct http_reply reply;
    char etag[64];

    ask(door, &request, &reply);
    assert_int_equal(reply.status, 200);
    assert_has(reply.headers.data, "Content-Security-Policy: default-src 'none'");
    copy_etag(&reply, etag);
    reply_release(&reply);
    request.if_none_match = view_of(etag);
    ask(door, &request, &reply);
    assert_int_equal(reply.status, 304);
    assert_int_equal(reply.body.size, 0);
    assert_has(reply.headers.data, etag);
    reply_release(&reply);
    request.if_none_match = VIEW("\"other\", W/\"0123\"");
    ask(door, &request, &reply);
    assert_int_equal(reply.status, 200);
    reply_release(&reply);
}

static void routes__say_what_the_client_has_already(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    for (size_t i = 0; web_assets[i].path != NULL; i++)
        check_known(&door, web_assets[i].path);
    door_close(&door);
}

/* `cat` takes the arguments for files that are not there: a helper that fails. */
static void routes__draw_with_the_helper(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    check(&door, "/map.svg", "", 500, PLAIN, "the drawing helper failed (code 1): ");
    door_close(&door);
}

static void routes__without_a_helper_miss_pictures_only(void **state)
{
    struct door door;
    struct routes_options options;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    routes_free(door.routes);
    options = (struct routes_options){
        .source = source_of(&door),
        .defaults = {.draw_helper = VIEW("/nowhere/spanmap-draw")},
    };
    assert_int_equal(routes_new(&options, &door.routes), 0);
    check(&door, "/map.svg", "", 503, PLAIN,
          "pictures need the drawing helper, which is not at '/nowhere/spanmap-draw'");
    check(&door, "/map.dot", "", 200, "text/vnd.graphviz; charset=utf-8", "digraph");
    check(&door, "/metrics", "", 200, "text/plain; version=0.0.4; charset=utf-8", "traces_");
    door_close(&door);
}

static void routes__without_memory_say_so(void **state)
{
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, NULL), 0);
    door.no_memory = true;
    check(&door, "/metrics", "", 503, PLAIN, "there is no memory");
    check(&door, "/api/v1/map", "", 503, PLAIN, "there is no memory");
    check(&door, "/map.svg", "", 503, PLAIN, "there is no memory");
    door_close(&door);
}

static void *ask_often(void *context)
{
    static const char *const paths[] = {"/metrics", "/api/v1/map", "/", "/healthz", "/map.dot"};

    for (int i = 0; i < 50; i++) {
        struct http_request request = {.path = view_of(paths[i % 5])};
        struct http_reply reply = {0};
        routes_handle(((struct door *)context)->routes, &request, &reply);
        assert_true(reply.status == 200 || reply.status == 503);
        reply_release(&reply);
    }
    return NULL;
}

static void routes__serve_many_at_once(void **state)
{
    struct door door;
    pthread_t threads[6];

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &door), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    door_close(&door);
}

struct sweep {
    struct door *door;
    struct http_request request;
};

static int step(void *context)
{
    struct sweep *sweep = context;
    struct http_reply reply = {0};
    bool failed;

    routes_handle(sweep->door->routes, &sweep->request, &reply);
    failed = reply.headers.failed != 0 || reply.body.failed != 0 || reply.status == 503;
    if (!failed)
        assert_int_equal(reply.status, 200);
    reply_release(&reply);
    return failed ? STATUS_NOMEM : 0;
}

static int step_new(void *context)
{
    struct door *door = context;
    struct routes *routes;
    struct routes_options options = {.source = source_of(door)};
    int status = routes_new(&options, &routes);

    if (status == 0)
        routes_free(routes);
    return status;
}

static void routes__survive_failing_memory(void **state)
{
    static const char *const paths[] = {"/metrics",      "/api/v1/map",      "/",
                                        "/healthz",      "/map.dot",         "/debug/config",
                                        "/api/v1/edges", "/api/v1/settings", "/api/v1/operations"};
    struct door door;

    (void)state;
    assert_int_equal(door_open(&door, snapshot_sample_shop), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct sweep sweep = {&door,
                              {.path = view_of(paths[i]),
                               .query = VIEW("focus=worker&depth=2&node=service//worker")}};
        test_sweep_memory(step, &sweep);
    }
    routes_free(door.routes);
    assert_int_equal(
        routes_new(&(struct routes_options){.source = source_of(&door), .pack_bytes = 500},
                   &door.routes),
        0);
    test_sweep_memory(step, &(struct sweep){&door, {.path = VIEW("/metrics")}});
    test_sweep_memory(step_new, &door);
    door_close(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes__answer_each_path),
        cmocka_unit_test(routes__tell_what_there_is),
        cmocka_unit_test(routes__understand_the_words_of_map),
        cmocka_unit_test(routes__negotiate_metrics),
        cmocka_unit_test(routes__show_a_new_series_at_zero_once),
        cmocka_unit_test(routes__compress_where_it_is_liked),
        cmocka_unit_test(routes__pack_long_metrics_while_they_write_them),
        cmocka_unit_test(routes__leave_metrics_plain_where_there_is_room),
        cmocka_unit_test(routes__bound_packed_metrics),
        cmocka_unit_test(routes__say_what_the_client_has_already),
        cmocka_unit_test(routes__draw_with_the_helper),
        cmocka_unit_test(routes__without_a_helper_miss_pictures_only),
        cmocka_unit_test(routes__without_memory_say_so),
        cmocka_unit_test(routes__serve_many_at_once),
        cmocka_unit_test(routes__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
