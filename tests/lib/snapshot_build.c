/* snapshot_build.c: arrays that grow by one; tests are small, or have the time. */
#include "tests/lib/snapshot_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static const uint64_t start_ns = UINT64_C(1700000000) * NS_PER_S;

void snapshot_build_init(struct snapshot_build *build)
{
    *build = (struct snapshot_build){0};
    build->snapshot.start.ns = start_ns;
    build->snapshot.end.ns = start_ns + 60 * NS_PER_S;
    build->snapshot.span_first.ns = start_ns + 10 * NS_PER_S;
    build->snapshot.span_last.ns = start_ns + 20 * NS_PER_S;
    build->snapshot.bounds = &histogram_bounds_default;
}

void snapshot_build_release(struct snapshot_build *build)
{
    for (size_t i = 0; i < build->histograms_count; i++)
        histogram_free(build->histograms[i]);
    for (size_t i = 0; i < build->texts_count; i++)
        mem_free(build->texts[i]);
    mem_free(build->texts);
    mem_free(build->histograms);
    mem_free(build->nodes);
    mem_free(build->edges);
    mem_free(build->operations);
    mem_free(build->losses);
    *build = (struct snapshot_build){0};
}

/* One more zeroed element behind `count` of them; doubles at powers of two. */
static void *grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) == 0)
        array = mem_realloc(array, (count != 0 ? count * 2 : 1) * size);
    CHECK(array != NULL);
    memset((char *)array + count * size, 0, size);
    return array;
}

struct view snapshot_build_text(struct snapshot_build *build, struct view text)
{
    char *copy = mem_dup_text(text.data, text.size);

    CHECK(copy != NULL);
    build->texts = grow(build->texts, build->texts_count, sizeof(*build->texts));
    build->texts[build->texts_count++] = copy;
    return (struct view){copy, text.size};
}

uint32_t snapshot_build_node(struct snapshot_build *build, enum node_type type,
                             struct view namespace, struct view name)
{
    size_t count = build->snapshot.nodes_count++;

    build->nodes = grow(build->nodes, count, sizeof(*build->nodes));
    build->nodes[count].node = (struct node){type, namespace, name};
    return (uint32_t)count;
}

struct view snapshot_build_value(struct snapshot_build *build, unsigned which, struct view value)
{
    char packed[DIMENSION_HEAD_BYTES + DIMENSION_VALUE_MAX];

    CHECK(value.size <= DIMENSION_VALUE_MAX);
    dimension_head(packed, which, value.size);
    if (value.size != 0)
        memcpy(packed + DIMENSION_HEAD_BYTES, value.data, value.size);
    return snapshot_build_text(build, (struct view){packed, DIMENSION_HEAD_BYTES + value.size});
}

uint32_t snapshot_build_service(struct snapshot_build *build, const char *name)
{
    uint32_t node = snapshot_build_node(build, NODE_SERVICE, VIEW(""), view_of(name));

    build->nodes[node].reported = true;
    return node;
}

struct snapshot_edge *snapshot_build_edge(struct snapshot_build *build, uint32_t client,
                                          uint32_t server, enum connection_type connection_type,
                                          uint64_t requests, uint64_t failed)
{
    size_t count = build->snapshot.edges_count++;

    build->edges = grow(build->edges, count, sizeof(*build->edges));
    build->edges[count] = (struct snapshot_edge){.client = client,
                                                 .server = server,
                                                 .connection_type = connection_type,
                                                 .requests = requests * WEIGHT_ONE,
                                                 .failed = failed * WEIGHT_ONE,
                                                 .created = build->snapshot.start,
                                                 .updated = build->snapshot.end};
    return &build->edges[count];
}

