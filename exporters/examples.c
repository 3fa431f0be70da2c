/* examples.c: all exemplars of the subject are gone over once for each sort, which keeps the best few.
 *
 * Of an edge both sides' spans count; of a node those that took its calls, and of a service all its own.
 */
#include "exporters/examples.h"

#include <inttypes.h>
#include <string.h>

#include "exporters/edge_views.h"
#include "exporters/hex.h"
#include "exporters/json.h"
#include "exporters/map_graph.h"
#include "exporters/number.h"
#include "exporters/subject.h"

enum sort { SORT_FAILED, SORT_SLOW, SORT_RECENT, SORT_COUNT };

static const char *const sort_words[SORT_COUNT] = {"failed", "slow", "recent"};

struct example {
    const struct exemplar *exemplar;
    const char *side;
    enum sort sort;
};

struct chosen {
    struct export_time counted;
    enum sort sort;
    size_t begin; /* Of that sort; those before it stay. */
    size_t count;
    struct example examples[SORT_COUNT * EXAMPLES_EACH];
};

/* ------------------------------------------------------------------ choosing */

static bool has_duration(const struct exemplar *exemplar)
{
    return exemplar->bucket != EXEMPLAR_NO_BUCKET;
}

static int compare(uint64_t one, uint64_t other)
{
    return (one > other) - (one < other);
}

/* Above 0: `one` goes before `other`. */
static int rank(enum sort sort, const struct exemplar *one, const struct exemplar *other)
{
    int by_time = compare(one->ns, other->ns);
    int by_duration = compare(one->duration_ns, other->duration_ns);
    int order = sort == SORT_SLOW ? by_duration : by_time;

    if (order == 0)
        order = sort == SORT_SLOW ? by_time : by_duration;
    return order != 0 ? order : memcmp(other->trace, one->trace, sizeof(one->trace));
}

static bool is_of_time(const struct export_time *counted, const struct exemplar *exemplar)
{
    return counted->until.ns == 0 ||
           (exemplar->ns > counted->after.ns && exemplar->ns <= counted->until.ns);
}

static bool is_of_sort(enum sort sort, const struct exemplar *exemplar)
{
    return sort == SORT_FAILED ? exemplar->failed : sort != SORT_SLOW || has_duration(exemplar);
}

/* The place of its trace among what is chosen; `count`: it has none. */
static size_t place_of(const struct chosen *chosen, const struct exemplar *exemplar)
{
    size_t at = 0;

    while (at < chosen->count && memcmp(chosen->examples[at].exemplar->trace, exemplar->trace,
                                        sizeof(exemplar->trace)) != 0)
        at++;
    return at;
}

static void consider(struct chosen *chosen, const struct exemplar *exemplar, const char *side)
{
    struct example example = {exemplar, side, chosen->sort};
    size_t at = place_of(chosen, exemplar);
    size_t end = chosen->begin + EXAMPLES_EACH;

    if (!is_of_sort(chosen->sort, exemplar) || !is_of_time(&chosen->counted, exemplar) ||
        at < chosen->begin)
        return;
    if (at < chosen->count) { /* Another span of a trace that is there. */
        if (rank(chosen->sort, exemplar, chosen->examples[at].exemplar) <= 0)
            return;
    } else if (chosen->count < end) {
        chosen->count++;
    } else {
        at = end - 1;
        if (rank(chosen->sort, exemplar, chosen->examples[at].exemplar) <= 0)
            return;
    }
    for (;
         at > chosen->begin && rank(chosen->sort, exemplar, chosen->examples[at - 1].exemplar) > 0;
         at--)
        chosen->examples[at] = chosen->examples[at - 1];
    chosen->examples[at] = example;
}

static void consider_edge(struct chosen *chosen, const struct exemplars *set, bool server_alone)
{
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        const struct exemplar *exemplar = &set->items[i];
        if (exemplar->which == SNAPSHOT_SERVER)
            consider(chosen, exemplar, "server");
        else if (exemplar->which == SNAPSHOT_CLIENT && !server_alone)
            consider(chosen, exemplar, "client");
    }
}

static bool is_subject(const struct export_input *input, const struct subject *subject, size_t i)
{
    const struct snapshot_edge *edge = &input->snapshot->edges[i];
    enum export_messaging messaging = input->options.map_messaging;

    if (edge->server != subject->server)
        return false;
    if (!subject->is_edge)
        return edge_is_figure(input->snapshot, i, messaging);
    return edge->client == subject->client &&
           (subject->any_type || edge->connection_type == subject->type) &&
           edge_is_shown(input->snapshot, i, messaging);
}

static void consider_all(const struct export_input *input, const struct subject *subject,
                         struct chosen *chosen)
{
    const struct snapshot *snapshot = input->snapshot;
    bool is_service = snapshot->nodes[subject->server].node.type == NODE_SERVICE;

    for (size_t i = 0; i < snapshot->edges_count; i++)
        if (is_subject(input, subject, i))
            consider_edge(chosen, snapshot->edges[i].exemplars, !subject->is_edge && is_service);
    for (size_t i = 0; i < snapshot->operations_count && !subject->is_edge; i++) {
        const struct exemplars *set = snapshot->operations[i].exemplars;
        if (snapshot->operations[i].service != subject->server)
            continue;
        for (uint32_t j = 0; set != NULL && j < set->count; j++)
            if (set->items[j].which == 0) /* Latency. */
                consider(chosen, &set->items[j], "own");
    }
}

/* ------------------------------------------------------------------- writing */

static void write_example(struct buf *out, const struct example *example)
{
    const struct exemplar *exemplar = example->exemplar;
    char trace[HEX_TRACE_SIZE + 1];
    char span[HEX_SPAN_SIZE + 1];

    hex_trace(trace, exemplar->trace);
    hex_span(span, exemplar->span);
    (void)buf_printf(out,
                     "{\"trace_id\": \"%s\", \"span_id\": \"%s\", \"unix_nano\": \"%" PRIu64
                     "\", \"seconds\": ",
                     trace, span, exemplar->ns);
    if (has_duration(exemplar))
        (void)number_append_double(out, (double)exemplar->duration_ns / (double)NS_PER_S);
    else
        (void)buf_append_text(out, "null");
    (void)buf_printf(out, ", \"failed\": %s, \"side\": \"%s\", \"why\": \"%s\"}",
                     exemplar->failed ? "true" : "false", example->side, sort_words[example->sort]);
}

int examples_render(const struct export_input *input, char out_error[256], struct buf *out)
{
    size_t size_before = out->size;
    struct chosen chosen = {.counted = input->options.counted};
    struct subject subject;
    int status = subject_find(input->snapshot, &input->options.subject, out_error, &subject);

    if (status != 0)
        return status;
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        chosen.sort = (enum sort)sort;
        chosen.begin = chosen.count;
        consider_all(input, &subject, &chosen);
    }
    (void)buf_append_text(out, "{\"examples\": ["); /* Failures stick, here and below. */
    for (size_t i = 0; i < chosen.count; i++) {
        (void)buf_append_text(out, i == 0 ? "\n  " : ",\n  ");
        write_example(out, &chosen.examples[i]);
    }
    (void)buf_append_text(out, "]}\n");
    if (out->failed == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, out->failed, "the examples are not written: %s",
                       status_text(out->failed));
}
