/* routes.c: one row a path; each answers from one snapshot.
 *
 * What is drawn goes through the cache of drawings, what is scraped through a gate, so that neither
 * many nor large answers at once can take all memory or all of the server's threads.
 */
#include "exporters/routes.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "exporters/assets.h"
#include "exporters/debug.h"
#include "exporters/dot.h"
#include "exporters/drawings.h"
#include "exporters/examples.h"
#include "exporters/graphviz.h"
#include "exporters/history.h"
#include "exporters/json.h"
#include "exporters/map_graph.h"
#include "exporters/map_options.h"
#include "exporters/negotiate.h"
#include "exporters/operations.h"
#include "exporters/prometheus.h"
#include "exporters/reply.h"
#include "exporters/routes_gate.h"
#include "exporters/routes_query.h"
#include "version.h"

enum {
    BODY_BYTES_MAX = 1 << 29,
    PACK_BYTES = 1 << 20, /* Text of metrics gathers up to this before it is packed. */
    ROOM_PART = 4,        /* What an answer may leave plain, of the room of those that wait. */
};

/* Nothing from elsewhere, and nothing inline. */
#define PAGE_POLICY                                                                                \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "   \
    "'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"  \
    "Referrer-Policy: no-referrer\r\n"
/* A picture that is opened alone has its own style, and nothing else. */
#define PICTURE_POLICY "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"

struct routes {
    struct routes_options options;
    struct assets *assets;
    struct drawings *drawings;
    struct routes_gate gate; /* Answers that are as large as the map. */
    pthread_mutex_t lock;    /* Over the options' defaults. */
    atomic_bool drawing_is_over;
    _Atomic uint64_t shown_number; /* Of the newest snapshot that was scraped as text. */
};

struct route {
    const char *path;
    const char *doc;
    void (*answer)(struct routes *routes, const struct route *route,
                   const struct http_request *request, struct http_reply *reply);
    const struct exporter *exporter; /* What the path shows, unless the query says otherwise. */
    int (*render)(const struct export_input *input, char out_error[256], struct buf *out);
    size_t owned; /* Offset of what writes it, in struct routes_source. */
};

/* ------------------------------------------------------------------ defaults */

static struct export_options defaults_of(struct routes *routes)
{
    struct export_options defaults;

    CHECK(pthread_mutex_lock(&routes->lock) == 0);
    defaults = routes->options.defaults;
    CHECK(pthread_mutex_unlock(&routes->lock) == 0);
    defaults.draw_is_over = &routes->drawing_is_over;
    return defaults;
}

void routes_set_defaults(struct routes *routes, const struct export_options *defaults)
{
    CHECK(pthread_mutex_lock(&routes->lock) == 0);
    routes->options.defaults = *defaults;
    CHECK(pthread_mutex_unlock(&routes->lock) == 0);
}

/* ------------------------------------------------------------------- routes */

static struct export_input input_of(const struct routes *routes,
                                    const struct export_options *options)
{
    return (struct export_input){.options = *options,
                                 .targets = routes->options.targets,
                                 .health = routes->options.health,
                                 .health_count = routes->options.health_count};
}

/* Sets what is shown, and what that is compared with. Of a window, behind the gate: it is added up. */
static int look(struct routes *routes, struct export_input *input, struct snapshot *out_held[2],
                char out_error[256])
{
    const struct routes_source *source = &routes->options.source;
    struct snapshot *held[2] = {NULL, NULL};
    int status = 0;

    if (input->options.window.length_ns != 0) {
        status = window_query_snapshots(&source->windows, &input->options.window, out_error,
                                        &held[0], &held[1]);
    } else {
        held[0] = source->snapshot(source->context);
        if (held[0] == NULL)
            status = export_fail(out_error, STATUS_NOMEM,
                                 "there is no memory for a look at the map; ask again later");
    }
    if (status != 0)
        return status;
    input->snapshot = held[0];
    input->before = held[1];
    out_held[0] = held[0];
    out_held[1] = held[1];
    return 0;
}

