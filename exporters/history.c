/* history.c: slots of one step are added up as a window of their own, of which only the edges asked
 * about are made.
 */
#include "exporters/history.h"

#include <inttypes.h>

#include "base/clock.h"
#include "exporters/edge_views.h"
#include "exporters/json.h"
#include "exporters/map_graph.h"
#include "exporters/number.h"
#include "exporters/subject.h"
#include "topology/span.h"
#include "topology/window_snapshot.h"

enum { STEP_SLOT_S = 10, STEP_COARSE_S = 60, SLOT_LONG_S = 30 };

/* What is asked about, and where it is in slots. */
struct search {
    struct subject of;
    bool is_idle;              /* It is not in the look. */
    const struct node *client; /* NULL: any. */
    const struct node *server; /* Or the node. */
    struct window_part part;
};

/* ------------------------------------------------------------------- subject */

/* Notes the numbers that the look knows the nodes by. */
static int note_number(void *context, uint32_t number, const struct node *node)
{
    struct search *search = context;

    if (search->client != NULL && node_compare(node, search->client) == 0)
        search->part.client = number;
    if (node_compare(node, search->server) == 0)
        search->part.server = number;
    return 0;
}

static int find_subject(const struct export_input *input, const struct window_look *look,
                        char out_error[256], struct search *search)
{
    const struct snapshot_node *nodes = input->snapshot->nodes;
    int status;

    *search = (struct search){
        .part = {.is_narrow = true, .client = CATALOG_NONE, .server = CATALOG_NONE}};
    status = subject_find(input->snapshot, &input->options.subject, out_error, &search->of);
    if (status != 0)
        return status;
    search->server = &nodes[search->of.server].node;
    if (search->of.is_edge)
        search->client = &nodes[search->of.client].node;
    status = window_nodes(look, note_number, search);
    if (status != 0)
        return export_fail(out_error, status, "%s", status_text(status));
    search->is_idle = search->part.server == CATALOG_NONE ||
                      (search->of.is_edge && search->part.client == CATALOG_NONE);
    return 0;
}

/* ------------------------------------------------------------------- points */

/* What the edges of a point come to. */
struct point {
    struct wall_time start;
    struct wall_time end;
    uint64_t requests;
    uint64_t failed;
    struct histogram *client; /* NULL: nothing was observed. */
    struct histogram *server;
};

static void point_release(struct point *point)
{
    histogram_free(point->client);
    histogram_free(point->server);
    *point = (struct point){.client = NULL};
}

static int add_seconds(struct histogram **sum, const struct histogram *more)
{
    if (more == NULL)
        return 0;
    return *sum == NULL ? histogram_copy(more, sum) : histogram_merge(*sum, more);
}

/* As the map has it: E5, E9, N7. */
static bool counts(const struct export_options *options, const struct search *search,
                   const struct snapshot *snapshot, size_t i)
{
    const struct snapshot_edge *edge = &snapshot->edges[i];

    if (search->of.is_edge)
        return edge_is_shown(snapshot, i, options->map_messaging) &&
               (search->of.any_type || edge->connection_type == search->of.type);
    return edge_is_figure(snapshot, i, options->map_messaging) &&
           (options->self_edges || edge->client != edge->server ||
            snapshot->nodes[edge->client].overflow);
}

static int add_edges(const struct export_options *options, const struct search *search,
                     const struct snapshot *snapshot, struct point *point)
{
    int status = 0;

    for (size_t i = 0; i < snapshot->edges_count && status == 0; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        if (!counts(options, search, snapshot, i))
            continue;
        point->requests += edge->requests;
        point->failed += edge->failed;
        status = add_seconds(&point->server, edge->server_seconds);
        if (status == 0 && search->of.is_edge)
            status = add_seconds(&point->client, edge->client_seconds);
    }
    return status;
}

/* Adds up `count` slots. */
static int fill_point(const struct export_input *input, const struct window_look *look,
                      struct search *search, size_t first, size_t count, struct point *point)
{
    struct snapshot *snapshot;
    int status;

