/* shard_world.c: the engine in small, and a snapshot as text. */
#include "tests/lib/shard_world.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/lib/test.h"
#include "topology/catalog_sweep.h"
#include "topology/shard_mark.h"
#include "topology/shard_priv.h"

static const uint64_t seed = 0x5eed;

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

void world_init(struct world *world, const struct world_options *options)
{
    struct catalog_limits limits = {1000, 1000, 1000, 10000, 100, 0, 1000, 0};
    struct tally_options tally = {
        .bounds = &histogram_bounds_default,
        .edges_max = (uint32_t)or_default(options->edges_max, 10000),
        .operations_max = (uint32_t)or_default(options->operations_max, 10000),
        .losses_max = (uint32_t)or_default(options->losses_max, 10000),
    };
    struct shard_options shard = {
        .tally = tally,
        .hash_seed = seed,
        .pairing_wait_ns = or_default(options->pairing_wait_ns, 10 * NS_PER_S),
        .parent_wait_ns = or_default(options->parent_wait_ns, 300 * NS_PER_S),
        .messaging_wait_ns = or_default(options->messaging_wait_ns, 3600 * NS_PER_S),
        .memory_bytes_max = or_default(options->memory_bytes_max, 64 << 20),
        .message_bytes_max = or_default(options->message_bytes_max, 16 << 20),
        .shards = (unsigned)or_default(options->shards, 1),
        .orphan_servers_as_user = options->orphan_servers_as_user,
    };
    struct publisher_options publisher = {
        .bounds = tally.bounds,
        .edges_max = tally.edges_max,
        .operations_max = tally.operations_max,
        .losses_max = tally.losses_max,
        .expiration_ns = options->expiration_ns,
        .start = {1},
    };

    *world = (struct world){.shards_count = (unsigned)or_default(options->shards, 1)};
    assert_int_equal(catalog_new(&limits, &world->catalog), 0);
    assert_int_equal(lessons_new(1000, &world->lessons), 0);
    shard.catalog = publisher.catalog = world->catalog;
    shard.lessons = world->lessons;
    publisher.shards = world->shards_count;
    if (world->shards_count > 1)
        assert_int_equal(
            exchange_new(world->shards_count, or_default(options->answers, 64), &world->exchange),
            0);
    shard.exchange = world->exchange;
    for (unsigned i = 0; i < world->shards_count; i++) {
        shard.number = i;
        assert_int_equal(shard_new(&shard, &world->shards[i]), 0);
    }
    assert_int_equal(publisher_new(&publisher, &world->publisher), 0);
    assert_int_equal(tally_new(&tally, &world->spare), 0);
}

void world_release(struct world *world)
{
    for (unsigned i = 0; i < world->shards_count; i++)
        shard_free(world->shards[i]);
    exchange_free(world->exchange);
    publisher_free(world->publisher);
    tally_free(world->spare);
    lessons_free(world->lessons);
    catalog_free(world->catalog);
}

/* ------------------------------------------------------------------ names */

/* "type/namespace/name", or "namespace/name" or "name" of a service. */
static uint32_t node_of(struct world *world, const char *text)
{
    static const char *const types[] = {"service/", "database/", "messaging/", "external/"};
    struct node node = {NODE_SERVICE, {NULL, 0}, {NULL, 0}};
    uint32_t number = 0;
    const char *slash;

    for (size_t i = 0; i < 4; i++)
        if (strncmp(text, types[i], strlen(types[i])) == 0) {
            node.type = (enum node_type)i;
            text += strlen(types[i]);
        }
    slash = strchr(text, '/');
    if (slash != NULL)
        node.namespace = (struct view){text, (size_t)(slash - text)};
    node.name = view_of(slash != NULL ? slash + 1 : text);
    assert_int_equal(catalog_node(world->catalog, &node, &number), 0);
    return number;
}

static uint32_t set_of(struct world *world, uint32_t service, const char *value)
{
    char packed[64];
    size_t size = value != NULL ? strlen(value) : 0;
    uint32_t set = DIMENSIONS_NONE;

    if (value == NULL)
        return set;
    dimension_head(packed, 0, size);
    memcpy(packed + DIMENSION_HEAD_BYTES, value, size);
    assert_int_equal(catalog_dimensions(world->catalog, service,
                                        (struct view){packed, DIMENSION_HEAD_BYTES + size}, &set),
                     0);
    return set;
}