/* Who takes no gzip gets metrics as they are written, as long as that leaves room for others: to pack
 * and to unpack them costs three times as much as to write them. Asked for behind the gate, so that who
 * comes at once does not count on the same room. */
static void init_pack(const struct routes *routes, const struct http_request *request,
                      struct deflate_pack *pack)
{
    size_t due = routes->options.pack_bytes;
    size_t most = routes->options.body_bytes_max;
    size_t plain = most / 4;

    deflate_pack_init(pack, due, most - 2 * due);
    if (negotiate_gzip(request->accept_encoding))
        return;
    if (request->answers_room != NULL && atomic_load(request->answers_room) / ROOM_PART < plain)
        plain = atomic_load(request->answers_room) / ROOM_PART;
    deflate_pack_put_off(pack, plain);
}

/* Runs a renderer on the newest snapshot, or on a window's, behind the gate. True where the reply has a
 * body; then also the snapshot's number. */
static bool render(struct routes *routes, enum routes_line whose,
                   const struct http_request *request, const struct export_options *options,
                   int (*renderer)(const struct export_input *input, char out_error[256],
                                   struct buf *out),
                   uint64_t *out_number, struct http_reply *reply)
{
    char error[256];
    struct snapshot *held[2] = {NULL, NULL};
    struct export_input input = input_of(routes, options);
    struct deflate_pack pack = {0};
    int status = STATUS_BUSY;

    input.pack = &pack;
    (void)snprintf(error, sizeof(error), "too many ask at once; ask again in a moment");
    buf_init(&reply->body, routes->options.body_bytes_max);
    if (routes_gate_enter(&routes->gate, whose)) {
        init_pack(routes, request, &pack);
        status = look(routes, &input, held, error);
        if (status == 0)
            status = renderer(&input, error, &reply->body);
        if (status == 0 && deflate_pack_has_begun(&pack))
            status = reply_take_packed(reply, &pack, error);
        buf_trim(&reply->body);
        routes_gate_leave(&routes->gate);
    }
    if (status == 0)
        *out_number = held[0]->number;
    snapshot_release(held[0]);
    snapshot_release(held[1]);
    deflate_pack_release(&pack);
    if (status != 0)
        reply_refuse(reply, status, error);
    return status == 0;
}

/* What a scraper was told is new to it no more. Several at once are all told alike. */
static void note_shown(struct routes *routes, uint64_t number)
{
    uint64_t shown = atomic_load(&routes->shown_number);

    while (shown < number && !atomic_compare_exchange_weak(&routes->shown_number, &shown, number))
        continue;
}

static void show_metrics(struct routes *routes, const struct route *route,
                         const struct http_request *request, struct http_reply *reply)
{
    struct metrics_format format = negotiate_metrics(request->accept);
    struct export_options options = defaults_of(routes);
    bool is_text = format.exporter == &exporter_prometheus;
    uint64_t number;

    (void)route;
    reply_header(reply, "Cache-Control: no-store\r\nVary: Accept\r\n");
    options.new_at_zero = is_text;
    options.shown_number = atomic_load(&routes->shown_number);
    reply->is_vital = true;
    if (!render(routes, ROUTES_VITAL, request, &options, format.exporter->render, &number, reply))
        return;
    if (is_text && !request->is_head)
        note_shown(routes, number);
    reply->status = 200;
    reply->content_type = format.content_type;
    reply_compress(request, DEFLATE_FAST, reply);
}

/* A list, or the map in a format that needs no drawing. */
static void show_text(struct routes *routes, const struct routes_query *query,
                      const struct exporter *exporter,
                      int (*renderer)(const struct export_input *input, char out_error[256],
                                      struct buf *out),
                      const struct http_request *request, struct http_reply *reply)
{
    uint64_t number;

    reply_header(reply, "Cache-Control: no-store\r\n");
    if (!render(routes, ROUTES_VIEWS, request, &query->options, renderer, &number, reply))
        return;
    reply->status = 200;
    reply->content_type = exporter->content_type;
    reply_compress(request, DEFLATE_FAST, reply);
}

