/* map_groups.c: jobs of resources are namespace "/" name of services, so both are sorted, and walked
 * through together.
 */
#include "exporters/map_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "exporters/escape.h"
#include "exporters/map_merge.h"
#include "topology/targets.h"

enum { NAME_IN_ERROR = 48, LIST_IN_ERROR = 120 };

bool map_groups_asked(const struct export_options *options)
{
    return options->cluster.size != 0 || options->collapse.size != 0;
}

/* "what 'asked'; there are a, b, c ..." in what a sentence has room for. */
static int not_there(char out_error[256], const char *what, struct view asked,
                     const struct view *known, size_t known_count)
{
    struct buf text;
    struct buf list;

    buf_init(&text, 0);
    buf_init(&list, 0);
    (void)escape_cut(&text, asked, NAME_IN_ERROR); /* Without memory names stay away. */
    for (size_t i = 0; i < known_count; i++) {
        if (i != 0)
            (void)buf_append_text(&list, ", ");
        if (list.size > LIST_IN_ERROR) {
            (void)buf_append_text(&list, "...");
            break;
        }
        (void)escape_cut(&list, known[i], NAME_IN_ERROR / 2);
    }
    (void)export_fail(out_error, 0, "%s '%.*s'; there are: %.*s", what, (int)text.size,
                      text.size != 0 ? text.data : "", list.size != 0 ? (int)list.size : 4,
                      list.size != 0 ? list.data : "none");
    buf_release(&text);
    buf_release(&list);
    return STATUS_NOT_FOUND;
}

static int compare_views(const void *a, const void *b)
{
    return view_compare(*(const struct view *)a, *(const struct view *)b);
}

/* Sorts, and takes out what stands there twice. */
static size_t make_unique(struct view *views, size_t count)
{
    size_t kept = 0;

    if (count != 0)
        qsort(views, count, sizeof(*views), compare_views);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !view_equal(views[kept - 1], views[i]))
            views[kept++] = views[i];
    return kept;
}

/* -------------------------------------------------------- resource attributes */

/* One that has the attribute. */
struct said {
    struct view job;
    struct view value;
};

struct resources {
    struct target **lists[2];
    size_t counts[2];
    struct said *said;
    size_t said_count;
};

static void resources_release(struct resources *resources)
{
    for (size_t i = 0; i < 2; i++)
        if (resources->lists[i] != NULL)
            targets_release_list(resources->lists[i], resources->counts[i]);
    mem_free(resources->said);
}

static int compare_said(const void *a, const void *b)
{
    const struct said *one = a;
    const struct said *other = b;
    int order = view_compare(one->job, other->job);

    return order != 0 ? order : view_compare(one->value, other->value);
}

/* A job as names of nodes are: without control characters, and as valid UTF-8 (naming_clean()). */
static int as_names_are(struct map_graph *graph, struct view job, struct view *out_job)
{
    struct buf clean;
    bool is_clean = true;
    int status;

    buf_init(&clean, 0);
    for (size_t at = 0, size; at < job.size; at += size) {
        struct view rest = {job.data + at, job.size - at};
        bool good = utf8_size(rest) != 0 && !utf8_is_control(rest);
        size = good ? utf8_size(rest) : 1;
        is_clean = is_clean && good;
        (void)buf_append(&clean, good ? rest.data : "\xEF\xBF\xBD", good ? size : 3);
    }
    status = clean.failed;
    if (is_clean)
        *out_job = job;
    else if (status == 0)
        status = map_graph_keep(graph, buf_view(&clean), out_job);
    buf_release(&clean);
    return is_clean ? 0 : status;
}

static int take(struct resources *resources, const struct target *target, struct view key,
                struct map_graph *graph)
{
    for (size_t at = 0; at < target->count; at++)
        if (view_equal(target->attributes[at].key, key)) {
            struct said *said = &resources->said[resources->said_count++];
            said->value = target->attributes[at].value;
            return as_names_are(graph, target->job, &said->job);
        }
    return 0;
}

static int gather(struct resources *resources, struct view key, struct map_graph *graph)
{
    int status = 0;

    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < resources->counts[i] && status == 0; k++)
            status = take(resources, resources->lists[i][k], key, graph);
    if (status == 0 && resources->said_count != 0)
        qsort(resources->said, resources->said_count, sizeof(*resources->said), compare_said);
    return status;
}