uint32_t world_site(struct world *world, const struct world_site *wanted)
{
    struct site site;
    uint32_t number = 0;

    memset(&site, 0, sizeof(site));
    site.service = node_of(world, wanted->service);
    site.peer = wanted->peer != NULL ? node_of(world, wanted->peer) : CATALOG_NONE;
    site.peer_else = CATALOG_NONE;
    site.destination = wanted->destination != NULL ? node_of(world, wanted->destination)
                                                   : CATALOG_NONE;
    site.group = CATALOG_NONE;
    if (wanted->group != NULL)
        assert_int_equal(catalog_text(world->catalog, view_of(wanted->group), &site.group), 0);
    site.is_receive = wanted->is_receive;
    site.dimensions = set_of(world, site.service, wanted->value);
    site.kind = (uint8_t)wanted->kind;
    site.call = (uint8_t)wanted->call;
    site.peer_by_name = wanted->peer_by_name;
    site.address_key = wanted->address_key;
    site.rpc_key = wanted->rpc_key;
    site.lesson_place = wanted->lesson_place;
    assert_int_equal(catalog_text(world->catalog,
                                  view_of(wanted->operation != NULL ? wanted->operation : "op"),
                                  &site.operation),
                     0);
    assert_int_equal(catalog_site(world->catalog, &site, &number), 0);
    return number;
}

struct span world_span(uint32_t site, enum span_kind kind, uint64_t id, uint64_t parent)
{
    return (struct span){
        .trace = {1, 1},
        .id = id,
        .parent = parent,
        .start_ns = UINT64_C(1700000000) * NS_PER_S,
        .duration_ns = 10 * NS_PER_MS,
        .weight = WEIGHT_ONE,
        .kind = (unsigned)kind & 7,
        .status = SPAN_STATUS_UNSET,
        .site = site,
    };
}

/* ------------------------------------------------------------------ driving */

void world_feed(struct world *world, const struct span *spans, size_t count, uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        struct span span = spans[i];
        uint32_t shard;
        span.trace_hash = span_trace_hash(span.trace, seed);
        shard = span_shard(span.trace_hash, world->shards_count);
        shard_feed(world->shards[shard], &span, 1, (struct mono_time){now_ns});
    }
}

void world_link(struct world *world, const struct span *consumer, const struct world_link *links,
                size_t count, uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        struct span_target target = {.trace = {1, links[i].trace}, .id = links[i].id};
        struct span records[2];
        uint32_t shard = span_shard(span_trace_hash(target.trace, seed), world->shards_count);
        records[0] = *consumer;
        records[0].half = 1;
        records[0].trace_hash = span_trace_hash(consumer->trace, seed);
        memcpy(&records[1], &target, sizeof(target));
        shard_feed(world->shards[shard], records, 2, (struct mono_time){now_ns});
    }
}

void world_tick(struct world *world, uint64_t now_ns)
{
    for (unsigned round = 0; round < 4; round++)
        for (unsigned i = 0; i < world->shards_count; i++)
            shard_tick(world->shards[i], (struct mono_time){now_ns});
}

void world_finish(struct world *world, uint64_t now_ns)
{
    shards_finish(world->shards, world->shards_count, (struct mono_time){now_ns});
}

static void assert_law(struct world *world, const struct snapshot *snapshot)
{
    uint64_t requests = 0;
    uint64_t remembered = 0;

    assert_true(accounting_holds(&snapshot->accounting));
    assert_true(link_accounting_holds(&snapshot->links));
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        assert_true(snapshot->edges[i].failed <= snapshot->edges[i].requests);
        requests += snapshot->edges[i].requests;
    }
    assert_true(requests >= world->last_requests);
    assert_true(snapshot->accounting.received - snapshot->accounting.waiting >= world->last_judged);
    world->last_requests = requests;
    world->last_judged = snapshot->accounting.received - snapshot->accounting.waiting;
    for (unsigned i = 0; i < world->shards_count; i++) {
        shard_check(world->shards[i]);
        remembered += shard_remembered(world->shards[i]);
    }
    for (unsigned i = 0; i < world->shards_count; i++)
        remembered += world->shards[i]->mail.left_waiting;
    assert_true(snapshot->accounting.waiting <= remembered);
}