/* A look for a drawing, which has a gate of its own: only a window's is behind this one. */
static int look_alone(struct routes *routes, struct export_input *input,
                      struct snapshot *out_held[2], char out_error[256])
{
    int status;

    if (input->options.window.length_ns == 0)
        return look(routes, input, out_held, out_error);
    if (!routes_gate_enter(&routes->gate, ROUTES_VIEWS))
        return export_fail(out_error, STATUS_BUSY, "too many ask at once; ask again in a moment");
    status = look(routes, input, out_held, out_error);
    routes_gate_leave(&routes->gate);
    return status;
}

static void show_picture(struct routes *routes, const struct routes_query *query,
                         const struct exporter *exporter, const struct http_request *request,
                         struct http_reply *reply)
{
    char error[256];
    struct snapshot *held[2] = {NULL, NULL};
    struct export_input input = input_of(routes, &query->options);
    struct etag etag;
    int status = look_alone(routes, &input, held, error);

    buf_init(&reply->body, routes->options.body_bytes_max);
    if (status == 0)
        status = drawings_get(routes->drawings, exporter, &input, error, &reply->body);
    snapshot_release(held[0]);
    snapshot_release(held[1]);
    if (status != 0) {
        reply_refuse(reply, status, error);
        return;
    }
    etag = etag_of(buf_view(&reply->body));
    reply_header(reply, PICTURE_POLICY);
    if (reply_is_known(request, &etag, reply))
        return;
    reply->status = 200;
    reply->content_type = exporter->content_type;
    if (!exporter->binary)
        reply_compress(request, DEFLATE_WELL, reply);
}

/* svg, png, pdf: what the helper draws. */
static bool is_picture(const struct exporter *exporter)
{
    return exporter->binary || view_equal(view_of(exporter->name), VIEW("svg"));
}

static void show_map(struct routes *routes, const struct route *route,
                     const struct http_request *request, struct http_reply *reply)
{
    char error[256];
    struct routes_query query;
    const struct exporter *exporter = route->exporter;
    struct export_options defaults = defaults_of(routes);
    int status = routes_query_init(request->query, &defaults, error, &query);

    if (status != 0) {
        reply_refuse(reply, status, error);
        return;
    }
    if (query.exporter != NULL && route->render == NULL)
        exporter = query.exporter;
    query.options.window.without_operations = true; /* Maps are of nodes and edges. */
    if (is_picture(exporter))
        show_picture(routes, &query, exporter, request, reply);
    else
        show_text(routes, &query, exporter,
                  route->render != NULL ? route->render : exporter->render, request, reply);
    routes_query_release(&query);
}

static void show_health(struct routes *routes, const struct route *route,
                        const struct http_request *request, struct http_reply *reply)
{
    (void)routes;
    (void)route;
    (void)request;
    reply_header(reply, "Cache-Control: no-store\r\n");
    reply_say(reply, 200, "ok");
}

static void show_ready(struct routes *routes, const struct route *route,
                       const struct http_request *request, struct http_reply *reply)
{
    bool ready = routes->options.source.is_ready(routes->options.source.context);

    (void)route;
    (void)request;
    reply_header(reply, "Cache-Control: no-store\r\n");
    reply_say(reply, ready ? 200 : 503, ready ? "ready" : "not ready: starting, or draining");
}