struct snapshot_operation *snapshot_build_operation(struct snapshot_build *build, uint32_t service,
                                                    const char *name, uint8_t kind, uint8_t status,
                                                    uint64_t calls)
{
    size_t count = build->snapshot.operations_count++;

    build->operations = grow(build->operations, count, sizeof(*build->operations));
    build->operations[count] = (struct snapshot_operation){.service = service,
                                                           .name = view_of(name),
                                                           .kind = kind,
                                                           .status = status,
                                                           .calls = calls * WEIGHT_ONE,
                                                           .created = build->snapshot.start,
                                                           .updated = build->snapshot.end};
    return &build->operations[count];
}

struct snapshot_loss *snapshot_build_loss(struct snapshot_build *build, uint32_t service,
                                          uint8_t kind, bool dropped, uint8_t reason,
                                          uint64_t spans)
{
    size_t count = build->snapshot.losses_count++;

    build->losses = grow(build->losses, count, sizeof(*build->losses));
    build->losses[count] = (struct snapshot_loss){.service = service,
                                                  .kind = kind,
                                                  .dropped = dropped,
                                                  .reason = reason,
                                                  .spans = spans,
                                                  .created = build->snapshot.start};
    return &build->losses[count];
}

void snapshot_build_observe(struct snapshot_build *build, const struct histogram **histogram,
                            uint64_t duration_ns, uint64_t times)
{
    struct histogram *own = NULL;

    for (size_t i = 0; i < build->histograms_count && *histogram != NULL; i++)
        if (build->histograms[i] == *histogram)
            own = build->histograms[i];
    if (own == NULL) {
        CHECK(histogram_new(&own) == 0);
        build->histograms = grow(build->histograms, build->histograms_count,
                                 sizeof(struct histogram *));
        build->histograms[build->histograms_count++] = own;
        *histogram = own;
    }
    CHECK(histogram_observe(own, build->snapshot.bounds, duration_ns, times * WEIGHT_ONE) == 0);
}

/* qsort_r's order, with the nodes as its context. */
static int compare_numbers(const void *a, const void *b, void *context)
{
    const struct snapshot_node *nodes = context;

    return node_compare(&nodes[*(const uint32_t *)a].node, &nodes[*(const uint32_t *)b].node);
}

static int compare_edges(const void *a, const void *b)
{
    const struct snapshot_edge *one = a;
    const struct snapshot_edge *other = b;

    if (one->client != other->client)
        return one->client < other->client ? -1 : 1;
    if (one->server != other->server)
        return one->server < other->server ? -1 : 1;
    return (one->connection_type > other->connection_type) -
           (one->connection_type < other->connection_type);
}

const struct snapshot *snapshot_build_finish(struct snapshot_build *build)
{
    struct snapshot *snapshot = &build->snapshot;
    size_t count = snapshot->nodes_count;
    uint32_t *order = mem_calloc(count, sizeof(*order));
    uint32_t *place = mem_calloc(count, sizeof(*place));
    struct snapshot_node *nodes = mem_calloc(count, sizeof(*nodes));

    CHECK(order != NULL && place != NULL && nodes != NULL);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof(*order), compare_numbers, build->nodes);
    for (uint32_t i = 0; i < count; i++) {
        nodes[i] = build->nodes[order[i]];
        place[order[i]] = i;
    }
    mem_free(build->nodes);
    build->nodes = nodes;
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        build->edges[i].client = place[build->edges[i].client];
        build->edges[i].server = place[build->edges[i].server];
    }
    if (snapshot->edges_count != 0)
        qsort(build->edges, snapshot->edges_count, sizeof(*build->edges), compare_edges);
    for (size_t i = 0; i < snapshot->operations_count; i++)
        build->operations[i].service = place[build->operations[i].service];
    for (size_t i = 0; i < snapshot->losses_count; i++)
        build->losses[i].service = place[build->losses[i].service];
    mem_free(order);
    mem_free(place);
    snapshot->nodes = build->nodes;
    snapshot->edges = build->edges;
    snapshot->operations = build->operations;
    snapshot->losses = build->losses;
    return snapshot;
}