    point->start = look->slots[first]->start;
    point->end = look->slots[first + count - 1]->end;
    if (search->is_idle)
        return 0;
    search->part.first = first;
    search->part.count = count;
    status = window_snapshot_of(look, &search->part, &snapshot);
    if (status != 0)
        return status;
    status = add_edges(&input->options, search, snapshot, point);
    snapshot_release(snapshot);
    return status;
}

static void write_point(struct buf *out, const struct search *search, const struct point *point)
{
    double seconds = (double)(point->end.ns - point->start.ns) / (double)NS_PER_S;

    (void)buf_printf(
        out, "{\"start_unix_nano\": \"%" PRIu64 "\", \"covered_seconds\": ", point->start.ns);
    (void)number_append_double(out, seconds);
    (void)buf_append_text(out, ", \"requests\": ");
    (void)number_append_weight(out, point->requests);
    (void)buf_append_text(out, ", \"failed\": ");
    (void)number_append_weight(out, point->failed);
    (void)buf_append_text(out, ", \"requests_per_second\": ");
    (void)number_append_double(out, (double)point->requests / (double)WEIGHT_ONE / seconds);
    if (search->of.is_edge)
        json_append_seconds(out, "client_seconds", point->client);
    json_append_seconds(out, search->of.is_edge ? "server_seconds" : "seconds", point->server);
    (void)buf_append_byte(out, '}');
}

/* ------------------------------------------------------------------- steps */

/* Steps of which HISTORY_POINTS_MAX cover the look, none of them finer than its slots. */
static uint64_t step_of(const struct window_look *look)
{
    static const uint64_t steps[] = {STEP_SLOT_S, 30, STEP_COARSE_S, 120, 300, 600, 1800, 3600};
    size_t last = sizeof(steps) / sizeof(steps[0]) - 1;
    uint64_t least = STEP_SLOT_S;
    size_t i = 0;

    for (size_t k = 0; k < look->count; k++)
        if (look->slots[k]->end.ns - look->slots[k]->start.ns > SLOT_LONG_S * NS_PER_S)
            least = STEP_COARSE_S;
    while (i < last && (steps[i] < least ||
                        (look->end.ns - look->start.ns) / NS_PER_S > steps[i] * HISTORY_POINTS_MAX))
        i++;
    return steps[i];
}

static uint64_t cell_of(const struct window_look *look, size_t slot, uint64_t step_s)
{
    return (look->slots[slot]->end.ns - 1) / (step_s * NS_PER_S);
}

static int write_points(const struct export_input *input, const struct window_look *look,
                        struct search *search, uint64_t step_s, struct buf *out)
{
    int status = 0;

    for (size_t first = 0, end; first < look->count && status == 0; first = end) {
        struct point point = {.requests = 0};
        for (end = first + 1;
             end < look->count && cell_of(look, end, step_s) == cell_of(look, first, step_s);)
            end++;
        status = fill_point(input, look, search, first, end - first, &point);
        if (status == 0) {
            (void)buf_append_text(out, first == 0 ? "\n  " : ",\n  ");
            write_point(out, search, &point);
        }
        point_release(&point);
    }
    return status;
}

int history_render(const struct export_input *input, const struct window_look *look,
                   char out_error[256], struct buf *out)
{
    size_t size_before = out->size;
    uint64_t step_s = step_of(look);
    struct search search;
    int status = find_subject(input, look, out_error, &search);

    if (status != 0)
        return status;
    (void)buf_printf(out,
                     "{\"window\": {\"start_unix_nano\": \"%" PRIu64
                     "\", \"end_unix_nano\": \"%" PRIu64 "\"}, \"step_seconds\": %" PRIu64
                     ",\n \"points\": [",
                     look->start.ns, look->end.ns, step_s);
    status = write_points(input, look, &search, step_s, out);
    (void)buf_append_text(out, "]}\n");
    if (status == 0)
        status = out->failed;
    if (status == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, status, "the history is not written: %s", status_text(status));
}