/* /debug/...: what the owner writes. */
static void show_owned(struct routes *routes, const struct route *route,
                       const struct http_request *request, struct http_reply *reply)
{
    const struct routes_source *source = &routes->options.source;
    routes_write write = *(const routes_write *)(const void *)((const char *)source + route->owned);
    int status = STATUS_BUSY;

    (void)request;
    reply_header(reply, "Cache-Control: no-store\r\n");
    reply->is_vital = true;
    buf_init(&reply->body, routes->options.body_bytes_max);
    if (routes_gate_enter(&routes->gate, ROUTES_VITAL)) {
        status = write(source->context, &reply->body);
        routes_gate_leave(&routes->gate);
    }
    if (status != 0) {
        reply_refuse(reply, status, status_text(status));
        return;
    }
    reply->status = 200;
    reply->content_type = write == source->config ? REPLY_TEXT_TYPE : "application/json";
}

static void show_debug(struct routes *routes, const struct route *route,
                       const struct http_request *request, struct http_reply *reply)
{
    struct export_options defaults = defaults_of(routes);
    uint64_t number;

    reply_header(reply, "Cache-Control: no-store\r\n");
    if (!render(routes, ROUTES_VIEWS, request, &defaults, route->render, &number, reply))
        return;
    reply_answer_json(request, reply);
}

static void show_examples(struct routes *routes, const struct route *route,
                          const struct http_request *request, struct http_reply *reply)
{
    char error[256];
    struct export_options options = defaults_of(routes);
    struct routes_subject subject;
    uint64_t number;
    int status = routes_subject_init(request->query, error, &subject);

    reply_header(reply, "Cache-Control: no-store\r\n");
    if (status != 0) {
        reply_refuse(reply, status, error);
        return;
    }
    options.subject = subject.subject;
    status = window_query_time(&routes->options.source.windows, request->query, error,
                               &options.counted);
    if (status != 0)
        reply_refuse(reply, status, error);
    else if (render(routes, ROUTES_VIEWS, request, &options, route->render, &number, reply))
        reply_answer_json(request, reply);
    routes_subject_release(&subject);
}

/* Behind the gate: what the window has of the subject, and where that is looked up. */
static int render_history(struct routes *routes, struct export_input *input, char out_error[256],
                          struct buf *out)
{
    const struct routes_source *source = &routes->options.source;
    struct snapshot *snapshot;
    struct window_look *found;
    int status = window_query_look(&source->windows, &input->options.window, out_error, &found);

    if (status != 0)
        return status;
    snapshot = source->snapshot(source->context);
    input->snapshot = snapshot;
    if (snapshot == NULL)
        status = export_fail(out_error, STATUS_NOMEM, "%s", status_text(STATUS_NOMEM));
    else
        status = history_render(input, found, out_error, out);
    window_look_free(found);
    snapshot_release(snapshot);
    return status;
}

static void show_history(struct routes *routes, const struct route *route,
                         const struct http_request *request, struct http_reply *reply)
{
    char error[256];
    struct export_options options = defaults_of(routes);
    struct export_input input;
    struct routes_subject subject;
    int status = routes_subject_init(request->query, error, &subject);

    (void)route;
    reply_header(reply, "Cache-Control: no-store\r\n");
    if (status != 0) {
        reply_refuse(reply, status, error);
        return;
    }
    status = window_query_read(request->query, error, &options);
    options.subject = subject.subject;
    input = input_of(routes, &options);
    buf_init(&reply->body, routes->options.body_bytes_max);
    if (status == 0 && !routes_gate_enter(&routes->gate, ROUTES_VIEWS))
        status = export_fail(error, STATUS_BUSY, "too many ask at once; ask again in a moment");
    else if (status == 0) {
        status = render_history(routes, &input, error, &reply->body);
        routes_gate_leave(&routes->gate);
    }
    routes_subject_release(&subject);
    if (status != 0) {
        reply_refuse(reply, status, error);
        return;
    }
    reply_answer_json(request, reply);
}