/* Idle ones too: a service that is silent stays where it was. */
static int resources_init(const struct export_input *input, struct map_graph *graph,
                          struct resources *out_resources)
{
    struct targets *const targets[2] = {input->targets, input->targets_before};
    int status = 0;

    *out_resources = (struct resources){.said_count = 0};
    for (size_t i = 0; i < 2 && status == 0; i++)
        if (targets[i] != NULL)
            status = targets_list(targets[i], (struct wall_time){0}, &out_resources->lists[i],
                                  &out_resources->counts[i]);
    if (status != 0)
        return status;
    out_resources->said = mem_calloc(out_resources->counts[0] + out_resources->counts[1],
                                     sizeof(*out_resources->said));
    if (out_resources->said == NULL)
        return STATUS_NOMEM;
    return gather(out_resources, input->options.cluster, graph);
}

/* The first that a job said, or where it would stand. */
static size_t find_job(const struct resources *resources, struct view job)
{
    size_t low = 0;
    size_t high = resources->said_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (view_compare(resources->said[middle].job, job) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What most of a job's resources say; empty: nothing. */
static struct view value_of(const struct resources *resources, struct view job)
{
    struct view best = {NULL, 0};
    size_t best_count = 0;
    size_t count = 0;

    for (size_t i = find_job(resources, job);
         i < resources->said_count && view_equal(resources->said[i].job, job); i++) {
        const struct said *said = &resources->said[i];
        bool again = count != 0 && view_equal(said[-1].value, said->value);
        count = again ? count + 1 : 1;
        if (count > best_count) {
            best = said->value;
            best_count = count;
        }
    }
    return best;
}

static int job_of(const struct node *node, struct buf *out)
{
    buf_reset(out);
    if (node->namespace.size != 0) {
        (void)buf_append_view(out, node->namespace);
        (void)buf_append_byte(out, '/');
    }
    return buf_append_view(out, node->name);
}

static int find_values(const struct resources *resources, struct map_graph *graph)
{
    struct buf job;
    int status = 0;

    buf_init(&job, 0);
    for (size_t i = 0; i < graph->nodes_count && status == 0; i++) {
        struct map_node *node = &graph->nodes[i];
        struct view value;
        if (node->from->node.type != NODE_SERVICE || node->from->overflow)
            continue;
        status = job_of(&node->from->node, &job);
        if (status != 0)
            break;
        value = value_of(resources, buf_view(&job));
        if (value.size != 0)
            status = map_graph_keep(graph, value, &node->group);
    }
    buf_release(&job);
    return status;
}

/* Names what could have been asked for. A map without services has no attributes, and that is right. */
static int no_such_attribute(const struct resources *resources, struct view key,
                             char out_error[256])
{
    size_t count = 0;
    struct view *keys;

    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < resources->counts[i]; k++)
            count += resources->lists[i][k]->count;
    if (count == 0)
        return 0;
    keys = mem_calloc(count, sizeof(*keys));
    if (keys == NULL)
        return STATUS_NOMEM;
    count = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < resources->counts[i]; k++)
            for (size_t at = 0; at < resources->lists[i][k]->count; at++)
                keys[count++] = resources->lists[i][k]->attributes[at].key;
    count = make_unique(keys, count);
    (void)not_there(out_error, "no service has the resource attribute", key, keys, count);
    mem_free(keys);
    return STATUS_NOT_FOUND;
}

static int find_by_attribute(const struct export_input *input, char out_error[256],
                             struct map_graph *graph)
{
    struct resources resources;
    int status = resources_init(input, graph, &resources);

    if (status == 0 && resources.said_count == 0)
        status = no_such_attribute(&resources, input->options.cluster, out_error);
    else if (status == 0)
        status = find_values(&resources, graph);
    resources_release(&resources);
    return status;
}

int map_groups_find(const struct export_input *input, char out_error[256], struct map_graph *graph)
{
    struct view cluster = input->options.cluster;

    if (view_equal(cluster, VIEW("none")))
        return 0;
    if (cluster.size != 0 && !view_equal(cluster, VIEW("namespace")) &&
        !view_equal(cluster, VIEW("service.namespace")))
        return find_by_attribute(input, out_error, graph);
    for (size_t i = 0; i < graph->nodes_count; i++)
        graph->nodes[i].group = graph->nodes[i].from->node.namespace;
    return 0;
}

struct view map_groups_frame(const struct map_node *node)
{
    return node->kind == MAP_PLAIN ? node->group : (struct view){NULL, 0};
}