static void absorb_all(struct world *world)
{
    for (unsigned i = 0; i < world->shards_count; i++) {
        shard_swap(world->shards[i], &world->spare);
        assert_int_equal(publisher_absorb(world->publisher, i, world->spare, (struct wall_time){2}),
                         0);
        assert_true(tally_is_empty(world->spare));
    }
}

/* As engine/sweeper.c has it: the walks of all shards, then the answers, then the rest. */
bool world_sweep_step(struct world *world)
{
    unsigned step = world->sweep_step++;
    unsigned shards = world->shards_count;

    if (step == 0) {
        world->sweep_stamp = catalog_sweep_begin(world->catalog);
    } else if (step <= shards) {
        shard_mark_begin(world->shards[step - 1], world->sweep_stamp);
        while (!shard_mark(world->shards[step - 1]))
            continue;
    } else if (step <= 2 * shards) {
        shard_mark_end(world->shards[step - shards - 1]);
    } else if (step == 2 * shards + 1) {
        absorb_all(world);
        publisher_mark(world->publisher, world->sweep_stamp);
        lessons_mark(world->lessons, world->catalog, world->sweep_stamp);
        catalog_sweep(world->catalog, world->sweep_stamp);
        publisher_forget(world->publisher);
    } else {
        assert_true(catalog_give_back(world->catalog));
        world->sweep_step = 0;
    }
    return world->sweep_step == 0;
}

void world_sweep(struct world *world)
{
    while (!world_sweep_step(world))
        continue;
}

struct snapshot *world_snapshot(struct world *world)
{
    struct snapshot *snapshot = NULL;

    absorb_all(world);
    assert_int_equal(publisher_snapshot(world->publisher, (struct wall_time){3}, &snapshot), 0);
    assert_law(world, snapshot);
    return snapshot;
}

/* ------------------------------------------------------------------ printing */

static void print_node(const struct snapshot *snapshot, uint32_t number, struct buf *out)
{
    const struct node *node = &snapshot->nodes[number].node;

    assert_true(number < snapshot->nodes_count);
    buf_append_text(out, node_type_name(node->type));
    buf_append_byte(out, '/');
    buf_append_view(out, node->namespace);
    buf_append_byte(out, '/');
    buf_append_view(out, node->name);
}

static void print_histogram(const char *name, const struct histogram *histogram, struct buf *out)
{
    if (histogram == NULL)
        return;
    buf_printf(out,
               "\n    %s %" PRIu64 " sum %" PRIx64 ":%" PRIx64 " min %" PRIu64 " max %" PRIu64
               " zero %" PRIu64 " scale %d offset %d:",
               name, histogram->count, (uint64_t)(histogram->sum >> 64), (uint64_t)histogram->sum,
               histogram->min_ns, histogram->max_ns, histogram->zero_count, histogram->scale,
               histogram->offset);
    for (uint32_t i = 0; i < histogram->length; i++)
        buf_printf(out, " %" PRIu64, histogram->buckets[i]);
    buf_append_text(out, " classic:");
    for (uint32_t i = 0; i <= histogram_bounds_default.count; i++)
        buf_printf(out, " %" PRIu64, histogram->classic[i]);
}

static void print_edge_name(const struct snapshot *snapshot, const struct snapshot_edge *edge,
                            struct buf *out)
{
    print_node(snapshot, edge->client, out);
    buf_append_text(out, " -> ");
    print_node(snapshot, edge->server, out);
    if (edge->connection_type != CONNECTION_DIRECT)
        buf_printf(out, " [%s]", connection_type_name(edge->connection_type));
    if (edge->overflow)
        buf_append_text(out, " overflow");
}