static void show_operations(struct routes *routes, const struct route *route,
                            const struct http_request *request, struct http_reply *reply)
{
    struct export_options options = defaults_of(routes);
    char error[256];
    struct routes_subject subject;
    uint64_t number;
    int status = routes_subject_init(request->query, error, &subject);

    reply_header(reply, "Cache-Control: no-store\r\n");
    if (status != 0) {
        reply_refuse(reply, status, error);
        return;
    }
    options.focus = subject.subject.node;
    status = window_query_read(request->query, error, &options);
    if (status != 0)
        reply_refuse(reply, status, error);
    else if (render(routes, ROUTES_VIEWS, request, &options, route->render, &number, reply))
        reply_answer_json(request, reply);
    routes_subject_release(&subject);
}

static void append_paths(struct buf *out);

/* What the page must know: of the configuration, and of what it can ask for. */
static void show_settings(struct routes *routes, const struct route *route,
                          const struct http_request *request, struct http_reply *reply)
{
    const struct routes_source *source = &routes->options.source;
    struct snapshot *snapshot = source->snapshot(source->context);
    struct windows_reach reach = {0};

    (void)route;
    reply_header(reply, "Cache-Control: no-store\r\n");
    if (snapshot == NULL) {
        reply_refuse(reply, STATUS_NOMEM, status_text(STATUS_NOMEM));
        return;
    }
    if (source->windows.reach == NULL ||
        source->windows.reach(source->windows.context, &reach) != 0)
        reach.span_ns = 0; /* There are none. */
    (void)buf_printf(&reply->body,
                     "{\"spanmap\": \"" SPANMAP_VERSION "\", \"start_unix_nano\": \"%" PRIu64
                     "\",\n \"windows_seconds\": %" PRIu64 ", \"trace_url\": ",
                     snapshot->start.ns, reach.span_ns / NS_PER_S);
    snapshot_release(snapshot);
    json_append_text(&reply->body, routes->options.trace_url);
    (void)buf_append_text(&reply->body, ",\n \"paths\": ");
    append_paths(&reply->body);
    (void)buf_append_text(&reply->body, ",\n \"parameters\": [");
    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++)
        (void)buf_printf(&reply->body, "%s\"%s\"", i != 0 ? ", " : "", map_options[i].name);
    (void)buf_append_text(&reply->body, "]}\n");
    if (reply->body.failed != 0) {
        reply_refuse(reply, STATUS_NOMEM, status_text(STATUS_NOMEM));
        return;
    }
    reply_answer_json(request, reply);
}

static void show_asset(const struct asset *asset, const struct http_request *request,
                       struct http_reply *reply)
{
    bool gzip = asset->gzip.size != 0 && negotiate_gzip(request->accept_encoding);

    reply_header(reply, PAGE_POLICY "Vary: Accept-Encoding\r\n");
    if (reply_is_known(request, &asset->etag, reply))
        return;
    reply->status = 200;
    reply->content_type = asset->content_type;
    reply->encoding = gzip ? "gzip" : NULL;
    if (buf_append_view(&reply->body, gzip ? buf_view(&asset->gzip) : asset->body) != 0)
        reply_refuse(reply, STATUS_NOMEM, status_text(STATUS_NOMEM));
}

/* ----------------------------------------------------------------- dispatch */