static int by_frame(const void *a, const void *b, void *context)
{
    const struct map_node *nodes = context;
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;
    int order = view_compare(map_groups_frame(&nodes[one]), map_groups_frame(&nodes[other]));

    return order != 0 ? order : (one > other) - (one < other);
}

int map_groups_order(const struct map_graph *graph, uint32_t **out_order)
{
    uint32_t *order = mem_calloc(graph->nodes_count, sizeof(*order));

    if (order == NULL)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < graph->nodes_count; i++)
        order[i] = i;
    if (graph->nodes_count != 0)
        qsort_r(order, graph->nodes_count, sizeof(*order), by_frame, graph->nodes);
    *out_order = order;
    return 0;
}

/* ------------------------------------------------------------------ collapse */

/* Sorted, each once; nodes without a cluster stay. */
static int all_groups(const struct map_graph *graph, struct view **out_groups, size_t *out_count)
{
    struct view *groups = mem_calloc(graph->nodes_count, sizeof(*groups));
    size_t count = 0;

    if (groups == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < graph->nodes_count; i++)
        if (graph->nodes[i].group.size != 0)
            groups[count++] = graph->nodes[i].group;
    *out_count = make_unique(groups, count);
    *out_groups = groups;
    return 0;
}

static size_t find_group(const struct view *groups, size_t count, struct view name)
{
    const struct view *found = count != 0
                                   ? bsearch(&name, groups, count, sizeof(*groups), compare_views)
                                   : NULL;

    return found != NULL ? (size_t)(found - groups) : count;
}

/* Marks those that are asked for: all of them, one by its whole name (which may have commas), or several
 * with commas between. */
static int choose(const struct view *groups, size_t count, struct view asked, bool *chosen,
                  char out_error[256])
{
    size_t whole = find_group(groups, count, asked);

    if (view_equal(asked, VIEW("all"))) {
        memset(chosen, true, count * sizeof(*chosen));
        return 0;
    }
    if (whole != count) {
        chosen[whole] = true;
        return 0;
    }
    while (asked.size != 0) {
        const char *comma = memchr(asked.data, ',', asked.size);
        struct view name = {asked.data, comma != NULL ? (size_t)(comma - asked.data) : asked.size};
        size_t at = find_group(groups, count, name);
        if (at == count)
            return not_there(out_error, "no cluster on the map is called", name, groups, count);
        chosen[at] = true;
        asked.data += name.size + (comma != NULL);
        asked.size -= name.size + (comma != NULL);
    }
    return 0;
}

static int merge_chosen(const struct export_input *input, const struct view *groups, size_t count,
                        const bool *chosen, struct map_graph *graph)
{
    struct map_merged *merged = mem_calloc(count, sizeof(*merged));
    int64_t *number = mem_calloc(count, sizeof(*number));
    int64_t *into = mem_calloc(graph->nodes_count, sizeof(*into));
    size_t merged_count = 0;
    int status = STATUS_NOMEM;

    if (merged != NULL && number != NULL && into != NULL) {
        for (size_t i = 0; i < count; i++) {
            number[i] = chosen[i] ? (int64_t)merged_count : MAP_MERGE_NONE;
            if (chosen[i])
                merged[merged_count++] = (struct map_merged){MAP_GROUP, groups[i], groups[i]};
        }
        for (size_t i = 0; i < graph->nodes_count; i++)
            into[i] = graph->nodes[i].group.size != 0
                          ? number[find_group(groups, count, graph->nodes[i].group)]
                          : MAP_MERGE_NONE;
        status = map_merge(graph, into, merged, merged_count, input->options.self_edges);
    }
    mem_free(merged);
    mem_free(number);
    mem_free(into);
    return status;
}

int map_groups_collapse(const struct export_input *input, char out_error[256],
                        struct map_graph *graph)
{
    struct view *groups;
    bool *chosen;
    size_t count;
    int status;

    if (input->options.collapse.size == 0)
        return 0;
    status = all_groups(graph, &groups, &count);
    if (status != 0)
        return status;
    chosen = mem_calloc(count, sizeof(*chosen));
    status = chosen != NULL ? choose(groups, count, input->options.collapse, chosen, out_error)
                            : STATUS_NOMEM;
    if (status == 0)
        status = merge_chosen(input, groups, count, chosen, graph);
    mem_free(chosen);
    mem_free(groups);
    return status;
}