static void print_accounting(const struct accounting *accounting, struct buf *out)
{
    buf_printf(out,
               "received %" PRIu64 " internal %" PRIu64 " paired %" PRIu64 " waiting %" PRIu64
               " duplicate %" PRIu64,
               accounting->received, accounting->internal, accounting->paired, accounting->waiting,
               accounting->duplicate);
    for (unsigned i = 0; i < UNPAIRED_REASON_COUNT; i++)
        buf_printf(out, " %s %" PRIu64, unpaired_reason_name(i), accounting->unpaired[i]);
    buf_printf(out, " evicted %" PRIu64 " invalid %" PRIu64 " reused %" PRIu64 "\n",
               accounting->dropped[0], accounting->rejected[0], accounting->rejected[1]);
}

void world_print(const struct snapshot *snapshot, struct buf *out)
{
    for (size_t i = 0; i < snapshot->nodes_count; i++) {
        print_node(snapshot, (uint32_t)i, out);
        buf_append_text(out, snapshot->nodes[i].reported ? " reported\n" : "\n");
    }
    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        print_edge_name(snapshot, edge, out);
        if (edge->view != VIEW_BOTH)
            buf_append_text(out, edge_view_is_direct(edge->view) ? " direct" : " broker");
        buf_printf(out, ": %" PRIu64 " failed %" PRIu64, edge->requests, edge->failed);
        print_histogram("client", edge->client_seconds, out);
        print_histogram("server", edge->server_seconds, out);
        print_histogram("network", edge->network_seconds, out);
        print_histogram("messaging", edge->messaging_seconds, out);
        buf_append_byte(out, '\n');
    }
    for (size_t i = 0; i < snapshot->operations_count; i++) {
        const struct snapshot_operation *operation = &snapshot->operations[i];
        print_node(snapshot, operation->service, out);
        buf_append_byte(out, ' ');
        buf_append_view(out, operation->name);
        buf_printf(out, " kind %u status %u: %" PRIu64, operation->kind, operation->status,
                   operation->calls);
        print_histogram("latency", operation->latency, out);
        print_histogram("self", operation->self_seconds, out);
        buf_append_byte(out, '\n');
    }
    for (size_t i = 0; i < snapshot->losses_count; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[i];
        print_node(snapshot, loss->service, out);
        buf_printf(out, " lost kind %u %s: %" PRIu64 "\n", loss->kind,
                   loss->dropped ? dropped_reason_name(loss->reason)
                                 : unpaired_reason_name(loss->reason),
                   loss->spans);
    }
    print_accounting(&snapshot->accounting, out);
    buf_printf(out,
               "links %" PRIu64 " paired %" PRIu64 " waiting %" PRIu64 " missing %" PRIu64
               " dropped %" PRIu64 " negative %" PRIu64 "\n",
               snapshot->links.links, snapshot->links.paired, snapshot->links.waiting,
               snapshot->links.missing, snapshot->links.dropped,
               snapshot->counts.negative_messaging);
    buf_printf(out,
               "skewed %" PRIu64 " negative %" PRIu64 " unknown %" PRIu64 " cut %" PRIu64
               " fanout %" PRIu64 " memory %" PRIu64 " from %" PRIu64 " to %" PRIu64 "\n",
               snapshot->counts.skewed_durations, snapshot->counts.negative_network,
               snapshot->counts.weights_unknown, snapshot->counts.weights_cut,
               snapshot->counts.fanout_overflowed, snapshot->counts.memory_failures,
               snapshot->span_first.ns, snapshot->span_last.ns);
    assert_int_equal(out->failed, 0);
}

static const struct snapshot_edge *edge_of(const struct snapshot *snapshot, const char *name,
                                           bool (*is_other)(enum edge_view view))
{
    const struct snapshot_edge *found = NULL;

    for (size_t i = 0; i < snapshot->edges_count; i++) {
        struct buf text;
        buf_init(&text, 0);
        print_edge_name(snapshot, &snapshot->edges[i], &text);
        assert_int_equal(text.failed, 0);
        if (view_equal(buf_view(&text), view_of(name)) && !is_other(snapshot->edges[i].view))
            found = &snapshot->edges[i];
        buf_release(&text);
    }
    return found;
}

const struct snapshot_edge *world_edge(const struct snapshot *snapshot, const char *name)
{
    return edge_of(snapshot, name, edge_view_is_broker);
}

const struct snapshot_edge *world_broker_edge(const struct snapshot *snapshot, const char *name)
{
    return edge_of(snapshot, name, edge_view_is_direct);
}