static const struct route table[] = {
    {"/metrics", "metrics for Prometheus (text, OpenMetrics)", show_metrics, NULL, NULL, 0},
    {"/map.svg", "the map as a picture", show_map, &exporter_svg, NULL, 0},
    {"/map.dot", "the map in Graphviz's language", show_map, &exporter_dot, NULL, 0},
    {"/api/v1/map", "the map as JSON (or by format)", show_map, &exporter_json, NULL, 0},
    {"/api/v1/services", "its nodes alone", show_map, &exporter_json, json_render_services, 0},
    {"/api/v1/edges", "its edges alone", show_map, &exporter_json, json_render_edges, 0},
    {"/api/v1/operations", "what one node does, by its operations (node, window, at)",
     show_operations, NULL, operations_render, 0},
    {"/api/v1/examples", "traces of an edge (client, server, connection_type) or a node (node)",
     show_examples, NULL, examples_render, 0},
    {"/api/v1/history", "an edge or a node over time (as examples, and window, at)", show_history,
     NULL, NULL, 0},
    {"/api/v1/settings", "what the page must know, and these paths", show_settings, NULL, NULL, 0},
    {"/healthz", "200 while the process lives", show_health, NULL, NULL, 0},
    {"/readyz", "200 while spans are taken in", show_ready, NULL, NULL, 0},
    {"/debug/config", "the effective configuration", show_owned, NULL, NULL,
     offsetof(struct routes_source, config)},
    {"/debug/cardinality", "how full each quota is, and who fills it", show_owned, NULL, NULL,
     offsetof(struct routes_source, cardinality)},
    {"/debug/budgets", "how full each share of memory is, and what happens past it", show_owned,
     NULL, NULL, offsetof(struct routes_source, budgets)},
    {"/debug/lateness", "how late spans come, and what waits for them", show_owned, NULL, NULL,
     offsetof(struct routes_source, lateness)},
    {"/debug/unpaired", "which spans found no other side, whose, why, in which traces", show_debug,
     NULL, debug_render_unpaired, 0},
};

static void append_paths(struct buf *out)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) { /* Failures stick. */
        (void)buf_append_text(out, i == 0 ? "[" : ", ");
        json_append_text(out, view_of(table[i].path));
    }
    (void)buf_append_byte(out, ']');
}

static void say_what_there_is(struct http_reply *reply)
{
    reply_say(reply, 404, "There is nothing at this path. What there is:");
    (void)buf_append_text(&reply->body, "  /                    the page\n"); /* See reply_say(). */
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        (void)buf_printf(&reply->body, "  %-20s %s\n", table[i].path, table[i].doc);
    (void)buf_append_text(&reply->body, "What a map, its nodes and its edges may be asked for:\n");
    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++)
        (void)buf_printf(&reply->body, "  %-20s %s\n", map_options[i].name, map_options[i].doc);
}

void routes_handle(void *context, const struct http_request *request, struct http_reply *reply)
{
    struct routes *routes = context;
    const struct asset *asset;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (view_equal(view_of(table[i].path), request->path)) {
            table[i].answer(routes, &table[i], request, reply);
            return;
        }
    asset = assets_find(routes->assets, request->path);
    if (asset != NULL)
        show_asset(asset, request, reply);
    else
        say_what_there_is(reply);
}

int routes_new(const struct routes_options *options, struct routes **out_routes)
{
    struct routes *routes = mem_calloc(1, sizeof(*routes));
    int status;

    if (routes == NULL)
        return STATUS_NOMEM;
    routes->options = *options;
    if (options->body_bytes_max == 0)
        routes->options.body_bytes_max = BODY_BYTES_MAX;
    /* Text that gathers takes up to twice this, its gzip the rest of what a body may. */
    if (options->pack_bytes == 0)
        routes->options.pack_bytes = routes->options.body_bytes_max / 4 < PACK_BYTES
                                         ? routes->options.body_bytes_max / 4
                                         : PACK_BYTES;
    CHECK(pthread_mutex_init(&routes->lock, NULL) == 0);
    routes_gate_init(&routes->gate);
    status = assets_new(&routes->assets);
    if (status == 0)
        status = drawings_new(&routes->drawings);
    if (status == 0)
        *out_routes = routes;
    else
        routes_free(routes);
    return status;
}

void routes_stop_drawing(struct routes *routes)
{
    atomic_store(&routes->drawing_is_over, true);
}

void routes_free(struct routes *routes)
{
    if (routes == NULL)
        return;
    drawings_free(routes->drawings);
    assets_free(routes->assets);
    routes_gate_release(&routes->gate);
    CHECK(pthread_mutex_destroy(&routes->lock) == 0);
    mem_free(routes);
}
